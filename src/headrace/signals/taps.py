"""Weighted sums over the last rows, in an order that is the same for every row, so that where they are cut changes no bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array

_FEW = 1 << 15  # products that are made at once, when there are few rows and the loop over taps would cost more
_CHUNK = 1 << 13  # values that stay in a near cache while all taps go over them


def fir(taps: Array, rows: Array) -> Array:
    """Return the sum of ``taps[j] * rows[i + len(taps) - 1 - j]`` over j, for each i that has all of them.

    The terms are added in the order of j, each to the sum of those before.

    Parameters
    ----------
    taps
        ``(n,)``, real or complex.
    rows
        ``(m, ...)``, contiguous, in double precision.

    Returns
    -------
    array
        ``(max(0, m - n + 1), ...)``.

    Examples
    --------
    >>> fir(np.array([1.0, 10.0]), np.array([1.0, 2.0, 3.0])).tolist()
    [12.0, 23.0]
    """
    n = len(taps)
    m = max(0, len(rows) - n + 1)
    dtype = np.result_type(taps, rows)
    width = int(np.prod(rows.shape[1:], dtype=int))
    if not m * width:
        return np.zeros((m, *rows.shape[1:]), dtype)
    flat = rows.reshape(-1)
    used = np.flatnonzero(taps)
    if not len(used):
        return np.zeros((m, *rows.shape[1:]), dtype)
    if m * width * len(used) <= _FEW and width * m > 1:
        step = flat.strides[0]
        windows = np.lib.stride_tricks.as_strided(flat, (n, m * width), (width * step, step))[::-1]
        if len(used) < n:
            windows = windows[used]
        # Along axis 0 of more than one column, terms are added row by row, in order.
        made = np.add.reduce(windows * taps[used, None], axis=0)
    else:
        made = np.empty(m * width, dtype)
        terms = [((n - 1 - int(j)) * width, taps[j]) for j in used]
        for at in range(0, m * width, _CHUNK):
            _sum_into(made[at : at + _CHUNK], flat[at:], terms)
    made += 0.0  # a sum of negative zeros has the sign that the way of adding gave it
    return made.reshape(m, *rows.shape[1:])


def _sum_into(made: Array, flat: Array, terms: list[tuple[int, Any]]) -> None:
    size = len(made)
    start, tap = terms[0]
    np.multiply(flat[start : start + size], tap, out=made)
    term = np.empty_like(made)
    for start, tap in terms[1:]:
        np.multiply(flat[start : start + size], tap, out=term)
        made += term


def low_pass_taps(n: int, cutoff: float) -> Array:
    """Return a low-pass filter of ``n`` taps, a sinc under a Hamming window, that sum up to 1.

    Parameters
    ----------
    n
        How many; an odd number has its centre on a row.
    cutoff
        Where it falls to half, in cycles per row.
    """
    at = np.arange(n) - (n - 1) / 2
    taps = 2 * cutoff * np.sinc(2 * cutoff * at) * np.hamming(n)
    made: Array = taps / taps.sum()
    return made
