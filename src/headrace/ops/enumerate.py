"""Items with their numbers."""

from __future__ import annotations

import builtins
from collections.abc import Generator, Iterator
from math import inf
from operator import index
from typing import Any, Self, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Indexed, Places, numbers
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.ops.base import OpCursor

T = TypeVar("T")


def enumerate(start: int = 0) -> Op[T, tuple[int, T]]:
    """Give ``(i, item)``, counting from ``start``.

    Raises
    ------
    StreamConfigError
        When ``start`` is not a whole number.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.Streamer("ab") | hr.enumerate(start=1))
    [(1, 'a'), (2, 'b')]
    """
    return Op(Enumerate, start)


@register("enumerate", example=lambda: Enumerate(as_stream("abcd" * 12), 3))
@recipe
class Enumerate(Indexed[tuple[int, T]]):
    """The recipe of :func:`enumerate`."""

    source: Stream[T]
    first: int = 0

    def __post_init__(self) -> None:
        try:
            self.fix(first=index(self.first))
        except TypeError:
            raise StreamConfigError(f"enumerate(start) got {self.first!r}, wanted a whole number.") from None

    @property
    def size(self) -> float | None:
        return self.source.size

    def shard_cursor(self, i: int, n: int) -> Self:
        raise StreamConfigError(
            "enumerate cannot be divided: each part would count by itself.\n"
            "  Write stream.shard(i, n) | enumerate() for that."
        )

    def bind(self, key: Key) -> Bound[tuple[int, T]]:
        return _Counted(self, key)

    def start_cursor(self, key: Key) -> Cursor[tuple[int, T]]:
        return _Counting(self, key)


class _Counted(Bound[Any]):
    """Every lap counts from ``first`` again."""

    def __init__(self, stream: Enumerate[Any], key: Key) -> None:
        super().__init__(stream, key)
        source: Any = stream.source
        self.source: Bound[Any] = source.bound(key)
        self.first, self.size = stream.first, source.extent()
        self.ahead, self.row_bytes = self.source.ahead, self.source.row_bytes + 8

    def walk(self, at: Places) -> Iterator[Any]:
        first, size = self.first, self.size
        for i, item in zip(at if isinstance(at, range) else at.tolist(), self.source.walk(at), strict=True):
            yield first + (i if size == inf else i % int(size)), item

    def columns(self, at: Places) -> Any:
        found = numbers(at)
        return (found if self.size == inf else found % int(self.size)) + self.first, self.source.columns(at)


class _Counting(OpCursor[Any]):
    stream: Enumerate[Any]

    def run(self) -> Generator[Any, None, None]:
        first = self.stream.first - 1
        for self.count, item in builtins.enumerate(self.source.items, self.count + 1):
            yield first + self.count, item
