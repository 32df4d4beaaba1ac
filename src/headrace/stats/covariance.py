"""How numbers that come together vary together, none of which is kept."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from math import nan
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.stats.running import real

Array = np.ndarray[Any, np.dtype[np.float64]]
_BLOCK: Final = 4096


class RunningCovariance:
    """The covariance of two numbers that come together, updated as they come.

    Attributes
    ----------
    count : int
        How many pairs there were.
    xmean, ymean : float
        Their means.
    C : float
        The sum of products of deviations from the means.

    Examples
    --------
    >>> rc = RunningCovariance()
    >>> rc.update_from_it([1, 2, 3], [2, 4, 6])
    >>> rc.sample_covar
    2.0
    """

    def __init__(self) -> None:
        self.count: int = 0
        self.xmean: float = 0.0
        self.ymean: float = 0.0
        self.C: float = 0.0

    def update(self, x: float, y: float) -> None:
        """Take one pair into account.

        Raises
        ------
        TypeError
            When they are no real numbers.
        """
        x, y = float(x), float(y)
        self.count += 1
        apart = x - self.xmean
        self.xmean += apart / self.count
        self.ymean += (y - self.ymean) / self.count
        self.C += apart * (y - self.ymean)

    def update_from_it(self, xs: Iterable[float], ys: Iterable[float]) -> None:
        """Take pairs into account, one number of each from either.

        Raises
        ------
        ValueError
            When one has more than the other.
        TypeError
            When they are no real numbers.
        """
        for x, y in zip(xs, ys, strict=True):
            self.update(x, y)

    @property
    def covar(self) -> float:
        """The covariance of the numbers themselves: divided by their count. NaN before the first."""
        return self.C / self.count if self.count else nan

    @property
    def sample_covar(self) -> float:
        """The covariance of what they are a sample of: divided by their count less one. NaN before the second."""
        return self.C / (self.count - 1) if self.count > 1 else nan

    def __repr__(self) -> str:
        return f"RunningCovariance(covar={self.covar:.6g}, count={self.count})"


class RunningCovarianceMatrix:
    """The covariances of ``n`` numbers that come together, updated as they come.

    Parameters
    ----------
    n
        How many.

    Attributes
    ----------
    mean : (n,) array
        Their means.
    C : (n, n) array
        The sums of products of deviations from the means.

    Raises
    ------
    StreamConfigError
        When ``n`` is below 1.

    Examples
    --------
    >>> rcm = RunningCovarianceMatrix(2)
    >>> rcm.update_from_it([1, 2, 3], [2, 4, 6])
    >>> rcm.sample_covar_matrix
    array([[1., 2.],
           [2., 4.]])
    """

    def __init__(self, n: int = 2) -> None:
        if n < 1:
            raise StreamConfigError(
                f"RunningCovarianceMatrix got n={n}, wanted at least 1.\n  It is how many numbers come at once."
            )
        self.n: int = n
        self.mean: Array = np.zeros(n)
        self.C: Array = np.zeros((n, n))
        self._count = 0

    @property
    def count(self) -> int:
        """How many times numbers came."""
        return self._count

    def update(self, *x: float) -> None:
        """Take ``n`` numbers that belong together into account.

        Raises
        ------
        DataError
            When they are not ``n``.
        TypeError
            When they are no real numbers.
        """
        self._check(len(x))
        row = np.array([float(each) for each in x])
        self._count += 1
        apart = row - self.mean
        self.mean = self.mean + apart / self._count
        self.C = self.C + np.outer(apart, apart) * ((self._count - 1) / self._count)

    def update_from_it(self, *xs: Iterable[float]) -> None:
        """Take ``n`` series of equal length into account.

        Raises
        ------
        DataError
            When they are not ``n``.
        ValueError
            When one is longer than another.
        TypeError
            When they are no real numbers.
        """
        self._check(len(xs))
        rows = zip(*xs, strict=True)
        while block := list(islice(rows, _BLOCK)):
            self._add(real(block))

    def _add(self, block: Array) -> None:
        mean = block[0] + (block - block[0]).mean(axis=0)
        apart = block - mean
        rest = apart.sum(axis=0)
        inside = apart.T @ apart - np.outer(rest, rest) / len(block)
        total = self._count + len(block)
        between = mean - self.mean
        weight = self._count * len(block) / total
        self.C = self.C + (inside + inside.T) / 2 + np.outer(between, between) * weight
        self.mean = self.mean + between * (len(block) / total) if self._count else mean
        self._count = total

    def _check(self, n: int) -> None:
        if n != self.n:
            raise DataError(
                f"RunningCovarianceMatrix got {n} numbers or series, wanted {self.n}.\n  One for each row and column of the matrix."
            )

    @property
    def covar_matrix(self) -> Array:
        """The (n, n) covariances of the numbers themselves: divided by their count. NaN before the first."""
        return self.C / self._count if self._count else np.full_like(self.C, nan)

    @property
    def sample_covar_matrix(self) -> Array:
        """The (n, n) covariances of what they are a sample of: divided by their count less one."""
        return self.C / (self._count - 1) if self._count > 1 else np.full_like(self.C, nan)

    def to_uncertainties(self, bias: bool = True) -> tuple[Any, ...]:
        """Return the means as correlated numbers of the package ``uncertainties``.

        Parameters
        ----------
        bias
            Their covariances are :attr:`covar_matrix`; otherwise :attr:`sample_covar_matrix`.

        Raises
        ------
        MissingExtraError
            When it is not installed.
        """
        uncertainties = optional("uncertainties", "sweeps", "RunningCovarianceMatrix.to_uncertainties")
        matrix = self.covar_matrix if bias else self.sample_covar_matrix
        return tuple(uncertainties.correlated_values(self.mean.tolist(), matrix.tolist()))

    def __repr__(self) -> str:
        return f"RunningCovarianceMatrix(n={self.n}, count={self._count})"
