"""Values, parameters and drifts over time."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from itertools import count
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace import plot
from headrace.trees import Parameter, ParameterStore, SamplingTree, abrupt, cyclic, gradual, incremental, recurring
from support.require import require

matplotlib = require("matplotlib")
pyplot = require("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _left_as_found() -> Iterator[None]:
    """A plot leaves no figures but those it returned, and matplotlib's settings as they were."""
    before = dict(matplotlib.rcParams)
    assert not pyplot.get_fignums()
    yield
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


@pytest.fixture
def ax() -> Any:
    return require("matplotlib.figure").Figure().add_subplot()


def heights(axes: Any) -> Any:
    return axes.lines[0].get_ydata().tolist()


def test_numbers_are_a_line_with_round_markers(ax: Any) -> None:
    assert plot.plot([1, 2.5, 2], ax, "title") is ax
    assert heights(ax) == [1, 2.5, 2]
    assert ax.lines[0].get_marker() == "o"
    assert ax.get_title() == "title"
    plot.plot([np.float64(1), np.int8(2)], ax)
    plot.plot(iter([1, 2]), ax)


def test_rows_are_a_stack(ax: Any) -> None:
    plot.plot([[0.5, 0.5], [0.1, 0.9], [0.0, 1.0]], ax)
    assert len(ax.collections) == 2
    assert ax.get_xlim() == (0, 2)
    plot.plot(np.ones((3, 4)), ax)
    plot.plot([(0.5, 0.5), (0.1, 0.9)], ax)


@pytest.mark.parametrize("values", [[[1, 2], [3]], [np.zeros((2, 2))] * 3, [], [[1, 2], 3]])
def test_rows_that_make_no_stack_are_refused(values: Any) -> None:
    with pytest.raises(AssertionError, match="plot got"):
        plot.plot(values)
    with pytest.raises(plot.PlotShapeError):
        plot.plot(values)
    assert not pyplot.get_fignums(), "no figure is begun for them"


@pytest.mark.parametrize("values", [["a", "b"], [None, None], [{}], [1, "a"], [1, [2]]])
def test_values_without_a_curve_are_refused(values: Any) -> None:
    with pytest.raises(NotImplementedError, match="plot got"):
        plot.plot(values)
    with pytest.raises(hr.DataError):
        plot.plot(values)
    assert not pyplot.get_fignums()


def test_a_figure_of_its_own_is_the_callers_to_close() -> None:
    axes = plot.plot([1, 2])
    assert pyplot.get_fignums() == [axes.figure.number]
    axes = plot.plot_parameter(Parameter("x", 1, [2]))
    assert len(pyplot.get_fignums()) == 2


# --- parameters -----------------------------------------------------------------------------------


def test_a_parameter_is_drawn_from_now_on_and_not_used_up(ax: Any) -> None:
    x = Parameter("x", 5, [1, 2, 3])
    x.update()
    plot.plot_parameter(x, ax=ax)
    assert heights(ax) == [1, 2, 3]
    assert ax.get_title() == "x"
    assert x.update() == 2


def test_as_many_values_as_asked_for(ax: Any) -> None:
    plot.plot_parameter(Parameter("x", 0, range(1, 100)), 4, ax)
    assert heights(ax) == [0, 1, 2, 3]
    for wrong in (1, 0, -3, 2.5):
        with pytest.raises(hr.StreamConfigError, match=r"num_values="):
            plot.plot_parameter(Parameter("x", 0, [1]), wrong, ax)  # type: ignore[arg-type]  # one is no int


def test_all_of_a_long_list_is_drawn(ax: Any) -> None:
    plot.plot_parameter(Parameter("x", 0, range(5000)), ax=ax)
    assert len(heights(ax)) == 5001


def test_schedules_without_an_end_end_somewhere(ax: Any) -> None:
    plot.plot_parameter(Parameter("x", 0, [1, 2], "cycle"), ax=ax)
    assert heights(ax) == [0, 1, 2], "one lap"
    endless = Parameter("x", schedule=count())
    plot.plot_parameter(endless, ax=(other := ax.figure.add_subplot()))
    assert len(heights(other)) == 1000
    drawn = Parameter("x", schedule=(k * k for k in count()))
    plot.plot_parameter(drawn, 3, (third := ax.figure.add_subplot()))
    assert heights(third) == [0, 1, 4]
    assert drawn.update() == 1


