"""Stores of parameters."""

from headrace.trees.store import ParameterStore

__all__ = ["ParameterStore"]
