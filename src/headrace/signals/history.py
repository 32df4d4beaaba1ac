"""Rows with those before them: what signals that look back a fixed number of rows share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from headrace.errors import DataError

Array = np.ndarray[Any, Any]
DOUBLE = np.dtype(np.float64)
MOST = 1 << 32  # bytes of the rows that a signal keeps
PIECE = 16_384  # values that are worked on at once: they stay in the processor's cache


def wide(rows: Array) -> Array:
    """Return rows in double precision, real or complex: what sums are computed in."""
    return rows if rows.dtype == DOUBLE else rows.astype(np.result_type(rows.dtype, DOUBLE), copy=False)


def narrow(dtype: Any) -> Any:
    """Return the dtype of results for an input of ``dtype``: that of floats, else double."""
    return dtype if dtype.kind in "fc" else DOUBLE


def no_rows(who: str, n: int, like: Array) -> Array:
    """Return ``n`` rows of zeros, of the dtype and row shape of ``like``: what stands before the first row.

    Raises
    ------
    DataError
        When they would take more than 4 GiB.
    """
    shape = (n, *like.shape[1:])
    size = math.prod(shape) * like.dtype.itemsize
    if size > MOST:
        raise DataError(
            f"{who} keeps {n} rows of shape {like.shape[1:]}, {size / 2**30:.1f} GiB; wanted at most {MOST >> 30} GiB.\n"
            "  Look back less far, resample the signal before, or take fewer channels."
        )
    return np.zeros(shape, like.dtype)


def joined(past: Array, rows: Array) -> Array:
    """Return the rows behind those before them, as a new array."""
    return np.concatenate((past, rows))


def newest(past: Array, rows: Array) -> Array:
    """Return the last ``len(past)`` of past and rows; a copy, so that it does not keep more alive."""
    k, n = len(past), len(rows)
    if n >= k:
        return rows[n - k :].copy()
    return np.concatenate((past[n:], rows))


def pieces(past: Array, rows: Array) -> Iterator[tuple[int, int, Array]]:
    """Yield (lo, hi, rows lo to hi behind the ``len(past)`` rows before them), in pieces that stay in the cache.

    What is computed for a row must depend on no more than that row and the ``len(past)`` before it: then the pieces
    change no bit.
    """
    k, n = len(past), len(rows)
    width = max(1, int(np.prod(rows.shape[1:], dtype=np.int64)))
    step = max(PIECE // width, 4 * k, 1)
    if n <= step:
        yield 0, n, np.concatenate((past, rows))
        return
    for lo in range(0, n, step):
        hi = min(lo + step, n)
        yield lo, hi, np.concatenate((past, rows[:hi])) if lo == 0 else rows[lo - k : hi]


def moving_sum(rows: Array, length: int) -> Array:
    """Return the sums of every ``length`` rows that follow each other, ``len(rows) - length + 1`` of them.

    Each is added up in one order, whatever stands around it: sums of 2, 4, 8, ... rows are made of two that are half as
    long, and the result of those that ``length`` consists of. That is about ``2 log2(length)`` additions a row, and
    rounds like pairwise summation.
    """
    n = len(rows) - length + 1
    if length == 1:
        return rows.copy()
    power, part, found, done = 1, rows, None, 0
    while True:
        if length & power:
            here = part[done : done + n]
            found = here if found is None else found + here
            done += power
            if done == length:
                return found
        part = part[:-power] + part[power:]
        power += power


def moving_extreme(rows: Array, length: int, choose: Any) -> Array:
    """Return ``choose`` (np.minimum or np.maximum) over every ``length`` rows that follow each other."""
    power, part = 1, rows
    while 2 * power <= length:
        part = choose(part[:-power], part[power:])
        power *= 2
    n, rest = len(rows) - length + 1, length - power
    found: Array = choose(part[:n], part[rest : rest + n])
    return found
