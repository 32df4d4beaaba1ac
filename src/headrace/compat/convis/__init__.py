"""convis' module paths and names on :mod:`headrace.frames`: ``import headrace.compat.convis as convis``.

Streams and sample stimuli are here with their names, argument orders and defaults. Layers and the retina model exist by
name and say that they come later.
"""

from typing import Any, NoReturn

from headrace.compat.convis import samples, streams
from headrace.compat.convis.later import VISION, not_yet

__all__ = ["samples", "streams"]

_MODELS = ("Layer", "Output", "Retina", "filters", "models", "retina", "run", "run_in_background")


def __getattr__(name: str) -> Any:
    """Say of a name of convis' models that it comes later."""
    if name in _MODELS:
        _say(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _say(name: str) -> NoReturn:
    raise not_yet(f"convis.{name}", VISION)
