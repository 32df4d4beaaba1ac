"""Frames as figures: values over time with examples below, all frames tiled into one image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np

from headrace.core.optional import optional
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.plot.frames_blocks import block_of, scale_of
from headrace.plot.marks import Array
from headrace.trees.counting import whole_number

Limits = int | tuple[int, int] | None
Mode = Literal["lines", "matshow", "tensor"]
_ALPHA = 0.2  # of the line of one pixel
_LARGEST = 1 << 26  # pixels of tiled frames


@register("plot.frames", example=None, kind="view")
def plot_frames(x: Any, mode: Mode | None = None) -> Any:
    """Return a figure of frames, by what they are: one frame as an image, one pixel as a line, else as :func:`plot_tensor`.

    Parameters
    ----------
    x
        A stream of frames, of which the next 500 are drawn and which does not move; or an array or tensor, as
        ``[time, row, col]``, ``[batch, channel, time, row, col]`` or with fewer axes.
    mode
        ``"matshow"`` tiles all frames into one image, ``"lines"`` draws a line for each pixel, ``"tensor"`` is
        :func:`plot_tensor`.

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
            f"plot_frames(mode=) got {mode!r}, wanted one of {', '.join(map(repr, get_args(Mode)))}."
        )
    block = block_of(x, "plot_frames")
    batches, channels, frames, rows, cols = block.shape
    one_pixel = batches * channels * rows * cols == 1
    if mode is None:
        mode = "lines" if one_pixel and frames > 1 else "matshow" if frames == 1 else "tensor"
    if mode == "tensor":
        return plot_tensor(block)
    pyplot = optional("matplotlib.pyplot", "plot", "plot_frames")
    image = tiled(block) if mode == "matshow" else None  # what is wrong is said before there is a figure
    figure, axes = pyplot.subplots(layout="constrained")
    if image is not None:
        axes.imshow(image, cmap="gray", interpolation="nearest")
        axes.set_axis_off()
    else:
        axes.plot(np.moveaxis(block, 2, 0).reshape(frames, -1), "-")
        axes.set_xlabel("frame")
    return figure


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
        About how many pixels have lines.
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
    n_examples = whole_number("plot_tensor", "n_examples", n_examples, 1, "frames")
    max_lines = whole_number("plot_tensor", "max_lines", max_lines, 0, "lines")
    whole = block_of(t, "plot_tensor")
    cuts = [
        _cut("plot_tensor", name, limits, size)
        for name, limits, size in zip(("tlim", "xlim", "ylim"), (tlim, xlim, ylim), whole.shape[2:], strict=True)
    ]
    block = whole[(slice(None), slice(None), *cuts)]
    first = cuts[0].start
    batches, channels, frames, rows, cols = block.shape
    lanes = block.reshape(batches * channels, frames, rows, cols)
    shown = np.unique(np.linspace(0, frames - 1, min(n_examples, frames)).round().astype(int))
    pyplot = optional("matplotlib.pyplot", "plot", "plot_tensor")
    figure = pyplot.figure(layout="constrained")
    grid = figure.add_gridspec(1 + len(lanes), len(shown), height_ratios=[2] + [1] * len(lanes))
    if resize_small_figures:
        width, height = figure.get_size_inches()
        figure.set_size_inches(max(width, 1.2 * len(shown)), max(height, 3.0 + 1.2 * len(lanes)))
    above = figure.add_subplot(grid[0, :])
    at = np.arange(first, first + frames)
    step = max(1, round((rows * cols / max(1, max_lines)) ** 0.5))
    for k, lane in enumerate(lanes):
        values = lane.astype(np.float64)
        colour = f"C{k % 10}"
        above.fill_between(at, values.min(axis=(1, 2)), values.max(axis=(1, 2)), color=colour, alpha=0.15, linewidth=0)
        above.plot(at, values.mean(axis=(1, 2)), color=colour)
        if max_lines:
            some = values[:, step // 2 :: step, step // 2 :: step].reshape(frames, -1)
            above.plot(at, some[:, : 4 * max_lines], color=colour, alpha=_ALPHA)
    above.set_title(title)
    above.set_xlabel("frame")
    low, high = scale_of(block)
    for k, lane in enumerate(lanes):
        for j, number in enumerate(shown.tolist()):
            axes = figure.add_subplot(grid[1 + k, j])
            axes.imshow(lane[number].astype(np.float64), vmin=low, vmax=high, cmap="gray", interpolation="nearest")
            axes.set_title(str(first + number), fontsize=8)
            axes.set_axis_off()
    return figure


def _cut(who: str, name: str, limits: Any, size: int) -> slice:
    if limits is None:
        return slice(0, size)
    low, high = limits if isinstance(limits, tuple | list) and len(limits) == 2 else (0, limits)
    try:
        found = range(size)[int(low) : int(high)]
    except (TypeError, ValueError):
        found = range(0)
    if not found:
        raise StreamConfigError(
            f"{who}({name}=) got {limits!r}, wanted a part of 0 to {size}: a number, or (first, end)."
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
        For what is no frames.
    MissingExtraError
        When matplotlib is not installed.
    """
    block = block_of(w, "plot_5d_time").astype(np.float64)
    along = _axes("plot_5d_time", "time", time)
    over = tuple(k for k in range(5) if k not in along) if mean is True else _axes("plot_5d_time", "mean", mean or ())
    pyplot = optional("matplotlib.pyplot", "plot", "plot_5d_time")
    block = block.mean(axis=over, keepdims=True)
    rest = [k for k in range(5) if k not in along]
    lines: Array = block.transpose(*along, *rest).reshape(int(np.prod([block.shape[k] for k in along])), -1)
    pyplot.plot(lines, lsty)
    return lines


def _axes(who: str, name: str, axes: Any) -> tuple[int, ...]:
    try:
        found = tuple(int(axis) for axis in axes)
        if len(set(found)) != len(found) or not set(found) <= set(range(5)):
            raise ValueError
    except (TypeError, ValueError):
        raise StreamConfigError(f"{who}({name}=) got {axes!r}, wanted some of the axes 0 to 4.") from None
    return found


def plot_5d_matshow(
    w: Any,
    border: bool = True,
    dims: Sequence[Sequence[int]] = ((0, 1, 3), (2, 4)),
    border_val: float | str = 0.0,
) -> Array:
    """Draw all frames, tiled into one image, on matplotlib's current axes; return what was drawn.

    Parameters
    ----------
    w, border, dims, border_val
        As :func:`tiled` takes them.

    Raises
    ------
    StreamConfigError, DataError
        As :func:`tiled` does.
    MissingExtraError
        When matplotlib is not installed.
    """
    image = tiled(w, border=border, dims=dims, border_val=border_val)
    pyplot = optional("matplotlib.pyplot", "plot", "plot_5d_matshow")
    pyplot.gca().imshow(image, cmap="gray", interpolation="nearest")
    return image


def tiled(
    w: Any,
    border: bool = True,
    dims: Sequence[Sequence[int]] = ((0, 1, 3), (2, 4)),
    border_val: float | str = 0.0,
) -> Array:
    """Return all frames as one image: below each other the batches and channels, side by side the frames in time.

    Parameters
    ----------
    w
        As ``x`` of :func:`plot_frames`.
    border
        Put a line of one pixel between frames.
    dims
        Which of the five axes go down, and which to the right; the last of each are those of a frame.
    border_val
        Of these lines: a number, or ``"min"``, ``"max"`` or ``"mean"`` of all values.

    Raises
    ------
    StreamConfigError
        For axes that are not 0 to 4, each once, and a border that is none.
    DataError
        For what is no frames, or too many for one image.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.plot.frames_lines import tiled
    >>> tiled(np.arange(4).reshape(2, 1, 2), border_val=9).tolist()
    [[0.0, 1.0, 9.0, 2.0, 3.0]]
    """
    try:
        down, right = (tuple(int(k) for k in axes) for axes in dims)
        if sorted(down + right) != [0, 1, 2, 3, 4] or not down or not right:
            raise ValueError
    except (TypeError, ValueError):
        raise StreamConfigError(f"tiled(dims=) got {dims!r}, wanted the axes 0 to 4 in two groups.") from None
    block = block_of(w, "tiled")
    values = block.astype(np.float64)
    marks: dict[str, Callable[[Array], Any]] = {"min": np.min, "max": np.max, "mean": np.mean}
    if isinstance(border_val, str) and border_val not in marks:
        raise StreamConfigError(f"tiled(border_val=) got {border_val!r}, wanted a number, 'min', 'max' or 'mean'.")
    line = float(marks[border_val](values)) if isinstance(border_val, str) else float(border_val)
    if block.size > _LARGEST:
        raise StreamConfigError(
            f"tiled got {block.size} pixels, wanted {_LARGEST} at most.\n  Choose some of the frames: film[::100]."
        )
    values = values.transpose(*down, *right)
    room = int(border)
    size = [block.shape[k] for k in (down[-1], right[-1])]
    counts = [int(np.prod([block.shape[k] for k in axes[:-1]])) for axes in (down, right)]
    tiles = values.reshape(counts[0], size[0], counts[1], size[1])
    made = np.full((counts[0], size[0] + room, counts[1], size[1] + room), line)
    made[:, : size[0], :, : size[1]] = tiles
    image: Array = made.reshape(counts[0] * (size[0] + room), counts[1] * (size[1] + room))
    return image[: image.shape[0] - room, : image.shape[1] - room]
