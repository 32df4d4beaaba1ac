"""What a message of items begins with: its dtypes, and what each item is. Of where a buffer lies it says nothing.

Both sides count that from dtypes and shapes, so that it cannot be wrong.
"""

from __future__ import annotations

from typing import Final

from headrace.parallel.dtypes import Entry
from headrace.parallel.flatten import Scalar
from headrace.parallel.structs import Struct

ALIGN: Final = 64
OWN: Final = 1 << 15  # a buffer from this size on has a frame of its own,
FRAMES: Final = 1 << 10  # up to so many of them
COLUMNS: Final = {"float": "<f8", "int": "<i8", "bool": "|b1", "complex": "<c16"}  # of Python's numbers


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
