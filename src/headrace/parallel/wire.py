"""Items as messages for a socket, and back: a header that says what they are, and the bytes of their arrays.

A message is a list of frames: the header, a frame with all small buffers, a frame for every large one. Equal items
travel as columns, one buffer for each leaf of all of them. A header says nothing of where a buffer lies: both sides
count that from dtypes and shapes, so that it cannot be wrong. Nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any, Final

import msgspec
import numpy as np

from headrace.core.batch import Batch
from headrace.parallel.dtypes import DType, Entry, Table, WireError, count, read
from headrace.parallel.flatten import HEADER, LIMITS, Flattened, Flattener, Limits, Scalar
from headrace.parallel.structs import Struct

__all__ = ["Flattened", "Flattener", "Limits", "WireError", "decode", "encode"]

ALIGN: Final = 64
OWN: Final = 1 << 15  # a buffer from this size on has a frame of its own,
FRAMES: Final = 1 << 10  # up to so many of them
_COLUMNS: Final = {"float": "<f8", "int": "<i8", "bool": "|b1", "complex": "<c16"}
Buffer = Any  # bytes, a memoryview, a zmq.Frame's buffer


class ArrayNode(Struct, array_like=True, tag="a", frozen=True, forbid_unknown_fields=True):
    """An array: number of its dtype, shape, whether its bytes are in Fortran order."""

    dtype: int
    shape: tuple[int, ...]
    fortran: bool


class NumberNode(Struct, array_like=True, tag="n", frozen=True, forbid_unknown_fields=True):
    """A NumPy scalar."""

    dtype: int


class ScalarNode(Struct, array_like=True, tag="p", frozen=True, forbid_unknown_fields=True):
    """A number, a text or None of Python's; with a length, a list of them."""

    kind: Scalar
    length: int | None = None


class DictNode(Struct, array_like=True, tag="d", frozen=True, forbid_unknown_fields=True):
    """A dict or a Batch; as many nodes follow as it has names."""

    names: list[int | str]
    batch: bool


class TupleNode(Struct, array_like=True, tag="t", frozen=True, forbid_unknown_fields=True):
    """A tuple or a list of anything; so many nodes follow."""

    length: int
    list: bool


Node = ArrayNode | NumberNode | ScalarNode | DictNode | TupleNode


class Run(Struct, array_like=True, forbid_unknown_fields=True):
    """Equal items, and what each of them is: its nodes, outermost first."""

    n: int
    nodes: list[Node]


class Header(Struct, array_like=True, forbid_unknown_fields=True):
    """What a message holds."""

    dtypes: list[Entry]
    runs: list[Run]


_write = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder(Header).decode


# --- leaves as frames ---------------------------------------------------------------------------


