"""Messages of a socket as items: whatever came is looked at before anything is made from it, and never unpickled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec
import numpy as np

from headrace.core.batch import Batch
from headrace.parallel.dtypes import DType, WireError, count, read
from headrace.parallel.flatten import HEADER, LIMITS, Limits, Scalar
from headrace.parallel.header import (
    ALIGN,
    COLUMNS,
    FRAMES,
    OWN,
    ArrayNode,
    DictNode,
    Header,
    Node,
    Run,
    ScalarNode,
    TupleNode,
)

Buffer = Any  # bytes, a memoryview, an array of bytes
_read: Final = msgspec.msgpack.Decoder(Header).decode


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
        For anything that :func:`headrace.parallel.encode.encode` would not have made.

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
        dtype = COLUMNS.get(kind)
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
