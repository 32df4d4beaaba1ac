"""Columns that are not in memory: rows are read as they are wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.core.plain import array_digest, where_is

DENSE = 4  # rows per wanted row up to which a stretch is read whole


class Stored:
    """A column of an array that lies elsewhere: memory-mapped, or of h5py, zarr, dask, xarray.

    Parameters
    ----------
    array
        Anything with ``shape``, ``dtype`` and ``[a:b]``.

    It is pickled by reference where it can be: a memory-mapped file by its name, an HDF5 dataset by file and name.
    """

    array: Any
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape = tuple(int(n) for n in array.shape)
        self.dtype = np.dtype(array.dtype)

    def __getitem__(self, cut: slice) -> Any:
        """Return rows of a slice as an array; a mapped one's are read-only views."""
        found = np.asarray(self.array[cut])
        if isinstance(self.array, np.memmap):
            found = found.view()
            found.flags.writeable = False
        return found

    def take(self, at: np.ndarray[Any, np.dtype[np.int64]], axis: int = 0) -> Any:
        """Return any rows, in any order, each read once."""
        if isinstance(self.array, np.memmap):
            return np.asarray(self.array).take(at, axis=0)
        wanted, back = np.unique(at, return_inverse=True)
        if not wanted.size:
            return self[0:0]
        lo, hi = int(wanted[0]), int(wanted[-1]) + 1
        if hi - lo <= DENSE * wanted.size:
            return self[lo:hi][wanted - lo][back]
        return np.asarray(self.array[wanted])[back]

    def __plain__(self) -> Any:
        """Return what makes two of them equal, for fingerprints."""
        if isinstance(self.array, np.memmap):
            return {"array": self.dtype.str, "shape": list(self.shape), "digest": array_digest(np.asarray(self.array))}
        name = getattr(self.array, "name", None)
        told = name if isinstance(name, str) else None
        return {"stored": where_is(type(self.array)), "dtype": self.dtype.str, "shape": list(self.shape), "name": told}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stored) and (self.array is other.array or self.__plain__() == other.__plain__())

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype.str))

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        array = self.array
        if isinstance(array, np.memmap) and (place := _place_in_file(array)) is not None:
            return _mapped, (str(array.filename), self.dtype, self.shape, place)
        if type(array).__module__.partition(".")[0] == "h5py":
            return _dataset, (array.file.filename, array.name)
        return Stored, (array,)

    def __repr__(self) -> str:
        return f"Stored({self.dtype}, {self.shape})"


def _place_in_file(array: Any) -> int | None:
    """Return the byte of a mapped file at which an array begins; None when its rows do not lie in a row."""
    if not array.flags.c_contiguous or array.filename is None:
        return None
    whole = array
    while isinstance(whole.base, np.memmap):
        whole = whole.base
    inside = int(array.__array_interface__["data"][0]) - int(whole.__array_interface__["data"][0])
    return int(whole.offset) + inside


def _mapped(path: str, dtype: np.dtype[Any], shape: tuple[int, ...], offset: int) -> Stored:
    return Stored(np.memmap(path, dtype, "r", offset, shape))


def _dataset(path: str, name: str) -> Stored:
    h5py: Any = optional("h5py", "store", "source")
    return Stored(h5py.File(path, "r")[name])
