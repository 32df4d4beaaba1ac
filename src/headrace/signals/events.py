"""Marks of what happens: crossings of zero, thresholds with hysteresis and debounce, and the moments they are passed."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from headrace.errors import StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.checks import a_real_number, real
from headrace.signals.peaks import held, spaced, waits_after


@signal_class(lambda: ZeroCrossing("x", "y"))
class ZeroCrossing(Signal[Any]):
    """1 where the sign, which is that of ``x >= 0``, has changed since the row before, else 0.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape, int64; the first row is 0.

    Raises
    ------
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> ZeroCrossing("x", name="y")([1.0, -1.0, -2.0, 0.0]).tolist()
    [0, 1, 0, 1]
    """

    x: str
    name: str

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        sign = real(self, rows[0]) >= 0
        if not len(sign):
            return np.empty(sign.shape, np.int64), state
        before = sign[0] if state is None else state
        made = sign != np.concatenate([np.asarray(before)[None], sign[:-1]])
        return made.astype(np.int64), np.array(sign[-1])


class _State(Signal[Any]):
    """Whether the input is above: from ``high`` on, until it is below ``low``, each for ``debounce`` rows in a row."""

    x: str
    name: str
    high: Turnable[float]
    low: Turnable[float | None]
    debounce: Turnable[int]

    def check(self) -> None:
        who = type(self).__name__
        high = a_real_number(f"{who}(high=)", self.high)
        low = None if self.low is None else a_real_number(f"{who}(low=)", self.low)
        if low is not None and low > high:
            raise StreamConfigError(
                f"{who}(low=) got {low}, wanted at most high={high}.\n"
                "  Exchange them: it begins at high and ends below low."
            )
        self.fix(high=high, low=low, debounce=positive(f"{who}(debounce=)", self.debounce, whole=True))

    def init(self, *head: Array) -> Any:
        shape = head[0].shape[1:]
        return np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, bool)

    def above(self, state: Any, x: Array) -> tuple[Array, Any]:
        """Return (whether it is above at each row, next state)."""
        if not len(x):
            return np.empty(x.shape, bool), state
        ups, downs, now = state
        up, ups = _runs(x >= self.high, ups, self.debounce)
        down, downs = _runs(x < (self.high if self.low is None else self.low), downs, self.debounce)
        # Each row has the last of what happened, and the first one what was before.
        happened = np.concatenate([np.ones((1, *x.shape[1:]), bool), up | down])
        value = np.concatenate([now[None], up])
        made = held(value, happened)[1:]
        return made, (ups, downs, np.array(made[-1]))


def _runs(true: Array, before: Array, n: int) -> tuple[Array, Array]:
    """Return (where ``n`` rows in a row are true, how many are at the end, ``n`` at most); ``before`` is that so far."""
    if n == 1:
        return true, before
    rows = np.arange(len(true)).reshape(-1, *[1] * (true.ndim - 1))
    gap = np.maximum.accumulate(np.where(true, -1, rows), axis=0)  # the last row that is not
    length = np.where(gap < 0, rows + 1 + before, rows - gap)
    return length >= n, np.minimum(length[-1], n)


@signal_class(lambda: Threshold("x", "y", 0.5, -0.5, 2))
class Threshold(_State):
    """1 while the input is above, else 0: from ``high`` on until it is below ``low``, each for some rows in a row.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape, int64; it is 0 before anything has happened.
    high
        It is above from rows of at least this on.
    low
        It is no longer above from rows below this on; ``high`` by default, less for hysteresis.
    debounce
        How many rows in a row it takes, one or the other way; the change is at the last of them.

    Raises
    ------
    StreamConfigError
        When ``low`` is above ``high``, or a parameter is no number.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> Threshold("x", name="on", high=2.0, low=1.0)([0.0, 2.0, 1.5, 0.5, 1.5]).tolist()
    [0, 1, 1, 0, 0]
    >>> Threshold("x", name="on", high=2.0, debounce=2)([2.0, 0.0, 2.0, 2.0, 0.0, 0.0]).tolist()
    [0, 0, 0, 1, 1, 0]
    """

    x: str
    name: str
    high: Turnable[float]
    low: Turnable[float | None] = turnable(None)
    debounce: Turnable[int] = turnable(1)
    tunable: ClassVar[tuple[str, ...]] = ("high", "low")

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        above, after = self.above(state, real(self, rows[0]))
        return above.astype(np.int64), after


@signal_class(lambda: EventDetector("x", "y", 0.5, -0.5, 2, "both", 3))
class EventDetector(_State):
    """Marks of the rows at which the input comes to be above a threshold, or no longer is: 1 and -1, else 0.

    Parameters
    ----------
    x, high, low, debounce
        As for :class:`Threshold`.
    name
        What to call the output, of the input's shape, int64.
    edge
        ``"rise"`` marks the first, ``"fall"`` the second, ``"both"`` both.
    refractory
        For how many rows after a mark there is no other; what happens then is not marked later.

    Raises
    ------
    StreamConfigError
        When ``low`` is above ``high``, ``edge`` none of these, or a parameter no number.
    DataError
        While running, when rows are complex.

    Examples
    --------
    >>> EventDetector("x", name="hit", high=2.0, low=1.0)([0.0, 2.0, 3.0, 0.0, 2.0]).tolist()
    [0, 1, 0, 0, 1]
    >>> EventDetector("x", name="hit", high=2.0, edge="both", refractory=2)([2.0, 0.0, 2.0, 0.0]).tolist()
    [1, 0, 0, -1]
    """

    x: str
    name: str
    high: Turnable[float]
    low: Turnable[float | None] = turnable(None)
    debounce: Turnable[int] = turnable(1)
    edge: Turnable[str] = turnable("rise")
    refractory: Turnable[int] = turnable(0)
    tunable: ClassVar[tuple[str, ...]] = ("high", "low", "edge", "refractory")

    def check(self) -> None:
        super().check()
        if self.edge not in ("rise", "fall", "both"):
            raise StreamConfigError(
                f"EventDetector(edge=) got {self.edge!r}, wanted 'rise', 'fall' or 'both'.\n  Name one of these."
            )
        self.fix(refractory=positive("EventDetector(refractory=)", self.refractory, whole=True, zero=True))

    def init(self, *head: Array) -> Any:
        return super().init(*head), np.zeros(head[0].shape[1:], np.int64)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        inner, waits = state
        above, after = self.above(inner, real(self, rows[0]))
        made = np.zeros(above.shape, np.int64)
        if not len(above):
            return made, state
        before = np.concatenate([inner[2][None], above[:-1]])
        if self.edge != "fall":
            made[above & ~before] = 1
        if self.edge != "rise":
            made[before & ~above] = -1
        return spaced(made, waits, self.refractory), (after, waits_after(made, waits, self.refractory))
