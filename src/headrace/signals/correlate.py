"""How much two signals go together, now and with one of them delayed."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, alike, signal_class, turnable
from headrace.signals.checks import a_length
from headrace.signals.history import PIECE, joined, narrow, newest, no_rows
from headrace.signals.ranges import Range
from headrace.signals.rotations import divided

_FEW = 2  # windows: each by itself costs as many operations as it has rows, all together log2 of that for each row
ROUNDED = 1e-14  # of a constant, so much may be left by rounding as its spread


@signal_class(lambda: CrossCorrelation("a", "b", "y", 9, 2))
class CrossCorrelation(Signal[Any]):
    """The correlation of two signals over the last rows, for each lag of one behind the other.

    At lag d, rows ``a[i]`` and ``b[i - d]`` are compared: where ``a`` repeats what ``b`` was d rows ago it is 1. For a
    negative lag, ``a`` is the one that is delayed, so every lag is known at once and looks at past rows alone.

    Parameters
    ----------
    a, b
        The inputs' names, ``(rows, ...)``, of one shape.
    name
        What to call the output, ``(rows, ..., 2 max_lag + 1)``: lags from ``-max_lag`` to ``max_lag``, each Pearson's
        correlation, from -1 to 1; NaN where there are fewer than two rows yet, or one signal is constant.
    length
        How many rows are compared, at least 2.
    max_lag
        The largest lag, in rows.

    Raises
    ------
    StreamConfigError
        When ``length`` is below 2, or a parameter no whole number.
    DataError
        While running, when the inputs differ in shape or are complex.

    Examples
    --------
    >>> b = np.random.default_rng(0).normal(size=100)
    >>> a = np.concatenate([[0.0, 0.0], b[:-2]])
    >>> found = CrossCorrelation("a", "b", name="c", length=50, max_lag=3)(a, b)
    >>> found.shape, int(found[-1].argmax()) - 3, round(float(found[-1].max()), 6)
    ((100, 7), 2, 1.0)
    """

    a: str
    b: str
    name: str
    length: Turnable[int]
    max_lag: Turnable[int] = turnable(0)
    roles: ClassVar[tuple[str, ...]] = ("a", "b")
    ranges: ClassVar[Mapping[str, Range]] = {"length": Range(least=2)}

    def check(self) -> None:
        length = a_length("CrossCorrelation(length=)", self.length)
        if length < 2:
            raise StreamConfigError(
                f"CrossCorrelation(length=) got {length}, wanted at least 2 rows.\n"
                "  One row goes with nothing: compare more."
            )
        self.fix(length=length, max_lag=a_length("CrossCorrelation(max_lag=)", self.max_lag, zero=True))

    def init(self, *head: Array) -> Any:
        return None, 0

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        alike(self, *rows)
        a, b = rows
        dtype = narrow(np.result_type(a, b))
        if dtype.kind == "c":
            raise DataError(f"{self!r} got complex rows, wanted real ones.\n  Take their size with Abs.")
        n, lags, shape = len(a), self.max_lag, a.shape[1:]
        if not n:
            return np.empty((0, *shape, 2 * lags + 1), dtype), state
        past, row = state
        a, b = (each.astype(np.float64, copy=False) for each in rows)
        if past is None:
            past = [no_rows(repr(self), self.length - 1 + lags, a)] * 2
        both_a, both_b = joined(past[0], a), joined(past[1], b)
        after = newest(past[0], a), newest(past[1], b)
        made = np.empty((n, *shape, 2 * lags + 1), dtype)
        width = max(1, a[0].size)
        step = max(self.length + lags, PIECE // width)
        for lo in range(0, n, step):
            hi = min(lo + step, n)
            ends = slice(lo, hi + self.length - 1 + lags)
            some = max(1, PIECE // (width * (hi - lo + self.length)))
            for first in range(-lags, lags + 1, some):
                delays = range(first, min(first + some, lags + 1))
                found = self._of(both_a[ends], both_b[ends], row + lo, delays)
                made[lo:hi, ..., lags + first : lags + first + len(delays)] = found
        return made, (after, row + n)

    def _of(self, a: Array, b: Array, row: int, delays: range) -> Array:
        """Return the correlations from ``row`` on at some lags, given as many rows before it as all lags reach back."""
        most, length = self.max_lag, self.length
        m = len(a) - most  # rows that all lags have, from row - length + 1 on
        terms = np.zeros((5, m, *a.shape[1:], len(delays)))  # signals, and the squares and products about their means
        there: Any = 1.0
        lacking = [max(0, abs(lag) - (row - length + 1)) for lag in delays]
        if any(lacking):
            there = (np.arange(m)[:, None] >= lacking).astype(np.float64)
            there = there.reshape(m, *[1] * (a.ndim - 1), len(delays))
        for i, lag in enumerate(delays):
            late_a, late_b = max(0, -lag), max(0, lag)
            # Rows from before the first are not there, nor are those of the other signal at that time.
            first = lacking[i]
            terms[0, first:, ..., i] = a[most - late_a + first : len(a) - late_a]
            terms[1, first:, ..., i] = b[most - late_b + first : len(b) - late_b]
        with np.errstate(invalid="ignore", over="ignore"):
            count, sum_a, sum_b, aa, bb, ab = merged_windows((there, *terms), length, co_moments)
            aa = np.where(_varies(count, sum_a, aa), aa, np.nan)
            bb = np.where(_varies(count, sum_b, bb), bb, np.nan)
        made: Array = np.clip(divided(ab, np.sqrt(aa) * np.sqrt(bb)), -1, 1)
        return made

    @property
    def latency(self) -> Fraction:
        return Fraction(self.length - 1, 2)


def _varies(count: Any, total: Array, squares: Array) -> Array:
    """Return where the squares about the mean are more than what is left of a constant by rounding."""
    small = ROUNDED * total
    made: Array = squares * count > small * small
    return made


def co_moments(a: Any, b: Any) -> Any:
    """Return (how many, sums, squares about the means, products about the means) of two such, which follow each other.

    The squares and products are merged (Chan, Golub and LeVeque 1983, eq. 2.1), so that a large mean costs no digits.
    """
    na, nb = a[0], b[0]
    n = na + nb
    if isinstance(n, float):
        apart_x, apart_y, share = b[1] / nb - a[1] / na, b[2] / nb - a[2] / na, na * nb / n
    else:
        least_a, least_b = np.maximum(na, 1), np.maximum(nb, 1)
        apart_x, apart_y = b[1] / least_b - a[1] / least_a, b[2] / least_b - a[2] / least_a
        share = na * nb / np.maximum(n, 1)
    xx = a[3] + b[3] + apart_x * apart_x * share
    yy = a[4] + b[4] + apart_y * apart_y * share
    return n, a[1] + b[1], a[2] + b[2], xx, yy, a[5] + b[5] + apart_x * apart_y * share


def merged_windows(terms: Any, length: int, merge: Any) -> Any:
    """Return ``merge`` over every ``length`` rows that follow each other, in one order whatever stands around them.

    As :func:`headrace.signals.history.moving_sum` does it; a few windows are merged each by itself, to the same bytes.
    """
    n = len(terms[1]) - length + 1
    alone = n <= _FEW
    part = tuple(_side(each, length) for each in terms) if alone else terms
    power, done, found = 1, 0, None
    while True:
        if length & power:
            here = _each(part, 0) if alone else _each(part, slice(done, done + n))
            found = here if found is None else merge(found, here)
            done += power
            if done == length:
                return found
            if alone:
                part = _each(part, slice(1, None))
        if alone:
            part = merge(_each(part, slice(None, None, 2)), _each(part, slice(1, None, 2)))
        else:
            part = merge(_each(part, slice(0, -power)), _each(part, slice(power, None)))
        power += power


def _each(part: Any, at: Any) -> Any:
    return tuple(each if isinstance(each, float) else each[at] for each in part)


def _side(term: Any, length: int) -> Any:
    """Return windows with their rows along axis 0, one window after the other along axis 1."""
    if isinstance(term, float):
        return term
    return np.moveaxis(np.lib.stride_tricks.sliding_window_view(term, length, axis=0), -1, 0)
