"""Lists of samples: as they come, or so many of each way through the tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Any, Literal

from headrace.errors import DataError, StreamConfigError
from headrace.trees.counting import whole
from headrace.trees.paths import Way, Ways


class SamplingStrategy(StrEnum):
    """Which ways through a tree are taken how often."""

    STOCHASTIC = "stochastic"
    BALANCED = "balanced"
    BALANCED_PRUNED = "balanced pruned"


SamplingStrategyLit = Literal["stochastic", "balanced", "balanced pruned"]


def strategy_of(strategy: str) -> SamplingStrategy:
    """Return the strategy of a name.

    Raises
    ------
    StreamConfigError
        When there is none.
    """
    try:
        return SamplingStrategy(strategy)
    except ValueError:
        known = ", ".join(repr(kind.value) for kind in SamplingStrategy)
        raise StreamConfigError(f"collect(strategy=) got {strategy!r}, wanted one of {known}.") from None


def collated(samples: Sequence[Any], function: Callable[[Any], Any] | None) -> Any:
    """Return samples as they are, or with ``function`` applied to each slot of tuples, to all of them where they are none.

    No samples have no slots: with a function they are an empty tuple.

    Raises
    ------
    DataError
        When the samples are tuples of different lengths.

    Examples
    --------
    >>> collated([(1, "a"), (2, "b")], list)
    ([1, 2], ['a', 'b'])
    >>> collated([1, 2], sum)
    3
    """
    if function is None:
        return samples
    if not samples:
        return ()
    if not isinstance(samples[0], tuple):
        return function(samples)
    if any(not isinstance(sample, tuple) or len(sample) != len(samples[0]) for sample in samples):
        raise DataError(
            "collect got samples of different lengths, wanted tuples of one: as many labels on each way through the tree.\n"
            "  Drop collate_func to have a list."
        )
    return tuple(function(slot) for slot in zip(*samples, strict=True))


def balanced(ways: Ways, n: int, first: int, *, in_turns: bool) -> Iterator[tuple[Way, range]]:
    """Yield each way with the numbers of its ``n`` samples; the ways take turns where something moves with the number.

    Raises
    ------
    StreamConfigError
        When these are more samples than there are numbers.

    Examples
    --------
    >>> from headrace.trees.plan import Plan
    >>> coin = Plan([{"of": (("a", 1), ("b", 2))}, {"next": None}, {"next": None}])
    >>> [(way.choices, at) for way, at in balanced(Ways(coin), 3, 10, in_turns=False)]
    [(((0, 0),), range(10, 13)), (((0, 1),), range(13, 16))]
    """
    k = ways.total
    whole("collect", k * n)
    for turn, way in enumerate(ways):
        at = range(first + turn, first + k * n, k) if in_turns else range(first + turn * n, first + (turn + 1) * n)
        yield way, at
