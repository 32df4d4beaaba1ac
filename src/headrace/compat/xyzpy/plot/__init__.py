"""Plots: they come later, and say so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from headrace.compat.xyzpy import later
from headrace.compat.xyzpy.plot import color

__all__ = [
    "AutoHeatMap",
    "AutoHistogram",
    "AutoLinePlot",
    "AutoScatter",
    "HeatMap",
    "Histogram",
    "LinePlot",
    "Scatter",
    "auto_heatmap",
    "auto_histogram",
    "auto_iheatmap",
    "auto_ilineplot",
    "auto_iscatter",
    "auto_lineplot",
    "auto_scatter",
    "color",
    "get_neutral_style",
    "heatmap",
    "histogram",
    "iheatmap",
    "ilineplot",
    "infiniplot",
    "iscatter",
    "lineplot",
    "neutral_style",
    "plot",
    "scatter",
    "visualize_matrix",
    "visualize_tensor",
]

_soon = partial(later.function, what=later.PLOTS)
_kind = partial(later.kind, what=later.PLOTS)

AutoHeatMap: Any = _kind("AutoHeatMap", like=lambda x, **heatmap_opts: None)
AutoHistogram: Any = _kind("AutoHistogram", like=lambda x, **histogram_opts: None)
AutoLinePlot: Any = _kind("AutoLinePlot", like=lambda x, y_z, **lineplot_opts: None)
AutoScatter: Any = _kind("AutoScatter", like=lambda x, y_z, **scatter_opts: None)
HeatMap: Any = _kind("HeatMap", like=lambda ds, x, y, z, **kwargs: None)
Histogram: Any = _kind("Histogram", like=lambda ds, x, z=None, **kwargs: None)
LinePlot: Any = _kind("LinePlot", like=lambda ds, x, y, z=None, *, y_err=None, x_err=None, **kwargs: None)
Scatter: Any = _kind("Scatter", like=lambda ds, x, y, z=None, **kwargs: None)
auto_heatmap: Callable[..., Any] = _soon("auto_heatmap", like=lambda x, **heatmap_opts: None)
auto_histogram: Callable[..., Any] = _soon("auto_histogram", like=lambda x, **histogram_opts: None)
auto_iheatmap: Callable[..., Any] = _soon("auto_iheatmap", like=lambda x, **iheatmap_opts: None)
auto_ilineplot: Callable[..., Any] = _soon("auto_ilineplot", like=lambda x, y_z, **lineplot_opts: None)
auto_iscatter: Callable[..., Any] = _soon("auto_iscatter", like=lambda x, y_z, **iscatter_opts: None)
auto_lineplot: Callable[..., Any] = _soon("auto_lineplot", like=lambda x, y_z, **lineplot_opts: None)
auto_scatter: Callable[..., Any] = _soon("auto_scatter", like=lambda x, y_z, **scatter_opts: None)
get_neutral_style: Callable[..., Any] = _soon("get_neutral_style", like=lambda draw_color=(0.5, 0.5, 0.5): None)
heatmap: Callable[..., Any] = _soon("heatmap", like=lambda ds, x, y, z, **kwargs: None)
histogram: Callable[..., Any] = _soon("histogram", like=lambda ds, x, z=None, **plot_opts: None)
iheatmap: Callable[..., Any] = _soon("iheatmap", like=lambda ds, x, y, z, **kwargs: None)
ilineplot: Callable[..., Any] = _soon("ilineplot", like=lambda ds, x, y, z=None, y_err=None, x_err=None, **kwargs: None)
infiniplot: Callable[..., Any] = _soon("infiniplot", like=lambda ds, x, y=None, z=None, **kwargs: None)
iscatter: Callable[..., Any] = _soon("iscatter", like=lambda ds, x, y, z=None, y_err=None, x_err=None, **kwargs: None)
lineplot: Callable[..., Any] = _soon("lineplot", like=lambda ds, x, y, z=None, y_err=None, x_err=None, **plot_opts: None)  # fmt: skip
neutral_style: Callable[..., Any] = _soon("neutral_style", like=lambda draw_color=(0.5, 0.5, 0.5), **kwargs: None)
plot: Callable[..., Any] = _soon("plot", like=lambda xs, ys=None, **kwargs: None)
scatter: Callable[..., Any] = _soon("scatter", like=lambda ds, x, y, z=None, y_err=None, x_err=None, **plot_opts: None)
visualize_matrix: Callable[..., Any] = _soon("visualize_matrix", like=lambda array, max_mag=None, magscale="linear", alpha_map=True, alpha_pow=0.5, legend=True, legend_loc="auto", legend_size=0.15, legend_bounds=None, legend_resolution=3, facecolor=None, rasterize=4096, rasterize_dpi=300, figsize=(5, 5), ax=None: None)  # fmt: skip
visualize_tensor: Callable[..., Any] = _soon("visualize_tensor", like=lambda array, spacing_factor=1.0, max_projections=None, projection_overlap_spacing=1.05, angles=None, scales=None, skew_angle_factor="auto", skew_scale_factor=0.05, max_mag=None, magscale="linear", size_map=True, size_pow=0.5, size_scale=1.0, alpha_map=True, alpha_pow=0.5, alpha=0.8, marker="o", linewidths=0, show_lattice=True, lattice_opts=None, compass=False, compass_loc="auto", compass_size=0.1, compass_bounds=None, compass_labels=None, compass_opts=None, legend=True, legend_loc="auto", legend_size=0.15, legend_bounds=None, legend_resolution=3, interleave_projections=False, reverse_projections=False, facecolor=None, rasterize=4096, rasterize_dpi=300, figsize=(5, 5), ax=None: None)  # fmt: skip

vars(plot)["color"] = color  # above, the function takes the place of this module: `xyz.plot.color` is still found
