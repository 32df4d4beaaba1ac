"""Dtypes on a socket: made of checked pieces alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from headrace.parallel.dtypes import Fields, Flat, Part, Table, WireError, read
from headrace.testing import strategies as some


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([Flat("O")], "none of those"),
        ([Flat("|O8")], "none of those"),
        ([Flat("<f8,<f8")], "none of those"),
        ([Flat("<f5")], "none of those"),
        ([Flat("<U999999999")], "none of those"),
        ([Flat("<M8[0s]")], "none of those"),
        ([Flat("<T8")], "none of those"),
        ([Flat("(2,)<f8")], "none of those"),
        ([Part(0, (2,))], "made of entry 0"),
        ([Flat("<f8"), Part(-1, (2,))], "made of entry -1"),
        ([Flat("<f8"), Part(0, (1 << 40, 1 << 40))], "wanted 1073741824"),
        ([Flat("<f8"), Part(0, (-1,))], "no negative"),
        ([Flat("<f8"), Part(0, (1,) * 65)], "64 at most"),
        ([Flat("<f8"), Fields(["a"], [0], [4], 8, False, [])], "outside it"),
        ([Flat("<f8"), Fields(["a"], [0], [-8], 8, False, [])], "outside it"),
        ([Flat("<f8"), Fields(["a"], [0], [0], 1 << 40, False, [])], "at most"),
        ([Flat("<f8"), Fields(["a", "a"], [0, 0], [0, 8], 16, False, [])], "one name"),
        ([Flat("<f8"), Fields(["a", "b"], [0], [0], 16, False, [])], "more fields"),
        ([Flat("<f8"), Fields(["a"], [0], [1], 16, True, [])], "numpy refuses"),
        ([Flat("<f8")] * 5000, "5000 dtypes"),
        ([Flat("|u1"), *[Fields(["a"], [k], [0], 1, False, []) for k in range(20)]], "deep"),
        (
            [Flat("|V0"), *[Fields(list("abcdefgh"), [k] * 8, [0] * 8, 0, False, []) for k in range(6)]],
            "fields, wanted",
        ),
    ],
)
def test_dtypes_are_made_of_checked_pieces(entries: Any, message: str) -> None:
    with pytest.raises(WireError, match=message):
        read(entries)


@given(dtype=some.dtypes())
def test_dtypes_arrive(dtype: Any) -> None:
    table = Table()
    at = table.index(dtype)
    assert table.index(dtype) == at
    assert read(table.entries)[at] == dtype
