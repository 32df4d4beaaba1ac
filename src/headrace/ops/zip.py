"""Several streams side by side."""

from __future__ import annotations

import builtins
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from math import inf
from typing import Any, Self

from headrace.core.batch import Batch
from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Indexed, Places, numbers
from headrace.core.key import Key
from headrace.core.places import Laps, lap_pieces
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.ops.base import END

Name = int | str


def zip(*streams: Any) -> Stream[Any]:
    """Give one item of each stream as a tuple, or as a dict for ``zip({"x": a, "y": b})``; ends with the shortest.

    Parameters
    ----------
    *streams
        Anything that makes items; or one dict of them. Adding one at the end, or to the dict, changes none of the
        other's random numbers.

    Raises
    ------
    StreamConfigError
        When there is none.

    Notes
    -----
    When one stream fails, what the ones before it gave is kept for the next try. ``skip()`` then passes the failed
    element of that one stream, and its later elements move up by one.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.zip(range(3), "ab"))
    [(0, 'a'), (1, 'b')]
    >>> list(hr.zip({"i": range(2), "letter": "ab"}))
    [{'i': 0, 'letter': 'a'}, {'i': 1, 'letter': 'b'}]
    """
    if len(streams) == 1 and isinstance(streams[0], Mapping):
        return Zip(tuple(builtins.map(as_stream, streams[0].values())), tuple(streams[0]))
    return Zip(tuple(builtins.map(as_stream, streams)))


@register("zip", example=lambda: zip(range(60), [(i, i) for i in range(50)], "abcd" * 14))
@recipe
class Zip(Indexed[Any]):
    """The recipe of :func:`zip`."""

    streams: tuple[Stream[Any], ...]
    names: tuple[Name, ...] | None = None

    def __post_init__(self) -> None:
        if not self.streams:
            raise StreamConfigError("zip got no streams, wanted at least one.")
        for name in self.names or ():
            if isinstance(name, bool) or not isinstance(name, int | str):
                raise StreamConfigError(f"zip got {name!r} for the name of a stream, wanted a string or an integer.")

    @property
    def size(self) -> float | None:
        sizes = [stream.size for stream in self.streams]
        known = [size for size in sizes if size is not None]
        return min(known) if len(known) == len(sizes) else 0 if 0 in known else None

    def child_labels(self) -> list[str]:
        """Return what a description calls each stream."""
        return [f"[{name!r}]" for name in self.names or range(len(self.streams))]

    def shard_cursor(self, i: int, n: int) -> Self:
        raise StreamConfigError(
            "zip cannot be divided: the parts of its streams need not fit each other.\n"
            "  Where they do, write zip(a.shard(i, n), b.shard(i, n))."
        )

    def bind(self, key: Key) -> Bound[Any]:
        return _Zipped(self, key)

    def start_cursor(self, key: Key) -> Cursor[Any]:
        return _Zipping(self, key)


class _Zipped(Bound[Any]):
    """Lap e is the beginning of lap e of every stream."""

    stream: Zip

    def __init__(self, stream: Zip, key: Key) -> None:
        super().__init__(stream, key)
        names = stream.names or range(len(stream.streams))
        sources: tuple[Any, ...] = stream.streams
        self.size = stream.extent()
        self.sizes = [source.extent() for source in sources]
        keys = [key.child(name, 0) for name in names]
        self.bounds: list[Bound[Any]] = [
            Laps(self.stream, below, source, self.size) if source.extent() == inf else source.bound(below)
            for below, source in builtins.zip(keys, sources, strict=True)
        ]
        self.ahead = min(bound.ahead for bound in self.bounds)
        self.row_bytes = sum(bound.row_bytes for bound in self.bounds)

    def _places(self, at: Places) -> list[Places]:
        """Return where each stream's part of the items is; a range given lies within one lap."""
        if self.size == inf:
            return [at] * len(self.bounds)
        n = int(self.size)
        found: list[Places] = []
        for size in self.sizes:
            rest = 0 if size == inf else int(size) - n  # of each lap of that stream, never used
            if isinstance(at, range):
                shift = rest * (at.start // n)
                found.append(range(at.start + shift, at.stop + shift, at.step))
            else:
                found.append(at + rest * (at // n))
        return found

    def walk(self, at: Places) -> Iterator[Any]:
        names = self.stream.names
        for piece in lap_pieces(at, self.size) if isinstance(at, range) and at.step > 0 else (numbers(at),):
            walks = [b.walk(p) for b, p in builtins.zip(self.bounds, self._places(piece), strict=True)]
            for row in builtins.zip(*walks, strict=True):
                yield row if names is None else dict(builtins.zip(names, row, strict=True))

    def columns(self, at: Places) -> Any:
        places = self._places(numbers(at))
        parts = [bound.columns(where) for bound, where in builtins.zip(self.bounds, places, strict=True)]
        names: Any = self.stream.names
        return tuple(parts) if names is None else Batch.of(dict(builtins.zip(names, parts, strict=True)))

    def label_of(self, bound: Any) -> str | None:
        labels = builtins.zip(self.bounds, self.stream.child_labels(), strict=True)
        return next((label for mine, label in labels if mine is bound), None)

    def close(self) -> None:
        with ExitStack() as each:
            for bound in self.bounds:
                each.callback(bound.close)


class _Zipping(Cursor[Any]):
    """``held`` are the first elements of the next item: not empty only around an error, and at the end."""

    stream: Zip

    def __init__(self, stream: Zip, key: Key) -> None:
        super().__init__(stream, key)
        names = stream.names or range(len(stream.streams))
        self.sources = [
            source.open(key.child(name, 0)) for name, source in builtins.zip(names, stream.streams, strict=True)
        ]
        self.held: list[Any] = []

    def run(self) -> Generator[Any, None, None]:
        names = self.stream.names
        sources = [source.items for source in self.sources]
        while True:
            held = self.held
            for items in sources[len(held) :]:
                element = next(items, END)
                if element is END:
                    return
                held.append(element)
            self.held = []
            self.count += 1
            yield tuple(held) if names is None else dict(builtins.zip(names, held, strict=True))

    def label_of(self, cursor: Any) -> str | None:
        labels = builtins.zip(self.sources, self.stream.child_labels(), strict=True)
        return next((label for source, label in labels if source is cursor), None)

    def save(self) -> Any:
        saved = {"count": self.count, "streams": [source.save() for source in self.sources]}
        return {**saved, "held": list(self.held)} if self.held else saved

    def load(self, saved: Any) -> None:
        self.count, self.held = saved["count"], list(saved.get("held", ()))
        for source, inside in builtins.zip(self.sources, saved["streams"], strict=True):
            source.load(inside)
        self.restart()

    def release(self) -> None:
        with ExitStack() as each:  # closes them all, whatever one of them raises
            for source in self.sources:
                each.callback(source.close)
