"""Arrays of an item as tensors of PyTorch, without a copy where that is safe."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from headrace.core.columns import each_leaf
from headrace.core.optional import optional


def as_tensors(item: Any) -> Any:
    """Return an item with its arrays as tensors; dicts, tuples, dataclasses, lists and batches stay what they are.

    A writable array shares its memory with its tensor. A read-only one is copied, since a tensor can be written to; so
    is one in foreign byte order, or in steps that tensors cannot take (backwards, or not of whole elements). Numbers of
    NumPy become tensors without axes. What PyTorch has no dtype for stays as it is: strings, bytes, objects, dates,
    records, long doubles, masked arrays.

    Parameters
    ----------
    item
        A tree of arrays and anything else.

    Raises
    ------
    MissingExtraError
        When PyTorch is not installed.
    """
    return each_leaf(_leaf, item)


def _leaf(leaf: Any) -> Any:
    if isinstance(leaf, np.ndarray):
        return _tensor(leaf)
    if isinstance(leaf, np.generic):
        return _tensor(np.array(leaf)) if _has(leaf.dtype) else leaf
    if type(leaf) is list:
        return [as_tensors(part) for part in leaf]
    return leaf


def _tensor(array: np.ndarray[Any, Any]) -> Any:
    dtype = array.dtype
    if dtype.kind in "iufc":
        if not dtype.isnative:
            array = array.astype(dtype.newbyteorder("="))
        elif dtype.kind in "iu" and dtype.char in "qQ":  # C has several integers of 8 bytes, and PyTorch knows one
            array = array.view(f"{dtype.kind}8")
    if not _has(array.dtype) or isinstance(array, np.ma.MaskedArray):
        return array
    flags = array.flags
    if not (flags.c_contiguous and flags.writeable and flags.aligned) and not _shareable(array):
        array = np.array(array, order="K", subok=False)
    return _torch().from_numpy(array)


def _shareable(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether a tensor can have the memory of an array that is not simply contiguous."""
    flags, size = array.flags, array.itemsize
    return flags.writeable and flags.aligned and all(step >= 0 and step % size == 0 for step in array.strides)


@cache
def _has(dtype: np.dtype[Any]) -> bool:
    """Tell whether PyTorch has a dtype, which depends on its version."""
    try:
        _torch().from_numpy(np.empty(0, dtype))
    except TypeError:
        return False
    return True


@cache
def _torch() -> Any:
    return optional("torch", "torch", "a bridge to tensors")
