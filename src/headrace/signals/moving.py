"""What the last rows were like: their root mean square, spread, extremes and median."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, signal_class, turnable
from headrace.signals.checks import a_length
from headrace.signals.history import moving_extreme, moving_sum, narrow, newest, no_rows, pieces, wide

_SORTED = 1 << 18  # values that are sorted at once


class Moving(Signal[Any]):
    """A signal made of the last ``length`` rows, in the beginning of as many as there are, in double precision.

    A subclass has the fields ``x``, ``name`` and ``length`` and writes :meth:`over`. It speaks of the middle of its rows,
    which is its latency.
    """

    length: Turnable[int]

    @property
    def latency(self) -> Fraction:
        return Fraction(self.length - 1, 2)

    def check(self) -> None:
        self.fix(length=a_length(f"{type(self).__name__}(length=)", self.length))

    def over(self, rows: Array, missing: int) -> Array:
        """Return a row for every ``length`` rows that follow each other; the first ``missing`` of ``rows`` do not count."""
        raise NotImplementedError(f"{type(self).__name__} needs a method over(rows, missing)")

    def init(self, *head: Array) -> Any:
        if head[0].dtype.kind == "c":
            raise DataError(f"{self!r} got complex rows, wanted real ones.\n  Take their real part or magnitude first.")
        return no_rows(repr(self), self.length - 1, wide(head[0][:0])), 0

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        past, seen = state
        x, before = wide(rows[0]), self.length - 1
        found = np.empty(x.shape, narrow(rows[0].dtype))
        for lo, hi, piece in pieces(past, x) if x.size else ():
            found[lo:hi] = self.over(piece, max(0, before - seen - lo))
        return found, (newest(past, x), min(seen + len(x), before))

    def counts(self, rows: Array, missing: int) -> Array | float:
        """Return how many rows each output row is made of, in a shape that divides them."""
        if not missing:
            return float(self.length)
        n = len(rows) - self.length + 1
        counted = np.minimum(np.arange(self.length, self.length + n) - missing, self.length)
        return counted.astype(np.float64).reshape(-1, *[1] * (rows.ndim - 1))


@signal_class(lambda: MovingRMS("x", "y", 10))
class MovingRMS(Moving):
    """The root of the mean square of the last ``length`` rows: how strong a signal is, with ``length`` rows of memory.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``, real.
    name
        What to call the output, of the input's shape.
    length
        How many rows; in the beginning as many as there are.

    Raises
    ------
    StreamConfigError
        When the length is no whole number of at least 1.
    DataError
        When the rows are complex.

    Examples
    --------
    >>> MovingRMS("x", name="y", length=2)([3.0, -3.0, 4.0]).round(3).tolist()
    [3.0, 3.0, 3.536]
    """

    x: str
    name: str
    length: Turnable[int]

    def over(self, rows: Array, missing: int) -> Array:
        made: Array = np.sqrt(moving_sum(rows * rows, self.length) / self.counts(rows, missing))
        return made


@signal_class(lambda: MovingStd("x", "y", 11, ddof=1))
class MovingStd(Moving):
    """The standard deviation of the last ``length`` rows; NaN where there are no more than ``ddof``.

    Sums of squares are those about the mean, made of two that are half as long (Chan, Golub and LeVeque 1983, eq. 2.1), so
    that a large mean costs no digits.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``, real.
    name
        What to call the output, of the input's shape.
    length
        How many rows; in the beginning as many as there are.
    ddof
        What is taken off the number of rows that the sum of squares is divided by: 0 or 1.

    Raises
    ------
    StreamConfigError
        When the length or ddof cannot be used.
    DataError
        When the rows are complex.

    Examples
    --------
    >>> MovingStd("x", name="y", length=2)([1.0, 3.0, 3.0]).tolist()
    [0.0, 1.0, 0.0]
    """

    x: str
    name: str
    length: Turnable[int]
    ddof: Turnable[int] = turnable(0)

    def check(self) -> None:
        super().check()
        if self.ddof not in (0, 1):
            raise StreamConfigError(
                f"MovingStd(ddof=) got {self.ddof!r}, wanted 0 or 1.\n  1 is for a sample of something larger."
            )
        self.fix(ddof=int(self.ddof))

    def over(self, rows: Array, missing: int) -> Array:
        n = self.counts(rows, missing) - self.ddof
        squares = _squares(rows, self.length, missing)
        with np.errstate(divide="ignore", invalid="ignore"):
            made: Array = np.sqrt(squares / np.where(np.asarray(n) > 0, n, np.nan))
        return made


def _squares(rows: Array, length: int, missing: int) -> Array:
    """Return the sum of squares about the mean of every ``length`` rows, of which the first ``missing`` do not count."""
    there: Any = 1.0
    if missing:
        there = (np.arange(len(rows)) >= missing).astype(np.float64).reshape(-1, *[1] * (rows.ndim - 1))
    part = there, rows, np.zeros_like(rows)
    power, done, found = 1, 0, None
    n = len(rows) - length + 1
    while True:
        if length & power:
            here = _cut(part, done, done + n)
            found = here if found is None else _merged(found, here)
            done += power
            if done == length:
                squares: Array = found[2]
                return squares
        part = _merged(_cut(part, 0, -power), _cut(part, power, None))
        power += power


def _cut(part: Any, lo: int, hi: int | None) -> Any:
    n, sums, squares = part
    return n if isinstance(n, float) else n[lo:hi], sums[lo:hi], squares[lo:hi]


def _merged(a: Any, b: Any) -> Any:
    na, nb = a[0], b[0]
    n = na + nb
    if isinstance(n, float):
        apart = b[1] / nb - a[1] / na
        return n, a[1] + b[1], a[2] + b[2] + apart * apart * (na * nb / n)
    apart = b[1] / np.maximum(nb, 1) - a[1] / np.maximum(na, 1)
    return n, a[1] + b[1], a[2] + b[2] + apart * apart * (na * nb / np.maximum(n, 1))


@signal_class(lambda: MovingMin("x", "y", 7))
class MovingMin(Moving):
    """The least of the last ``length`` rows; NaN while there is one among them.

    Its parameters are those of :class:`MovingRMS`.

    Raises
    ------
    StreamConfigError
        When the length is no whole number of at least 1.
    DataError
        When the rows are complex.

    Examples
    --------
    >>> MovingMin("x", name="y", length=2)([3.0, 1.0, 2.0, 4.0]).tolist()
    [3.0, 1.0, 1.0, 2.0]
    """

    x: str
    name: str
    length: Turnable[int]

    def over(self, rows: Array, missing: int) -> Array:
        return moving_extreme(_missing_as(rows, missing, np.inf), self.length, np.minimum)


@signal_class(lambda: MovingMax("x", "y", 10))
class MovingMax(Moving):
    """The greatest of the last ``length`` rows; NaN while there is one among them.

    Its parameters are those of :class:`MovingRMS`.

    Raises
    ------
    StreamConfigError
        When the length is no whole number of at least 1.
    DataError
        When the rows are complex.

    Examples
    --------
    >>> MovingMax("x", name="y", length=2)([3.0, 1.0, 2.0, 4.0]).tolist()
    [3.0, 3.0, 2.0, 4.0]
    """

    x: str
    name: str
    length: Turnable[int]

    def over(self, rows: Array, missing: int) -> Array:
        return moving_extreme(_missing_as(rows, missing, -np.inf), self.length, np.maximum)


def _missing_as(rows: Array, missing: int, value: float) -> Array:
    if not missing:
        return rows
    found = rows.copy()
    found[:missing] = value
    return found


@signal_class(lambda: MovingMedian("x", "y", 6))
class MovingMedian(Moving):
    """The median of the last ``length`` rows, which single odd rows do not move; NaN while there is one among them.

    Its parameters are those of :class:`MovingRMS`. A row costs about as much as to sort ``length`` values.

    Raises
    ------
    StreamConfigError
        When the length is no whole number of at least 1.
    DataError
        When the rows are complex.

    Examples
    --------
    >>> MovingMedian("x", name="y", length=3)([1.0, 2.0, 90.0, 3.0, 4.0]).tolist()
    [1.0, 1.5, 2.0, 3.0, 4.0]
    """

    x: str
    name: str
    length: Turnable[int]

    def over(self, rows: Array, missing: int) -> Array:
        length = self.length
        windows = np.moveaxis(np.lib.stride_tricks.sliding_window_view(rows, length, axis=0), -1, 1)
        found = np.empty((len(windows), *rows.shape[1:]))
        first = min(missing, len(windows))
        for i in range(first):  # each of another length
            found[i] = _median(windows[i : i + 1, missing - i :])[0]
        step = max(1, _SORTED // max(1, windows[:1].size))
        for lo in range(first, len(windows), step):
            found[lo : lo + step] = _median(windows[lo : lo + step])
        return found


def _median(windows: Array) -> Array:
    """Return the median along axis 1."""
    n = windows.shape[1]
    high = n // 2
    low = high if n % 2 else high - 1
    ordered = np.partition(windows, sorted({low, high, n - 1}), axis=1)  # what is NaN comes last
    middle = (ordered[:, low] + ordered[:, high]) / 2 if n % 2 == 0 else ordered[:, high]
    last = ordered[:, -1]
    return np.where(np.isnan(last), last, middle)
