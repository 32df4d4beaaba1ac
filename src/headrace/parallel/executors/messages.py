"""Messages between a program and its worker processes: pickles, with large arrays beside them and not inside.

Only a program and the processes that it has started itself speak so, through pipes that nobody else can reach.
"""

from __future__ import annotations

import os
import pickle
import struct
from typing import Any, Final, TypeAlias

import numpy as np

from headrace.parallel.executors.lane import Lane

__all__ = ["Gone", "Parts", "receive", "send", "size_of", "written"]

Parts: TypeAlias = list[Any]  # what is written: a header, a pickle, and the arrays that belong to it

_COUNT: Final = struct.Struct("<I")
_LANED: Final = 1 << 31  # in the count: the arrays are in the lane
_BESIDE: Final = 1 << 13  # bytes from which on an array goes beside the pickle
_SEVERAL: Final = 512  # parts written together; the system allows 1024


class Gone(Exception):
    """The other process has ended."""


def written(thing: Any) -> Parts:
    """Return a message: what :func:`send` writes."""
    beside: list[Any] = []

    def keep(buffer: pickle.PickleBuffer) -> bool:
        raw = buffer.raw()
        if raw.nbytes < _BESIDE:
            return True  # in the pickle
        beside.append(raw)
        return False

    head = pickle.dumps(thing, protocol=5, buffer_callback=keep)
    sizes = struct.pack(f"<{1 + len(beside)}Q", len(head), *(part.nbytes for part in beside))
    return [_COUNT.pack(len(beside)) + sizes + head, *beside]


def size_of(parts: Parts) -> int:
    """Return the bytes of a message."""
    return sum(memoryview(part).nbytes for part in parts)


def send(fd: int, parts: Parts, lane: Lane | None = None) -> None:
    """Write a message; waits while the pipe is full. Raises Gone when nobody reads any more."""
    if lane is not None and len(parts) > 1 and lane.offer(parts[1:]):
        parts = [_COUNT.pack(len(parts) - 1 | _LANED) + parts[0][_COUNT.size :]]
    at = 0
    try:
        while at < len(parts):
            wrote = os.writev(fd, parts[at : at + _SEVERAL])
            while at < len(parts) and wrote >= (size := memoryview(parts[at]).nbytes):
                wrote -= size
                at += 1
            if wrote:
                parts[at] = memoryview(parts[at])[wrote:]
    except OSError:
        raise Gone from None


def receive(fd: int, lane: Lane | None = None) -> Any:
    """Read a message; waits for it. Raises Gone when the other process has ended, in the middle of one too."""
    (told,) = _COUNT.unpack(_read(fd, _COUNT.size))
    n = told & ~_LANED
    size, *sizes = struct.unpack(f"<{1 + n}Q", _read(fd, 8 * (1 + n)))
    head = _read(fd, size)
    beside = lane.fetch(sizes) if lane is not None and told & _LANED else [_read(fd, size) for size in sizes]
    return pickle.loads(head, buffers=beside)


def _read(fd: int, size: int) -> memoryview:
    """Return the next ``size`` bytes, in memory of their own that an array may keep and change."""
    memory = np.empty(size, np.uint8).data  # which is not cleared first
    at = 0
    while at < size:
        try:
            got = os.readv(fd, [memory[at:]])
        except OSError:
            raise Gone from None
        if not got:
            raise Gone
        at += got
    return memory
