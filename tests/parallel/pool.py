"""Random items of every kind, in a module that a worker can import."""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import random
import tempfile
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import headrace as hr

Point = namedtuple("Point", "x y")


@dataclass
class Sample:
    """An item of a user's."""

    X: Any
    y: Any = 0


@dataclass(frozen=True)
class Frozen:
    """Another."""

    X: Any


class Colour(str, enum.Enum):  # noqa: UP042  # whose members equal plain strings and are none
    """A string that is more than that."""

    RED = "red"
    BLUE = "blue"


class Thing:
    """An object like any other."""

    def __init__(self, n: int) -> None:
        self.n, self.X = n, np.arange(n)

    def __eq__(self, other: object) -> bool:
        return type(other) is Thing and self.n == other.n and np.array_equal(self.X, other.X)

    __hash__ = None  # type: ignore[assignment]


class Text(str):
    """A string of another class, equal to a plain one."""


class Matrix(np.ndarray[Any, Any]):
    """An array of another class."""


INNER = np.dtype([("a", "<i2"), ("b", ">f8", (2,))])
DTYPES: list[Any] = [
    *(
        "?",
        "i1",
        "u1",
        "<i2",
        ">i2",
        "<u4",
        ">u4",
        "i8",
        "u8",
        "f2",
        "<f4",
        ">f4",
        "f8",
        ">f8",
        "g",
        "F",
        "D",
        ">c16",
        "G",
    ),
    *("M8[ns]", "M8[D]", "m8[us]", ">M8[s]", "<U3", ">U5", "S4", "V6", "S0", "U0"),
    INNER,
    np.dtype([("x", "i1"), ("y", "f8")], align=True),
    np.dtype([("x", "i1"), ("y", "f8")]),
    np.dtype([("in", INNER), ("s", "S3"), ("t", "<U2", (2, 1)), ("when", "M8[s]")]),
    np.dtype({"names": ["a", "b"], "formats": ["i4", "u2"], "offsets": [0, 1], "itemsize": 9}),
    np.dtype((np.record, [("r", "f4"), ("g", "u1")])),
    np.dtype([]),
]
SHAPES: list[tuple[int, ...]] = [
    (),
    (1,),
    (5,),
    (0,),
    (3, 4),
    (4, 3),
    (1, 6),
    (6, 1),
    (2, 0, 3),
    (2, 3, 4),
    (1, 1, 1),
    (2, 2, 1, 2),
]


def filled(rng: random.Random, dtype: Any, shape: tuple[int, ...]) -> Any:
    """An array of random bytes, made valid where a dtype minds."""
    dtype = np.dtype(dtype)
    n = int(np.prod(shape)) * dtype.itemsize
    if dtype.kind == "U":
        made = np.array([rng.choice(["", "a", "ß€", "xyz"]) for _ in range(int(np.prod(shape)))], dtype)
        return made.reshape(shape)
    if dtype.kind in "gG" or dtype.char in "gG":
        return np.array(
            [rng.choice([0, -1.5, np.inf, np.nan, 1e300]) for _ in range(int(np.prod(shape)))], dtype
        ).reshape(shape)
    if dtype.kind == "b":
        return np.array([rng.random() < 0.5 for _ in range(int(np.prod(shape)))], bool).reshape(shape)
    if dtype.names is not None:
        made = np.zeros(shape, dtype)
        for name in dtype.names:
            part = made[name]
            part[...] = filled(rng, part.dtype, part.shape)
        return made
    if not dtype.itemsize:
        return np.ndarray(shape, dtype)
    return np.frombuffer(rng.randbytes(n), dtype).reshape(shape).copy()


def ordered(rng: random.Random, x: Any) -> Any:
    """The same array in memory of another order."""
    how = rng.choice(["C", "C", "F", "T", "step", "back", "wide", "still", "moved", "mapped"])
    if not x.dtype.itemsize:
        return x
    if how == "F":
        return np.asfortranarray(x) if x.ndim else x
    if how == "T":
        return x.T
    if how == "step" and x.ndim:
        return np.repeat(x, 2, axis=-1)[..., ::2]
    if how == "back" and x.ndim:
        return x[::-1]
    if how == "wide" and x.ndim:
        return np.broadcast_to(x[:1], x.shape)
    if how == "still":
        x = x.copy()
        x.flags.writeable = False
    if how == "moved" and x.dtype.itemsize:
        raw = np.zeros(x.nbytes + 1, np.uint8)[1:]
        moved = np.ndarray(x.shape, x.dtype, raw)
        moved[...] = x
        return moved
    if how == "mapped" and x.nbytes:
        with tempfile.TemporaryFile() as file:
            mapped = np.memmap(file, x.dtype, "w+", shape=x.shape)
        mapped[...] = x
        return mapped
    return x


