"""Filters as plain objects, time first: process block by block, offline both ways, responses."""

from headrace.signals.design import gaussian_kernel1d, gaussian_smooth_offline
from headrace.signals.plain_filters import BaParams, ButterFilter, Filter, FirFilter, SosParams

__all__ = [
    "BaParams",
    "ButterFilter",
    "Filter",
    "FirFilter",
    "SosParams",
    "gaussian_kernel1d",
    "gaussian_smooth_offline",
]
