"""Lists of samples: as they come, or so many of each way through the tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from operator import index as as_index
from typing import Any, Literal

from headrace.core.indexed import ENDLESS
from headrace.errors import AddressError, DataError, StreamConfigError


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


def whole(who: str, n: Any) -> int:
    """Return a number of samples, or the number of a sample.

    Raises
    ------
    StreamConfigError
        When it is none, below 0, or beyond the last that can be asked for.
    """
    try:
        found = int(n)
        if isinstance(n, bool) or found != n or not 0 <= found < ENDLESS:
            raise ValueError
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"{who}(n) got {n!r}, wanted a whole number of samples of at least 0, below 2**62."
        ) from None
    return found


def place_of(who: str, i: Any) -> int:
    """Return the number of a sample.

    Raises
    ------
    AddressError
        When there is no sample of that number.
    """
    try:
        found = as_index(i)
        if isinstance(i, bool) or not 0 <= found < ENDLESS:
            raise TypeError
    except TypeError:
        raise AddressError(f"{who} got {i!r}, wanted the number of a sample, from 0 to {ENDLESS - 1}.") from None
    return found
