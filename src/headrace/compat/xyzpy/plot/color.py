"""Colours and colour maps: they come with the plots, and say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from headrace.compat.xyzpy import later

__all__ = ["cimluv", "cimple", "cimple_bright", "cmoke", "convert_colors", "xyz_colormaps"]

_soon = partial(later.function, what=later.PLOTS)

cimluv: Callable[..., Any] = _soon("cimluv", like=lambda hue, hue_shift=0.0, sat1=1.0, sat2=0.5, val1=0.8, val2=0.3, N=30, reverse=False: None)  # fmt: skip
cimple: Callable[..., Any] = _soon("cimple", like=lambda hue, sat1=0.4, sat2=1.0, val1=0.95, val2=0.35, hue_shift=0.0, name="cimple", auto_adjust_sat=0.2: None)  # fmt: skip
cimple_bright: Callable[..., Any] = _soon("cimple_bright", like=lambda hue, sat1=0.8, sat2=0.9, val1=0.97, val2=0.3, hue_shift=0.0, name="cimple_bright": None)  # fmt: skip
cmoke: Callable[..., Any] = _soon("cmoke", like=lambda hue, hue_shift=0.0, sat1=0.36, sat2=0.5, val1=0.38, val2=0.93, N=51, reverse=False: None)  # fmt: skip
convert_colors: Callable[..., Any] = _soon("convert_colors", like=lambda cols, outformat, informat="MATPLOTLIB": None)
xyz_colormaps: Callable[..., Any] = _soon("xyz_colormaps", like=lambda name=None, reverse=False: None)
