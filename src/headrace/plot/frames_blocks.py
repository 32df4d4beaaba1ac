"""Blocks of frames for drawing: in one form, a stretch at a time, smaller, as bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.frames.base.layout import arranged, as_array
from headrace.plot.marks import Array

STRETCH = 1 << 20  # values that are worked on at a time
_CHANNELS = 4  # of columns of frames in colour at most: blocks without batches have more columns than that


def block_of(x: Any, who: str) -> Array:
    """Return an array or tensor as ``[batch, channel, time, row, col]``: a view.

    Parameters
    ----------
    x
        ``[time]``, ``[row, col]``, ``[time, row, col]``, ``[channel, time, row, col]`` or with batches in front. Of more
        axes in front the first is taken. Four axes of which the last is 4 at most are columns ``[time, row, col, channel]``,
        as ``film[a:b]`` and ``read`` give them.
    who
        The name that messages begin with.

    Raises
    ------
    DataError
        For what is no frames, or none.

    Examples
    --------
    >>> import numpy as np
    >>> [block_of(np.zeros((2, 3, 4)[:n]), "plot").shape for n in (1, 2, 3)]
    [(1, 1, 2, 1, 1), (1, 1, 1, 2, 3), (1, 1, 2, 3, 4)]
    >>> block_of(np.zeros((7, 20, 30, 3)), "plot").shape, block_of(np.zeros((3, 7, 20, 30)), "plot").shape
    ((1, 3, 7, 20, 30), (1, 3, 7, 20, 30))
    """
    array = as_array(x)
    if array.dtype.kind not in "buif" or array.ndim == 0:
        raise DataError(
            f"{who} got {array.dtype} of shape {array.shape}, wanted frames: [time, row, col] or [batch, channel, time, row, col].\n"
            "  A stream of frames will do, too."
        )
    while array.ndim > 5:
        array = array[0]
    if array.ndim == 4 and 0 < array.shape[3] <= _CHANNELS:
        array = arranged(array, "5d")
    if array.ndim == 1:
        array = array[:, np.newaxis, np.newaxis]
    while array.ndim < 5:
        array = array[np.newaxis]
    if 0 in array.shape:
        raise DataError(
            f"{who} got a block of shape {array.shape}, wanted at least one frame of one pixel.\n"
            "  A stream at its end has none left: reset() it, or ask available() first."
        )
    return array


def colours_of(block: Array) -> Array | None:
    """Return a block of one batch and three channels as columns ``(time, row, col, 3)``; None for another."""
    return block[0].transpose(1, 2, 3, 0) if block.shape[:2] == (1, 3) else None


def stretches(block: Array) -> Iterator[Array]:
    """Give a block along time, some frames at a time: copies of these, in a wider type, are small.

    Examples
    --------
    >>> import numpy as np
    >>> [part.shape[2] for part in stretches(np.zeros((1, 1, 25, 300, 400), bool))]
    [8, 8, 8, 1]
    """
    frames = block.shape[2]
    per = max(1, STRETCH * frames // block.size)
    for lo in range(0, frames, per):
        yield block[:, :, lo : lo + per]


def scale_of(block: Array) -> tuple[float, float]:
    """Return the lowest and the highest finite value, apart from each other."""
    low, high = np.inf, -np.inf
    for part in stretches(block):
        finite = part[np.isfinite(part)] if part.dtype.kind == "f" else part
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if low > high:
        return 0.0, 1.0
    return (low, high) if high > low else (low, low + 1.0)


def bytes_of(block: Array, scale: tuple[float, float]) -> Array:
    """Return values as uint8, ``scale`` from black to white."""
    if block.dtype == np.uint8 and scale == (0.0, 255.0):
        return block
    low, high = scale
    made = np.empty(block.shape, np.uint8)
    done = 0
    for part in stretches(block):
        shares = (part.astype(np.float32) - low) / (high - low)
        made[:, :, done : done + part.shape[2]] = np.clip(np.nan_to_num(shares), 0, 1) * 255 + 0.5
        done += part.shape[2]
    return made


def shrunk(frames: Array, k: int) -> Array:
    """Return frames ``[..., row, col]`` with the mean of each ``k`` x ``k`` pixels as one, float32; the edges' are of fewer.

    Examples
    --------
    >>> import numpy as np
    >>> shrunk(np.arange(15).reshape(3, 5), 2).tolist()
    [[3.0, 5.0, 6.5], [10.5, 12.5, 14.0]]
    """
    rows, cols = frames.shape[-2:]
    down, right = np.arange(0, rows, k), np.arange(0, cols, k)
    counts = np.diff(down, append=rows)[:, np.newaxis] * np.diff(right, append=cols)
    # Rows first: whole rows are added to each other, which is several times faster than the other way round.
    sums = np.add.reduceat(frames, down, axis=-2, dtype=np.float32)
    return np.asarray(np.add.reduceat(sums, right, axis=-1) / counts, np.float32)
