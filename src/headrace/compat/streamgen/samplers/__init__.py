"""Samplers: what gives samples and moves with updates."""

from headrace.compat.streamgen.samplers import tree
from headrace.compat.streamgen.samplers.protocol import Sampler

__all__ = ["Sampler", "tree"]
