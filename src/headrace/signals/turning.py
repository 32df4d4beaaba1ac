"""Parameters that may be knobs: how they are annotated, and methods that look at the values of now."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import Any, Generic, TypeVar

from headrace.core.knob import Knob

T = TypeVar("T")


class Turnable(Generic[T]):
    """The type of a parameter that is a value or a :class:`headrace.Knob` of such values: ``length: Turnable[int]``.

    For annotations only: to a type checker the constructor takes both, and the parameter reads as a plain value, which
    it is wherever a signal computes. A default is written ``turnable(2.0)``.
    """

    def __get__(self, signal: object, owner: type | None = None) -> T:
        raise NotImplementedError("an annotation is not read")

    def __set__(self, signal: object, value: T | Knob[Any]) -> None:
        raise NotImplementedError("an annotation is not set")


def turnable(value: Any) -> Any:
    """Return a value as the default of a parameter that is annotated as :class:`Turnable`.

    Examples
    --------
    >>> turnable(2.0)
    2.0
    """
    return value


def as_now(signal: Any) -> Any:
    """Return a signal with the values that its knobs have now: one object until a knob is turned."""
    if not signal.knobs:
        return signal
    turns = tuple(
        [knob.turns for knob in signal.knobs.values()]
    )  # before the values: a turn in between counts next time
    known = signal.__dict__.get("_as_now")
    if known is None or known[0] != turns:
        known = (turns, signal.settled())
        signal.fix(_as_now=known)
    return known[1]


class AsNow:
    """A method or property of a signal that sees values where the signal has knobs: those of now.

    Whoever writes ``step`` reads ``self.length`` as a number. Which object that is, is decided when the method is looked
    up: once for a graph, and not at each step.
    """

    def __init__(self, function: Callable[..., Any] | property) -> None:
        self.function: Any = function
        update_wrapper(self, function)  # type: ignore[arg-type]  # a property has what it copies

    def __get__(self, signal: Any, owner: Any = None) -> Any:
        if signal is None:
            return self.function
        return self.function.__get__(as_now(signal), owner)


def see_values(cls: type, names: tuple[str, ...]) -> None:
    """Have methods and properties that a class defines see the values of knobs."""
    for name in names:
        found = cls.__dict__.get(name)
        if callable(found) or isinstance(found, property):
            setattr(cls, name, AsNow(found))
