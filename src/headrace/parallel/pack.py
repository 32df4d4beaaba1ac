"""Items laid out in a block of memory, many of one structure as columns, and made from it again.

Their layout crosses once; then a block is a handful of numbers. What has no place in a column travels in the block's
*heap*, behind the columns: arrays whose shape changes from item to item, and, by pickle protocol 5 with its buffers out
of band, anything else.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections import ChainMap
from collections.abc import Callable, Iterator
from itertools import repeat
from typing import Any

import numpy as np

from headrace.core.batch import Batch
from headrace.parallel.layout import (
    HEAPED,
    Layout,
    Leaf,
    Unlike,
    aligned,
    branch_of,
    is_fortran,
    is_named,
    leaf_of,
    plain_of,
    same_dtype,
    values_of,
)

# --- into a block -----------------------------------------------------------------------------------


class Filler:
    """Writes items of one layout into a block, and then into others.

    Parameters
    ----------
    layout
        What every item here looks like.
    memory
        The block: (bytes,) of uint8, aligned; None where ``use`` follows.
    rows
        How many items it may hold.
    """

    layout: Layout
    columns_end: int  # bytes that the columns take
    n: int  # items so far
    has_heap: bool
    needed: int  # bytes of a block that has room for the item that found none in the heap

    memory: np.ndarray[Any, Any]
    rows: int

    def __init__(self, layout: Layout, memory: np.ndarray[Any, Any] | None, rows: int) -> None:
        self.layout, self.rows = layout, rows
        self._heap: list[Any] = []
        self._puts: list[Callable[[Any, int, Any], None]] = [self._put(leaf) for leaf in layout.leaves]
        self._shapes: list[tuple[Any, ...]] = []  # of each column: shape, dtype, offset
        self.columns_end = 0
        for leaf in layout.leaves:
            shape = leaf.shape[::-1] if leaf.kind == "fortran" else leaf.shape
            self._shapes.append(((rows, *shape), leaf.dtype, self.columns_end) if leaf.kind not in HEAPED else ())
            self.columns_end += aligned(rows * leaf.nbytes)
        self._heaped = [leaf.kind for leaf in layout.leaves if leaf.kind in HEAPED]
        self.has_heap = bool(self._heaped)
        tree = layout.tree
        flat = tree is not None and tree[0] == "dict" and not any(tree[2])
        self._names: tuple[Any, ...] | None = tree[1] if flat else None
        self._ids = [*map(id, tree[1])] if flat else []  # mostly the same objects, item after item
        if memory is not None:
            self.use(memory)

    def use(self, memory: np.ndarray[Any, Any]) -> None:
        """Begin a new block."""
        self.memory, self.n, self.needed = memory, 0, 0
        self.end: int = self.columns_end  # of what is used
        self.tables: list[Any] = []  # of each item, what its heap holds
        self._columns = [np.ndarray(shape[0], shape[1], memory, shape[2]) if shape else None for shape in self._shapes]

    def put(self, item: Any) -> bool:
        """Write one item; return False when there is no room for it.

        Raises
        ------
        Unlike
            When it has another layout.
        """
        if self.n == self.rows:
            return False
        names = self._names
        if names is not None:
            if type(item) is not dict or ([*map(id, item)] != self._ids and not is_named(item, names)):
                raise Unlike
            values: Any = item.values()
        elif self.layout.tree is None:
            values = (item,)
        else:
            values = values_of(self.layout.tree, item)
        i = self.n
        if self.has_heap:
            self._heap.clear()  # of what an item unlike the others has left
        for put, column, value in zip(self._puts, self._columns, values, strict=True):  # looks at the whole tree
            put(column, i, value)
        if self.has_heap and not self._to_heap(self._heap):
            return False
        self.n = i + 1
        return True

    def _put(self, leaf: Leaf) -> Callable[[Any, int, Any], None]:
        """Return a function that checks the value of one leaf and writes it to a row of its column."""
        kind, dtype, shape, *_ = leaf
        array, later = np.ndarray, self._heap.append
        if kind == "any":
            return lambda _, __, value: later(value)
        if kind == "object":

            def put_object(_: Any, __: int, value: Any) -> None:
                if branch_of(value) is not None or leaf_of(value).kind != "object":
                    raise Unlike
                later(value)

            return put_object
        if kind == "ragged":
            ndim = len(shape)

            def put_ragged(_: Any, __: int, value: Any) -> None:
                value = plain_of(value)
                if not same_dtype(value.dtype, dtype) or value.ndim != ndim or is_fortran(value):
                    raise Unlike
                later(value)

            return put_ragged
        if kind in ("int", "float", "bool"):
            wanted: type = {"int": int, "float": float, "bool": bool}[kind]

            def put_number(column: Any, i: int, value: Any) -> None:
                if type(value) is not wanted:
                    raise Unlike
                try:
                    column[i] = value
                except OverflowError:
                    raise Unlike from None

            return put_number
        if kind == "scalar":
            scalar = dtype.type

            def put_scalar(column: Any, i: int, value: Any) -> None:
                if type(value) is not scalar or not same_dtype(value.dtype, dtype):
                    raise Unlike
                column[i] = value

            return put_scalar

        def put_array(column: Any, i: int, value: Any) -> None:
            if type(value) is not array:
                value = plain_of(value)
            if (value.dtype is not dtype and not same_dtype(value.dtype, dtype)) or value.shape != shape:
                raise Unlike
            column[i, ...] = value

        def put_ordered(column: Any, i: int, value: Any) -> None:
            if type(value) is not array:
                value = plain_of(value)
            if (value.dtype is not dtype and not same_dtype(value.dtype, dtype)) or value.shape != shape:
                raise Unlike
            if (kind == "fortran") is not is_fortran(value):
                raise Unlike
            column[i] = value.T if kind == "fortran" else value

        return put_array if len(shape) < 2 else put_ordered

    def _to_heap(self, values: list[Any]) -> bool:
        """Append an item's arrays and objects to the heap, and where they are to the tables; False without room."""
        objects = []
        parts: list[np.ndarray[Any, Any]] = []
        table: list[Any] = []
        ends = end = self.end
        for kind, value in zip(self._heaped, values, strict=True):
            if kind == "ragged":
                parts.append(plain_of(value))
                table.append((end, value.shape))
                ends = end + value.nbytes
                end = aligned(ends)
            else:
                objects.append(value)
        if objects:
            places = []
            for part in _pickled(objects):
                parts.append(part)
                places.append((end, part.nbytes))
                ends = end + part.nbytes
                end = aligned(ends)
            table.append(places)
        values.clear()
        if ends > len(self.memory):
            self.needed = end
            return False
        at = self.end
        for part in parts:
            np.ndarray(part.shape, part.dtype, self.memory, at)[...] = part
            at = aligned(at + part.nbytes)
        self.end = end
        self.tables.append(table)
        return True


