"""Frames at other times: which of them are frames of the source, and which lie between two."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import StreamConfigError
from headrace.frames import FrameStream, RepeatingStream, SequenceStream, TimedResampleStream


def film(*values: float, dt: float = 1.0, **more: Any) -> SequenceStream:
    return SequenceStream(np.array(values)[:, None, None], dt=dt, **more)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_time_of_a_frame_gives_that_frame_whatever_is_beside_it(broken: float) -> None:
    for values in ((1, broken, 3, 4), (1, 2, broken), (broken, 2, 3), (broken,)):
        assert np.array_equal(TimedResampleStream(film(*values), dt=1.0).get(9).ravel(), values, equal_nan=True)
    halves = TimedResampleStream(film(1, broken, 3, 4), dt=0.5).get(9).ravel()
    assert np.array_equal(halves[[0, 2, 4, 5, 6]], [1, broken, 3, 3.5, 4], equal_nan=True)
    assert not np.isfinite(halves[[1, 3]]).any()


@pytest.mark.parametrize(
    ("dt", "t_zero"), [(0.1, 0.0), (1 / 30, 0.0), (0.007, 3.3), (0.001, 1.7e9), (1001 / 30000, -12.345)]
)
def test_its_own_times_give_its_own_frames(dt: float, t_zero: float) -> None:
    values = np.random.default_rng(5).random(5000)
    values[::50] = np.nan
    source = film(*values, dt=dt, t_zero=t_zero)
    assert np.array_equal(TimedResampleStream(source, dt=dt).get(9999).ravel(), values, equal_nan=True)
    thirds = TimedResampleStream(source, dt=3 * dt)
    assert np.array_equal(thirds[:].ravel(), values[::3], equal_nan=True)
    later = TimedResampleStream(source, t_zero=t_zero + 40 * dt, dt=dt)
    assert np.array_equal(later[:].ravel(), values[40:], equal_nan=True)
    tenths = TimedResampleStream(source, dt=dt / 10)[:].ravel()
    assert np.array_equal(tenths[::10], values, equal_nan=True)
    one, two = values[7:9]
    assert tenths[71:80] == pytest.approx(one + (two - one) * np.arange(1, 10) / 10, rel=1e-9 if t_zero < 1e6 else 1e-2)


def test_laps_of_a_source_without_end_keep_their_frames() -> None:
    values = [1, np.nan, 3]
    laps = TimedResampleStream(RepeatingStream(np.array(values)[:, None, None], dt=0.1), dt=0.1)
    assert np.array_equal(laps.get(3000).ravel(), values * 1000, equal_nan=True)


def test_a_frame_that_is_not_needed_may_fail() -> None:
    def frame(i: int) -> Any:
        if i == 2:
            raise ValueError("no such frame")
        return np.full((1, 1), float(i))

    stream = TimedResampleStream(FrameStream(hr.functional(frame, size=5), dt=1.0), dt=1.0)
    assert stream.get(9).ravel().tolist() == [0, 1]
    with pytest.raises(ValueError, match="no such frame"):
        stream.get(1)
    assert stream.skip() == 1
    assert stream.get(9).ravel().tolist() == [3, 4]


@pytest.mark.parametrize("more", [{"dt": 1e-300}, {"dt": 5e-324}, {"dt": 1.0, "t_zero": -1e300}])
def test_more_frames_than_there_are_numbers_are_refused(more: Any) -> None:
    with pytest.raises(StreamConfigError, match=r"TimedResampleStream\(dt=\) got [^\n]*, wanted fewer[^\n]*\n  Give"):
        TimedResampleStream(film(1, 2, 3), **more)


def test_what_is_no_frame_stream_is_told_by_its_shape() -> None:
    wrong: Any = np.random.default_rng(5).random((50, 50, 50))
    with pytest.raises(
        StreamConfigError, match=r"got an array of float64 of shape \(50, 50, 50\), wanted a frame stream"
    ):
        TimedResampleStream(wrong)
