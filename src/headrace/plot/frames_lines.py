"""Frames as figures: values over time with examples below, or by what they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from headrace.core.checks import whole_number
from headrace.core.optional import optional
from headrace.core.registry import register
from headrace.errors import DataError, StreamConfigError
from headrace.plot.frames_blocks import scale_of, stretches
from headrace.plot.frames_drawn import Drawn, drawn
from headrace.plot.frames_tiles import TILED, tiled
from headrace.plot.marks import Array

Limits = int | tuple[int, int] | None
Mode = Literal["lines", "matshow", "tensor"]
_ALPHA = 0.2  # of the line of one pixel
_LINES = 1000  # of single pixels: more of them would cover each other
_MOST_LINES = 1 << 14  # beyond which nobody waits for the figure


@register("plot.frames", example=None, kind="view")
def plot_frames(x: Any, mode: Mode | None = None) -> Any:
    """Return a figure of frames, by what they are: one frame as an image, one pixel as a line, else as :func:`plot_tensor`.

    Parameters
    ----------
    x
        A stream of frames, of which the next 500 are drawn and which does not move; or an array or tensor, as
        ``[time, row, col]``, ``[time, row, col, channel]`` of at most 4 channels, as ``film[a:b]`` gives them,
        ``[batch, channel, time, row, col]`` or with fewer axes. Of a stream whose frames take more
        than 64 MiB (16 MiB tiled), some are left out, so that those drawn are equally far apart; of one that has no frames
        by number, as many are drawn as fit.
    mode
        ``"matshow"`` tiles all frames into one image, ``"lines"`` draws a line for each pixel, or for about 1000 on a
        regular grid, ``"tensor"`` is :func:`plot_tensor`.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Yours to close.

    Raises
    ------
    StreamConfigError
        For a mode that is none.
    DataError
        For what is no frames.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from headrace.frames import moving_bar
    >>> from headrace.plot import plot_frames
    >>> figure = plot_frames(moving_bar(100, 12, 16))
    >>> len(figure.axes)
    6
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    if mode is not None and mode not in get_args(Mode):
        raise StreamConfigError(
            f"plot_frames(mode=) got {mode!r}, wanted one of {', '.join(map(repr, get_args(Mode)))}.\n"
            "  Leave it out for the one that fits the frames."
        )
    found = drawn(x, "plot_frames", room=TILED) if mode == "matshow" else drawn(x, "plot_frames")
    batches, channels, frames, rows, cols = found.block.shape
    one_pixel = batches * channels * rows * cols == 1
    if mode is None:
        mode = "lines" if one_pixel and frames > 1 else "matshow" if frames == 1 else "tensor"
    if mode == "tensor":
        return _figure(found, 5, 16, True, "Output Tensor")
    # What is wrong is said before there is a figure.
    image = tiled(found.block) if mode == "matshow" else None
    pyplot = optional("matplotlib.pyplot", "plot", "plot_frames")
    figure, axes = pyplot.subplots(layout="constrained")
    if image is not None:
        axes.imshow(image, cmap="gray", interpolation="nearest")
        axes.set_axis_off()
    else:
        some = _grid(found.block, _LINES // (batches * channels))
        axes.plot(found.numbers, np.moveaxis(some, 2, 0).reshape(frames, -1), "-")
        axes.set_xlabel("frame")
    return figure


def _grid(block: Array, most: int) -> Array:
    """Return at most ``most`` pixels of each frame, on a regular grid; all where there are no more."""
    rows, cols = block.shape[-2:]
    most = max(1, most)
    down = min(rows, most, max(1, round((most * rows / cols) ** 0.5)))
    right = min(cols, most // down)
    middles = [(np.arange(n) * 2 + 1) * size // (2 * n) for n, size in ((down, rows), (right, cols))]
    return block[..., middles[0][:, np.newaxis], middles[1]]


def plot_tensor(
    t: Any,
    n_examples: int = 5,
    max_lines: int = 16,
    tlim: Limits = None,
    xlim: Limits = None,
    ylim: Limits = None,
    resize_small_figures: bool = True,
    title: str = "Output Tensor",
) -> Any:
    """Return a figure of frames: above, their values over time; below, some of them as images.

    For each batch and channel there are the band between the least and the greatest pixel, the mean, lines of single
    pixels on a regular grid, and a row of frames, equally far apart in time, on one scale.

    Parameters
    ----------
    t
        As ``x`` of :func:`plot_frames`.
    n_examples
        How many frames there are in a row.
    max_lines
        How many pixels have lines at most.
    tlim, xlim, ylim
        Which frames, rows and columns: a number of them, or the first and the one behind the last.
    resize_small_figures
        Make room for all rows, where the figure has less.
    title
        What is written above.

    Returns
    -------
    figure : matplotlib.figure.Figure
        Yours to close.

    Raises
    ------
    StreamConfigError
        For numbers that are none, and limits between which there is nothing.
    DataError
        For what is no frames.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from headrace.frames import moving_bar
    >>> from headrace.plot import plot_tensor
    >>> figure = plot_tensor(moving_bar(100, 12, 16), n_examples=3, tlim=(20, 80))
    >>> [axes.get_title() for axes in figure.axes]
    ['Output Tensor', '20', '50', '79']
    >>> import matplotlib.pyplot as plt
    >>> plt.close(figure)
    """
    n_examples = whole_number("plot_tensor", n_examples, 1, name="n_examples", things="frames")
    max_lines = whole_number("plot_tensor", max_lines, 0, name="max_lines", things="lines")
    block, numbers = drawn(t, "plot_tensor", cut=lambda n: _cut("tlim", tlim, n))
    part = tuple(_cut(*limits) for limits in (("xlim", xlim, block.shape[3]), ("ylim", ylim, block.shape[4])))
    return _figure(Drawn(block[..., part[0], part[1]], numbers), n_examples, max_lines, resize_small_figures, title)


def _figure(found: Drawn, n_examples: int, max_lines: int, resize: bool, title: str) -> Any:
    block, at = found
    frames = len(at)
    lanes = list(np.ndindex(block.shape[:2]))  # a batch and a channel each
    shown = np.unique(np.linspace(0, frames - 1, min(n_examples, frames)).round().astype(int))
    pyplot = optional("matplotlib.pyplot", "plot", "plot_tensor")
    figure = pyplot.figure(layout="constrained")
    grid = figure.add_gridspec(1 + len(lanes), len(shown), height_ratios=[2] + [1] * len(lanes))
    if resize:
        width, height = figure.get_size_inches()
        figure.set_size_inches(max(width, 1.2 * len(shown)), max(height, 3.0 + 1.2 * len(lanes)))
    above = figure.add_subplot(grid[0, :])
    least, greatest, mean = _over_pixels(block)
    for k, lane in enumerate(lanes):
        colour = f"C{k % 10}"
        above.fill_between(at, least[lane], greatest[lane], color=colour, alpha=0.15, linewidth=0)
        above.plot(at, mean[lane], color=colour)
        if max_lines:
            above.plot(at, _grid(block[lane], max_lines).reshape(frames, -1), color=colour, alpha=_ALPHA)
    above.set_title(title)
    above.set_xlabel("frame")
    low, high = scale_of(block)
    for k, lane in enumerate(lanes):
        for j, place in enumerate(shown.tolist()):
            axes = figure.add_subplot(grid[1 + k, j])
            axes.imshow(
                block[(*lane, place)].astype(np.float64), vmin=low, vmax=high, cmap="gray", interpolation="nearest"
            )
            axes.set_title(str(at[place]), fontsize=8)
            axes.set_axis_off()
    return figure


def _over_pixels(block: Array) -> tuple[Array, Array, Array]:
    """Return the least, the greatest and the mean value of each frame, ``[batch, channel, time]``."""
    parts = [
        (part.min(axis=(3, 4)), part.max(axis=(3, 4)), part.mean(axis=(3, 4), dtype=np.float64))
        for part in stretches(block)
    ]
    least, greatest, mean = (np.concatenate(each, axis=2, dtype=np.float64) for each in zip(*parts, strict=True))
    return least, greatest, mean


def _cut(name: str, limits: Any, size: int) -> slice:
    if limits is None:
        return slice(0, size)
    low, high = limits if isinstance(limits, tuple | list) and len(limits) == 2 else (0, limits)
    try:
        found = range(size)[int(low) : int(high)]
    except (TypeError, ValueError, OverflowError):
        found = range(0)
    if not found:
        raise StreamConfigError(
            f"plot_tensor({name}=) got {limits!r}, wanted a part of 0 to {size}.\n"
            "  Give how many from the first on, or (first, end)."
        )
    return slice(found.start, found.stop)


def plot_5d_time(w: Any, lsty: str = "-", mean: Sequence[int] | bool = (), time: Sequence[int] = (2,)) -> Array:
    """Draw values over time on matplotlib's current axes, one line for each of the rest, and return what was drawn.

    Parameters
    ----------
    w
        As ``x`` of :func:`plot_frames`.
    lsty
        Matplotlib's style of the lines.
    mean
        Axes that are averaged; True for all others.
    time
        Axes that are time, one behind the other.

    Raises
    ------
    StreamConfigError
        For axes that are none of 0 to 4.
    DataError
        For what is no frames, or more than 16 384 lines.
    MissingExtraError
        When matplotlib is not installed.

    Examples
    --------
    >>> from headrace.frames import moving_bar
    >>> from headrace.plot import plot_5d_time
    >>> plot_5d_time(moving_bar(100, 12, 16), mean=True).shape
    (100, 1)
    >>> import matplotlib.pyplot as plt
    >>> plt.close()
    """
    along = _axes("time", time)
    over = tuple(k for k in range(5) if k not in along) if mean is True else _axes("mean", mean or ())
    block = drawn(w, "plot_5d_time").block
    rest = [k for k in range(5) if k not in along]
    count = math.prod(block.shape[k] for k in rest if k not in over)
    if count > _MOST_LINES:
        raise DataError(
            f"plot_5d_time got {count} lines to draw, wanted {_MOST_LINES} at most.\n"
            "  Average some axes, with mean=(3, 4), or choose some pixels before."
        )
    pyplot = optional("matplotlib.pyplot", "plot", "plot_5d_time")
    values = block.mean(axis=over, keepdims=True, dtype=np.float64) if over else block.astype(np.float64)
    lines: Array = values.transpose(*along, *rest).reshape(math.prod(values.shape[k] for k in along), -1)
    pyplot.plot(lines, lsty)
    return lines


def _axes(name: str, axes: Any) -> tuple[int, ...]:
    try:
        found = tuple(int(axis) for axis in axes)
        if len(set(found)) != len(found) or not set(found) <= set(range(5)):
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StreamConfigError(
            f"plot_5d_time({name}=) got {axes!r}, wanted some of the axes 0 to 4, each once.\n"
            "  They are batch, channel, time, row and column."
        ) from None
    return found
