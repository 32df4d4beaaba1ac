"""Bluetooth: the driver's code with a client that is none, for there is no radio here; and with the real one's refusal."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, DeviceLostError, StreamConfigError
from headrace.live.ble import BLEProtocol, BLESource, find_ble_address
from headrace.live.devices.clock import SystemClock
from headrace.live.records import Records
from headrace.live.sampler import Sampler
from headrace.testing import check_device
from live.hand import balanced, until
from live.rings import Air
from support.require import require

require("bleak")

WHERE = "D4:22:CD:00:00:01"
WHAT = "00002a37-0000-1000-8000-00805f9b34fb"


def heart(data: bytes) -> dict[str, int]:
    return {"bpm": data[1]}


def connected(source: BLESource) -> bool:
    return bool(source.stats()["link"] == "connected")


def test_notifications_become_rows_timed_when_they_came() -> None:
    air = Air()
    with BLESource(WHERE, WHAT, heart, client=air) as source:
        until(connected, source)
        for k in range(5):
            air.say(bytes([0, 60 + k]))
        until(lambda: source.stats()["pending"] == 5)
        block = source.read()
        assert source() == {"bpm": 64}
        source.send(b"go")
        assert air.written == b"go"
    assert list(block) == ["timestamp", "bpm"]
    assert block["bpm"].tolist() == [60, 61, 62, 63, 64]
    assert np.all(np.diff(block["timestamp"]) >= 0)
    assert balanced(source.stats())
    assert (air.made, air.client) == (1, None)


def test_starting_does_not_wait_for_the_radio() -> None:
    air = Air()
    air.hangs = True
    source = BLESource(WHERE, WHAT, heart, client=air, timeout=60)
    source.start()
    until(lambda: air.made == 1)
    assert source.stats()["link"] == "connecting"
    source.stop()  # nor stopping
    assert source.state == "stopped"


def test_a_device_that_is_not_found_is_a_failure() -> None:
    air = Air()
    air.refusals = 1
    source = BLESource(WHERE, WHAT, heart, client=air)
    source.start()
    until(lambda: source.state == "failed")
    with pytest.raises(DeviceLostError, match=r"BLELink\('D4:.*cannot connect to the device: D4:.* refuses\.\n  Is it"):
        source.read()
    source.start()  # and the next time it is there
    until(connected, source)
    source.stop()


def test_one_that_hangs_is_given_up() -> None:
    air = Air()
    air.hangs = True
    source = BLESource(WHERE, WHAT, heart, client=air, timeout=-4.8)  # with the patience for the rest, 0.2 s
    source.start()
    until(lambda: source.state == "failed")
    with pytest.raises(DeviceLostError, match="TimeoutError"):
        source.stop()


def test_it_is_found_again_after_each_loss() -> None:
    air = Air()
    with BLESource(WHERE, WHAT, heart, client=air) as source:
        for k in range(4):
            until(connected, source)
            air.say(bytes([0, k]))
            until(lambda k=k: source.stats()["pending"] == k + 1)
            air.refusals = k
            air.vanish()
            until(lambda: not connected(source))
            assert source.is_active
        until(connected, source)
        stats = source.stats()
    assert source.read()["bpm"].tolist() == [0, 1, 2, 3]
    assert (stats["connects"], stats["losses"]) == (5, 4)
    assert stats["errors"] == 4 + 1 + 2 + 3
    assert isinstance(source.last_error, DeviceLostError)


def test_what_it_sent_before_it_vanished_is_there() -> None:
    air = Air()
    source = BLESource(WHERE, WHAT, heart, client=air, reconnect=False)
    source.start()
    until(connected, source)
    for k in range(50):
        air.say(bytes([0, k]))
    air.vanish()
    until(lambda: source.state == "failed")
    assert source.read()["bpm"].tolist() == list(range(50))
    with pytest.raises(DeviceLostError, match="it has disconnected"):
        source.read()


def test_a_write_that_fails_says_so() -> None:
    air = Air()
    with BLESource(WHERE, WHAT, heart, client=air) as source:
        until(connected, source)
        air.client = None  # gone, and nobody has noticed
        with pytest.raises(DeviceLostError, match="cannot write to the device: not connected"):
            source.send(b"x")


def test_packets_cut_anywhere_are_put_together() -> None:
    air = Air()
    records = Records([("n", "<u2")], sync=b"\xaa\x55")
    sent = b"".join(b"\xaa\x55" + np.uint16(k).tobytes() for k in range(100))
    with BLESource(WHERE, WHAT, records, client=air, rate=100) as source:
        until(connected, source)
        for at in range(0, len(sent), 7):
            air.say(sent[at : at + 7])
        until(lambda: source.stats()["pending"] == 100)
        block = source.read()
    assert block["n"].tolist() == list(range(100))
    assert np.all(np.diff(block["timestamp"]) >= 0)
    assert list(block) == ["timestamp", "received", "n"]


def test_a_protocol_of_one_s_own() -> None:
    class Pairs(BLEProtocol):
        def __init__(self) -> None:
            self.half = b""

        async def packet_received(self, packet: bytes) -> None:
            self.half += packet
            while len(self.half) >= 2:
                await self.queue.put({"pair": list(self.half[:2])})
                self.half = self.half[2:]

        def reset(self) -> None:
            self.half = b""

    air = Air()
    with BLESource(WHERE, WHAT, Pairs, client=air) as source:  # the class, as documented
        until(connected, source)
        air.say(b"\x01")
        air.vanish()
        until(lambda: source.stats()["connects"] == 2)
        air.say(b"\x02\x03\x04")
        air.say(b"\x05")
        until(lambda: source.stats()["pending"] == 2)
        assert source.read()["pair"].tolist() == [[2, 3], [4, 5]]
    assert source.names == ("timestamp", "pair")

    class Waits(BLEProtocol):
        async def packet_received(self, packet: bytes) -> None:
            await asyncio.sleep(1)

    with pytest.raises(DataError, match=r"Waits\.packet_received waits for something, wanted rows at once"):
        Waits().feed(b"x")


def test_other_sources_stand_beside_its_rows() -> None:
    class Dial:
        name = "dial"
        on = False

        def __call__(self) -> dict[str, int]:
            return {"angle": 7}

        def start(self) -> None:
            self.on = True

        def stop(self) -> None:
            self.on = False

    air, dial = Air(), Dial()
    with BLESource(WHERE, WHAT, heart, [dial], client=air) as source:
        until(connected, source)
        assert dial.on
        air.say(bytes([0, 60]))
        until(lambda: source.stats()["pending"])
        assert source.read()["dial_angle"].tolist() == [7]
    assert not dial.on
    with pytest.raises(StreamConfigError, match="wanted one each"):
        BLESource(WHERE, WHAT, heart, [dial, dial])
    with BLESource(WHERE, WHAT, heart, {"bpm": lambda t: t}, client=air) as source:
        until(connected, source)
        air.say(bytes([0, 60]))
        until(lambda: source.state == "failed")
        with pytest.raises(DataError, match="two values for column 'bpm'"):
            source.read()


def test_a_sampler_asks_it_for_its_newest_row() -> None:
    air = Air()
    source = BLESource(WHERE, WHAT, heart, client=air)
    with Sampler({"heart": source}, 50) as sampler:
        until(connected, source)
        air.say(bytes([0, 61]))
        until(lambda: sampler.stats()["pending"] >= 3)
        assert set(sampler.read()["bpm"].tolist()) == {61}
    assert source.state == "stopped"


def test_one_that_nobody_takes_from_is_lost_and_not_kept_for_ever() -> None:
    air, held, leave = Air(), threading.Event(), threading.Event()

    def slow(data: bytes) -> dict[str, int]:
        held.set()
        leave.wait(20)
        return {"n": len(data)}

    with BLESource(WHERE, WHAT, slow, client=air) as source:
        until(connected, source)
        air.say(bytes(1))
        assert held.wait(20)
        for _ in range(6):
            air.say(bytes(1 << 20))
        until(lambda: source.link._lost)  # type: ignore[attr-defined]  # in the loop's thread, in its own time
        leave.set()
        until(lambda: source.stats()["losses"] == 1)
        until(connected, source)
    assert "bytes wait that nobody takes" in str(source.last_error)


def test_loops_of_others_are_left_alone() -> None:
    """A notebook has one that runs, and asks in it."""

    async def cell() -> list[int]:
        air = Air()
        for _ in range(3):
            with BLESource(WHERE, WHAT, heart, client=air) as source:
                until(connected, source)
                air.say(bytes([0, 60]))
                until(lambda source=source: source.stats()["pending"])
                found = source.read()["bpm"].tolist()
        return list(found)

    assert asyncio.run(cell()) == [60]


class Beats:
    """A belt that notifies a hundred times a second."""

    def __init__(self, air: Air) -> None:
        self._stop = threading.Event()

        def work() -> None:
            while not self._stop.wait(0.01):
                air.say(bytes([0, 60]))

        self._thread = threading.Thread(target=work)
        self._thread.start()

    def __enter__(self) -> Beats:
        return self

    def __exit__(self, *told: Any) -> None:
        self._stop.set()
        self._thread.join()


def test_the_laws_of_devices_hold() -> None:
    air, gone = Air(), Air()

    def make(clock: Any) -> BLESource:
        return BLESource(WHERE, WHAT, heart, client=air, clock=clock)

    def broken(clock: Any) -> BLESource:
        def breaks(data: bytes) -> dict[str, int]:
            threading.Timer(0.05, gone.vanish).start()
            return heart(data)

        return BLESource(WHERE, WHAT, breaks, client=gone, reconnect=False, clock=clock)

    with Beats(air), Beats(gone):
        report = check_device(make, broken=broken, clock=SystemClock, seconds=0.25, starts=5)
    assert set(report.skipped) == {"no matter when it is read", "no step of the wall clock"}


def test_the_real_driver_says_that_there_is_none() -> None:
    """No Bluetooth, or no such device: an address that nobody has."""
    source = BLESource("00:00:00:00:00:00", WHAT, heart, timeout=1.0)
    source.start()
    until(lambda: source.state == "failed")
    with pytest.raises(DeviceLostError, match="cannot connect to the device"):
        source.stop()


def test_addresses_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [SimpleNamespace(name="Wave 1", address="A"), SimpleNamespace(name=None, address="B")]

    class Scanner:
        @staticmethod
        async def discover(timeout: float) -> list[Any]:
            return there

    monkeypatch.setattr("bleak.BleakScanner", Scanner)
    assert asyncio.run(find_ble_address("Wave")) == "A"
    with pytest.raises(DataError, match=r"found 2 devices within 5.0 seconds, wanted one.\n  Seen: A \(Wave 1\), B"):
        asyncio.run(find_ble_address())
    there.pop()
    assert asyncio.run(find_ble_address()) == "A"
