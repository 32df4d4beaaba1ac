"""Filters."""

from headrace.compat.genki_signals._functions import BandPassFilter, GaussianSmooth, HighPassFilter, LowPassFilter

__all__ = ["BandPassFilter", "GaussianSmooth", "HighPassFilter", "LowPassFilter"]
