"""convis' module paths and names on :mod:`headrace.frames`: ``import headrace.compat.convis as convis``.

Streams, sample stimuli, figures and the spikes of ``filters.spiking`` are here with their names, argument orders and
defaults. Other layers and the retina model exist by name and say that they come later.
"""

from typing import Any, NoReturn

from headrace.compat.convis import filters, samples, streams
from headrace.compat.convis.later import VISION, not_yet
from headrace.compat.convis.plot import plot, plot_5d_matshow, plot_5d_time, plot_tensor

__all__ = ["filters", "plot", "plot_5d_matshow", "plot_5d_time", "plot_tensor", "samples", "streams"]

_MODELS = ("Layer", "Output", "Retina", "models", "retina", "run", "run_in_background")


def __getattr__(name: str) -> Any:
    """Say of a name of convis' models that it comes later."""
    if name in _MODELS:
        _say(name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _say(name: str) -> NoReturn:
    raise not_yet(f"convis.{name}", VISION)
