"""Plots of parameters and samples; matplotlib is imported when the first is drawn."""

from headrace.compat.streamgen.samplers.tree import SamplingTree
from headrace.plot import (
    plot,
    plot_labeled_samples_animation,
    plot_labeled_samples_grid,
    plot_parameter,
    plot_parameter_store,
    plot_parameter_store_widget,
)
from headrace.trees.parameter import Parameter
from headrace.trees.store import ParameterStore

__all__ = [
    "Parameter",
    "ParameterStore",
    "SamplingTree",
    "plot",
    "plot_labeled_samples_animation",
    "plot_labeled_samples_grid",
    "plot_parameter",
    "plot_parameter_store",
    "plot_parameter_store_widget",
]