def array(rng: random.Random) -> Any:
    return ordered(rng, filled(rng, rng.choice(DTYPES), rng.choice(SHAPES)))


def scalar(rng: random.Random) -> Any:
    return filled(rng, rng.choice(DTYPES), (1,))[0]


def _masked(rng: random.Random) -> Any:
    return np.ma.array(np.arange(4.0), mask=[rng.random() < 0.5 for _ in range(4)])


LEAVES: list[Callable[[random.Random], Any]] = [
    *[array] * 8,
    *[scalar] * 3,
    lambda rng: rng.choice(
        [None, True, False, "", "text", "naïve\0", b"", b"bytes\0", 1j, float("nan"), float("inf"), -0.0, 2.5]
    ),
    lambda rng: rng.choice([0, -1, 5, 2**63 - 1, -(2**63), 2**63, -(2**63) - 1, 10**40]),
    lambda rng: rng.choice([{}, (), [], {"": {}}, [[], ()], hr.core.Batch()]),
    lambda rng: rng.choice(
        [Colour.RED, Colour.BLUE, Text("t"), Thing(3), decimal.Decimal("1.50"), pathlib.PurePath("a/b")]
    ),
    lambda rng: rng.choice(
        [datetime.date(2020, 1, 2), datetime.timedelta(3), {1, 2}, frozenset("a"), range(3), slice(1, 2), ..., int]
    ),
    lambda rng: bytearray(rng.randbytes(3)),
    lambda rng: np.array([{"a": 1}, None, "x"], object),
    lambda rng: np.array(rng.choice(["a", "abc"])),
    lambda rng: (
        np.array(["ab", "c" * rng.randrange(40)], np.dtypes.StringDType())
        if hasattr(np.dtypes, "StringDType")
        else None
    ),
    lambda rng: np.array([(1, "a")], [("n", "i4"), ("o", "O")]),
    lambda rng: filled(rng, [("r", "f4"), ("g", "u1")], (2,)).view(np.recarray),
    lambda rng: np.arange(rng.randrange(5)).view(Matrix),
    _masked,
    lambda rng: list(range(rng.choice([3, 40]))),
]


def item(rng: random.Random, depth: int = 0) -> Any:
    """One random item."""
    if depth > 3 or rng.random() < 0.35:
        return rng.choice(LEAVES)(rng)
    n = rng.randrange(4)
    kind = rng.randrange(10)
    if kind < 4:
        names: list[Any] = rng.sample(["X", "y", "", "a b", 0, 1, -5], n)
        return {name: item(rng, depth + 1) for name in names}
    if kind == 4:
        odd: list[Any] = rng.sample([True, 1.0, None, Text("X"), ("a", 1), b"k", Colour.RED], n)
        return {name: item(rng, depth + 1) for name in odd}
    if kind == 5:
        return tuple(item(rng, depth + 1) for _ in range(n))
    if kind == 6:
        return [item(rng, depth + 1) for _ in range(n)]
    if kind == 7:
        return hr.core.Batch({"X": np.zeros((n, 2)), "y": list(range(n))})
    if kind == 8:
        return rng.choice([Point(item(rng, depth + 1), 1), Sample(item(rng, depth + 1)), Frozen(item(rng, depth + 1))])
    return OrderedDict(b=item(rng, depth + 1), a=1)


def varied(rng: random.Random, like: Any) -> Any:
    """An item of much the same structure with other values, or of another shape."""
    kind = type(like)
    if kind is np.ndarray and not like.dtype.hasobject and like.dtype.itemsize:
        shape = like.shape if rng.random() < 0.7 else tuple(rng.randrange(4) for _ in like.shape)
        made = filled(rng, like.dtype, shape)
        return np.asfortranarray(made) if like.flags.f_contiguous and not like.flags.c_contiguous else made
    if kind is dict:
        return {name: varied(rng, part) for name, part in like.items()}
    if kind in (tuple, list):
        return kind(varied(rng, part) for part in like)
    if kind in (int, bool, float):
        return rng.choice([like, like, 2**70, True, 0.5, 7])
    return like


def items(seed: int, n: int) -> list[Any]:
    """Random items, some of them runs of one structure."""
    rng = random.Random(seed)
    made: list[Any] = []
    while len(made) < n:
        one = item(rng)
        made.append(one)
        if rng.random() < 0.5:
            made += [varied(rng, one) for _ in range(rng.randrange(12))]
    return made[:n]


def stream(seed: int, n: int) -> hr.Stream[Any]:
    """The same, made wherever they are drawn."""
    return hr.Streamer(_drawn, seed, n)


def _drawn(seed: int, n: int) -> Any:
    yield from items(seed, n)
