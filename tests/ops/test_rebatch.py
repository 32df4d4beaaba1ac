"""Batches cut anew, and back into items."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.core import same
from headrace.core.block import Block, Pace
from headrace.core.items import map_leaves
from headrace.errors import DataError, StreamConfigError
from headrace.testing import strategies as some


def batches(sizes: list[int], make: Any) -> list[Any]:
    ends = np.cumsum(sizes).tolist()
    return [make(end - size, end) for size, end in zip(sizes, ends, strict=True)]


def record(a: int, b: int) -> Any:
    """Rows a to b of one long table: an array, a tuple inside a Batch, strings, rows of shape (2, 3)."""
    i = np.arange(a, b)
    return hr.Batch(
        X=np.multiply.outer(i, np.ones((2, 3))),
        pair=(i, i.astype(np.float32)),
        name=np.array([f"{k}" for k in i], "U9"),
    )


@given(sizes=st.lists(st.integers(0, 9), max_size=12), n=st.integers(1, 11), partial=st.booleans())
def test_the_rows_stay_and_the_sizes_are_as_asked(sizes: list[int], n: int, partial: bool) -> None:
    made = list(batches(sizes, record) | hr.rebatch(n, partial=partial))
    total = sum(sizes) if partial else sum(sizes) // n * n
    expected = [record(a, min(a + n, total)) for a in range(0, total, n)]
    assert len(made) == len(expected)
    assert all(map(same, made, expected))
    assert all(type(b) is hr.Batch for b in made)


@given(sizes=st.lists(st.integers(1, 9), max_size=8), n=st.integers(1, 11))
@pytest.mark.parametrize("make", [np.arange, lambda a, b: (np.arange(a, b), np.ones((b - a, 2))), record])
def test_any_structure(make: Any, sizes: list[int], n: int) -> None:
    total = sum(sizes)
    made = list(batches(sizes, make) | hr.rebatch(n))
    assert all(map(same, made, [make(a, min(a + n, total)) for a in range(0, total, n)]))


def test_lists_of_ragged_values_stay_lists() -> None:
    items = [{"X": list(range(i)), "y": i} for i in range(1, 8)]
    stream = hr.Streamer(items) | hr.batch(3, ragged="list")
    made = list(stream | hr.rebatch(2))
    values = [list(value) for b in made for value in b["X"]]  # the last batch has one item, and so an array
    assert values == [item["X"] for item in items]
    assert [len(b["X"]) for b in made] == [2, 2, 2, 1]
    assert isinstance(made[1]["X"], list)
    assert [list(row["X"]) for row in stream | hr.rows()] == [item["X"] for item in items]


def test_a_batch_within_one_of_the_source_is_a_view() -> None:
    whole = np.arange(10)
    made = list([whole] | hr.rebatch(4))
    assert all(b.base is whole for b in made)


def test_what_is_no_batch_is_refused_by_name_and_can_be_passed() -> None:
    cursor = ([{"X": np.arange(3)}, {"X": 5}, {"X": np.arange(3, 6)}] | hr.rebatch(2)).open()
    assert next(cursor)["X"].tolist() == [0, 1]
    with pytest.raises(hr.DataError, match=r"rebatch\(2\) got a int for field 'X', wanted columns"):
        next(cursor)
    with pytest.raises(hr.DataError, match="got a int"):
        next(cursor)
    cursor.skip()
    assert [b["X"].tolist() for b in cursor] == [[2, 3], [4, 5]]


def test_batches_that_do_not_join() -> None:
    cursor = ([{"X": np.ones((3, 2))}, {"X": np.ones((2, 4))}, {"X": np.ones((3, 4))}] | hr.rebatch(2)).open()
    assert next(cursor)["X"].shape == (2, 2)
    with pytest.raises(hr.DataError, match="'X'"):
        next(cursor)
    state = cursor.state()
    cursor.skip()  # the batch of both kinds
    assert [b["X"].shape for b in cursor] == [(2, 4), (2, 4)]
    with pytest.raises(hr.DataError, match="'X'"):
        next(([{"X": np.ones((3, 2))}, {"X": np.ones((2, 4))}, {"X": np.ones((3, 4))}] | hr.rebatch(2)).open(at=state))
    with pytest.raises(hr.DataError, match="fields"):
        list([{"X": np.ones(3)}, {"Y": np.ones(3)}] | hr.rebatch(4))
    with pytest.raises(hr.DataError, match="lengths"):
        list([{"X": np.ones(3), "Y": np.ones(2)}] | hr.rebatch(4))


def test_the_state_holds_only_what_is_left() -> None:
    cursor = ([np.arange(1000.0)] | hr.rebatch(300)).open()
    cursor.skip(3)
    held = cursor.state()["at"]["held"]
    assert [part.tolist() for part in held] == [list(range(900, 1000))]


@given(items=some.rows(max_size=12), n=st.integers(1, 5))
def test_rows_undoes_batch(items: list[Any], n: int) -> None:
    back = list(items | hr.batch(n) | hr.rows())
    assert len(back) == len(items)
    again = list(back | hr.batch(n))
    assert all(map(same, map(narrow, again), map(narrow, items | hr.batch(n))))


def narrow(batch: Any) -> Any:
    """Columns without what a scalar forgets of them: the width of text, and the order of bytes."""

    def least(column: Any) -> Any:
        if not isinstance(column, np.ndarray):
            return column
        if column.dtype.kind in "SU" and column.size:
            return np.array(column.tolist()).reshape(column.shape)
        return column.astype(column.dtype.newbyteorder("="))

    return map_leaves(least, batch)


def test_rows_passes_a_broken_batch() -> None:
    cursor = ([np.arange(2), 7, np.arange(2, 4)] | hr.rows()).open()
    assert cursor.take(2) == [0, 1]
    with pytest.raises(hr.DataError, match=r"rows\(\) got a int, wanted columns"):
        next(cursor)
    cursor.skip()
    assert cursor.take(9) == [2, 3]


@pytest.mark.parametrize(("n", "size"), [(1, 23), (4, 6), (23, 1), (50, 1)])
def test_sizes_follow_the_items(n: int, size: int) -> None:
    stream = hr.Streamer(range(23)) | hr.batch(5)
    assert len(stream | hr.rebatch(n)) == size
    assert len(stream | hr.rebatch(n) | hr.rows()) == 23
    assert (hr.Streamer(range(3)) | hr.rebatch(n)).size is None  # batches of what size?
    with pytest.raises(hr.StreamConfigError, match=r"rebatch\(n\) got 0"):
        hr.rebatch(0)


def test_slower_columns_of_blocks_are_told_or_dropped() -> None:
    slow = Pace(Fraction(2), Fraction(1))
    source = [Block({"x": np.arange(4), "y": np.arange(2)}, first=4 * i, paces={"y": slow}) for i in range(2)]
    with pytest.raises(DataError, match=r"'y'.*\n.*slower='drop'"):
        list(hr.Streamer(source) | hr.rows())
    stream = hr.Streamer(source) | hr.rows(slower="drop")
    assert [int(row["x"]) for row in stream] == [0, 1, 2, 3] * 2
    cursor = stream.open()
    cursor.take(3)
    assert [int(row["x"]) for row in stream.open(at=cursor.state())] == [3, 0, 1, 2, 3]
    with pytest.raises(StreamConfigError, match="slower"):
        hr.Streamer(source) | hr.rows(slower="hold")
