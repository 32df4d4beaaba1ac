"""Items as messages for a socket: a header that says what they are, and the bytes of their arrays.

A message is a list of frames: the header, a frame with all small buffers, a frame for every large one. Equal items
travel as columns, one buffer for each leaf of all of them. Nothing is ever pickled.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

import msgspec
import numpy as np

from headrace.parallel.dtypes import Table
from headrace.parallel.flatten import HEADER, LIMITS, Flattened, Scalar
from headrace.parallel.header import (
    ALIGN,
    COLUMNS,
    FRAMES,
    OWN,
    ArrayNode,
    DictNode,
    Header,
    Node,
    NumberNode,
    Run,
    ScalarNode,
    TupleNode,
)

Buffer = Any  # bytes, or an array's memory
_write: Final = msgspec.msgpack.Encoder().encode


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
    >>> from headrace.parallel.decode import decode
    >>> from headrace.parallel.flatten import Flattener
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
        return ScalarNode(node)  # type: ignore[arg-type]  # a plan's texts are kinds of scalars
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
        dtype = COLUMNS.get(node.kind)
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
