"""Devices at a serial port: the real driver, on a pseudo terminal that stands for the device."""

from __future__ import annotations

import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest

from headrace.core.block import Block
from headrace.errors import DataError, DeviceLostError, StreamConfigError
from headrace.live import cobs
from headrace.live.devices.clock import SystemClock, VirtualClock
from headrace.live.lines import Lines
from headrace.live.records import CobsRecords, Records
from headrace.live.serial import SerialSource
from headrace.testing import check_device
from live.hand import balanced, until
from live.ttys import Tty
from support.require import require

require("serial")


@pytest.fixture
def port(tmp_path: Path) -> Iterator[Tty]:
    port = Tty(tmp_path / "ttyFAKE")
    yield port
    port.unplug()


class Talker:
    """Says one row after the other, a hundred a second, whether or not somebody listens."""

    def __init__(self, port: Tty, row: Any) -> None:
        self._stop = threading.Event()
        self.said = 0

        def work() -> None:
            while not self._stop.wait(0.01):
                port.say(row(self.said))
                self.said += 1

        self._thread = threading.Thread(target=work)
        self._thread.start()

    def __enter__(self) -> Talker:
        return self

    def __exit__(self, *told: Any) -> None:
        self._stop.set()
        self._thread.join()


def rows(source: SerialSource, n: int) -> Any:
    """Read at least so many rows."""
    found: list[Block] = []

    def enough() -> bool:
        found.append(source.read())
        return sum(block.n for block in found) >= n

    until(enough)
    blocks = [block for block in found if block.n]
    return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


@pytest.mark.parametrize(
    ("parser", "one"),
    [
        pytest.param(lambda: Lines(["n", "x"], whole=True), lambda n: f"{n},{n / 2}\r\n".encode(), id="lines"),
        pytest.param(
            lambda: Records([("n", "<u4"), ("x", "<f4")], sync=b"\xaa\x55"),
            lambda n: b"\xaa\x55" + struct.pack("<If", n, n / 2),
            id="records",
        ),
        pytest.param(
            lambda: CobsRecords([("n", "<u4"), ("x", "<f4")]),
            lambda n: cobs.encode(struct.pack("<If", n, n / 2)),
            id="cobs",
        ),
    ],
)
def test_rows_come_however_they_are_cut(port: Tty, parser: Any, one: Any) -> None:
    rng = np.random.default_rng(0)
    sent = b"".join(one(n) for n in range(200))
    with SerialSource(str(port.path), parser()) as source:
        while sent:
            cut = int(rng.integers(1, 20))
            port.say(sent[:cut])
            sent = sent[cut:]
            sleep(0.0002)
        found = rows(source, 200)
        assert source.names == ("timestamp", "n", "x")
    assert found["n"].tolist() == list(range(200))
    assert found["x"].tolist() == [n / 2 for n in range(200)]
    assert np.all(np.diff(found["timestamp"]) >= 0)
    assert source.stats()["bad"] == 0
    assert balanced(source.stats())


def test_it_speaks_to_the_device(port: Tty) -> None:
    source = SerialSource(str(port.path), lambda data: {"n": len(data)}, baudrate=921600, parity="E")
    with pytest.raises(DeviceLostError, match=r"and is not connected"):
        source.send(b"go")
    with source:
        source.send(b"go")
        assert port.heard(5.0) == b"go"
        port.say(b"three")
        assert sum(rows(source, 1)["n"]) == 5
        assert source.stats()["link"] == "connected"
    assert source.stats()["link"] == "none"


def test_a_port_that_is_not_there_is_said_by_start(tmp_path: Path) -> None:
    source = SerialSource(str(tmp_path / "none"), Lines(["x"]))
    with pytest.raises(DeviceLostError, match=r"cannot open '.*none', wanted a serial port at 115200 baud(.|\n)*Ports"):
        source.start()
    assert source.state == "idle"
    assert source.stats()["link"] == "none"
    source.stop()


def test_a_port_that_another_has_open_is_refused(port: Tty) -> None:
    with SerialSource(str(port.path), Lines(["x"])), pytest.raises(DeviceLostError, match="by another program"):
        SerialSource(str(port.path), Lines(["x"])).start()


