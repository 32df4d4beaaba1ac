"""Samples drawn by the user's own function: in a grid, as an animation, those of a buffer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from headrace.core.checks import whole_number
from headrace.core.optional import optional
from headrace.core.registry import register
from headrace.errors import DataError, StreamConfigError
from headrace.plot.frames import INCHES, draw_on, one_axes
from headrace.plot.svg import Html
from headrace.plot.thumbnail import seen
from headrace.trees.nodes import SampleBufferNode

Draw = Callable[[Any, Any], Any]


def plot_labeled_samples_grid(tree: Any, plotting_func: Draw | None = None, columns: int = 4) -> Any:
    """Return a figure of ``columns`` by ``columns`` samples, their labels above them.

    The samples are those from the tree's position on. The tree does not move; where it cannot be replayed, its functions
    draw from their own generator.

    Parameters
    ----------
    tree
        A tree, a stream, or any sampler that has ``collect``, which moves.
    plotting_func
        Draws a sample: called as ``plotting_func(sample, axes)`` with matplotlib's axes, for samples that are a pair with
        the first of it. By default images and signals are drawn as such.
    columns
        How many there are side by side, and one below the other.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Yours to close.

    Raises
    ------
    StreamConfigError
        For a number that is none.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from headrace.plot import plot_labeled_samples_grid
    >>> from headrace.trees import SamplingTree
    >>> tree = SamplingTree([lambda _, *, rng: rng.normal(size=32), {"a": "low", "b": "high"}])
    >>> figure = plot_labeled_samples_grid(tree, columns=2)
    >>> sorted({axes.get_title() for axes in figure.axes} | {"high", "low"})
    ['high', 'low']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    columns = whole_number("plot_labeled_samples_grid", columns, 1, name="columns", things="columns")
    pyplot = optional("matplotlib.pyplot", "plot", "plot_labeled_samples_grid")
    samples = _next(tree, columns * columns)
    side = 2.0 * columns
    figure, axes = pyplot.subplots(columns, columns, figsize=(side, side), squeeze=False, layout="constrained")
    try:
        for sample, each in zip(samples, axes.flat, strict=False):
            draw_on(each, plotting_func or draw_sample, sample)
    except BaseException:
        pyplot.close(figure)  # no one else has it
        raise
    for each in axes.flat[len(samples) :]:
        each.set_axis_off()
    return figure


def plot_labeled_samples_animation(
    tree: Any, plotting_func: Draw | None = None, num_samples: int = 8, interval: int = 200
) -> Html:
    """Return a player of samples, one after the other, as a piece of a page for a notebook.

    The samples are those from the tree's position on. The tree does not move.

    Parameters
    ----------
    tree
        A tree, a stream, or any sampler that has ``collect``, which moves.
    plotting_func
        Draws a sample: called as ``plotting_func(sample, axes)``.
    num_samples
        How many.
    interval
        From one to the next, in milliseconds.

    Raises
    ------
    StreamConfigError
        For numbers that are none.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from headrace.plot import plot_labeled_samples_animation
    >>> from headrace.trees import SamplingTree
    >>> tree = SamplingTree([lambda _, *, rng: rng.normal(size=32), "noise"])
    >>> "Animation" in plot_labeled_samples_animation(tree, num_samples=2).data
    True
    """
    num_samples = whole_number("plot_labeled_samples_animation", num_samples, 1, name="num_samples", things="samples")
    interval = whole_number("plot_labeled_samples_animation", interval, 1, name="interval", things="milliseconds")
    figure, axes = one_axes("plot_labeled_samples_animation")
    film = _film(figure, axes, plotting_func or draw_sample, _next(tree, num_samples), interval)
    return Html(film.to_jshtml(fps=1000 / interval))


@register("plot.buffer", example=None, kind="view")
def plot_buffer(buffer: SampleBufferNode, plotting_func: Draw, display: bool = True) -> Any:
    """Return the samples of a buffer, one after the other; None when it is empty.

    Parameters
    ----------
    buffer
        The node.
    plotting_func
        Draws a sample: called as ``plotting_func(sample, axes)``, for samples that are a pair with the first of it.
    display
        Whether to return a player for a notebook; else matplotlib's ``FuncAnimation``, whose figure is yours to close.

    Raises
    ------
    StreamConfigError
        For what is no buffer.
    MissingExtraError
        When matplotlib is not installed.
    """
    if not isinstance(buffer, SampleBufferNode):
        raise StreamConfigError(
            f"plot_buffer got {buffer!r}, wanted a SampleBufferNode.\n  It is a node of a tree, as in SamplingTree([f, buffer])."
        )
    samples = list(buffer.samples)
    if not samples:
        return None
    if display:
        figure, axes = one_axes("SampleBufferNode.plot")
        return Html(_film(figure, axes, plotting_func, samples, 500).to_jshtml(fps=2))
    pyplot = optional("matplotlib.pyplot", "plot", "SampleBufferNode.plot")
    figure, axes = pyplot.subplots(figsize=INCHES)
    return _film(figure, axes, plotting_func, samples, 500)


def _film(figure: Any, axes: Any, plotting_func: Draw, samples: Sequence[Any], interval: int) -> Any:
    animation = optional("matplotlib.animation", "plot", "an animation")

    def show(k: int) -> tuple[Any, ...]:
        draw_on(axes, plotting_func, samples[k])
        return ()

    return animation.FuncAnimation(figure, show, frames=len(samples), interval=interval, init_func=lambda: ())


def draw_sample(sample: Any, axes: Any) -> None:
    """Draw a sample on matplotlib's axes: images as images, signals as lines, anything else as a text.

    Parameters
    ----------
    sample
        The largest array in it is drawn.
    axes
        Where.

    Examples
    --------
    >>> import numpy as np
    >>> from matplotlib.figure import Figure
    >>> from headrace.plot import draw_sample
    >>> axes = Figure().add_subplot()
    >>> draw_sample(np.eye(8), axes)
    >>> len(axes.images)
    1
    """
    shown = seen(sample)
    if shown.kind == "text":
        axes.text(0.5, 0.5, str(shown.value), ha="center", va="center", transform=axes.transAxes)
        return
    values = np.abs(shown.value) if np.iscomplexobj(shown.value) else np.asarray(shown.value)
    if shown.kind == "signal":
        axes.plot(values)
    elif values.ndim == 3 and values.shape[2] > 1:
        top = 255 if values.dtype.kind in "iu" or np.nanmax(values) > 1 else 1
        axes.imshow(np.clip(values / top, 0, 1))
    else:
        axes.imshow(values.reshape(values.shape[:2]).astype(np.float64), cmap="gray")


def _next(source: Any, n: int) -> list[Any]:
    """Return the next samples of a tree or stream, which stays where it is; of another sampler those that it collects."""
    opened = getattr(source, "open", None)
    if opened is None:
        return list(_collected(source, n))
    position = getattr(source, "position", None)
    replayed = getattr(source.__recipe__(), "access", "index") == "index" if hasattr(source, "__recipe__") else False
    with opened(at=position) if replayed and position is not None else opened() as cursor:
        return list(islice(cursor, n))


def _collected(source: Any, n: int) -> Any:
    if not hasattr(source, "collect"):
        raise DataError(
            f"plot got {source!r}, wanted a SamplingTree, a stream, or what has a method collect.\n"
            "  hr.source(...) makes a stream of arrays."
        )
    return source.collect(n)
