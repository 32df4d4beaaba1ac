"""Streams that misbehave or keep count on purpose."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from math import inf
from typing import Any, TypeVar

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Indexed, Places
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.stream import Spec, Stream
from headrace.errors import StreamConfigError
from headrace.ops.base import OpCursor

T = TypeVar("T")


class Broken(RuntimeError):
    """What :func:`flaky` raises unless it is told otherwise."""


def flaky(source: Any, at: int = 17, times: int | None = 1, error: type[Exception] = Broken) -> Flaky[Any]:
    """Return ``source`` with an item that cannot be had: drawing item number ``at`` raises.

    Parameters
    ----------
    source
        A stream or anything that makes one.
    at
        Which item, counted from 0 in each pass.
    times
        How often it fails before it works, all passes of this recipe taken together; None for ever. A pickled copy
        counts for itself.
    error
        The exception to raise, a class.

    Raises
    ------
    StreamConfigError
        When ``at`` or ``times`` is negative, or ``error`` is no class of exceptions.

    Examples
    --------
    >>> cursor = flaky("abc", at=1).open()
    >>> next(cursor)
    'a'
    >>> next(cursor)
    Traceback (most recent call last):
    headrace.testing.fakes.Broken: item 1 is broken
      while drawing item 1 of root/Flaky
    >>> next(cursor)
    'b'
    """
    return Flaky(as_stream(source), at, times, error)


@recipe
class Flaky(Stream[T]):
    """The recipe of :func:`flaky`. What has failed so far is a count outside of equality, pickles and fingerprint."""

    source: Stream[T]
    at: int = 17
    times: int | None = 1
    error: type[Exception] = Broken

    def __post_init__(self) -> None:
        if not isinstance(self.at, int) or self.at < 0:
            raise StreamConfigError(f"flaky(at=) got {self.at!r}, wanted the number of an item.")
        if self.times is not None and (not isinstance(self.times, int) or self.times < 0):
            raise StreamConfigError(f"flaky(times=) got {self.times!r}, wanted a number of failures, or None.")
        if not (isinstance(self.error, type) and issubclass(self.error, Exception)):
            raise StreamConfigError(f"flaky(error=) got {self.error!r}, wanted a class of exceptions.")

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def spec(self) -> Spec | None:
        return self.source.spec

    @property
    def failures(self) -> int:
        """How often it has failed in this process."""
        return int(self.__dict__.get("_failures", 0))

    def fails(self) -> bool:
        """Tell whether it fails once more, and count it."""
        if self.times is not None and self.failures >= self.times:
            return False
        self.fix(_failures=self.failures + 1)
        return True

    def start(self, key: Key) -> Cursor[T]:
        return _Failing(self, key)


class _Failing(OpCursor[T]):
    stream: Flaky[T]
    saves = ("count", "seen")
    seen = 0

    def run(self) -> Generator[T, None, None]:
        recipe = self.stream
        for item in self.pending():
            if self.seen == recipe.at and recipe.fails():
                self.held = [item]
                raise recipe.error(f"item {recipe.at} is broken")
            self.seen += 1
            self.count += 1
            yield item

    def pass_failed(self) -> None:
        super().pass_failed()
        self.seen += 1


def counted(source: Any) -> Counted[Any]:
    """Return ``source`` with ``drawn``, a count of the items that were drawn from it in all passes of this process.

    Parameters
    ----------
    source
        A stream or anything that makes one.

    Examples
    --------
    >>> import headrace as hr
    >>> letters = counted("abcdefgh")
    >>> pairs = letters | hr.batch(2)
    >>> cursor = pairs.open()
    >>> letters.drawn
    0
    >>> [str(s) for s in next(cursor)], letters.drawn
    (['a', 'b'], 2)
    """
    return Counted(as_stream(source))


@recipe
class Counted(Stream[T]):
    """The recipe of :func:`counted`. The count is outside of equality, pickles and fingerprint."""

    source: Stream[T]

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def spec(self) -> Spec | None:
        return self.source.spec

    @property
    def drawn(self) -> int:
        """How many items were drawn in this process."""
        return int(self.__dict__.get("_drawn", 0))

    def start(self, key: Key) -> Cursor[T]:
        return _Counting(self, key)


class _Counting(OpCursor[T]):
    stream: Counted[T]

    def run(self) -> Generator[T, None, None]:
        recipe = self.stream
        for item in self.source.items:
            recipe.fix(_drawn=recipe.drawn + 1)
            self.count += 1
            yield item


def without(source: Any, at: int) -> Without[Any]:
    """Return ``source`` without item number ``at``: what is left when a broken item has been passed.

    Examples
    --------
    >>> list(without("abcd", 1))
    ['a', 'c', 'd']
    """
    return Without(as_stream(source), at)


@recipe
class Without(Stream[T]):
    """The recipe of :func:`without`."""

    source: Stream[T]
    at: int

    def start(self, key: Key) -> Cursor[T]:
        return _Omitting(self, key)


class _Omitting(OpCursor[T]):
    stream: Without[T]
    saves = ("count", "seen")
    seen = 0

    def run(self) -> Generator[T, None, None]:
        for item in self.source.items:
            self.seen += 1
            if self.seen - 1 != self.stream.at:
                self.count += 1
                yield item


def unreachable(source: Any, at: int = 17, times: int | None = None) -> Unreachable[Any]:
    """Return a stream with numbers with one item that cannot be had: asking for item ``at``, of any lap, raises.

    As :func:`flaky`, but the items keep their numbers.

    Examples
    --------
    >>> import headrace as hr
    >>> squares = unreachable(hr.functional(lambda i: i * i), at=3)
    >>> squares[2], squares[4]
    (4, 16)
    >>> squares[3]
    Traceback (most recent call last):
    headrace.testing.fakes.Broken: item 3 is broken
      while drawing item 3 of root/Unreachable
    """
    return Unreachable(as_stream(source), at, times)


@recipe
class Unreachable(Indexed[T]):
    """The recipe of :func:`unreachable`. What has failed so far is no part of it, as with :class:`Flaky`."""

    source: Stream[T]
    at: int = 17
    times: int | None = None

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def spec(self) -> Spec | None:
        return self.source.spec

    def fails(self) -> bool:
        """Tell whether it fails once more, and count it."""
        failures = int(self.__dict__.get("_failures", 0))
        if self.times is not None and failures >= self.times:
            return False
        self.fix(_failures=failures + 1)
        return True

    def bind(self, key: Key) -> Bound[T]:
        return _Unreachable(self, key)


class _Unreachable(Bound[T]):
    stream: Unreachable[T]

    def __init__(self, stream: Unreachable[T], key: Key) -> None:
        super().__init__(stream, key)
        source: Any = stream.source
        self.source: Bound[T] = source.bound(key)
        self.size = source.extent()

    def walk(self, at: Places) -> Iterator[T]:
        recipe = self.stream
        for i in at if isinstance(at, range) else at.tolist():
            if (i if self.size == inf else i % int(self.size)) == recipe.at and recipe.fails():
                raise Broken(f"item {recipe.at} is broken")
            yield from self.source.walk(range(i, i + 1))
