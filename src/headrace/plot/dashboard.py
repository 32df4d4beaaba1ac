"""Many pictures side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from headrace.errors import MissingExtraError, StreamConfigError
from headrace.plot.extras import installed
from headrace.plot.figure import in_kernel
from headrace.plot.screen import removed
from headrace.plot.svg import Svg, document, number

_APART = 8.0


class WidgetDashboard:
    """Pictures in a square: as many in a row as there are rows, the last ones perhaps fewer.

    Parameters
    ----------
    widgets
        What :mod:`headrace.plot.frontends` makes, figures of buffers, other widgets.

    Attributes
    ----------
    rows : list of list
        They, as they stand.

    Raises
    ------
    StreamConfigError
        When there are none.

    Examples
    --------
    >>> from headrace.live import DataBuffer
    >>> buffer = DataBuffer(data={"x": [1.0, 2.0], "y": [3.0, 4.0], "z": [5.0, 6.0]})
    >>> dashboard = WidgetDashboard([buffer.plot(name) for name in buffer])
    >>> [len(row) for row in dashboard.rows]
    [2, 1]
    """

    rows: list[list[Any]]

    def __init__(self, widgets: Iterable[Any]) -> None:
        made = list(widgets)
        if not made:
            raise StreamConfigError(
                "WidgetDashboard got no widgets, wanted one or more.\n  Line(system, 'timestamp', 'x') is one."
            )
        side = math.ceil(math.sqrt(len(made)))
        self.rows = [made[k : k + side] for k in range(0, len(made), side)]
        self._widget: Any = None

    @property
    def widgets(self) -> list[Any]:
        """They, one after the other."""
        return [each for row in self.rows for each in row]

    @property
    def widget(self) -> Any:
        """All of it as one widget, a VBox of HBoxes; made when it is first asked for.

        Raises
        ------
        MissingExtraError
            When anywidget or ipywidgets is not installed.
        """
        if self._widget is None:
            boxes = installed("ipywidgets", "WidgetDashboard")
            lines = [boxes.HBox([self._cell(boxes, each) for each in row]) for row in self.rows]
            self._widget = boxes.VBox(lines)
        return self._widget

    def _cell(self, boxes: Any, each: Any) -> Any:
        widget = getattr(each, "widget", each)
        part = f"{100 / len(self.rows[0]):.4g}%"
        return boxes.Box([widget], layout=boxes.Layout(width=part, display="block"))

    def to_svg(self) -> Svg:
        """Return a drawing of what all of them show now; what cannot be drawn so is left out."""
        inside, y, wide = [], 0.0, 0.0
        for row in self.rows:
            x, high = 0.0, 0.0
            for each in row:
                if not hasattr(each, "to_svg"):
                    continue
                drawing = each.to_svg().data
                width, height = _size(drawing)
                inside.append(drawing.replace("<svg ", f'<svg x="{number(x)}" y="{number(y)}" ', 1))
                x, high = x + width + _APART, max(high, height)
            y, wide = y + high + _APART, max(wide, x)
        return document(max(wide - _APART, 1.0), max(y - _APART, 1.0), inside, "dashboard")

    def close(self) -> None:
        """Close all of them. Twice is fine. What one fails with is raised when all are closed."""
        failed: BaseException | None = None
        widget, self._widget = self._widget, None
        for each in self.widgets:
            try:
                each.close()
            except BaseException as error:
                failed = failed or error
        if widget is not None:
            for row in widget.children:
                for cell in row.children:
                    removed(cell)
                removed(row)
            removed(widget)
        if failed is not None:
            raise failed

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/plain": repr(self), "image/svg+xml": self.to_svg().data}
        if in_kernel():
            try:
                bundle = {**self.widget._repr_mimebundle_(), **bundle}
            except MissingExtraError:
                pass
        return bundle

    def __repr__(self) -> str:
        return f"WidgetDashboard({self.widgets!r})"


def _size(drawing: str) -> tuple[float, float]:
    head = drawing[: drawing.index(">")]
    width, height = (float(head.partition(f' {name}="')[2].partition('"')[0]) for name in ("width", "height"))
    return width, height
