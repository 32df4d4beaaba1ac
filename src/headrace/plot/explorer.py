"""The parameter explorer: a slider along steps or samples, with curves, values, and samples as they are there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from headrace.core.checks import whole_number
from headrace.errors import MissingExtraError, StreamConfigError
from headrace.plot.chart import chart
from headrace.plot.course import Course
from headrace.plot.extras import installed
from headrace.plot.frames import frames_of
from headrace.plot.outline import shown
from headrace.plot.svg import document, escape, number, tag
from headrace.plot.thumbnail import Picture, picture

_APART = 10.0


def explore(
    source: Any,
    until: int | None = None,
    *,
    clock: str | None = None,
    samples: int = 4,
    plotting_func: Callable[[Any, Any], Any] | None = None,
) -> Any:
    """Return a widget for a notebook: a slider, the parameters that move, all values, and samples at that place.

    It is made with anywidget; where that is missing, with ipywidgets alone. Moving it moves neither the tree nor its
    parameters.

    Parameters
    ----------
    source
        A tree, or a store, which has no samples.
    until
        The last step or sample; by default a little behind the last change.
    clock
        ``"step"`` or ``"sample"``: by which the slider goes; by default that by which something moves, steps where both
        do.
    samples
        How many samples are shown.
    plotting_func
        Draws a sample: called as ``plotting_func(sample, axes)`` with matplotlib's axes. By default images and signals are
        drawn without matplotlib.

    Returns
    -------
    widget
        Its ``index`` is the number of the place that is shown, also to be set from Python; ``places`` are steps or samples.

    Raises
    ------
    StreamConfigError
        For another source or clock, without parameters, or for numbers that are none.
    MissingExtraError
        When neither anywidget nor ipywidgets is installed, with what they need.

    Examples
    --------
    >>> import pytest
    >>> _ = pytest.importorskip("anywidget")
    >>> from headrace.plot import explore
    >>> from headrace.trees import SamplingTree
    >>> tree = SamplingTree([lambda _, height: height, "a"], {"height": {"value": 1.0, "schedule": [2.0, 3.0]}})
    >>> widget = explore(tree)
    >>> widget.index = 2
    >>> tree.step, tree.params["height"]
    (0, height=1.0)
    """
    samples = whole_number("explore", samples, 0, name="samples", things="samples")
    course = Course(source, until, clock)

    def preview(index: int) -> str:
        return _side_by_side(course.samples(index, samples), plotting_func)

    try:
        installed("anywidget", "explore")
    except MissingExtraError:
        return _with_ipywidgets(course, preview)
    return _with_anywidget(course, preview)


def _side_by_side(samples: list[Any], plotting_func: Callable[[Any, Any], Any] | None) -> str:
    if not samples:
        return ""
    made: list[Picture] = [
        picture([sample]) if plotting_func is None else frames_of(plotting_func, [sample], 1.0) for sample in samples
    ]
    inside, x = [], _APART
    for one in made:
        inside.append(tag("g", one.svg, transform=f"translate({number(x)} {number(_APART)})"))
        x += one.width + _APART
    return document(x, max(one.height for one in made) + 2 * _APART, inside, "samples").data


def _table(course: Course) -> list[list[str]]:
    return [[shown(value) for value in course.values(name)] for name in course.names]


def _first(course: Course) -> int:
    """Return the place nearest to where the tree is."""
    now = 0
    if course.tree is not None:
        now = course.tree.step if course.clock == "step" else course.tree.position
    return min(range(len(course.places)), key=lambda k: abs(course.places[k] - now))


def _with_anywidget(course: Course, preview: Callable[[int], str]) -> Any:
    drawing, at = chart(course)
    first = _first(course)
    widget = _widget_class()(
        places=course.places,
        names=course.names,
        table=_table(course),
        chart=drawing.data,
        clock=course.clock,
        at=at,
        index=first,
        preview=preview(first),
    )
    widget.observe(lambda change: widget.set_trait("preview", preview(change["new"])), names="index")
    return widget


@cache
def _widget_class() -> Any:
    """Return the widget's class, made when it is first wanted: its base is in an optional package."""
    base = installed("anywidget", "explore").AnyWidget
    traits = installed("traitlets", "explore")
    script = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

    def inside(self: Any, proposal: Any) -> int:
        index: int = proposal["value"]
        if not 0 <= index < len(self.places):
            raise StreamConfigError(
                f"the explorer's index got {index}, wanted the number of a place: 0 to {len(self.places) - 1}.\n"
                "  Its places are the steps or samples in widget.places."
            )
        return index

    members = {
        "__module__": __name__,
        "__doc__": "The parameter explorer of headrace.plot.explore.",
        "_esm": script,
        "index": traits.Int(0).tag(sync=True),
        **{name: traits.List().tag(sync=True) for name in ("places", "names", "table", "at")},
        **{name: traits.Unicode("").tag(sync=True) for name in ("chart", "clock", "preview")},
        "_inside": traits.validate("index")(inside),
    }
    return type("ParameterExplorer", (base,), members)


def _with_ipywidgets(course: Course, preview: Callable[[int], str]) -> Any:
    widgets = installed("ipywidgets", "explore")
    drawing, _ = chart(course)
    table = _table(course)

    def page(index: int) -> str:
        rows = "".join(
            f"<tr><td>{escape(n)}</td><td>{escape(t[index])}</td></tr>"
            for n, t in zip(course.names, table, strict=True)
        )
        head = f"<tr><td>{course.clock}</td><td>{course.places[index]}</td></tr>"
        return f"{drawing.data}<table>{head}{rows}</table>{preview(index)}"

    first = _first(course)
    slider = widgets.IntSlider(value=first, min=0, max=len(course.places) - 1, description=course.clock, readout=False)
    shown_page = widgets.HTML(value=page(first))
    slider.observe(lambda change: setattr(shown_page, "value", page(change["new"])), names="value")
    return widgets.VBox([slider, shown_page])
