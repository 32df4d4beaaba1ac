"""A bell between threads: who produces rings it, who consumes sleeps until it has been rung."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Wake:
    """Something came: set by any thread, waited for by one.

    Rings do not add up: however often it was set, the next :meth:`wait` returns at once and the one after that waits.

    Examples
    --------
    >>> wake = Wake()
    >>> wake.set(), wake.set()
    (None, None)
    >>> wake.wait(0), wake.wait(0)
    (True, False)
    >>> heard = []
    >>> wake.relay(lambda: heard.append("rung"))
    >>> wake.set()
    >>> heard
    ['rung']
    """

    def __init__(self) -> None:
        # A lock that is free when the bell has been rung: one atomic step each, and no allocation, where an Event
        # costs ten times as much for each row.
        self._rung = threading.Lock()
        self._rung.acquire()
        self._relays: tuple[Callable[[], object], ...] = ()

    def set(self) -> None:
        """Say that something came."""
        for relay in self._relays:  # first: who wakes up shall find what they have done
            relay()
        if self._rung.locked():  # else it has been rung already, and an exception costs more than all the rest
            try:
                self._rung.release()
            except RuntimeError:  # ... by another thread, just now
                pass

    def wait(self, timeout: float | None = None) -> bool:
        """Return True once it has been set since the last wait, or False when ``timeout`` seconds are over."""
        return self._rung.acquire(timeout=-1 if timeout is None else max(0.0, min(timeout, threading.TIMEOUT_MAX)))

    def relay(self, function: Callable[[], object]) -> None:
        """Call ``function`` whenever this is set, in the thread that sets it; it must be quick and not raise."""
        if function not in self._relays:
            self._relays = (*self._relays, function)

    def unrelay(self, function: Callable[[], object]) -> None:
        """Call ``function`` no more; one that was never called is fine."""
        self._relays = tuple(each for each in self._relays if each != function)
