"""The sampler: even moments, no drift, late ones counted, and a source's failure where it is seen."""

from __future__ import annotations

import functools
import math
import os
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError, WorkerError
from headrace.live.devices.clock import SystemClock, VirtualClock
from headrace.live.sampler import Sampler
from headrace.sources.waves import RandomNoise, SineWave


def test_rows_stand_at_their_moments() -> None:
    clock = VirtualClock(5.0, wall=1000.0)
    with Sampler({"t": lambda t: t, "n": lambda: 1}, sample_rate=100, clock=clock) as sampler:
        clock.advance(10.0)
        clock.step_wall(-50.0)  # no step of the wall clock is in the times
        clock.advance(10.0)
    block = sampler.read()
    assert list(block) == ["timestamp", "t", "n"]
    np.testing.assert_allclose(block["timestamp"], 1000 + np.arange(2001) / 100, rtol=0, atol=1e-6)
    np.testing.assert_allclose(block["t"], np.arange(2001) / 100, rtol=0, atol=1e-12)
    assert block["n"].dtype == np.int64
    assert sampler.stats() | {"pending_bytes": 0} == {
        "produced": 2001, "delivered": 2001, "dropped": 0, "pending": 0, "pending_bytes": 0, "late": 0, "errors": 0,
        "restarts": 0, "missed": 0,
    }  # fmt: skip


def test_reads_hand_on_to_each_other() -> None:
    clock, found = VirtualClock(), []
    with Sampler({"k": lambda t: round(t * 50)}, sample_rate=50, clock=clock) as sampler:
        for seconds in (0.0, 0.1, 0.0, 0.001, 1.0, 3.0):
            clock.advance(seconds)
            found.append(sampler.read())
    assert [len(block) for block in found] == [2, 2, 0, 0, 2, 2]
    rows = [k for block in found if block for k in block["k"]]
    assert rows == list(range(len(rows)))
    assert [block.first for block in found] == [0, 1, 6, 6, 6, 56]


class Slow:
    """Takes some of the clock's time at the calls named."""

    def __init__(self, clock: VirtualClock, at: dict[int, float]) -> None:
        self.clock, self.at, self.calls = clock, at, -1

    def __call__(self) -> int:
        self.calls += 1
        if self.calls in self.at:
            self.clock.wait_until(self.clock.now() + self.at[self.calls])
        return self.calls


def test_moments_that_are_missed_are_skipped_and_counted_and_nothing_drifts() -> None:
    clock = VirtualClock()
    with Sampler({"n": Slow(clock, {3: 0.035, 6: 0.005})}, sample_rate=100, clock=clock) as sampler:
        clock.advance(0.2)
    times = np.round((sampler.read()["timestamp"] - 1.7e9) * 1000)
    # The call of row 3 ends at 65 ms: 40 and 50 gave no row, 60 is taken late, at once.
    assert times.tolist() == [0, 10, 20, 30, 65, *range(70, 201, 10)]
    assert {name: sampler.stats()[name] for name in ("late", "missed")} == {"late": 2, "missed": 2}


def test_moments_that_are_missed_are_caught_up_on_request() -> None:
    clock = VirtualClock()
    slow = Slow(clock, {3: 0.035})
    with Sampler({"n": slow}, sample_rate=100, late="catch up", clock=clock) as sampler:
        clock.advance(0.2)
    times = np.round((sampler.read()["timestamp"] - 1.7e9) * 1000)
    assert times.tolist() == [0, 10, 20, 30, 65, 65, 65, *range(70, 201, 10)]
    assert {name: sampler.stats()[name] for name in ("late", "missed")} == {"late": 2, "missed": 0}


