"""What is many or large: ways, changes, values; and figures of functions that fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.plot import explore, plot_drifts, plot_labeled_samples_grid, plot_parameter, thumbnail, tree_svg
from headrace.trees import Parameter, SamplingTree, abrupt, cyclic
from support.require import require


def value(_: Any, x: Any) -> Any:
    return x


@pytest.mark.parametrize("n", [62, 63, 100])
def test_more_ways_than_a_length_can_be_are_drawn(n: int) -> None:
    forks = [{"name": f"m{j}", "y": [], "n": []} for j in range(n)]
    tree = SamplingTree([value, *forks, "e"], {"x": abrupt(0, 1, at=5)})
    assert "covariate drift" in tree_svg(tree, samples=1).data
    assert tree.to_mermaid().count("m61") > 0


def stairs() -> SamplingTree:
    return SamplingTree([value], {"x": abrupt(*map(float, range(41)), at=[100 * (k + 1) for k in range(40)])})


def test_a_plot_reaches_behind_the_last_change() -> None:
    pyplot = require("matplotlib.pyplot")
    tree = stairs()
    axes = plot_parameter(tree.params["x"])
    assert axes.lines[0].get_ydata().max() == 40.0
    figure = plot_drifts(tree)
    assert figure.axes[0].get_xlim()[1] > 4000
    assert figure.axes[0].lines[0].get_ydata().max() == 40.0
    pyplot.close("all")


def test_a_slider_reaches_behind_the_last_change() -> None:
    require("anywidget")
    assert explore(stairs(), samples=0).places[-1] > 4000


def test_a_dozen_changes_of_those_without_an_end() -> None:
    pyplot = require("matplotlib.pyplot")
    axes = plot_parameter(Parameter("x", cyclic(0, 1, every=100)))
    assert axes.lines[0].get_xdata().max() == 1500
    pyplot.close("all")


@pytest.mark.parametrize("top", [1e308, np.finfo(np.float64).max])
def test_values_farther_apart_than_floats_reach_are_drawn(top: float) -> None:
    signal = np.linspace(-1.0, 1.0, 9) * top
    _, path = thumbnail(signal).data.split("<path")
    small = thumbnail(np.linspace(-1.0, 1.0, 9)).data.split("<path")[1]
    assert path.split("/>")[0] == small.split("/>")[0], "the same line: only its scale is another"
    picture = signal.reshape(3, 3)
    assert thumbnail(picture).data == thumbnail(picture / top).data


def test_a_figure_is_closed_when_the_user_s_function_fails() -> None:
    pyplot = require("matplotlib.pyplot")

    def fails(sample: Any, axes: Any) -> None:
        raise ValueError("mine")

    before = pyplot.get_fignums()
    with pytest.raises(ValueError, match="mine"):
        plot_labeled_samples_grid(SamplingTree([lambda _: 0, "a"]), fails)
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "2"])
def test_numbers_that_are_none_are_refused_alike(wrong: Any) -> None:
    tree = SamplingTree([value, "a"], {"x": {"schedule": [1, 2]}})
    for call in (
        lambda: tree_svg(tree, most=wrong),
        lambda: plot_labeled_samples_grid(tree, columns=wrong),
        lambda: plot_parameter(tree.params["x"], wrong),
        lambda: explore(tree, wrong),
    ):
        with pytest.raises(hr.StreamConfigError, match=r"got \w+=.*, wanted a whole number of .* of at least"):
            call()
    five: Any = np.int64(5)
    assert tree_svg(tree, most=five).data == tree_svg(tree, most=5).data
