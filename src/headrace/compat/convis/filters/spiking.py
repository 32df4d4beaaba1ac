"""``convis.filters.spiking``: spikes as draws, and the sensor of motion."""

from __future__ import annotations

from typing import Any

from headrace.compat.convis.later import VISION, kind
from headrace.frames import IntegrativeMotionSensor, Poisson

__all__ = ["IntegrativeMotionSensor", "Poisson"]

_NEURONS = (
    "FitzHughNagumo",
    "HogkinHuxley",
    "HodgkinHuxley",
    "Izhikevich",
    "LeakyIntegrateAndFireNeuron",
    "RefractoryLeakyIntegrateAndFireNeuron",
)


def __getattr__(name: str) -> Any:
    """Return a neuron that says that it comes later."""
    if name in _NEURONS:
        made = globals()[name] = kind(f"convis.filters.spiking.{name}", VISION)
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
