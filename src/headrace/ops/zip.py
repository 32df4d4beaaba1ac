"""Several streams side by side."""

from __future__ import annotations

import builtins
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from typing import Any, Self

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Key
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
class Zip(Stream[Any]):
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

    def shard(self, i: int, n: int) -> Self:
        raise StreamConfigError(
            "zip cannot be divided: the parts of its streams need not fit each other.\n"
            "  Where they do, write zip(a.shard(i, n), b.shard(i, n))."
        )

    def start(self, key: Key) -> Cursor[Any]:
        return _Zipping(self, key)


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
