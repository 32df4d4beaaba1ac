"""Rows in time: paces, times, latencies."""

from __future__ import annotations

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core.block import ROWS, Block, Pace
from headrace.errors import DataError, StreamConfigError

EVERY = st.fractions(Fraction(1, 7), 40, max_denominator=9)
OFFSET = st.fractions(0, 300, max_denominator=9)
PACES = st.builds(Pace, EVERY, OFFSET, st.just(1), st.just(()))
WHOLE = st.builds(lambda every, offset, burst: Pace(Fraction(every), Fraction(offset), burst), st.integers(1, 9), st.integers(0, 20), st.integers(1, 4))  # fmt: skip


@given(PACES, st.integers(1, 4), st.integers(0, 2000))
def test_a_row_is_there_once_the_input_row_it_stands_at_is(pace: Pace, burst: int, n: int) -> None:
    pace = pace._replace(burst=burst)
    k = pace.rows_before(n)
    assert k % burst == 0
    assert k == 0 or pace.row(k - 1) <= n - 1
    assert pace.row(k) > n - 1


@given(PACES, PACES, st.integers(0, 50))
def test_a_pace_in_a_pace(outer: Pace, inner: Pace, k: int) -> None:
    both = outer.then(inner)
    assert both.row(k) == outer.offset + inner.row(k) * outer.every


@given(PACES, PACES, PACES, st.integers(0, 9), st.integers(0, 2000))
def test_rows_between_those_of_a_slower_group_come_with_the_second(
    a: Pace, b: Pace, c: Pace, late: int, n: int
) -> None:
    came = [0] * 3
    for k, each in enumerate((a, b, c)):
        came[k] = each.rows_before(came[k - 1] if k else n)
    assert a.then(b).rows_before(n) == came[1]
    assert a.then(b).then(c).rows_before(n) == a.then(b.then(c)).rows_before(n) == came[2]
    last = a.then(b)
    if came[1] and came[1] > last.rows_before(n - 1):  # what came with row n - 1 stands not too far behind it
        assert n - 1 - last.row(came[1] - 1) <= last.behind
    assert last.later(late).rows_before(n + late) == last.rows_before(n)


@given(WHOLE, WHOLE, st.integers(0, 300))
def test_rows_of_a_pace_in_a_pace_come_when_the_rows_they_stand_at_do(outer: Pace, inner: Pace, n: int) -> None:
    try:
        both = outer.then(inner)
    except StreamConfigError:
        assert outer.burst > 1
        return
    assert both.rows_before(n) == inner.rows_before(outer.rows_before(n))


def test_plain_columns_have_the_rows_numbers_and_times() -> None:
    block = Block({"timestamp": np.array([5.0, 6.0]), "x": np.zeros((2, 3))}, first=7)
    assert (block.n, block.numbers("x"), block.pace("x")) == (2, range(7, 9), ROWS)
    assert block.timestamps("x").tolist() == [5.0, 6.0]


def test_slower_columns_have_the_times_of_the_rows_they_stand_at() -> None:
    slow = Pace(Fraction(3), Fraction(2))  # rows 2, 5, 8, ...
    block = Block({"timestamp": np.arange(4.0, 9.0), "y": np.zeros(2)}, first=4, paces={"y": slow})
    assert block.n == 5
    assert block.numbers("y") == range(1, 3)
    assert block.timestamps("y").tolist() == [5.0, 8.0]


def test_between_two_rows_the_time_is_between() -> None:
    half = Pace(Fraction(3, 2), Fraction(0))  # rows 0, 1.5, 3, 4.5
    whole = Block({"timestamp": np.array([0.0, 1.0, 2.0, 4.0]), "y": np.zeros(3)}, paces={"y": half})
    assert whole.timestamps("y").tolist() == [0.0, 1.5, 4.0]
    later = Block.of({"y": np.zeros(1)}, 2, 1, None, {"y": half}, {}, np.array([2.0]), 1.0)
    assert later.timestamps("y").tolist() == [1.5]


def test_a_rate_says_times_where_no_column_does() -> None:
    block = Block({"x": np.zeros(3), "y": np.zeros(3)}, first=10, rate=100.0, latencies={"y": Fraction(2)})
    assert block.timestamps("x").tolist() == [0.1, 0.11, 0.12]
    assert block.latency("y") == 2
    assert np.allclose(block.timestamps("y", aligned=True), [0.08, 0.09, 0.10])


def test_what_cannot_be_told_is_an_error() -> None:
    with pytest.raises(DataError, match="wanted a column 'timestamp' or a rate"):
        Block({"x": np.zeros(3)}).timestamps("x")
    late = Block({"timestamp": np.zeros(1), "x": np.zeros(1)}, latencies={"x": Fraction(1)})
    with pytest.raises(DataError, match="without a rate"):
        late.timestamps("x", aligned=True)
    with pytest.raises(DataError, match="lengths"):
        Block({"x": np.zeros(3), "y": np.zeros(2)})
    with pytest.raises(DataError, match="axis 0 is time"):
        Block({"x": np.float64(3)})
    with pytest.raises(KeyError):
        Block({"x": np.zeros(3)}).pace("y")


@pytest.mark.parametrize("rate", [100.0, 44.1, 1 / 3])
@pytest.mark.parametrize("pace", [Pace(), Pace(Fraction(3, 7), Fraction(1, 2)), Pace(Fraction(96), Fraction(127), 16)])
def test_times_by_rate_are_those_of_their_rows(pace: Pace, rate: float) -> None:
    n = pace.rows_before(5000) - pace.rows_before(1000)
    block = Block({"y": np.arange(n)}, first=1000, rate=rate, paces={} if pace == Pace() else {"y": pace})
    wanted = [float(pace.row(k) / Fraction(rate)) for k in block.numbers("y")]
    assert np.allclose(block.timestamps("y"), wanted, rtol=1e-15, atol=0)


def test_times_of_a_million_rows_are_no_loop() -> None:
    block = Block({"y": np.empty(1_000_000)}, first=7, rate=44.1)
    begun = time.process_time()
    block.timestamps("y")
    assert time.process_time() - begun < 1.0
