"""The two layouts of a block of frames, and the way between them and columns of frames.

As an item of a stream a frame is ``(rows, cols)``, in colour ``(rows, cols, channels)``; columns of frames have the time
in front. A block, what ``get`` gives and ``put`` takes, is ``[time, row, col]`` ("3d") or
``[batch, channel, time, row, col]`` ("5d").
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from headrace.core.checks import integer
from headrace.errors import DataError, StreamConfigError

Array = np.ndarray[Any, Any]
Layout = Literal["3d", "5d"]
LARGEST = 1 << 20  # rows or columns beyond which a header is not believed


def layout_of(ndim: int) -> Layout:
    """Return the layout of frames with so many axes.

    Examples
    --------
    >>> layout_of(2), layout_of(3)
    ('3d', '5d')
    """
    return "3d" if ndim == 2 else "5d"


def layout_of_block(block: Any) -> Layout:
    """Return the layout that a block comes in; columns of frames in colour count as "5d".

    Examples
    --------
    >>> layout_of_block(np.zeros((7, 20, 30))), layout_of_block(np.zeros((1, 3, 7, 20, 30)))
    ('3d', '5d')
    """
    return "5d" if np.ndim(block) > 3 else "3d"


def check_layout(who: str, layout: Any) -> Layout | None:
    """Return ``layout``, or raise StreamConfigError when it is none."""
    if layout is not None and layout not in get_args(Layout):
        raise StreamConfigError(
            f"{who}(layout=) got {layout!r}, wanted '3d', '5d' or None.\n"
            "  '3d' is [time, row, col], '5d' is [batch, channel, time, row, col]; None goes by the frames."
        )
    checked: Layout | None = layout
    return checked


def arranged(columns: Array, layout: Layout | None = None) -> Array:
    """Return columns of frames as a block: a view.

    Parameters
    ----------
    columns
        ``(n, rows, cols)``, ``(n, rows, cols, channels)`` or ``(n, batch, rows, cols, channels)``.
    layout
        Of the block; by the frames when it is None.

    Raises
    ------
    DataError
        When frames have other axes, or are in colour and the layout is ``"3d"``.

    Examples
    --------
    >>> arranged(np.zeros((7, 20, 30))).shape, arranged(np.zeros((7, 20, 30)), "5d").shape
    ((7, 20, 30), (1, 1, 7, 20, 30))
    >>> arranged(np.zeros((7, 20, 30, 3))).shape
    (1, 3, 7, 20, 30)
    """
    if columns.ndim == 3:
        return columns if layout != "5d" else columns[np.newaxis, np.newaxis]
    if columns.ndim == 4 and layout != "3d":
        return columns.transpose(3, 0, 1, 2)[np.newaxis]
    if columns.ndim == 5 and layout != "3d":
        return columns.transpose(1, 4, 0, 2, 3)
    wanted = "(rows, cols)" if layout == "3d" else "(rows, cols), (rows, cols, channels)"
    raise DataError(
        f"get(n) got frames of shape {columns.shape[1:]}, wanted {wanted}.\n"
        "  Make them so with hr.map; colour wants the layout '5d'."
    )


def framed(block: Any, who: str = "put", *, joined: bool = False) -> Array:
    """Return a block as columns of frames: a view, where that can be.

    Parameters
    ----------
    block
        An array or tensor: one frame ``[row, col]``, ``[time, row, col]``, ``[batch, channel, time, row, col]``, or
        columns of frames in colour as ``read`` gives them, ``[time, row, col, channel]``.
    who
        The name that messages begin with.
    joined
        Put the batches one behind the other in time; else they stay an axis of the frame where there are several.

    Returns
    -------
    columns
        ``(n, rows, cols)``, or ``(n, rows, cols, channels)`` where there are several channels, or
        ``(n, batch, rows, cols, channels)``.

    Raises
    ------
    DataError
        For anything else, and for values that are no numbers.

    Examples
    --------
    >>> framed(np.zeros((20, 30))).shape, framed(np.zeros((1, 3, 7, 20, 30))).shape
    ((1, 20, 30), (7, 20, 30, 3))
    >>> framed(np.zeros((2, 1, 7, 20, 30)), joined=True).shape
    (14, 20, 30)
    """
    array = as_array(block)
    if array.dtype.kind not in "buif" or not 2 <= array.ndim <= 5:
        raise DataError(
            f"{who} got {array.dtype} of shape {array.shape}, wanted numbers as [time, row, col] or "
            "[batch, channel, time, row, col].\n  Give it blocks as get(n) returns them."
        )
    if array.ndim == 2:
        array = array[np.newaxis]
    if array.ndim in (3, 4):
        return array
    array = array.transpose(0, 2, 3, 4, 1)  # batch, time, row, col, channel
    if joined or array.shape[0] == 1:
        batches, n, rows, cols, channels = array.shape
        array = array.reshape(batches * n, rows, cols, channels)
        return array[..., 0] if channels == 1 else array
    return array.swapaxes(0, 1)


def as_array(block: Any) -> Array:
    """Return an array or a tensor, wherever it lies, as an array."""
    if hasattr(block, "detach"):
        block = block.detach().cpu()
        if str(block.dtype) == "torch.bfloat16":  # NumPy has no such type; float32 holds all of its values
            block = block.float()
    return np.asarray(block)


def centred(who: str, frame: tuple[int, int], size: Any, offset: Any) -> tuple[int, int, int, int]:
    """Return (top, left, rows, cols) of a crop.

    Parameters
    ----------
    who
        The name that messages begin with.
    frame
        Rows and columns there are.
    size
        Rows and columns wanted; None for all.
    offset
        Row and column of the corner; None for the middle.

    Raises
    ------
    StreamConfigError
        When the crop does not lie within the frame.

    Examples
    --------
    >>> centred("VideoReader", (240, 320), (50, 50), None)
    (95, 135, 50, 50)
    >>> centred("VideoReader", (240, 320), (500, 500), None)
    Traceback (most recent call last):
    headrace.errors.StreamConfigError: VideoReader(size=) got 500 x 500 at the middle, wanted a part of 240 x 320 (rows x columns).
      Choose a smaller size=, or size=None for whole frames.
    """
    rows, cols = frame if size is None else check_size(who, size)
    top, left = (
        ((frame[0] - rows) // 2, (frame[1] - cols) // 2) if offset is None else check_size(who, offset, "offset", 0)
    )
    if top < 0 or left < 0 or top + rows > frame[0] or left + cols > frame[1]:
        where = "at the middle" if offset is None else f"at row {top}, column {left}"
        raise StreamConfigError(
            f"{who}(size=) got {rows} x {cols} {where}, wanted a part of {frame[0]} x {frame[1]} (rows x columns).\n"
            "  Choose a smaller size=, or size=None for whole frames."
        )
    return top, left, rows, cols


def check_size(who: str, size: Any, option: str = "size", least: int = 1) -> tuple[int, int]:
    """Return ``size`` as (rows, cols), or raise StreamConfigError when it is no pair of numbers of at least ``least``."""
    try:
        rows, cols = (integer(n) for n in size)
        if min(rows, cols) < least:
            raise ValueError
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"{who}({option}=) got {size!r}, wanted two whole numbers of at least {least}.\n"
            "  Rows come first: (rows, columns)."
        ) from None
    return rows, cols
