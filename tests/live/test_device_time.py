"""Moments of rows by the device's clock: drift and jitter, garbled times, clocks that begin again, rows that are lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import StreamConfigError
from headrace.live.devices.device_time import DeviceTime, EvenTime


def fed(times: Any, device: Any, host: Any, sizes: Any) -> Any:
    """Moments of rows that come in chunks of these sizes, each when its last row has come."""
    found, at = [], 0
    for size in sizes:
        rows = slice(at, at + size)
        if not len(device[rows]):
            break
        found.append(times.moments({"t": device[rows]}, len(device[rows]), float(host[rows][-1])))
        at += size
    return np.concatenate(found)


@pytest.mark.parametrize("ppm", [-100.0, 100.0])
@pytest.mark.parametrize("kind", ["times", "count"])
def test_drift_and_jitter_leave_less_than_a_millisecond_after_30_seconds(ppm: float, kind: str) -> None:
    rng = np.random.default_rng(int(ppm) + 200)
    t = np.arange(0, 60, 0.01)
    true = 500 + t * (1 + ppm * 1e-6)
    host = np.maximum.accumulate(true + rng.normal(0, 0.005, len(t)))  # nothing comes before what was sent before it
    times: Any = DeviceTime("t", tick=1e-6) if kind == "times" else EvenTime(100)
    found = fed(times, np.round(t * 1e6), host, rng.integers(1, 8, len(t)))
    # What comes in order comes late by a mean that nobody can know; the rest is jitter.
    off = (found - true)[t >= 30]
    assert np.percentile(np.abs(off - np.median(off)), 99) <= (0.001 if kind == "times" else 0.002)
    assert abs(np.median(off)) < 0.01
    assert np.all(np.diff(found) >= 0)
    assert times.strays == 0


@pytest.mark.parametrize("wrap", [None, 60.0])
def test_garbled_times_change_no_others(wrap: float | None) -> None:
    rng = np.random.default_rng(0)
    t = np.arange(0, 20, 0.01)
    device = t.copy()
    bad = rng.choice(len(t), 100, replace=False)
    device[bad] = rng.choice([-1e9, 1e18, np.nan, np.inf, 1e5], 100)
    device[1000:1005] = np.inf
    times = DeviceTime("t", wrap=wrap)
    found = fed(times, device, t + 7, rng.integers(1, 4, len(t)))
    assert times.strays >= 90
    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) >= 0)
    np.testing.assert_allclose(found, t + 7, atol=0.05)


def test_a_clock_that_begins_again_is_believed_after_some_rows() -> None:
    times = DeviceTime("t", tick=1e-3)
    first, second = np.arange(5000, 6000, 10.0), np.arange(0, 1000, 10.0)
    host = np.arange(200) * 0.01 + 7
    found = fed(times, np.concatenate([first, second]), host, [1] * 200)
    np.testing.assert_allclose(found, host, atol=1e-3)
    assert times.strays == 3
    times.restart()  # it says itself whether it is another
    found = times.moments({"t": np.array([1000.0])}, 1, arrived=9.0)
    assert found[0] == pytest.approx(9.0, abs=1e-3)
    times.lost(5)
    found = times.moments({"t": np.array([1010.0])}, 1, arrived=9.5)  # late, and not another clock
    assert found[0] == pytest.approx(9.01, abs=0.1)


@pytest.mark.parametrize("up", [0.05, 0.4, 0.9, 3.0])
@pytest.mark.parametrize("pause", [0.3, 1.5])
@pytest.mark.parametrize("chunk", [1, 5])
def test_a_board_that_begins_again_soon_after_it_began_is_noticed(up: float, pause: float, chunk: int) -> None:
    first, second = np.arange(0, up, 0.01), np.arange(0, 3, 0.01)
    device = np.concatenate([first, second])
    host = np.concatenate([first, up + pause + second]) + 7
    times = DeviceTime("t")
    found = fed(times, device, host, [chunk] * len(device))
    np.testing.assert_allclose(found, host[: len(found)], atol=chunk * 0.01)
    assert times.clocks == 1
    assert 1 <= times.strays <= 5


@pytest.mark.parametrize("up", [0.4, 0.8])
def test_a_board_that_was_lost_and_has_come_as_far_again_is_noticed(up: float) -> None:
    """It has begun again when it was plugged in, half a second before it is heard."""
    first, second = np.arange(0, up, 0.01), np.arange(up + 0.1, 3, 0.01)
    times = DeviceTime("t")
    fed(times, first, first + 7, [1] * len(first))
    times.restart(fresh=True)
    found = fed(times, second, second + 9, [1] * len(second))
    np.testing.assert_allclose(found, second + 9, atol=1e-3)
    assert (times.clocks, times.strays) == (1, 3)
    times.restart(fresh=True)  # and this time it has gone on
    found = fed(times, second + 5, second + 14, [1] * len(second))
    np.testing.assert_allclose(found, second + 14, atol=1e-3)
    assert (times.clocks, times.strays) == (1, 3)


def test_a_device_that_keeps_rows_while_it_is_lost_has_them_in_their_places() -> None:
    t = np.arange(0, 6, 0.01)
    host = np.where((t > 2) & (t < 3), 3.0, t)  # by radio: a second of them comes at once
    times = DeviceTime("t")
    before = fed(times, t[:201], host[:201], [1] * 201)
    times.restart()
    after = fed(times, t[201:], host[201:], [1] * 400)
    np.testing.assert_allclose(np.concatenate([before, after]), t, atol=1e-3)
    assert (times.clocks, times.strays) == (0, 0)


def test_rows_that_overtake_each_other_are_no_new_clock() -> None:
    t = np.arange(0, 10, 0.01)
    device = (t.reshape(-1, 2)[:, ::-1]).ravel()  # 1, 0, 3, 2: of two sensors, say
    host = t.copy()
    host[400:500] = 5.0  # a stall, too
    for chunk in (1, 2):
        times = DeviceTime("t")
        found = fed(times, device, host, [chunk] * len(t))
        assert times.clocks == 0
        np.testing.assert_allclose(found, t, atol=0.05)


def test_a_stall_of_the_host_is_no_new_clock() -> None:
    """Ten seconds of rows come at once, one by one: the device has gone on in the meantime."""
    times = DeviceTime("t")
    t = np.arange(0, 40, 0.01)
    host = t.copy()
    host[2000:3000] = t[3000]
    found = fed(times, t, host, [1] * len(t))
    assert times.strays == 0
    np.testing.assert_allclose(found[2000:], t[2000:], atol=1e-3)


def test_the_first_rows_may_be_late_and_a_clock_may_stand_still() -> None:
    times = DeviceTime("t")
    t = np.arange(0, 20, 0.01)
    host = t.copy()
    host[:100] = 1.0  # a second of them had waited
    found = fed(times, t, host, [1] * len(t))
    np.testing.assert_allclose(found[400:], t[400:], atol=1e-3)
    behind = np.where(t < 10, t, t - 0.5)  # for half a second, and then goes on
    found = fed(DeviceTime("t"), behind, t, [1] * len(t))
    np.testing.assert_allclose(found[t > 12.5], t[t > 12.5], atol=1e-3)


@pytest.mark.parametrize("chunk", [1, 7])
def test_a_counter_that_wraps(chunk: int) -> None:
    t = np.arange(60_000, 60_000 + 300_000, 100)  # milliseconds: four times round 16 bits
    times = DeviceTime("t", tick=1e-3, wrap=2**16)
    found = fed(times, t % 2**16, t * 1e-3 + 5, [chunk] * len(t))
    assert times.strays == 0
    np.testing.assert_allclose(found, t[: len(found)] * 1e-3 + 5, atol=chunk * 0.1)
    np.testing.assert_allclose(np.diff(found), 0.1, atol=1e-6)


def test_counted_rows_stay_in_their_places_when_some_are_lost() -> None:
    times = EvenTime(100)
    found = []
    for k in range(1000):
        if k == 500:
            times.lost(20)  # known to be, as frames that were garbled are
        found.append(times.moments({}, 1, k * 0.01 + (0.2 if k >= 500 else 0.0))[0])
    at = np.arange(1000) * 0.01 + np.where(np.arange(1000) >= 500, 0.2, 0.0)
    np.testing.assert_allclose(found, at, atol=1e-6)


def test_counted_rows_begin_anew_after_a_pause_or_a_loss() -> None:
    times = EvenTime(100)
    for k in range(100):
        times.moments({}, 1, k * 0.01)
    assert times.moments({}, 2, 60.0).tolist() == [pytest.approx(59.99), 60.0]
    assert times.strays == 1
    times.restart()
    assert times.moments({}, 1, 60.5)[0] == 60.5
    assert times.strays == 1


@given(
    st.lists(st.lists(st.floats() | st.integers(0, 2**64).map(float), min_size=1, max_size=4), min_size=1, max_size=20),
    st.lists(st.floats(0, 100), min_size=20, max_size=20),
    st.sampled_from([None, 2.0**16]),
)
def test_any_times_give_finite_moments_in_order(chunks: Any, waits: Any, wrap: float | None) -> None:
    times, now, found = DeviceTime("t", tick=1e-3, wrap=wrap), 1000.0, list[Any]()
    for chunk, wait in zip(chunks, waits, strict=False):
        now += wait
        found.append(times.moments({"t": np.array(chunk)}, len(chunk), now))
    moments = np.concatenate(found)
    assert np.isfinite(moments).all()
    assert np.all(np.diff(moments) >= 0)
    assert moments[-1] < now + 10


def test_what_they_do_not_take() -> None:
    for options in ({"tick": 0}, {"wrap": -1}, {"window": 0}):
        with pytest.raises(StreamConfigError, match=f"DeviceTime got {next(iter(options))}="):
            DeviceTime("t", **options)
    for rate, window in ((0, 1), (1, 0)):
        with pytest.raises(StreamConfigError, match="EvenTime got rate="):
            EvenTime(rate, window=window)
    assert repr(EvenTime(5)).startswith("EvenTime(5, ClockFit(")
    assert repr(DeviceTime("t")).startswith("DeviceTime('t', ClockFit(")
