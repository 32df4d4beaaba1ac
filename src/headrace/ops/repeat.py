"""Lap after lap of one stream."""

from __future__ import annotations

from collections.abc import Generator
from math import inf
from typing import Any, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.places import Rearranged
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.ops.base import OpCursor
from headrace.ops.select import count_of

T = TypeVar("T")


def repeat(times: int | None = None) -> Op[T, T]:
    """Run the stream ``times`` times, or for ever. Every lap has random numbers of its own.

    A lap without items is the last, so a stream that turns out to be empty ends.

    Parameters
    ----------
    times
        How many laps; None for no end.

    Raises
    ------
    StreamConfigError
        When ``times`` is neither None nor a whole number of at least 0.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.Streamer("ab") | hr.repeat(2))
    ['a', 'b', 'a', 'b']
    >>> epochs = list(hr.Streamer(range(6)) | hr.shuffle(6) | hr.repeat(2))
    >>> sorted(epochs[:6]) == sorted(epochs[6:])
    True
    """
    return Op(Repeat, times)


@register("repeat", example=lambda: Repeat(as_stream(range(12)), 4))
@recipe
class Repeat(Rearranged[T]):
    """The recipe of :func:`repeat`.

    Where items have numbers it changes nothing but the size: numbers beyond the source's size are its later laps.
    """

    source: Stream[T]
    times: int | None = None

    def __post_init__(self) -> None:
        if self.times is not None:
            self.fix(times=count_of("repeat(times)", self.times, least=0))

    @property
    def size(self) -> float | None:
        size = self.source.size
        if size == 0 or self.times == 0:
            return 0
        return None if size is None else size * (inf if self.times is None else self.times)

    def bind(self, key: Key) -> Bound[T]:
        source: Any = self.source
        bound: Bound[T] = source.bound(key)
        return bound

    def start_cursor(self, key: Key) -> Cursor[T]:
        return _Repeating(self, key)


class _Repeating(OpCursor[T]):
    """``lap`` is the lap under way, ``first`` the count when it began."""

    stream: Repeat[T]
    saves = ("count", "lap", "first")
    lap = 0
    first = 0

    def __init__(self, stream: Repeat[T], key: Key) -> None:
        super().__init__(stream, key, inside=key.child("lap", 0))

    def run(self) -> Generator[T, None, None]:
        last = inf if self.stream.times is None else self.stream.times - 1
        while self.lap <= last:
            for self.count, item in enumerate(self.source.items, self.count + 1):
                yield item
            if self.count == self.first or self.lap == last:
                return
            self.source.close()
            self.lap, self.first = self.lap + 1, self.count
            self._reopen()

    def _reopen(self) -> None:
        self.source = self.stream.source.open(self.key.child("lap", self.lap))

    def load(self, saved: Any) -> None:
        self.source.close()
        self.lap = saved["lap"]
        self._reopen()
        super().load(saved)
