"""Which items, by number: the first n, all but the first n."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from math import inf
from typing import Any, Self, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Places
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.places import Laps, Moved, Rearranged
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.ops.base import OpCursor

T = TypeVar("T")


def take(n: int) -> Op[T, T]:
    """Keep the first ``n`` items; no more than that are drawn.

    Raises
    ------
    StreamConfigError
        When ``n`` is not a whole number of items.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.Streamer("abcdef") | hr.take(2))
    ['a', 'b']
    """
    return Op(Take, n)


@register("take", example=lambda: Take(as_stream(range(100)), 60))
@recipe
class Take(Rearranged[T]):
    """The recipe of :func:`take`."""

    source: Stream[T]
    n: int

    def __post_init__(self) -> None:
        self.fix(n=count_of("take(n)", self.n, least=0))

    @property
    def size(self) -> float | None:
        return None if self.source.size is None else min(self.n, self.source.size)

    def shard_cursor(self, i: int, n: int) -> Self:
        raise StreamConfigError(_first_shard("take"))

    def bind(self, key: Key) -> Bound[T]:
        source: Any = self.source
        if source.extent() == inf:
            return Laps(self, key, source, self.n)
        return _First(self, key, source.bound(key), 0)

    def start_cursor(self, key: Key) -> Cursor[T]:
        return _Taking(self, key)


class _First(Moved[T]):
    """Lap after lap, the items of the source's lap from number ``first`` on."""

    def __init__(self, stream: Any, key: Key, source: Bound[T], first: int) -> None:
        super().__init__(stream, key, source)
        self.first = first
        self.whole = stream.source.extent()

    def place(self, at: Places) -> Places:
        if isinstance(at, range):
            lap = 0 if self.size == inf else at.start // int(self.size)
            shift = self.first + (lap * (int(self.whole) - int(self.size)) if lap else 0)
            return range(at.start + shift, at.stop + shift, at.step) if shift else at
        if self.size == inf:
            return at + self.first
        return at + (at // int(self.size)) * (int(self.whole) - int(self.size)) + self.first


class _Taking(OpCursor[T]):
    stream: Take[T]

    def run(self) -> Generator[T, None, None]:
        left = islice(self.source.items, self.stream.n - self.count)
        for self.count, item in enumerate(left, self.count + 1):
            yield item


def skip(n: int) -> Op[T, T]:
    """Leave the first ``n`` items out. They are drawn, when the first item is wanted.

    Raises
    ------
    StreamConfigError
        When ``n`` is not a whole number of items.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.Streamer("abcdef") | hr.skip(4))
    ['e', 'f']
    """
    return Op(Skip, n)


@register("skip", example=lambda: Skip(as_stream(range(60)), 7))
@recipe
class Skip(Rearranged[T]):
    """The recipe of :func:`skip`."""

    source: Stream[T]
    n: int

    def __post_init__(self) -> None:
        self.fix(n=count_of("skip(n)", self.n, least=0))

    @property
    def size(self) -> float | None:
        return None if self.source.size is None else max(0, self.source.size - self.n)

    def shard_cursor(self, i: int, n: int) -> Self:
        raise StreamConfigError(_first_shard("skip"))

    def bind(self, key: Key) -> Bound[T]:
        source: Any = self.source
        return _First(self, key, source.bound(key), self.n)

    def start_cursor(self, key: Key) -> Cursor[T]:
        return _Skipping(self, key)


class _Skipping(OpCursor[T]):
    stream: Skip[T]
    saves = ("count", "left_out")
    left_out = 0

    def run(self) -> Generator[T, None, None]:
        for _ in islice(self.source.items, self.stream.n - self.left_out):
            self.left_out += 1
        for self.count, item in enumerate(self.source.items, self.count + 1):
            yield item


def count_of(who: str, n: Any, *, least: int = 1) -> int:
    """Return ``n`` as an int, or raise: it must be a whole number, at least ``least``."""
    try:
        whole = int(n)
        if whole != n or whole < least:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StreamConfigError(f"{who} got {n!r}, wanted a whole number of at least {least}.") from None
    return whole


def _first_shard(name: str) -> str:
    return f"{name}(n) cannot be divided: each part would {name} n of its own.\n  Write stream.shard(i, n) | {name}(k)."
