"""All frames, tiled into one image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.plot.frames_drawn import drawn
from headrace.plot.marks import Array

_MARKS = ("min", "max", "mean")
TILED = 1 << 24  # bytes of a stream's frames, and pixels of others: screens show no more


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
    >>> from headrace.plot import tiled
    >>> tiled(np.arange(4).reshape(2, 1, 2), border_val=9).tolist()
    [[0.0, 1.0, 9.0, 2.0, 3.0]]
    """
    try:
        down, right = (tuple(int(k) for k in axes) for axes in dims)
        if sorted(down + right) != [0, 1, 2, 3, 4] or not down or not right:
            raise ValueError
    except (TypeError, ValueError, OverflowError):
        raise StreamConfigError(
            f"tiled(dims=) got {dims!r}, wanted the axes 0 to 4 in two groups: those that go down, those to the right.\n"
            "  ((0, 1, 3), (2, 4)) has the frames of each batch and channel in a row."
        ) from None
    try:
        line = None if border_val in _MARKS else float(border_val)
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"tiled(border_val=) got {border_val!r}, wanted a number, 'min', 'max' or 'mean'.\n"
            "  Leave it out for 0, or the lines with border=False."
        ) from None
    block = drawn(w, "tiled", room=TILED).block
    if block.size > TILED:
        raise DataError(
            f"tiled got {block.size} pixels, wanted {TILED} at most.\n  Choose some of the frames: film[::100]."
        )
    if line is None:
        line = float(block.mean(dtype=np.float64)) if border_val == "mean" else float(getattr(block, str(border_val))())
    tiles = block.transpose(*down, *right)
    room = int(bool(border))
    apart = np.array(tiles.shape)
    apart[[len(down) - 1, 4]] += room
    made = np.full(apart, line)
    made[tuple(slice(n) for n in tiles.shape)] = tiles
    image: Array = made.reshape(math.prod(apart[: len(down)].tolist()), -1)
    return image[: image.shape[0] - room, : image.shape[1] - room]


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
