"""Numbers and types of numbers among the options of streams, writers and sensors."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from headrace.core import checks
from headrace.errors import StreamConfigError


def check_number(who: str, option: str, value: Any, least: float = -inf, most: float = inf) -> float:
    """Return ``value`` as a float, or raise StreamConfigError when it is no number from ``least`` to ``most``."""
    return checks.number(f"{who}({option}=)", value, least, most)


def whole_number(who: str, option: str, value: Any, least: int | None = None) -> int:
    """Return ``value`` as an int, or raise StreamConfigError when it is no whole number of at least ``least``."""
    return checks.whole_number(f"{who}({option})", value, least)


def check_dtype(who: str, option: str, dtype: Any, kinds: str = "buif") -> np.dtype[Any]:
    """Return a type of numbers in this machine's byte order, or raise StreamConfigError.

    Parameters
    ----------
    who, option
        What the message begins with.
    dtype
        What NumPy makes a dtype of.
    kinds
        NumPy's letters for what will do: truth values, whole numbers without and with a sign, floats.

    Examples
    --------
    >>> check_dtype("NumpyWriter", "dtype", ">f4")
    dtype('float32')
    """
    try:
        found = np.dtype(dtype)
    except Exception:  # TypeError, ValueError, SyntaxError, ...: whatever NumPy says of it
        found = np.dtype(object)
    if dtype is None or found.kind not in kinds or found.itemsize > 8:
        raise StreamConfigError(
            f"{who}({option}=) got {dtype!r}, wanted a type of numbers.\n  Choose one such as 'uint8' or 'float32'."
        )
    native: np.dtype[Any] = found.newbyteorder("=")
    return native


def in_short(value: Any) -> str:
    """Return a value as a message shows it: of an array its type and shape, of what is long its beginning.

    Examples
    --------
    >>> in_short("film"), in_short(np.zeros((9, 4, 5))), len(in_short([0.5] * 1000)) < 80
    ("'film'", 'an array of float64 of shape (9, 4, 5)', True)
    """
    shape, dtype = getattr(value, "shape", ()), getattr(value, "dtype", None)
    if shape and dtype is not None:
        return f"an array of {dtype} of shape {tuple(shape)}"
    told = repr(value)
    return told if len(told) <= 200 else f"{' '.join(told[:60].split())}... ({type(value).__name__})"
