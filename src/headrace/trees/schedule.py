"""Values that move with the sample's number: what a parameter is while a stream runs.

A schedule is frozen and knows its own changes, so the drift of a stream is known before the first sample. Each has a
finite number of *concepts*, and says which one a sample is of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import inf
from operator import index as as_index
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

import numpy as np

from headrace.core.functions import name_of_function
from headrace.core.indexed import Numbers
from headrace.core.recipe import Recipe, recipe
from headrace.core.registry import register
from headrace.errors import StreamConfigError

Floats = np.ndarray[Any, np.dtype[np.float64]]
C = TypeVar("C", bound=type)


class Change(NamedTuple):
    """One change of a value: it has not begun before sample ``start`` and is complete from ``end`` on."""

    shape: str
    start: int
    centre: int
    end: int
    before: Any
    after: Any


class Schedule(Recipe):
    """A value for every sample number: made by :func:`abrupt`, :func:`gradual`, :func:`incremental` and their kin.

    Attributes
    ----------
    concepts : int
        How many concepts it goes through.
    endless : bool
        Whether its changes go on for ever.
    ahead : bool
        Whether values may be worked out before they are wanted: not where that calls a function of the user's.

    Examples
    --------
    >>> from headrace.trees import abrupt
    >>> strength = abrupt(0.1, 0.4, at=8000)
    >>> strength, strength.at(7999), strength.at(8000)
    (abrupt(0.1, 0.4, at=8000), 0.1, 0.4)
    """

    concepts: int = 1
    endless: bool = False
    ahead: ClassVar[bool] = True  # whether values may be worked out before they are wanted

    def concept(self, at: Numbers, u: Floats) -> Numbers:
        """Return which concept samples ``at`` are of; ``u`` holds a number on [0, 1) for each, shape (n,) both."""
        return np.zeros(len(at), np.int64)

    def values(self, at: Numbers, u: Floats) -> list[Any]:
        """Return the value of each sample; ``u`` holds a number on [0, 1) for each."""
        raise NotImplementedError

    def changes(self, until: float = inf) -> Iterator[Change]:
        """Yield the changes that begin before sample ``until``, in order."""
        return iter(())

    def timing(self) -> Any:
        """Return what schedules share that change together."""
        raise NotImplementedError

    def known(self) -> Sequence[Any]:
        """Return the values that are known beforehand, for checks."""
        return ()

    def at(self, i: int, u: float = 0.5) -> Any:
        """Return the value of sample ``i``; in a gradual change, that of a sample which drew ``u``."""
        return self.values(np.array([i], np.int64), np.array([u]))[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__.lower()}({', '.join(self._told())})"

    def _told(self) -> list[str]:
        raise NotImplementedError


def schedule_class(name: str) -> Callable[[C], C]:
    """Return a decorator that lets descriptions in JSON name this class of schedule."""
    return register(name, example=None, kind="function")


class Levels(Schedule):
    """A schedule whose value is always one of some levels."""

    levels: tuple[Any, ...]

    def values(self, at: Numbers, u: Floats) -> list[Any]:
        levels = self.levels
        return [levels[k] for k in self.concept(at, u).tolist()]

    def known(self) -> Sequence[Any]:
        return self.levels


# --- arguments ----------------------------------------------------------------------------------


def whole_number(who: str, what: str, value: Any, least: int, things: str = "samples") -> int:
    """Return a whole number of at least ``least``.

    Raises
    ------
    StreamConfigError
        When it is none.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        found = as_index(value)
        if found < least:
            raise ValueError
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"{who} got {what}={value!r}, wanted a whole number of {things} of at least {least}."
        ) from None
    return found


def values_apart(who: str, levels: Sequence[Any], least: int) -> tuple[Any, ...]:
    """Return levels as a tuple: at least ``least`` of them.

    Raises
    ------
    StreamConfigError
        For fewer, or a value that is a schedule itself.
    """
    if len(levels) < least:
        raise StreamConfigError(
            f"{who} got {len(levels)} values, wanted at least {least}: one before each change.\n"
            f"  Write them one after another, as in {who}(before, after, ...)."
        )
    inner = next((level for level in levels if isinstance(level, Schedule)), None)
    if inner is not None:
        raise StreamConfigError(
            f"{who} got the value {inner!r}, which is a schedule itself, wanted values.\n"
            "  Several changes go into one schedule, as in abrupt(a, b, c, at=[100, 200])."
        )
    return tuple(levels)


def following(function: Callable[[int], Any], *, changes: Sequence[int] = ()) -> Schedule:
    """A value that is a function of the sample's number.

    Parameters
    ----------
    function
        Called with the number of a sample, from 0. It must be pure.
    changes
        Numbers of the samples where a new concept begins, for :meth:`SamplingTree.drifts`: a function does not tell.

    Raises
    ------
    StreamConfigError
        When ``function`` cannot be called, or ``changes`` do not rise.

    Examples
    --------
    >>> from headrace.trees import following
    >>> following(lambda i: i % 24).at(25)
    1
    """
    if not callable(function):
        raise StreamConfigError(f"following(function) got {function!r}, wanted a function of a sample's number.")
    return Following(function, rising("following", "changes", changes))


def rising(who: str, what: str, places: Any) -> tuple[int, ...]:
    """Return sample numbers that rise.

    Raises
    ------
    StreamConfigError
        When they do not.
    """
    found = tuple(whole_number(who, what, place, 0) for place in places)
    if any(b <= a for a, b in pairwise(found)):
        raise StreamConfigError(f"{who} got {what}={list(found)}, wanted sample numbers that rise.")
    return found


@schedule_class("following")
@recipe
class Following(Schedule):
    """The recipe of :func:`following`."""

    ahead: ClassVar[bool] = False

    function: Callable[[int], Any]
    places: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.fix(places=tuple(self.places), concepts=len(self.places) + 1)

    def concept(self, at: Numbers, u: Floats) -> Numbers:
        return cast(Numbers, np.searchsorted(np.array(self.places, np.int64), at, side="right"))

    def values(self, at: Numbers, u: Floats) -> list[Any]:
        return [self.function(i) for i in at.tolist()]

    def changes(self, until: float = inf) -> Iterator[Change]:
        for i in self.places:
            if i < until:
                yield Change("function", i, i, i, self.function(max(0, i - 1)), self.function(i))

    def timing(self) -> Any:
        return ("following", self.places)

    def _told(self) -> list[str]:
        return [name_of_function(self.function), *([f"changes={list(self.places)}"] if self.places else [])]
