"""Rows of a leader that wait for what its followers say."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from headrace.core.block import Block
from headrace.errors import DataError
from headrace.live.merging.history import Array


class Held:
    """Blocks in the order in which they came, given out row by row.

    Parameters
    ----------
    who
        Whose rows they are, for messages.
    timestamp
        The column of their times.
    patience
        Seconds for which a row waits for a sample that betters its values.
    hold
        Seconds for which it waits for the first sample of a follower.
    max_bytes
        How much may wait for a first sample.

    Examples
    --------
    >>> held = Held("a device")
    >>> held.add(5.0, Block({"timestamp": np.array([1.0, 2.0])}))
    >>> held.add(6.0, Block({"timestamp": np.array([3.0])}, first=2))
    >>> held.n, held.moments()[1].tolist(), held.came_by(5.5)
    (3, [0, 1, 2], 2)
    >>> held.take(1), held.take(2), held.n
    ({'timestamp': array([1.])}, {'timestamp': array([2., 3.])}, 0)
    """

    def __init__(
        self,
        who: Any,
        timestamp: str = "timestamp",
        *,
        patience: float = 1.0,
        hold: float = 30.0,
        max_bytes: int = 1 << 26,
    ) -> None:
        self._who, self._timestamp = who, timestamp
        self._patience, self._hold, self._max_bytes = patience, hold, max_bytes
        self._blocks: list[tuple[float, Block]] = []  # with the moment at which it came

    @property
    def n(self) -> int:
        """How many rows there are."""
        return sum(block.n for _, block in self._blocks)

    @property
    def nbytes(self) -> int:
        """How much that is."""
        return sum(np.asarray(column).nbytes for _, block in self._blocks for column in block.values())

    def add(self, came: float, block: Block) -> None:
        """Add rows that came at a moment.

        Raises
        ------
        DataError
            When they have no times.
        """
        if block.n and block.times is None:
            raise DataError(
                f"Merge got rows without times from its leader {self._who!r}, wanted a column {self._timestamp!r} of "
                "Unix seconds.\n  Say which it is with timestamp_key= where it is made."
            )
        if block.n:
            self._blocks.append((came, block))

    def moments(self) -> tuple[Array, Array]:
        """Return the times of all rows, and their numbers."""
        at, rows = [np.zeros(0)], [np.zeros(0, np.int64)]
        for _, block in self._blocks:
            at.append(np.asarray(block.times, dtype=np.float64))
            rows.append(np.arange(block.first, block.first + block.n))
        return np.concatenate(at), np.concatenate(rows)

    def came_by(self, limit: float) -> int:
        """Return how many rows had come at a moment."""
        return sum(block.n for came, block in self._blocks if came <= limit)

    def free(self, followers: Iterable[Any], now: float, at: Array, rows: Array) -> int:
        """Return how many rows, of these moments and numbers, wait for none of the followers any longer."""
        n = len(at)
        for each in followers:
            ready = each.ready(at, rows)
            if ready < n:
                long = self._patience
                if each.unknown:
                    long = 0.0 if self.nbytes > self._max_bytes else self._hold
                n = min(n, max(ready, self.came_by(now - long)))
        return n

    def take(self, n: int) -> dict[str, Array]:
        """Return the columns of the first ``n`` rows, and hold them no longer."""
        parts: list[Block] = []
        while n:
            came, block = self._blocks[0]
            if block.n <= n:
                parts.append(block)
                n -= block.n
                del self._blocks[0]
                continue
            parts.append(self._part(block, 0, n))
            self._blocks[0] = (came, self._part(block, n, block.n))
            n = 0
        if len(parts) < 2:
            return dict(parts[0]) if parts else {}
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

    def _part(self, block: Block, lo: int, hi: int) -> Block:
        columns = {name: column[lo:hi] for name, column in block.items()}
        return Block(columns, first=block.first + lo, rate=block.rate, timestamp=self._timestamp)
