"""Arithmetic, integrals and derivatives, row by row."""

from headrace.compat.genki_signals._functions import (
    Abs,
    Clip,
    Difference,
    Differentiate,
    Exp,
    Integrate,
    Logarithm,
    MovingAverage,
    Multiply,
    Pow,
    SampleRate,
    Scale,
    Sum,
)

__all__ = [
    "Abs",
    "Clip",
    "Difference",
    "Differentiate",
    "Exp",
    "Integrate",
    "Logarithm",
    "MovingAverage",
    "Multiply",
    "Pow",
    "SampleRate",
    "Scale",
    "Sum",
]
