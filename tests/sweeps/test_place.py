"""Columns: what is put in comes out, whatever its type, in whatever pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.sweeps.place import Column, Columns, scalars, wider

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.integers(2**53, 2**63 - 1),
    st.floats(),
    st.complex_numbers(),
    st.sampled_from([np.float32(0.1), np.int8(3), np.uint64(2**63), np.float64("nan")]),
)
VALUES = st.one_of(
    st.booleans(),
    st.none(),
    st.text(max_size=3),
    st.sampled_from([np.datetime64("2020-01-01", "D"), np.datetime64("NaT", "ns"), np.timedelta64(3, "s"), ("t", 1)]),
)


def equal(one: Any, two: Any) -> bool:
    if isinstance(one, np.datetime64 | np.timedelta64) and isinstance(two, np.datetime64 | np.timedelta64):
        return type(one) is type(two) and bool(one == two or (np.isnat(one) and np.isnat(two)))
    if isinstance(one, str | bytes | tuple) or one is None:
        return type(two) in (type(one), np.str_) and one == two
    return bool(one == two or (one != one and two != two))


def number(value: Any) -> Any:
    """A complex NaN is NaN, wherever it has its parts."""
    return complex("nan") if isinstance(value, complex | np.complexfloating) and value != value else value


@given(st.lists(st.one_of(NUMBERS, VALUES), min_size=1, max_size=12), st.data())
def test_the_table_has_what_came(values: list[Any], data: Any) -> None:
    """With no hole nothing is lost: not a digit, not whether it was a number or a text."""
    names = ("a",)
    columns = Columns(names, len(values), lambda name: ...)
    put_in_pieces(columns, values, data)
    found = columns.columns[0].data
    assert found is not None
    assert all(one is two for one, two in zip(values, found, strict=True))


@given(st.one_of(st.lists(NUMBERS, min_size=1, max_size=12), st.lists(VALUES, min_size=1)), st.data())
def test_a_column_of_scalars_has_what_came(values: list[Any], data: Any) -> None:
    values = [value for value in values if not isinstance(value, tuple)] or [None]
    columns = Columns(("a",), len(values), lambda name: ())
    put_in_pieces(columns, values, data)
    found = columns.columns[0].data
    assert found is not None
    for one, two in zip(values, found, strict=True):
        assert equal(number(one), number(two)), (one, two, found.dtype)


def put_in_pieces(columns: Columns, values: list[Any], data: Any) -> None:
    order = data.draw(st.permutations(range(len(values))))
    cut = data.draw(st.integers(0, len(values)))
    for places in (order[:cut], order[cut:]):
        columns.take(places, [values[i] for i in places])
    assert columns.done.all()


def test_whole_numbers_keep_their_digits_beside_others() -> None:
    big = 2**60 + 1
    for values in ([big, 0.5], [0.5, big], [2**63, -1], [big, 1j]):
        made = scalars(list(values))
        assert made is not None
        assert made.dtype == object
        column = Column("x", 2, ())
        column.put([1], values[1:])
        column.put([0], values[:1])
        assert column.data is not None
        assert column.data.tolist() == values
    assert np.asarray(scalars([2**53, 0.5])).dtype == np.float64


@pytest.mark.parametrize(
    ("one", "two", "both"),
    [("i8", "f4", "f8"), ("?", "i8", "i8"), ("i8", "u8", "O"), ("U2", "U5", "U5"), ("U2", "i8", "O"), ("M8[s]", "M8[ns]", "M8[ns]"), ("M8[s]", "i8", "O"), ("O", "f8", "O")],
)  # fmt: skip
def test_what_holds_both(one: str, two: str, both: str) -> None:
    assert wider(np.dtype(one), np.dtype(two)) == wider(np.dtype(two), np.dtype(one)) == np.dtype(both)


def test_arrays_widen_too() -> None:
    column = Column("x", 3, ("t",))
    column.put(range(1), [np.array([1, 2])])
    column.put(range(1, 3), [[0.5, 1], np.array([1j, 0])])
    assert column.data is not None
    assert column.data.dtype == complex
    texts = Column("x", 2, ("t",))
    texts.put(range(2), [["a", "b"], [1, "c"]])
    assert texts.data is not None
    assert texts.data.tolist() == [["a", "b"], [1, "c"]]


def test_ragged_rows_are_refused_by_name() -> None:
    column = Column("x", 2, ("t", "s"))
    with pytest.raises(hr.DataError, match="'x'"):
        column.put(range(1), [[[1, 2], [3]]])
