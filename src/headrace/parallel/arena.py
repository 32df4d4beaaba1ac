"""Memory that two processes map: one writes blocks into it, the other reads them where they lie.

It is a file without a name, so that nothing is left of it when both are gone, however they went. The writer decides
where a block lies; it may use that place again when the reader says so, which is when the last view of the block has
died. Both count in bytes.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from bisect import insort
from collections import deque
from typing import Any, Final

import numpy as np

_PAGE: Final = 4096
_VIRTUAL: Final = 4  # times the limit: addresses cost nothing, and growing costs a new map


def anonymous_file(nbytes: int) -> int:
    """Return a descriptor of a file without a name, of so many bytes of zeros that take no memory yet."""
    if hasattr(os, "memfd_create"):
        fd = os.memfd_create("headrace", os.MFD_CLOEXEC)
    else:
        fd, path = tempfile.mkstemp(prefix="headrace-")
        os.unlink(path)
    os.ftruncate(fd, nbytes)
    return fd


def _whole_pages(nbytes: int) -> int:
    return -(-nbytes // _PAGE) * _PAGE


class Writer:
    """The side that makes blocks, and decides where they lie.

    Parameters
    ----------
    fd
        The file.
    limit
        Bytes that may be in use. Beside two blocks that the reader keeps, one more always fits.
    """

    fd: int
    limit: int
    in_use: int

    def __init__(self, fd: int, limit: int) -> None:
        self.fd, self.limit = fd, limit
        self._map = mmap.mmap(fd, os.fstat(fd).st_size)
        self._free: list[tuple[int, int]] = []  # (offset, bytes), in order, below ``_top``
        self._top = 0
        self._used: dict[int, int] = {}
        self.in_use = 0
        self._largest = 0

    def fits(self, nbytes: int) -> bool:
        """Tell whether a block of this size may be made now."""
        size = _whole_pages(nbytes)
        then = self.in_use + size
        # What the reader keeps is at most half of the limit, or twice the largest of what it keeps.
        return then <= max(self.limit, 3 * size) or not self._used or then <= 3 * max(self._used.values())

    def allocate(self, nbytes: int) -> tuple[int, np.ndarray[Any, Any]]:
        """Return the offset and the memory of a new block, (nbytes,) of uint8."""
        size = _whole_pages(nbytes)
        offset = self._place(size)
        self._used[offset] = size
        self.in_use += size
        self._largest = max(self._largest, size)
        return offset, np.frombuffer(self._map, np.uint8, nbytes, offset)

    def free(self, offset: int) -> None:
        """Take back a block."""
        size = self._used.pop(offset)
        self.in_use -= size
        insort(self._free, (offset, size))
        if len(self._free) > 1 or offset + size == self._top:
            self._join()

    def _place(self, size: int) -> int:
        for k, (offset, room) in enumerate(self._free):
            if room >= size:  # the first that fits: low addresses stay warm, and the file short
                if room == size:
                    del self._free[k]
                else:
                    self._free[k] = (offset + size, room - size)
                return offset
        offset, self._top = self._top, self._top + size
        if self._top > len(self._map):
            os.ftruncate(self.fd, _VIRTUAL * self._top)
            self._map = mmap.mmap(self.fd, _VIRTUAL * self._top)  # the old one lives as long as its views
        return offset

    def _join(self) -> None:
        """Join free neighbours, and give back what lies at the end when it is much."""
        joined: list[tuple[int, int]] = []
        for offset, size in self._free:
            if joined and sum(joined[-1]) == offset:
                joined[-1] = (joined[-1][0], joined[-1][1] + size)
            else:
                joined.append((offset, size))
        if joined and sum(joined[-1]) == self._top and self._top > 2 * max(self.limit, 3 * self._largest):
            offset, size = joined.pop()
            self._top = offset
            if hasattr(mmap, "MADV_REMOVE"):
                self._map.madvise(mmap.MADV_REMOVE, offset, size)
        self._free = joined


class _Lease(weakref.ref[Any]):
    """Dies with the last view of a block, and knows which."""

    __slots__ = ("offset", "size")
    offset: int
    size: int

    __hash__ = object.__hash__  # a weakref's own are those of the array, which has none
    __eq__ = object.__eq__


class Reader:
    """The side that reads blocks. What it hands out are views; a block is given back when its last view dies.

    When the consumer keeps so many that the writer would stall, it gets copies instead.

    Parameters
    ----------
    fd
        The file.
    limit
        Bytes that may be in use, as the writer knows it.
    """

    def __init__(self, fd: int, limit: int) -> None:
        self.fd: int = fd
        self._half: int = limit // 2
        self._map: mmap.mmap = mmap.mmap(fd, os.fstat(fd).st_size)
        self._leases: set[_Lease] = set()  # which keeps them alive: a dead weakref calls nobody
        self._died: deque[_Lease | int] = deque()  # filled by the garbage collector, in whichever thread
        self.leased: int = 0  # bytes, those included that died since the last ``take_back``
        self.copied: int = 0  # blocks handed out as copies

    def view(self, offset: int, nbytes: int) -> np.ndarray[Any, Any]:
        """Return the block's memory, (nbytes,) of uint8, writable."""
        if offset + nbytes > len(self._map):
            self._map = mmap.mmap(self.fd, os.fstat(self.fd).st_size)
        # Its base is no array: so NumPy makes it, and nothing below it, the base of every view of it.
        memory: np.ndarray[Any, Any] = np.frombuffer(self._map, np.uint8, nbytes, offset)
        size = _whole_pages(nbytes)  # as the writer counts, or it would wait for what is never given back
        if self.leased + size > max(self._half, 2 * size):
            self.copied += 1
            self._died.append(offset)
            return memory.copy()
        lease = _Lease(memory, self._died.append)
        lease.offset, lease.size = offset, size
        self._leases.add(lease)
        self.leased += size
        return memory

    def peek(self, offset: int, nbytes: int) -> np.ndarray[Any, Any]:
        """Return a copy of the block's memory; nothing is counted."""
        return np.frombuffer(self._map, np.uint8, nbytes, offset).copy()

    def take_back(self) -> list[int]:
        """Return the offsets of the blocks that have died since the last call."""
        died = []
        while self._died:
            dead = self._died.popleft()
            if isinstance(dead, int):
                died.append(dead)
            else:
                self._leases.discard(dead)
                self.leased -= dead.size
                died.append(dead.offset)
        return died
