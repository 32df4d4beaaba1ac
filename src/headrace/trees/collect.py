"""Lists of samples: as they come, or so many of each way through the tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Literal

from headrace.errors import DataError, StreamConfigError


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
