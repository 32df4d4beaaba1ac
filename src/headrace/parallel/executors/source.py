"""Where chunks come from: calls drawn as they are needed, and those that have to be handed out again."""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator
from itertools import islice
from operator import length_hint
from threading import Lock
from time import perf_counter
from typing import Any, Final

from headrace.parallel.executors.carry import weight
from headrace.parallel.executors.chunk import Call, Chunk
from headrace.parallel.executors.sizes import Sizes

__all__ = ["Source"]

_HEAVY: Final = 1 << 20  # bytes of arguments that travel together at most, but for one call
_LONG: Final = 0.02  # seconds after which a chunk is handed out as it is, where drawing the calls takes long


class Source:
    """Numbers calls and makes chunks of them; any thread may take.

    Parameters
    ----------
    calls
        Drawn as they are needed, never by two threads at once.
    sizes
        Says how many make a chunk.
    """

    sizes: Sizes
    left: int | None  # calls that are not handed out, where that is known

    def __init__(self, calls: Iterable[Call], sizes: Sizes) -> None:
        self.sizes = sizes
        hint = length_hint(calls, -1)
        self.left = hint if hint >= 0 else None
        self._calls = enumerate(calls)
        self._again: deque[tuple[int, Any]] = deque()
        self._lock = Lock()

    def take(self) -> Chunk | None:
        """Return the next chunk; None where nothing is left. Raises what drawing the calls raises."""
        with self._lock:
            n = self.sizes.fair(self.left)
            numbers: list[int] = []
            taken: list[Any] = []
            nbytes, until = 0, perf_counter() + _LONG
            for number, call in islice(self._coming(), n):
                numbers.append(number)
                taken.append(call)
                nbytes += weight(call)
                if nbytes >= _HEAVY or perf_counter() >= until:
                    break
            if self.left is not None:
                self.left = max(0, self.left - len(numbers))
            return Chunk(numbers, taken) if numbers else None

    def _coming(self) -> Iterator[tuple[int, Call]]:
        """Yield calls that are to be handed out again, then others."""
        while self._again:
            yield self._again.popleft()
        yield from self._calls

    def give_back(self, chunk: Chunk, done: int, lost: Container[int]) -> None:
        """Take back the calls of a chunk behind the first ``done``, but for the ``lost``: they are the next ones."""
        places = [k for k in range(done, len(chunk)) if k not in lost]
        with self._lock:
            self._again.extendleft((chunk.numbers[k], chunk.calls[k]) for k in reversed(places))
            if self.left is not None:
                self.left += len(places)
