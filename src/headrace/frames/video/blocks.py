"""Memory for blocks of frames, taken again when nobody has it any more."""

from __future__ import annotations

import sys
from math import prod
from typing import Any, Final

import numpy as np

from headrace.frames.base.layout import Array

SMALL: Final = 1 << 18  # below, fresh memory costs nothing
LARGE: Final = 1 << 26  # bytes that are kept at most, in the whole process


class Blocks:
    """Arrays like ``numpy.empty``, some in memory that an earlier one had and that nobody refers to now.

    Fresh memory comes from the system page by page, zeroed, which costs a third of decoding a video into it. At
    most 64 MiB are kept, the latest of those that were made: of blocks up to 32 MiB two or more, so that the caller may
    have one while the next is made. Any thread may ask, and none waits: whoever looks at a piece of memory has taken it
    out of the list.

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
        self._alone = self._references([np.empty(0, np.uint8)])

    @staticmethod
    def _references(among: list[Array]) -> int:
        memory = among.pop(0)
        found = sys.getrefcount(memory)
        among.append(memory)
        return found

    def new(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return an array of this shape and type, of any values, that is its holder's alone."""
        nbytes = prod(shape) * dtype.itemsize
        if not SMALL <= nbytes <= LARGE or not hasattr(sys, "getrefcount"):
            return np.empty(shape, dtype)
        kept = self._kept
        for _ in range(len(kept)):
            try:
                memory = kept.pop(0)  # one step for all threads
            except IndexError:  # others have the rest just now
                break
            alone = memory.nbytes == nbytes and sys.getrefcount(memory) == self._alone
            made = memory.view(dtype).reshape(shape) if alone else None  # before another thread sees it again
            kept.append(memory)
            if made is not None:
                return made
        memory = np.empty(nbytes, np.uint8)
        kept.append(memory)
        while sum(each.nbytes for each in kept.copy()) > LARGE:
            del kept[:1]
        return memory.view(dtype).reshape(shape)


BLOCKS: Final = Blocks()  # of all videos: a hundred open ones keep no more than one does
