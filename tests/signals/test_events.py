"""Marks of events, against loops over rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import DataError, StreamConfigError
from headrace.signals.events import EventDetector, Threshold, ZeroCrossing
from headrace.signals.peaks import Peaks

VALUES = st.lists(st.integers(-3, 3).map(float), max_size=40)


def above(x: list[float], high: float, low: float, debounce: int) -> list[int]:
    now, ups, downs, made = 0, 0, 0, []
    for each in x:
        ups = ups + 1 if each >= high else 0
        downs = downs + 1 if each < low else 0
        if ups >= debounce:
            now = 1
        elif downs >= debounce:
            now = 0
        made.append(now)
    return made


def test_zero_crossings() -> None:
    x = np.array([1.0, -1.0, -2.0, 0.0, 3.0, -0.5])
    assert ZeroCrossing("x", "y")(x).tolist() == [0, 1, 0, 1, 0, 1]
    found = ZeroCrossing("x", "y")(np.stack([x, -x], axis=1))
    assert found.dtype == np.int64
    assert found[:, 0].tolist() == [0, 1, 0, 1, 0, 1]
    assert found[:, 1].tolist() == [0, 1, 0, 0, 1, 1]  # -0.0 is not below 0
    assert ZeroCrossing("x", "y")([-1.0]).tolist() == [0]


@given(x=VALUES, high=st.integers(-1, 2), gap=st.integers(0, 2), debounce=st.integers(1, 4))
def test_a_threshold_is_a_loop_over_rows(x: list[float], high: int, gap: int, debounce: int) -> None:
    found = Threshold("x", "y", high, high - gap, debounce)(np.array(x, dtype=float))
    assert found.tolist() == above(x, high, high - gap, debounce)
    if not gap:
        assert Threshold("x", "y", high, debounce=debounce)(np.array(x, dtype=float)).tolist() == found.tolist()


@given(x=VALUES, edge=st.sampled_from(["rise", "fall", "both"]), rest=st.integers(0, 5), debounce=st.integers(1, 3))
def test_events_are_where_that_changes_with_a_rest_behind_each(
    x: list[float], edge: str, rest: int, debounce: int
) -> None:
    state, wait, wanted = 0, 0, []
    for now in above(x, 1, 0, debounce):
        mark = now - state if edge == "both" or (now > state) == (edge == "rise") else 0
        state = now
        if wait:
            wait, mark = wait - 1, 0
        elif mark:
            wait = rest
        wanted.append(mark)
    found = EventDetector("x", "y", 1, 0, debounce, edge, rest)(np.array(x, dtype=float))
    assert found.tolist() == wanted


@given(x=VALUES, distance=st.integers(1, 6), height=st.none() | st.integers(-2, 2))
def test_a_peak_is_marked_when_it_is_over(x: list[float], distance: int, height: int | None) -> None:
    wait, rising, wanted = 0, False, []
    for i, each in enumerate(x):
        before = x[i - 1] if i else each
        mark = int(each < before and rising and (height is None or before >= height))
        if each != before:
            rising = each > before
        if wait:
            wait, mark = wait - 1, 0
        elif mark:
            wait = distance - 1
        wanted.append(mark)
    assert Peaks("x", "y", height, distance)(np.array(x, dtype=float)).tolist() == wanted


def test_peaks_are_those_of_scipy_one_row_later() -> None:
    from support.require import require

    x = np.random.default_rng(0).normal(size=500)
    marks = np.flatnonzero(Peaks("x", "y", height=0.5)(x)) - int(Peaks("x", "y").latency)
    assert marks.tolist() == require("scipy.signal").find_peaks(x, height=0.5)[0].tolist()


@pytest.mark.parametrize(
    "signal", [ZeroCrossing("x", "y"), Threshold("x", "y", 0.5), EventDetector("x", "y", 0.5), Peaks("x", "y")]
)
def test_complex_rows_have_no_sign(signal: Any) -> None:
    with pytest.raises(DataError, match="complex"):
        signal(np.zeros(3, complex))


@pytest.mark.parametrize(
    "signal",
    [
        ZeroCrossing("x", "y"),
        Threshold("x", "y", 0.5, None, 2),
        EventDetector("x", "y", 0.5, refractory=2),
        Peaks("x", "y", distance=3),
    ],
    ids=lambda signal: type(signal).__name__,
)
def test_rows_of_no_channel(signal: Any) -> None:
    for n in (0, 1, 20):
        assert signal(np.zeros((n, 0))).shape == (n, 0)


def test_what_they_refuse() -> None:
    with pytest.raises(StreamConfigError, match="low="):
        Threshold("x", "y", 1.0, 2.0)
    with pytest.raises(StreamConfigError, match="Threshold\\(high=\\)"):
        Threshold("x", "y", None)  # type: ignore[arg-type]
    with pytest.raises(StreamConfigError, match="debounce="):
        EventDetector("x", "y", 1.0, debounce=0)
    with pytest.raises(StreamConfigError, match="edge="):
        EventDetector("x", "y", 1.0, edge="up")
    with pytest.raises(StreamConfigError, match="refractory="):
        EventDetector("x", "y", 1.0, refractory=-1)
    with pytest.raises(StreamConfigError, match="distance="):
        Peaks("x", "y", distance=0)