def test_it_is_found_again_when_it_was_unplugged(port: Tty) -> None:
    with SerialSource(str(port.path), Lines(["n"], whole=True), rate=100.0) as source:
        for n in range(3):
            port.say(b"%d\n1" % n)  # and half a line that never ends
            assert rows(source, 1)["n"].tolist() == [n]
            port.unplug()
            until(lambda: source.stats()["link"] == "lost")
            assert source.is_active
            port.plug()
            until(lambda: source.stats()["link"] == "connected")
        stats = source.stats()
    assert (stats["connects"], stats["losses"], stats["bad"]) == (4, 3, 0)
    assert isinstance(source.last_error, DeviceLostError)
    assert stats["errors"] >= 3


def test_without_reconnect_a_loss_is_a_failure(port: Tty) -> None:
    source = SerialSource(str(port.path), Lines(["n"], whole=True), reconnect=False)
    source.start()
    port.say(b"7\n")
    until(lambda: source.stats()["pending"])
    port.unplug()
    until(lambda: source.state == "failed")
    assert source.read()["n"].tolist() == [7]
    with pytest.raises(DeviceLostError, match="was lost while it was read"):
        source.read()
    source.stop()
    assert source.stats()["errors"] == 1


def test_silence_counts_as_lost(port: Tty) -> None:
    with SerialSource(str(port.path), Lines(["n"], whole=True), silence=0.3) as source:
        port.say(b"1\n")
        until(lambda: source.stats()["losses"] >= 1)
        until(lambda: source.stats()["connects"] >= 2)
        port.say(b"2\n")
        assert rows(source, 2)["n"].tolist() == [1, 2]
    assert "has said nothing for" in str(source.last_error)


def test_a_parser_that_raises_is_a_failure_or_counted(port: Tty) -> None:
    def odd(data: bytes) -> dict[str, int]:
        return {"n": int(data)}

    source = SerialSource(str(port.path), odd)
    source.start()
    port.say(b"?")
    until(lambda: source.state == "failed")
    with pytest.raises(ValueError, match="invalid literal") as found:
        source.stop()
    assert "while reading 1 bytes that came from SerialSource" in found.value.__notes__[0]
    with SerialSource(str(port.path), odd, on_error="skip") as source:
        port.say(b"?")
        until(lambda: source.stats()["errors"] == 1)
        port.say(b"5")
        assert rows(source, 1)["n"].tolist() == [5]


def test_stopping_takes_what_has_come_and_does_not_wait_for_more(port: Tty) -> None:
    source = SerialSource(str(port.path), Lines(["n"], whole=True))
    source.start()
    port.say(b"1\n2\n")
    source.stop()
    assert source.read()["n"].tolist() == [1, 2]


def test_names_may_come_in_the_first_line(port: Tty) -> None:
    with SerialSource(str(port.path), Lines()) as source:
        port.say(b"a,b\n1,2\n")
        assert {name: column.tolist() for name, column in rows(source, 1).items() if name != "timestamp"} == {
            "a": [1.0], "b": [2.0]
        }  # fmt: skip


def test_times_are_the_device_s_own(port: Tty) -> None:
    """A counter of 16 bits of milliseconds, that begins at 0 again; sent in bursts."""
    clock = VirtualClock(patience=0.001)
    source = SerialSource(
        str(port.path), Lines(["ms"], whole=True), device_time="ms", tick=1e-3, wrap=2**16, clock=clock
    )
    assert source.names == ("timestamp", "received", "ms")
    with source:
        for k in range(20):
            at = 2**16 - 100 + 10 * k
            port.say(b"".join(b"%d\n" % ((at + d) % 2**16) for d in range(0, 10, 2)))
            until(lambda k=k: source.stats()["produced"] == 5 * (k + 1))
            clock.advance(0.01)
        found = rows(source, 100)
    assert len(found["ms"]) == 100
    apart = np.diff(found["timestamp"])
    assert np.all(apart >= 0)
    # Rows that came together were not taken together.
    assert np.median(apart) == pytest.approx(0.002, abs=0.0018)
    assert np.median(np.diff(found["received"])) == 0
    assert source.stats()["strays"] == 0


