"""What all rows so far were like."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, signal_class, turnable
from headrace.signals.history import narrow, wide


class _Running(Signal[Any]):
    """Sums since the first row, of values less that of the first row, so that a large mean costs few digits."""

    powers = 1

    def init(self, *head: Array) -> Any:
        if head[0].dtype.kind == "c":
            raise DataError(f"{self!r} got complex rows, wanted real ones.\n  Take their real part or magnitude first.")

    def sums(self, state: Any, x: Array) -> tuple[Any, Array, list[Array], Any]:
        """Return (first row, how many rows there are by each, sums of each power by each, next state)."""
        first, seen, totals = state or (x[:1].copy(), 0, tuple(np.zeros_like(x[:1]) for _ in range(self.powers)))
        moved = x - first
        terms, found = moved, []
        for total in totals:
            found.append(np.add.accumulate(np.concatenate((total, terms)), axis=0)[1:])
            terms = terms * moved
        n = np.arange(seen + 1, seen + len(x) + 1, dtype=np.float64).reshape(-1, *[1] * (x.ndim - 1))
        return first, n, found, (first, seen + len(x), tuple(each[-1:].copy() for each in found))


@signal_class(lambda: RunningMean("x", "y"))
class RunningMean(_Running):
    """The mean of all rows so far.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``, real.
    name
        What to call the output, of the input's shape.

    Raises
    ------
    DataError
        When the rows are complex.

    Examples
    --------
    >>> RunningMean("x", name="y")([2.0, 4.0, 9.0]).tolist()
    [2.0, 3.0, 5.0]
    """

    x: str
    name: str

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x = wide(rows[0])
        if not len(x):
            return np.empty(x.shape, narrow(rows[0].dtype)), state
        first, n, (total,), after = self.sums(state, x)
        return (first + total / n).astype(narrow(rows[0].dtype), copy=False), after


@signal_class(lambda: RunningStd("x", "y"))
class RunningStd(_Running):
    """The standard deviation of all rows so far; NaN where there are no more than ``ddof``.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``, real.
    name
        What to call the output, of the input's shape.
    ddof
        What is taken off the number of rows that the sum of squares is divided by: 0 or 1.

    Raises
    ------
    StreamConfigError
        When ddof is neither.
    DataError
        When the rows are complex.

    Examples
    --------
    >>> RunningStd("x", name="y")([1.0, 3.0, 2.0]).round(4).tolist()
    [0.0, 1.0, 0.8165]
    """

    x: str
    name: str
    ddof: Turnable[int] = turnable(0)
    powers = 2

    def check(self) -> None:
        if self.ddof not in (0, 1):
            raise StreamConfigError(
                f"RunningStd(ddof=) got {self.ddof!r}, wanted 0 or 1.\n  1 is for a sample of something larger."
            )
        self.fix(ddof=int(self.ddof))

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x = wide(rows[0])
        if not len(x):
            return np.empty(x.shape, narrow(rows[0].dtype)), state
        _, n, (total, squares), after = self.sums(state, x)
        left = np.where(n > self.ddof, n - self.ddof, np.nan)
        spread = np.sqrt(np.maximum(squares - total * total / n, 0) / left)
        return spread.astype(narrow(rows[0].dtype), copy=False), after
