"""When frames are shown, and how large: the settings of a handle that no frame depends on."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from headrace.core.checks import number
from headrace.frames.base.layout import Array


class Timing:
    """``dt``, ``t_zero`` and ``pixel_per_degree``, looked at whenever they are set.

    Parameters
    ----------
    like
        Whose settings are taken where none is given; 0.001, 0 and 10 where it has none.
    dt, t_zero, pixel_per_degree
        As for :class:`~headrace.frames.FrameStream`.

    Raises
    ------
    StreamConfigError
        When one is no such number.

    Examples
    --------
    >>> shown = Timing(None, 0.25, None, None)
    >>> shown.t_zero = 2
    >>> shown.time_to_bin(4.5)
    10.0
    >>> shown.dt = 0
    Traceback (most recent call last):
    headrace.errors.StreamConfigError: Timing(dt=) got 0, wanted seconds from frame to frame, more than 0.
      Give it as a plain number; it can be changed later, too.
    """

    _uneven: Array | None = None  # of what frames are made of, one by one

    def __init__(self, like: Any, dt: float | None, t_zero: float | None, pixel_per_degree: float | None) -> None:
        other = like if isinstance(like, Timing) else None
        self.dt = _given(dt, 0.001 if other is None else other.dt)
        if other is not None and dt is None:
            self._uneven = other.uneven_times()
        self.t_zero = _given(t_zero, 0.0 if other is None else other.t_zero)
        self.pixel_per_degree = _given(pixel_per_degree, 10 if other is None else other.pixel_per_degree)

    @property
    def dt(self) -> float:
        """Seconds from frame to frame, more than 0."""
        return self._dt

    @dt.setter
    def dt(self, dt: float) -> None:
        self._dt: float = check_dt(type(self).__name__, dt)
        self._uneven = None

    @property
    def t_zero(self) -> float:
        """The time of frame 0, in seconds."""
        return self._t_zero

    @t_zero.setter
    def t_zero(self, t_zero: float) -> None:
        self._t_zero: float = check_t_zero(type(self).__name__, t_zero)

    @property
    def pixel_per_degree(self) -> float:
        """Pixels to a degree of the visual field, more than 0."""
        return self._pixel_per_degree

    @pixel_per_degree.setter
    def pixel_per_degree(self, pixel_per_degree: float) -> None:
        what = "pixels to a degree of the visual field"
        self._pixel_per_degree: float = _number(
            type(self).__name__, "pixel_per_degree", pixel_per_degree, what, above=0
        )

    def time_to_bin(self, t: float) -> float:
        """Return which frame a time falls on, not rounded."""
        shown = self.uneven_times()
        if shown is None:
            return (t - self.t_zero) / self.dt
        return float(bins_of(t - self.t_zero, shown, self.dt, repeats=self._comes_again()))

    def uneven_times(self) -> Array | None:
        """Return how long after the first each frame is shown, in seconds, where that is not every ``dt``; else None.

        What is made frame by frame of such a stream has them, too, until its ``dt`` is set.
        """
        return self._uneven

    def _comes_again(self) -> bool:
        """Tell whether the first frame is shown again after the last."""
        return False


def shown_at(i: int, shown: Array, dt: float) -> float:
    """Return how long after the first frame ``i`` is shown, in seconds, where that is not every ``dt``.

    Parameters
    ----------
    i
        The number of a frame; the first is shown again after the last.
    shown
        When each frame is shown, in seconds from any beginning on.
    dt
        How long the last is shown.

    Examples
    --------
    >>> [shown_at(i, np.array([0, 0.1, 1.0]), 0.5) for i in (-1, 1, 3)]
    [-0.5, 0.1, 1.5]
    """
    if i < 0:
        return i * dt
    laps, k = divmod(i, len(shown))
    return float(shown[k] - shown[0]) + laps * (float(shown[-1] - shown[0]) + dt)


def bins_of(since: Any, shown: Array, dt: float, *, repeats: bool = False) -> Array:
    """Return which frames some times fall on, not rounded, where frames are not shown every ``dt``.

    Parameters
    ----------
    since
        The times, in seconds since the first frame.
    shown
        When each frame is shown, in seconds since the first; ascending.
    dt
        How long the last is shown; outside of ``shown`` frames follow each other so.
    repeats
        Whether the first is shown again after the last.

    Examples
    --------
    >>> bins_of([0.05, 0.5, 1.1, 1.3], np.array([0, 0.1, 1.0]), 0.2).round(3).tolist()
    [0.5, 1.444, 2.5, 3.5]
    """
    since, laps = np.asarray(since, np.float64), np.zeros(())
    if repeats:
        lasts = shown[-1] + dt
        laps = np.maximum(0, since // lasts)
        since = since - laps * lasts
    within = np.interp(since, shown, np.arange(len(shown)))
    beyond = np.minimum(0, since) + np.maximum(0, since - shown[-1])
    return np.asarray(laps * len(shown) + within + beyond / dt)


def check_dt(who: str, dt: Any) -> float:
    """Return ``dt`` as a float, or raise StreamConfigError when it is no time that passes."""
    return float(_number(who, "dt", dt, "seconds from frame to frame", above=0))


def check_t_zero(who: str, t_zero: Any) -> float:
    """Return ``t_zero`` as it is, or raise StreamConfigError when it is no time."""
    return _number(who, "t_zero", t_zero, "the time of frame 0, in seconds")


def _number(who: str, option: str, value: Any, what: str, above: float = -inf) -> float:
    found = number(
        f"{who}({option}=)",
        value,
        above=above,
        what=what,
        advice="Give it as a plain number; it can be changed later, too.",
    )
    return value if isinstance(value, int) else found


def _given(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
