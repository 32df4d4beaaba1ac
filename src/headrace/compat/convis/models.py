"""``convis.models`` comes later: what is asked for in it says so."""

from __future__ import annotations

from typing import Any

from headrace.compat.convis.later import VISION, Later

_later: Any = Later("convis.models", VISION)


def __getattr__(name: str) -> Any:
    return getattr(_later, name)
