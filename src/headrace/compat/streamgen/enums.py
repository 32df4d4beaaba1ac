"""Which strategies there are; each equals its plain string."""

from headrace.trees.collect import SamplingStrategy, SamplingStrategyLit
from headrace.trees.nodes import ArgumentPassingStrategy, ArgumentPassingStrategyLit
from headrace.trees.parameter import ParameterOutOfRangeStrategy, ParameterOutOfRangeStrategyLit

__all__ = [
    "ArgumentPassingStrategy",
    "ArgumentPassingStrategyLit",
    "ParameterOutOfRangeStrategy",
    "ParameterOutOfRangeStrategyLit",
    "SamplingStrategy",
    "SamplingStrategyLit",
]
