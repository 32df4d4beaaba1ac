"""Change or choose items, one by one, or change many at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.functions import takes_rng
from headrace.core.granular import GRANULE
from headrace.core.indexed import Bound, Indexed, Places
from headrace.core.key import Key
from headrace.core.notes import told
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.ops.base import OpCursor, inside, lane_of
from headrace.ops.batch import BatchOf
from headrace.ops.granules import BatchedMap
from headrace.ops.rebatch import Rows

T = TypeVar("T")
U = TypeVar("U")


def map(function: Callable[..., U], *, batched: bool = False) -> Op[Any, U]:
    """Apply ``function(item)``, or ``function(item, rng)``, to every item; or a function of columns to many at once.

    Items that had numbers keep them: ``(stream | hr.map(f))[i]`` calls ``f`` for that item alone.

    Parameters
    ----------
    function
        A parameter named ``rng`` is filled with a generator that belongs to this item's number alone; it is valid
        during the call.
    batched
        Call ``function(columns)``, or ``function(columns, rng)``, with the columns of several items, as ``hr.batch``
        makes them; it returns columns of as many. With ``rng`` it is called for numbers 0 to 1023, 1024 to 2047, and so
        on, so that no item depends on how many are asked for; without, for as many as are wanted at once, and must treat
        rows apart; give members of a mix or a concat one dtype first, since columns of several have a common one.

    Raises
    ------
    StreamConfigError
        When ``function`` cannot be called.
    DataError
        While running, when a batched function returns another number of rows than it was given.

    Examples
    --------
    >>> import numpy as np, headrace as hr
    >>> (hr.source(np.arange(6)) | hr.map(lambda column: column * 10, batched=True))[2:4].tolist()
    [20, 30]
    >>> list(hr.Streamer([1, 2, 3]) | hr.map(lambda i: i * 10))
    [10, 20, 30]
    >>> def noisy(item, rng):
    ...     return item + rng.normal()
    >>> stream = (hr.Streamer([1.0, 2.0]) | hr.map(noisy)).seeded(7)
    >>> list(stream) == list(stream)
    True
    """
    return Op(batched_map if batched else Map, function)


def batched_map(source: Stream[Any], function: Callable[..., Any]) -> Stream[Any]:
    """Return ``source`` changed by a function of columns; by batches of a granule where items have no numbers."""
    check_callable("map", function)
    if isinstance(source, Indexed) and source.access == "index":
        return BatchedMap(source, function)
    return Rows(Map(BatchOf(source, GRANULE), function))


@register("map", example=lambda: Map(as_stream(range(60)), _plus_noise))
@recipe
class Map(Indexed[U]):
    """The recipe of :func:`map`."""

    source: Stream[Any]
    function: Callable[..., U]

    def __post_init__(self) -> None:
        check_callable("map", self.function)

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def draws(self) -> bool:
        return takes_rng(self.function)

    def bind(self, key: Key) -> Bound[U]:
        return _Mapped(self, key)

    def start_cursor(self, key: Key) -> Cursor[U]:
        return _Mapping(self, key)


class _Mapped(Bound[U]):
    stream: Map[U]

    def __init__(self, stream: Map[U], key: Key) -> None:
        super().__init__(stream, key)
        source: Any = stream.source
        self.source: Bound[Any] = source.bound(inside(stream, key))
        self.lane = lane_of(stream, key, "map") if stream.draws else None

    def walk(self, at: Places) -> Iterator[U]:
        function, lane = self.stream.function, self.lane
        places = at if isinstance(at, range) else at.tolist()
        for i, item in zip(places, self.source.walk(at), strict=True):
            try:
                made = function(item) if lane is None else function(item, rng=lane.at(i))
            except StopIteration as error:
                raise told(error) from error
            yield made


class _Mapping(OpCursor[U]):
    stream: Map[U]

    def __init__(self, stream: Map[U], key: Key) -> None:
        super().__init__(stream, key, inside=inside(stream, key))
        self.draws = self.lane("map") if stream.draws else None

    def run(self) -> Generator[U, None, None]:
        function, lane = self.stream.function, self.draws
        for self.count, item in enumerate(self.pending(), self.count + 1):
            try:
                made = function(item) if lane is None else function(item, rng=lane.at(self.count - 1))
            except BaseException as error:  # Ctrl-C too: nothing is lost around it
                self.count -= 1
                self.held = [item]
                if isinstance(error, StopIteration):
                    raise told(error) from error
                raise
            yield made

    def pass_failed(self) -> None:
        super().pass_failed()
        self.count += 1  # the failed item keeps its number, and with it everyone else their random numbers


def filter(predicate: Callable[..., bool]) -> Op[T, T]:
    """Keep the items for which ``predicate(item)``, or ``predicate(item, rng)``, is true.

    Raises
    ------
    StreamConfigError
        When ``predicate`` cannot be called.

    Examples
    --------
    >>> import headrace as hr
    >>> list(hr.Streamer(range(6)) | hr.filter(lambda i: i % 2))
    [1, 3, 5]
    """
    return Op(Filter, predicate)


@register("filter", example=lambda: Filter(as_stream(range(120)), _odd_or_lucky))
@recipe
class Filter(Stream[T]):
    """The recipe of :func:`filter`."""

    source: Stream[T]
    function: Callable[..., bool]

    def __post_init__(self) -> None:
        check_callable("filter", self.function)

    def start(self, key: Key) -> Cursor[T]:
        return _Filtering(self, key)


class _Filtering(OpCursor[T]):
    stream: Filter[T]
    saves = ("count", "seen")
    seen = 0

    def __init__(self, stream: Filter[T], key: Key) -> None:
        super().__init__(stream, key, inside=key.child("in"))
        self.draws = self.lane("filter") if takes_rng(stream.function) else None

    def run(self) -> Generator[T, None, None]:
        predicate, lane = self.stream.function, self.draws
        for self.seen, item in enumerate(self.pending(), self.seen + 1):
            try:
                keep = predicate(item) if lane is None else predicate(item, rng=lane.at(self.seen - 1))
            except BaseException as error:  # Ctrl-C too: nothing is lost around it
                self.seen -= 1
                self.held = [item]
                if isinstance(error, StopIteration):
                    raise told(error) from error
                raise
            if keep:
                self.count += 1
                yield item

    def pass_failed(self) -> None:
        super().pass_failed()
        self.seen += 1


def check_callable(who: str, function: object) -> None:
    """Raise unless ``function`` can be called."""
    if not callable(function):
        raise StreamConfigError(f"{who}(function) got {function!r}, wanted a function of one item.")


def _plus_noise(item: int, rng: Any) -> float:
    return item + float(rng.random())


def _odd_or_lucky(item: int, rng: Any) -> bool:
    return item % 2 == 1 or float(rng.random()) < 0.25
