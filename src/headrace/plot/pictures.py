"""Arrays as pictures: brought to uint8, made smaller, written as JPEG or PNG."""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.plot.png import png

Array = np.ndarray[Any, np.dtype[Any]]
MOST = 640  # pixels on the longer side of what is sent to a page
QUALITY = 80


def pixels(frame: Array, name: str) -> Array:
    """Return a frame as uint8, (rows, columns) or (rows, columns, 3).

    Parameters
    ----------
    frame
        Shape (rows, columns), or (rows, columns, 1, 3 or 4); floats from 0 to 1, or as integers from 0 to 255.
    name
        What it is called, for messages.

    Raises
    ------
    DataError
        When it is no picture.

    Examples
    --------
    >>> pixels(np.array([[0.0, 0.5, 1.0]]), "image").tolist()
    [[0, 128, 255]]
    """
    frame = np.asarray(frame)
    if frame.ndim == 3 and frame.shape[2] in (1, 4):
        frame = frame[:, :, 0] if frame.shape[2] == 1 else frame[:, :, :3]
    if frame.ndim not in (2, 3) or (frame.ndim == 3 and frame.shape[2] != 3) or frame.dtype.kind not in "buif":
        raise DataError(
            f"plot_type='video' got {name!r} with rows of {frame.dtype} {frame.shape}, wanted (rows, columns) or "
            "(rows, columns, 3).\n  Axis 0 of a column is time; each row is a picture."
        )
    if frame.dtype == np.uint8:
        return frame
    if frame.dtype.kind == "b":
        return frame.astype(np.uint8) * np.uint8(255)
    values = np.nan_to_num(frame.astype(np.float64), posinf=255.0, neginf=0.0)
    if frame.dtype.kind == "f" and values.size and values.max() <= 1.0:
        values = values * 255
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)


def smaller(image: Array, most: int = MOST) -> Array:
    """Return a picture of at most so many pixels on a side, every so-many-th of them."""
    step = max(1, -(-max(image.shape[:2], default=1) // most))
    return image[::step, ::step]


def encoded(image: Array) -> bytes:
    """Return a picture as the bytes of a JPEG file, or of a PNG file where pillow is not installed."""
    if not image.size:
        return b""
    if find_spec("PIL") is None:
        return png(np.ascontiguousarray(image))
    from PIL import Image

    file = BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(file, format="JPEG", quality=QUALITY)
    return file.getvalue()
