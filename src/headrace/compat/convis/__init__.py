"""convis' module paths and names on :mod:`headrace.frames`: ``import headrace.compat.convis as convis``.

Streams, sample stimuli, figures and the spikes of ``filters.spiking`` are here with their names, argument orders and
defaults. Other layers, the retina model and runners exist by name, and say that they come later when they are used.
"""

from __future__ import annotations

from typing import Any

from headrace.compat.convis import filters, models, retina, samples, streams
from headrace.compat.convis.later import PUMPS, VISION, function, kind
from headrace.compat.convis.plot import plot, plot_5d_matshow, plot_5d_time, plot_tensor

__all__ = [
    "filters",
    "models",
    "plot",
    "plot_5d_matshow",
    "plot_5d_time",
    "plot_tensor",
    "retina",
    "samples",
    "streams",
]

Layer: Any = kind("convis.Layer", VISION)
Output: Any = kind("convis.Output", VISION)
Retina: Any = kind("convis.Retina", VISION)
Runner: Any = kind("convis.Runner", PUMPS)
run: Any = function("convis.run", VISION)
run_in_background: Any = function("convis.run_in_background", VISION)
