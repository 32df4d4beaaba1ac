"""Items taken apart for a socket: what they are, and their leaves; what cannot be sent is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any, Final, Literal, NamedTuple

import numpy as np

from headrace.core.batch import Batch
from headrace.errors import DataError
from headrace.parallel.dtypes import DType, refused, told_size

OVERHEAD: Final = 64  # bytes an item counts besides its arrays
HEADER: Final = 1 << 20  # bytes of a header at most
_LONG: Final = 1 << 63
Scalar = Literal["none", "bool", "int", "big", "float", "complex", "str", "bytes", "npstr", "npbytes"]
_SCALARS: Final[dict[type, Scalar]] = {
    type(None): "none", bool: "bool", float: "float", complex: "complex", str: "str", bytes: "bytes",
    np.str_: "npstr", np.bytes_: "npbytes",
}  # fmt: skip


class Limits(NamedTuple):
    """What a message may hold at most: looked at before anything is made from it."""

    bytes: int = 1 << 30
    parts: int = 1 << 18  # leaves and branches of all its items, elements of lists included
    depth: int = 64


LIMITS: Final = Limits()


class Flattened(NamedTuple):
    """An item taken apart: what it is, its leaves, and the bytes it counts."""

    plan: tuple[Any, ...]
    leaves: list[Any]
    size: int


class _Unfit(Exception):
    """A leaf that cannot be sent, and the names on the way to it."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.names: list[Any] = []


class Flattener:
    """Takes items apart, and refuses by name what a socket cannot carry.

    Parameters
    ----------
    who
        The name that messages begin with.

    Examples
    --------
    >>> item = Flattener()({"X": np.zeros(3), "y": 1})
    >>> item.leaves, item.size
    ([array([0., 0., 0.]), 1], 96)
    >>> Flattener()({"X": {"y": object()}})
    Traceback (most recent call last):
    headrace.errors.DataError: serve cannot send field 'X.y': it is an object, wanted arrays, numbers, texts, and dicts, ...
    """

    def __init__(self, who: str = "serve") -> None:
        self.who: str = who
        self._plan: tuple[Any, ...] = ()
        self._fixed: int | None = None  # bytes of an item of that plan, where all have the same

    def __call__(self, item: Any) -> Flattened:
        """Return the item taken apart; its arrays are not copied.

        Raises
        ------
        DataError
            Naming the field that cannot be sent.
        """
        nodes: list[Any] = []
        leaves: list[Any] = []
        try:
            self._walk(item, nodes, leaves, 0)
            plan = tuple(nodes)
            if plan != self._plan and sum(map(_told_size, plan)) > HEADER:
                raise _Unfit("has more parts and names than one message may hold")
        except _Unfit as unfit:
            path = ".".join(map(str, unfit.names))
            field = f"field '{path}'" if path else "the item"
            raise DataError(
                f"{self.who} cannot send {field}: it {unfit}, wanted arrays, numbers, texts, and dicts, tuples and "
                "lists of them.\n  Map it to arrays before it is sent."
            ) from None
        if plan == self._plan:
            plan = self._plan
            size = self._fixed
        else:
            self._plan, self._fixed = plan, None
            if all(node in _FIXED if type(node) is str else node[0] != "l" or node[1] in _FIXED for node in plan):
                self._fixed = sum(map(_weight, leaves), OVERHEAD)
            size = self._fixed
        if size is None:
            size = sum(map(_weight, leaves), OVERHEAD)
        if size > LIMITS.bytes // 2:
            raise DataError(
                f"{self.who} cannot send an item of {size} bytes, wanted {LIMITS.bytes // 2} at most.\n"
                "  Cut it into several items."
            )
        return Flattened(plan, leaves, size)

    def _walk(self, item: Any, plan: list[Any], out: list[Any], depth: int) -> None:
        kind = type(item)
        if kind is np.ndarray:
            if why := refused(item.dtype):
                raise _Unfit(f"is an array of dtype {_short(item.dtype)}: {why}")
            flags = item.flags
            plan.append(("a", item.dtype, item.shape, item.ndim > 1 and flags.f_contiguous and not flags.c_contiguous))
            out.append(item)
            return
        if kind is int:
            plan.append("int" if -_LONG <= item < _LONG else "big")
            out.append(item)
            return
        name = _SCALARS.get(kind)
        if name is not None:
            plan.append(name)
            out.append(item)
            return
        if depth >= LIMITS.depth:
            raise _Unfit("is nested deeper than one message may be")
        if kind is list:
            self._list(item, plan, out, depth)
        elif isinstance(item, Mapping):
            names = tuple(item)
            if not _fit_names(names):
                raise _Unfit("has names that are neither texts nor whole numbers of 64 bits")
            plan.append(("d", names, kind is Batch))
            for name, part in item.items():
                self._part(name, part, plan, out, depth)
        elif isinstance(item, tuple) and not hasattr(item, "_fields"):
            plan.append(("t", len(item), False))
            for k, part in enumerate(item):
                self._part(k, part, plan, out, depth)
        elif isinstance(item, np.memmap):
            self._walk(np.asarray(item), plan, out, depth)
        elif isinstance(item, np.generic):
            if why := refused(item.dtype):
                raise _Unfit(f"is a number of dtype {_short(item.dtype)}: {why}")
            plan.append(("g", item.dtype))
            out.append(item)
        elif isinstance(item, np.ma.MaskedArray):
            raise _Unfit("is a masked array")
        elif isinstance(item, tuple) or is_dataclass(item):
            raise _Unfit(f"is {_a(kind)}, a class that the other side does not know")
        else:
            raise _Unfit(f"is {_a(kind)}")

    def _list(self, item: list[Any], plan: list[Any], out: list[Any], depth: int) -> None:
        kinds = set(map(type, item))
        kind = kinds.pop() if len(kinds) == 1 else None
        name: Scalar | None = None if kind is None else _SCALARS.get(kind)
        if kind is int:
            name = "int" if min(item) >= -_LONG and max(item) < _LONG else "big"
        if name is not None and len(item) <= LIMITS.parts:
            plan.append(("l", name, len(item)))
            out.append(item)
            return
        if len(item) > LIMITS.parts:
            raise _Unfit(f"is a list of {len(item)} parts, more than one message may hold")
        plan.append(("t", len(item), True))
        for k, part in enumerate(item):
            self._part(k, part, plan, out, depth)

    def _part(self, name: Any, part: Any, plan: list[Any], out: list[Any], depth: int) -> None:
        try:
            self._walk(part, plan, out, depth + 1)
        except _Unfit as unfit:
            unfit.names.insert(0, name)
            raise


