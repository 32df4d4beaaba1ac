"""Items that a function makes many at a time, the same however many are asked for.

A function that draws random numbers is called on *granules*, items 0 to 1023, 1024 to 2047, ... of a lap, with one
generator for each: its numbers cannot depend on how a reader cuts its reads. One that draws none is taken to treat rows
apart, and is called for whatever rows are wanted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from math import inf
from typing import Any, ClassVar, TypeVar

import numpy as np

from headrace.core.columns import Unlike, as_batches, each_leaf, merged, narrowed, rows_in
from headrace.core.indexed import Bound, Places, numbers, runs
from headrace.core.items import each_of, stack
from headrace.core.key import Key, Lane
from headrace.core.notes import told
from headrace.errors import DataError

T = TypeVar("T")
GRANULE = 1024  # part of the meaning: with another number, other random numbers
KEPT = 2  # granules kept: the one that is being read, and its neighbour for reads across the border


class Granular(Bound[T]):
    """A subclass writes ``make``; ``lane`` is None for a function that draws nothing."""

    inner: ClassVar[tuple[str, ...]] = ("source",)

    def __init__(self, stream: Any, key: Key, lane: Lane | None) -> None:
        super().__init__(stream, key)
        self.lane: Lane | None = lane
        self.size: float = stream.extent()
        self._made: OrderedDict[tuple[int, int], Any] = OrderedDict()

    def make(self, at: Places, rng: np.random.Generator | None) -> Any:
        """Return the columns of some items, or of one granule, as the function gives them."""
        raise NotImplementedError

    def walk(self, at: Places) -> Iterator[T]:
        for run in self._granules_of(at) if self.lane is not None else runs(at, GRANULE):
            try:
                columns = self._rows_at(run)
            except DataError:  # the function gave other rows than it was asked for
                raise
            except Exception:
                if len(run) == 1 or self.lane is not None:
                    raise
                for i in run:  # one by one: the items before the failed one are good
                    yield from each_of(self._rows_at(range(int(i), int(i) + 1)))
                raise  # it fails on several together, and slices would
            yield from each_of(columns)

    def _stretch(self, at: Any) -> Any:
        """Return neighbouring rows of one granule; a whole one is handed out, not kept."""
        lap, place = (0, at.start) if self.size == inf else divmod(at.start, int(self.size))
        granule, lo = divmod(place, GRANULE)
        whole = lo == 0 and (len(at) == GRANULE or place + len(at) == self.size)
        if whole and (lap, granule) not in self._made:
            return self._fresh(lap, granule)
        return _rows(self._granule(lap, granule), slice(lo, lo + len(at)))

    def _granules_of(self, at: Places) -> Iterator[Places]:
        """Yield places in runs of one granule each, where they are a range."""
        if not isinstance(at, range) or at.step != 1:
            yield from runs(at, GRANULE)
            return
        lo = at.start
        while lo < at.stop:
            first = 0 if self.size == inf else lo - lo % int(self.size)
            hi = min(first + ((lo - first) // GRANULE + 1) * GRANULE, first + self.size, at.stop)
            yield range(lo, int(hi))
            lo = int(hi)

    def columns(self, at: Places) -> Any:
        return each_leaf(_as_stacked, self._rows_at(at))

    def _rows_at(self, at: Places) -> Any:
        """Return columns as the function gave them: wider strings, perhaps, or values that do not stack."""
        if self.lane is None:
            return self._asked(at, None)
        if isinstance(at, range) and at.step == 1:
            pieces = [self._stretch(piece) for piece in self._granules_of(at)]
            try:
                return merged(pieces) if len(pieces) > 1 else pieces[0]
            except Unlike:
                return stack(list(self.walk(at)))
        found = numbers(at)
        lap = np.zeros_like(found) if self.size == inf else found // int(self.size)
        place = found if self.size == inf else found - lap * int(self.size)
        granule = place // GRANULE
        order = np.lexsort((granule, lap))
        edges = np.flatnonzero(np.diff(lap[order]) | np.diff(granule[order])) + 1
        parts = []
        for rows in np.split(order, edges):
            which = int(lap[rows[0]]), int(granule[rows[0]])
            parts.append(_rows(self._granule(*which), place[rows] - which[1] * GRANULE))
        if len(parts) == 1:
            return parts[0]
        try:
            return merged(parts, order)
        except Unlike:
            return stack([item for i in found.tolist() for item in each_of(self._rows_at(range(i, i + 1)))])

    def _granule(self, lap: int, granule: int) -> Any:
        known = self._made.get((lap, granule))
        if known is None:
            known = self._fresh(lap, granule)
            while len(self._made) >= KEPT:
                self._made.popitem(last=False)
            self._made[lap, granule] = known
        else:
            self._made.move_to_end((lap, granule))
        return known

    def _fresh(self, lap: int, granule: int) -> Any:
        lo = granule * GRANULE
        hi = int(min(lo + GRANULE, self.size))
        first = lap * int(self.size) if lap else 0
        assert self.lane is not None
        return self._asked(range(first + lo, first + hi), self.lane.at(granule, lap))

    def _asked(self, at: Places, rng: np.random.Generator | None) -> Any:
        try:
            return self._checked(self.make(at, rng), len(at))
        except StopIteration as error:
            raise told(error) from error

    def _checked(self, columns: Any, n: int) -> Any:
        who = f"{self.stream.node_name.removesuffix('_batched')}(function, batched=True)"
        columns = as_batches(columns)
        rows = rows_in(columns, who)
        if rows != n:
            raise DataError(
                f"{who} got {rows} rows back from its function, wanted {n}: one for each item it was given.\n"
                "  Choose items with hr.filter, or make batches first with hr.batch(n) | hr.map(function)."
            )
        return columns


def _rows(columns: Any, at: Any) -> Any:
    """Return some rows as columns of their own: what is kept is never handed out."""

    def chosen(column: Any) -> Any:
        if isinstance(column, list):
            return column[at] if isinstance(at, slice) else [column[i] for i in at]
        return column[at].copy() if isinstance(at, slice) else column[at]

    return each_leaf(chosen, columns)


def _as_stacked(column: Any) -> Any:
    """Return a column as stacking its items would make it."""
    if isinstance(column, list) or column.dtype.hasobject:
        return stack(list(column))
    return narrowed(column)
