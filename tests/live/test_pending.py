"""Rows that wait: none is lost without a count, and what was read never changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.pending import ROWS, Pending
from support.exactly import differ


def counted(pending: Pending) -> dict[str, int]:
    counts = pending.counts()
    assert counts["produced"] == counts["delivered"] + counts["dropped"] + counts["pending"]
    return counts


@given(
    st.lists(st.one_of(st.integers(1, 40).map(lambda n: ("block", n)), st.just(("row", 1)), st.just(("take", 0)))),
    st.sampled_from([1, 100, 1000, 1 << 20]),
    st.sampled_from(["drop_oldest", "drop_newest"]),
)
def test_what_is_taken_and_what_is_dropped_is_all_there_was(
    steps: list[tuple[str, int]], max_bytes: int, overflow: Any
) -> None:
    pending, at, taken = Pending(max_bytes, overflow), 0, []
    kept: list[int] = []  # the numbers of the rows that should wait
    room = max(1, max_bytes // 24)
    full = False  # whether newer rows are passed over, until the next take
    for kind, n in steps:
        if kind == "take":
            block = pending.take()
            assert block.get("i", np.array([], int)).tolist() == kept
            full = False
            if kept:
                assert block.first == kept[0]
                np.testing.assert_array_equal(block["v"], np.array(kept)[:, None] * [1.0, 2.0])
            taken += kept
            kept = []
            continue
        new = np.arange(at, at + n)
        at += n
        if kind == "row":
            pending.row({"i": int(new[0]), "v": new[0] * np.array([1.0, 2.0])})
        else:
            pending.block({"i": new, "v": new[:, None] * np.array([1.0, 2.0])})
        if overflow == "drop_oldest":
            kept = (kept + new.tolist())[-room:]
        elif not full:
            fits = not kept or len(kept) + min(n, room) <= room
            kept += new.tolist()[:room] if fits else []
            full = not fits or n > room
        counts = counted(pending)
        assert counts["produced"] == at
        assert counts["pending"] == len(kept)
        assert counts["pending_bytes"] == 24 * len(kept)
    assert counted(pending)["delivered"] == len(taken)


def test_what_was_read_never_changes() -> None:
    pending, seen = Pending(), []
    for i in range(3 * ROWS):
        pending.row({"x": float(i)})
        if i % 100 == 7:
            block = pending.take()
            seen.append((block, {name: column.copy() for name, column in block.items()}))
    for block, copy in seen:
        assert not differ(dict(block), copy)
    assert (
        np.concatenate([block["x"] for block, _ in seen]).tolist() == list(range(3 * ROWS))[: seen[-1][0].first + 100]
    )


def test_the_first_row_of_a_block_says_what_was_dropped_before() -> None:
    pending = Pending(max_bytes=80)
    pending.block({"x": np.arange(4.0)})
    assert pending.take().first == 0
    pending.block({"x": np.arange(25.0)})
    block = pending.take()
    assert (block.first, block["x"].tolist()) == (4 + 15, list(range(15, 25)))


def test_a_wider_type_is_taken_and_never_cut() -> None:
    pending = Pending()
    for value in (1, 2, 2.5, 3, 4):
        pending.row({"x": value, "l": [value], "s": "a" * int(value * 2)})
    block = pending.take()
    assert block["x"].tolist() == [1, 2, 2.5, 3, 4]
    assert block["l"].tolist() == [[1], [2], [2.5], [3], [4]]
    assert block["s"].tolist() == ["aa", "aaaa", "aaaaa", "aaaaaa", "aaaaaaaa"]
    pending.row({"x": 5, "l": [1], "s": ""})
    assert pending.take()["x"].dtype == np.float64
    pending = Pending()
    pending.row({"x": np.float32(1.5)})
    pending.row({"x": 2**53 + 1.0})
    assert pending.take()["x"].tolist() == [1.5, 2**53 + 1.0]


def test_values_are_copied_out_of_an_array_that_its_source_uses_again() -> None:
    pending, array = Pending(), np.zeros(2)
    for i in range(3):
        array[:] = i
        pending.row({"x": array})
    assert pending.take()["x"].tolist() == [[0, 0], [1, 1], [2, 2]]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"x": 1.0}, r"got a row of columns \['x'\], after rows of \['x', 'v'\]"),
        ({"x": 1.0, "w": np.zeros(2)}, r"got a row of columns \['x', 'w'\]"),
        ({"x": 1.0, "v": np.zeros(3)}, r"got a value of shape \(3,\) for 'v', after values of shape \(2,\)"),
        ({"x": np.zeros(1), "v": np.zeros(2)}, r"got a value of shape \(1,\) for 'x'"),
    ],
)
def test_rows_have_the_same_columns_and_shapes(row: dict[str, Any], message: str) -> None:
    pending = Pending(who="mine")
    pending.row({"x": 0.0, "v": np.zeros(2)})
    with pytest.raises(DataError, match="mine " + message):
        pending.row(row)
    with pytest.raises(DataError, match=r"mine got"):
        pending.block({name: np.asarray(value)[None] for name, value in row.items()})
    assert counted(pending)["pending"] == 1


def test_full_is_an_error_on_request() -> None:
    pending = Pending(max_bytes=16, overflow="fail")
    pending.row({"x": 0.0})
    pending.row({"x": 1.0})
    with pytest.raises(DataError, match=r"has 2 rows, 16 bytes, that nobody has read, and max_bytes=16"):
        pending.row({"x": 2.0})
    assert pending.take()["x"].tolist() == [0, 1]
    pending.row({"x": 3.0})
    assert pending.take()["x"].tolist() == [3.0]


@pytest.mark.parametrize("wrong", [{"overflow": "drop"}, {"max_bytes": 0}])
def test_a_parameter_that_is_none(wrong: dict[str, Any]) -> None:
    with pytest.raises(StreamConfigError, match=f"got {next(iter(wrong))}="):
        Pending(**wrong)


def test_columns_of_a_block_have_one_length() -> None:
    pending = Pending()
    with pytest.raises(DataError, match="columns of lengths"):
        pending.block({"x": np.zeros(3), "y": np.zeros(4)})
    pending.block({})
    pending.block({"x": np.zeros(0)})
    assert not pending.take()


def noted(pending: Pending, names: tuple[str, ...], values: tuple[Any, ...]) -> None:
    if pending.note(names, values):
        pending.write_noted()


@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(), st.booleans(), st.integers(-(2**62), 2**62)),
            st.one_of(st.booleans(), st.floats(allow_nan=False), st.integers(-5, 5)),
        ),
        min_size=1,
        max_size=200,
    ),
    st.lists(st.integers(0, 199), max_size=3),
    st.sampled_from([48, 1000, 1 << 20]),
    st.sampled_from(["drop_oldest", "drop_newest"]),
)
def test_rows_set_aside_are_the_same_rows(
    values: list[tuple[Any, Any]], reads: list[int], max_bytes: int, overflow: Any
) -> None:
    plain, one_by_one, names = Pending(max_bytes, overflow), Pending(max_bytes, overflow), ("a", "b")
    for i, pair in enumerate(values):
        noted(plain, names, pair)
        one_by_one.row(dict(zip(names, pair, strict=True)))
        if i in reads:
            assert differ(plain.take(), one_by_one.take()) == ""
    assert counted(plain) == counted(one_by_one)
    assert plain.names == one_by_one.names
    assert differ(plain.take(), one_by_one.take()) == ""


def test_a_row_set_aside_that_cannot_be_written_is_told_and_the_others_are_there() -> None:
    pending = Pending()
    for i in (1, 2, 1 << 70, 3):
        noted(pending, ("i",), (i,))
    assert pending.take()["i"].tolist() == [1, 2, 3]
    with pytest.raises(OverflowError):
        noted(pending, ("i",), (4,))
    assert pending.take()["i"].tolist() == [4]


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_masked_is_missing(whole: bool) -> None:
    value = np.ma.array([1, 2] if whole else [1.0, 2.0], mask=[False, True])
    pending = Pending()
    for _ in range(3):
        pending.row({"x": value})
    pending.block({"x": value.reshape(1, 2)})
    found = pending.take()["x"]
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [[1.0, np.nan]] * 4)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[[1, 2], [3]]], "got a value for 'x' that is of no one shape, wanted"),
        ([1, "a"], "got a value of <U1 for 'x', after values of int64"),
        (["a", 1.5], "got a value of float64 for 'x', after values of <U1"),
        ([np.ma.array(["a"], mask=[True])], "got a masked array of <U1 for 'x'"),
    ],
)
def test_values_that_cannot_stand_in_a_column_are_named(values: list[Any], message: str) -> None:
    pending = Pending(who="Sampler")
    for value in values[:-1]:
        pending.row({"x": value})
    with pytest.raises(DataError, match=f"Sampler {message}"):
        pending.row({"x": values[-1]})
    assert counted(pending)["produced"] == len(values) - 1
