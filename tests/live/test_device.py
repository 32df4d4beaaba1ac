"""Devices with a thread: what came is read, a failure is raised once, and no thread is left."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from headrace.errors import StreamConfigError, WorkerError
from headrace.live.devices.clock import VirtualClock
from headrace.live.devices.protocol import Device
from headrace.live.devices.threaded import Threaded


class Counting(Threaded):
    """Puts `n` rows, fails or returns if it is to, and waits."""

    def __init__(self, n: int = 3, fails: Exception | None = None, ends: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.n, self.fails, self.ends = n, fails, ends
        self.calls: list[str] = []

    def opened(self) -> None:
        self.calls.append("opened")

    def closed(self) -> None:
        self.calls.append("closed")

    def run(self, stopping: threading.Event) -> None:
        for i in range(self.n):
            self.put({"timestamp": self.timestamp(), "i": i})
        if self.fails is not None:
            raise self.fails
        if not self.ends:
            stopping.wait()


def wait(device: Threaded, until: Any) -> None:
    for _ in range(2000):
        if until():
            return
        device.arrived.wait(0.01)
    raise AssertionError(f"did not come about: {device.state}, {device.stats()}")


def test_it_is_a_device_and_reads_what_came() -> None:
    device = Counting(rate=10.0, names=("timestamp", "i"))
    assert isinstance(device, Device)
    assert (device.state, bool(device.is_active), device.names) == ("idle", False, ("timestamp", "i"))
    assert device.read() == {}
    device.stop()
    assert device.state == "idle"
    device.start()
    device.start()  # of no effect
    assert device.is_active
    assert device.is_active()
    wait(device, lambda: device.stats()["pending"] == 3)
    block = device.read()
    assert (block["i"].tolist(), block.first, block.rate) == ([0, 1, 2], 0, 10.0)
    assert device.read() == {}
    device.stop()
    device.stop()
    assert (device.state, device.is_active(), device.calls) == ("stopped", False, ["opened", "closed"])


def test_rows_that_nobody_read_survive_a_restart_and_are_numbered_on() -> None:
    device = Counting()
    for _ in range(2):
        with device:
            wait(device, lambda: device.stats()["pending"] % 3 == 0 and device.stats()["pending"] > 0)
    assert device.read()["i"].tolist() in ([0, 1, 2] * 2, [0, 1, 2])
    first = device.stats()["produced"]
    with device:
        wait(device, lambda: device.stats()["pending"] == 3)
    assert device.read().first == first


def test_a_failure_is_raised_once_by_read_after_the_rows_before_it() -> None:
    error = ValueError("broken")
    device = Counting(fails=error)
    device.start()
    wait(device, lambda: device.state == "failed")
    assert not device.is_active
    assert device.calls == ["opened", "closed"]
    assert device.read()["i"].tolist() == [0, 1, 2]
    assert device.arrived.wait(0)  # the failure is to be read, too
    with pytest.raises(ValueError, match="broken") as found:
        device.read()
    assert found.value is error
    assert device.read() == {}
    device.stop()
    assert device.state == "failed"
    assert device.last_error is error
    device.fails = None
    device.start()
    assert device.is_active
    device.stop()


def test_a_failure_that_was_not_read_is_raised_by_stop() -> None:
    device = Counting(fails=ValueError("broken"))
    device.start()
    wait(device, lambda: device.state == "failed")
    with pytest.raises(ValueError, match="broken"):
        device.stop()
    device.stop()
    assert device.read()["i"].tolist() == [0, 1, 2]  # still there


def test_with_raises_a_failure_but_hides_no_other() -> None:
    device = Counting(fails=ValueError("broken"))
    with pytest.raises(ValueError, match="broken"), device:
        wait(device, lambda: device.state == "failed")

    def fails() -> None:
        with device:
            wait(device, lambda: device.state == "failed")
            raise KeyError("mine")

    with pytest.raises(KeyError) as found:
        fails()
    assert "Counting() failed meanwhile: ValueError('broken')" in found.value.__notes__[0]


def test_what_fails_to_open_is_raised_by_start() -> None:
    class Absent(Counting):
        def opened(self) -> None:
            raise OSError("no such device")

    device = Absent()
    with pytest.raises(OSError, match="no such device"):
        device.start()
    assert device.state == "idle"
    assert not device.is_active
    device.stop()


def test_restart_opens_it_again_after_a_pause() -> None:
    clock = VirtualClock()
    device = Counting(fails=ValueError("broken"), on_error="restart", clock=clock)
    with device:
        clock.advance(0.01)
        assert device.stats()["errors"] == 1
        clock.advance(0.05)
        assert device.stats()["errors"] == 2
        assert device.stats()["restarts"] == 1
        clock.advance(5.0)  # the pauses grow up to a second
        assert 5 <= device.stats()["restarts"] <= 10
        assert device.is_active
        assert repr(device.last_error) == "ValueError('broken')"
    assert device.state == "stopped"
    assert device.calls.count("opened") == device.calls.count("closed")
    assert len(device.read()["i"]) == 3 * device.stats()["errors"]


def test_one_that_ends_by_itself_is_stopped_and_says_so() -> None:
    device = Counting(ends=True)
    device.start()
    wait(device, lambda: device.state == "stopped")
    assert device.read()["i"].tolist() == [0, 1, 2]
    device.start()
    wait(device, lambda: device.stats()["produced"] == 6)
    device.stop()


def test_one_that_does_not_stop_is_named_and_does_not_hang() -> None:
    leave = threading.Event()

    class Stuck(Threaded):
        def run(self, stopping: threading.Event) -> None:
            leave.wait(60)

    device = Stuck(patience=0.05)
    device.start()
    with pytest.raises(WorkerError, match=r"Stuck\(\) did not stop within 0.05 seconds"):
        device.stop()
    assert device.state == "failed"
    leave.set()
    device.patience = 30.0
    device.stop()


def test_a_source_may_stop_its_own_device() -> None:
    class Leaving(Threaded):
        def run(self, stopping: threading.Event) -> None:
            self.stop()
            assert stopping.is_set()

    device = Leaving()
    device.start()
    wait(device, lambda: device.state == "stopped")
    device.stop()


def test_no_thread_is_left_after_many_starts() -> None:
    before = set(threading.enumerate())  # of which one may end meanwhile
    device = Counting(n=1)
    for _ in range(200):
        device.start()
        device.stop()
    assert set(threading.enumerate()) <= before


def test_blocks_are_put_whole() -> None:
    class Chunks(Threaded):
        def run(self, stopping: threading.Event) -> None:
            for _ in range(3):
                self.put_block({"audio": np.zeros((4, 2), np.int16)})

    device = Chunks()
    device.start()
    wait(device, lambda: device.state == "stopped")
    block = device.read()
    assert block["audio"].shape == (12, 2)
    assert block["audio"].dtype == np.int16


def test_a_policy_that_is_none() -> None:
    with pytest.raises(StreamConfigError, match=r"Counting got on_error='skip', wanted one of fail, restart"):
        Counting(on_error="skip")
