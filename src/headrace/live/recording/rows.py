"""Blocks as records, and back, byte for byte: the columns as they are, and what describes them once for many blocks.

``COLS`` describes columns, as JSON: its number, names, dtypes, shapes of a row, paces, latencies, the rate. It is written
again now and then, so that losing one loses no rows. ``ROWS`` holds the rows of a block::

    u32 number of the description      i64 number of the first row   f64 when it arrived, on the recorder's clock
    u32 columns                        i64 rows                      f64 when the row before was taken (flag 1)
    u32 flags      u32 0
    for each column: u64 rows, u64 bytes, u32 CRC-32 of them, u32 0
    data: each column's bytes, at a multiple of 16
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np

from headrace.core.block import Block, Pace
from headrace.errors import DamageError, DataError
from headrace.live.recording.container import padding
from headrace.store.ledger_values import Packing

COLS, ROWS = b"COLS", b"ROWS"
FRONT: Final = struct.Struct("<IIIIqqdd")
COLUMN: Final = struct.Struct("<QQII")
_PAD: Final = tuple(bytes(n) for n in range(16))
_BEFORE: Final = 1
SMALL: Final = 1 << 12  # bytes that are copied sooner than looked at


class Described(NamedTuple):
    """One column: its name (None for times that are no column), dtype (None for Python objects), shape of a row."""

    name: str | None
    dtype: np.dtype[Any] | None
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Schema:
    """What the columns of a block are.

    Attributes
    ----------
    columns : tuple of Described
        In the order of their data.
    rate : float or None
        Rows a second.
    paces, latencies : mapping
        As those of a Block.
    times : int or None
        Which column says when rows were taken.
    """

    columns: tuple[Described, ...]
    rate: float | None
    paces: Mapping[str, Pace]
    latencies: Mapping[str, Fraction]
    times: int | None

    def text(self, number: int) -> bytes:
        """Return the front of a record that describes these columns."""
        columns = [
            {"name": name, "dtype": None if dtype is None else np.lib.format.dtype_to_descr(dtype), "shape": shape}
            for name, dtype, shape in self.columns
        ]
        paces = {name: _pace_to_plain(pace) for name, pace in self.paces.items()}
        late = {name: str(each) for name, each in self.latencies.items()}
        told = {"id": number, "columns": columns, "rate": self.rate, "times": self.times, "paces": paces}
        return json.dumps({**told, "latencies": late}).encode()

    @classmethod
    def read(cls, front: bytes) -> tuple[int, Schema]:
        """Return the number and the columns that :meth:`text` described."""
        told = json.loads(front)
        columns = tuple(
            Described(each["name"], None if each["dtype"] is None else _dtype(each["dtype"]), tuple(each["shape"]))
            for each in told["columns"]
        )
        paces = {name: _pace_from_plain(each) for name, each in told["paces"].items()}
        late = {name: Fraction(each) for name, each in told["latencies"].items()}
        return told["id"], cls(columns, told["rate"], paces, late, told["times"])

    def index(self, name: str) -> int | None:
        """Return which column has a name, None when there is none."""
        return next((k for k, each in enumerate(self.columns) if each.name == name), None)


def _pace_to_plain(pace: Pace) -> list[Any]:
    through = [[_pace_to_plain(each) for each in pace.through]] if pace.through else []
    return [str(pace.every), str(pace.offset), pace.burst, *through]


def _pace_from_plain(told: list[Any]) -> Pace:
    every, offset, burst, *through = told  # through what it comes: not in recordings of before
    return Pace(Fraction(every), Fraction(offset), burst, tuple(map(_pace_from_plain, through[0])) if through else ())


def _dtype(descr: Any) -> np.dtype[Any]:
    found = np.lib.format.descr_to_dtype(_tuples(descr))
    if found.hasobject:
        raise DamageError(f"a recording describes a column of dtype {found}, whose bytes are none of its own.")
    return found


def _tuples(descr: Any) -> Any:
    """A description of a dtype that JSON has made lists of: fields are tuples in a list, and so are shapes."""
    if not isinstance(descr, list):
        return descr
    if len(descr) == 2 and isinstance(descr[1], list) and all(isinstance(n, int) for n in descr[1]):
        return _tuples(descr[0]), tuple(descr[1])
    fields = []
    for name, inner, *shape in descr:
        named = tuple(name) if isinstance(name, list) else name
        fields.append((named, _tuples(inner), *map(tuple, shape)))
    return fields


def described(block: Block) -> tuple[Schema, list[Any]]:
    """Return what a block's columns are, and their arrays."""
    columns: list[Described] = []
    arrays: list[Any] = []
    times = None
    for name, column in block.items():
        if type(name) is not str:
            raise DataError(f"a recording got a column named {name!r}, wanted a text.\n  Rename it.")
        if column is block.times:
            times = len(arrays)
        arrays.append(_add(columns, name, column))
    if times is None and block.times is not None:
        times = len(arrays)
        arrays.append(_add(columns, None, block.times))
    return Schema(tuple(columns), block.rate, dict(block.paces), dict(block.latencies), times), arrays


