"""Numbers that users give, by one rule: no truth values, no texts, and whole numbers by ``operator.index``."""

from __future__ import annotations

from math import inf, isfinite
from operator import index as as_index
from typing import Any

import numpy as np

from headrace.errors import StreamConfigError


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
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"a whole number got {value!r}, wanted an integer.\n  int(...) makes one of it.")
    return as_index(value)


def whole_number(who: str, value: Any, least: int | None = None, *, name: str = "", things: str = "") -> int:
    """Return a whole number of at least ``least``.

    Parameters
    ----------
    who
        What the message begins with.
    value
        What the user gave.
    least
        The smallest that will do; None for any.
    name
        How the option is called, where ``who`` does not say it.
    things
        What is counted.

    Raises
    ------
    StreamConfigError
        When it is no such number.

    Examples
    --------
    >>> whole_number("experiences", 3, 1, name="size", things="samples")
    3
    >>> whole_number("ImageSequence(repeat)", 3.0, 1)
    Traceback (most recent call last):
    headrace.errors.StreamConfigError: ImageSequence(repeat) got 3.0, wanted a whole number of at least 1.
      Write 3.
    """
    advice = ""
    try:
        found = integer(value)
    except TypeError:
        advice = as_int(value) or "\n  Give an int."
    else:
        if least is None or found >= least:
            return found
    got = f"{name}={value!r}" if name else repr(value)
    of = f" of {things}" if things else ""
    bound = "" if least is None else f" of at least {least}"
    raise StreamConfigError(f"{who} got {got}, wanted a whole number{of}{bound}.{advice}")


def as_int(value: Any) -> str:
    r"""Return what to do with a number that is whole and of another type, as the end of a message.

    Examples
    --------
    >>> as_int(3.0), as_int(2.5)
    ('\n  Write 3.', '')
    """
    whole = isinstance(value, float | np.floating) and value.is_integer() and value >= 0
    return f"\n  Write {int(value)}." if whole else ""


def number(
    who: str,
    value: Any,
    least: float = -inf,
    most: float = inf,
    *,
    above: float = -inf,
    what: str = "a number",
    advice: str = "Give a plain number.",
) -> float:
    """Return a finite number as a float.

    Parameters
    ----------
    who
        What the message begins with.
    value
        What the user gave: what ``float`` takes, but for texts and truth values.
    least, most
        The smallest and the largest that will do.
    above
        What it must be more than.
    what
        What is wanted, without its bounds.
    advice
        What to do, for the message.

    Raises
    ------
    StreamConfigError
        When it is no such number.

    Examples
    --------
    >>> number("DVS(eps=)", 3)
    3.0
    >>> number("DVS(eps=)", "0.3", 0)
    Traceback (most recent call last):
    headrace.errors.StreamConfigError: DVS(eps=) got '0.3', wanted a number of at least 0.
      Give a plain number.
    """
    try:
        none = isinstance(value, bool | np.bool_ | str | bytes | bytearray) or np.ndim(value) != 0
        kind = getattr(getattr(value, "dtype", None), "kind", "")  # float() drops a part of NumPy's complex numbers
        found = inf if none or kind == "c" else float(value)
    except (TypeError, ValueError, OverflowError):  # the last for a whole number that no float comes near
        found = inf
    if isfinite(found) and least <= found <= most and found > above:
        return found
    if above > -inf:
        bound = f", more than {above:g}" + (f" and at most {most:g}" if most < inf else "")
    elif most < inf:
        bound = f" from {least:g} to {most:g}"
    else:
        bound = "" if least == -inf else f" of at least {least:g}"
    raise StreamConfigError(f"{who} got {_shown(value)}, wanted {what}{bound}.\n  {advice}")


def _shown(value: Any) -> str:
    """Return a value as a message shows it: a whole number of thousands of digits has no text in Python."""
    try:
        told = repr(value)
    except Exception:  # ValueError of such a number, and whatever a class of the user's raises
        return f"a {type(value).__name__}"
    return told if len(told) <= 80 else f"{told[:60]}... ({type(value).__name__})"