def test_what_a_source_is_called_with_is_decided_by_its_signature() -> None:
    table, clock = [7, 8], VirtualClock()
    sources: dict[str, Any] = {
        "t": lambda t: t, "nothing": lambda: 1, "closure": lambda i=1: table[i], "named": lambda t=5.0: t,
        "ufunc": np.cos, "builtin": math.cos, "partial": functools.partial(lambda k, t: k * t, 3), "wall": time.time,
        "any": lambda *args: len(args), "sine": SineWave(frequency=1.0), "noise": RandomNoise(seed=1),
    }  # fmt: skip
    with Sampler(sources, sample_rate=4, clock=clock) as sampler:
        clock.advance(0.25)
    last = {name: column[-1] for name, column in sampler.read().items()}
    assert (last["t"], last["nothing"], last["closure"], last["named"], last["any"]) == (0.25, 1, 8, 0.25, 1)
    assert last["ufunc"] == last["builtin"] == math.cos(0.25)
    assert (last["partial"], last["sine"]) == (0.75, 1.0)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (lambda a, b: 0, r"source 'x' wants the arguments \['a', 'b'\]"),
        (lambda *, k: 0, r"source 'x' wants the arguments \['k'\]"),
        (5, r"source 'x' is 5, wanted a function"),
        (Sampler({}, 10), r"Merge\(sampler, \{'x': device\}\)"),
    ],
)
def test_a_source_that_is_none(source: Any, message: str) -> None:
    with pytest.raises(StreamConfigError, match=message):
        Sampler({"x": source}, 10)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sample_rate": 0}, {"sample_rate": math.inf}, {"sample_rate": "fast"}, {"late": "drop"}, {"on_error": "pass"},
        {"overflow": "wait"}, {"spin": -1.0}, {"spin": 1e-4, "clock": SystemClock()},
        {"process": True, "clock": VirtualClock()},
    ],
)  # fmt: skip
def test_a_parameter_that_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(StreamConfigError, match="got "):
        Sampler({"x": lambda: 0}, **{"sample_rate": 10, **wrong})


def test_the_values_of_a_dict_are_columns() -> None:
    clock = VirtualClock()
    keys = {"pressing_enter": 1, "pressing_a": 0}
    plain = Sampler({"keyboard": lambda: keys, "xy": lambda: np.array([1, 2])}, 10, clock=clock)
    prefixed = Sampler({"keyboard": lambda: keys}, 10, prefix=True, timestamp_key="time", clock=clock)
    with plain, prefixed:
        clock.advance(0.1)
    block = plain.read()
    assert plain.names == tuple(block) == ("timestamp", "pressing_enter", "pressing_a", "xy")
    assert block["xy"].tolist() == [[1, 2], [1, 2]]
    assert list(prefixed.read()) == ["time", "keyboard_pressing_enter", "keyboard_pressing_a"]


def test_two_values_for_one_column_are_refused() -> None:
    clock = VirtualClock()
    sampler = Sampler({"a": lambda: {"x": 1}, "x": lambda: 2}, 10, clock=clock)
    sampler.start()
    clock.advance(0.0)
    with pytest.raises(DataError, match="two values for column 'x'"):
        sampler.stop()


def test_the_moments_of_the_monotonic_clock_on_request() -> None:
    clock = VirtualClock(3.0)
    with Sampler({}, 10, monotonic_key="ns", clock=clock) as sampler:
        clock.advance(0.2)
    assert sampler.read()["ns"].tolist() == [3_000_000_000, 3_100_000_000, 3_200_000_000]


def test_attributes_turned_while_it_runs_count_from_the_next_row_on() -> None:
    clock, wave = VirtualClock(), SineWave(frequency=0.25)
    with Sampler({"x": wave}, 1, clock=clock) as sampler:
        clock.advance(1.0)
        wave.amplitude = 5.0
        clock.advance(4.0)
    np.testing.assert_allclose(sampler.read()["x"], [0, 1, 0, -5, 0, 5], atol=1e-9)


class Opened:
    """A source with a start and a stop."""

    def __init__(self, log: list[str], name: str, fails: str = "") -> None:
        self.log, self.name, self.fails = log, name, fails

    def start(self) -> None:
        self.log.append(f"start {self.name}")
        if self.fails == "start":
            raise OSError("no device")

    def stop(self) -> None:
        self.log.append(f"stop {self.name}")
        if self.fails == "stop":
            raise OSError("busy")

    def __call__(self) -> int:
        if self.fails == "call":
            raise OSError("unplugged")
        return 1


def test_sources_are_started_and_stopped() -> None:
    log: list[str] = []
    sampler = Sampler({"a": Opened(log, "a"), "b": Opened(log, "b")}, 10, clock=VirtualClock())
    for _ in range(2):
        with sampler:
            pass
    assert log == ["start a", "start b", "stop b", "stop a"] * 2


