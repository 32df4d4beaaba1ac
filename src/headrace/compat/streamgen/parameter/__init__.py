"""Parameters: values with a schedule."""

from headrace.compat.streamgen.parameter import store
from headrace.trees.parameter import Parameter, ParameterDict, ScopedParameterDict, is_parameter

__all__ = ["Parameter", "ParameterDict", "ScopedParameterDict", "is_parameter", "store"]
