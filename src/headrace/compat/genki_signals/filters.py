"""Filters as plain objects, time first: block by block, offline both ways, responses."""

from __future__ import annotations

from typing import Any, NamedTuple, Self

from headrace.signals.design import (
    gaussian_kernel,
    gaussian_kernel1d,
    gaussian_smooth_offline,
    half_gaussian_kernel,
    moving_average_kernel,
)
from headrace.signals.plain_filters import ButterFilter
from headrace.signals.plain_filters import Filter as _Filter
from headrace.signals.plain_filters import FirFilter as _FirFilter


class SosParams(NamedTuple):
    """Second-order sections, ``(sections, 6)``."""

    sos: Any


class BaParams(NamedTuple):
    """Numerator and denominator of a transfer function."""

    b: Any
    a: Any


class Filter(_Filter):
    """A filter of its coefficients: :class:`headrace.signals.plain_filters.Filter`, made of parameters.

    Examples
    --------
    >>> Filter(BaParams([0.5, 0.5], [1.0])).process([2.0, 4.0]).tolist()
    [2.0, 3.0]
    """

    def __init__(self, params: SosParams | BaParams, n_channels: int = 1) -> None:
        made = _Filter.from_ba(*params, n_channels) if isinstance(params, BaParams) else _Filter(params.sos, n_channels)
        self.__dict__.update(made.__dict__)


class FirFilter(_FirFilter):
    """A filter with a finite impulse response, and the kernels that it is mostly made of.

    Examples
    --------
    >>> FirFilter.create_moving_average(0.03, fs=100).process([3.0, 3.0, 6.0]).tolist()
    [3.0, 3.0, 4.0]
    """

    @classmethod
    def create_moving_average(cls, width_in_sec: float, fs: float, n_channels: int = 1) -> Self:
        """Return a mean of so many seconds, of an odd number of rows."""
        return cls(moving_average_kernel(width_in_sec, fs), fs, n_channels)

    @classmethod
    def create_gaussian(cls, width_95p_in_sec: float, fs: float, n_channels: int = 1) -> Self:
        """Return a Gaussian mean, 95 % of which lies within so many seconds."""
        return cls(gaussian_kernel(width_95p_in_sec, fs), fs, n_channels)

    @classmethod
    def create_half_gaussian(cls, width_95p_in_sec: float, fs: float, n_channels: int = 1) -> Self:
        """Return the later half of a Gaussian mean."""
        return cls(half_gaussian_kernel(width_95p_in_sec, fs), fs, n_channels)


def is_even(n: int) -> bool:
    """Tell whether a number is even."""
    return n % 2 == 0


def is_odd(n: int) -> bool:
    """Tell whether a number is odd."""
    return n % 2 == 1


__all__ = [
    "BaParams",
    "ButterFilter",
    "Filter",
    "FirFilter",
    "SosParams",
    "gaussian_kernel1d",
    "gaussian_smooth_offline",
    "is_even",
    "is_odd",
]
