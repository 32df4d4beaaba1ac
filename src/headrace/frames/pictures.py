"""One image file, decoded: what Pillow gives, as rows and columns of values."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.frames.layout import Array

Grey = Literal["mean", "luma"]
_ORIENTATION = 0x0112  # the tag of EXIF
_SAID = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}  # where it is written, but in a TIFF
_ON_THEIR_SIDE = (5, 6, 7, 8)
_TYPES = {"I": "i4", "F": "f4", "I;16": "u2", "I;16L": "u2", "I;16B": "u2", "I;16N": "u2"}
_ONE = ("L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # modes of one channel


class Picture(NamedTuple):
    """An image that is decoded, and what is made of it."""

    image: Any
    size: tuple[int, int]
    is_color: bool


@cache  # of a package that is there: asked for with every image
def _pillow() -> Any:
    return optional("PIL.Image", "frames", "ImageSequence")


def look(path: Path, is_color: bool) -> tuple[tuple[int, int], np.dtype[Any]]:
    """Return rows and columns of an image and the type of its values, by its header alone.

    Raises
    ------
    DataError
        When it is no image.
    MissingExtraError
        Without Pillow.
    """
    images = _pillow()
    try:
        with images.open(path) as image:
            rows, cols = image.height, image.width
            if image.getexif().get(_ORIENTATION, 1) in _ON_THEIR_SIDE:  # of a TIFF among its own tags
                rows, cols = cols, rows
            return (rows, cols), np.dtype(_TYPES.get(image.mode, "u1") if is_color else "f4")
    except Exception as error:  # whatever a decoder says of bytes that are none of its own
        raise _no_image(path, error) from error


def decode(path: Path, is_color: bool, grey: Grey = "mean") -> Picture:
    """Return the image of a file, turned as its EXIF orientation says.

    Parameters
    ----------
    path
        The file.
    is_color
        Whether red, green and blue are wanted.
    grey
        Where one channel comes from, otherwise.

    Raises
    ------
    DataError
        When it is no image, or not all of it is there.
    MissingExtraError
        Without Pillow.
    """
    images = _pillow()
    try:
        with images.open(path) as image:
            if not is_color and grey == "luma":
                image.draft("L", None)  # a JPEG file has it ready
            image.load()
            if (image.format == "TIFF" or not _SAID.isdisjoint(image.info)) and image.getexif().get(
                _ORIENTATION, 1
            ) != 1:
                turned: Any = optional("PIL.ImageOps", "frames", "ImageSequence")
                image = turned.exif_transpose(image)
            if image.mode in ("P", "PA"):
                image = image.convert("RGB")
            elif image.mode in ("1", "LA", "La"):
                image = image.convert("L") if image.mode == "1" else image.getchannel(0)
            elif image.mode not in (*_ONE, "RGB"):
                image = image.convert("RGB")
            if not is_color and grey == "luma" and image.mode == "RGB":
                image = image.convert("L")
            return Picture(image, (image.height, image.width), is_color)
    except Exception as error:  # whatever a decoder says of bytes that are none of its own
        raise _no_image(path, error) from error


def _no_image(path: Path, error: Exception) -> DataError:
    return DataError(
        f"ImageSequence got {path.name!r}, which is no image that can be read: {type(error).__name__}: {error}.\n"
        "  Pillow reads png, jpg, bmp, tif, gif, webp and more."
    )


def crop_of(picture: Picture, top: int, left: int, rows: int, cols: int) -> Array:
    """Return a part of an image: ``(rows, cols, 3)`` of the file's type in colour, else ``(rows, cols)`` of float32."""
    image = picture.image
    if (rows, cols) != picture.size:
        image = image.crop((left, top, left + cols, top + rows))
    found = np.asarray(image)
    found = found.astype(found.dtype.newbyteorder("="), copy=False)
    if picture.is_color:
        return found if found.ndim == 3 else np.repeat(found[:, :, np.newaxis], 3, axis=2)
    if found.ndim == 2:
        return found.astype(np.float32)
    total = found[:, :, 0].astype(np.uint16)  # of three bytes: exact, and much quicker than a mean of float64
    total += found[:, :, 1]
    total += found[:, :, 2]
    return np.divide(total, np.float32(3), dtype=np.float32)
