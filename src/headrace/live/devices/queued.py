"""Blocks that wait for a reader as they are, with their own columns, paces and numbers."""

from __future__ import annotations

import threading
from collections import deque

from headrace.core.block import Block
from headrace.errors import DataError
from headrace.live.devices.pending import Overflow
from headrace.live.devices.pieces import goes_on, joined, size_of


class Queued:
    """Blocks that one thread puts and another takes, bounded in bytes, with nothing lost without a count.

    Rows that are missing between two blocks count as dropped.

    Parameters
    ----------
    max_bytes
        How much may wait; one block may in any case.
    overflow
        What goes when there would be more: the oldest blocks, the newest, or none, and putting fails.
    who
        Whose blocks they are, for messages.

    Examples
    --------
    >>> import numpy as np
    >>> queued = Queued(1 << 20, "drop_oldest", "a device")
    >>> for first in (7, 9, 20):
    ...     queued.put(Block({"x": np.array([1, 2])}, first=first))
    >>> [(block.first, block.n) for block in (queued.take(), queued.take())]
    [(0, 4), (13, 2)]
    >>> queued.counts()["dropped"], queued.take()
    (9, {})
    """

    max_bytes: int
    overflow: Overflow
    who: str

    def __init__(self, max_bytes: int, overflow: Overflow, who: str) -> None:
        self.max_bytes, self.overflow, self.who = max_bytes, overflow, who
        self._lock = threading.Lock()
        self._blocks: deque[Block] = deque()
        self._produced = self._delivered = self._dropped = self._pending = self._bytes = 0
        self._shift: int | None = None  # from the numbers that blocks come with to ours

    def again(self) -> None:
        """Have the next block go on from the last one, whatever its number."""
        self._shift = None

    def number(self, block: Block) -> int:
        """Return the number that the first row of a block has when it is put next."""
        with self._lock:
            return self._number(block)

    def _number(self, block: Block) -> int:
        if self._shift is None or block.first + self._shift < self._produced:
            self._shift = self._produced - block.first
        return block.first + self._shift

    def put(self, block: Block) -> None:
        """Add a block.

        Raises
        ------
        DataError
            When it is full and is to say so.
        """
        with self._lock:
            first = self._number(block)
            size = size_of(block)
            if self._bytes + size > self.max_bytes and self._blocks:
                if self.overflow == "fail":
                    raise DataError(
                        f"{self.who} has {self._pending} rows, {self._bytes} bytes, that nobody has read, and "
                        f"max_bytes={self.max_bytes}.\n  Read more often, or allow more."
                    )
                while self.overflow == "drop_oldest" and self._blocks and self._bytes + size > self.max_bytes:
                    gone = self._blocks.popleft()
                    self._dropped += gone.n
                    self._pending -= gone.n
                    self._bytes -= size_of(gone)
            missing, self._produced = first - self._produced, first + block.n
            self._dropped += missing
            if self._blocks and self._bytes + size > self.max_bytes:
                self._dropped += block.n
                return
            self._blocks.append(
                Block.of(block, first, block.n, block.rate, block.paces, block.latencies, block.times, block.before)
            )
            self._pending += block.n
            self._bytes += size

    def take(self) -> Block:
        """Return the oldest block, with those that go on from it; an empty one when none waits."""
        with self._lock:
            if not self._blocks:
                return Block({}, first=self._produced)
            found = [self._blocks.popleft()]
            while self._blocks and not found[-1].paces and goes_on(found[-1], self._blocks[0]):
                found.append(self._blocks.popleft())
            rows = sum(block.n for block in found)
            self._delivered += rows
            self._pending -= rows
            self._bytes -= sum(map(size_of, found))
        return found[0] if len(found) == 1 else joined(found)

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def counts(self) -> dict[str, int]:
        """Return how many rows came, were read, were dropped and wait; the first is the sum of the others."""
        with self._lock:
            return {
                "produced": self._produced, "delivered": self._delivered, "dropped": self._dropped,
                "pending": self._pending, "pending_bytes": self._bytes,
            }  # fmt: skip
