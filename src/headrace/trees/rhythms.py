"""Values that come back, and values from a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from math import inf
from typing import Any, Literal

import numpy as np

from headrace.core.checks import whole_number
from headrace.core.indexed import Numbers
from headrace.core.items import same
from headrace.core.recipe import recipe
from headrace.errors import StreamConfigError
from headrace.trees.schedule import (
    Change,
    Floats,
    Levels,
    Schedule,
    in_order,
    schedule_class,
    values_apart,
)


def recurring(base: Any, other: Any, *, at: int, length: int, every: int | None = None) -> Schedule:
    """A value that leaves and returns: ``other`` for ``length`` samples from ``at`` on, ``base`` else.

    Parameters
    ----------
    base, other
        The values.
    at
        The number of the first sample with ``other``.
    length
        How many samples have it in a row.
    every
        Have it again so many samples later, and so on for ever; once by default.

    Raises
    ------
    StreamConfigError
        When the numbers are none, or ``every`` is not longer than ``length``.

    Examples
    --------
    >>> from headrace.trees import recurring
    >>> offset = recurring(0.0, 1.0, at=10, length=5, every=20)
    >>> [offset.at(i) for i in (9, 10, 14, 15, 30, 35)]
    [0.0, 1.0, 1.0, 0.0, 1.0, 0.0]
    """
    place = whole_number("recurring", at, 0, name="at", things="samples")
    stay = whole_number("recurring", length, 1, name="length", things="samples")
    if every is not None and whole_number("recurring", every, 1, name="every", things="samples") <= stay:
        raise StreamConfigError(
            f"recurring got length={length} and every={every}, wanted every longer than length, for the value to return.\n"
            "  Without every, it leaves once."
        )
    return Recurring(values_apart("recurring", (base, other), 2), place, stay, every)


def cyclic(*levels: Any, every: int, at: int = 0) -> Schedule:
    """Values in turn, each for ``every`` samples, from sample ``at`` on for ever; the first one before it.

    Parameters
    ----------
    *levels
        The values, at least two.
    every
        How many samples have each in a row.
    at
        The number of the first sample of the first turn.

    Raises
    ------
    StreamConfigError
        With fewer than two values, or numbers that are none.

    Examples
    --------
    >>> from headrace.trees import cyclic
    >>> season = cyclic("dry", "wet", every=100)
    >>> season.at(99), season.at(100), season.at(200)
    ('dry', 'wet', 'dry')
    """
    return Cyclic(
        values_apart("cyclic", levels, 2),
        whole_number("cyclic", every, 1, name="every", things="samples"),
        whole_number("cyclic", at, 0, name="at", things="samples"),
    )


def stepwise(values: Iterable[Any], *, every: int = 1, then: Literal["hold", "cycle"] = "hold") -> Schedule:
    """Values from a table, each for ``every`` samples.

    Parameters
    ----------
    values
        A list, an array (along its first axis), a table's rows or one of its columns, any iterable that ends.
    every
        How many samples have each.
    then
        Behind the last: ``"hold"`` it, or ``"cycle"`` through them again.

    Raises
    ------
    StreamConfigError
        Without values, for what is none of these or has no end, or for another word than these.

    Examples
    --------
    >>> from headrace.trees import stepwise
    >>> [stepwise([1, 2, 3], every=2).at(i) for i in range(8)]
    [1, 1, 2, 2, 3, 3, 3, 3]
    """
    if then not in ("hold", "cycle"):
        raise StreamConfigError(
            f"stepwise(then=) got {then!r}, wanted 'hold' or 'cycle': what comes behind the last value.\n"
            "  'hold' keeps it, 'cycle' begins anew."
        )
    levels = values_apart("stepwise", in_order("stepwise(values)", values), 1)
    return Stepwise(levels, whole_number("stepwise", every, 1, name="every", things="samples"), then)


@schedule_class("recurring")
@recipe
class Recurring(Levels):
    """The recipe of :func:`recurring`."""

    levels: tuple[Any, ...]
    place: int
    length: int
    every: int | None = None

    def __post_init__(self) -> None:
        levels = tuple(self.levels)
        self.fix(levels=levels, concepts=2, endless=self.every is not None and _differ(levels))

    def concept(self, at: Numbers, u: Floats) -> Numbers:
        since = at - self.place
        if self.every is not None:
            since = np.where(since >= 0, since % self.every, since)
        return ((since >= 0) & (since < self.length)).astype(np.int64)

    def changes(self, until: float = inf) -> Iterator[Change]:
        base, other = self.levels
        for k in count() if _differ(self.levels) else ():
            start = self.place + k * (self.every or 0)
            stop = start + self.length
            if start < until:
                yield Change("recurring", start, start, start, base, other)
            if stop < until:
                yield Change("recurring", stop, stop, stop, other, base)
            if self.every is None or stop >= until:
                return

    def timing(self) -> Any:
        return ("recurring", self.place, self.length, self.every)

    def _told(self) -> list[str]:
        every = [] if self.every is None else [f"every={self.every}"]
        return [*map(repr, self.levels), f"at={self.place}", f"length={self.length}", *every]


@schedule_class("cyclic")
@recipe
class Cyclic(Levels):
    """The recipe of :func:`cyclic`."""

    levels: tuple[Any, ...]
    every: int
    place: int = 0

    def __post_init__(self) -> None:
        levels = tuple(self.levels)
        self.fix(levels=levels, concepts=len(levels), endless=_differ(levels))

    def concept(self, at: Numbers, u: Floats) -> Numbers:
        return np.maximum(at - self.place, 0) // self.every % len(self.levels)

    def changes(self, until: float = inf) -> Iterator[Change]:
        n = len(self.levels)
        for k in count(1) if self.endless else ():
            place = self.place + k * self.every
            if place >= until:
                return
            before, after = self.levels[(k - 1) % n], self.levels[k % n]
            if not same(before, after):
                yield Change("cyclic", place, place, place, before, after)

    def timing(self) -> Any:
        return ("cyclic", len(self.levels), self.every, self.place)

    def _told(self) -> list[str]:
        return [*map(repr, self.levels), f"every={self.every}", *([f"at={self.place}"] if self.place else [])]


@schedule_class("stepwise")
@recipe
class Stepwise(Levels):
    """The recipe of :func:`stepwise`. A change is where a value differs from the one before it."""

    levels: tuple[Any, ...]
    every: int = 1
    then: str = "hold"

    def __post_init__(self) -> None:
        levels = tuple(self.levels)
        self.fix(levels=levels, concepts=len(levels), endless=self.then == "cycle" and _differ(levels))

    def concept(self, at: Numbers, u: Floats) -> Numbers:
        k = at // self.every
        n = len(self.levels)
        return k % n if self.then == "cycle" else np.minimum(k, n - 1)

    def changes(self, until: float = inf) -> Iterator[Change]:
        n = len(self.levels)
        for k in count(1) if self.endless else range(1, n):
            place = k * self.every
            if place >= until:
                return
            before, after = self.levels[(k - 1) % n], self.levels[k % n]
            if not same(before, after):
                yield Change("stepwise", place, place, place, before, after)

    def timing(self) -> Any:
        return ("stepwise", len(self.levels), self.every, self.then)

    def _told(self) -> list[str]:
        shown = [*map(repr, self.levels[:3]), *(["..."] if len(self.levels) > 3 else [])]
        then = [] if self.then == "hold" else [f"then={self.then!r}"]
        return [f"[{', '.join(shown)}]", f"every={self.every}", *then]


def _differ(levels: Sequence[Any]) -> bool:
    """Tell whether anything changes at all; where nothing does, no one would come to the end of the changes."""
    return any(not same(levels[0], level) for level in levels)