def _pickled(objects: list[Any]) -> list[np.ndarray[Any, Any]]:
    """Return a pickle of protocol 5 and its buffers, as bytes.

    What pickle itself refuses (a lambda, a local class) goes by cloudpickle.
    """
    buffers: list[pickle.PickleBuffer] = []
    pickled: bytes | memoryview
    try:
        written = io.BytesIO()
        _Pickler(written, 5, buffer_callback=buffers.append).dump(objects)
        pickled = written.getbuffer()
    except (pickle.PicklingError, AttributeError, TypeError):
        import cloudpickle  # as rarely needed as that

        buffers.clear()
        pickled = cloudpickle.dumps(objects, 5, buffer_callback=buffers.append)
    return [np.frombuffer(part, np.uint8) for part in (pickled, *(buffer.raw() for buffer in buffers))]


def _reduced(value: Any) -> Any:
    """Return what a pickle makes an array from: in one piece, or its bytes would be copied, and turned to native ones."""
    whole = np.asarray(value, order="K" if value.flags.forc else "C")
    if whole.dtype.kind in "mM":  # which have no buffers of their own
        return _seen_as, (whole.view(f"{whole.dtype.byteorder}i8"), whole.dtype)
    return whole.__reduce_ex__(5)


def _seen_as(value: Any, dtype: np.dtype[Any]) -> Any:
    return value.view(dtype)