def _add(columns: list[Described], name: str | None, column: Any) -> Any:
    array = np.asarray(column)
    dtype = None if array.dtype.hasobject or array.dtype.kind == "T" else array.dtype
    columns.append(Described(name, dtype, array.shape[1:] if dtype is not None else ()))
    return array


def encode(block: Block, number: int, arrays: list[Any], arrived: float) -> tuple[bytes, list[Any], int]:
    """Return the front of a record of rows, its data, and how many bytes that is.

    Raises
    ------
    DataError
        When an object in a column could only be carried by a pickle.
    """
    flags = 0 if block.before is None else _BEFORE
    before = 0.0 if block.before is None else block.before
    told: list[int] = []
    data: list[Any] = []
    size = 0
    for array in arrays:
        dtype, n = array.dtype, array.nbytes
        if dtype.hasobject or dtype.kind == "T":
            flat: Any = Packing(who="a recording").pack(array)
            n = len(flat)
        elif n < SMALL:
            flat = array.tobytes()
        else:
            flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        gap = padding(n)
        told += (len(array), n, zlib.crc32(flat), 0)
        data += (flat, _PAD[gap])
        size += n + gap
    front = FRONT.pack(number, len(arrays), flags, 0, block.first, block.n, arrived, before)
    return front + _columns(len(arrays)).pack(*told), data, size


@lru_cache(maxsize=64)
def _columns(n: int) -> struct.Struct:
    return struct.Struct("<" + n * COLUMN.format.removeprefix("<"))


class Front(NamedTuple):
    """The front of a record of rows: which description, the block's numbers, each column's rows, bytes, CRC, place."""

    schema: int
    first: int
    rows: int
    arrived: float
    before: float | None
    columns: tuple[tuple[int, int, int, int], ...]


def read_front(front: bytes | memoryview) -> Front:
    """Return what the front of a record of rows says."""
    schema, n, flags, _, first, rows, arrived, before = FRONT.unpack_from(front)
    columns, at = [], 0
    for k in range(n):
        each, size, crc, _ = COLUMN.unpack_from(front, FRONT.size + k * COLUMN.size)
        columns.append((each, size, crc, at))
        at += size + padding(size)
    return Front(schema, first, rows, arrived, before if flags & _BEFORE else None, tuple(columns))


def read_column(told: Described, rows: int, crc: int, data: bytes | memoryview) -> Any:
    """Return a column as a read-only array.

    Raises
    ------
    DamageError
        When the bytes are not those that were written.
    """
    if zlib.crc32(data) != crc:
        raise DamageError(f"column {told.name!r} has a wrong check sum.")
    if told.dtype is None:
        return Packing(who="a recording").unpack(bytes(data))
    if not len(data):
        made = np.empty((rows, *told.shape), told.dtype)
        made.flags.writeable = False
        return made
    return np.frombuffer(data, told.dtype).reshape(rows, *told.shape)


def read_block(schema: Schema, front: Front, data: memoryview) -> Block:
    """Return the block of a record of rows."""
    arrays = [
        read_column(told, rows, crc, data[at : at + size])
        for told, (rows, size, crc, at) in zip(schema.columns, front.columns, strict=True)
    ]
    columns = {told.name: each for told, each in zip(schema.columns, arrays, strict=True) if told.name is not None}
    times = None if schema.times is None else arrays[schema.times]
    return Block.of(columns, front.first, front.rows, schema.rate, schema.paces, schema.latencies, times, front.before)
