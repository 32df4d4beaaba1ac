"""Several streams one after another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterator
from itertools import accumulate
from math import inf
from typing import Any, Self, TypeVar

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import ENDLESS, Bound, Indexed, Numbers, Places, numbers
from headrace.core.key import Key
from headrace.core.places import Several, lap_pieces
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream, check_shard
from headrace.errors import StreamConfigError

T = TypeVar("T")


def concat(*streams: Any) -> Stream[Any]:
    """Give the items of the first stream, then those of the second, and so on. One of them is open at a time.

    Parameters
    ----------
    *streams
        Anything that makes items. Adding one at the end changes none of the other's random numbers.

    Raises
    ------
    StreamConfigError
        When one of them makes no items.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.concat("ab", range(2)))
    ['a', 'b', 0, 1]
    """
    return Concat(tuple(map(as_stream, streams)))


@register("concat", example=lambda: concat(range(20), (), range(30, 50)))
@recipe
class Concat(Indexed[T]):
    """The recipe of :func:`concat`; ``numbers`` is what a part calls its streams: as the whole does."""

    streams: tuple[Stream[T], ...]
    numbers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        self.fix(streams=tuple(self.streams))

    @property
    def size(self) -> float | None:
        sizes = [stream.size for stream in self.streams]
        known = [size for size in sizes if size is not None]
        return inf if inf in known else sum(known) if len(known) == len(sizes) else None

    @property
    def spec(self) -> Spec | None:
        """That of its streams, where they agree."""
        specs = [stream.spec for stream in self.streams]
        return specs[0] if specs and all(spec == specs[0] for spec in specs) else None

    def number(self, i: int) -> int:
        """Return the number of the ``i``-th stream in the whole."""
        return i if self.numbers is None else self.numbers[i]

    def child_labels(self) -> list[str]:
        """Return what a description calls each stream."""
        return [f"[{self.number(i)}]" for i in range(len(self.streams))]

    def shard_cursor(self, i: int, n: int) -> Self:
        """Return every ``n``-th stream from number ``i`` on."""
        check_shard(i, n)
        if n > len(self.streams):
            raise StreamConfigError(
                f"concat has {len(self.streams)} streams, too few for shard({i}, {n}): a part would be empty."
            )
        numbers = tuple(map(self.number, range(len(self.streams))))
        made: Self = self.with_(streams=self.streams[i::n], numbers=numbers[i::n])
        return made

    @property
    def gathers(self) -> bool:
        return self.spec is not None and all(getattr(stream, "gathers", False) for stream in self.streams)

    def bind(self, key: Key) -> Bound[T]:
        return _Chained(self, key)

    def start_cursor(self, key: Key) -> Cursor[T]:
        return _Chaining(self, key)


class _Chained(Several[T]):
    """Lap e is lap e of every stream in turn."""

    stream: Concat[T]

    def __init__(self, stream: Concat[T], key: Key) -> None:
        super().__init__(stream, key)
        streams: tuple[Any, ...] = stream.streams
        self.sizes = [source.extent() for source in streams]
        self.size = stream.extent()
        firsts = accumulate((int(min(size, ENDLESS)) for size in self.sizes), initial=0)
        self.starts = [min(first, ENDLESS) for first in firsts]  # of those behind an endless one, too
        self.bounds: list[Bound[T] | None] = [None] * len(streams)

    def split(self, at: Places) -> tuple[Numbers, Numbers]:
        found = numbers(at)
        lap = np.zeros_like(found) if self.size == inf else found // int(self.size)
        inside = found - lap * (0 if self.size == inf else int(self.size))
        which = np.searchsorted(np.array(self.starts[1:]), inside, side="right")
        own = np.array([0 if size == inf else int(size) for size in self.sizes])
        return which, inside - np.array(self.starts)[which] + lap * own[which]

    def pieces(self, at: range) -> Iterator[tuple[int, range]]:
        for piece in lap_pieces(at, self.size):
            lap = 0 if self.size == inf else piece.start // int(self.size)
            lo, end = (edge - lap * int(self.size) if lap else edge for edge in (piece.start, piece.stop))
            k = bisect_right(self.starts, lo) - 1
            while lo < end:
                border = min(end, self.starts[k + 1])
                if lo < border:
                    shift = lap * int(self.sizes[k]) - self.starts[k] if lap else -self.starts[k]
                    yield k, range(lo + shift, border + shift, at.step)
                    lo += -(-(border - lo) // at.step) * at.step
                k += 1

    def within(self, k: int) -> Bound[T]:
        bound = self.bounds[k]
        if bound is None:
            source: Any = self.stream.streams[k]
            bound = self.bounds[k] = source.bound(self.key.child(self.stream.number(k), 0))
        return bound

    def label_of(self, bound: Any) -> str | None:
        return next((f"[{self.stream.number(k)}]" for k, mine in enumerate(self.bounds) if mine is bound), None)

    def close(self) -> None:
        for bound in self.bounds:
            if bound is not None:
                bound.close()


class _Chaining(Cursor[T]):
    """``at`` is the stream that is being drawn from."""

    stream: Concat[T]
    at = 0
    source: Cursor[T] | None = None

    def run(self) -> Generator[T, None, None]:
        while self.at < len(self.stream.streams):
            source = self._open()
            for self.count, item in enumerate(source.items, self.count + 1):
                yield item
            if self.at == len(self.stream.streams) - 1:
                return
            source.close()
            self.at, self.source = self.at + 1, None

    def _open(self) -> Cursor[T]:
        if self.source is None:
            stream = self.stream
            self.source = stream.streams[self.at].open(self.key.child(stream.number(self.at), 0))
        return self.source

    def label_of(self, cursor: Any) -> str | None:
        return f"[{self.stream.number(self.at)}]" if cursor is self.source else None

    def save(self) -> Any:
        inside = None if self.source is None else self.source.save()
        return {"count": self.count, "at": self.at, "source": inside}

    def load(self, saved: Any) -> None:
        self.release()
        self.count, self.at, self.source = saved["count"], saved["at"], None
        if saved["source"] is not None:
            self._open().load(saved["source"])
        self.restart()

    def release(self) -> None:
        if self.source is not None:
            self.source.close()
