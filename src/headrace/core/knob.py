"""The only mutable leaf allowed in a recipe."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import ref as weakref

T = TypeVar("T")
_Guard = tuple[Callable[..., object], "weakref[Any] | None"]


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
        self._guards: list[_Guard] = []

    def guard(self, check: Callable[..., object], owner: Any = None) -> None:
        """Have ``check(value)`` called by every :meth:`set`, so that a bad value raises there; for recipes.

        With an owner it is ``check(owner, value)``, for as long as there is the owner.
        """
        held = [(each, ref) for each, ref in self._guards if ref is None or ref() is not None]
        self._guards = [*held, (check, None if owner is None else weakref(owner))]

    def set(self, value: T) -> None:
        """Turn the knob, from any thread. Running cursors follow with their next choice.

        Raises
        ------
        StreamConfigError
            When a recipe that reads the knob cannot use ``value``; the knob stays as it is.
        """
        for check, ref in self._guards:
            if ref is None:
                check(value)
            elif (owner := ref()) is not None:
                check(owner, value)
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
        guards = [(check, None if ref is None else ref()) for check, ref in self._guards]
        live = [each for each, (_, ref) in zip(guards, self._guards, strict=True) if ref is None or each[1] is not None]
        return {"initial": self.initial, "_now": self._now, "_guards": live}

    def __setstate__(self, state: dict[str, Any]) -> None:
        guards = [(check, None if owner is None else weakref(owner)) for check, owner in state["_guards"]]
        self.__dict__.update(state, _guards=guards, _lock=Lock())

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
