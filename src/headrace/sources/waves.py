"""Waves as functions of time: plain formulas, and objects whose attributes may be turned while they are in use."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from headrace.core.key import Key, Seed


def sine(t: Any, amplitude: float = 1.0, frequency: float = 1.0, phase: float = 0.0) -> Any:
    """Return ``amplitude * sin(2 pi frequency t + phase)``.

    Parameters
    ----------
    t
        Seconds, a number or an array.
    amplitude
        Half the distance from the lowest to the highest value.
    frequency
        Periods a second.
    phase
        Radians.

    Examples
    --------
    >>> round(float(sine(0.25)), 3)
    1.0
    """
    return amplitude * np.sin(_angle(t, frequency, phase))


def square(t: Any, amplitude: float = 1.0, frequency: float = 1.0, phase: float = 0.0) -> Any:
    """Return ``amplitude`` in the first half of each period and ``-amplitude`` in the second; see :func:`sine`.

    Examples
    --------
    >>> square(np.array([0.0, 0.25, 0.5, 0.75])).tolist()
    [1.0, 1.0, -1.0, -1.0]
    """
    return amplitude * np.where(np.mod(_angle(t, frequency, phase), 2 * pi) < pi, 1.0, -1.0)


def triangle(t: Any, amplitude: float = 1.0, frequency: float = 1.0, phase: float = 0.0) -> Any:
    """Return straight lines from ``-amplitude`` up, and back down in the second half of each period; see :func:`sine`.

    Examples
    --------
    >>> triangle(np.array([0.0, 0.25, 0.5, 0.75])).tolist()
    [-1.0, 0.0, 1.0, 0.0]
    """
    turn = np.mod(_angle(t, frequency, phase), 2 * pi) / pi  # 0 to 2
    return amplitude * np.where(turn < 1, 2 * turn - 1, 3 - 2 * turn)


def _angle(t: Any, frequency: float, phase: float) -> Any:
    return (2 * pi * frequency) * np.asarray(t, dtype=np.float64) + phase


class _Wave:
    """A wave of time; its attributes may be changed at any moment, and count from the next call on."""

    amplitude: float
    frequency: float
    phase: float

    def __init__(self, amplitude: float = 1.0, frequency: float = 1.0, phase: float = 0.0) -> None:
        self.amplitude, self.frequency, self.phase = amplitude, frequency, phase

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({told})"

    def _made(self, formula: Any, t: Any) -> Any:
        made = formula(t, self.amplitude, self.frequency, self.phase)
        return made if np.ndim(made) else float(made)


class SineWave(_Wave):
    """A sine of time, called with seconds: a number gives a float, an array an array.

    Parameters
    ----------
    amplitude, frequency, phase
        As in :func:`sine`; attributes of these names may be changed while it is in use.

    Examples
    --------
    >>> wave = SineWave(frequency=0.25)
    >>> wave(1.0)
    1.0
    >>> wave.amplitude = 3.0
    >>> wave(np.array([0.0, 1.0])).tolist()
    [0.0, 3.0]
    """

    def __call__(self, t: Any) -> Any:
        return self._made(sine, t)


class SquareWave(_Wave):
    """A square wave of time, called with seconds; see :class:`SineWave` and :func:`square`.

    Examples
    --------
    >>> SquareWave(amplitude=2.0)(0.6)
    -2.0
    """

    def __call__(self, t: Any) -> Any:
        return self._made(square, t)


class TriangleWave(_Wave):
    """A triangle wave of time, called with seconds; see :class:`SineWave` and :func:`triangle`.

    Examples
    --------
    >>> TriangleWave()(0.5)
    1.0
    """

    def __call__(self, t: Any) -> Any:
        return self._made(triangle, t)


class RandomNoise:
    """Normal noise, called with the time, which it does not depend on: a new value with each call.

    Parameters
    ----------
    amplitude
        Its standard deviation; the attribute may be changed while it is in use.
    seed
        Fixes the values, however many are drawn at once; without one they differ from object to object.

    Raises
    ------
    StreamConfigError
        When ``seed`` is no seed.

    Examples
    --------
    >>> noise, again = RandomNoise(2.0, seed=7), RandomNoise(2.0, seed=7)
    >>> [noise(0.0), noise(0.1)] == again(np.array([0.0, 0.1])).tolist()
    True
    """

    def __init__(self, amplitude: float = 1.0, seed: Seed | None = None) -> None:
        self.amplitude = amplitude
        self._rng = (Key.fresh() if seed is None else Key(seed)).rng()

    def __call__(self, t: Any = 0.0) -> Any:
        if np.ndim(t):
            return self.amplitude * self._rng.standard_normal(np.shape(t))
        return float(self.amplitude * self._rng.standard_normal())

    def __repr__(self) -> str:
        return f"RandomNoise(amplitude={self.amplitude!r})"
