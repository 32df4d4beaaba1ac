"""Columns and attributes of any type, and whether two are the same: values, types, NaN and signs of zero."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hn


def differ(a: Any, b: Any) -> str:
    """Where two values differ, "" for nowhere."""
    if type(a) is not type(b):
        return f"{type(a)} {a!r} is not {type(b)} {b!r}"
    if isinstance(a, np.ndarray):
        if a.dtype != b.dtype or a.shape != b.shape:
            return f"{a.dtype} {a.shape} is not {b.dtype} {b.shape}"
        if a.dtype.kind in "OT":
            return next(filter(None, map(differ, a.ravel().tolist(), b.ravel().tolist())), "")
        if a.dtype.char in "gG":  # of 16 bytes 10 count
            same = np.array_equal(a, b, equal_nan=True) and np.array_equal(np.signbit(a.real), np.signbit(b.real))
            return "" if same else f"{a!r} is not {b!r}"
        return "" if a.tobytes() == b.tobytes() else f"{a!r} is not {b!r}"
    if isinstance(a, dict):
        if set(a) != set(b):
            return f"{list(a)} are not {list(b)}"
        return next(filter(None, (differ(a[name], b[name]) for name in a)), "")
    if isinstance(a, list | tuple):
        if len(a) != len(b):
            return f"{a!r} is not {b!r}"
        return next(filter(None, map(differ, a, b)), "")
    if isinstance(a, np.generic):
        return differ(np.asarray(a), np.asarray(b))
    if isinstance(a, float):
        return "" if (a == b and np.signbit(a) == np.signbit(b)) or (a != a and b != b) else f"{a!r} is not {b!r}"
    if isinstance(a, complex):
        return differ((a.real, a.imag), (b.real, b.imag))
    return "" if a == b else f"{a!r} is not {b!r}"


def check_same(one: Any, other: Any) -> None:
    """Two datasets in every variable, coordinate, attribute, type and order."""
    assert list(one.data_vars) == list(other.data_vars)
    assert set(one.coords) == set(other.coords)
    assert dict(one.sizes) == dict(other.sizes)
    assert not differ(dict(one.attrs), dict(other.attrs)), "attributes"
    assert set(one.indexes) == set(other.indexes)
    for name in one.variables:
        a, b = one.variables[name], other.variables[name]
        assert a.dims == b.dims, name
        assert a.dtype == b.dtype, name
        assert not differ(a.values, b.values), name
        assert not differ(dict(a.attrs), dict(b.attrs)), name


TEXT = st.text(max_size=6)  # NUL and halves of surrogate pairs among them
TAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)
NUMPY_SCALARS = st.one_of(
    st.floats(width=32).map(np.float32),
    st.integers(-128, 127).map(np.int8),
    st.booleans().map(np.bool_),
    st.integers(-(2**62), 2**62).map(lambda n: np.datetime64(n, "ns")),
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    TEXT,
    st.complex_numbers(),
    st.binary(max_size=4),
    st.datetimes().map(lambda t: t.replace(fold=0)),
    st.dates(),
    st.timedeltas(),
    NUMPY_SCALARS,
    hn.arrays(
        st.sampled_from(["f8", "i4", "?", "c16", "M8[ms]", "U3"]), hn.array_shapes(min_dims=0, max_side=3, min_side=0)
    ),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16", ">i4", ">f8", ">c16"] + [
    "M8[s]",
    "M8[ms]",
    "M8[us]",
    "M8[ns]",
    "m8[s]",
    "m8[ns]",
    "g",
    "U5",
    "S4",
]
OBJECTS = {
    "texts": TEXT,
    "tame texts": TAME,
    "texts and None": st.none() | TAME,
    "texts and NaN": st.just(float("nan")) | TAME,
    "texts, None and NaN": st.none() | st.just(float("nan")) | TEXT,
    "None": st.none(),
    "booleans": st.booleans(),
    "booleans and None": st.none() | st.booleans(),
    "integers": st.integers(-(2**63), 2**63 - 1),
    "integers and None": st.none() | st.integers(-(2**63), 2**63 - 1),
    "large integers and None": st.none() | st.integers(-(2**90), 2**90),
    "floats and None": st.none() | st.floats(),
    "ragged": hn.arrays("f8", hn.array_shapes(max_dims=1, min_side=0, max_side=4)),
    "arrays of one shape": hn.arrays("i4", 3),
    "lists of one length": st.lists(st.integers(), min_size=2, max_size=2),
    "anything": VALUES,
}


def as_objects(values: list[Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    made = np.empty(len(values), object)
    for k, value in enumerate(values):
        made[k] = value
    return made.reshape(shape)


@st.composite
def columns(draw: st.DrawFn, shape: tuple[int, ...], kinds: list[str] | None = None) -> np.ndarray[Any, Any]:
    """A column of any type."""
    kind = draw(st.sampled_from([*DTYPES, *OBJECTS] if kinds is None else kinds))
    if kind in OBJECTS:
        size = int(np.prod(shape))
        return as_objects(draw(st.lists(OBJECTS[kind], min_size=size, max_size=size)), shape)
    if kind == "g":
        return np.asarray(draw(hn.arrays("f8", shape)).astype("g") / np.longdouble(3))
    elements = TEXT.map(lambda text: text[:5].rstrip("\0")) if kind[0] == "U" else None
    return draw(hn.arrays(kind, shape, elements=elements))


ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        ["units", "scale_factor", "dtype", "_FillValue", "coordinates", "headrace", "a/b", "é", "n 1", "calendar"]
    )
    | TEXT,
    VALUES,
    max_size=4,
)