def test_a_source_that_cannot_be_started_leaves_none_open() -> None:
    log: list[str] = []
    sampler = Sampler({"a": Opened(log, "a"), "b": Opened(log, "b", "start")}, 10, clock=VirtualClock())
    with pytest.raises(OSError, match="no device") as found:
        sampler.start()
    assert found.value.__notes__ == ["  while starting source 'b'"]
    assert log == ["start a", "start b", "stop a"]
    assert not sampler.is_active


def test_all_sources_are_stopped_though_one_fails_to() -> None:
    log: list[str] = []
    sampler = Sampler({"a": Opened(log, "a"), "b": Opened(log, "b", "stop")}, 10, clock=VirtualClock())
    sampler.start()
    with pytest.raises(OSError, match="busy") as found:
        sampler.stop()
    assert found.value.__notes__ == ["  while stopping source 'b'"]
    assert log[-2:] == ["stop b", "stop a"]


def test_an_exception_in_a_source_is_a_state_and_is_raised() -> None:
    clock = VirtualClock()
    values = iter([1, 2])
    sampler = Sampler({"x": lambda: next(values)}, 10, clock=clock)
    sampler.start()
    clock.advance(0.5)
    assert sampler.state == "failed"
    assert sampler.read()["x"].tolist() == [1, 2]
    with pytest.raises(StopIteration) as found:
        sampler.read()
    assert found.value.__notes__ == ["  while asking source 'x' for row 2"]
    sampler.stop()


def failing(at: set[int]) -> Any:
    calls = iter(range(10**9))

    def source() -> int:
        k = next(calls)
        if k in at:
            raise ValueError(f"call {k}")
        return k

    return source


def test_rows_with_an_exception_are_skipped_on_request() -> None:
    clock = VirtualClock()
    with Sampler({"x": failing({1, 3})}, 10, on_error="skip", clock=clock) as sampler:
        clock.advance(0.5)
    assert sampler.read()["x"].tolist() == [0, 2, 4, 5]
    assert sampler.stats()["errors"] == 2
    assert str(sampler.last_error) == "call 3"


def test_sources_are_opened_again_on_request_and_the_pause_is_counted() -> None:
    clock = VirtualClock()
    log: list[str] = []
    opened = Opened(log, "a")
    with Sampler({"x": failing({2}), "a": opened}, 100, on_error="restart", clock=clock) as sampler:
        clock.advance(0.2)
    assert log == ["start a", "stop a", "start a", "stop a"]
    block = sampler.read()
    assert block["x"].tolist()[:4] == [0, 1, 3, 4]
    times = np.round((block["timestamp"] - 1.7e9) * 1000)
    assert times.tolist() == [0, 10, *range(70, 201, 10)]
    assert {name: sampler.stats()[name] for name in ("errors", "restarts", "missed")} == {
        "errors": 1, "restarts": 1, "missed": 4,
    }  # fmt: skip


def test_what_is_not_read_is_bounded() -> None:
    clock = VirtualClock()
    with Sampler({"x": lambda t: t}, 100, max_bytes=16 * 50, clock=clock) as sampler:
        clock.advance(2.0)
    block = sampler.read()
    assert (len(block["x"]), block.first) == (50, 151)
    assert sampler.stats()["dropped"] == 151


def test_it_keeps_the_rate_by_the_machine_s_clock() -> None:
    with Sampler({"x": lambda t: t}, 500) as sampler:
        time.sleep(0.4)
    block, stats = sampler.read(), sampler.stats()
    times, since = block["timestamp"], block["x"]
    assert np.all(np.diff(times) > 0)
    assert abs(times[-1] - time.time()) < 60
    np.testing.assert_allclose(np.diff(times), np.diff(since), atol=1e-5)
    # However late the machine was, at the first moment too: every one has passed as a row or is counted as missed.
    assert len(times) + stats["missed"] == int(since[-1] * 500 + 1e-6) + 1


def test_the_text_says_the_sources_and_the_rate() -> None:
    assert repr(Sampler({"a": lambda: 0, "b": lambda: 0}, 100)) == "Sampler(['a', 'b'], sample_rate=100)"


# --- a process of its own ---------------------------------------------------------------------------


