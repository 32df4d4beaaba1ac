"""Put a signal on a carrier, by its amplitude or its frequency, and take it off again."""

from __future__ import annotations

from fractions import Fraction
from math import pi
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, positive, signal_class
from headrace.signals.design import windowed_fir
from headrace.signals.history import joined, narrow, newest, wide
from headrace.signals.taps import fir
from headrace.signals.waveforms import a_real_number


class _Carrier(Signal[Any]):
    """A cosine of ``carrier_freq``, whose phase at row k is that of k alone."""

    carrier_freq: float
    sample_rate: float

    def check(self) -> None:
        who = type(self).__name__
        freq, rate = positive(f"{who}(carrier_freq=)", self.carrier_freq), positive(f"{who}(sample_rate=)", self.sample_rate)
        if freq >= rate / 2:
            raise StreamConfigError(
                f"{who}(carrier_freq=) got {freq}, wanted less than half the sample rate, {rate / 2}."
            )
        self.fix(carrier_freq=freq, sample_rate=rate)

    def turns(self, row: int, x: Array) -> Array:
        """Return where the carrier is within its period at rows from ``row`` on, 0 to 1, ``(rows, 1, ...)``."""
        if x.dtype.kind == "c":
            raise DataError(f"{self!r} got complex rows, wanted real ones.")
        turns = np.arange(row, row + len(x), dtype=np.float64) * (self.carrier_freq / self.sample_rate)
        made: Array = (turns - np.floor(turns)).reshape(-1, *[1] * (x.ndim - 1))
        return made


def _finite(signal: Any, *fields: str) -> None:
    who = type(signal).__name__
    signal.fix(**{name: a_real_number(f"{who}({name}=)", getattr(signal, name)) for name in fields})


def _not_zero(signal: Any, field: str) -> None:
    _finite(signal, field)
    if getattr(signal, field) == 0:
        raise StreamConfigError(f"{type(signal).__name__}({field}=) got 0, wanted another number.")


@signal_class(lambda: AmplitudeModulation("x", "y", 7.0, 100.0, 0.5, 1.0))
class AmplitudeModulation(_Carrier):
    """A carrier whose amplitude follows the input: ``(1 + depth x) cos(2 pi carrier_freq t + phase)``.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    carrier_freq
        Hz; t is the number of the row over the sample rate.
    sample_rate
        Rows a second.
    depth
        How much of the amplitude an input of 1 is.
    phase
        Radians.

    Raises
    ------
    StreamConfigError
        When the carrier is not above 0 and below half the sample rate, or a parameter is no number.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> AmplitudeModulation("x", name="y", carrier_freq=25, sample_rate=100)([0.0, 5.0, 0.5]).round(6).tolist()
    [1.0, 0.0, -1.5]
    """

    x: str
    name: str
    carrier_freq: float
    sample_rate: float
    depth: float = 1.0
    phase: float = 0.0
    tunable = ("carrier_freq", "depth", "phase")

    def check(self) -> None:
        super().check()
        _finite(self, "depth", "phase")

    def init(self, *head: Array) -> int:
        return 0

    def step(self, state: int, *rows: Array) -> tuple[Array, int]:
        (x,) = rows
        carrier = np.cos(2 * pi * self.turns(state, x) + self.phase)
        return ((1 + self.depth * wide(x)) * carrier).astype(narrow(x.dtype), copy=False), state + len(x)


@signal_class(lambda: FrequencyModulation("x", "y", 7.0, 100.0, 2.0, 1.0))
class FrequencyModulation(_Carrier):
    """A carrier whose frequency follows the input: ``carrier_freq + deviation x`` at each row, of amplitude 1.

    The phase at a row is 2 pi times the sum of all frequencies up to it over the sample rate, computed in double.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape.
    carrier_freq
        Hz.
    sample_rate
        Rows a second.
    deviation
        How many Hz an input of 1 is.
    phase
        Radians.

    Raises
    ------
    StreamConfigError
        When the carrier is not above 0 and below half the sample rate, or a parameter is no number.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> fm = FrequencyModulation("x", name="y", carrier_freq=10, sample_rate=100, deviation=15)
    >>> fm([0.0, 1.0, 1.0]).round(6).tolist()  # 10 Hz, then 25 Hz: a quarter of a turn each row
    [1.0, 0.0, -1.0]
    """

    x: str
    name: str
    carrier_freq: float
    sample_rate: float
    deviation: float
    phase: float = 0.0
    tunable = ("carrier_freq", "deviation", "phase")

    def check(self) -> None:
        super().check()
        _finite(self, "deviation", "phase")

    def init(self, *head: Array) -> Any:
        return 0, np.zeros(head[0].shape[1:])

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        (x,) = rows
        row, total = state
        turns = self.turns(row, x)
        if not len(x):
            return np.empty(x.shape, narrow(x.dtype)), state
        terms = wide(x) * (self.deviation / self.sample_rate)
        sums = np.add.accumulate(np.concatenate([total[None], terms]), axis=0)[1:]
        made = np.cos(2 * pi * (turns + sums) + self.phase)
        return made.astype(narrow(x.dtype), copy=False), (row + len(x), sums[-1].copy())


class _Demodulation(_Carrier):
    """The input times the carrier and times the carrier a quarter later, both through one low-pass filter."""

    bandwidth: float
    n_taps: int

    def check(self) -> None:
        super().check()
        who = type(self).__name__
        self.fix(
            bandwidth=positive(f"{who}(bandwidth=)", self.bandwidth),
            n_taps=positive(f"{who}(n_taps=)", self.n_taps, whole=True),
        )
        if self.bandwidth >= self.sample_rate / 2:
            raise StreamConfigError(
                f"{who}(bandwidth=) got {self.bandwidth}, wanted less than half the sample rate, {self.sample_rate / 2}."
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
    >>> sent = AmplitudeModulation("x", name="y", carrier_freq=200, sample_rate=1000, depth=0.5)(x)
    >>> back = AmplitudeDemodulation("y", "z", carrier_freq=200, sample_rate=1000, bandwidth=50, depth=0.5)
    >>> bool(np.allclose(back(sent)[200:], x[150:-50], atol=0.02))
    True
    """

    x: str
    name: str
    carrier_freq: float
    sample_rate: float
    bandwidth: float
    n_taps: int = 101
    depth: float = 1.0
    tunable = ("depth",)

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
    >>> sent = FrequencyModulation("x", name="y", carrier_freq=200, sample_rate=1000, deviation=30)(x)
    >>> back = FrequencyDemodulation("y", "z", carrier_freq=200, sample_rate=1000, deviation=30, bandwidth=100)
    >>> bool(np.allclose(back(sent)[200:], x[150:-50], atol=0.02))
    True
    """

    x: str
    name: str
    carrier_freq: float
    sample_rate: float
    deviation: float
    bandwidth: float
    n_taps: int = 101
    tunable = ("deviation",)

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
