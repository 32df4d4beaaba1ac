"""What items of one structure share: their tree, and the kind, dtype and shape of each leaf."""

from __future__ import annotations

from collections.abc import Iterator
from operator import is_
from typing import Any, Final, NamedTuple

import numpy as np

from headrace.core.batch import Batch

ALIGN: Final = 64  # bytes; a cache line, and what vector instructions like
_INT64: Final = 1 << 63
_NUMBERS: Final[dict[type, tuple[str, np.dtype[Any]]]] = {
    int: ("int", np.dtype(np.int64)),
    float: ("float", np.dtype(np.float64)),
    bool: ("bool", np.dtype(np.bool_)),
}
_BRANCHES: Final[dict[type, str]] = {dict: "dict", Batch: "batch", tuple: "tuple", list: "list"}
_NAMES: Final = {str, int}  # what a branch may be named by: True equals 1, and its name would be lost
_LONG: Final = 32  # parts of a tuple or a list, and
_DEEP: Final = 8  # branches inside each other, from which on a pickle is faster


class Unlike(Exception):
    """An item has another layout than the block at hand."""


class Leaf(NamedTuple):
    """One leaf of a layout.

    ``kind`` is ``"array"``, ``"fortran"`` (an array in that order), ``"ragged"`` (shape (-1, ...)), ``"scalar"``
    (NumPy's), ``"int"``, ``"float"``, ``"bool"``, ``"object"``, or ``"any"``, which takes what the others would too.
    """

    kind: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    nbytes: int  # of one row of its column; 0 where it has none
    aligned: bool = False  # of a structured dtype: == does not tell


class Layout(NamedTuple):
    """The structure that items share; hashable and picklable.

    ``tree`` is ``(kind, names, subtrees)`` for a branch and None for a leaf; ``leaves`` are in the tree's order.
    """

    tree: Any
    leaves: tuple[Leaf, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of the columns, alignment left out."""
        return sum(leaf.nbytes for leaf in self.leaves)

    @property
    def has_heap(self) -> bool:
        return any(leaf.kind in HEAPED for leaf in self.leaves)

    def columns_end(self, rows: int) -> int:
        """Return where the columns of so many rows end."""
        return sum([aligned(rows * leaf.nbytes) for leaf in self.leaves])

    def ragged(self, other: Layout) -> Layout | None:
        """Return a layout for this one's items and another's when only shapes differ; None when more does."""
        if self.tree != other.tree or len(self.leaves) != len(other.leaves):
            return None
        made = []
        for mine, theirs in zip(self.leaves, other.leaves, strict=True):
            if mine == theirs:
                made.append(mine)
            elif _may_vary(mine) and _may_vary(theirs) and same_dtype(mine.dtype, theirs.dtype):
                if len(mine.shape) != len(theirs.shape):
                    return None
                made.append(Leaf("ragged", mine.dtype, (-1,) * len(mine.shape), 0, mine.aligned))
            else:
                return None
        return Layout(self.tree, tuple(made))


HEAPED: Final = frozenset(("ragged", "object", "any"))
ANYTHING: Final = Layout(None, (Leaf("any", np.dtype(np.void), (), 0),))


def _may_vary(leaf: Leaf) -> bool:
    return leaf.kind in ("array", "ragged") and len(leaf.shape) > 0


def aligned(n: int) -> int:
    """Return ``n`` rounded up to a multiple of ALIGN."""
    return -(-n // ALIGN) * ALIGN


def layout_of(item: Any) -> Layout:
    """Return the layout of one item.

    Examples
    --------
    >>> layout = layout_of({"X": np.zeros(3), "Y": 5})
    >>> [(leaf.kind, leaf.shape) for leaf in layout.leaves]
    [('array', (3,)), ('int', ())]
    """
    leaves: list[Leaf] = []
    tree = _tree(item, leaves, 0)
    return Layout(tree, tuple(leaves))


def _tree(item: Any, leaves: list[Leaf], depth: int) -> Any:
    kind = branch_of(item)
    if kind is None or depth == _DEEP:
        leaves.append(leaf_of(item))
        return None
    if kind in ("tuple", "list"):
        return kind, len(item), tuple(_tree(part, leaves, depth + 1) for part in item)
    return kind, tuple(item), tuple(_tree(part, leaves, depth + 1) for part in item.values())


def branch_of(item: Any) -> str | None:
    """Return the kind of a branch, None for a leaf: a long or oddly named branch is one, and goes as an object."""
    kind = _BRANCHES.get(type(item))
    if kind is None:
        return None
    if kind in ("tuple", "list"):
        return kind if len(item) <= _LONG else None
    return kind if _NAMES.issuperset(map(type, item)) else None


def is_named(item: Any, names: tuple[Any, ...]) -> bool:
    """Tell whether a dict has these names, in this order and of these types."""
    found = tuple(item)
    return found == names and (all(map(is_, found, names)) or _NAMES.issuperset(map(type, found)))


def leaf_of(value: Any) -> Leaf:
    """Return what one leaf is."""
    kind = type(value)
    if kind is np.ndarray or kind is np.memmap:
        if not value.dtype.hasobject:
            name = "fortran" if is_fortran(value) else "array"
            return Leaf(name, value.dtype, value.shape, value.nbytes, value.dtype.isalignedstruct)
    elif isinstance(value, np.generic):
        dtype = value.dtype
        if dtype.kind not in "SUO" and not dtype.hasobject:  # a text has a dtype of its own length
            return Leaf("scalar", dtype, (), dtype.itemsize, dtype.isalignedstruct)
    elif kind in _NUMBERS and (kind is not int or -_INT64 <= value < _INT64):
        name, number = _NUMBERS[kind]
        return Leaf(name, number, (), number.itemsize)
    return Leaf("object", np.dtype(np.void), (), 0)


def same_dtype(a: np.dtype[Any], b: np.dtype[Any]) -> bool:
    """Tell whether two dtypes are one, their alignment included."""
    return a is b or (a == b and a.isalignedstruct == b.isalignedstruct)


def leaf_bytes(layout: Layout, item: Any) -> int:
    """Return how many bytes of heap one item takes at least: those of its ragged arrays; objects are not looked into.

    Raises
    ------
    Unlike
        When it has another structure.
    """
    if layout.leaves == ANYTHING.leaves:
        return 0
    total = 0
    for leaf, value in zip(layout.leaves, values_of(layout.tree, item), strict=True):
        if leaf.kind == "ragged":
            total += aligned(plain_of(value).nbytes)
    return total


def values_of(tree: Any, item: Any) -> Iterator[Any]:
    """Yield the leaves of an item, in the tree's order; raises Unlike where it has another structure."""
    if tree is None:
        yield item  # whether it is a leaf of the right kind is seen where it is put
        return
    kind, names, below = tree
    if _BRANCHES.get(type(item)) != kind:
        raise Unlike
    if kind in ("tuple", "list"):
        if len(item) != names:
            raise Unlike
        parts: Any = item
    else:
        if not is_named(item, names):
            raise Unlike
        parts = item.values()
    for subtree, part in zip(below, parts, strict=True):
        if subtree is None:
            yield part
        else:
            yield from values_of(subtree, part)


def is_fortran(value: Any) -> bool:
    """Tell whether an array is in Fortran's order and not in C's."""
    flags = value.flags
    return bool(flags.f_contiguous and not flags.c_contiguous)


def plain_of(value: Any) -> Any:
    """Return an array; one mapped from a file as an array of memory, as which it arrives. Raises Unlike for others."""
    if type(value) is np.ndarray:
        return value
    if type(value) is not np.memmap:
        raise Unlike
    return value.view(np.ndarray)
