"""Whole numbers that users give to trees: how many samples, the number of one, a step."""

from __future__ import annotations

from typing import Any

from headrace.core.checks import as_int, integer
from headrace.core.indexed import ENDLESS
from headrace.errors import AddressError, StreamConfigError


def whole(who: str, n: Any) -> int:
    """Return a number of samples, or the number of a sample.

    Raises
    ------
    StreamConfigError
        When it is none, below 0, or beyond the last that can be asked for.

    Examples
    --------
    >>> whole("collect", 3)
    3
    """
    try:
        found = integer(n)
        if not 0 <= found < ENDLESS:
            raise TypeError
    except TypeError:
        raise StreamConfigError(
            f"{who}(n) got {n!r}, wanted a whole number of samples of at least 0, below 2**62.{as_int(n)}"
        ) from None
    return found


def place_of(who: str, i: Any) -> int:
    """Return the number of a sample.

    Raises
    ------
    AddressError
        When there is no sample of that number.

    Examples
    --------
    >>> place_of("explain", 3)
    3
    """
    try:
        found = integer(i)
        if not 0 <= found < ENDLESS:
            raise TypeError
    except TypeError:
        raise AddressError(f"{who} got {i!r}, wanted the number of a sample, from 0 to {ENDLESS - 1}.") from None
    return found


def step_number(who: str, step: Any) -> int:
    """Return a step as an integer; a negative one counts as 0.

    Raises
    ------
    StreamConfigError
        When it is no whole number.

    Examples
    --------
    >>> step_number("set_update_step", -1)
    0
    """
    try:
        return max(0, integer(step))
    except TypeError:
        raise StreamConfigError(f"{who} got {step!r}, wanted a whole number of updates.{as_int(step)}") from None
