"""Sources of time: the machine's own clock, and one that a test turns by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from headrace.errors import StreamConfigError

SHORT = 0.002  # seconds; a wait this short is not broken off: a plain sleep costs a third of an Event's


class Clock(Protocol):
    """A source of time. All devices of one session should share one."""

    def now(self) -> float:
        """Return seconds on a clock that never goes back nor jumps."""

    def wall(self) -> float:
        """Return Unix seconds, which may jump when the machine's time is set."""

    def wait_until(self, t: float, wake: threading.Event | None = None) -> bool:
        """Wait until :meth:`now` is ``t``; return True then, or False as soon as ``wake`` is set."""


class Anchor(NamedTuple):
    """One moment on both clocks: makes Unix seconds of a monotonic clock, which no step of the wall clock changes.

    Examples
    --------
    >>> anchor = Anchor(now=5.0, wall=1000.0)
    >>> anchor.unix(7.5), anchor.monotonic(1002.5)
    (1002.5, 7.5)
    """

    now: float
    wall: float

    @classmethod
    def of(cls, clock: Clock) -> Anchor:
        """Return the present moment of a clock."""
        return cls(*at_once(clock, clock.wall))

    def unix(self, now: float) -> float:
        """Return Unix seconds of a moment ``now`` of the clock."""
        return self.wall + (now - self.now)

    def monotonic(self, unix: float) -> float:
        """Return the clock's own seconds of a moment in Unix seconds."""
        return self.now + (unix - self.wall)


def at_once(clock: Clock, other: Callable[[], float], looks: int = 5) -> tuple[float, float]:
    """Return what two clocks say at one moment: the tightest of a few looks, each on both sides of the other.

    Parameters
    ----------
    clock
        The one.
    other
        Says the seconds of the other.
    looks
        How many.

    Examples
    --------
    >>> at_once(VirtualClock(3.0), lambda: 7.0)
    (3.0, 7.0)
    """
    found = [(clock.now(), other(), clock.now()) for _ in range(looks)]
    before, told, after = min(found, key=lambda look: look[2] - look[0])
    return (before + after) / 2, told


class SystemClock:
    """The machine's clock.

    Parameters
    ----------
    spin
        Seconds before the end of a wait from which on it spins instead of sleeping: an operating system wakes a
        sleeper 10 to 60 us late. 80e-6 keeps that away, for 8 % of a core at 1 kHz.

    Raises
    ------
    StreamConfigError
        When ``spin`` is negative, or so long that it would keep a core busy.

    Examples
    --------
    >>> clock = SystemClock()
    >>> t = clock.now() + 0.01
    >>> clock.wait_until(t), clock.now() >= t
    (True, True)
    """

    def __init__(self, spin: float = 0.0) -> None:
        if not 0 <= spin <= 0.01:
            raise StreamConfigError(
                f"SystemClock got spin={spin!r}, wanted 0 to 0.01 seconds.\n  80e-6 is enough on most machines."
            )
        self.spin = spin

    def now(self) -> float:
        """Return seconds of the machine's steady clock, which no step of the wall clock changes."""
        return time.perf_counter()

    def wall(self) -> float:
        """Return Unix seconds."""
        return time.time()

    def wait_until(self, t: float, wake: threading.Event | None = None) -> bool:
        """Wait until the moment ``t`` of :meth:`now`, or until ``wake`` is set; return False when it is."""
        now, spin = time.perf_counter, self.spin
        while True:
            left = t - now() - spin
            if left <= 0:
                break
            if wake is None or left <= SHORT:
                time.sleep(left)
            elif wake.wait(min(left, threading.TIMEOUT_MAX)):
                return False
        while now() < t:
            pass
        return wake is None or not wake.is_set()

    def __repr__(self) -> str:
        return f"SystemClock(spin={self.spin!r})" if self.spin else "SystemClock()"