def encode(items: Sequence[Flattened]) -> tuple[list[Buffer], int]:
    """Return a message of the first of these items, and how many it holds: all, as a rule.

    Parameters
    ----------
    items
        One or more items, taken apart by a :class:`Flattener`.

    Returns
    -------
    frames, n
        The frames share memory with arrays of the items that are contiguous.

    Examples
    --------
    >>> frames, n = encode([Flattener()({"X": np.arange(3)}), Flattener()({"X": np.arange(3)})])
    >>> len(frames), n
    (2, 2)
    >>> decode(frames)[1]["X"]
    array([0, 1, 2])
    """
    table, runs, out = Table(), [], _Writer()
    done = parts = 0
    while done < len(items):
        plan = items[done].plan
        each = len(plan) + sum(node[2] for node in plan if node[0] == "l")
        most = (LIMITS.parts - parts) // max(1, each)
        if (most < 1 and done) or len(table.entries) > 1000:
            break
        run = 1
        while run < most and done + run < len(items) and items[done + run].plan == plan:
            run += 1
        nodes = [_node(node, table) for node in plan]
        runs.append(Run(run, nodes))
        parts += run * each
        leafy = (node for node in nodes if not isinstance(node, DictNode | TupleNode))
        for node, column in zip(leafy, zip(*(i.leaves for i in items[done : done + run]), strict=True), strict=True):
            _put(node, column, out)
        done += run
    header = _write(Header(table.entries, runs))
    if len(header) > HEADER:
        return encode(items[: done // 2])
    return [header, *out.frames()], done


def _node(node: Any, table: Table) -> Node:
    if type(node) is str:
        return ScalarNode(node)  # type: ignore[arg-type]
    match node:
        case ("a", dtype, shape, fortran):
            return ArrayNode(table.index(dtype), shape, fortran)
        case ("d", names, batch):
            return DictNode(list(names), batch)
        case ("t", length, is_list):
            return TupleNode(length, is_list)
        case ("l", kind, length):
            return ScalarNode(kind, length)
    return NumberNode(table.index(node[1]))


def _put(node: Node, values: tuple[Any, ...], out: _Writer) -> None:
    """Write one leaf of several items."""
    if isinstance(node, ArrayNode):
        out.put(_joined(values, node.fortran))
    elif isinstance(node, NumberNode):
        out.put(b"".join(value.tobytes() for value in values))
    elif isinstance(node, ScalarNode):
        if node.length is not None:
            values = tuple(chain.from_iterable(values))
        dtype = _COLUMNS.get(node.kind)
        if dtype is not None:
            out.put(np.array(values, dtype).view(np.uint8))
        elif node.kind != "none":
            told = [_bytes(value, node.kind) for value in values]
            out.put(np.array(list(map(len, told)), "<u4").view(np.uint8))
            out.put(b"".join(told))


def _bytes(value: Any, kind: Scalar) -> bytes:
    if kind == "big":
        return int(value).to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return value.encode("utf-8", "surrogatepass") if kind in ("str", "npstr") else bytes(value)


def _joined(arrays: tuple[Any, ...], fortran: bool) -> Buffer:
    """Return the bytes of equal arrays, one behind the other."""
    if fortran:
        arrays = tuple(array.T for array in arrays)
    first = arrays[0]
    if len(arrays) == 1:
        return _raw(first)
    if first.ndim and first.dtype.kind in "fiubcmM":
        return np.concatenate(arrays, dtype=first.dtype, casting="no").reshape(-1).view(np.uint8)
    return b"".join(map(_raw, arrays))


def _raw(array: Any) -> Any:
    """Return the bytes of an array in C order: a view of them where they lie so."""
    if not array.nbytes:
        return b""
    if not array.flags.c_contiguous:
        whole = np.zeros(array.shape, array.dtype)  # zeros: what pads a structure is nobody's secret then
        whole[...] = array
        array = whole
    return array.reshape(-1).view(np.uint8)


class _Writer:
    """Lays buffers out as frames."""

    def __init__(self) -> None:
        self._small: list[Buffer] = []
        self._at = 0
        self._own: list[Buffer] = []

    def put(self, buffer: Buffer) -> None:
        size = len(buffer)
        if size >= OWN and len(self._own) < FRAMES:
            self._own.append(buffer)
        elif size:
            pad = -self._at % ALIGN
            if pad:
                self._small.append(bytes(pad))
            self._small.append(buffer)
            self._at += pad + size

    def frames(self) -> list[Buffer]:
        return [b"".join(self._small), *self._own]


# --- frames as items ----------------------------------------------------------------------------


def decode(frames: Sequence[Buffer], limits: Limits = LIMITS) -> list[Any]:
    """Return the items of a message, their arrays writable views of its frames.

    Parameters
    ----------
    frames
        What came: buffers of bytes. Frames that can be written are not copied where they are aligned.
    limits
        What is refused before it takes memory.

    Raises
    ------
    WireError
        For anything that :func:`encode` would not have made.

    Examples
    --------
    >>> decode([b"no header", b""])
    Traceback (most recent call last):
    headrace.parallel.dtypes.WireError: the message has no header that can be read: ...
    """
    if not 2 <= len(frames) <= FRAMES + 2:
        raise WireError(f"the message has {len(frames)} frames, wanted 2 to {FRAMES + 2}.")
    views = [memoryview(frame).cast("B") for frame in frames]
    size = sum(map(len, views))
    if len(views[0]) > HEADER or size > limits.bytes:
        raise WireError(f"the message has {size} bytes, wanted {limits.bytes} at most, {HEADER} of them its header.")
    try:
        header = _read(views[0])
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise WireError(f"the message has no header that can be read: {error}") from error
    reader = _Reader(views[1:], read(header.dtypes), limits)
    items: list[Any] = []
    try:
        for run in header.runs:
            items += reader.run(run)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        if isinstance(error, WireError):
            raise
        raise WireError(f"the message does not hold what it says: {error}") from error
    reader.ended()
    return items


class _Reader:
    """Takes buffers from frames in the order in which they were put."""

    def __init__(self, frames: list[memoryview], dtypes: list[DType], limits: Limits) -> None:
        self.dtypes, self.limits = dtypes, limits
        self.small = _writable(frames[0], ALIGN, copy=True)
        self.at = 0
        self.own = frames[1:]
        self.used = 0
        self.parts = 0
        self.nodes: Iterator[Node] = iter(())

    def run(self, run: Run) -> list[Any]:
        if run.n < 1:
            raise WireError(f"the message has a run of {run.n} items, wanted 1 or more.")
        self._count(run.n * len(run.nodes))
        self.nodes = iter(run.nodes)
        found = list(self._values(run.n, 0))
        if next(self.nodes, None) is not None:
            raise WireError("the message has a run with parts that belong to no item.")
        return found

    def ended(self) -> None:
        if self.at != len(self.small) or self.used != len(self.own):
            raise WireError("the message has more bytes than its items.")

    def _count(self, parts: int) -> None:
        self.parts += parts
        if self.parts > self.limits.parts:
            raise WireError(f"the message has {self.parts} parts or more, wanted {self.limits.parts} at most.")

    def take(self, size: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
        if size >= OWN and self.used < FRAMES:
            if self.used >= len(self.own) or len(self.own[self.used]) != size:
                raise WireError(f"the message lacks a frame of {size} bytes.")
            self.used += 1
            return _writable(self.own[self.used - 1], 8)
        at = self.at + (-self.at % ALIGN if size else 0)
        if at + size > len(self.small):
            raise WireError(f"the message ends {at + size - len(self.small)} bytes too early.")
        if size:
            self.at = at + size
        return self.small[at : at + size]

    def _values(self, n: int, depth: int) -> Any:
        """Return the values of the next node for n items."""
        node = next(self.nodes, None)
        if node is None or depth > self.limits.depth:
            raise WireError("the message has an item with too few parts, or too deep.")
        if isinstance(node, ArrayNode):
            return self._arrays(node, n)
        if isinstance(node, ScalarNode):
            return self._scalars(node, n)
        if isinstance(node, DictNode):
            if len(set(node.names)) != len(node.names):
                raise WireError("the message has a dict with two equal names.")
            columns = [self._values(n, depth + 1) for _ in node.names]
            make: Any = Batch.of if node.batch else dict
            if not columns:
                return [make({}) for _ in range(n)]
            return [make(dict(zip(node.names, row, strict=True))) for row in zip(*columns, strict=True)]
        if isinstance(node, TupleNode):
            if not 0 <= node.length <= self.limits.parts:
                raise WireError(f"the message has a tuple of length {node.length}.")
            columns = [self._values(n, depth + 1) for _ in range(node.length)]
            rows: Any = zip(*columns, strict=True) if columns else ((),) * n
            return [list(row) for row in rows] if node.list else list(rows)
        dtype = self._dtype(node.dtype)
        return list(self._column(dtype, (), n))

    def _dtype(self, index: int) -> DType:
        if not 0 <= index < len(self.dtypes):
            raise WireError(f"the message has an array of dtype number {index}, of {len(self.dtypes)}.")
        return self.dtypes[index]

    def _arrays(self, node: ArrayNode, n: int) -> Any:
        shape = node.shape[::-1] if node.fortran else node.shape
        column = self._column(self._dtype(node.dtype), shape, n)
        if not shape:
            return [column[i, ...] for i in range(n)]
        return [array.T for array in column] if node.fortran else list(column)

    def _column(self, dtype: DType, shape: tuple[int, ...], n: int) -> Any:
        if not dtype.itemsize:  # which numpy makes by itself only inside a structure
            count((n, *shape), 1, self.limits.parts)
            return np.zeros((n, *shape), np.dtype([("nothing", dtype)]))["nothing"]
        size = count((n, *shape), dtype.itemsize, self.limits.bytes) * dtype.itemsize
        if not size:
            return np.empty((n, *shape), dtype)
        column = self.take(size).view(dtype).reshape(n, *shape)
        if not column.flags.aligned:
            column = column.copy()
        _check_text(column, dtype)
        return column

    def _scalars(self, node: ScalarNode, n: int) -> Any:
        length = node.length
        if length is None:
            return self._plain(node.kind, n)
        if length < 0:
            raise WireError(f"the message has a list of length {length}.")
        self._count(n * length)
        values = iter(self._plain(node.kind, n * length))
        return [list(islice(values, length)) for _ in range(n)]

    def _plain(self, kind: Scalar, n: int) -> Any:
        dtype = _COLUMNS.get(kind)
        if dtype is not None:
            column = self.take(n * np.dtype(dtype).itemsize)
            return (column != 0).tolist() if kind == "bool" else column.view(dtype).tolist()
        if kind == "none":
            return [None] * n
        ends = np.cumsum(self.take(4 * n).view("<u4"), dtype=np.uint64).tolist()
        data = self.take(ends[-1] if ends else 0).tobytes()
        return [_value(data[lo:hi], kind) for lo, hi in zip([0, *ends], ends, strict=False)]


def _value(data: bytes, kind: Scalar) -> Any:
    if kind in ("str", "npstr"):
        text = data.decode("utf-8", "surrogatepass")
        return text if kind == "str" else np.str_(text)
    if kind == "big":
        return int.from_bytes(data, "little", signed=True)
    return data if kind == "bytes" else np.bytes_(data)


def _writable(frame: memoryview, align: int, copy: bool = False) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a frame as bytes that can be written, at an address that is a multiple of ``align``."""
    found = np.frombuffer(frame, np.uint8) if len(frame) else np.empty(0, np.uint8)
    if not copy and found.flags.writeable and found.ctypes.data % align == 0:
        return found
    room = np.empty(len(found) + ALIGN, np.uint8)
    start = -room.ctypes.data % ALIGN
    room[start : start + len(found)] = found
    return room[start : start + len(found)]


def _check_text(column: np.ndarray[Any, Any], dtype: DType) -> None:
    """Raise for a text of code points that there are not: Python would, whenever someone looks at it."""
    if dtype.kind == "U":
        points = column.reshape(-1).view(np.dtype("u4").newbyteorder(dtype.byteorder))
        if points.size and int(points.max()) > 0x10FFFF:
            raise WireError("the message has a text that is none.")
    elif dtype.names:
        for name in dtype.names:
            part = column[name]
            if part.dtype.kind in "UV" and part.size:
                _check_text(np.ascontiguousarray(part) if part.dtype.kind == "U" else part, part.dtype)
