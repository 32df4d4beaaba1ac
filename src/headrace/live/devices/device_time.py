"""When rows were taken, by the clock of the device that took them: its own times, or only that its rows come evenly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from headrace.errors import StreamConfigError
from headrace.live.devices.align import ClockFit

Array = np.ndarray[Any, Any]
_Pair = tuple[float, float]
STRAY: Final = 1.0  # seconds that a clock may seem to go ahead of the host's; beyond that it is garbled, or new
BACK: Final = 0.1  # seconds that it may go back, where rows overtake each other
BACK_LATE: Final = 0.015  # the same where rows come late as well, as those of a board do that has begun again
LATE: Final = 0.25  # seconds later, or earlier, than the line says, which no jitter is
STALL: Final = 2.0  # seconds for which rows may come late
EARLY: Final = 64  # pairs that count at once, while there are few
EVERY: Final = 0.1  # seconds in which pairs are gathered, later on
AGREE: Final = 3  # rows after which a new clock is believed


class _Line:
    """A line through pairs that come one by one: many are handed over together, which costs a tenth."""

    def __init__(self, window: float) -> None:
        self.fit = ClockFit(window, keep=False)
        self._pairs: list[_Pair] = []
        self._early = EARLY
        self._added = -np.inf
        self._offset, self._slope = 0.0, 1.0

    def add(self, device: float, host: float) -> None:
        self._pairs.append((device, host))
        if self._early > 0 or host >= self._added + EVERY:
            self.fit.update(*np.array(self._pairs).T)
            self._early -= len(self._pairs)
            self._added = host
            self._offset, self._slope = self.fit.offset, self.fit.slope
            self._pairs.clear()

    def predicted(self, device: Any) -> Any:
        """When something was taken; ``to_host`` would remember that it said so."""
        return self._offset + self._slope * device


class DeviceTime:
    """Moments of rows on the host's clock, by a column of the device's own times.

    Parameters
    ----------
    column
        The one with the times.
    tick
        Seconds that one unit of it stands for.
    wrap
        Units after which it begins at 0 again: ``2**32`` for a counter of 32 bits.
    window
        Seconds that the line between the clocks goes through.

    Attributes
    ----------
    strays : int
        Rows whose time was garbled, or the first of a clock that has begun again; they have that of their arrival.
    clocks : int
        How often the clock has begun again.
    fit : ClockFit
        The line as it is now.

    Raises
    ------
    StreamConfigError
        When a number is not positive.

    Examples
    --------
    >>> times = DeviceTime("t", tick=1e-6)
    >>> times.moments({"t": np.array([0, 10_000, 20_000])}, 3, arrived=7.0)
    array([6.98, 6.99, 7.  ])
    >>> times.moments({"t": np.array([10**15])}, 1, arrived=7.01), times.strays
    (array([7.01]), 1)
    """

    column: str
    tick: float
    wrap: float | None
    window: float

    def __init__(self, column: str, *, tick: float = 1.0, wrap: float | None = None, window: float = 120.0) -> None:
        for name, value in (("tick", tick), ("wrap", wrap), ("window", window)):
            if value is not None and not value > 0:
                raise StreamConfigError(
                    f"DeviceTime got {name}={value!r}, wanted more than 0.\n"
                    "  tick is seconds a unit, wrap units, window seconds."
                )
        self.column, self.tick, self.wrap, self.window = column, float(tick), wrap, float(window)
        self._line = _Line(self.window)
        self.strays: int = 0
        self.clocks: int = 0
        self._again = False  # whether it was lost, is fresh, and has said nothing since
        self._last: _Pair | None = None  # device time and arrival of the row before
        self._other: list[_Pair] = []  # the same of rows that do not go on from there, but from each other
        self._late: float | None = None  # when rows began to come late
        self._told = -np.inf

    @property
    def fit(self) -> ClockFit:
        """The line as it is now."""
        return self._line.fit

    def restart(self, *, fresh: bool = False) -> None:
        """Say that the device was lost, and is there again; ``fresh``: it keeps no rows while it is lost."""
        self._again = fresh

    def lost(self, rows: int) -> None:
        """Say that rows have not come: they change no other's time."""

    def moments(self, columns: Mapping[str, Any], n: int, arrived: float) -> Array:
        """Return when rows were taken.

        Parameters
        ----------
        columns
            Theirs, ``(n, ...)``, at least one row.
        n
            How many.
        arrived
            When they came, on the host's monotonic clock.

        Returns
        -------
        moments
            ``(n,)`` float64 on that clock; none before one told earlier.
        """
        with np.errstate(all="ignore"):  # what was garbled on the way may be any number
            device = np.asarray(columns[self.column], np.float64) * self.tick
            if self.wrap is not None and self._last is not None:
                span, (last, at) = self.wrap * self.tick, self._last
                device = device + np.round((last + (arrived - at) - device) / span) * span
            steps = np.diff(device) if n > 1 else None
        if steps is None:  # as most are that come by radio: the same in plain numbers
            one = float(device[0])
            found = np.array([self._fitted(one, one, arrived) if self._goes_on(one, arrived) else arrived])
            return self._in_order(found)
        newest, step = float(device[-1]), float(steps.min())
        even = bool((np.abs(steps) <= STRAY).all()) and self._follows(float(device[0]), arrived)
        if even and step >= -self._back(newest, arrived) and not self._early(float(device.max()), arrived):
            self._other.clear()
            self._again = False
            found = self._fitted(device, newest, arrived)
        else:
            found = np.full(n, arrived)
            for k in range(n):
                one = float(device[k])
                if self._goes_on(one, arrived):
                    found[k] = self._fitted(one, one, arrived)
        return self._in_order(found)

    def _in_order(self, found: Array) -> Array:
        found = np.maximum(np.maximum.accumulate(found), self._told)
        self._told = float(found[-1])
        return found

    def _fitted(self, device: Any, newest: float, arrived: float) -> Any:
        """The moments of rows, of which the newest has waited for no other, and says best when it was taken."""
        late = self._lateness(newest, arrived)
        self._late = (arrived if self._late is None else self._late) if late > LATE else None
        # Rows that the host has let wait say nothing of the clocks; for longer than a stall lasts, they do.
        if self._late is not None and arrived - self._late > STALL:
            self._line, self._late = _Line(self.window), None
        if self._late is None:
            self._line.add(newest, arrived)
        self._last = newest, arrived
        return self._line.predicted(device)

    def _lateness(self, device: float, arrived: float) -> float:
        return float(arrived - self._line.predicted(device)) if self._last is not None else 0.0

    def _early(self, device: float, arrived: float) -> bool:
        """Whether a row would have come before it was taken."""
        return self._lateness(device, arrived) < -LATE

    def _back(self, device: float, arrived: float) -> float:
        """How far the clock may go back."""
        return BACK_LATE if self._lateness(device, arrived) > LATE else BACK

    def _follows(self, device: float, arrived: float) -> bool:
        """Whether a row goes on from the last one."""
        if self._last is None:
            return bool(np.isfinite(device))
        if self._again and self._lateness(device, arrived) > LATE:
            return False  # no row has waited: the clock has begun again, and come as far as it was
        return _follows(self._last, device, arrived, self._back(device, arrived))

    def _goes_on(self, device: float, arrived: float) -> bool:
        """Whether a row's time is of the clock so far, or of a new one that several rows agree on."""
        if self._follows(device, arrived) and not self._early(device, arrived):
            self._other.clear()
            self._again = False
            return True
        self.strays += 1
        if self._other and not _follows(self._other[-1], device, arrived):
            self._other.clear()
        if np.isfinite(device):
            self._other.append((device, arrived))
        if len(self._other) < AGREE:
            return False
        self._other.clear()
        self._line, self._last, self._again = _Line(self.window), None, False
        self.clocks += 1
        return True

    def __repr__(self) -> str:
        return f"DeviceTime({self.column!r}, {self.fit!r})"


