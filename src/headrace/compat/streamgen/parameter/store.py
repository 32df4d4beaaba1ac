"""Stores of parameters."""

from headrace.trees.forms import is_parameter
from headrace.trees.parameter import Parameter
from headrace.trees.store import ParameterStore

__all__ = ["Parameter", "ParameterStore", "is_parameter"]
