"""Parameters: values with a schedule."""

from headrace.trees.parameter import Parameter, ParameterDict, ScopedParameterDict, is_parameter

__all__ = ["Parameter", "ParameterDict", "ScopedParameterDict", "is_parameter"]
