"""Memory that a worker and its program share: large arrays go through it at half the cost of a pipe.

It has two halves, which are filled in turn. A half is free again when the program has copied out what was in it; where
none is, or the arrays do not fit, they go through the pipe as ever, so nobody ever waits here. Nothing in it counts
before a message says so, and that comes through the pipe.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from headrace.parallel.arena import anonymous_file

__all__ = ["NOTHING", "Lane"]

NOTHING: Final = -1  # in the first word: no call is running
_HALF: Final = 1 << 21  # bytes: what a worker has made when it sends it, mostly; they take memory when they are used
_HEAD: Final = mmap.PAGESIZE


class Lane:
    """One end of the memory.

    Parameters
    ----------
    file
        Its descriptor, of :meth:`file`.

    Attributes
    ----------
    words
        Of 64 bits: the number of the call that the worker is running, or ``NOTHING``; how many messages were fetched.
    """

    def __init__(self, file: int) -> None:
        whole = memoryview(mmap.mmap(file, _HEAD + 2 * _HALF))
        self.words: memoryview[int] = whole[:_HEAD].cast("q")
        self._halves = whole[_HEAD : _HEAD + _HALF], whole[_HEAD + _HALF :]
        self._turn = 0

    @staticmethod
    def file() -> int:
        """Return a descriptor of such memory."""
        return anonymous_file(_HEAD + 2 * _HALF)

    def offer(self, parts: Sequence[Any]) -> bool:
        """Put bytes there for the program; return False, having done nothing, where there is no room now."""
        if self._turn - self.words[1] >= len(self._halves) or sum(part.nbytes for part in parts) > _HALF:
            return False
        half, at = self._halves[self._turn % len(self._halves)], 0
        for part in parts:
            half[at : at + part.nbytes] = part
            at += part.nbytes
        self._turn += 1
        return True

    def fetch(self, sizes: Sequence[int]) -> list[memoryview]:
        """Return bytes that the worker put there, in memory of their own that an array may keep and change."""
        half, at = self._halves[self._turn % len(self._halves)], 0
        made: list[memoryview] = []
        for size in sizes:
            memory = np.empty(size, np.uint8).data  # which is not cleared first
            memory[:] = half[at : at + size]
            made.append(memory)
            at += size
        self._turn += 1
        self.words[1] = self._turn
        return made