def _told_size(node: Any) -> int:
    """Return how many bytes a node takes in a header, or more."""
    if type(node) is str:
        return 16
    if node[0] == "d":
        return 16 + sum(9 + len(name.encode()) if type(name) is str else 9 for name in node[1])
    if node[0] == "a":
        return 16 + 9 * len(node[2]) + told_size(node[1])
    return 32 + told_size(node[1]) if node[0] == "g" else 32


_FIXED: Final = frozenset(("none", "bool", "int", "float", "complex"))
_seen_names: set[tuple[Any, ...]] = set()


def _fit_names(names: tuple[Any, ...]) -> bool:
    if not _KEYS.issuperset(map(type, names)):
        return False
    if names not in _seen_names:
        try:
            if any(not -_LONG <= n < _LONG if type(n) is int else n.encode() is None for n in names):
                return False
        except UnicodeEncodeError:
            return False
        if len(_seen_names) > 1000:
            _seen_names.clear()
        _seen_names.add(names)
    return True


_KEYS: Final = frozenset((int, str))


def _weight(leaf: Any) -> int:
    """Return the bytes of a leaf, about."""
    if isinstance(leaf, np.ndarray | np.generic):
        return int(leaf.nbytes)
    if isinstance(leaf, str | bytes):
        return 4 + len(leaf)
    if isinstance(leaf, list):
        return sum(map(_weight, leaf))
    return 8 if not isinstance(leaf, int) or -_LONG <= leaf < _LONG else leaf.bit_length() // 8 + 8


def _a(kind: type) -> str:
    """Return the name of a class with its article."""
    return f"{'an' if kind.__name__[0] in 'aeiouAEIOU' else 'a'} {kind.__name__}"


def _short(dtype: DType) -> str:
    text = str(dtype)
    return text if len(text) < 60 else text[:57] + "..."
