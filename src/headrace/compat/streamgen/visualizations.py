"""Plots of parameters and samples; matplotlib is imported when the first is drawn."""

from headrace.plot import (
    plot,
    plot_labeled_samples_animation,
    plot_labeled_samples_grid,
    plot_parameter,
    plot_parameter_store,
    plot_parameter_store_widget,
)

__all__ = [
    "plot",
    "plot_labeled_samples_animation",
    "plot_labeled_samples_grid",
    "plot_parameter",
    "plot_parameter_store",
    "plot_parameter_store_widget",
]
