"""Weighted sums over the last rows, in an order that is the same for every row, so that where they are cut changes no bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.history import PIECE

_FEW = 1 << 17  # products that are made at once, when there are few rows and the loop over taps would cost more


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
    if taps.dtype.kind == "c":
        made = fir(taps.real, rows).astype(np.complex128)
        imag = fir(taps.imag, rows)
        return made + (1j * imag)
    if rows.dtype.kind == "c":
        pairs = fir(taps, np.ascontiguousarray(rows).view(rows.real.dtype).reshape(*rows.shape, 2))
        return np.ascontiguousarray(pairs).view(rows.dtype)[..., 0]
    n = len(taps)
    m = max(0, len(rows) - n + 1)
    dtype = np.result_type(taps, rows)
    width = rows.size // len(rows) if len(rows) else 0
    if not m * width:
        return np.zeros((m, *rows.shape[1:]), dtype)
    flat = np.ascontiguousarray(rows).reshape(-1)
    used = taps.nonzero()[0]
    if not len(used):
        return np.zeros((m, *rows.shape[1:]), dtype)
    if m * width * len(used) <= _FEW:
        step = flat.strides[0]
        windows: Array = np.ndarray((n, m * width), flat.dtype, flat, 0, (width * step, step))[::-1]
        if len(used) < n:
            windows = windows[used]
        terms = windows * taps[used, None]
        # Along axis 0 of more than one column, terms are added row by row, in order; of one, in another, by reduce.
        made = np.add.reduce(terms, axis=0) if m * width > 1 else np.add.accumulate(terms, axis=0)[-1].copy()
    else:
        made = np.empty(m * width, dtype)
        shifted = [((n - 1 - int(j)) * width, taps[j]) for j in used]
        for at in range(0, m * width, PIECE):
            _sum_into(made[at : at + PIECE], flat[at:], shifted)
    made += 0.0  # a sum of negative zeros has the sign that the way of adding gave it
    found: Array = made.reshape(m, *rows.shape[1:])
    return found


def _sum_into(made: Array, flat: Array, terms: list[tuple[int, Any]]) -> None:
    size = len(made)
    start, tap = terms[0]
    np.multiply(flat[start : start + size], tap, out=made)
    term = np.empty_like(made)
    for start, tap in terms[1:]:
        np.multiply(flat[start : start + size], tap, out=term)
        made += term
