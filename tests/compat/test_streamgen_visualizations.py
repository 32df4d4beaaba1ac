"""StreamGen's plots by their names, arguments and defaults."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

from headrace.compat import streamgen
from headrace.compat.streamgen import visualizations
from headrace.compat.streamgen.nodes import SampleBufferNode
from headrace.compat.streamgen.parameter import Parameter
from headrace.compat.streamgen.parameter.store import ParameterStore
from headrace.compat.streamgen.samplers.tree import SamplingTree
from support.require import require


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("plot", {"values": ..., "ax": None, "title": None}),
        ("plot_parameter", {"param": ..., "num_values": None, "ax": None}),
        ("plot_parameter_store", {"store": ..., "num_values": None}),
        ("plot_parameter_store_widget", {"store": ..., "num_values": None}),
        ("plot_labeled_samples_grid", {"tree": ..., "plotting_func": None, "columns": 4}),
        ("plot_labeled_samples_animation", {"tree": ..., "plotting_func": None, "num_samples": 8, "interval": 200}),
    ],
)
def test_names_and_arguments(name: str, arguments: dict[str, Any]) -> None:
    found = inspect.signature(getattr(visualizations, name)).parameters.values()
    told = {p.name: ... if p.default is inspect.Parameter.empty else p.default for p in found}
    assert told == arguments
    assert streamgen.visualizations is visualizations


def test_the_plots_of_the_pages() -> None:
    require("matplotlib")
    pyplot = require("matplotlib.pyplot")
    rng = np.random.default_rng(3)
    buffer = SampleBufferNode(num_samples=2)
    tree = SamplingTree([lambda _: rng.normal(size=16), buffer, {"a": "a", "b": "b"}])
    assert buffer.plot(lambda x, ax: ax.plot(x)) is None
    tree.collect(4)

    def draw(sample: Any, ax: Any) -> None:
        ax.plot(sample)

    assert len(visualizations.plot_labeled_samples_grid(tree, draw).axes) == 16
    assert buffer.plot(draw).data
    store = ParameterStore([Parameter("x", 1, [2]), Parameter("p", [0.5, 0.5], [[0.1, 0.9]]), Parameter("z", 3)])
    assert len(visualizations.plot_parameter_store(store, 2).axes) == 3
    with pytest.raises(NotImplementedError):
        visualizations.plot(["a"])
    with pytest.raises(AssertionError):
        visualizations.plot([[[1]], [[2]]])
    pyplot.close("all")


def test_a_tree_is_written_as_documented(tmp_path: Any) -> None:
    tree = SamplingTree([lambda _: 0, {"a": "a", "b": "b"}])
    drawing = tree.to_svg(tmp_path / "tree")
    tree.to_dotfile(tmp_path / "other.dot")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.dot", "tree.dot", "tree.dot.svg"]
    assert drawing.data == (tmp_path / "tree.dot.svg").read_text(encoding="utf-8")
