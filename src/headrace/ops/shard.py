"""A part of a stream whose items have numbers."""

from __future__ import annotations

from math import inf
from typing import Any, Self, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import ENDLESS, Bound, Indexed, IndexedCursor, Places
from headrace.core.key import Key, Seed
from headrace.core.places import Moved, Rearranged
from headrace.core.recipe import recipe
from headrace.core.registry import find, register
from headrace.core.stream import Stream, check_shard
from headrace.errors import StreamConfigError

T = TypeVar("T")


@register("shard", example=lambda: Shard(find("functional").make(_square, (), {}, 100), 1, 3))
@recipe
class Shard(Rearranged[T]):
    """The recipe of ``stream.shard(i, n)``: elements i, i + n, i + 2 n, ... of a stream whose items have numbers.

    Its state is a place in the whole: how far that is when all parts have taken as many steps as this one. So a state
    of one of 4 parts is one of the whole, and of each of 6.

    Examples
    --------
    >>> import headrace as hr
    >>> numbers = hr.functional(lambda i: i, size=10)
    >>> [list(numbers.shard(i, 3)) for i in range(3)]
    [[0, 3, 6, 9], [1, 4, 7], [2, 5, 8]]
    """

    source: Stream[T]
    i: int
    n: int

    def __post_init__(self) -> None:
        check_shard(self.i, self.n)
        source = as_stream(self.source)
        self.fix(source=source, seed=source.seed, divided=f"{self.i}/{self.n}")
        if self.source.access != "index":
            raise StreamConfigError(
                f"shard(i, n) by numbers got {self.source!r}, whose items have none.\n  Write stream.shard(i, n)."
            )

    @property
    def size(self) -> float | None:
        size = self.source.size
        return size if size is None or size == inf else max(0, -((self.i - int(size)) // self.n))

    @property
    def stamped(self) -> Stream[T]:
        """The whole: a state of it is one of every part, and the other way round."""
        return self.source

    def shard(self, i: int, n: int) -> Self:
        """Return a part of this part: its element j is number ``j * n + i`` of ours."""
        check_shard(i, n)
        return type(self)(self.source, i * self.n + self.i, n * self.n)

    def seeded(self, seed: Seed) -> Self:
        """Return the same part of the whole with this seed: a part draws as the whole does."""
        return type(self)(self.source.seeded(seed), self.i, self.n)

    @property
    def stride(self) -> int:
        return self.n

    def bind(self, key: Key) -> Bound[T]:
        assert isinstance(self.source, Indexed)
        return _Part(self, key, self.source.bound(key))

    def start_indexed(self, key: Key) -> Cursor[T]:
        return _PartCursor(self, key)


class _Part(Moved[T]):
    def __init__(self, stream: Shard[T], key: Key, source: Bound[T]) -> None:
        super().__init__(stream, key, source)
        self.i, self.n = stream.i, stream.n
        whole: Any = stream.source
        self.whole: float = whole.extent()

    def place(self, at: Places) -> Places:
        if isinstance(at, range):
            lap = 0 if self.size == inf else at.start // int(self.size)
            shift = self.i + (lap * (int(self.whole) - int(self.size) * self.n) if lap else 0)
            stop = min(at.stop * self.n + shift, ENDLESS)
            return range(at.start * self.n + shift, stop, at.step * self.n)
        if self.size == inf:
            return at * self.n + self.i
        laps = at // int(self.size)
        return laps * int(self.whole) + (at - laps * int(self.size)) * self.n + self.i


class _PartCursor(IndexedCursor[T]):
    """``count`` is a place in the part, the state one in the whole.

    ``offset`` is how far the place that it went on from lies from a whole number of steps: a state of 4 parts, opened by
    6, finds some of these a step further than others, and after k more steps all have come to that place + 6 k.
    """

    stream: Any
    offset = 0

    def save(self) -> Any:
        return self.count * int(self.stream.n) + self.offset

    def load(self, saved: Any) -> None:
        super().load(max(0, -(-(saved - self.stream.i) // self.stream.n)))
        self.offset = saved - self.count * int(self.stream.n)


def _square(i: int) -> int:
    return i * i
