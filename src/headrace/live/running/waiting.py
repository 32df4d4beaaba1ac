"""The blocks that wait for one consumer: how many may, what goes when there are more, and what has become of each row."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Any, Final, Literal, get_args

from headrace.core.block import Block
from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.pieces import goes_on, joined, size_of
from headrace.live.running.spill import Spill

Policy = Literal["block", "drop_oldest", "drop_newest", "latest", "grow", "spill"]
POLICIES: Final[tuple[str, ...]] = get_args(Policy)
LIMIT: Final = 1 << 26
TOGETHER: Final = 1 << 24  # bytes that are joined at most
APART: Final = 1 << 20  # ... that are handed over one by one, and yet together
MANY, SMALL = 256, 1 << 14  # this many blocks of so few bytes become one: alone, each would take ten times its rows


class Queue:
    """Blocks that wait, and counts of their rows; not safe by itself, its owner has the lock.

    Parameters
    ----------
    policy
        What happens when there is no room: see :class:`~headrace.live.Consumer`.
    limit
        Bytes that may wait in memory: a number, or a text such as ``"8MB"``; by default 64 MiB, without end for
        ``"grow"``.
    newest
        With ``"latest"``, how many rows of each column are kept, in whole blocks; by default the newest block alone.
    timed
        Whether each block stays as it came. Else many small ones that wait are joined.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> queue = Queue("drop_oldest", 3000)
    >>> for i in range(3):
    ...     queue.put(Block({"x": np.zeros(50)}, first=50 * i), came=0.0)
    >>> [block.first for block, _ in queue.get(now=0.0)], queue.counts()["dropped"]
    ([50, 100], 50)
    """

    def __init__(
        self,
        policy: Policy = "drop_oldest",
        limit: int | str | None = None,
        *,
        newest: float | None = None,
        timed: bool = False,
    ) -> None:
        if policy not in POLICIES:
            raise StreamConfigError(
                f"a consumer got policy={policy!r}, wanted one of {', '.join(map(repr, POLICIES))}.\n"
                "  'drop_oldest' delays nobody; 'spill' loses nothing and delays nobody; 'block' loses nothing."
            )
        self.policy: Policy = policy
        self.limit: float = _limit(policy, limit, newest)
        self.newest: float = 0 if newest is None else newest
        self._fewest = 0  # rows that each column has at least, of those that wait; counted for `newest`
        self._waiting: deque[tuple[Block, int, float]] = deque()
        self._spill = Spill()
        self._timed, self._loose = timed, 0  # how many of the newest blocks that wait were never looked at for joining
        self.deadline: float = inf
        self._produced = self._delivered = self._dropped = self._pending = self._late = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._spill)

    def room(self, block: Block) -> bool:
        """Return whether a block fits; one that is longer than all there is room for fits when nothing waits."""
        return not self._waiting or self._bytes + size_of(block) <= self.limit

    def put(self, block: Block, came: float, *, anyhow: bool = False) -> None:
        """Add a block, as the policy has it; ``anyhow``: where it would wait for room, take more than the limit.

        Raises
        ------
        DataError
            When a queue that grows reaches its limit.
        SinkError
            When what spills cannot be written.
        """
        n, size = block.n, size_of(block)
        self._produced += n
        self._pending += n
        fits = not self._waiting or self._bytes + size <= self.limit
        try:
            if self.policy == "latest":
                self._forget_but(self.newest - fewest(block), self.limit - size)
            elif self.policy == "spill" and (len(self._spill) or not fits):
                self._spill.push(block, came)
                return
            elif not fits and self.policy == "drop_newest":
                self._lose(n)
                return
            elif not fits and self.policy == "drop_oldest":
                self._forget(self.limit - size)
            elif not fits and self.policy == "grow" and not anyhow:
                raise DataError(
                    f"a consumer that grows has {self._bytes} bytes that nobody has read, and limit={self.limit}.\n"
                    "  Read more often, allow more with limit=, or let policy='spill' keep the rest on disk."
                )
        except BaseException:
            self._lose(n)
            raise
        self._waiting.append((block, size, came))
        self._bytes += size
        if self.newest:
            self._fewest += fewest(block)
        self._loose = min(self._loose, len(self._waiting) - 1) + 1
        if self._loose >= MANY and not self._timed:
            self._join()

    def miss(self, n: int) -> None:
        """Count rows that never came to be."""
        self._produced += n
        self._dropped += n

    def get(self, now: float, *, one: bool = False, apart: bool = False) -> list[tuple[Block, float]]:
        """Return the blocks that wait and when they came; none when none waits.

        They are as many as can be joined; or ``one``; or, as they stay ``apart``, whatever waits, within a MiB.
        """
        found: list[tuple[Block, float]] = []
        size = 0
        while True:
            while not self._waiting and len(self._spill):
                block, came = self._spill.pop()
                self._waiting.append((block, size_of(block), came))
                self._bytes += self._waiting[-1][1]
            if not self._waiting:
                return found
            block, each, came = self._waiting[0]
            if found and ((one and not apart) or size + each > (APART if apart else TOGETHER)):
                return found
            if found and not apart and not goes_on(found[-1][0], block):
                return found
            self._waiting.popleft()
            self._bytes -= each
            if self.newest:
                self._fewest -= fewest(block)
            size += each
            self._pending -= block.n
            self._delivered += block.n
            if now - came > self.deadline:
                self._late += block.n
            found.append((block, came))

    def oldest(self) -> float | None:
        """Return when the oldest block that waits came."""
        return self._waiting[0][2] if self._waiting else None

    def clear(self) -> None:
        """Drop all that waits."""
        self._waiting.clear()
        self._spill.close()
        self._bytes = self._fewest = 0
        self._lose(self._pending)

    def _join(self) -> None:
        """Join the newest blocks, as far as they are small and go on."""
        newest = [self._waiting.pop() for _ in range(self._loose)][::-1]
        self._loose = 0
        runs: list[list[tuple[Block, int, float]]] = []
        for each in newest:
            self._bytes -= each[1]
            if runs and each[1] < SMALL and runs[-1][-1][1] < SMALL and goes_on(runs[-1][-1][0], each[0]):
                runs[-1].append(each)
            else:
                runs.append([each])
        for run in runs:
            block = joined([each for each, _, _ in run])
            self._waiting.append((block, size_of(block), run[0][2]))
            self._bytes += self._waiting[-1][1]
        if self.newest:
            self._fewest = sum(fewest(block) for block, _, _ in self._waiting)

    def _forget_but(self, rows: float, left: float) -> None:
        """Lose the oldest blocks, as long as each column has so many rows without; or while more than so many bytes wait."""
        while self._waiting:
            oldest = fewest(self._waiting[0][0]) if self.newest else 0
            if self._fewest - oldest < rows and self._bytes <= left:
                return
            self._fewest -= oldest
            self._forget(self._bytes - 1)

    def _forget(self, left: float) -> None:
        while self._waiting and self._bytes > left:
            block, size, _ = self._waiting.popleft()
            self._bytes -= size
            self._lose(block.n)

    def _lose(self, n: int) -> None:
        self._dropped += n
        self._pending -= n

    def counts(self) -> dict[str, Any]:
        """Return rows ``produced``, ``delivered``, ``dropped``, ``pending``: the first is the sum of the others."""
        return {
            "produced": self._produced,
            "delivered": self._delivered,
            "dropped": self._dropped,
            "pending": self._pending,
            "pending_bytes": self._bytes + self._spill.nbytes,
            "spilled_bytes": self._spill.nbytes,
            "late": self._late,
        }


def fewest(block: Block) -> int:
    """Return how many rows each column of a block has at least."""
    return min(map(len, block.values()), default=0)


def _limit(policy: Policy, limit: int | str | None, newest: float | None) -> float:
    if newest is not None and (policy != "latest" or not newest >= 1):
        raise StreamConfigError(
            f"a consumer got newest={newest!r} and policy={policy!r}, wanted rows, 1 or more, and 'latest'.\n"
            "  The other policies count bytes: limit='8MB'."
        )
    if limit is None:
        return inf if policy == "grow" or newest == inf else LIMIT
    if policy == "latest" and newest is None:
        raise StreamConfigError(
            f"a consumer got policy='latest' and limit={limit!r}, wanted one of them.\n"
            "  'latest' keeps the newest block alone, however long it is; newest= keeps so many rows."
        )
    from headrace.parallel.background import byte_count  # seldom needed, and not light

    return byte_count("limit", limit)
