"""``convis.filters``: of its layers those that need no model are here, in :mod:`~headrace.compat.convis.filters.spiking`."""

from __future__ import annotations

from typing import Any

from headrace.compat.convis.filters import spiking
from headrace.compat.convis.later import VISION, not_yet

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
_MODULES = ("retina", "simple")


def __getattr__(name: str) -> Any:
    """Say of a layer that it comes later."""
    if name in _LAYERS or name in _MODULES:
        raise not_yet(f"convis.filters.{name}", VISION)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
