"""Put a signal on a carrier, by its amplitude or its frequency."""

from __future__ import annotations

from math import pi
from typing import Any, ClassVar

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.checks import a_real_number
from headrace.signals.history import narrow, wide


class Carrier(Signal[Any]):
    """A cosine of ``carrier_freq``, whose phase at row k is that of k alone."""

    carrier_freq: Turnable[float]
    sample_rate: Turnable[float]

    def check(self) -> None:
        who = type(self).__name__
        freq, rate = (
            positive(f"{who}(carrier_freq=)", self.carrier_freq),
            positive(f"{who}(sample_rate=)", self.sample_rate),
        )
        if freq >= rate / 2:
            raise StreamConfigError(
                f"{who}(carrier_freq=) got {freq}, wanted less than half the sample rate, {rate / 2}.\n"
                "  Give a lower carrier, or sample more often."
            )
        self.fix(carrier_freq=freq, sample_rate=rate)

    def turns(self, row: int, x: Array) -> Array:
        """Return where the carrier is within its period at rows from ``row`` on, 0 to 1, ``(rows, 1, ...)``."""
        if x.dtype.kind == "c":
            raise DataError(f"{self!r} got complex rows, wanted real ones.\n  Take their size with Abs.")
        turns = np.arange(row, row + len(x), dtype=np.float64) * (self.carrier_freq / self.sample_rate)
        made: Array = (turns - np.floor(turns)).reshape(-1, *[1] * (x.ndim - 1))
        return made


def finite(signal: Any, *fields: str) -> None:
    """Bring fields to floats, or raise a StreamConfigError."""
    who = type(signal).__name__
    signal.fix(**{name: a_real_number(f"{who}({name}=)", getattr(signal, name)) for name in fields})


@signal_class(lambda: AmplitudeModulation("x", "y", 7.0, 100.0, 0.5, 1.0))
class AmplitudeModulation(Carrier):
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
    carrier_freq: Turnable[float]
    sample_rate: Turnable[float]
    depth: Turnable[float] = turnable(1.0)
    phase: Turnable[float] = turnable(0.0)
    tunable: ClassVar[tuple[str, ...]] = ("carrier_freq", "depth", "phase")

    def check(self) -> None:
        super().check()
        finite(self, "depth", "phase")

    def init(self, *head: Array) -> int:
        return 0

    def step(self, state: int, *rows: Array) -> tuple[Array, int]:
        (x,) = rows
        carrier = np.cos(2 * pi * self.turns(state, x) + self.phase)
        return ((1 + self.depth * wide(x)) * carrier).astype(narrow(x.dtype), copy=False), state + len(x)


@signal_class(lambda: FrequencyModulation("x", "y", 7.0, 100.0, 2.0, 1.0))
class FrequencyModulation(Carrier):
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
    carrier_freq: Turnable[float]
    sample_rate: Turnable[float]
    deviation: Turnable[float]
    phase: Turnable[float] = turnable(0.0)
    tunable: ClassVar[tuple[str, ...]] = ("carrier_freq", "deviation", "phase")

    def check(self) -> None:
        super().check()
        finite(self, "deviation", "phase")

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
