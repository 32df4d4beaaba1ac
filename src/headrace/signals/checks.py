"""What parameters of signals may be: numbers of several kinds, windows, values that a dtype can hold."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from headrace.core.checks import integer, number
from headrace.errors import DataError, StreamConfigError
from headrace.signals.names import Array


def positive(who: str, value: Any, *, whole: bool = False, zero: bool = False) -> Any:
    """Return a number above 0, or at least 0; a whole one as an int.

    Raises
    ------
    StreamConfigError
        For anything else.
    """
    wanted = f"a {'whole ' if whole else ''}number {'of at least 0' if zero else 'above 0'}"
    try:
        found = int(value) if whole else float(value)
        if isinstance(value, bool | np.bool_ | str) or found != value or found < 0 or (not zero and found == 0):
            raise ValueError
        if found == float("inf"):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StreamConfigError(f"{who} got {value!r}, wanted {wanted}.") from None
    return found


LONGEST = 1 << 27  # rows that a signal may look back: a GiB of doubles for each channel


def a_length(who: str, value: Any, *, zero: bool = False) -> int:
    """Return how many rows a signal looks back: a whole number that memory may hold, above 0 or at least 0.

    Raises
    ------
    StreamConfigError
        For anything else.
    """
    found = int(positive(who, value, whole=True, zero=zero))
    if found > LONGEST:
        raise StreamConfigError(
            f"{who} got {value!r}, wanted at most {LONGEST} rows: as many are kept.\n"
            "  Resample the signal before, or take a recursive one, such as ExponentialMean."
        )
    return found


def a_number(who: str, value: Any) -> Any:
    """Return a real number.

    Raises
    ------
    StreamConfigError
        For anything else.
    """
    if np.iscomplexobj(value):
        raise StreamConfigError(f"{who} got {value!r}, wanted a number.\n  Give a real one.")
    return any_number(who, value)


def a_real_number(who: str, value: Any) -> float:
    """Return a finite number.

    Raises
    ------
    StreamConfigError
        For anything else.
    """
    return number(who, value, advice="Give one finite number, not one for each channel.")


def whole_numbers(who: str, values: Any) -> tuple[int, ...]:
    """Return whole numbers as a tuple; one stands for itself.

    Raises
    ------
    StreamConfigError
        For anything else.
    """
    try:
        parts = values if isinstance(values, tuple | list | np.ndarray) else (values,)
        return tuple(map(integer, parts))
    except TypeError:
        raise StreamConfigError(
            f"{who} got {values!r}, wanted a whole number or a tuple of them.\n  Give ints, such as 3 or (2, 3)."
        ) from None


def any_number(who: str, value: Any) -> Any:
    """Return a number, real or complex, NaN and infinity included.

    Raises
    ------
    StreamConfigError
        For anything else.
    """
    if isinstance(value, str | bytes | bool | np.bool_) or value is None or np.ndim(value):
        raise StreamConfigError(f"{who} got {value!r}, wanted a number.\n  Give one value, not one for each channel.")
    value = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(value, Real) and not isinstance(value, int | float):  # such as a Fraction
        value = float(value)
    if not isinstance(value, int | float | complex):
        raise StreamConfigError(f"{who} got {value!r}, wanted a number.\n  Give an int, a float or a complex number.")
    return value


def real(signal: Any, x: Array) -> Array:
    """Return real rows, or raise a DataError."""
    if x.dtype.kind == "c":
        raise DataError(f"{signal!r} got complex rows, wanted real ones.\n  Take their size with Abs.")
    return x


def holding(who: str, value: Any, dtype: Any) -> Array:
    """Return a number as an array of no axis and of ``dtype``.

    Raises
    ------
    DataError
        When the dtype cannot hold it, as whole numbers NaN.
    """
    given: Array = np.asarray(value)
    with np.errstate(all="ignore"):
        if dtype.kind == "c" or (dtype.kind == "f" and given.dtype.kind != "c"):
            return given.astype(dtype)  # rounded, NaN and infinity included
        if (
            given.dtype.kind != "c"
            and np.isfinite(given)
            and _low(dtype) <= value <= _high(dtype)
            and int(value) == value
        ):
            return np.array(int(value), dtype)
    raise DataError(
        f"{who} got {value!r} for rows of {dtype}, wanted a value that they can hold.\n"
        "  Give another one, or make the rows floats."
    )


def _low(dtype: Any) -> int:
    return int(np.iinfo(dtype).min) if dtype.kind in "iu" else 0


def _high(dtype: Any) -> int:
    return int(np.iinfo(dtype).max) if dtype.kind in "iu" else int(dtype.kind == "b")


def windows(who: str, size: Any, overlap: Any) -> tuple[int, int]:
    """Return how long windows are and how many of their rows are those of the one before.

    Raises
    ------
    StreamConfigError
        When they are no such numbers, or the windows would not move on.
    """
    size = a_length(f"{who}(window_size=)", size)
    overlap = positive(f"{who}(window_overlap=)", overlap, whole=True, zero=True)
    if overlap >= size:
        raise StreamConfigError(
            f"{who}(window_overlap=) got {overlap}, wanted less than window_size={size}: windows must move on.\n"
            "  Give a smaller overlap, or larger windows."
        )
    return size, overlap
