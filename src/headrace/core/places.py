"""Bounds that only say where their items stand in others: behind a number, in another lap, in one of several streams."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise
from math import inf
from typing import Any, ClassVar, TypeVar

import numpy as np

from headrace.core.columns import Unlike, merged
from headrace.core.indexed import Bound, Indexed, Numbers, Places, numbers, runs
from headrace.core.items import stack
from headrace.core.key import Key
from headrace.core.stream import Spec, Stream

T = TypeVar("T")
KEPT = 8  # laps of an endless source that are kept bound


def lap_pieces(at: range, size: float) -> Iterator[range]:
    """Yield a range in pieces that lie each within one lap of a stream of ``size`` items.

    Examples
    --------
    >>> list(lap_pieces(range(2, 9, 2), 5))
    [range(2, 5, 2), range(6, 9, 2)]
    """
    if size == inf:
        yield at
        return
    n, step = int(size), at.step
    lo = at.start
    while lo < at.stop:
        border = (lo // n + 1) * n
        stop = min(border, at.stop)
        yield range(lo, stop, step)
        lo += -(-(stop - lo) // step) * step


class Rearranged(Indexed[T]):
    """A stream of a source's very items, in another order, number or part: what is known of these is known of it."""

    source: Stream[T]

    @property
    def spec(self) -> Spec | None:
        return self.source.spec

    @property
    def gathers(self) -> bool:
        return isinstance(self.source, Indexed) and self.source.gathers

    @property
    def inert(self) -> bool:
        return isinstance(self.source, Indexed) and self.source.inert


class Moved(Bound[T]):
    """Gives items of a source that stand elsewhere; a subclass writes ``place``.

    ``size`` is its own: places are handed to ``place`` in pieces of one lap when they are a range.
    """

    source: Bound[T]
    size: float
    ahead: int
    row_bytes: int

    def __init__(self, stream: Any, key: Key, source: Bound[T]) -> None:
        super().__init__(stream, key)
        self.source = source
        self.ahead, self.row_bytes = source.ahead, source.row_bytes
        self.size = stream.extent()

    def place(self, at: Places) -> Places:
        """Return where in the source these places are; a range given lies within one lap."""
        raise NotImplementedError

    def walk(self, at: Places) -> Iterator[T]:
        if isinstance(at, range) and at.step > 0:
            for piece in lap_pieces(at, self.size):
                yield from self.source.walk(self.place(piece))
        else:
            yield from self.source.walk(self.place(numbers(at)))

    def columns(self, at: Places) -> Any:
        return self.source.columns(self.place(self.flat(at)))

    def flat(self, at: Places) -> Places:
        """Return places as ``place`` takes them: a range only within one lap."""
        within = (
            isinstance(at, range) and at.step > 0 and (self.size == inf or at[0] // self.size == at[-1] // self.size)
        )
        return at if within else numbers(at)


class Several(Bound[T]):
    """Gives items of several Bounds, one after another along a range; a subclass writes ``split`` and ``within``."""

    inner: ClassVar[tuple[str, ...]] = ()

    def split(self, at: Places) -> tuple[Numbers, Numbers]:
        """Return which Bound each place lies in, and where in it; shape (places,) both."""
        raise NotImplementedError

    def pieces(self, at: range) -> Iterator[tuple[int, range]]:
        """Yield a range in pieces (Bound, places in it), in order."""
        raise NotImplementedError

    def within(self, k: int) -> Bound[T]:
        """Return Bound ``k``."""
        raise NotImplementedError

    def walk(self, at: Places) -> Iterator[T]:
        if isinstance(at, range) and at.step > 0:
            for k, piece in self.pieces(at):
                yield from self.within(k).walk(piece)
            return
        for run in runs(at):
            which, where = self.split(run)
            for k, lo, hi in _stretches(which):
                yield from self.within(k).walk(where[lo:hi])

    def columns(self, at: Places) -> Any:
        try:
            if isinstance(at, range) and at.step > 0:
                parts = [self.within(k).columns(piece) for k, piece in self.pieces(at)]
                return parts[0] if len(parts) == 1 else merged(parts)
            return self._scattered(at)
        except Unlike:
            return stack(list(self.walk(at)))

    def _scattered(self, at: Places) -> Any:
        which, where = self.split(at)
        order = which.argsort(kind="stable")
        which, where = which[order], where[order]
        parts = [self.within(k).columns(where[lo:hi]) for k, lo, hi in _stretches(which)]
        return merged(parts, order)


def _stretches(which: Numbers) -> Iterator[tuple[int, int, int]]:
    """Yield (value, first, end) of the runs of equal values."""
    edges = [0, *(np.flatnonzero(np.diff(which)) + 1).tolist(), len(which)]
    for lo, hi in pairwise(edges):
        if hi > lo:
            yield int(which[lo]), lo, hi


class Laps(Several[T]):
    """The first ``size`` items of a stream that may have no end, lap after lap: each lap with a key of its own."""

    ahead: int
    row_bytes: int

    def __init__(self, stream: Any, key: Key, source: Indexed[T], size: float) -> None:
        super().__init__(stream, key)
        self.endless: Indexed[T] = source
        self.size: float = size
        self._laps: OrderedDict[int, Bound[T]] = OrderedDict()
        first = self.within(0)
        self.ahead, self.row_bytes = first.ahead, first.row_bytes

    def split(self, at: Places) -> tuple[Numbers, Numbers]:
        found = numbers(at)
        if self.size == inf:
            return np.zeros_like(found), found
        lap = found // int(self.size)
        return lap, found - lap * int(self.size)

    def pieces(self, at: range) -> Iterator[tuple[int, range]]:
        for piece in lap_pieces(at, self.size):
            lap = 0 if self.size == inf else piece.start // int(self.size)
            first = lap * int(self.size) if lap else 0
            yield lap, range(piece.start - first, piece.stop - first, piece.step)

    def within(self, k: int) -> Bound[T]:
        bound = self._laps.get(k)
        if bound is None:
            while len(self._laps) >= KEPT:
                self._laps.popitem(last=False)[1].close()
            bound = self._laps[k] = self.endless.bound(self._key_of(k))
        else:
            self._laps.move_to_end(k)
        return bound

    def _key_of(self, lap: int) -> Key:
        """Return a lap's key: the first is the source's own; others have our size in it, for laps of laps to differ."""
        return self.key.child("lap", int(self.size), lap) if lap else self.key

    def label_of(self, bound: Any) -> str | None:
        return "" if any(bound is mine for mine in self._laps.values()) else None

    def close(self) -> None:
        for bound in self._laps.values():
            bound.close()


def together(bounds: list[Bound[Any]], places: list[Any]) -> list[Any]:
    """Return the columns of several Bounds, those of one class asked together."""
    kinds: set[type[Bound[Any]]] = set(map(type, bounds))
    if len(kinds) == 1:
        return kinds.pop().together(bounds, places)
    found: list[Any] = [None] * len(bounds)
    for kind in kinds:
        mine = [k for k, bound in enumerate(bounds) if type(bound) is kind]
        made = kind.together([bounds[k] for k in mine], [places[k] for k in mine])
        for k, columns in zip(mine, made, strict=True):
            found[k] = columns
    return found
