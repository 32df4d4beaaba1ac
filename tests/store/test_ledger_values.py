"""Values of a ledger come back as exactly what they were."""

from __future__ import annotations

import math
import struct
import sys
from collections import namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from headrace.errors import DamageError, DataError
from headrace.store.ledger_values import Packing
from support.require import require


def same(one: Any, two: Any) -> bool:
    """Tell whether two values are the same in type and content, NaN's bits too."""
    if type(one) is not type(two):
        return False
    if isinstance(one, np.str_):
        return str(one) == str(two)
    if isinstance(one, np.ndarray | np.generic):
        if one.dtype != two.dtype or one.shape != two.shape:
            return False
        if one.dtype.hasobject or one.dtype.kind == "T":
            return all(same(a, b) for a, b in zip(np.ravel(one).tolist(), np.ravel(two).tolist(), strict=True))
        return bool(one.tobytes() == two.tobytes())
    if isinstance(one, float):
        return struct.pack("d", one) == struct.pack("d", two)
    if isinstance(one, complex):
        return same(one.real, two.real) and same(one.imag, two.imag)
    if isinstance(one, dict):
        return list(map(repr, one)) == list(map(repr, two)) and all(
            same(a, b) for a, b in zip(one.values(), two.values(), strict=True)
        )
    if isinstance(one, list | tuple):
        return len(one) == len(two) and all(same(a, b) for a, b in zip(one, two, strict=True))
    return bool(one == two) or one is two


def back(value: Any, **how: Any) -> Any:
    packing = Packing(**how)
    return packing.unpack(packing.pack(value))


_KINDS = st.sampled_from([None, ..., True, False])
_DTYPES: Any = st.one_of(
    hnp.scalar_dtypes(),
    hnp.datetime64_dtypes(),
    hnp.timedelta64_dtypes(),
    hnp.unicode_string_dtypes(),
    hnp.byte_string_dtypes(),
    hnp.array_dtypes(),
)
_ARRAYS = _DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)
_SCALARS: Any = st.one_of(
    _KINDS,
    st.integers(),
    st.integers(2**53, 2**64),
    st.floats(),
    st.complex_numbers(),
    st.text(),
    st.binary(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones(), st.just(UTC))),
    st.dates(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.sampled_from(
        [np.float64("nan"), np.int64(2**60), np.float32(0.1), np.bool_(True), np.datetime64("NaT"), np.str_("a\0")]
    ),
)
_VALUES = st.recursive(
    st.one_of(_SCALARS, _ARRAYS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.one_of(st.text(max_size=3), st.integers(), st.booleans()), inner, max_size=3),
    ),
    max_leaves=8,
)


@given(_VALUES)
def test_every_value_comes_back(value: Any) -> None:
    assert same(back(value), value)


@pytest.mark.parametrize(
    "value",
    [
        np.array([1, "a", None, [1, 2]], dtype=object),
        np.array([[1, 2], [3, 4]]).T,
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.broadcast_to(np.arange(3), (2, 3)),
        np.zeros(3, [("a", "i4"), ("b", "f8", (2,))]),
        np.zeros(3, ">f4"),
        np.zeros((0, 3), "U5"),
        np.array("text"),
        np.longdouble("0.1"),
        np.array(3, "datetime64[25us]")[()],
        np.array([np.timedelta64(5)]),
        np.datetime64("NaT"),
        np.void(b"abc"),
        [[1], [2, 3], []],
        {1, 2, 3},
        frozenset("ab"),
        bytearray(b"ab"),
        range(3, 9, 2),
        slice(1, None, 2),
        time(3, 4, 5, 6, tzinfo=UTC),
        datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")),
        datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=3), "here")),
        date(1, 1, 1),
        Decimal("1.10"),
        Decimal("sNaN"),
        Fraction(1, 3),
        UUID(int=5),
        PurePosixPath("a/b"),
        Path("a"),
        "lone \ud800",
        -(2**63),
        -(2**63) - 1,
        2**63,
        255,
        -128,
    ],
)
def test_these_values_come_back(value: Any) -> None:
    found = back(value)
    if isinstance(value, Decimal):
        assert str(found) == str(value)
    elif isinstance(value, datetime):
        assert found == value
        assert (found.fold, found.utcoffset(), found.tzname()) == (value.fold, value.utcoffset(), value.tzname())
    else:
        assert same(found, value)
    if isinstance(value, np.ndarray):
        assert found.flags.writeable


def test_strings_of_any_length() -> None:
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("needs NumPy 2")
    for dtype in (np.dtypes.StringDType(), np.dtypes.StringDType(na_object=None)):
        value = np.array(["a", "long " * 50], dtype)
        found = back(value)
        assert found.dtype == value.dtype
        assert (found == value).all()


def test_what_xarray_and_pandas_have() -> None:
    xr, pd = require("xarray"), require("pandas")
    ds = xr.Dataset(
        {"a": ("x", [1, 2], {"unit": "m"}), "b": 3}, {"x": [0.5, 1.5], "label": ("x", ["u", "v"])}, {"n": None}
    )
    assert back(ds).identical(ds)
    assert back(ds["a"]).identical(ds["a"])
    for stamp in (
        pd.Timestamp("2020-01-01 00:00:00.000000001"),
        pd.Timestamp("2020-07-25 02:30", tz="Europe/Berlin"),
        pd.Timestamp("2020-01-01").as_unit("s"),
        pd.Timedelta(5, "ns"),
    ):
        found = back(stamp)
        assert (found, found.unit, str(getattr(found, "tz", ""))) == (stamp, stamp.unit, str(getattr(stamp, "tz", "")))
    assert back(pd.NaT) is pd.NaT
    assert back(pd.NA) is pd.NA


class Odd:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Odd)

    def __hash__(self) -> int:
        return 0


Pair = namedtuple("Pair", "a b")  # a plain one


def test_only_a_pickle_carries_it() -> None:
    for value in (Odd(), Pair(1, 2), np.ma.masked_array([1, 2], [True, False]), lambda: 3, np.array([Odd()])):
        with pytest.raises(DataError, match="only a pickle can carry"):
            back(value)
        data = Packing(allow_pickle=True).pack(value)
        with pytest.raises(DataError, match="can run any code"):
            Packing().unpack(data)
        found = Packing(allow_pickle=True).unpack(data)
        assert type(found) is type(value)
    assert back({"a": [Odd()]}, allow_pickle=True) == {"a": [Odd()]}


def test_a_value_that_holds_itself() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(DataError, match="without end"):
        back(value)


@given(_VALUES, st.data())
def test_cut_off_bytes_are_noticed(value: Any, data: st.DataObject) -> None:
    packed = Packing().pack(value)
    cut = data.draw(st.integers(0, len(packed) - 1))
    with pytest.raises(DamageError):
        Packing().unpack(packed[:cut])


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_an_error(data: bytes) -> None:
    try:
        Packing().unpack(data)
    except DataError:
        pass


def test_a_format_on_disk_does_not_change() -> None:
    value = [
        1,
        -1.5,
        True,
        None,
        "ä",
        b"x",
        (2 + 1j,),
        {"a": np.arange(2, dtype="<i4")},
        np.float64(math.pi),
        np.int64(3),
    ]
    assert Packing().pack(value).hex() == (
        "6c0a0000006901000000000000006600000000000"
        "0f8bf312d7302000000c3a4620100000078740100000063"
        "0000000000000040000000000000f03f640100000073010000006161730300"
        "00003c693401020000000000000000000000010000"
        "0068182d4454fb2109406a0300000000000000"
    )
    assert sys.byteorder == "little"