def _follows(last: _Pair, device: float, arrived: float, back: float = BACK) -> bool:
    """Whether a device that said ``last`` may say that: not before it, nor further on than the time that has passed."""
    return -back <= device - last[0] <= arrived - last[1] + STRAY


class EvenTime:
    """Moments of rows on the host's clock, of a device that says no times: its rows are counted, and come evenly.

    Parameters
    ----------
    rate
        Rows a second, roughly; how many they really are is found.
    window
        Seconds that the line goes through. A row that is lost unseen shifts those after it for about so long.

    Attributes
    ----------
    strays, clocks : int
        How often the rows have stopped for more than a second, and begun again; and that, or the device was lost.
    fit : ClockFit
        The line as it is now, through the count divided by the rate.

    Raises
    ------
    StreamConfigError
        When a number is not positive.

    Examples
    --------
    >>> times = EvenTime(rate=100)
    >>> times.moments({}, 3, arrived=7.0)
    array([6.98, 6.99, 7.  ])
    """

    rate: float
    window: float

    def __init__(self, rate: float, *, window: float = 30.0) -> None:
        if not rate > 0 or not window > 0:
            raise StreamConfigError(
                f"EvenTime got rate={rate!r} and window={window!r}, wanted more than 0.\n"
                "  rate is rows a second, window seconds."
            )
        self.rate, self.window = float(rate), float(window)
        self._line = _Line(self.window)
        self.strays: int = 0
        self.clocks: int = 0
        self._count = 0
        self._told = -np.inf

    @property
    def fit(self) -> ClockFit:
        """The line as it is now, through the count divided by the rate."""
        return self._line.fit

    def restart(self, *, fresh: bool = False) -> None:
        """Say that the device was lost, and is there again: nobody knows how many rows are missing."""
        self.clocks += self._count > 0
        self._line, self._count = _Line(self.window), 0

    def lost(self, rows: int) -> None:
        """Say that rows have not come: those after them stay in their places."""
        self._count += rows

    def moments(self, columns: Mapping[str, Any], n: int, arrived: float) -> Array:
        """Return when rows were taken: see :meth:`DeviceTime.moments`."""
        device = np.arange(self._count, self._count + n) / self.rate
        newest = float(device[-1])
        if self._count and abs(arrived - self._line.predicted(newest)) > STRAY:
            self.strays += 1
            self.restart()
            device = np.arange(n) / self.rate
        self._count += n
        self._line.add(float(device[-1]), arrived)
        found: Array = np.maximum(np.maximum.accumulate(self._line.predicted(device)), self._told)
        self._told = float(found[-1])
        return found

    def __repr__(self) -> str:
        return f"EvenTime({self.rate:g}, {self.fit!r})"
