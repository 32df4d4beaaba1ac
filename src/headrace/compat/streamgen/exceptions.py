"""The error of a parameter behind the end of its schedule."""

from headrace.errors import ParameterOutOfRangeError

__all__ = ["ParameterOutOfRangeError"]
