"""What a background run has done so far, and which side waits for the other."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

_FULL: Final = 0.75  # of the queue
_WAITS: Final = 0.1  # of the time: from there on a side is held up by the other


class Stats(NamedTuple):
    """What a background cursor has done so far.

    Seconds are of the clock on the wall, ``cpu`` apart. What a transport does not know is 0.

    Examples
    --------
    >>> stats = Stats(items=2000, seconds=4.0, consumer_waited=3.0, nbytes=8_000_000)
    >>> stats.items_per_second, stats.bytes_per_second, stats.bottleneck
    (500.0, 2000000.0, 'source')
    """

    items: int = 0  # delivered
    queued: int = 0  # items waiting
    bytes: int = 0  # bytes waiting
    checkpoints: int = 0
    worker_waits: int = 0  # how often a worker waited for room
    consumer_waits: int = 0  # how often the consumer waited for an item
    copied: int = 0  # blocks delivered as copies, because the consumer keeps what came before
    nbytes: int = 0  # bytes delivered
    seconds: float = 0.0  # since the first item was asked for
    consumer_waited: float = 0.0  # seconds that the consumer waited for items
    worker_waited: float = 0.0  # seconds that workers waited for room, all together
    worked: float = 0.0  # seconds that workers took to make items, all together
    cpu: float = 0.0  # seconds of the consumer's processor that delivering took
    workers: int = 1
    ahead: int = 0  # bytes that may wait

    @property
    def items_per_second(self) -> float:
        return self.items / self.seconds if self.seconds else 0.0

    @property
    def bytes_per_second(self) -> float:
        return self.nbytes / self.seconds if self.seconds else 0.0

    @property
    def occupancy(self) -> float:
        """How full the queue is, 0 to 1, or a little more: one item always fits."""
        return self.bytes / self.ahead if self.ahead else 0.0

    @property
    def bottleneck(self) -> str:
        """Which side holds up the other: ``"source"``, ``"consumer"``, or ``"neither"``."""
        if self.seconds <= 0:
            return "neither"
        source = self.consumer_waited / self.seconds
        consumer = self.worker_waited / self.seconds / self.workers
        if max(source, consumer) >= _WAITS:
            return "source" if source >= consumer else "consumer"
        return "consumer" if self.occupancy >= _FULL else "neither"  # a wait under way is not counted yet


_ADDED: Final = (
    "checkpoints", "worker_waits", "consumer_waits", "copied", "nbytes", "consumer_waited", "worker_waited", "worked",
)  # fmt: skip


def added(past: Stats, more: Stats) -> Stats:
    """Return ``more`` with what was done before it."""
    both: dict[str, Any] = {name: getattr(past, name) + getattr(more, name) for name in _ADDED}
    return more._replace(**both)
