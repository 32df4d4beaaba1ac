"""What can be looked at: trees as drawings, samples as pictures, parameters over time, live data as it comes.

What belongs here makes drawings, figures and widgets of what the rooms below describe, and moves nothing of it. Drawings of
trees need no package and no program; figures need matplotlib, widgets anywidget or ipywidgets, which are imported when they
are first drawn (``pip install 'headrace[plot]'``). What makes or changes samples belongs in the rooms below.
"""

from headrace.plot.curves import PlotError, PlotShapeError, plot, plot_parameter, plot_parameter_store
from headrace.plot.dashboard import WidgetDashboard
from headrace.plot.drifts import plot_drifts
from headrace.plot.explorer import explore
from headrace.plot.figure import Figure
from headrace.plot.files import to_dotfile, to_mermaid, to_svg
from headrace.plot.frames_events import plot_event_raster, plot_time_surface
from headrace.plot.frames_lines import plot_5d_time, plot_frames, plot_tensor
from headrace.plot.frames_preview import Film, preview
from headrace.plot.frames_tiles import plot_5d_matshow, tiled
from headrace.plot.frontend_base import FrontendBase
from headrace.plot.frontends import Bar, Histogram, Line, Scatter, Video
from headrace.plot.samples import (
    draw_sample,
    plot_buffer,
    plot_labeled_samples_animation,
    plot_labeled_samples_grid,
)
from headrace.plot.svg import Html, Svg
from headrace.plot.tabs import plot_parameter_store_widget
from headrace.plot.thumbnail import thumbnail
from headrace.plot.tree_svg import tree_svg

__all__ = [
    "Bar",
    "Figure",
    "Film",
    "FrontendBase",
    "Histogram",
    "Html",
    "Line",
    "PlotError",
    "PlotShapeError",
    "Scatter",
    "Svg",
    "Video",
    "WidgetDashboard",
    "draw_sample",
    "explore",
    "plot",
    "plot_5d_matshow",
    "plot_5d_time",
    "plot_buffer",
    "plot_drifts",
    "plot_event_raster",
    "plot_frames",
    "plot_labeled_samples_animation",
    "plot_labeled_samples_grid",
    "plot_parameter",
    "plot_parameter_store",
    "plot_parameter_store_widget",
    "plot_tensor",
    "plot_time_surface",
    "preview",
    "thumbnail",
    "tiled",
    "to_dotfile",
    "to_mermaid",
    "to_svg",
    "tree_svg",
]
