"""Changes from one value to the next: all at once, sample by sample, or little by little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import inf
from typing import Any

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
    rising,
    schedule_class,
    values_apart,
)

STEEPNESS = 8.0  # of the logistic curve over one width: 2 % and 98 % at its ends, which are then moved to 0 and 1


def abrupt(*levels: Any, at: int | Sequence[int]) -> Schedule:
    """A value that changes at once: ``levels[0]`` before sample ``at``, ``levels[1]`` from it on.

    Parameters
    ----------
    *levels
        Two values, or one more than ``at`` has numbers.
    at
        The number of the first sample with the new value; several for several changes.

    Raises
    ------
    StreamConfigError
        When there are no numbers, they do not rise, or do not fit the values.

    Examples
    --------
    >>> from headrace.trees import abrupt
    >>> height = abrupt(1.0, 1.25, 1.5, at=[100, 200])
    >>> height.at(99), height.at(100), height.at(200)
    (1.0, 1.25, 1.5)
    """
    return Abrupt(*_checked("abrupt", levels, at, 0)[:2])


def gradual(*levels: Any, at: int | Sequence[int], width: int) -> Schedule:
    """A hand-over: around sample ``at`` more and more samples have the new value, none a value in between.

    Sample i has the new value with a probability that rises along a logistic curve, from 0 at ``at - width / 2`` to 1 at
    ``at + width / 2``: the sigmoid of Bifet et al., "MOA: Massive Online Analysis", JMLR 11 (2010), which has no ends,
    with steepness ``8 / width`` instead of ``4 / width`` and scaled to begin and to end there. All gradual changes of one
    tree go by the same draw of a sample, so that those at one place hand over together, as between two concepts.

    Parameters
    ----------
    *levels
        Two values, or one more than ``at`` has numbers.
    at
        Where both are equally likely.
    width
        How many samples the change takes, at least 1.

    Raises
    ------
    StreamConfigError
        When there are no numbers, they do not rise, overlap, or do not fit the values.

    Examples
    --------
    >>> from headrace.trees import gradual
    >>> probs = gradual([1, 0], [0.5, 0.5], at=5000, width=1000)
    >>> probs.at(4499), probs.at(5500), next(probs.changes())[:4]
    ([1, 0], [0.5, 0.5], ('gradual', 4500, 5000, 5500))
    """
    return Gradual(*_checked("gradual", levels, at, width))


def incremental(*levels: Any, at: int | Sequence[int], width: int) -> Schedule:
    """A value that moves in a straight line, from ``levels[0]`` at ``at - width / 2`` to ``levels[1]`` at ``at + width / 2``.

    Parameters
    ----------
    *levels
        Two numbers or arrays of one shape, or one more than ``at`` has numbers.
    at
        Where it is half way.
    width
        How many samples the change takes, at least 1.

    Raises
    ------
    StreamConfigError
        When there are no numbers, they do not rise, overlap, or do not fit the values; or values are no numbers.

    Examples
    --------
    >>> from headrace.trees import incremental
    >>> offset = incremental(0.0, 1.0, at=100, width=20)
    >>> offset.at(90), offset.at(100), offset.at(110)
    (0.0, 0.5, 1.0)
    """
    levels, places, width = _checked("incremental", levels, at, width)
    for level in levels:
        if np.asarray(level).dtype.kind not in "iuf" or np.shape(level) != np.shape(levels[0]):
            raise StreamConfigError(
                f"incremental got the value {level!r}, wanted numbers, or arrays of numbers of one shape.\n"
                "  For values that have none in between, use abrupt or gradual."
            )
    return Incremental(levels, places, width)


def _checked(who: str, levels: Sequence[Any], at: Any, width: Any) -> tuple[tuple[Any, ...], tuple[int, ...], int]:
    places = rising(who, "at", at if isinstance(at, Sequence | np.ndarray) else (at,))
    if not places:
        raise StreamConfigError(
            f"{who} got at=[], wanted the number of a sample, or several.\n  What never changes is a value, not a schedule."
        )
    if len(levels) != len(places) + 1:
        raise StreamConfigError(
            f"{who} got {len(levels)} values and {len(places)} changes, wanted one value more than changes.\n"
            f"  Write {who}(before, after, at=...), or {who}(a, b, c, at=[first, second])."
        )
    levels = values_apart(who, levels, 1)
    if who == "abrupt":
        return levels, places, 0
    width = whole_number(who, width, 1, name="width", things="samples")
    if places[0] < width // 2 or any(b - a < width for a, b in pairwise(places)):
        raise StreamConfigError(
            f"{who} got at={list(places)} and width={width}: a change begins before sample 0 or before the one ahead "
            "of it is complete.\n  Move them apart, or make them narrower."
        )
    return levels, places, width


@schedule_class("abrupt")
@recipe
class Abrupt(Levels):
    """The recipe of :func:`abrupt`."""

    levels: tuple[Any, ...]
    places: tuple[int, ...]

    def __post_init__(self) -> None:
        self.fix(levels=tuple(self.levels), places=tuple(self.places), concepts=len(self.levels))

    def concept(self, at: Numbers, u: Floats) -> Numbers:
        return np.asarray(np.searchsorted(np.array(self.places, np.int64), at, side="right"), np.int64)

    def changes(self, until: float = inf) -> Iterator[Change]:
        for k, place in enumerate(self.places):
            if place < until and not same(self.levels[k], self.levels[k + 1]):
                yield Change("abrupt", place, place, place, self.levels[k], self.levels[k + 1])

    def timing(self) -> Any:
        return ("abrupt", self.places)

    def _told(self) -> list[str]:
        at = self.places[0] if len(self.places) == 1 else list(self.places)
        return [*map(repr, self.levels), f"at={at}"]


class Slow(Schedule):
    """Changes that take ``width`` samples each."""

    levels: tuple[Any, ...]
    places: tuple[int, ...]
    width: int

    def starts(self) -> Numbers:
        """Return where each change begins."""
        return np.array(self.places, np.int64) - self.width // 2

    def begun(self, at: Numbers) -> tuple[Numbers, Floats]:
        """Return how many changes have begun at each sample, and how much of the last is done: 0 to 1."""
        starts = self.starts()
        k = np.asarray(np.searchsorted(starts, at, side="right"), np.int64)
        # Half a sample ahead where the width is odd: so much is done at the first sample, for the centre to be half way.
        done = np.where(k > 0, (at - starts[np.maximum(k - 1, 0)] + self.width % 2 / 2) / self.width, 1.0)
        return k, np.minimum(done, 1.0)

    def changes(self, until: float = inf) -> Iterator[Change]:
        shape = type(self).__name__.lower()
        for k, place in enumerate(self.places):
            start = place - self.width // 2
            if start < until and not same(self.levels[k], self.levels[k + 1]):
                yield Change(shape, start, place, start + self.width, self.levels[k], self.levels[k + 1])

    def timing(self) -> Any:
        return (type(self).__name__, self.places, self.width)

    def known(self) -> Sequence[Any]:
        return self.levels

    def _told(self) -> list[str]:
        at = self.places[0] if len(self.places) == 1 else list(self.places)
        return [*map(repr, self.levels), f"at={at}", f"width={self.width}"]


@schedule_class("gradual")
@recipe
class Gradual(Slow, Levels):
    """The recipe of :func:`gradual`."""

    levels: tuple[Any, ...]
    places: tuple[int, ...]
    width: int

    def __post_init__(self) -> None:
        self.fix(levels=tuple(self.levels), places=tuple(self.places), concepts=len(self.levels))

    def concept(self, at: Numbers, u: Floats) -> Numbers:
        k, done = self.begun(at)
        low = 1 / (1 + np.exp(STEEPNESS / 2))
        new = (1 / (1 + np.exp(-STEEPNESS * (done - 0.5))) - low) / (1 - 2 * low)
        return np.where((done >= 1.0) | (u < new), k, np.maximum(k - 1, 0))


@schedule_class("incremental")
@recipe
class Incremental(Slow):
    """The recipe of :func:`incremental`. A sample is of the concept that it is nearer to."""

    levels: tuple[Any, ...]
    places: tuple[int, ...]
    width: int

    def __post_init__(self) -> None:
        self.fix(levels=tuple(self.levels), places=tuple(self.places), concepts=len(self.levels))

    def concept(self, at: Numbers, u: Floats) -> Numbers:
        return np.asarray(np.searchsorted(np.array(self.places, np.int64), at, side="right"), np.int64)

    def values(self, at: Numbers, u: Floats) -> list[Any]:
        return [self._value(k, part) for k, part in zip(*(x.tolist() for x in self.begun(at)), strict=True)]

    def _value(self, k: int, done: float) -> Any:
        if done <= 0.0 or done >= 1.0:  # the very values that were given
            return self.levels[k if done >= 1.0 else k - 1]
        before, after = self.levels[k - 1], self.levels[k]
        if isinstance(before, int | float) and isinstance(after, int | float):
            return before + (after - before) * done
        return np.asarray(before) + (np.asarray(after) - np.asarray(before)) * done
