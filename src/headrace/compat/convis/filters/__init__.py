"""``convis.filters``: of its layers those that need no model are here, in :mod:`~headrace.compat.convis.filters.spiking`."""

from __future__ import annotations

from typing import Any

from headrace.compat.convis.filters import spiking
from headrace.compat.convis.later import VISION, Later, kind

__all__ = ["spiking"]

_LAYERS = (
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "Delay",
    "Diff",
    "L",
    "LN",
    "LNLN",
    "NLRectify",
    "RF",
    "SmoothConv",
    "TimeFilter",
)

retina: Any = Later("convis.filters.retina", VISION)
simple: Any = Later("convis.filters.simple", VISION)


def __getattr__(name: str) -> Any:
    """Return a layer that says that it comes later."""
    if name in _LAYERS:
        made = globals()[name] = kind(f"convis.filters.{name}", VISION)
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