_AS_PICKLED: Any = ChainMap({np.ndarray: _reduced, np.memmap: _reduced}, copyreg.dispatch_table)


class _Pickler(pickle.Pickler):
    dispatch_table = _AS_PICKLED


# --- out of a block ---------------------------------------------------------------------------------


def items_in(layout: Layout, memory: np.ndarray[Any, Any], n: int, rows: int, tables: list[Any]) -> list[Any]:
    """Return the ``n`` items of a block that has room for ``rows``; arrays are views of ``memory``.

    Examples
    --------
    >>> from headrace.parallel.layout import layout_of
    >>> block = np.zeros(4096, np.uint8)
    >>> filler = Filler(layout_of({"X": np.zeros(2), "Y": 5}), block, 8)
    >>> filler.put({"X": np.ones(2), "Y": 6})
    True
    >>> items_in(filler.layout, block, filler.n, 8, filler.tables)
    [{'X': array([1., 1.]), 'Y': 6}]
    """
    columns: list[Any] = []
    offset, ragged = 0, 0
    for leaf in layout.leaves:
        if leaf.kind == "ragged":
            columns.append([np.ndarray(row[ragged][1], leaf.dtype, memory, row[ragged][0]) for row in tables])
            ragged += 1
        elif leaf.kind in ("object", "any"):
            columns.append(None)
        else:
            columns.append(_column(leaf, memory, offset, n))
            offset += aligned(rows * leaf.nbytes)
    if None in columns:
        found = [_unpickled(memory, row[-1]) for row in tables]
        place = 0
        for k, column in enumerate(columns):
            if column is None:
                columns[k] = [objects[place] for objects in found]
                place += 1
    return _rebuilt(layout.tree, iter(columns), n)


def _column(leaf: Leaf, memory: np.ndarray[Any, Any], offset: int, n: int) -> list[Any]:
    kind, dtype, shape, *_ = leaf
    column: np.ndarray[Any, Any] = np.ndarray(
        (n, *(shape[::-1] if kind == "fortran" else shape)), dtype, memory, offset
    )
    if kind in ("int", "float", "bool"):
        numbers: list[Any] = column.tolist()
        return numbers
    if kind == "fortran":
        return [row.T for row in column]
    if kind == "array" and not shape:
        return [column[i, ...] for i in range(n)]  # without the dots it would be a scalar
    if kind == "scalar" and dtype.names is not None:
        return [row.copy() for row in column]  # a structured scalar is a view, and inline it is nobody else's
    rows: list[Any] = list(column)
    return rows


def _unpickled(memory: np.ndarray[Any, Any], places: list[tuple[int, int]]) -> list[Any]:
    pickled, *buffers = (memory[start : start + n].data for start, n in places)
    found: list[Any] = pickle.loads(pickled, buffers=buffers)
    return found


def _rebuilt(tree: Any, columns: Iterator[Any], n: int) -> list[Any]:
    """Return the rows of columns: items again, in containers of their own."""
    if tree is None:
        found: list[Any] = next(columns)
        return found
    kind, names, below = tree
    parts = [_rebuilt(subtree, columns, n) for subtree in below]
    if not parts:
        return [_empty(kind) for _ in range(n)]
    if kind == "tuple":
        return list(zip(*parts, strict=True))
    if kind == "list":
        return list(map(list, zip(*parts, strict=True)))
    made = map(dict, map(zip, repeat(names), zip(*parts, strict=True)))
    return list(made) if kind == "dict" else [Batch(row) for row in made]


def _empty(kind: str) -> Any:
    return {"tuple": (), "list": [], "dict": {}, "batch": Batch()}[kind]
