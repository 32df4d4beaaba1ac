"""Rooms that draw many streams as one: at random, in turn, one after another.

What chooses *which* stream the next item comes from belongs here; what it does with the items belongs in ``ops``.
"""

from headrace.mux.base import BaseMux
from headrace.mux.chain import ChainMux
from headrace.mux.legacy import Mux
from headrace.mux.mix import mix
from headrace.mux.roundrobin import RoundRobinMux
from headrace.mux.shuffled import ShuffledMux
from headrace.mux.stochastic import StochasticMux
from headrace.mux.weights import balance, ramp, schedule, temperature

__all__ = [
    "BaseMux",
    "ChainMux",
    "Mux",
    "RoundRobinMux",
    "ShuffledMux",
    "StochasticMux",
    "balance",
    "mix",
    "ramp",
    "schedule",
    "temperature",
]
