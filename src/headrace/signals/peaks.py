"""Marks of peaks, and marks that keep a distance."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.checks import a_real_number, real


def held(values: Array, known: Array) -> Array:
    """Return the last value that is known at each row, ``(rows, ...)``; in the first row all are.

    Examples
    --------
    >>> held(np.array([5, 6, 7, 8]), np.array([True, False, True, False])).tolist()
    [5, 5, 7, 7]
    """
    n = len(values)
    if not values.size:  # of no channel, whose number cannot be told of the size
        return values
    flat = np.where(known.reshape(n, -1), np.arange(n)[:, None], 0)
    at = np.maximum.accumulate(flat, axis=0)
    return values.reshape(n, -1)[at, np.arange(at.shape[1])].reshape(values.shape)


def spaced(marks: Array, waits: Array, rest: int) -> Array:
    """Remove, in place, marks that are within ``rest`` rows behind another, or within the first ``waits`` rows.

    Examples
    --------
    >>> spaced(np.array([1, 1, 1, 0, 1]), np.array(0), 2).tolist()
    [1, 0, 0, 0, 1]
    """
    if rest and marks.size:
        width = marks[0].size
        flat, first = marks.reshape(len(marks), width), waits.reshape(width).tolist()
        for at, channel in np.argwhere(flat != 0).tolist():
            if at < first[channel]:
                flat[at, channel] = 0
            else:
                first[channel] = at + rest + 1
    return marks


def waits_after(marks: Array, waits: Array, rest: int) -> Array:
    """Return for how many rows behind these there may be no mark."""
    if not rest:
        return waits
    rows = np.arange(len(marks)).reshape(-1, *[1] * (marks.ndim - 1))
    last = np.where(marks != 0, rows, -1).max(axis=0)
    left = np.where(last < 0, waits - len(marks), last + rest + 1 - len(marks))
    return np.maximum(left, 0)


@signal_class(lambda: Peaks("x", "y", -1.0, 4))
class Peaks(Signal[Any]):
    """1 in the row after a peak, else 0: a peak is higher than the row before and than the next row that differs.

    Of a peak of several equal rows, the row after the last of them is marked.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape, int64, one row late.
    height
        How high it is at least; any height by default.
    distance
        How many rows from one mark to the next at least; of peaks that are nearer the first is marked.

    Raises
    ------
    StreamConfigError
        When ``height`` is no number or ``distance`` no whole number of at least 1.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> Peaks("x", name="peak")([0.0, 1.0, 0.0, 2.0, 2.0, 1.0]).tolist()
    [0, 0, 1, 0, 0, 1]
    """

    x: str
    name: str
    height: Turnable[float | None] = turnable(None)
    distance: Turnable[int] = turnable(1)
    tunable: ClassVar[tuple[str, ...]] = ("height", "distance")

    def check(self) -> None:
        height = None if self.height is None else a_real_number("Peaks(height=)", self.height)
        self.fix(height=height, distance=positive("Peaks(distance=)", self.distance, whole=True))

    @property
    def latency(self) -> Fraction:
        return Fraction(1)

    def init(self, *head: Array) -> Any:
        shape = head[0].shape[1:]
        return None, np.zeros(shape, bool), np.zeros(shape, np.int64)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x = real(self, rows[0])
        last, rising, waits = state
        if not len(x):
            return np.zeros(x.shape, np.int64), state
        before = np.concatenate([x[:1] if last is None else last[None], x[:-1]])
        up, down = x > before, x < before
        # What the slope before each row was: that of the last row that differed from its own.
        slopes = np.concatenate([rising[None], up])
        changed = np.concatenate([np.ones((1, *x.shape[1:]), bool), x != before])
        slope = held(slopes, changed)
        marks = down & slope[:-1]
        if self.height is not None:
            marks &= before >= self.height
        made = marks.astype(np.int64)
        rest = self.distance - 1
        made = spaced(made, waits, rest)
        return made, (np.array(x[-1]), np.array(slope[-1]), waits_after(made, waits, rest))
