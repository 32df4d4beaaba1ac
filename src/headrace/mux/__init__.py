"""Rooms that draw many streams as one: at random, in turn, one after another.

What chooses *which* stream the next item comes from belongs here; what it does with the items belongs in ``ops``.
"""

from headrace.mux.shuffled import ShuffledMux
from headrace.mux.stochastic import StochasticMux

__all__ = ["ShuffledMux", "StochasticMux"]
