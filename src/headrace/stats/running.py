"""Mean and spread of numbers that come one after another, none of which is kept."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf, sqrt
from typing import Any, Final

import numpy as np

from headrace.stats.numbers import format_number_with_error

Array = np.ndarray[Any, np.dtype[np.float64]]
_BLOCK: Final = 4096
_FEW: Final = 16  # below, a loop is quicker than NumPy


class RunningStatistics:
    """The mean, the variance and the error of the mean of numbers, updated as they come.

    Attributes
    ----------
    count : int
        How many there were.
    mean : float
        Their mean; 0.0 before the first.
    M2 : float
        The sum of squared deviations from the mean.

    Notes
    -----
    Deviations from the mean so far are summed, never squares of the numbers, so that a large mean costs no digits
    (Welford 1962); blocks are joined likewise (Chan, Golub and LeVeque 1979). The mean is kept with twice the digits of
    a float (Kahan 1965), as its own rounding would otherwise be summed too.

    Examples
    --------
    >>> rs = RunningStatistics()
    >>> rs.update_from_it([1.0, 2.0, 3.0, 4.0])
    >>> rs.mean, rs.var, rs.count
    (2.5, 1.25, 4)
    """

    def __init__(self) -> None:
        self.count: int = 0
        self.mean: float = 0.0
        self.M2: float = 0.0
        self._low = 0.0  # what is to be added to the mean, too little for its last digit

    def update(self, x: float) -> None:
        """Take one number into account.

        Raises
        ------
        TypeError
            When ``x`` is no real number.
        """
        x = float(x)
        self.count += 1
        before = (x - self.mean) - self._low
        self._move(before / self.count)
        self.M2 += before * ((x - self.mean) - self._low)

    def _move(self, by: float) -> None:
        by += self._low
        mean = self.mean + by
        self._low = by - (mean - self.mean)
        self.mean = mean

    def update_from_it(self, xs: Iterable[float]) -> None:
        """Take numbers of an array or of any iterable into account; of one that raises, those that came before.

        Raises
        ------
        TypeError
            When one of them is no real number.
        """
        if isinstance(xs, np.ndarray):
            flat = real(xs).ravel()
            for low in range(0, len(flat), 16 * _BLOCK):
                self._add(flat[low : low + 16 * _BLOCK])
            return
        held: list[float] = []
        try:
            for x in xs:
                held.append(float(x))
                if len(held) == _BLOCK:
                    block, held = np.array(held), []
                    self._add(block)
        finally:
            if len(held) < _FEW:
                for x in held:
                    self.update(x)
            else:
                self._add(np.array(held))

    def _add(self, block: Array) -> None:
        if len(block):
            self._join(len(block), *_moments(block))

    def _join(self, count: int, mean: float, low: float, m2: float) -> None:
        total = self.count + count
        if not self.count:
            self.count, self.mean, self._low, self.M2 = count, mean, low, m2
            return
        apart = (mean - self.mean) + (low - self._low)
        self._move(apart * (count / total))
        self.M2 += m2 + apart * apart * (self.count * count / total)
        self.count = total

    def merge(self, other: RunningStatistics) -> None:
        """Take into account what another one has seen, in another process for instance.

        Examples
        --------
        >>> one, two = RunningStatistics(), RunningStatistics()
        >>> one.update_from_it([1, 2]), two.update_from_it([3, 4])
        (None, None)
        >>> one.merge(two)
        >>> one.mean, one.var
        (2.5, 1.25)
        """
        if other.count:
            self._join(other.count, other.mean, other._low, other.M2)

    def converged(self, rtol: float, atol: float) -> bool:
        """Tell whether the error of the mean is below ``rtol * |mean| + atol``."""
        return bool(self.err < rtol * abs(self.mean) + atol)

    @property
    def var(self) -> float:
        """The variance of the numbers themselves: divided by their count. Infinite before the first."""
        return self.M2 / self.count if self.count else inf

    @property
    def std(self) -> float:
        """The standard deviation, the root of :attr:`var`."""
        return sqrt(self.var)

    @property
    def err(self) -> float:
        """The standard error of the mean."""
        return self.std / sqrt(self.count) if self.count else inf

    @property
    def rel_err(self) -> float:
        """The error of the mean, relative to the mean."""
        if self.mean == 0 or not self.count:
            return inf if self.err else 0.0
        return self.err / abs(self.mean)

    def __repr__(self) -> str:
        told = format_number_with_error(self.mean, self.err) if self.count else None
        return f"RunningStatistics(mean={told}, count={self.count})"


def real(xs: Any) -> Array:
    """Return an array of floats.

    Raises
    ------
    TypeError
        When it holds anything but real numbers.
    """
    found = np.asarray(xs)
    if found.dtype.kind not in "biufO":
        raise TypeError(f"running statistics got an array of dtype {found.dtype}, wanted real numbers.")
    return found.astype(np.float64)


def _moments(block: Array) -> tuple[float, float, float]:
    """Return the mean of a block that is not empty, in two parts, and the sum of squared deviations from it."""
    with np.errstate(invalid="ignore", over="ignore"):
        first = float(block[0])
        shifted = block - first
        mean = float(shifted.mean())
        apart = shifted - mean
        # What rounding has left of the mean of the deviations is taken out (Chan, Golub and LeVeque 1983).
        rest = float(apart.sum())
        m2 = float(apart @ apart) - rest * rest / len(block)
    mean += rest / len(block)
    high = first + mean
    return high, mean - (high - first), m2 if m2 >= 0 or m2 != m2 else 0.0
