"""What is drawn of frames: the next ones of a stream, which does not move, or a block in any of its forms."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.frames.base import FrameStream
from headrace.frames.layout import as_array
from headrace.plot.marks import Array

MOST = 500  # frames of a stream that are drawn, where nothing else is said


def block_of(x: Any, who: str, most: int = MOST) -> Array:
    """Return frames as ``[batch, channel, time, row, col]``.

    Parameters
    ----------
    x
        A frame stream, whose next frames these are, or any stream of frames, from the first on; or an array or tensor:
        ``[time]``, ``[row, col]``, ``[time, row, col]``, ``[channel, time, row, col]`` or with batches in front. Of more
        axes in front the first is taken.
    who
        The name that messages begin with.
    most
        How many frames of a stream.

    Raises
    ------
    DataError
        For what is no frames, or none.

    Examples
    --------
    >>> import numpy as np
    >>> [block_of(np.zeros((2, 3, 4)[:n]), "plot").shape for n in (1, 2, 3)]
    [(1, 1, 2, 1, 1), (1, 1, 1, 2, 3), (1, 1, 2, 3, 4)]
    """
    array = _drawn(x, most) if hasattr(x, "open") else as_array(x)
    if array.dtype.kind not in "buif" or array.ndim == 0:
        raise DataError(
            f"{who} got {array.dtype} of shape {array.shape}, wanted frames: [time, row, col] or [batch, channel, time, row, col].\n"
            "  A stream of frames will do, too."
        )
    while array.ndim > 5:
        array = array[0]
    if array.ndim == 1:
        array = array[:, np.newaxis, np.newaxis]
    while array.ndim < 5:
        array = array[np.newaxis]
    if 0 in array.shape:
        raise DataError(f"{who} got a block of shape {array.shape}, wanted at least one frame of one pixel.")
    return array


def _drawn(x: Any, most: int) -> Array:
    """Return the next frames of a stream as a block."""
    if isinstance(x, FrameStream):
        frames = x.peek(most)
    else:
        with x.open() as cursor:
            frames = np.asarray(cursor.read(most))
    if frames.ndim == 4:  # columns [time, row, col, channel]
        return np.moveaxis(frames, 3, 0)
    return frames.transpose(1, 4, 0, 2, 3) if frames.ndim == 5 else frames


def colours_of(block: Array) -> Array | None:
    """Return a block of one batch and three channels as columns ``(time, row, col, 3)``; None for another."""
    return block[0].transpose(1, 2, 3, 0) if block.shape[:2] == (1, 3) else None


def scale_of(block: Array) -> tuple[float, float]:
    """Return the lowest and the highest finite value, apart from each other."""
    finite = block[np.isfinite(block)] if block.dtype.kind == "f" else block
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    return (low, high) if high > low else (low, low + 1.0)


def bytes_of(block: Array, scale: tuple[float, float]) -> Array:
    """Return values as uint8, ``scale`` from black to white."""
    if block.dtype == np.uint8 and scale == (0.0, 255.0):
        return block
    low, high = scale
    shares = (block.astype(np.float32) - low) / (high - low)
    return np.asarray(np.clip(np.nan_to_num(shares), 0, 1) * 255 + 0.5, np.uint8)
