"""Whether a device runs: asked as an attribute by some, and called as a method by others."""

from __future__ import annotations

from typing import Any


class Active:
    """Whether something runs: true or false, and called it says the same.

    Parameters
    ----------
    running
        What to say.

    Examples
    --------
    >>> on = Active(True)
    >>> bool(on), on(), on == True, not on
    (True, True, True, False)
    """

    __slots__ = ("_running",)

    def __init__(self, running: bool) -> None:
        self._running = bool(running)

    def __bool__(self) -> bool:
        return self._running

    def __call__(self) -> bool:
        """Return whether it runs."""
        return self._running

    def __eq__(self, other: object) -> bool:
        return self._running == (other._running if isinstance(other, Active) else other)

    def __hash__(self) -> int:
        return hash(self._running)

    def __repr__(self) -> str:
        return repr(self._running)


def is_running(thing: Any, otherwise: bool) -> bool:
    """Return whether something runs by its ``is_active``, an attribute or a method.

    Parameters
    ----------
    thing
        A device, or what stands in the place of one.
    otherwise
        What to say of a thing without ``is_active``.

    Examples
    --------
    >>> class Old:
    ...     def is_active(self):
    ...         return False
    >>> is_running(Old(), True), is_running(len, True)
    (False, True)
    """
    active = getattr(thing, "is_active", otherwise)
    return bool(active() if callable(active) else active)
