"""What errors say of values, and the whole numbers that are asked for."""

from __future__ import annotations

from typing import Any

from headrace.errors import StreamConfigError


def short(value: Any, most: int = 80) -> str:
    """Return what a value looks like, in one line of at most so many letters.

    Examples
    --------
    >>> short({"a": 1}), short("x" * 100, 10)
    ("{'a': 1}", "'xxxxxx...")
    """
    try:
        text = " ".join(repr(value).split())
    except Exception:  # an object whose repr fails shall not hide the error that is told
        text = f"<{type(value).__name__}>"
    return text if len(text) <= most else text[: most - 3] + "..."


def whole(who: str, n: Any, what: str, example: str) -> int:
    """Return how many of something are wanted.

    Raises
    ------
    StreamConfigError
        For anything but a whole number of at least 0.
    """
    if isinstance(n, bool) or not hasattr(n, "__index__") or int(n) < 0:
        raise StreamConfigError(
            f"{who} got n={n!r}, wanted how many {what}, a whole number of at least 0.\n  Write {example}."
        )
    return int(n)
