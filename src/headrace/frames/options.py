"""Numbers among the options of streams and sensors."""

from __future__ import annotations

from math import inf, isfinite
from typing import Any

from headrace.errors import StreamConfigError


def check_number(who: str, option: str, value: Any, least: float = -inf, most: float = inf) -> float:
    """Return ``value`` as a float, or raise StreamConfigError when it is no number from ``least`` to ``most``."""
    try:
        found = float(value)
        if not isfinite(found) or not least <= found <= most:
            raise ValueError
    except (TypeError, ValueError):
        bounds = {(-inf, inf): "", (0, inf): " of at least 0"}.get((least, most), f" from {least:g} to {most:g}")
        raise StreamConfigError(f"{who}({option}=) got {value!r}, wanted a number{bounds}.") from None
    return found
