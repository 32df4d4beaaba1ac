"""The widget of a figure: what it shows is sent to the page whenever it changes, no faster than the page draws."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, Final

import numpy as np

from headrace.plot.extras import installed
from headrace.plot.figure_svg import COLOURS
from headrace.plot.live_data import LiveData
from headrace.plot.marks import Array, Axis, Mark, Shown
from headrace.plot.painter import PAINTER, Painter
from headrace.plot.pictures import encoded, smaller
from headrace.plot.thinned import parts

AHEAD: Final = 3  # frames that may be under way to the page
AT_LEAST: Final = (
    0.25  # seconds after which one is sent although none of these has been drawn: a busy kernel hears nothing
)


class Screen:
    """Keeps the widget of a figure up to date.

    Parameters
    ----------
    live
        The data.
    figure
        Whose axes and marks it shows. The widget keeps it alive.
    painter
        Who says when to send.

    Attributes
    ----------
    widget
        The anywidget. ``frame["n"]`` is the number of the newest frame that was sent.
    drawn : int
        The number of the newest frame that a page has drawn.

    Raises
    ------
    MissingExtraError
        When anywidget is not installed.
    """

    widget: Any
    drawn: int

    def __init__(self, live: LiveData, figure: Any, painter: Painter = PAINTER) -> None:
        self._live, self._painter = live, painter
        self._marks: tuple[Mark, ...] = tuple(figure.marks)
        self._lock = Lock()
        self._n, self._sent, self._closed = 0, -AT_LEAST, False
        self.drawn = 0
        self.widget = widget_class()(
            spec=spec_of(figure.axes, figure.title), frame={"n": 0, "marks": frame_of(self._marks, live.now())}
        )
        self.widget.keeps = (figure, self, None if figure.keeps is None else figure.keeps())
        self.widget.on_msg(self._heard)
        live.tell(self._changed)

    def close(self) -> None:
        """Send nothing any more, and take the widget off the page."""
        with self._lock:  # not while a frame is being sent
            self._closed = True
        self.widget.keeps = None
        removed(self.widget)

    def _heard(self, _widget: Any, told: Any, _buffers: Any) -> None:
        # A message and no trait: setting one here would meet the painter, who sets another in its own thread.
        n = told.get("drawn") if isinstance(told, dict) else None
        if isinstance(n, int):
            self.drawn = max(self.drawn, n)

    def _changed(self) -> None:
        self._painter.want(self._paint)

    def _paint(self) -> bool:
        with self._lock:
            widget, now = self.widget, monotonic()
            if self._closed:
                return True
            if self._n - self.drawn >= AHEAD and now - self._sent < AT_LEAST:
                return False
            frame: dict[str, Any] = {"n": self._n + 1}
            try:
                frame["marks"] = frame_of(self._marks, self._live.now())
            except Exception as error:  # told on the page: whoever filled the buffer has not asked for a picture
                frame.update(marks=[], error=f"{type(error).__name__}: {error}")
            self._n, self._sent = self._n + 1, now
            widget.frame = frame
            return True


def removed(widget: Any) -> None:
    """Take a widget off the page, and the widget that it has for its size, which ipywidgets would keep for ever."""
    layout = widget.layout
    widget.close()
    layout.close()


def spec_of(axes: list[Axis], title: str) -> dict[str, Any]:
    """Return what the page is told once: axes with their scales, colours, the title."""
    told = [
        {
            "label": axis.label, "vertical": axis.orientation == "vertical", "kind": axis.scale.kind,
            "format": axis.tick_format, "min": axis.scale.min, "max": axis.scale.max, "reverse": axis.scale.reverse,
        }
        for axis in axes
    ]  # fmt: skip
    return {"axes": told, "colours": list(COLOURS), "title": title}


def frame_of(marks: tuple[Mark, ...], shown: tuple[Shown, ...]) -> list[dict[str, Any]]:
    """Return what the page is told of each mark: little-endian float64 of its lines, or a picture file."""
    made: list[dict[str, Any]] = []
    for mark, each in zip(marks, shown, strict=True):
        if mark.kind == "image":
            image = np.zeros((0, 0), np.uint8) if each.image is None else each.image
            made.append({"kind": "image", "image": encoded(smaller(image))})
            continue
        names = None if each.x.dtype.kind not in "UO" else [str(name) for name in each.x.tolist()]
        x = np.arange(len(each.x)) if names is not None else each.x
        lines = parts(x, each.y, each.first) if mark.kind == "lines" else [(x, row) for row in np.atleast_2d(each.y)]
        told = [{"x": _bytes(a), "y": _bytes(b)} for a, b in lines]
        made.append({"kind": mark.kind, "names": names, "lines": told})
    return made


def _bytes(numbers: Array) -> bytes:
    return np.ascontiguousarray(numbers, "<f8").tobytes()


@cache
def widget_class() -> Any:
    """Return the widget's class, made when it is first wanted: its base is in an optional package."""
    base = installed("anywidget", "Figure").AnyWidget
    traits = installed("traitlets", "Figure")
    members = {
        "__module__": __name__,
        "__doc__": "The page's side of headrace.plot.figure.Figure.",
        "_esm": Path(__file__).with_name("figure.js").read_text(encoding="utf-8"),
        "spec": traits.Dict().tag(sync=True),
        "frame": traits.Dict().tag(sync=True),
        "keeps": None,
    }
    return type("FigureWidget", (base,), members)
