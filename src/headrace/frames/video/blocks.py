"""Memory for blocks of frames, taken again when nobody has it any more."""

from __future__ import annotations

import sys
from math import prod
from typing import Any, Final

import numpy as np

from headrace.frames.base.layout import Array

SMALL: Final = 1 << 18  # below, fresh memory costs nothing
LARGE: Final = 1 << 26  # more is never kept: an open reader holds it
KEPT: Final = 2  # one that the caller has while the next is made, and the next


class Blocks:
    """Arrays like ``numpy.empty``, some in memory that an earlier one had and that nobody refers to now.

    Fresh memory comes from the system page by page, zeroed, which costs a third of decoding a video into it. At
    most 64 MiB are kept: two blocks of up to 32 MiB, or every other one of up to 64 MiB.

    Examples
    --------
    >>> blocks = Blocks()
    >>> a = blocks.new((2, 1000, 1000), np.dtype("u1"))
    >>> place = a.ctypes.data
    >>> b = blocks.new((2, 1000, 1000), np.dtype("u1"))  # a is still there
    >>> b.ctypes.data == place
    False
    >>> del a
    >>> blocks.new((2, 1000, 1000), np.dtype("u1")).ctypes.data == place
    True
    """

    def __init__(self) -> None:
        self._kept: list[Array] = []
        self._free = [np.empty(0, np.uint8)]
        self._alone = self._references(self._free, 0)

    @staticmethod
    def _references(among: list[Array], k: int) -> int:
        return sys.getrefcount(among[k])

    def new(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return an array of this shape and type, of any values, that is its holder's alone."""
        nbytes = prod(shape) * dtype.itemsize
        if not SMALL <= nbytes <= LARGE or not hasattr(sys, "getrefcount"):
            return np.empty(shape, dtype)
        for k in range(len(self._kept)):  # by number: a loop over them would itself refer to one
            if self._kept[k].nbytes == nbytes and self._references(self._kept, k) == self._alone:
                return self._kept[k].view(dtype).reshape(shape)
        memory = np.empty(nbytes, np.uint8)
        self._kept = [memory, *self._kept[: min(KEPT, LARGE // nbytes) - 1]]
        return memory.view(dtype).reshape(shape)