@pytest.mark.parametrize("unplugged", [False, True])
def test_a_board_that_begins_again_after_half_a_second_is_noticed(port: Tty, unplugged: bool) -> None:
    clock = VirtualClock(patience=0.001)

    def talk(n: int) -> None:
        began, before = clock.now(), source.stats()["produced"]
        for k in range(n):
            port.say(b"%d\n" % round(1000 * (clock.now() - began)))
            until(lambda k=k: source.stats()["produced"] == before + k + 1)
            clock.advance(0.01)

    def connected() -> bool:
        clock.advance(0.01)
        return bool(source.stats()["connects"] == 2)

    source = SerialSource(str(port.path), Lines(["ms"], whole=True), device_time="ms", tick=1e-3, clock=clock)
    with source:
        talk(40)
        if unplugged:
            port.unplug()
            port.plug()
            until(connected)
        clock.advance(0.6)
        talk(30)
        found = rows(source, 70)
    late = found["received"] - found["timestamp"]
    assert np.median(np.abs(late[40:])) < 0.1
    assert np.abs(late[40:]).max() < 0.4
    assert (source.stats()["clocks"], source.stats()["strays"]) == (1, 3)


def test_the_laws_of_devices_hold(port: Tty, tmp_path: Path) -> None:
    def make(clock: Any) -> SerialSource:
        return SerialSource(str(port.path), Lines(["n", "x"]), rate=100.0, clock=clock)

    gone = Tty(tmp_path / "ttyGONE")

    def broken(clock: Any) -> SerialSource:
        gone.unplug()
        gone.plug()
        threading.Timer(0.05, gone.unplug).start()
        return SerialSource(str(gone.path), Lines(["n", "x"]), reconnect=False, clock=clock)

    with Talker(port, lambda n: f"{n},{n / 2}\n".encode()):
        report = check_device(make, broken=broken, clock=SystemClock, seconds=0.25, starts=3)
    assert set(report.skipped) == {"no matter when it is read", "no step of the wall clock"}


def test_columns_that_are_known_only_when_they_come_are_looked_at_then(port: Tty) -> None:
    cases: tuple[tuple[bytes, dict[str, Any], str], ...] = (
        (b"timestamp,x\n", {}, "got a column 'timestamp', wanted that name for its own times"),
        (b"t,x\n", {"device_time": "ms"}, r"device_time='ms', wanted one of its columns \['t', 'x'\]"),
    )
    for names, options, message in cases:
        source = SerialSource(str(port.path), Lines(), **options)
        source.start()
        port.say(names + b"1,2\n")
        until(lambda source=source: source.state == "failed")
        with pytest.raises(DataError, match=message):
            source.stop()
    with SerialSource(str(port.path), Lines(), stamp=False) as source:
        port.say(b"timestamp,x\n1,2\n")
        assert {name: column.tolist() for name, column in rows(source, 1).items()} == {"timestamp": [1.0], "x": [2.0]}


def test_what_it_does_not_take() -> None:
    for options, message in (
        ({"silence": 0}, "silence=0"),
        ({"device_time": "y"}, r"device_time='y', wanted one of its columns \['t'\]"),
        ({"tick": -1, "device_time": "t"}, "tick=-1"),
        ({"timestamp_key": "t"}, "a column 't'"),
        ({"on_error": "restart"}, "on_error='restart'"),
    ):
        with pytest.raises(StreamConfigError, match=message):
            SerialSource("/dev/none", Lines(["t"]), **options)
    with pytest.raises(StreamConfigError, match="parser=7"):
        SerialSource("/dev/none", 7)
    with pytest.raises(DataError, match="wanted a dict of values"):
        SerialSource("/dev/none", lambda data: "x").rows(b"")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baudrate": "fast"}, "got baudrate='fast', wanted bits a second"),
        ({"baudrate": 0}, "got baudrate=0, wanted"),
        ({"baudrate": 9600.5}, "got baudrate=9600.5, wanted"),
        ({"parity": "even"}, "got parity='even', wanted one of 'N', 'E', 'O'"),
    ],
)
def test_what_no_port_has_is_refused_when_it_is_made(options: dict[str, Any], message: str) -> None:
    with pytest.raises(StreamConfigError, match=message):
        SerialSource("/dev/ttyS0", Lines(["x"]), **options)