class VirtualClock:
    """A clock that stands still until it is told to advance: for tests.

    :meth:`advance` goes from one moment that a thread waits for to the next, and at each lets that thread work until
    it waits again: a 100 Hz device takes exactly 100 rows a second of it, at their times and none late.

    Parameters
    ----------
    start
        What :meth:`now` is at first, in seconds.
    wall
        What :meth:`wall` is then, in Unix seconds.
    patience
        Real seconds that :meth:`advance` grants a thread to come back; one that then waits for something else is left
        alone until it asks for the time again.

    Examples
    --------
    >>> clock = VirtualClock()
    >>> seen = []
    >>> def work():
    ...     for t in (0.5, 1.0, 7.0):
    ...         clock.wait_until(t)
    ...         seen.append(clock.now())
    >>> thread = threading.Thread(target=work, daemon=True)
    >>> clock.expect(thread)
    >>> thread.start()
    >>> clock.advance(2.0)
    >>> seen, clock.now()
    ([0.5, 1.0], 2.0)
    >>> clock.advance(5.0)
    >>> seen
    [0.5, 1.0, 7.0]
    """

    patience: float

    def __init__(self, start: float = 0.0, *, wall: float = 1.7e9, patience: float = 5.0) -> None:
        self._now, self._offset, self.patience = float(start), float(wall) - float(start), patience
        self._told = threading.Condition()
        self._waits: dict[threading.Thread, float] = {}
        self._at_work: set[threading.Thread] = set()

    def now(self) -> float:
        """Return the seconds it stands at."""
        return self._now

    def wall(self) -> float:
        """Return the Unix seconds it stands at."""
        return self._now + self._offset

    def step_wall(self, seconds: float) -> None:
        """Set the wall clock forward, or back, as an operator or the network does."""
        self._offset += seconds

    def expect(self, thread: threading.Thread) -> None:
        """Have :meth:`advance` wait for a thread that has not asked for the time yet."""
        with self._told:
            self._at_work.add(thread)

    def wait_until(self, t: float, wake: threading.Event | None = None) -> bool:
        """Wait until :meth:`advance` has reached ``t``, or until ``wake`` is set; return False when it is."""
        me = threading.current_thread()
        with self._told:
            if self._now >= t:  # nothing to wait for: the thread stays at work, and `advance` waits for it
                return wake is None or not wake.is_set()
            self._waits[me] = t
            self._at_work.discard(me)
            self._told.notify_all()
            try:
                while self._now < t:
                    if wake is not None and wake.is_set():
                        return False
                    # Nothing says when an Event is set; this is real time, and only as long as a test takes.
                    self._told.wait(None if wake is None else 0.002)
            finally:
                if self._waits.pop(me, None) is not None:  # else `advance` has let it go, and looks after it
                    self._at_work.discard(me)
        return wake is None or not wake.is_set()

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass, and every thread that waits for a moment of it do its work at that moment.

        Raises
        ------
        StreamConfigError
            When ``seconds`` is negative.
        """
        if not seconds >= 0:
            raise StreamConfigError(f"advance got {seconds!r} seconds, wanted 0 or more.\n  A clock never goes back.")
        with self._told:
            end = self._now + seconds
            self._settle()
            # A moment that only rounding keeps from the end is there: ten times 0.1 s is one second.
            while due := [t for t in self._waits.values() if t <= end + 1e-9]:
                self._now = max(self._now, min(due))
                for thread in [thread for thread, t in self._waits.items() if t <= self._now]:
                    del self._waits[thread]
                    self._at_work.add(thread)
                self._told.notify_all()
                self._settle()
            self._now = max(self._now, end)

    def _settle(self) -> None:
        """Wait until nobody is at work any more."""
        limit = time.monotonic() + self.patience
        while True:
            self._at_work = {t for t in self._at_work if t.is_alive() or t.ident is None}
            if not self._at_work:
                return
            if time.monotonic() > limit:
                self._at_work.clear()
                return
            self._told.wait(0.002)

    def __repr__(self) -> str:
        return f"VirtualClock({self._now!r})"


SYSTEM = SystemClock()


def expect(clock: Any, thread: threading.Thread) -> None:
    """Tell a clock that is turned by hand of a thread that will ask it for the time."""
    told = getattr(clock, "expect", None)
    if told is not None:
        told(thread)
