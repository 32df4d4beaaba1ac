"""Waves of a time signal."""

from headrace.compat.genki_signals._functions import SineWave, SquareWave, TriangleWave

__all__ = ["SineWave", "SquareWave", "TriangleWave"]
