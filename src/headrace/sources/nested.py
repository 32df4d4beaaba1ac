"""A stream as the source of another, called as it would be: with a limit, or round and round."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from math import inf
from typing import Any, ClassVar, TypeVar

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.stream import Stream, whole

T = TypeVar("T")


class Nested(Cursor[T]):
    """Passes items of the inner stream; ``lap`` counts how often it was opened again."""

    stream: Any  # a Streamer, which is defined above this file
    inner: ClassVar[tuple[str, ...]] = ("source",)
    count: int
    lap: int = 0
    limit: int | None
    cycle: bool
    source: Cursor[T]

    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.limit, self.cycle = self.limits(*stream.args, **stream.kwargs)
        self.source = self._open()

    @staticmethod
    def limits(max_iter: float | None = None, cycle: bool = False) -> tuple[int | None, bool]:
        """Return the limit and whether to go round; the signature of calling a stream."""
        return whole(max_iter), bool(cycle)

    @staticmethod
    def size(stream: Stream[Any], *args: Any, **kwargs: Any) -> float | None:
        """Return how many items such a call gives."""
        limit, cycle = Nested.limits(*args, **kwargs)
        known = (inf if stream.size else stream.size) if cycle else stream.size
        return known if known is None or limit is None else min(known, limit)

    def _open(self) -> Cursor[T]:
        source: Stream[T] = self.stream.source
        return source.open(self.key.child("lap", self.lap) if self.cycle else self.key)

    def run(self) -> Generator[T, None, None]:
        while True:
            left = None if self.limit is None else self.limit - self.count
            for item in islice(self.source.items, left):
                self.count += 1
                yield item
            if not self.cycle or self.source.count == 0 or self.count == self.limit:
                return
            self.source.close()
            self.lap += 1
            self.source = self._open()

    def save(self) -> Any:
        return [self.count, self.lap, self.source.save()]

    def load(self, saved: Any) -> None:
        self.count, self.lap, inside = saved
        self.source.close()
        self.source = self._open()
        self.source.load(inside)
        self.restart()
