"""An item is a tree of arrays: stacked, taken apart, compared, counted."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from headrace.core.batch import Batch
from headrace.core.items import branches, leaves, map_leaves, nbytes, same, stack, unstack
from headrace.errors import DataError
from headrace.testing import strategies as some

Point = namedtuple("Point", "x y")


@dataclass
class Pair:
    left: Any
    right: Any


# --- stack and unstack --------------------------------------------------------------------------


@given(some.rows())
def test_what_is_stacked_comes_apart_again(rows: list[Any]) -> None:
    columns = stack(rows)
    apart = unstack(columns)
    assert len(apart) == len(rows)
    for before, after in zip(rows, apart, strict=True):
        mine, theirs = dict(leaves(before)), dict(leaves(after))
        assert set(mine) == set(theirs)
        for path in mine:
            one, two = np.asarray(mine[path]), np.asarray(theirs[path])
            assert one.shape == two.shape
            assert one.dtype.kind == two.dtype.kind
            assert np.array_equal(one.astype(two.dtype), two, equal_nan=two.dtype.kind in "fc") or _equal(one, two)


def _equal(a: Any, b: Any) -> bool:
    """Dates that are no dates, NaN inside structures: equal to the byte."""
    return bool(a.astype(b.dtype).tobytes() == b.tobytes())


@given(some.rows())
def test_stacking_leaves_the_items_alone_and_shares_nothing(rows: list[Any]) -> None:
    before = [map_leaves(lambda leaf: np.array(leaf), row) for row in rows]
    columns = stack(rows)
    for _, column in leaves(columns):
        for row in rows:
            assert not any(np.shares_memory(column, leaf) for _, leaf in leaves(row) if isinstance(leaf, np.ndarray))
    after = [map_leaves(lambda leaf: np.array(leaf), row) for row in rows]
    assert all(map(same, before, after))


def test_columns_have_the_shape_of_the_items() -> None:
    assert type(stack([{"X": 1}])) is Batch
    assert type(stack([(1, 2)])) is tuple
    assert type(stack([Point(1, 2)])) is Point
    assert type(stack([Pair(1, 2)])) is Pair
    assert type(stack([1, 2])) is np.ndarray
    nested = stack([{"a": {"b": (1, np.zeros(3))}}, {"a": {"b": (2, np.ones(3))}}])
    assert type(nested["a"]) is Batch
    assert nested["a"]["b"][0].tolist() == [1, 2]
    assert nested["a"]["b"][1].shape == (2, 3)
    assert stack([]) == {}
    assert unstack(stack([])) == []


def test_strings_make_a_string_array() -> None:
    assert stack(["a", "bcd"]).dtype == np.dtype("<U3")
    assert stack([b"a", b"bcd"]).dtype == np.dtype("S3")
    assert stack(["", ""]).tolist() == ["", ""]


def test_dtypes_are_kept() -> None:
    for dtype in ("?", "i1", "u8", ">f4", "c16", "M8[ns]", "m8[s]", "U3", "S2", [("a", "i4"), ("b", "f8")]):
        column = stack([np.zeros(2, dtype), np.zeros(2, dtype)])
        assert column.dtype.newbyteorder("=") == np.dtype(dtype).newbyteorder("=")
        assert column.shape == (2, 2)


def test_axis_joins_along_an_axis_that_is_there() -> None:
    rows = [{"X": np.ones((2, 3))}, {"X": np.zeros((5, 3))}]
    joined = stack(rows, axis=0)
    assert joined["X"].shape == (7, 3)
    assert type(joined) is dict
    assert stack([np.ones((2, 1)), np.ones((2, 4))], axis=-1).shape == (2, 5)
    with pytest.raises(DataError, match=r"axis 1 does not join shapes"):
        stack(rows, axis=1)
    with pytest.raises(DataError, match=r"axis 0 does not join shapes"):
        stack([1.0, 2.0], axis=0)


def test_ragged_keeps_a_list_of_exactly_what_does_not_stack() -> None:
    thing = object()
    rows = [{"X": [1, 2], "y": 0, "o": thing}, {"X": [3], "y": 1, "o": thing}]
    columns = stack(rows, ragged="list")
    assert columns["X"] == [[1, 2], [3]]
    assert columns["y"].tolist() == [0, 1]
    assert columns["o"] == [thing, thing]
    assert [row["X"] for row in unstack(columns)] == [[1, 2], [3]]


# --- the messages -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        pytest.param(
            [{"X": np.zeros(128)}] * 7 + [{"X": np.zeros(131)}],
            ["who cannot stack field 'X'", "item 0 has shape (128,), item 7 has shape (131,)", "Pad or crop"],
            id="ragged",
        ),
        pytest.param(
            [{"X": 1, "y": 2}, {"X": 1}],
            ["item 0 has fields ['X', 'y'], item 1 has fields ['X']", "same fields"],
            id="missing field",
        ),
        pytest.param(
            [{"X": 1}, {"X": 1, "y": 2}],
            ["item 0 has fields ['X'], item 1 has fields ['X', 'y']"],
            id="field that comes later",
        ),
        pytest.param([{"X": 1}, {"Y": 1}], ["item 0 has fields ['X'], item 1 has fields ['Y']"], id="other field"),
        pytest.param(
            [{"a": {"b": [1]}}, {"a": {"b": [1, 2]}}], ["field 'a.b'", "item 1 has shape (2,)"], id="nested ragged"
        ),
        pytest.param([{"a": {"b": 1}}, {"a": {"c": 1}}], ["inside field 'a'", "item 1 has fields ['c']"], id="nested"),
        pytest.param([{"X": 1}, 5], ["item 0 is a dict, item 1 is a int", "one structure"], id="dict and number"),
        pytest.param([(1, 2), (1, 2, 3)], ["item 0 has fields ['0', '1'], item 1 has fields"], id="longer tuple"),
        pytest.param([(1, 2), [1, 2]], ["item 0 is a tuple, item 1 is a list"], id="tuple and list"),
        pytest.param([Point(1, 2), (1, 2)], ["different types"], id="named tuple and tuple"),
        pytest.param([{"o": object()}], ["field 'o'", "item 0 is a object", "Map it to an array"], id="opaque"),
        pytest.param([object(), object()], ["cannot stack the items", "item 0 is a object"], id="opaque item"),
        pytest.param([None, None], ["item 0 is a NoneType"], id="None"),
        pytest.param(
            [np.array([1, "a"], dtype=object)] * 2, ["item 0 is an array of dtype object"], id="array of objects"
        ),
        pytest.param([{"n": 2**60 + 1}, {"n": 0.5}], ["field 'n'", "without loss"], id="big integer among floats"),
        pytest.param([{"n": 0.5}, {"n": 2**60 + 1}], ["field 'n'", "without loss"], id="big integer after a float"),
        pytest.param(["ab\0", "cd"], ["the items", "trailing NUL"], id="string that ends in NUL"),
        pytest.param([b"ab", b"c\0"], ["trailing NUL"], id="bytes that end in NUL"),
        pytest.param([2**70, 1], ["cannot stack the items"], id="integer beyond 64 bits"),
        pytest.param([{"y": "1"}, {"y": 1}], ["field 'y'"], id="string and number"),
    ],
)
def test_what_does_not_stack_is_named(rows: list[Any], parts: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        stack(rows, who="who")
    for part in parts:
        assert part in str(caught.value)
    assert str(caught.value).startswith("who cannot stack")


# --- the rest -----------------------------------------------------------------------------------


@given(some.items())
def test_an_item_is_the_same_as_its_copy_only(item: Any) -> None:
    copy = map_leaves(lambda leaf: leaf.copy() if isinstance(leaf, np.ndarray) else leaf, item)
    assert same(item, copy)
    assert same(copy, item)
    assert not same(item, (item,))
    assert not same((item, 1), (item, 2))
    assert [path for path, _ in leaves(item)] == [path for path, _ in leaves(copy)]
    assert nbytes(item) == nbytes(copy) >= 0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (1, True),
        (np.float64(1), 1.0),
        (np.zeros(2), np.zeros(2, "f4")),
        (np.zeros(2), np.zeros((1, 2))),
        (np.zeros(2), [0.0, 0.0]),
        (np.array([0.0]), np.array([-0.0])),
        ({"a": 1}, {"a": 2}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ((1, 2), [1, 2]),
        ((1,), (1, 2)),
        ("a", b"a"),
        (None, 0),
    ],
    ids=repr,
)
def test_what_is_not_the_same(a: Any, b: Any) -> None:
    assert not same(a, b)
    assert not same(b, a)


def test_nan_is_the_same_as_nan() -> None:
    assert same(float("nan"), float("nan"))
    assert same(np.array([np.nan]), np.array([np.nan]))
    assert same(np.float32("nan"), np.float32("nan"))
    assert same(np.array([np.nan, "a"], dtype=object), np.array([np.nan, "a"], dtype=object))
    assert same(Batch(X=[1]), {"X": [1]})


def test_branches_of_every_kind() -> None:
    assert branches(Point(1, 2)) == [(0, 1), (1, 2)]
    assert branches(Pair(1, 2)) == [("left", 1), ("right", 2)]
    assert branches(Pair) is None
    assert branches([1, 2]) is None
    assert branches("ab") is None
    assert map_leaves(str, Pair(1, Point(2, 3))) == Pair("1", Point("2", "3"))
    assert nbytes({"X": np.zeros(4), "y": 1, "s": "abc", "l": [1, 2]}) == 32 + 8 + 3 + 16


def test_columns_of_different_lengths_do_not_come_apart() -> None:
    with pytest.raises(DataError, match="columns of one length were wanted, got lengths"):
        unstack({"X": [1, 2], "y": [1]})


BIG = 2**60 + 1


@pytest.mark.parametrize(
    "items",
    [
        [np.array([1, 2]), np.array(["a", "b"])],
        [np.array(["a", "b"]), np.array([1, 2])],
        [[1, 2], ["a", "b"]],
        [["a", 1], ["b", 2]],
        [1, "a"],
        ["a\0", "b"],
        [["a\0"], ["b"]],
        [np.array([BIG]), np.array([0.5])],
        [np.array([0.5]), np.array([BIG])],
        [[BIG], [0.5]],
        [np.array([BIG]), np.array([1], "u8")],
        [np.array([BIG]), np.array([1j])],
    ],
    ids=repr,
)
@pytest.mark.parametrize("field", [False, True])
def test_what_one_dtype_cannot_hold_is_refused(items: list[Any], field: bool) -> None:
    rows = [{"X": item} for item in items] if field else items
    with pytest.raises(DataError, match="do not fit one dtype without loss"):
        stack(rows)
    kept = stack(rows, ragged="list")
    assert (kept["X"] if field else kept) == items or all(
        a is b for a, b in zip(kept["X"] if field else kept, items, strict=True)
    )


def test_what_one_dtype_can_hold_still_stacks() -> None:
    assert stack([np.array([1]), np.array([0.5])]).dtype == "f8"
    assert stack([{"X": np.array([1])}, {"X": np.array([2.0**60])}])["X"].tolist() == [[1], [2.0**60]]
    assert stack([np.array(["a"]), np.array(["bcd"])]).tolist() == [["a"], ["bcd"]]
    assert stack([["a", "b"], ["c", "d"]]).tolist() == [["a", "b"], ["c", "d"]]
    assert stack([{"X": np.array([1], "u8")}, {"X": np.array([1])}])["X"].dtype == "f8"
