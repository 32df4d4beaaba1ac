"""``convis.filters.spiking``: spikes as draws, and the sensor of motion."""

from __future__ import annotations

from typing import Any

from headrace.compat.convis.later import VISION, not_yet
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
    """Say of a neuron that it comes later."""
    if name in _NEURONS:
        raise not_yet(f"convis.filters.spiking.{name}", VISION)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
