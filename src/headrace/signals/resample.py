"""Another number of rows a second: a rational factor, with a filter against aliases."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np

from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.checks import a_length
from headrace.signals.design import windowed_fir
from headrace.signals.history import PIECE, joined, narrow, newest, wide

_FEW = 256  # values below which all their products are made at once


@signal_class(lambda: Resample("x", "y", 3, 2, 4))
class Resample(Signal[Any]):
    """Its input at ``up / down`` times as many rows a second, by a polyphase filter.

    Between rows the input is what a low-pass filter makes of it, that lets through what both rates can show. Output row k
    stands at input row ``k down / up`` and speaks of the moment :attr:`latency` before that.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, ``(rows, ...)``. It begins as though the first row had been there always.
    up, down
        The factor, whole numbers; they are brought to lowest terms.
    half_width
        How many rows of the slower rate the filter reaches to each side: more are sharper, and later.

    Attributes
    ----------
    every : Fraction
        ``down / up``.
    latency : Fraction
        ``half_width max(up, down) / up`` input rows; 0 where up and down are equal.

    Raises
    ------
    StreamConfigError
        When a parameter is no whole number above 0.

    Notes
    -----
    A sinc under a Kaiser window of beta 5, as in scipy.signal.resample_poly, its weights for each place between two rows
    scaled so that a constant stays as it is; images and aliases are down by 55 dB.

    Examples
    --------
    >>> half = Resample("x", name="y", up=1, down=2)
    >>> half.every, half.latency
    (Fraction(2, 1), Fraction(20, 1))
    >>> half(np.full(6, 3.0)).round(6).tolist()
    [3.0, 3.0, 3.0]
    """

    x: str
    name: str
    up: Turnable[int]
    down: Turnable[int] = turnable(1)
    half_width: Turnable[int] = turnable(10)

    def check(self) -> None:
        up, down, width = (
            positive(f"Resample({name}=)", getattr(self, name), whole=True) for name in ("up", "down", "half_width")
        )
        a_length("Resample(half_width * max(up, down))", width * max(up, down) // gcd(up, down))
        self.fix(up=up // gcd(up, down), down=down // gcd(up, down), half_width=width)

    @property
    def every(self) -> Fraction:
        return Fraction(self.down, self.up)

    @property
    def latency(self) -> Fraction:
        if self.up == self.down:
            return Fraction(0)
        return Fraction(self.half_width * max(self.up, self.down), self.up)

    def init(self, *head: Array) -> Any:
        return None, 0

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        (x,) = rows
        past, row = state
        if not len(x):
            return np.empty(x.shape, narrow(x.dtype)), state
        taps = phases(self.up, self.down, self.half_width)
        x = wide(x)
        # One row more than there are weights: an output may stand between the last row and this one.
        past = np.repeat(x[:1], taps.shape[1], axis=0) if past is None else past
        both, after = joined(past, x), (newest(past, x), row + len(x))
        first, last = self.pace.rows_before(row), self.pace.rows_before(row + len(x))
        ticks = np.arange(first, last) * self.down
        # For each output row: the input row it stands at, as a place in `both`, and how far it is behind that.
        at, phase = ticks // self.up - row + len(past), ticks % self.up
        return _weighed(taps, both, at, phase).astype(narrow(rows[0].dtype), copy=False), after


def _weighed(taps: Array, rows: Array, at: Array, phase: Array) -> Array:
    """Return the sum of ``taps[phase, j] * rows[at - j]`` over j, added in the order of j."""
    made = np.zeros((len(at), *rows.shape[1:]), rows.dtype)
    shape = (-1, *[1] * (rows.ndim - 1))
    if 1 < made.size <= _FEW:
        # Along axis 0 of more than one column, terms are added row by row, in order.
        products = rows[at - np.arange(taps.shape[1])[:, None]] * taps.T[:, phase].reshape(-1, len(at), *shape[1:])
        made = np.array(np.add.reduce(products, axis=0))
        made += 0.0  # as the sum below, which begins with 0
        return made
    step = max(1, PIECE // max(1, made[:1].size))
    for lo in range(0, len(at), step):
        here, weights = at[lo : lo + step], taps[phase[lo : lo + step]].T
        total = made[lo : lo + step]
        for j, weight in enumerate(np.ascontiguousarray(weights)):
            total += rows[here - j] * weight.reshape(shape)
    return made


@lru_cache(64)
def phases(up: int, down: int, half_width: int) -> Array:
    """Return the filter's weights for outputs that are 0, 1, ... ``up``-ths of a row behind an input row."""
    if up == down:
        return np.ones((1, 1))
    most = max(up, down)
    n = 2 * half_width * most + 1
    taps = up * windowed_fir(n, 1.0, 2.0 * most, window=("kaiser", 5.0))
    width = -(-n // up)
    made: Array = np.concatenate([taps, np.zeros(width * up - n)]).reshape(width, up).T.copy()
    # Each phase lets a constant through as it is.
    made /= made.sum(axis=1, keepdims=True)
    made.flags.writeable = False
    return made


def resampling(rate: float, wanted: float, most: int = 1000) -> tuple[int, int]:
    """Return (up, down) that bring one rate to another.

    Parameters
    ----------
    rate, wanted
        Rows a second.
    most
        The largest number there may be.

    Raises
    ------
    StreamConfigError
        When no fraction of such numbers is the factor, to 1 in a billion.

    Examples
    --------
    >>> resampling(44100, 48000)
    (160, 147)
    """
    factor = positive("resampling(wanted)", wanted) / positive("resampling(rate)", rate)
    found = Fraction(factor).limit_denominator(most)
    if found.numerator > most or abs(float(found) / factor - 1) > 1e-9:
        raise StreamConfigError(
            f"resampling got {rate} and {wanted}, wanted rates whose ratio is a fraction of numbers up to {most}.\n"
            "  Choose a rate near that, or a larger number."
        )
    return found.numerator, found.denominator
