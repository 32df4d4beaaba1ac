"""A figure that shows what a buffer holds, now and whenever it changes: in a notebook as a widget, else as data."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.errors import MissingExtraError, StreamConfigError
from headrace.plot.figure_svg import figure_svg
from headrace.plot.live_data import LiveData
from headrace.plot.marks import Axis, Mark
from headrace.plot.svg import Svg

if TYPE_CHECKING:
    from headrace.plot.screen import Screen


class Figure:
    """Axes and marks over a buffer. What it shows is always of the buffer's newest rows.

    A notebook displays it as a widget that follows the buffer, at most 20 times a second, and slower when the page is.
    Elsewhere it draws nothing and costs nothing; its data can be read all the same, and it can be saved. It follows
    until :meth:`close`, or until nobody holds it; a widget on a page holds it.

    Parameters
    ----------
    live
        The data.
    marks
        What is drawn.
    axes
        Horizontal and vertical; none for a picture.
    title
        What stands above.

    Attributes
    ----------
    axes : list of Axis
        With ``label``, ``scale`` and ``orientation``.
    marks : list of Mark
        With ``x`` and ``y``.
    title : str
        As given.
    """

    axes: list[Axis]
    marks: list[Mark]
    title: str
    keeps: Callable[[], Any] | None

    def __init__(self, live: LiveData, marks: Sequence[Mark], axes: Sequence[Axis], title: str = "") -> None:
        self.axes, self.marks, self.title = list(axes), list(marks), title
        self.keeps = None  # a reference to who has to live as long as a widget of this figure
        self._live = live
        self._screen: Screen | None = None

    @property
    def buffer(self) -> Any:
        """What it shows."""
        return self._live.buffer

    @property
    def widget(self) -> Any:
        """The widget of it, to be put beside others; made when it is first asked for.

        Raises
        ------
        MissingExtraError
            When anywidget is not installed.
        """
        if self._screen is None:
            from headrace.plot.screen import Screen

            self._screen = Screen(self._live, self)
        return self._screen.widget

    def close(self) -> None:
        """Follow the buffer no more and take the widget off the page; what it showed last stays. Twice is fine."""
        screen, self._screen = self._screen, None
        try:
            self._live.close()
        finally:
            if screen is not None:
                screen.close()

    def to_svg(self) -> Svg:
        """Return a drawing of what it shows now.

        Raises
        ------
        Exception
            When what the buffer holds by now cannot be shown.
        """
        return figure_svg(self.axes, self.marks, self.title)

    def save(self, path: str | PathLike[str]) -> Path:
        """Write a drawing of what it shows now, as SVG, and return its path.

        Raises
        ------
        StreamConfigError
            When the name is that of another kind of file.
        """
        if Path(path).suffix.lower() not in ("", ".svg"):
            raise StreamConfigError(
                f"Figure.save got {Path(path).name!r}, wanted a name that ends in .svg: a drawing is written as that.\n"
                "  Any browser opens it, and rsvg-convert, inkscape or cairosvg make it a PNG or PDF."
            )
        return self.to_svg().save(path)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """Return what a notebook shows: the widget where it can run, and a drawing for pages on which it cannot."""
        bundle: dict[str, Any] = {"text/plain": repr(self), "image/svg+xml": self.to_svg().data}
        if not in_kernel():
            return bundle
        try:
            widget = self.widget
        except MissingExtraError:
            return bundle
        shown = widget._repr_mimebundle_()
        data = shown[0] if isinstance(shown, tuple) else shown
        return {**(data or {}), **bundle}

    def __repr__(self) -> str:
        return f"Figure(axes={self.axes!r})" if self.axes else f"Figure(marks={self.marks!r})"


def in_kernel() -> bool:
    """Return whether this runs in the kernel of a notebook, which has somebody to draw for."""
    loaded = sys.modules.get("IPython")  # a kernel has loaded it, and to load it here would take long
    return loaded is not None and getattr(loaded.get_ipython(), "kernel", None) is not None
