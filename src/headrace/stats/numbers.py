"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite
from typing import Final

_PLAIN: Final = (-1, 1)  # powers of ten written without an exponent
_DIGITS: Final = 17  # a float has no more


def format_number_with_error(x: float, err: float) -> str:
    """Return a number with the uncertainty of its last two digits in brackets.

    Parameters
    ----------
    x
        The number.
    err
        Its uncertainty, at least 0.

    Examples
    --------
    >>> format_number_with_error(0.1542412, 0.0626653)
    '0.154(63)'
    >>> format_number_with_error(-128124123097, 6424)
    '-1.281241231(64)e+11'
    """
    x, err = float(x), abs(float(err))
    if not isfinite(x) or not isfinite(err):
        return f"{x:.6g}({err:.2g})"
    if err == 0:
        return f"{x!r}(0)"
    digits, _, power = f"{err:.1e}".partition("e")
    last = int(power) - 1  # the power of ten of the last digit told
    exact = Decimal(repr(x))
    if exact and exact.adjusted() - last > _DIGITS:
        return f"{x!r}({err:.2g})"
    rounded = exact.quantize(Decimal((0, (1,), last)))
    top = max(rounded.adjusted() if rounded else last, int(power))
    brackets = digits.replace(".", "")
    if _PLAIN[0] <= top <= _PLAIN[1] and last <= 0:
        return f"{rounded:.{-last}f}({brackets})"
    return f"{rounded.scaleb(-top):.{top - last}f}({brackets})e{top:+03d}"
