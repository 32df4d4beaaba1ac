"""When frames are shown, and how large: the settings of a handle that no frame depends on."""

from __future__ import annotations

from math import inf
from typing import Any

from headrace.core.checks import number


class Timing:
    """``dt``, ``t_zero`` and ``pixel_per_degree``, looked at whenever they are set.

    Parameters
    ----------
    like
        Whose settings are taken where none is given; 0.001, 0 and 10 where that is None.
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

    def __init__(
        self, like: Timing | None, dt: float | None, t_zero: float | None, pixel_per_degree: float | None
    ) -> None:
        self.dt = _given(dt, 0.001 if like is None else like.dt)
        self.t_zero = _given(t_zero, 0.0 if like is None else like.t_zero)
        self.pixel_per_degree = _given(pixel_per_degree, 10 if like is None else like.pixel_per_degree)

    @property
    def dt(self) -> float:
        """Seconds from frame to frame, more than 0."""
        return self._dt

    @dt.setter
    def dt(self, dt: float) -> None:
        self._dt: float = check_dt(type(self).__name__, dt)

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
        return (t - self.t_zero) / self.dt


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
