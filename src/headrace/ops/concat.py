"""Several streams one after another."""

from __future__ import annotations

from collections.abc import Generator
from math import inf
from typing import Any, Self, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Key
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
class Concat(Stream[T]):
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

    def shard(self, i: int, n: int) -> Self:
        """Return every ``n``-th stream from number ``i`` on."""
        check_shard(i, n)
        if n > len(self.streams):
            raise StreamConfigError(
                f"concat has {len(self.streams)} streams, too few for shard({i}, {n}): a part would be empty."
            )
        numbers = tuple(map(self.number, range(len(self.streams))))
        made: Self = self.with_(streams=self.streams[i::n], numbers=numbers[i::n])
        return made

    def start(self, key: Key) -> Cursor[T]:
        return _Chaining(self, key)


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