def test_a_parameter_by_sample_is_drawn_over_samples(ax: Any) -> None:
    plot.plot_parameter(Parameter("x", abrupt(0.1, 0.4, at=500)), ax=ax)
    x, y = ax.lines[0].get_xdata(), ax.lines[0].get_ydata()
    assert ax.get_xlabel() == "sample"
    assert x.max() > 500
    assert y[x == 499].tolist() == [0.1]
    assert y[x == 500].tolist() == [0.4]
    plot.plot_parameter(Parameter("x", gradual(0.0, 1.0, at=500, width=100)), 1000, (other := ax.figure.add_subplot()))
    x, y = other.lines[0].get_xdata(), other.lines[0].get_ydata()
    assert x.max() == 1000
    assert (np.diff(y) >= 0).all()
    assert abs(np.interp(500, x, y) - 0.5) < 0.05, "the mean of many samples"
    plot.plot_parameter(
        Parameter("p", gradual([1, 0], [0.2, 0.8], at=500, width=100)), ax=(third := ax.figure.add_subplot())
    )
    assert len(third.collections) == 2
    plot.plot_parameter(Parameter("x", cyclic(1.0, 2.0, every=10)), ax=ax.figure.add_subplot())


def test_a_store_has_one_curve_below_the_other() -> None:
    store = ParameterStore(
        {"a": 1, "s": {"b": {"schedule": [1, 2]}, "p": {"schedule": [[0.5, 0.5], [0.1, 0.9]]}}, "word": "same"}
    )
    before = store.get_params()
    figure = plot.plot_parameter_store(store, 2)
    assert [axes.get_title() for axes in figure.axes] == ["a", "s.b", "s.p", "word"]
    tops = [axes.get_position().y1 for axes in figure.axes]
    assert tops == sorted(tops, reverse=True)
    assert [text.get_text() for text in figure.axes[3].texts] == ["'same'"]
    assert store.get_params() == before
    figure.savefig(BytesIO())
    with pytest.raises(hr.StreamConfigError, match="without parameters"):
        plot.plot_parameter_store(ParameterStore())


# --- drifts ---------------------------------------------------------------------------------------


def make(value: Any) -> SamplingTree:
    return SamplingTree(
        [lambda _, height: height, {"a": "a", "b": [lambda x, lift: x + lift, "b"]}], value, strict=False
    )


def marks(axes: Any) -> list[float]:
    lines = [c for c in axes.collections if isinstance(c, require("matplotlib.collections").LineCollection)]
    return [float(segment[0][0]) for c in lines for segment in c.get_segments()]


def test_drifts_are_marked_where_they_are() -> None:
    tree = make(
        {
            "height": {"value": 1.0, "schedule": [1.0, 2.0]},
            "lift": incremental(0.0, 1.0, at=500, width=200),
            "branching_node": {"probs": gradual([1, 0], [0.5, 0.5], at=1000, width=100)},
        }
    )
    figure = plot.plot_drifts(tree)
    found = {}
    for axes in figure.axes:
        spans = [patch for patch in axes.patches if patch.get_alpha() == 0.15]
        found[axes.get_title(loc="left")] = (
            marks(axes),
            [(span.get_x(), span.get_x() + span.get_width()) for span in spans],
            axes.get_xlabel(),
        )
    assert found == {
        "<lambda>.height": ([2], [], "step"),
        "branching_node.probs": ([1000], [(950, 1050)], "sample"),
        "<lambda>_2.lift": ([500], [(400, 600)], "sample"),
    }
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["covariate drift", "prior drift", "concept drift"]
    assert tree.step == 0
    figure.savefig(BytesIO())


def test_drifts_are_where_they_are_after_updates_too() -> None:
    tree = make({"height": {"value": 1.0, "schedule": [2.0, 2.0, 5.0]}, "lift": 1.0})
    tree.update()
    (axes,) = plot.plot_drifts(tree).axes
    assert heights(axes) == [2.0, 2.0, 5.0]
    assert marks(axes) == [0, 2]


def test_endless_drifts_need_an_end() -> None:
    tree = make({"height": recurring(1.0, 2.0, at=100, length=10, every=50), "lift": 1.0})
    with pytest.raises(hr.StreamConfigError, match="until"):
        plot.plot_drifts(tree)
    (axes,) = plot.plot_drifts(tree, until=300).axes
    assert axes.get_xlim()[1] == 300


def test_a_tree_that_stands_still_says_so() -> None:
    (axes,) = plot.plot_drifts(make({"height": 1.0, "lift": 1.0})).axes
    assert axes.texts[0].get_text() == "no parameter drifts"
