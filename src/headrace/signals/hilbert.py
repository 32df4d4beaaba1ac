"""The analytic signal by a filter of finite length: envelope and phase, with a delay that is known."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import pi
from typing import Any, ClassVar

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, signal_class, turnable
from headrace.signals.checks import a_length
from headrace.signals.history import joined, narrow, newest, wide
from headrace.signals.ranges import Range
from headrace.signals.taps import fir

TURN = 2 * pi * (1 + 1e-12)  # so that a step of half a turn goes one way whatever its last bits


def hilbert_taps(n: int) -> Array:
    """Return a filter that turns cosines into sines: 2 / (pi k) for odd k from the middle, under a Hamming window.

    Parameters
    ----------
    n
        How many weights, an odd number of at least 3.

    Notes
    -----
    A. Oppenheim, R. Schafer, "Discrete-Time Signal Processing", 3rd edition, section 12.4.

    Examples
    --------
    >>> hilbert_taps(3).round(3).tolist()
    [-0.051, 0.0, 0.051]
    """
    k = np.arange(n) - n // 2
    odd = k % 2 != 0
    made: Array = np.where(odd, 2 / (pi * np.where(odd, k, 1)), 0.0) * np.hamming(n)
    return made


class _Hilbert(Signal[Any]):
    x: str
    name: str
    n_taps: Turnable[int]
    ranges: ClassVar[Mapping[str, Range]] = {"n_taps": Range(least=3)}  # and odd

    def check(self) -> None:
        who = f"{type(self).__name__}(n_taps=)"
        n = a_length(who, self.n_taps)
        if n < 3 or n % 2 == 0:
            raise StreamConfigError(f"{who} got {n}, wanted an odd number of at least 3.\n  Take {max(3, n + 1)}.")
        self.fix(n_taps=n)

    @property
    def latency(self) -> Fraction:
        return Fraction(self.n_taps // 2)

    def both(self, past: Any, x: Array) -> tuple[Array, Array, Any]:
        """Return (real part, imaginary part, next state)."""
        if x.dtype.kind == "c":
            raise DataError(f"{self!r} got complex rows, wanted real ones.\n  The signal is analytic already.")
        x = wide(x)
        if not len(x):
            return x, x, past
        known = self.__dict__.get("_taps")
        if known is None:
            self.fix(_taps=hilbert_taps(self.n_taps))
            known = self.__dict__["_taps"]
        past = np.repeat(x[:1], self.n_taps - 1, axis=0) if past is None else past
        rows = joined(past, x)
        middle = self.n_taps // 2
        return rows[middle : middle + len(x)], fir(known, rows), newest(past, x)


@signal_class(lambda: AnalyticSignal("x", "y", 11))
class AnalyticSignal(_Hilbert):
    """The analytic signal: its input as real part, and as imaginary part the same a quarter of a period later.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, complex, of the input's shape, ``n_taps // 2`` rows late. It begins as though the first
        row had been there always.
    n_taps
        How long the filter is, an odd number. It is right from about ``2 / n_taps`` cycles a row on, up to one half less
        as much.

    Raises
    ------
    StreamConfigError
        When ``n_taps`` is no odd number of at least 3.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> t = np.arange(200) / 20
    >>> z = AnalyticSignal("x", name="z", n_taps=65)(np.cos(2 * np.pi * t))
    >>> bool(np.allclose(z[100:], np.exp(2j * np.pi * (t[100:] - 32 / 20)), atol=0.01))
    True
    """

    x: str
    name: str
    n_taps: Turnable[int] = turnable(65)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        real, imag, after = self.both(state, rows[0])
        made = np.empty(real.shape, np.result_type(narrow(rows[0].dtype), np.complex64))
        made.real, made.imag = real, imag
        return made, after


@signal_class(lambda: HilbertEnvelope("x", "y", 11))
class HilbertEnvelope(_Hilbert):
    """How large an oscillation is at each moment: the size of the analytic signal.

    Parameters
    ----------
    x, n_taps
        As for :class:`AnalyticSignal`.
    name
        What to call the output, of the input's shape, ``n_taps // 2`` rows late.

    Raises
    ------
    StreamConfigError
        When ``n_taps`` is no odd number of at least 3.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> t = np.arange(200) / 20
    >>> HilbertEnvelope("x", name="size")(3 * np.cos(2 * np.pi * t))[150:152].round(2).tolist()
    [3.0, 3.0]
    """

    x: str
    name: str
    n_taps: Turnable[int] = turnable(65)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        real, imag, after = self.both(state, rows[0])
        return np.sqrt(real * real + imag * imag).astype(narrow(rows[0].dtype), copy=False), after


@signal_class(lambda: HilbertPhase("x", "y", 11, unwrapped=True))
class HilbertPhase(_Hilbert):
    """Where an oscillation is within its period at each moment: the angle of the analytic signal, radians.

    Parameters
    ----------
    x, n_taps
        As for :class:`AnalyticSignal`.
    name
        What to call the output, of the input's shape, ``n_taps // 2`` rows late.
    unwrapped
        Go on beyond pi, so that no row differs from the one before by more than pi; else from -pi to pi.

    Raises
    ------
    StreamConfigError
        When ``n_taps`` is no odd number of at least 3.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> t = np.arange(200) / 20
    >>> phase = HilbertPhase("x", name="phase", unwrapped=True)(np.cos(2 * np.pi * t))
    >>> round(float(phase[190] - phase[90]) / (2 * np.pi), 2)
    5.0
    """

    x: str
    name: str
    n_taps: Turnable[int] = turnable(65)
    unwrapped: Turnable[bool] = turnable(False)

    def check(self) -> None:
        super().check()
        self.fix(unwrapped=bool(self.unwrapped))

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        past, last, turns = (None, None, None) if state is None else state
        real, imag, past = self.both(past, rows[0])
        phase = np.arctan2(imag, np.ascontiguousarray(real))
        if not len(phase):
            return phase.astype(narrow(rows[0].dtype), copy=False), state
        if self.unwrapped:
            steps = np.diff(phase, axis=0, prepend=phase[:1] if last is None else last[None])
            jumps = -np.rint(steps / TURN)
            first = np.zeros((1, *phase.shape[1:])) if turns is None else turns[None]
            counts = np.add.accumulate(np.concatenate([first, jumps]), axis=0)[1:]
            last, turns = phase[-1].copy(), counts[-1].copy()
            phase = phase + 2 * pi * counts
        return phase.astype(narrow(rows[0].dtype), copy=False), (past, last, turns)
