"""A call that may hang: made in a thread of its own, and waited for no longer than one can bear."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from headrace.errors import WorkerError


class Bounded:
    """Calls a function, one call at a time, and waits for it no longer than ``patience`` seconds.

    A call that has not come back is waited for again by the next, which makes none of its own.

    Parameters
    ----------
    function
        Called with nothing.
    what
        What it is, for messages.
    patience
        Seconds.

    Examples
    --------
    >>> stop = Bounded(lambda: print("stopped"), "stop()", patience=1.0)
    >>> stop()
    stopped
    >>> stop.hangs
    False
    """

    what: str
    patience: float

    def __init__(self, function: Callable[[], Any], what: str, patience: float) -> None:
        self.what, self.patience = what, patience
        self._function = function
        self._lock = threading.Lock()
        self._call: _Call | None = None

    @property
    def hangs(self) -> bool:
        """Whether a call has not come back yet."""
        call = self._call
        return call is not None and call.is_alive()

    def __call__(self) -> None:
        """Call it, or wait for the call that is under way.

        Raises
        ------
        WorkerError
            When it does not come back in time.
        Exception
            What it raises; one caller is told.
        """
        with self._lock:
            if not self.hangs:
                self._call = _Call(self._function)
                self._call.begin()
            call = self._call
            assert call is not None
        call.join(min(self.patience, threading.TIMEOUT_MAX))
        if call.is_alive():
            raise self._late()
        with self._lock:
            error, call.error = call.error, None
        if error is not None:
            raise error

    def check(self) -> None:
        """Raise when a call has not come back yet.

        Raises
        ------
        WorkerError
            Then.
        """
        if self.hangs:
            raise self._late()

    def _late(self) -> WorkerError:
        return WorkerError(
            f"{self.what} does not return within {self.patience} seconds.\n"
            "  Give what it waits for a timeout of its own; stop() again waits for it again."
        )


class _Call(threading.Thread):
    """One call, and what it raised."""

    def __init__(self, function: Callable[[], Any]) -> None:
        super().__init__(name="headrace-stop", daemon=True)
        self.error: BaseException | None = None
        self._function = function

    def begin(self) -> None:
        try:
            self.start()
        except RuntimeError:  # none can be started any more, at the end of the program
            self._function()

    def run(self) -> None:
        try:
            self._function()
        except BaseException as error:
            self.error = error

    def join(self, timeout: float | None = None) -> None:
        if self.ident is not None:
            super().join(timeout)
