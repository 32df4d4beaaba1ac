"""Copies that share nothing: what a state is made of."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np

_FIXED = frozenset((int, float, str, bool, type(None), bytes, complex))  # what nobody can change


def owned(item: Any) -> Any:
    """Return a copy of an item or a state that shares nothing which can be changed: containers, arrays, objects.

    Objects that refuse to be copied, and memory-mapped arrays, are handed over as they are.

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
    try:
        return deepcopy(item)
    except Exception:  # locks, handles, half-made objects: theirs to say no
        return item
