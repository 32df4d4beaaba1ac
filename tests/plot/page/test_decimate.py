"""Lowest and highest values by bucket, against plain loops."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from headrace.plot.page.decimate import Buckets, decimate

VALUES = st.lists(st.floats(width=32) | st.just(math.nan), min_size=1, max_size=60)


def plain(values: list[float], first: int, size: int) -> dict[int, tuple[float, float]]:
    """Bucket -> lowest and highest, one value after the other."""
    found: dict[int, tuple[float, float]] = {}
    for k, value in enumerate(values, first):
        low, high = found.get(k // size, (math.nan, math.nan))
        if not math.isnan(value):
            low = value if math.isnan(low) or value < low else low
            high = value if math.isnan(high) or value > high else high
        found[k // size] = low, high
    return found


def told(number: int, low: Any, high: Any, channel: int = 0) -> dict[int, tuple[float, float]]:
    columns = low.reshape(len(low), -1)[:, channel], high.reshape(len(high), -1)[:, channel]
    return {number + k: pair for k, pair in enumerate(zip(*(each.tolist() for each in columns), strict=True))}


def same(a: dict[int, tuple[float, float]], b: dict[int, tuple[float, float]]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[k], b[k], equal_nan=True) for k in a)


@given(VALUES, st.integers(0, 1000), st.integers(1, 20))
def test_every_bucket_has_its_lowest_and_highest_value(values: list[float], first: int, size: int) -> None:
    assert same(told(*decimate(np.array(values), first, size)), plain(values, first, size))


@given(VALUES, st.integers(0, 1000), st.integers(1, 7), st.integers(1, 5), st.data())
def test_however_rows_are_cut_the_buckets_are_the_same(
    values: list[float], first: int, size: int, factor: int, data: Any
) -> None:
    rows = np.array(values)
    both = np.stack([rows, -rows], axis=1)
    buckets = Buckets(2, size, 1000)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=8)))
    for lo, hi in pairwise([0, *cuts, len(rows)]):
        buckets.add(both[lo:hi], first + lo)
    found = buckets.since(0, factor, 10_000)
    assert same(told(*found), plain(values, first, size * factor))
    assert same(told(*found, channel=1), plain([-value for value in values], first, size * factor))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12), st.integers(1, 5), st.integers(1, 4))
def test_gaps_are_missing_and_what_is_forgotten_is_left_out(
    cuts: list[tuple[int, int]], size: int, factor: int
) -> None:
    capacity = 8
    buckets = Buckets(1, size, capacity)
    every: dict[int, float] = {}
    end = 0
    for gap, n in cuts:
        rows = np.arange(end + gap, end + gap + n, dtype=float) % 13
        buckets.add(rows[:, None], end + gap)
        every.update({end + gap + k: float(row) for k, row in enumerate(rows)})
        end += gap + n if n else 0
    number, low, high = buckets.since(0, factor, 100)
    assert low is not None
    assert len(low) == len(high)
    if not every:
        assert not len(high)
        return
    newest = max(every) // size
    assert (number + len(high) - 1) == newest // factor
    for k in range(len(high)):
        inside = [value for row, value in every.items() if row // (size * factor) == number + k]
        lowest, highest = (min(inside), max(inside)) if inside else (math.nan, math.nan)
        assert np.array_equal([lowest, highest], [low[k, 0], high[k, 0]], equal_nan=True)
    assert len(high) * factor <= capacity + 2 * factor
    oldest, kept = min(every) // size, newest - capacity + 1
    wanted = -(-kept // factor) if kept > oldest else oldest // factor
    assert number == wanted, "all that is there whole is given"


def test_only_what_is_asked_for_is_given() -> None:
    buckets = Buckets(1, 2, 100)
    buckets.add(np.arange(40.0)[:, None], 0)
    number, low, high = buckets.since(7, 2, 100)
    assert low is not None
    assert (number, low[:, 0].tolist(), high[:, 0].tolist()) == (7, [28, 32, 36], [31, 35, 39])
    assert buckets.since(0, 2, 2)[0] == 8
    assert len(buckets.since(99, 2, 5)[2]) == 0


def test_rows_that_were_there_already_change_nothing() -> None:
    buckets = Buckets(1, 2, 100)
    buckets.add(np.arange(6.0)[:, None], 0)
    buckets.add(np.full((4, 1), 99.0), 3)
    assert buckets.since(0, 1, 100)[2][:, 0].tolist() == [1, 3, 5, 99]
    assert buckets.end == 7


def test_highest_values_alone_and_what_float32_cannot_hold() -> None:
    buckets = Buckets(2, 1, 4, low=False, dtype=np.float32)
    buckets.add(np.array([[1.0, 1e300]]), 0)
    _, low, high = buckets.since(0, 1, 4)
    assert low is None
    assert high.tolist() == [[1.0, np.inf]]
