"""Widgets that show what a system computes, and dashboards of them."""

from headrace.plot.dashboard import WidgetDashboard
from headrace.plot.frontend_base import FrontendBase
from headrace.plot.frontends import Bar, Histogram, Line, Scatter, Video

__all__ = ["Bar", "FrontendBase", "Histogram", "Line", "Scatter", "Video", "WidgetDashboard"]
