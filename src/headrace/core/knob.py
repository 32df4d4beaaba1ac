"""The only mutable leaf allowed in a recipe."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Knob(Generic[T]):
    """A parameter that may be turned while a stream runs.

    A cursor that reads a knob logs each change as (position, value) and keeps the log in its state, so that a resumed
    run goes on with the value it had. Every pass starts from the value that the knob has then. Behind a background
    thread a turn acts after what was drawn ahead, and a state saved before that does not know it yet.

    Parameters
    ----------
    value
        Its first value, which is what the description and the fingerprint show.

    Examples
    --------
    >>> knob = Knob(0.5)
    >>> knob.set(0.25)
    >>> knob.value, knob.turns
    (0.25, 1)
    """

    def __init__(self, value: T) -> None:
        self.initial = value
        self._lock = Lock()
        self._now: tuple[int, T] = (0, value)
        self._guards: list[Callable[[T], object]] = []

    def guard(self, check: Callable[[T], object]) -> None:
        """Have ``check(value)`` called by every :meth:`set`, so that a bad value raises there; for recipes."""
        self._guards.append(check)

    def set(self, value: T) -> None:
        """Turn the knob, from any thread. Running cursors follow with their next choice.

        Raises
        ------
        StreamConfigError
            When a recipe that reads the knob cannot use ``value``; the knob stays as it is.
        """
        for check in self._guards:
            check(value)
        with self._lock:
            self._now = (self._now[0] + 1, value)

    @property
    def value(self) -> T:
        """What it is set to now."""
        return self._now[1]

    @property
    def turns(self) -> int:
        """How often it has been set: a cheap thing to compare."""
        return self._now[0]

    def now(self) -> tuple[int, T]:
        """Return turns and value as one consistent pair."""
        return self._now

    def __getstate__(self) -> dict[str, Any]:
        return {"initial": self.initial, "_now": self._now, "_guards": self._guards}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=Lock())

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return object.__hash__(self)

    @staticmethod
    def within(recipe: Any) -> bool:
        """Tell whether a recipe, or one inside it, reads a knob."""
        return any(isinstance(value, Knob) for value in recipe.params().values()) or any(
            map(Knob.within, recipe.children)
        )

    def __repr__(self) -> str:
        return f"Knob({self.value!r})"
