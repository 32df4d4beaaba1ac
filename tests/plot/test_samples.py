"""Samples drawn by the user's own function."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace import plot
from headrace.trees import SampleBufferNode, SamplingTree
from plot.drawings import Read
from support.require import require

matplotlib = require("matplotlib")
pyplot = require("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _left_as_found() -> Iterator[None]:
    before = dict(matplotlib.rcParams)
    yield
    pyplot.close("all")
    assert dict(matplotlib.rcParams) == before


def noise(_: Any, *, rng: np.random.Generator) -> Any:
    return rng.normal(size=16)


def tree_of(**more: Any) -> SamplingTree:
    return SamplingTree([noise, {"low": "low", "high": "high"}], **more)


class Drawn:
    """A plotting function that remembers what it was given."""

    def __init__(self) -> None:
        self.samples: list[Any] = []

    def __call__(self, sample: Any, ax: Any) -> None:
        self.samples.append(sample)
        ax.plot(sample)


def test_the_grid_shows_the_next_samples_and_moves_nothing() -> None:
    tree, draw = tree_of(collate_func=np.array), Drawn()
    tree.collect(5)
    figure = plot.plot_labeled_samples_grid(tree, draw, columns=3)
    assert tree.position == 5
    expected = tree.collect(9)
    assert np.array_equal(draw.samples, expected[0])
    assert [axes.get_title() for axes in figure.axes] == expected[1].tolist()
    assert len(pyplot.get_fignums()) == 1


def test_the_grid_of_anything_that_gives_samples() -> None:
    class Sampler:
        def collect(self, n: int) -> list[Any]:
            return [(np.zeros(3), k) for k in range(n)]

    figure = plot.plot_labeled_samples_grid(Sampler(), Drawn(), columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["0", "1", "2", "3"]
    stream = hr.source({"X": np.zeros((3, 8, 8)), "y": np.arange(3)})
    figure = plot.plot_labeled_samples_grid(stream, columns=2)
    assert [len(axes.images) for axes in figure.axes] == [1, 1, 1, 0], "a stream may end before the grid"
    with pytest.raises(hr.DataError, match="wanted a SamplingTree, a stream"):
        plot.plot_labeled_samples_grid(object(), columns=2)
    for wrong in (0, 1.5, True):
        with pytest.raises(hr.StreamConfigError, match="columns"):
            plot.plot_labeled_samples_grid(tree_of(), columns=wrong)  # type: ignore[arg-type]  # one is no int


generator = np.random.default_rng(5)


def test_the_grid_of_a_tree_that_cannot_be_replayed() -> None:
    tree = SamplingTree([lambda _: generator.normal(size=8), "a"])
    figure = plot.plot_labeled_samples_grid(tree, columns=2)
    assert [axes.get_title() for axes in figure.axes] == ["a"] * 4


def frames(html: str) -> int:
    return len(re.findall(r'frames\[\d+\] = "data:image/png', html))


def test_the_animation_shows_each_sample_and_leaves_no_figure() -> None:
    tree, draw = tree_of(), Drawn()
    made = plot.plot_labeled_samples_animation(tree, draw, num_samples=3, interval=100)
    assert tree.position == 0
    assert not pyplot.get_fignums()
    assert frames(made.data) == 3
    assert made._repr_html_() == made.data
    assert "page of" in repr(made)
    given = {tuple(sample) for sample in draw.samples}
    assert given == {tuple(sample) for sample, _ in tree.collect(3)}
    with pytest.raises(hr.StreamConfigError, match="interval"):
        plot.plot_labeled_samples_animation(tree, draw, interval=0)


def test_a_buffer_is_drawn() -> None:
    buffer, draw = SampleBufferNode("kept", 3), Drawn()
    assert buffer.plot(draw) is None, "empty"
    SamplingTree([noise, "a", buffer]).collect(5)
    made = buffer.plot(draw)
    assert frames(made.data) == 3
    assert all(sample.shape == (16,) for sample in draw.samples), "the value of (value, label)"
    assert not pyplot.get_fignums()
    film = buffer.plot(draw, display=False)
    assert isinstance(film, require("matplotlib.animation").FuncAnimation)
    assert frames(film.to_jshtml()) == 3
    assert len(pyplot.get_fignums()) == 1, "the caller's to close"


def test_a_function_of_the_users_draws_in_the_tree_too() -> None:
    buffer, draw = SampleBufferNode("kept", 2), Drawn()
    tree = SamplingTree([noise, buffer, "a"])
    tree.collect(5)
    drawing = plot.tree_svg(tree, plotting_func=draw, samples=3)
    samples = Read(drawing.data).named("kept").samples
    assert samples is not None
    found = re.findall(r"data:image/png;base64,([^\"]+)", drawing.data)
    assert len(found) == 5
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in found)
    assert len(draw.samples) == 5
    assert not pyplot.get_fignums()
    assert plot.tree_svg(tree, plotting_func=Drawn(), samples=3).data == drawing.data


def test_samples_are_drawn_by_their_shape() -> None:
    figure = require("matplotlib.figure").Figure()
    for sample, lines, images, texts in [
        (np.zeros(16), 1, 0, 0),
        (np.zeros((64, 2)), 2, 0, 0),
        (np.zeros((8, 8)), 0, 1, 0),
        (np.zeros((8, 8, 3), np.uint8), 0, 1, 0),
        (np.zeros((8, 8, 3)), 0, 1, 0),
        (np.zeros((8, 8, 1)), 0, 1, 0),
        ({"X": np.ones(9) * 1j, "y": 1}, 1, 0, 0),
        ("a word", 0, 0, 1),
    ]:
        axes = figure.add_subplot()
        plot.draw_sample(sample, axes)
        assert (len(axes.lines), len(axes.images), len(axes.texts)) == (lines, images, texts)
