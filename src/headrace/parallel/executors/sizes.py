"""How many calls travel together: few where they take long, many where they take less than being sent."""

from __future__ import annotations

from typing import Final

from headrace.parallel.executors.chunk import Done

__all__ = ["Sizes"]

_AIM: Final = 0.01  # seconds that a chunk is to take
_GROWTH: Final = 8
_MOST: Final = 2000  # calls
_AIR: Final = 5e-7  # seconds that a call takes besides, at least: being sent


class Sizes:
    """Learns from what was done how many calls the next chunk has.

    Parameters
    ----------
    workers
        How many there are.
    heavy
        Bytes of results that are to travel together at most.

    Attributes
    ----------
    n
        Calls of the next chunk.
    seconds
        That a call takes, about; 0 before the first one is done.

    Examples
    --------
    >>> Sizes(2).n
    1
    """

    n: int
    seconds: float

    def __init__(self, workers: int, heavy: int = 1 << 20) -> None:
        self.n = 1
        self.seconds = 0.0
        self.nbytes: float = 0.0
        self._workers = workers
        self._heavy = heavy

    def learn(self, done: Done) -> None:
        """Take note of a chunk that is done."""
        n = len(done.values)
        if not n:
            return
        mean = sum(done.seconds) / n + _AIR
        self.seconds = max(mean, self.seconds / 2)  # what suddenly takes long is believed at once
        self.nbytes = max(done.nbytes / n, self.nbytes / 2)
        fits = min(_AIM / self.seconds, self._heavy / (self.nbytes + 1), _MOST, _GROWTH * max(n, self.n / _GROWTH))
        self.n = max(1, int(fits))

    def fair(self, left: int | None) -> int:
        """Return the number of calls of the next chunk, when ``left`` have not begun: all workers end together."""
        if left is None:
            return self.n
        return max(1, min(self.n, -(-left // (2 * self._workers))))

    @property
    def chunk_seconds(self) -> float:
        """How long a chunk takes, about."""
        return self.n * self.seconds
