"""Values that move with the sample's number: what a parameter is while a stream runs.

A schedule is frozen and knows its own changes, so the drift of a stream is known before the first sample. Each has a
finite number of *concepts*, and says which one a sample is of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import islice, pairwise
from math import inf, nan
from typing import Any, ClassVar, NamedTuple, TypeVar, cast

import numpy as np

from headrace.core.checks import whole_number
from headrace.core.functions import name_of_function
from headrace.core.indexed import Numbers
from headrace.core.recipe import Recipe, recipe
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.trees.counting import place_of

Floats = np.ndarray[Any, np.dtype[np.float64]]
C = TypeVar("C", bound=type)
MOST_VALUES = 1_000_000  # of an iterable that does not say how many it has: one without an end would be waited for


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
        """Return the value of sample ``i``; in a gradual change, that of a sample which drew ``u`` on [0, 1).

        Raises
        ------
        AddressError
            When there is no sample of that number.
        StreamConfigError
            When ``u`` is no number on [0, 1).
        """
        who = f"{type(self).__name__.lower()}(...).at"
        place = place_of(who, i)
        try:
            drawn = float(u)
        except (TypeError, ValueError):
            drawn = nan
        if not 0 <= drawn < 1:
            raise StreamConfigError(
                f"{who} got u={u!r}, wanted a number of at least 0 and below 1: what a sample drew."
            )
        return self.values(np.array([place], np.int64), np.array([drawn]))[0]

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


def values_apart(who: str, levels: Sequence[Any], least: int) -> tuple[Any, ...]:
    """Return levels as a tuple: at least ``least`` of them.

    Raises
    ------
    StreamConfigError
        For fewer, or a value that is a schedule itself, or an iterator.
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
    for level in levels:
        one_value(who, level, "Give its values one by one, or as a list that is one value.")
    return tuple(levels)


def one_value(who: str, value: Any, hint: str) -> None:
    """Refuse as a value what gives others each time it is asked: samples made with it could not be had again.

    Raises
    ------
    StreamConfigError
        When it is an iterator.
    """
    if isinstance(value, Iterator):
        raise StreamConfigError(
            f"{who} got the {type(value).__name__} {value!r} for a value, wanted one that stays as it is.\n  {hint}"
        )


def in_order(who: str, values: Any, most: int = MOST_VALUES) -> tuple[Any, ...]:
    """Return values in a row: of a list, an array, a table's rows, or of an iterable that ends.

    Raises
    ------
    StreamConfigError
        When they cannot be iterated or have no order, when they are a text, or when an iterable goes on and on.
    """
    if isinstance(values, Mapping | Set):
        raise StreamConfigError(f"{who} got {values!r}, wanted values in an order: one after another.\n  Give a list.")
    if isinstance(values, str | bytes | bytearray):
        raise StreamConfigError(
            f"{who} got the text {values!r}, whose letters would be the values, wanted values.\n"
            "  Give texts in a list, and letters as list(text)."
        )
    if hasattr(values, "columns") and hasattr(values, "to_numpy"):  # a table would give the names of its columns
        values = values.to_numpy()
    try:
        iterator = iter(values)
    except TypeError:
        raise StreamConfigError(
            f"{who} got {values!r}, wanted values in an order: one after another.\n  Give a list."
        ) from None
    counted = hasattr(values, "__len__")
    found = tuple(iterator if counted else islice(iterator, most + 1))
    if len(found) > most and not counted:
        raise StreamConfigError(
            f"{who} got the {type(values).__name__} {values!r}, which has no end, or more than {most} values; wanted one "
            "that ends.\n  Cut it with itertools.islice, or give a list, a range or an array."
        )
    return found


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
        When ``function`` cannot be called, or ``changes`` are no numbers that rise.

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
    found = tuple(
        whole_number(who, place, 0, name=what, things="samples") for place in in_order(f"{who}({what}=)", places)
    )
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