def read_all(sampler: Sampler, n: int) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for _ in range(2000):
        for name, column in sampler.read().items():
            found.setdefault(name, []).extend(column.tolist())
        if len(found.get("timestamp", ())) >= n:
            return found
        sampler.arrived.wait(0.02)
    raise AssertionError(f"{sampler.state}, {sampler.stats()}")


def test_a_process_of_its_own_gives_the_same_rows() -> None:
    sampler = Sampler({"t": lambda t: t, "pid": lambda: os.getpid(), "v": lambda: np.arange(3)}, 200, process=True)
    before = time.time()
    for _ in range(2):
        sampler.start()
        found = read_all(sampler, 20)
        sampler.stop()
        rest = sampler.read()
        assert len(set(found["pid"])) == 1
        assert found["pid"][0] != os.getpid()
        assert found["v"][0] == [0, 1, 2]
        times = np.array(found["timestamp"] + rest.get("timestamp", np.zeros(0)).tolist())
        assert before - 5 < times[0] < time.time() + 5
        t = np.array(found["t"] + rest.get("t", np.zeros(0)).tolist())
        np.testing.assert_allclose(np.diff(times), np.diff(t), atol=1e-5)
    stats = sampler.stats()
    assert stats["produced"] == stats["delivered"] + stats["dropped"] + stats["pending"]
    assert stats["pending"] == 0


def test_an_exception_in_the_other_process_is_raised_here() -> None:
    calls = iter(range(3))

    def source() -> int:
        return [10, 11][next(calls)]

    sampler = Sampler({"x": source}, 100, process=True, late="catch up")  # a row for each tick
    sampler.start()
    assert read_all(sampler, 2)["x"] == [10, 11]
    for _ in range(2000):
        if sampler.state == "failed":
            break
        sampler.arrived.wait(0.02)
    with pytest.raises(IndexError, match="list index out of range") as found:
        sampler.read()
    assert "  while asking source 'x' for row 2" in found.value.__notes__
    sampler.stop()


def test_a_process_that_dies_is_a_failure() -> None:
    def source() -> int:
        os._exit(7)

    sampler = Sampler({"x": source}, 100, process=True)
    with pytest.raises(WorkerError, match="ended with exit code 7"), sampler:  # by start, if it is that early
        sampler._thread.join(60)  # type: ignore[union-attr]
    assert not sampler.is_active


def test_what_cannot_go_to_another_process_is_refused() -> None:
    lock = threading.Lock()

    def source() -> bool:
        return lock.locked()

    sampler = Sampler({"x": source}, 100, process=True)
    with pytest.raises(StreamConfigError, match="cannot be sent to a process of its own"):
        sampler.start()
    assert sampler.state == "idle"


def test_a_start_that_fails_in_the_other_process_is_raised_by_start() -> None:
    class Absent:
        def start(self) -> None:
            raise OSError("no device")

        def __call__(self) -> int:
            return 0

    sampler = Sampler({"x": Absent()}, 100, process=True)
    with pytest.raises(OSError, match="no device"):
        sampler.start()


def test_large_rows_come_from_another_process_too() -> None:
    def image(t: float) -> Any:  # of the moment that has come last: a late one has no other's number
        return np.full((300, 400), int(t * 50 + 1e-6), np.int32)

    with Sampler({"image": image}, 50, process=True) as sampler:
        found = read_all(sampler, 10)["image"]
    assert [row[0][0] for row in found] == [row[-1][-1] for row in found]
    numbers = [row[0][0] for row in found]
    assert numbers == sorted(set(numbers))


def test_a_process_of_its_own_ends_when_its_parent_is_killed() -> None:
    code = """
import os, signal
from headrace.live.sampler import Sampler
sampler = Sampler({"x": lambda t: t}, 100, process=True)
sampler.start()
sampler.arrived.wait(30)
print("came", flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    # Returns when the last process that holds its stderr has ended: the sampler's has it, too.
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout == "came\n"
    assert done.stderr == ""


def test_what_a_source_prints_does_not_come_among_the_rows() -> None:
    code = """
from headrace.live.sampler import Sampler
def source():
    print("printed")
    return 1
with Sampler({"x": source}, 100, process=True) as sampler:
    sampler.arrived.wait(30)
print(set(sampler.read()["x"].tolist()))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True)
    assert done.stdout == "{1}\n"
    assert set(done.stderr.split()) == {"printed"}
