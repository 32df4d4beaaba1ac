"""Take a signal off a carrier again."""

from __future__ import annotations

from fractions import Fraction
from math import pi
from typing import Any, ClassVar

import numpy as np

from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Turnable, positive, signal_class, turnable
from headrace.signals.checks import a_length
from headrace.signals.design import windowed_fir
from headrace.signals.history import joined, narrow, newest, wide
from headrace.signals.modulation import Carrier, finite
from headrace.signals.taps import fir


def _not_zero(signal: Any, field: str) -> None:
    finite(signal, field)
    if getattr(signal, field) == 0:
        raise StreamConfigError(
            f"{type(signal).__name__}({field}=) got 0, wanted another number.\n"
            "  Give what the modulation was made with."
        )


class _Demodulation(Carrier):
    """The input times the carrier and times the carrier a quarter later, both through one low-pass filter."""

    bandwidth: Turnable[float]
    n_taps: Turnable[int]

    def check(self) -> None:
        super().check()
        who = type(self).__name__
        self.fix(
            bandwidth=positive(f"{who}(bandwidth=)", self.bandwidth),
            n_taps=a_length(f"{who}(n_taps=)", self.n_taps),
        )
        if self.bandwidth >= self.sample_rate / 2:
            raise StreamConfigError(
                f"{who}(bandwidth=) got {self.bandwidth}, wanted less than half the sample rate, {self.sample_rate / 2}.\n"
                "  Give a narrower band, or sample more often."
            )

    @property
    def latency(self) -> Fraction:
        return Fraction(self.n_taps - 1, 2)

    def init(self, *head: Array) -> Any:
        return 0, np.zeros((self.n_taps - 1, 2, *head[0].shape[1:])), None

    def base_band(self, row: int, past: Array, x: Array) -> tuple[Array, Array]:
        """Return (twice the filtered products ``(rows, 2, ...)``, those that the next ones need)."""
        angle = 2 * pi * self.turns(row, x)
        taps = self.__dict__.get("_taps")
        if taps is None:
            taps = windowed_fir(self.n_taps, self.bandwidth, self.sample_rate)
            self.fix(_taps=taps)
        x = wide(x)
        products = np.stack([x * np.cos(angle), -x * np.sin(angle)], axis=1)
        return 2 * fir(taps, joined(past, products)), newest(past, products)


@signal_class(lambda: AmplitudeDemodulation("x", "y", 20.0, 100.0, 5.0, 11, 0.5))
class AmplitudeDemodulation(_Demodulation):
    """What was put on a carrier by :class:`AmplitudeModulation`, whatever the carrier's phase.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape, ``(n_taps - 1) / 2`` rows late. Before the first row there are
        zeros, so it is right from row ``n_taps`` on.
    carrier_freq
        Hz.
    sample_rate
        Rows a second.
    bandwidth
        The highest frequency that was put on it, Hz; there the filter lets through one half.
    n_taps
        How long the filter is.
    depth
        As it was for the modulation.

    Raises
    ------
    StreamConfigError
        When a frequency is not above 0 and below half the sample rate, or another parameter cannot be used.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * np.arange(400) / 200)
    >>> from headrace.signals import AmplitudeModulation, FrequencyModulation
    >>> sent = AmplitudeModulation("x", name="y", carrier_freq=200, sample_rate=1000, depth=0.5)(x)
    >>> back = AmplitudeDemodulation("y", "z", carrier_freq=200, sample_rate=1000, bandwidth=50, depth=0.5)
    >>> bool(np.allclose(back(sent)[200:], x[150:-50], atol=0.02))
    True
    """

    x: str
    name: str
    carrier_freq: Turnable[float]
    sample_rate: Turnable[float]
    bandwidth: Turnable[float]
    n_taps: Turnable[int] = turnable(101)
    depth: Turnable[float] = turnable(1.0)
    tunable: ClassVar[tuple[str, ...]] = ("depth",)

    def check(self) -> None:
        super().check()
        _not_zero(self, "depth")

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        (x,) = rows
        row, past, _ = state
        z, past = self.base_band(row, past, x)
        size = np.sqrt(z[:, 0] * z[:, 0] + z[:, 1] * z[:, 1])
        return ((size - 1) / self.depth).astype(narrow(x.dtype), copy=False), (row + len(x), past, None)


@signal_class(lambda: FrequencyDemodulation("x", "y", 20.0, 100.0, 3.0, 10.0, 11))
class FrequencyDemodulation(_Demodulation):
    """What was put on a carrier by :class:`FrequencyModulation`, whatever the carrier's phase and amplitude.

    Parameters
    ----------
    x, carrier_freq, sample_rate, n_taps
        As for :class:`AmplitudeDemodulation`.
    name
        What to call the output, of the input's shape, ``(n_taps - 1) / 2`` rows late. Before the first row there are
        zeros, so it is right from row ``n_taps`` on.
    deviation
        How many Hz an input of 1 was.
    bandwidth
        How far from the carrier there may be anything, Hz: the largest deviation and the highest frequency together.

    Raises
    ------
    StreamConfigError
        When a frequency is not above 0 and below half the sample rate, or another parameter cannot be used.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> x = np.sin(2 * np.pi * np.arange(400) / 200)
    >>> from headrace.signals import AmplitudeModulation, FrequencyModulation
    >>> sent = FrequencyModulation("x", name="y", carrier_freq=200, sample_rate=1000, deviation=30)(x)
    >>> back = FrequencyDemodulation("y", "z", carrier_freq=200, sample_rate=1000, deviation=30, bandwidth=100)
    >>> bool(np.allclose(back(sent)[200:], x[150:-50], atol=0.02))
    True
    """

    x: str
    name: str
    carrier_freq: Turnable[float]
    sample_rate: Turnable[float]
    deviation: Turnable[float]
    bandwidth: Turnable[float]
    n_taps: Turnable[int] = turnable(101)
    tunable: ClassVar[tuple[str, ...]] = ("deviation",)

    def check(self) -> None:
        super().check()
        _not_zero(self, "deviation")

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        (x,) = rows
        row, past, last = state
        z, past = self.base_band(row, past, x)
        if not len(x):
            return np.empty(x.shape, narrow(x.dtype)), state
        before = np.concatenate([z[:1] if last is None else last[None], z[:-1]])
        # The angle from each row to the next: that of z times the conjugate of the one before.
        a, b, c, d = z[:, 0], z[:, 1], before[:, 0], before[:, 1]
        angle = np.arctan2(b * c - a * d, a * c + b * d)
        made = angle * (self.sample_rate / (2 * pi * self.deviation))
        return made.astype(narrow(x.dtype), copy=False), (row + len(x), past, z[-1].copy())
