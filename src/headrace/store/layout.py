"""How an item, a tree of arrays, lies in a dataset: one column per leaf, named by its place in the tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from headrace.core.batch import Batch
from headrace.core.items import branches, leaves, stack
from headrace.errors import DataError, SinkError

Columns = dict[str, np.ndarray[Any, Any]]
BARE = "value"  # the field of items that are one array or number
PART_BYTES = 16 << 20
_MOST_ROWS = 1 << 20
_RESERVED = ("_headrace.json", "_progress.json", "_begun.json", ".lock", "zarr.json")


@dataclass(frozen=True)
class Column:
    """One field of a dataset: the shape of a row's value, its dtype (strings without a width), names of its axes."""

    shape: tuple[int, ...]
    dtype: str
    dims: tuple[str, ...]

    @property
    def text(self) -> bool:
        """Whether the values are strings, whose width is no part of the layout."""
        return self.dtype in ("<U0", "|S0")


@dataclass(frozen=True)
class Layout:
    """The fields of a dataset and how they make an item.

    Attributes
    ----------
    fields
        By name, in the item's order.
    tree
        The item with the names of fields for leaves, as JSON values: ``{"dict": [["X", "X"], ...]}``,
        ``{"tuple": [...]}`` or a name.
    """

    fields: dict[str, Column]
    tree: Any

    def plain(self) -> dict[str, Any]:
        """Return the layout as JSON values."""
        fields = {
            name: {"shape": list(c.shape), "dtype": c.dtype, "dims": ["item", *c.dims]}
            for name, c in self.fields.items()
        }
        return {"fields": fields, "item": self.tree}

    @staticmethod
    def from_plain(plain: Mapping[str, Any]) -> Layout:
        """Return the layout that :meth:`plain` was made from."""
        fields = {
            name: Column(tuple(c["shape"]), c["dtype"], tuple(c["dims"][1:])) for name, c in plain["fields"].items()
        }
        return Layout(fields, plain["item"])

    def with_dims(self, dims: Mapping[str, Sequence[str]]) -> Layout:
        """Return the layout with the names of axes that ``dims`` knows, where they fit."""
        named = {
            name: replace(c, dims=tuple(dims[name])) if _fit(dims.get(name, ()), c.shape) else c
            for name, c in self.fields.items()
        }
        return Layout(named, self.tree)

    @property
    def row_bytes(self) -> int:
        """About how many bytes a row has; a string counts 16."""
        return sum(int(np.prod(c.shape)) * (16 if c.text else np.dtype(c.dtype).itemsize) for c in self.fields.values())

    def part_rows(self, together: int = 1) -> int:
        """Return how many rows make a part of about 16 MB; whole batches of ``together``, where one fits."""
        rows = min(_MOST_ROWS, max(1, PART_BYTES // max(1, self.row_bytes)))
        together = max(1, together)  # a first batch without rows tells nothing
        if rows >= together:
            return rows - rows % together
        return together if together * self.row_bytes <= 16 * PART_BYTES else rows


def layout_of(who: str, columns: Any) -> Layout:
    """Return the layout of stacked columns.

    Raises
    ------
    SinkError
        When two leaves get one name, or a leaf is no array of a fixed shape.
    """
    found: dict[str, Column] = {}
    tree = _tree(columns, "")
    for name, leaf in _named(columns):
        array = _array(who, name, leaf)
        if name in found:
            raise SinkError(f"{who} got two values called {name!r}.\n  Rename one of them.")
        if not name or "\0" in name or name in _RESERVED:
            raise SinkError(f"{who} got a field called {name!r}, which no file can be called. Rename it.")
        dims = tuple(f"{name}_{k}" for k in range(array.ndim - 1))
        found[name] = Column(array.shape[1:], _dtype(array.dtype), dims)
    return Layout(found, tree)


def gathered(who: str, layout: Layout, columns: Any, first: int) -> Columns:
    """Return stacked columns as arrays by field name, checked against the layout of the dataset.

    Parameters
    ----------
    who, layout
        For messages, and what is wanted.
    columns
        A tree of columns, the row on axis 0.
    first
        The number of its first row, for messages.

    Raises
    ------
    SinkError
        When fields, shapes or dtypes are not those of the first item; names the field.
    """
    named = _named(columns)
    names = [name for name, _ in named]
    if set(names) != set(layout.fields) or len(names) != len(layout.fields):
        raise SinkError(
            f"{who} got an item with fields {sorted(names)} at row {first}, wanted {sorted(layout.fields)} as in the "
            "first item.\n  Give every item the same fields."
        )
    made: Columns = {}
    for name, leaf in named:
        array, want = _array(who, name, leaf), layout.fields[name]
        if array.shape[1:] != want.shape:
            raise SinkError(_changed(who, name, first, f"shape {array.shape[1:]}", f"shape {want.shape}"))
        have = _dtype(array.dtype)
        if have != want.dtype:
            if want.text or not np.can_cast(array.dtype, want.dtype, "safe") or _rounds(array, want.dtype):
                raise SinkError(_changed(who, name, first, f"dtype {_told(have)}", f"dtype {_told(want.dtype)}"))
            array = array.astype(want.dtype)
        made[name] = array if want.text else array.astype(want.dtype, copy=False)
    if len({len(array) for array in made.values()}) > 1:
        lengths = {name: len(array) for name, array in made.items()}
        raise SinkError(f"{who} got columns of lengths {lengths}, wanted one length.")
    return {name: made[name] for name in layout.fields}


def stacked(who: str, layout: Layout, items: Sequence[Any], first: int) -> Columns:
    """Return items as checked columns; on failure find the item to blame.

    Raises
    ------
    SinkError
        Naming the field and the row.
    """
    try:
        return gathered(who, layout, stack(items, who=who), first)
    except (DataError, SinkError) as error:
        for k, item in enumerate(items):
            try:
                gathered(who, layout, stack([item], who=who), first + k)
            except DataError as bad:
                raise SinkError(f"row {first + k}: {bad}") from error
        raise SinkError(str(error)) from error


def joined(layout: Layout, blocks: Sequence[Columns]) -> Columns:
    """Return blocks of columns as one; strings as wide as the longest, so that how they were cut leaves no trace."""
    made: Columns = {}
    for name, want in layout.fields.items():
        column = blocks[0][name] if len(blocks) == 1 else np.concatenate([block[name] for block in blocks])
        if want.text:
            width = int(np.char.str_len(column).max(initial=1))
            column = column.astype(f"{'<U' if want.dtype == '<U0' else '|S'}{width}", copy=False)
        made[name] = column
    return made


def cut(columns: Columns, lo: int, hi: int) -> Columns:
    """Return rows ``lo`` to ``hi`` of columns, as views."""
    return {name: column[lo:hi] for name, column in columns.items()}


def length(columns: Columns) -> int:
    """Return the number of rows."""
    return len(next(iter(columns.values()))) if columns else 0


def item_of(tree: Any, values: Mapping[str, Any], *, batch: bool = False) -> Any:
    """Return the item, or the columns, that a layout's tree makes of the fields' values."""
    if isinstance(tree, str):
        return values[tree]
    if "tuple" in tree:
        return tuple(item_of(part, values, batch=batch) for part in tree["tuple"])
    made = {name: item_of(part, values, batch=batch) for name, part in tree["dict"]}
    return Batch.of(made) if batch else made


def _named(columns: Any) -> list[tuple[str, Any]]:
    """Return (field name, leaf) pairs: a tuple's are ``item_0``, ``item_1``; a bare leaf's is ``value``."""
    if branches(columns) is None:
        return [(BARE, columns)]
    return [(f"item_{path}" if isinstance(columns, tuple) else path, leaf) for path, leaf in leaves(columns)]


def _fit(dims: Sequence[str], shape: tuple[int, ...]) -> bool:
    return bool(dims) and len(dims) == len(shape) == len(set(dims) - {"item"})


def _tree(columns: Any, path: str, top: bool = True) -> Any:
    parts = branches(columns)
    if parts is None:
        return path or BARE
    below = []
    for name, part in parts:
        label = f"item_{name}" if top and isinstance(columns, tuple) else str(name)
        below.append([str(name), _tree(part, f"{path}.{label}" if path else label, False)])
    return {"tuple": [part for _, part in below]} if isinstance(columns, tuple) else {"dict": below}


def _array(who: str, name: str, leaf: Any) -> np.ndarray[Any, Any]:
    try:
        array = np.asarray(leaf)
    except (ValueError, TypeError):
        array = np.asarray(None)
    if array.dtype.kind not in "biufcSUMm" or array.ndim == 0:
        kind = f"dtype {leaf.dtype}" if isinstance(leaf, np.ndarray) else f"a {type(leaf).__name__}"
        raise SinkError(
            f"{who} cannot store field {name!r}: it is {kind}, wanted numbers, strings or arrays of one shape.\n"
            "  Map it to arrays, or leave it out of the item."
        )
    return array


def _rounds(array: np.ndarray[Any, Any], dtype: str) -> bool:
    """Tell whether integers would lose digits as floats, which NumPy calls a safe cast."""
    return (
        array.dtype.kind in "iu" and dtype[1] in "fc" and bool((array.astype(dtype).astype(array.dtype) != array).any())
    )


def _dtype(dtype: np.dtype[Any]) -> str:
    if dtype.kind in "US":
        return "<U0" if dtype.kind == "U" else "|S0"
    return str(dtype.newbyteorder("<").str)  # the same files on every machine


def _told(dtype: str) -> str:
    return {"<U0": "str", "|S0": "bytes"}.get(dtype) or str(np.dtype(dtype))


def _changed(who: str, name: str, row: int, have: str, want: str) -> str:
    return (
        f"{who} cannot store field {name!r}: it has {have} at row {row}, {want} in the first item.\n"
        "  Convert, pad or crop it with hr.map before it is stored."
    )
