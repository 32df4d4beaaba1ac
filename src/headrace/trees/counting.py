"""Whole numbers that users give: how many samples, the number of one, a step. One rule: what ``operator.index`` takes."""

from __future__ import annotations

from operator import index as as_index
from typing import Any

from headrace.core.indexed import ENDLESS
from headrace.errors import AddressError, StreamConfigError


def integer(value: Any) -> int:
    """Return a whole number as an int; a truth value is none, and 3.0 neither.

    Raises
    ------
    TypeError
        When it is no whole number.

    Examples
    --------
    >>> import numpy as np
    >>> integer(np.uint8(3))
    3
    """
    if isinstance(value, bool):
        raise TypeError(f"a whole number got {value!r}, wanted an integer.\n  int(...) makes one of it.")
    return as_index(value)


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
            f"{who}(n) got {n!r}, wanted a whole number of samples of at least 0, below 2**62.{_as_int(n)}"
        ) from None
    return found


def whole_number(who: str, what: str, value: Any, least: int, things: str = "samples") -> int:
    """Return a whole number of at least ``least``.

    Raises
    ------
    StreamConfigError
        When it is none.

    Examples
    --------
    >>> whole_number("experiences", "size", 3, 1)
    3
    """
    try:
        found = integer(value)
        if found < least:
            raise TypeError
    except TypeError:
        raise StreamConfigError(
            f"{who} got {what}={value!r}, wanted a whole number of {things} of at least {least}.{_as_int(value)}"
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
        raise StreamConfigError(f"{who} got {step!r}, wanted a whole number of updates.{_as_int(step)}") from None


def _as_int(value: Any) -> str:
    """Return what to do with a number that is whole and of another type."""
    return f"\n  Write {int(value)}." if isinstance(value, float) and value.is_integer() and value >= 0 else ""
