"""One row for each of the leader's: which value, how old, and what was skipped or repeated."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.block import Block
from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.clock import VirtualClock
from headrace.live.devices.pending import Pending
from headrace.live.devices.protocol import Device
from headrace.live.devices.threaded import Threaded
from headrace.live.devices.wake import Wake
from headrace.live.merging.merge import Merge
from headrace.live.sampler import Sampler

W = 1.7e9  # the virtual clock's Unix time at its start


class Scripted(Threaded):
    """Puts rows at the moments that it is told, with these values."""

    def __init__(
        self, clock: VirtualClock, at: list[float], key: str = "v", values: Any = None, **options: Any
    ) -> None:
        super().__init__(clock=clock, names=("timestamp", key), **options)
        self.at, self.key = at, key
        self.values = list(range(len(at))) if values is None else values

    def run(self, stopping: threading.Event) -> None:
        for at, value in zip(self.at, self.values, strict=True):
            if not self.clock.wait_until(at, stopping):
                return
            self.put({"timestamp": self.timestamp(), self.key: value})
        self.clock.wait_until(float("inf"), stopping)


def ticks(clock: VirtualClock, rate: float = 10, **options: Any) -> Sampler:
    return Sampler({"k": lambda t: round(t * rate)}, rate, clock=clock, **options)


def run(merged: Merge, clock: VirtualClock, seconds: float, reads: int = 1) -> dict[str, Any]:
    """All rows of a run, read in so many pieces."""
    blocks: list[Block] = []
    with merged:
        for _ in range(reads):
            clock.advance(seconds / reads)
            blocks.append(merged.read())
    blocks.append(merged.read())
    counts = merged.stats()
    assert counts["produced"] == counts["delivered"] + counts["dropped"] + counts["pending"]
    assert counts["pending"] == 0
    there = [block for block in blocks if block]
    names = list(there[0])
    assert all(list(block) == names for block in there)
    return {name: np.concatenate([block[name] for block in there]) for name in names}


@pytest.mark.parametrize("reads", [1, 4, 10])
@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("latest", [np.nan, np.nan, 0, 0, 0, 1, 1, 3, 3, 3, 3]),
        ("nearest", [0, 0, 0, 1, 1, 1, 2, 3, 3, 3, 3]),
        ("linear", []),
        ("window:count", [0, 0, 1, 0, 0, 1, 0, 2, 0, 0, 0]),
        ("window:mean", [np.nan, np.nan, 0, np.nan, np.nan, 1, np.nan, 2.5, np.nan, np.nan, np.nan]),
        ("window:any", [False, False, False, False, False, True, False, True, False, False, False]),
        ("all", [[], [], [0], [], [], [1], [], [2, 3], [], [], []]),
    ],
)
def test_which_value_a_row_takes(how: str, expected: list[Any], reads: int) -> None:
    clock = VirtualClock()
    follower = Scripted(clock, [0.15, 0.43, 0.6125, 0.65])
    merged = Merge(ticks(clock), {"f": follower}, how)
    found = run(merged, clock, 1.0, reads)
    assert found["k"].tolist() == list(range(11))
    column = found["f_count" if how == "window:count" else "f_v"]
    if how == "all":
        assert [each.tolist() for each in column] == expected
        assert [np.round(each - W, 4).tolist() for each in found["f_timestamp"]][7] == [0.6125, 0.65]
    elif how == "linear":
        at = np.arange(11) / 10
        line = np.interp(at, [0.15, 0.43, 0.6125, 0.65], [0, 1, 2, 3], left=np.nan, right=np.nan)
        np.testing.assert_allclose(column, line, atol=1e-5)
    else:
        np.testing.assert_array_equal(column, expected)


def test_a_follower_at_another_rate_is_skipped_or_repeated_and_both_are_counted() -> None:
    clock = VirtualClock()
    fast, slow = ticks(clock, 40), Sampler({"s": lambda t: round(t * 5)}, 5, clock=clock)
    merged = Merge(ticks(clock), {"fast": fast, "slow": slow})
    assert isinstance(merged, Device)
    found = run(merged, clock, 1.0, 3)
    assert found["fast_k"].tolist() == list(range(0, 41, 4))
    assert found["slow_s"].tolist() == [k // 2 for k in range(11)]
    told = merged.stats()["followers"]
    assert (told["fast"]["skipped"], told["fast"]["repeated"]) == (30, 0)
    assert (told["slow"]["skipped"], told["slow"]["repeated"]) == (0, 5)
    assert told["fast"]["age_max"] == pytest.approx(0, abs=1e-5)
    assert told["slow"]["age_max"] == pytest.approx(0.1, abs=1e-5)
    assert told["slow"]["age_p99"] == pytest.approx(0.1, abs=1e-5)
    np.testing.assert_allclose(found["slow_timestamp"] - W, found["slow_s"] / 5, atol=1e-5)


def test_a_value_that_is_too_old_is_missing() -> None:
    clock = VirtualClock()
    merged = Merge(ticks(clock), {"f": Scripted(clock, [0.0, 0.5])}, max_age={"f": 0.25})
    found = run(merged, clock, 1.0)
    np.testing.assert_array_equal(found["f_v"], [0, 0, 0, *[np.nan] * 2, 1, 1, 1, *[np.nan] * 3])
    assert merged.stats()["followers"]["f"]["missing"] == 5
    assert np.isnan(found["f_timestamp"]).sum() == 5


def test_rows_before_the_first_sample_are_left_out_on_request_and_counted() -> None:
    clock = VirtualClock()
    merged = Merge(ticks(clock), {"f": Scripted(clock, [0.35])}, before="wait")
    found = run(merged, clock, 1.0, 5)
    assert found["k"].tolist() == list(range(4, 11))
    assert found["f_v"].dtype == np.int64
    assert merged.stats()["dropped"] == 4


def test_a_row_that_waits_for_a_later_sample_waits_no_longer_than_it_may() -> None:
    clock = VirtualClock()
    merged = Merge(ticks(clock), {"f": Scripted(clock, [0.0, 0.25])}, "nearest", patience=0.5)
    with merged:
        clock.advance(0.4)
        assert merged.read()["k"].tolist() == [0, 1, 2]
        assert merged.stats()["pending"] == 2
        clock.advance(0.2)
        assert not merged.read()
        clock.advance(0.4)
        assert merged.read()["f_v"].tolist() == [1, 1]
    assert merged.read()["k"].tolist() == [5, 6, 7, 8, 9, 10]


def test_functions_are_followers_too() -> None:
    clock, calls = VirtualClock(), iter(range(1000))
    merged = Merge(ticks(clock), {"t": lambda t: [t, 2 * t], "n": lambda: {"calls": next(calls), "n": 5}})
    found = run(merged, clock, 1.0, 3)
    np.testing.assert_allclose(found["t"], np.arange(11)[:, None] / 10 * [1, 2], atol=1e-5)
    assert found["n_calls"].tolist() == list(range(11))
    assert found["n"].tolist() == [5] * 11


def test_a_function_is_asked_once_for_each_chunk_of_its_leader() -> None:
    class Chunks(Threaded):
        def run(self, stopping: threading.Event) -> None:
            for k in range(3):
                self.clock.wait_until(0.1 * (k + 1))
                self.put_block(
                    {"timestamp": self.timestamp() - np.arange(3)[::-1] * 0.02, "audio": np.arange(4 * 3).reshape(3, 4)}
                )

    clock, calls = VirtualClock(), iter(range(1000))
    merged = Merge(Chunks(clock=clock), {"mouse": lambda: next(calls)})
    found = run(merged, clock, 0.5, 2)
    assert found["mouse"].tolist() == [0] * 3 + [1] * 3 + [2] * 3
    assert found["audio"].shape == (9, 4)
    assert merged.stats()["followers"]["mouse"]["repeated"] == 6
    assert merged.state == "stopped"


def test_values_that_are_no_numbers() -> None:
    clock = VirtualClock()
    texts = Scripted(clock, [0.15], values=["left"])
    found = run(Merge(ticks(clock), {"f": texts}), clock, 0.3)
    assert found["f_v"].tolist() == [None, None, "left", "left"]
    clock = VirtualClock()
    merged = Merge(ticks(clock), {"f": Scripted(clock, [0.0, 0.15], values=["a", "b"])}, "linear")
    merged.start()
    clock.advance(0.3)
    with pytest.raises(DataError, match="wanted numbers for how='linear'"):
        merged.read()
    merged.stop()


def test_vectors_are_followed_by_row() -> None:
    expectations: dict[str, Any] = {
        "linear": [[0, 1], [1, 2], [2, 3]],
        "window:mean": [[0, 1], [np.nan] * 2, [2, 3]],
    }
    for how, expected in expectations.items():
        clock = VirtualClock()
        vectors = Scripted(clock, [0.0, 0.2], values=[np.array([0.0, 1.0]), np.array([2.0, 3.0])])
        found = run(Merge(ticks(clock), {"f": vectors}, how), clock, 0.2)
        np.testing.assert_allclose(found["f_v"], expected, atol=1e-4)


def test_a_step_of_the_wall_clock_between_the_starts_changes_nothing() -> None:
    clock = VirtualClock()
    follower = ticks(clock, 20)
    follower.start()
    clock.step_wall(1000.0)
    merged = Merge(ticks(clock), {"f": follower})
    found = run(merged, clock, 0.5)
    assert found["f_k"].tolist() == [0, 2, 4, 6, 8, 10]
    assert follower.is_active  # it ran before, and is not ours to stop
    follower.stop()


def test_a_merge_starts_and_stops_its_devices_and_again() -> None:
    clock = VirtualClock()
    leader, follower = ticks(clock), ticks(clock, 20)
    merged = Merge(leader, {"f": follower})
    assert merged.state == "idle"
    for _ in range(2):
        with merged:
            assert leader.is_active
            assert follower.is_active
            assert merged.is_active()
            clock.advance(0.2)
        assert (merged.state, leader.state, follower.state) == ("stopped", "stopped", "stopped")
        assert merged.read()["k"].tolist() == [0, 1, 2]
    merged.stop()


def test_the_bell_rings_for_leader_and_followers() -> None:
    clock = VirtualClock()
    with Merge(ticks(clock, 1), {"f": Scripted(clock, [0.5])}) as merged:
        clock.advance(0.1)
        assert merged.arrived.wait(10)
        merged.read()
        assert not merged.arrived.wait(0)
        clock.advance(0.5)
        assert merged.arrived.wait(10)


def broken() -> int:
    raise ValueError("broken")


def test_a_failure_of_leader_or_follower_is_raised_once() -> None:
    for which in ("leader", "follower", "function"):
        clock = VirtualClock()
        bad = Sampler({"b": broken}, 10, clock=clock)
        leader: Any = bad if which == "leader" else ticks(clock)
        followers = {"f": bad if which == "follower" else broken if which == "function" else ticks(clock)}
        merged = Merge(leader, followers)
        merged.start()
        clock.advance(0.5)
        assert merged.state == "failed"
        assert not merged.is_active
        with pytest.raises(ValueError, match="broken"):
            list(iter(merged.read, None))  # rows first
        merged.stop()
        merged.read()


def test_a_failure_nobody_read_is_raised_by_stop() -> None:
    clock = VirtualClock()
    merged = Merge(ticks(clock), {"f": Sampler({"b": broken}, 10, clock=clock)})
    merged.start()
    clock.advance(0.2)
    with pytest.raises(ValueError, match="broken"):
        merged.stop()
    assert merged.state == "failed"
    assert merged.read()["k"].tolist() == [0, 1, 2]


def test_a_follower_that_fails_is_gone_on_without_on_request() -> None:
    clock = VirtualClock()
    values = iter([7, 8])
    follower = Sampler({"b": lambda: next(values)}, 10, clock=clock)
    merged = Merge(ticks(clock), {"f": follower}, on_error="skip", max_age=0.25)
    merged.start()
    clock.advance(0.5)
    assert merged.is_active
    np.testing.assert_array_equal(merged.read()["f_b"], [7, 8, 8, 8, np.nan, np.nan])
    merged.stop()


def test_one_that_does_not_start_leaves_the_others_stopped() -> None:
    class Absent(Scripted):
        def opened(self) -> None:
            raise OSError("no device")

    clock = VirtualClock()
    follower = ticks(clock)
    merged = Merge(Absent(clock, []), {"f": follower})
    with pytest.raises(OSError, match="no device"):
        merged.start()
    assert (follower.state, merged.state) == ("stopped", "idle")


def test_columns_have_one_name_each() -> None:
    clock = VirtualClock()
    with Merge(ticks(clock), {"k": lambda t: t}) as merged:
        clock.advance(0.1)
        with pytest.raises(DataError, match="two columns 'k'"):
            merged.read()


def test_rows_for_which_a_function_of_the_time_raises_are_counted() -> None:
    clock, fails = VirtualClock(), [True]

    def source(t: float) -> float:
        if fails:
            raise ValueError("broken")
        return t

    with Merge(ticks(clock), {"f": source}) as merged:
        clock.advance(0.1)
        with pytest.raises(ValueError, match="broken") as found:
            merged.read()
        assert found.value.__notes__ == ["  while asking follower 'f'"]
        fails.clear()
        clock.advance(0.1)
        assert merged.read()["k"].tolist() == [2]
    counts = merged.stats()
    assert (counts["produced"], counts["delivered"], counts["dropped"], counts["pending"]) == (3, 1, 2, 0)


def test_rows_without_times_are_refused() -> None:
    class Timeless(Threaded):
        def run(self, stopping: threading.Event) -> None:
            self.put({"x": 1})

    clock = VirtualClock()
    for leader, followers in ((Timeless(clock=clock), {}), (ticks(clock), {"f": Timeless(clock=clock)})):
        merged = Merge(leader, followers)
        merged.start()
        clock.advance(0.1)
        with pytest.raises(DataError, match="without times"):
            list(iter(merged.read, None))
        leader.stop()


@pytest.mark.parametrize(
    ("args", "options", "message"),
    [
        ((lambda: 0, {}), {}, "Merge got leader"),
        ((Sampler({}, 1), {"f": 3}), {}, "source 'f' is 3"),
        ((Sampler({}, 1), {"f": Sampler({}, 1)}), {"how": "last"}, "Merge got how={'f': 'last'}"),
        ((Sampler({}, 1), {"f": Sampler({}, 1)}), {"how": {"g": "latest"}}, r"Merge got how= for \['g'\]"),
        ((Sampler({}, 1), {}), {"before": "zero"}, "Merge got before='zero'"),
        ((Sampler({}, 1), {}), {"on_error": "restart"}, "Merge got on_error='restart'"),
    ],
)
def test_a_parameter_that_is_none(args: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(StreamConfigError, match=message):
        Merge(*args, **options)


def test_what_no_row_asks_for_is_bounded() -> None:
    clock = VirtualClock()
    follower = ticks(clock, 1000)
    merged = Merge(ticks(clock, 0.1), {"f": follower}, "all", max_bytes=16 * 100)
    with merged:
        clock.advance(5.0)
        merged.read()
        clock.advance(5.0)
    found = merged.read()["f_k"]
    assert len(found[-1]) <= 100
    assert merged.stats()["followers"]["f"]["lost"] > 9000


class Pushed:
    """A device whose rows are put in by hand."""

    rate, names = None, ("timestamp", "v")

    def __init__(self, times: list[float]) -> None:
        self.times, self.at, self.arrived = np.array(times, np.float64), 0, Wake()
        self.pending, self.is_active = Pending(), False

    @property
    def state(self) -> str:
        return "running" if self.is_active else "stopped"

    def start(self) -> None:
        self.is_active = True

    def stop(self) -> None:
        self.is_active = False

    def read(self) -> Block:
        return self.pending.take()

    def stats(self) -> dict[str, int]:
        return self.pending.counts()

    def until(self, t: float) -> None:
        to = int(np.searchsorted(self.times, t, side="right"))
        self.pending.block({"timestamp": self.times[self.at : to], "v": np.arange(self.at, to) * 2.0})
        self.at = to


def expected(how: str, leader: Any, follower: Any) -> tuple[list[Any], list[int]]:
    """What each row should have, row by row; and which samples were taken, for those that take one."""
    found: list[Any] = []
    taken: list[int] = []
    since = -np.inf
    for t in leader:
        before = [i for i, f in enumerate(follower) if f <= t]
        after = [i for i, f in enumerate(follower) if f >= t]
        inside = [2.0 * i for i, f in enumerate(follower) if since < f <= t]
        since = t
        at = before[-1] if before else None
        if how == "nearest":
            at = min(range(len(follower)), key=lambda i: (abs(follower[i] - t), i), default=None)
        if how == "linear" and (at is None or not after):
            at = None
        if how in ("latest", "nearest", "linear"):
            taken += [] if at is None else [at]
            value = np.nan if at is None else 2.0 * at
            if how == "linear" and at is not None and follower[at] < t:
                value += 2.0 * (t - follower[at]) / (follower[at + 1] - follower[at])
            found.append(value)
        else:
            found.append({
                "all": inside, "window:count": len(inside), "window:any": any(inside),
                "window:mean": np.mean(inside) if inside else np.nan,
            }[how])  # fmt: skip
    return found, taken


times = st.lists(st.integers(0, 200), unique=True, max_size=40).map(lambda found: [t / 8 for t in sorted(found)])


@given(
    st.sampled_from(["latest", "nearest", "linear", "all", "window:mean", "window:any", "window:count"]),
    times, times, st.lists(st.integers(0, 200)).map(sorted),
)  # fmt: skip
def test_rows_take_what_a_slow_look_would_find_however_they_are_read(
    how: str, leading: list[float], following: list[float], cuts: list[int]
) -> None:
    leader, follower = Pushed(leading), Pushed(following)
    merged = Merge(leader, {"f": follower}, how, patience=1e6)
    blocks = []
    with merged:
        for cut in [*[cut / 8 for cut in cuts], 100.0]:
            leader.until(cut)
            follower.until(cut)
            blocks.append(merged.read())
    blocks = [block for block in [*blocks, merged.read()] if block]
    rows = [t for block in blocks for t in block["timestamp"]]
    assert rows == leading
    assert [number for block in blocks for number in range(block.first, block.first + block.n)] == list(
        range(len(rows))
    )
    if not following:
        return
    values, taken = expected(how, leading, following)
    name = "f_count" if how == "window:count" else "f_v"
    found = [value for block in blocks for value in block[name]]
    if how == "all":
        assert [value.tolist() for value in found] == values
    else:
        np.testing.assert_allclose(found, values, rtol=1e-12)
    told = merged.stats()["followers"]["f"]
    if taken:
        assert told["skipped"] == max(taken) + 1 - len(set(taken))
        assert told["repeated"] == len(taken) - len(set(taken))
        assert told["missing"] == len(rows) - len(taken)
