"""Shapes of columns."""

from headrace.compat.genki_signals._functions import Combine, Concatenate, ExtractDimension, Reshape, Stack

__all__ = ["Combine", "Concatenate", "ExtractDimension", "Reshape", "Stack"]
