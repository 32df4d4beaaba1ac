"""Waves of a time signal; the formulas are those of :mod:`headrace.sources.waves`."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from headrace.signals.base import Array, Signal, Turnable, signal_class, turnable
from headrace.signals.checks import a_real_number, real
from headrace.sources import waves

_TURNS = ("amplitude", "frequency", "phase")


def _times(rng: np.random.Generator, n: int) -> tuple[Array]:
    return (np.cumsum(rng.random(n)) / 50,)


class _Waveform(Signal[None]):
    x: str
    name: str
    amplitude: Turnable[float] = turnable(1.0)
    frequency: Turnable[float] = turnable(1.0)
    phase: Turnable[float] = turnable(0.0)
    tunable: ClassVar[tuple[str, ...]] = _TURNS

    def check(self) -> None:
        who = type(self).__name__
        self.fix(**{turn: a_real_number(f"{who}({turn}=)", getattr(self, turn)) for turn in _TURNS})

    def _of(self, formula: Any, x: Array) -> tuple[Array, None]:
        # In double precision: single has lost the phase after some minutes.
        made = formula(np.ascontiguousarray(real(self, x)), self.amplitude, self.frequency, self.phase)
        return made.astype(x.dtype if x.dtype.kind == "f" else np.float64, copy=False), None


@signal_class(lambda: SineWave("t", "y", 2.0, 3.0, 0.5), rows=_times)
class SineWave(_Waveform):
    """``amplitude * sin(2 pi frequency x + phase)`` of a time signal.

    Parameters
    ----------
    x
        The name of the times, ``(rows, ...)``, in seconds.
    name
        What to call the output, of the shape of ``x``.
    amplitude
        Half the distance from the lowest to the highest value.
    frequency
        Periods a second.
    phase
        Radians. All three may be :class:`headrace.Knob`.

    Raises
    ------
    StreamConfigError
        When a parameter is no finite number.

    Examples
    --------
    >>> SineWave("timestamp", name="sine", frequency=0.25)([0.0, 1.0]).tolist()
    [0.0, 1.0]
    """

    x: str
    name: str
    amplitude: Turnable[float] = turnable(1.0)
    frequency: Turnable[float] = turnable(1.0)
    phase: Turnable[float] = turnable(0.0)

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        return self._of(waves.sine, rows[0])


@signal_class(lambda: SquareWave("t", "y", 2.0, 3.0, 0.5), rows=_times)
class SquareWave(_Waveform):
    """``amplitude`` in the first half of each period of a time signal, ``-amplitude`` in the second.

    Parameters
    ----------
    x, name, amplitude, frequency, phase
        As for :class:`SineWave`.

    Raises
    ------
    StreamConfigError
        When a parameter is no finite number.

    Examples
    --------
    >>> SquareWave("timestamp", name="square")([0.0, 0.5]).tolist()
    [1.0, -1.0]
    """

    x: str
    name: str
    amplitude: Turnable[float] = turnable(1.0)
    frequency: Turnable[float] = turnable(1.0)
    phase: Turnable[float] = turnable(0.0)

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        return self._of(waves.square, rows[0])


@signal_class(lambda: TriangleWave("t", "y", 2.0, 3.0, 0.5), rows=_times)
class TriangleWave(_Waveform):
    """Straight lines from ``-amplitude`` to ``amplitude`` and back in each period of a time signal.

    Parameters
    ----------
    x, name, amplitude, frequency, phase
        As for :class:`SineWave`.

    Raises
    ------
    StreamConfigError
        When a parameter is no finite number.

    Examples
    --------
    >>> TriangleWave("timestamp", name="triangle")([0.0, 0.25, 0.5]).tolist()
    [-1.0, 0.0, 1.0]
    """

    x: str
    name: str
    amplitude: Turnable[float] = turnable(1.0)
    frequency: Turnable[float] = turnable(1.0)
    phase: Turnable[float] = turnable(0.0)

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        return self._of(waves.triangle, rows[0])
