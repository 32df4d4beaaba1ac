"""Copies that share nothing: what a state is made of."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np

from headrace.core.items import branches, map_leaves

_FIXED = frozenset((int, float, str, bool, type(None), bytes, complex))  # what nobody can change


def owned(item: Any) -> Any:
    """Return a copy of an item or a state in containers and arrays of its own.

    Opaque leaves and memory-mapped arrays are handed over as they are.

    Examples
    --------
    >>> item = {"X": np.zeros(2), "Y": [1]}
    >>> copy = owned(item)
    >>> item["X"][0] = item["Y"][0] = 9
    >>> copy["X"].tolist(), copy["Y"]
    ([0.0, 0.0], [1])
    """
    kind = type(item)
    if kind in _FIXED:
        return item
    if kind is dict:
        return {name: part if type(part) in _FIXED else owned(part) for name, part in item.items()}
    if kind is list:
        return [part if type(part) in _FIXED else owned(part) for part in item]
    if kind is tuple:
        return tuple([part if type(part) in _FIXED else owned(part) for part in item])
    if kind is np.ndarray and not item.dtype.hasobject:
        return item.copy(order="K")
    if isinstance(item, np.generic | np.memmap):
        return item
    if isinstance(item, dict):
        made = copy(item)
        made.update({name: owned(part) for name, part in item.items()})
        return made
    if branches(item) is not None:  # a named tuple or a dataclass
        return map_leaves(owned, item)
    return copy(item) if isinstance(item, set | list) else item
