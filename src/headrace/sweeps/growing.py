"""The dataset of a ledger that grows: its points are kept as columns, so that a round costs what is new in it."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from itertools import groupby
from math import prod
from operator import is_
from typing import Any

import numpy as np

from headrace.store.ledger import DONE, Point
from headrace.store.ledger_rows import Seen
from headrace.sweeps.canonical import encoded
from headrace.sweeps.parse import in_order
from headrace.sweeps.place import Columns
from headrace.sweeps.points import Codes, Points
from headrace.sweeps.view import Frame, args_of, columns_of


class Growing:
    """The points of a ledger on disk in their grid, for who writes them to a file again and again.

    What it gives may share memory with it, and values that are objects are the very ones: it is to be written, and not to
    be handed out. One thread at a time.

    Parameters
    ----------
    ledger
        Where the points are.
    """

    def __init__(self, ledger: Any) -> None:
        self.ledger: Any = ledger
        self.forget()

    def forget(self) -> None:
        """Let go of all points: they will be read again."""
        self._seen = Seen()
        self._layouts: list[Mapping[str, Any]] = []
        self._args: tuple[str, ...] = ()
        self._axes: list[_Axis] = []
        self._columns: dict[Any, Columns] = {}
        self._n = 0

    def cells(self) -> int:
        """Return how many places the grid has."""
        self._follow()
        return prod(len(axis.values) for axis in self._axes) if self._n else 0

    def dataset(self) -> Any:
        """Return the labelled dataset; None when there are no results.

        Raises
        ------
        DataError
            When results do not fit each other, or the grid would have too many places.
        """
        self._follow()
        if not self._n:
            return None
        points = Points()
        if self._args:
            columns = tuple(axis.column for axis in self._axes)
            points = Points.on_axes(self._args, columns, [axis.placed() for axis in self._axes])
        for column in self._columns.values():
            column.grow(self._n)  # of a variable that the latest points do not have
        each = {name: column.first(self._n) for name, column in self._columns.items()}
        return Frame.of(self._layouts, points).filled(each)

    def _follow(self) -> None:
        """Take in what was added; begin anew when something was removed or replaced, or could not be taken in."""
        found = self.ledger.added(self._seen)
        try:
            if found is None:
                self.forget()
                found = self.ledger.added(self._seen)
            points, seen = found
            for _, some in groupby(points, lambda point: (id(point.layout), point.state)):
                self._take(list(some))
            self._seen = seen
        except BaseException:
            self.forget()
            raise

    def _take(self, points: list[Point]) -> None:
        """Take in points of one layout and state."""
        if points[0].state != DONE:
            return
        layout, first = points[0].layout, self._n
        self._see(layout)
        own, rows = tuple(layout["args"]), list(zip(*(point.coords for point in points), strict=True))
        for name, axis in zip(self._args, self._axes, strict=True):
            axis.take(rows[own.index(name)])
        self._n += len(points)
        names = layout["vars"] if layout["vars"] is not None else [None]
        for name, values in zip(names, zip(*(point.value for point in points), strict=True), strict=True):
            column = self._columns[name]
            if self._n > len(column.done):
                column.grow(self._n + self._n // 2)
            column.take(range(first, self._n), list(values))

    def _see(self, layout: Mapping[str, Any]) -> None:
        """Make room for what the points of a layout are called."""
        if any(layout is each for each in self._layouts):
            return
        self._layouts.append(layout)
        args = args_of(self._layouts)
        if not self._n:
            self._args, self._axes = args, [_Axis() for _ in args]
        labels, _ = Frame.of(self._layouts, Points()).labels()
        for name, column in columns_of(labels, 0).items():
            self._columns.setdefault(name, column)
        for column in self._columns.values():
            column.grow(self._n)


class _Axis:
    """The values of an argument: of each point, and once each.

    Attributes
    ----------
    column : list
        A value for each point.
    values : list
        Each once, as it came first.
    """

    def __init__(self) -> None:
        self.column: list[Any] = []
        self.values: list[Any] = []
        self._codes = array("q")
        self._known: dict[bytes, int] = {}

    def take(self, values: tuple[Any, ...]) -> None:
        """Take in the values of some more points."""
        known = self._known
        for value in values:
            told = encoded(value)
            code = known.get(told)
            if code is None:
                code = known[told] = len(self.values)
                self.values.append(value)
            self._codes.append(code)
        self.column += values

    def placed(self) -> tuple[list[Any], Codes | None]:
        """Return the values in order, and where each point is among them; None where that is one by one."""
        codes = np.array(self._codes, dtype=np.intp)
        axis = in_order(self.values)
        if not all(map(is_, axis, self.values)):
            at = {id(value): place for place, value in enumerate(axis)}
            codes = np.fromiter((at[id(value)] for value in self.values), np.intp, len(axis))[codes]
        in_row = len(axis) == len(codes) and bool((codes == np.arange(len(codes))).all())
        return list(axis), None if in_row else codes
