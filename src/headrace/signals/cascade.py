"""Recursive filters as a cascade of second-order sections, along axis 0, by scipy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.signals.design import steady
from headrace.signals.history import PIECE

Array = np.ndarray[Any, Any]
_kernel: Any = None


def run(sos: Array, x: Array, zi: Array, who: str) -> tuple[Array, Array]:
    """Return (filtered rows, next state).

    Parameters
    ----------
    sos
        The sections, ``(sections, 6)``, double.
    x
        Rows in double precision, real or complex, ``(rows, ...)``.
    zi
        The state, ``(channels, sections, 2)``, in the order of the flattened channels; it is not changed.
    who
        Who asks, for errors.

    Raises
    ------
    DataError
        When the state is of another number of channels or sections.
    """
    kernel = _kernel or _find(who)
    n = len(x)
    zi = np.array(zi, dtype=x.dtype)
    channels = math.prod(x.shape[1:])
    if zi.shape != (channels, len(sos), 2):  # the loop would go beyond the end of one of them
        raise DataError(
            f"{who} got rows of {channels} channels, and its state is of {zi.shape[0]}, wanted as many as before.\n"
            "  Begin again with reset(), or use one for each kind of column."
        )
    if x.dtype != sos.dtype:
        sos = sos.astype(x.dtype)
    if x.size == n:  # one channel
        found = np.array(x, order="C")
        kernel(sos, found.reshape(1, n), zi)
        return found, zi
    if not x.size:
        return np.empty_like(x), zi
    flat = x.reshape(n, -1)
    made = np.empty(flat.shape, x.dtype)
    step = max(64, PIECE // flat.shape[1])
    for lo in range(0, n, step):  # a piece turned over stays in the cache
        turned = flat[lo : lo + step].T.copy()
        kernel(sos, turned, zi)
        made[lo : lo + step] = turned.T
    return made.reshape(x.shape), zi


def run_from_rest(sos: Array, x: Array, zi: Array | None, who: str) -> tuple[Array, Array]:
    """Return what :func:`run` does; without a state, as though the first row had been there always.

    Raises
    ------
    DataError
        When the state is of another number of channels or sections.
    """
    return run(sos, x, x[0].reshape(-1, 1, 1) * steady(sos.tobytes()) if zi is None else zi, who)


def _find(who: str) -> Any:
    """Return what filters ``x`` ``(channels, rows)`` in place and moves ``zi`` on.

    scipy.signal.sosfilt spends 10 to 30 us on its arguments before it calls the loop that is asked for here; where that
    cannot be had, sosfilt itself gives the same bits.
    """
    global _kernel
    optional("scipy", "signals", who)
    try:
        from scipy.signal._sosfilt import _sosfilt as found
    except ImportError:
        found = in_place
    _kernel = found
    return found


def in_place(sos: Array, x: Array, zi: Array) -> None:
    """Do what scipy's inner loop does, by its public door."""
    from scipy.signal import sosfilt

    y, after = sosfilt(sos, x, axis=-1, zi=zi.transpose(1, 0, 2))
    x[...], zi[...] = y, after.transpose(1, 0, 2)
