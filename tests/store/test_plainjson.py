"""States survive being written as JSON, to the bit."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import headrace as hr
from headrace.core import same
from headrace.errors import ResumeError
from headrace.store.plainjson import dumps, loads


class Pair(NamedTuple):
    a: int
    b: int


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(max_size=9), st.complex_numbers()
)
ARRAYS = npst.arrays(
    st.one_of(npst.scalar_dtypes(), npst.unicode_string_dtypes(), npst.byte_string_dtypes()),
    npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
)
KEYS = st.one_of(
    st.text(max_size=4), st.integers(), st.sampled_from(["__array__", "__tuple__"]), st.tuples(st.integers())
)
PLAIN = st.recursive(
    st.one_of(SCALARS, ARRAYS),
    lambda inside: st.one_of(
        st.lists(inside, max_size=3), st.lists(inside, max_size=3).map(tuple), st.dictionaries(KEYS, inside, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_what_comes_back_is_what_went_in(value: Any) -> None:
    text = dumps(value)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert same(loads(text), value)


@pytest.mark.parametrize(
    "value",
    [
        np.float32(2.5),
        np.datetime64("2024-02-29"),
        np.zeros(2, [("a", "<i4"), ("b", "<f8", (2,))]),
        np.arange(6, dtype=">i2").reshape(2, 3).T,
        hr.Batch(X=np.eye(2), y=np.arange(2)),
        {"held": [{"X": np.arange(3)}]},
        -0.0,
    ],
    ids=str,
)
def test_numpy_types_come_back(value: Any) -> None:
    again = loads(dumps(value))
    assert same(again, value)
    assert type(again) is type(value)


def test_arrays_come_back_writable() -> None:
    again = loads(dumps(np.arange(3)))
    again[0] = 7
    assert again.tolist() == [7, 1, 2]


@pytest.mark.parametrize(
    "leaf",
    [object(), np.array([None]), np.ma.masked_array([1], [True]), Pair(1, 2), {1, 2}, len],
    ids=lambda leaf: type(leaf).__name__,
)
def test_what_is_not_plain_is_refused_by_place(leaf: Any) -> None:
    with pytest.raises(ResumeError, match=r"at\.held\[1\]\.meta is a .*(?s:.)*--no-resume"):
        dumps({"at": {"held": [1, {"meta": leaf}]}})


def test_nothing_is_unpickled() -> None:
    evil = json.dumps({"__array__": "gASVBQAAAAAAAAA=", "dtype": "|O", "shape": [1]})
    with pytest.raises(ValueError):
        loads(evil)
    with pytest.raises(ValueError, match="__reduce__"):
        loads('{"__reduce__": ["os.system", "true"]}')


def test_a_readable_state_stays_readable() -> None:
    assert dumps({"count": 3, "at": [1.5, "a", None, True]}) == '{"count": 3, "at": [1.5, "a", null, true]}'
