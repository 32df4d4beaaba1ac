"""How much two signals go together, now and with one of them delayed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, alike, positive, signal_class
from headrace.signals.history import joined, moving_sum, narrow, newest
from headrace.signals.rotations import divided

_PIECE = 1 << 14  # values that are worked on at once


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
    length: int
    max_lag: int = 0
    roles: ClassVar[tuple[str, ...]] = ("a", "b")

    def check(self) -> None:
        length = positive("CrossCorrelation(length=)", self.length, whole=True)
        if length < 2:
            raise StreamConfigError(f"CrossCorrelation(length=) got {length}, wanted at least 2 rows.")
        self.fix(length=length, max_lag=positive("CrossCorrelation(max_lag=)", self.max_lag, whole=True, zero=True))

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
            # Less their first rows, so that sums of squares do not drown what differs from row to row.
            past = a[0].copy(), b[0].copy(), *[np.zeros((self.length - 1 + lags, *shape))] * 2
        first_a, first_b, past_a, past_b = past
        a, b = a - first_a, b - first_b
        both_a, both_b = joined(past_a, a), joined(past_b, b)
        after = first_a, first_b, newest(past_a, a), newest(past_b, b)
        made = np.empty((n, *shape, 2 * lags + 1), dtype)
        step = max(self.length + lags, _PIECE // made[0].size)
        for lo in range(0, n, step):
            hi = min(lo + step, n)
            ends = slice(lo, hi + self.length - 1 + lags)
            made[lo:hi] = self._of(both_a[ends], both_b[ends], row + lo)
        return made, (after, row + n)

    def _of(self, a: Array, b: Array, row: int) -> Array:
        """Return the correlations from ``row`` on, given as many rows before it as they reach back."""
        most, length = self.max_lag, self.length
        m = len(a) - most  # rows that all lags have, from row - length + 1 on
        n = m - length + 1
        lags = np.arange(-most, most + 1)
        terms = np.zeros((5, m, *a.shape[1:], len(lags)))
        at_a, at_b = terms[0], terms[1]
        for i, lag in enumerate(lags.tolist()):
            late_a, late_b = max(0, -lag), max(0, lag)
            # Rows from before the first are not there, nor are those of the other signal at that time.
            first = max(0, abs(lag) - (row - length + 1))
            at_a[first:, ..., i] = a[most - late_a + first : len(a) - late_a]
            at_b[first:, ..., i] = b[most - late_b + first : len(b) - late_b]
        np.multiply(at_a, at_b, out=terms[2])
        np.multiply(at_a, at_a, out=terms[3])
        np.multiply(at_b, at_b, out=terms[4])
        count = np.clip(np.arange(row + 1, row + n + 1)[:, None] - np.abs(lags), 0, length).astype(np.float64)
        count = count.reshape(n, *[1] * (a.ndim - 1), len(lags))
        sum_a, sum_b, ab, aa, bb = np.moveaxis(moving_sum(np.moveaxis(terms, 0, 1), length), 1, 0)
        above = count * ab - sum_a * sum_b
        spread_a, spread_b = count * aa - sum_a * sum_a, count * bb - sum_b * sum_b
        small = 1e-13 * count  # of a constant, there is left what was rounded
        spread_a = np.where(spread_a > small * aa, spread_a, np.nan)
        spread_b = np.where(spread_b > small * bb, spread_b, np.nan)
        made: Array = np.clip(divided(above, np.sqrt(spread_a) * np.sqrt(spread_b)), -1, 1)
        return made

    @property
    def latency(self) -> Fraction:
        return Fraction(self.length - 1, 2)
