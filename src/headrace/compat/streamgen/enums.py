"""Which strategies there are; each equals its plain string."""

from headrace.trees.collect import SamplingStrategy, SamplingStrategyLit
from headrace.trees.forms import ParameterOutOfRangeStrategy, ParameterOutOfRangeStrategyLit
from headrace.trees.nodes import ArgumentPassingStrategy, ArgumentPassingStrategyLit

__all__ = [
    "ArgumentPassingStrategy",
    "ArgumentPassingStrategyLit",
    "ParameterOutOfRangeStrategy",
    "ParameterOutOfRangeStrategyLit",
    "SamplingStrategy",
    "SamplingStrategyLit",
]
