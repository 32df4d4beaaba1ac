"""Means that follow a signal: of the last rows, weighted by a bell, fading."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.checks import a_length
from headrace.signals.design import gaussian_kernel, half_gaussian_kernel
from headrace.signals.fir import FirBase
from headrace.signals.history import PIECE, moving_sum, narrow, newest, no_rows, pieces, wide


@signal_class(lambda: MovingAverage("x", "y", 10))
class MovingAverage(Signal[Any]):
    """The mean of the last ``length`` rows; in the beginning of as many as there are. It is ``(length - 1) / 2`` rows late.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape. Sums are made in double precision.
    length
        How many rows, at least 1.

    Raises
    ------
    StreamConfigError
        When the length is no whole number of at least 1.

    Examples
    --------
    >>> MovingAverage("x", name="y", length=3)([3, 6, 9, 0]).tolist()
    [3.0, 4.5, 6.0, 5.0]
    """

    x: str
    name: str
    length: Turnable[int]

    def check(self) -> None:
        self.fix(length=a_length("MovingAverage(length=)", self.length))

    @property
    def latency(self) -> Fraction:
        return Fraction(self.length - 1, 2)

    def init(self, *head: Array) -> Any:
        return no_rows(repr(self), self.length - 1, wide(head[0][:0])), 0

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        past, seen = state
        x, length = wide(rows[0]), self.length
        n = len(x)
        if not n:
            return np.empty(x.shape, narrow(rows[0].dtype)), state
        if x.size <= PIECE:
            both = np.concatenate((past, x))
            sums = moving_sum(both, length)
            past = both[n:] if n < length else both[n:].copy()
        else:
            sums = np.empty(x.shape, x.dtype)
            for lo, hi, piece in pieces(past, x):
                sums[lo:hi] = moving_sum(piece, length)
            past = newest(past, x)
        if seen < length - 1:
            counts = np.minimum(np.arange(seen + 1, seen + n + 1), length)
            sums /= counts.reshape(-1, *[1] * (x.ndim - 1))
            seen = min(seen + n, length - 1)
        else:
            sums /= length
        if rows[0] is not x:
            sums = sums.astype(narrow(rows[0].dtype), copy=False)
        return sums, (past, seen)


@signal_class(lambda: GaussianSmooth("x", "y", 0.2, 100.0))
class GaussianSmooth(FirBase):
    """The mean of rows around a moment, weighted by a bell; it comes half the bell's width late.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape. It begins as though the first row had been there always.
    width_in_sec
        The width that holds 95 % of the weight, in seconds: four standard deviations.
    sample_rate
        Rows a second.
    half
        Only the falling half of the bell, the newest row weighing most: then nearly no delay, and less smooth.

    Raises
    ------
    StreamConfigError
        When the width or the rate is not above 0.

    Examples
    --------
    >>> smooth = GaussianSmooth("x", name="y", width_in_sec=0.04, sample_rate=100)
    >>> smooth([0.0, 0.0, 1.0, 0.0, 0.0, 0.0]).round(3).tolist()
    [0.0, 0.0, 0.054, 0.244, 0.403, 0.244]
    >>> smooth.latency
    Fraction(2, 1)
    """

    x: str
    name: str
    width_in_sec: Turnable[float]
    sample_rate: Turnable[float]
    half: Turnable[bool] = turnable(False)

    def check(self) -> None:
        self.fix(
            width_in_sec=positive("GaussianSmooth(width_in_sec=)", self.width_in_sec),
            sample_rate=positive("GaussianSmooth(sample_rate=)", self.sample_rate),
            half=bool(self.half),
        )

    def weights(self) -> Array:
        make = half_gaussian_kernel if self.half else gaussian_kernel
        return make(self.width_in_sec, self.sample_rate)


@signal_class(lambda: ExponentialMean("x", "y", 0.2))
class ExponentialMean(Signal[Any]):
    """A mean in which a row weighs ``1 - alpha`` times as much as the one after it; it begins at the first row.

    ``y[k] = y[k-1] + alpha * (x[k] - y[k-1])``, in double precision; needs scipy.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    alpha
        The weight of the newest row, above 0 and at most 1; ``1 / (rate * seconds)`` remembers about so many seconds.

    Raises
    ------
    StreamConfigError
        When alpha lies outside.

    Examples
    --------
    >>> ExponentialMean("x", name="y", alpha=0.5)([4.0, 8.0, 8.0]).tolist()
    [4.0, 6.0, 7.0]
    """

    x: str
    name: str
    alpha: Turnable[float]
    tunable: ClassVar[tuple[str, ...]] = ("alpha",)

    def check(self) -> None:
        alpha = positive("ExponentialMean(alpha=)", self.alpha)
        if alpha > 1:
            raise StreamConfigError(
                f"ExponentialMean(alpha=) got {self.alpha!r}, wanted a number above 0, at most 1.\n"
                "  1 / (rate * seconds) remembers about so many seconds."
            )
        self.fix(alpha=alpha)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        from headrace.signals.cascade import run  # which is scipy's

        if not len(rows[0]):
            return np.empty(rows[0].shape, narrow(rows[0].dtype)), state
        x = wide(rows[0])
        keep = 1 - self.alpha
        if state is None or state[2] != self.alpha:
            last = (x[0] if state is None else state[1]).ravel()
            at = np.stack([keep * last, np.zeros_like(last)], -1)[:, None]
        else:
            at = state[0]
        y, at = run(np.array([[self.alpha, 0.0, 0.0, 1.0, -keep, 0.0]]), x, at, "ExponentialMean")
        return y.astype(narrow(rows[0].dtype), copy=False), (at, y[-1].copy(), self.alpha)
