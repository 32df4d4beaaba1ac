"""Kernels that smooth: bells, halves of them, equal weights; and a recording smoothed by a bell, without delay."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array, positive
from headrace.signals.checks import a_length
from headrace.signals.taps import fir

TRUNCATE = 2.0  # standard deviations of a bell that are kept on each side


def gaussian_kernel1d(sigma: float, truncate: float = TRUNCATE) -> Array:
    """Return a bell of standard deviation ``sigma`` rows, cut off at ``truncate`` of them, that sums up to 1.

    Examples
    --------
    >>> gaussian_kernel1d(1.0).round(3).tolist()
    [0.054, 0.244, 0.403, 0.244, 0.054]
    """
    reach = truncate * positive("gaussian_kernel1d(sigma=)", sigma) + 0.5
    radius = a_length("gaussian_kernel1d(truncate * sigma)", int(reach), zero=True)
    at = np.arange(-radius, radius + 1)
    bell = np.exp(-0.5 * (at / sigma) ** 2)
    made: Array = bell / bell.sum()
    return made


def gaussian_kernel(width_in_sec: float, sample_rate: float) -> Array:
    """Return a bell whose middle 95 % (four standard deviations) are so many seconds wide."""
    return gaussian_kernel1d(width_in_sec / 4 * sample_rate)


def half_gaussian_kernel(width_in_sec: float, sample_rate: float) -> Array:
    """Return the falling half of a bell, for the newest row first, with two standard deviations in so many seconds.

    It may have any number of weights.

    Examples
    --------
    >>> half_gaussian_kernel(0.02, 100).round(3).tolist()
    [0.574, 0.348, 0.078]
    """
    whole = gaussian_kernel1d(width_in_sec / 2 * sample_rate)
    half = whole[len(whole) // 2 :]
    made: Array = half / half.sum()
    return made


def moving_average_kernel(width_in_sec: float, sample_rate: float) -> Array:
    """Return equal weights over about so many seconds: an odd number of them, at least 1.

    Examples
    --------
    >>> len(moving_average_kernel(0.1, 100)), len(moving_average_kernel(0.11, 100))
    (11, 11)
    """
    wanted = round(positive("moving_average_kernel(width_in_sec=)", width_in_sec) * sample_rate)
    n = a_length("moving_average_kernel(width_in_sec * sample_rate)", wanted, zero=True)
    n += n % 2 == 0
    return np.full(n, 1 / n)


def gaussian_smooth_offline(x: Any, sigma: float, axis: int = 0) -> Array:
    """Return ``x`` smoothed by a bell around each row, without delay; the ends are held beyond the ends.

    Examples
    --------
    >>> gaussian_smooth_offline([0.0, 0.0, 1.0, 0.0, 0.0], sigma=1.0).round(3).tolist()
    [0.054, 0.244, 0.403, 0.244, 0.054]
    """
    kernel = gaussian_kernel1d(sigma)
    k = len(kernel) // 2
    rows = np.moveaxis(np.asarray(x, dtype=np.result_type(np.asarray(x), np.float64)), axis, 0)
    if not len(rows):
        return np.moveaxis(rows.copy(), 0, axis)
    padded = np.concatenate([np.repeat(rows[:1], k, axis=0), rows, np.repeat(rows[-1:], k, axis=0)])
    return np.moveaxis(fir(kernel, padded), 0, axis)
