"""How often the heavy tests (kills, fuzz, long runs) repeat."""

from __future__ import annotations

import os

SHARE = 50


def soaking() -> bool:
    """Whether scripts/soak is running, which sets HEADRACE_SOAK=1."""
    return os.environ.get("HEADRACE_SOAK", "") not in ("", "0")


def heavy(n: int) -> int:
    """`n` under scripts/soak, one fiftieth of it (at least 1) in the suite."""
    return n if soaking() else max(1, n // SHARE)
