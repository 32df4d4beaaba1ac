"""Values on their way to another process: what is sure to be picklable, how much it is, and bytes of the rest.

A value travels as it is where any pickler takes it and any process can read it. Everything else becomes bytes before
an executor sees it, each value by itself: a value that cannot be pickled, or cannot be read again, is then the trouble
of its own call and never of the pool.
"""

from __future__ import annotations

import pickle
from typing import Any, Final

import numpy as np

__all__ = ["dumps", "is_plain", "weight"]

_SURE: Final = frozenset({int, float, bool, str, complex, bytes, type(None), *map(type, (np.float64(0), np.int64(0)))})
_SMALL: Final = _SURE - {str, bytes}
_DEPTH: Final = 3  # how deep plain containers are looked into


def is_plain(value: Any, depth: int = _DEPTH) -> bool:
    """Tell whether any pickler takes ``value`` and any process with numpy can read it.

    Examples
    --------
    >>> is_plain({"x": 1.0, "y": [2, 3]}), is_plain(print), is_plain([lambda: 0])
    (True, False, False)
    """
    kind = type(value)
    if kind in _SURE:
        return True
    if kind is np.ndarray:
        return not value.dtype.hasobject
    if not depth:
        return False
    if kind is dict:  # the arguments of every call: a loop is twice as fast as all()
        for key, each in value.items():
            if key.__class__ is not str or not (type(each) in _SURE or is_plain(each, depth - 1)):
                return False
        return True
    if kind is tuple or kind is list:
        return len(value) <= 1000 and all(is_plain(each, depth - 1) for each in value)
    return isinstance(value, np.generic) and not value.dtype.hasobject


def weight(value: Any, depth: int = _DEPTH) -> int:
    """Return about how many bytes ``value`` takes on its way: those of arrays, and a few for anything else.

    Examples
    --------
    >>> weight(1.5), weight(np.zeros((100, 100)))
    (32, 80032)
    """
    kind = type(value)
    if kind in _SMALL:
        return 32
    if kind is str or kind is bytes:
        return 32 + len(value)
    if depth and (kind is tuple or kind is list) and len(value) <= 1000:
        return 32 + sum(weight(each, depth - 1) for each in value)
    if depth and kind is dict:
        total = 32
        for each in value.values():
            total += 32 if type(each) in _SMALL else weight(each, depth - 1)
        return total
    try:
        return 32 + int(getattr(value, "nbytes", 0))  # arrays, and what xarray and pandas make
    except Exception:  # of whatever class: DataFrames have none, and an attribute may be anything
        return 32


def dumps(value: Any) -> bytes:
    """Return ``value`` as bytes for ``pickle.loads``: functions and classes of the main program by value."""
    import cloudpickle  # here: whoever sends plain values only need not load it

    made: bytes = cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    return made
