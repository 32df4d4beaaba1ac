"""Things that are started and stopped with a device: its followers, and functions that have a start and a stop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from headrace.live.devices.active import is_running


class Together:
    """Starts what does not run yet, and stops what it has started, the last first.

    What has no ``start``, or is active already, is left to whoever runs it.

    Examples
    --------
    >>> class Lamp:
    ...     is_active = False
    ...
    ...     def start(self):
    ...         print("on")
    ...
    ...     def stop(self):
    ...         print("off")
    >>> together = Together()
    >>> together.start([Lamp(), lambda t: t])
    on
    >>> together.stop(), together.stop()
    off
    ([], [])
    """

    def __init__(self) -> None:
        self._mine: list[Any] = []

    def start(self, things: Iterable[Any]) -> None:
        """Start those that can be.

        Raises
        ------
        Exception
            What one of them raises; those of before still run, until :meth:`stop`.
        """
        for each in things:
            if callable(getattr(each, "start", None)) and not is_running(each, False):
                each.start()
                self._mine.append(each)

    def stop(self, tolerated: Iterable[Any] = ()) -> list[Exception]:
        """Stop those that were started, and return what that raised, but for what those that are tolerated raised."""
        leave = {id(each) for each in tolerated}
        found: list[Exception] = []
        while self._mine:
            each = self._mine.pop()
            try:
                if callable(getattr(each, "stop", None)):
                    each.stop()
            except Exception as error:
                if id(each) not in leave:
                    found.append(error)
        return found
