"""One image file, decoded: what Pillow gives, as rows and columns of values."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, HeadraceError
from headrace.frames.base.layout import Array
from headrace.frames.base.unreadable import opening
from headrace.frames.images.as_written import Written, as_written, most_of, unscaled
from headrace.frames.images.sixteen_bits import Halves, is_deep, luma_of, other_half

Grey = Literal["mean", "luma"]
_ORIENTATION = 0x0112  # the tag of EXIF
_SAID = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}  # where it is written, but in a TIFF
_ON_THEIR_SIDE = (5, 6, 7, 8)
_TYPES = {"I": "i4", "F": "f4", "I;16": "u2", "I;16L": "u2", "I;16B": "u2", "I;16N": "u2"}
_ONE = ("L", "I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # modes of one channel
_PAGED = ("TIFF", "GIF", "PNG", "WEBP", "AVIF")  # not MPO: a photograph and views beside it


class Picture(NamedTuple):
    """An image that is decoded, and what is made of it."""

    image: Any
    size: tuple[int, int]
    is_color: bool
    more: Halves | Written | None = None  # what makes the values of the file, where it does not give them
    luma: bool = False


@cache  # of a package that is there: asked for with every image
def _pillow() -> Any:
    return optional("PIL.Image", "frames", "ImageSequence")


def look(path: Path, is_color: bool) -> tuple[tuple[int, int], np.dtype[Any]]:
    """Return rows and columns of an image and the type of its values, by its header alone.

    Raises
    ------
    DataError
        When it is no image, or a file of several; gone, or not to be read.
    MissingExtraError
        Without Pillow.
    """
    images = _pillow()
    try:
        with opening("ImageSequence", path), images.open(path) as image:
            _check_alone(path, image)
            written = as_written(path, image)  # first: getexif may load the image
            kind = "u2" if is_deep(image) else _TYPES.get(image.mode, "u1") if written is None else written.dtype
            rows, cols = image.height, image.width
            if image.format == "TIFF":  # whose size Pillow turns by itself, when it does depends on its version
                cols, rows = image.tag_v2[256], image.tag_v2[257]
            if image.getexif().get(_ORIENTATION, 1) in _ON_THEIR_SIDE:  # of a TIFF among its own tags
                rows, cols = cols, rows
            return (rows, cols), np.dtype(kind if is_color else "f4")
    except HeadraceError:
        raise
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
        When it is no image, a file of several, or not all of it is there; gone, or not to be read.
    MissingExtraError
        Without Pillow.
    """
    images = _pillow()
    luma = not is_color and grey == "luma"
    try:
        with opening("ImageSequence", path), images.open(path) as image:
            plain = image.format == "JPEG"  # one image of eight bits: most files, where every microsecond is seen
            more: Halves | Written | None = None
            if not plain:
                _check_alone(path, image)
                more = as_written(path, image)
                if is_deep(image):
                    more = Halves(_upright(other_half(path, image)).convert("RGB"))
                most = most_of(image.tile[0]) if image.tile else 0
                if 0 < most < 255:
                    image = unscaled(image, most)
            if luma:
                image.draft("L", None)  # a JPEG file has it ready
            image.load()
            if more is not None:
                image = _seen(_upright(image), False)
            elif luma or not plain or image.mode != "RGB" or not _SAID.isdisjoint(image.info):
                image = _seen(_upright(image), luma)
            return Picture(image, (image.height, image.width), is_color, more, luma)
    except HeadraceError:
        raise
    except Exception as error:  # whatever a decoder says of bytes that are none of its own
        raise _no_image(path, error) from error


def _check_alone(path: Path, image: Any) -> None:
    """Raise when there are other images in a file, which nobody would miss until it is too late."""
    if image.format in _PAGED and getattr(image, "is_animated", False):
        raise DataError(
            f"ImageSequence got {str(path)!r}, a {image.format} file of several images, wanted files of one each.\n"
            "  Give the pages as an array: SequenceStream([np.array(page) for page in PIL.ImageSequence.Iterator(image)]); "
            "VideoReader plays animations."
        )


def _upright(image: Any) -> Any:
    """Return an image that is loaded, turned as its EXIF orientation says."""
    if (image.format == "TIFF" or not _SAID.isdisjoint(image.info)) and image.getexif().get(_ORIENTATION, 1) != 1:
        turned: Any = optional("PIL.ImageOps", "frames", "ImageSequence")
        return turned.exif_transpose(image)
    return image


def _seen(image: Any, luma: bool) -> Any:
    """Return an image as colours or one channel: palettes looked up, transparency dropped."""
    if image.mode in _ONE or image.mode == "RGB":
        return image.convert("L") if luma and image.mode == "RGB" else image
    image.info.pop("transparency", None)  # which Pillow would warn of, since it has no place among the colours
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("LA", "La"):
        return image.getchannel(0)
    image = image.convert("RGB")
    return image.convert("L") if luma else image


def _no_image(path: Path, error: Exception) -> DataError:
    images = _pillow()
    if isinstance(error, images.DecompressionBombError | images.DecompressionBombWarning):  # which a filter may raise
        most = images.MAX_IMAGE_PIXELS * (2 if isinstance(error, images.DecompressionBombError) else 1)
        return DataError(
            f"ImageSequence got {str(path)!r}, an image of more pixels than Pillow is to read ({error}), wanted at most "
            f"{most}.\n  Where you trust the file, set PIL.Image.MAX_IMAGE_PIXELS to a larger number, or to None, before."
        )
    return DataError(
        f"ImageSequence got {str(path)!r}, which is no image that can be read: {type(error).__name__}: {error}, wanted one.\n"
        "  Pillow reads png, jpg, bmp, tif, gif, webp and more."
    )


def _values(image: Any) -> Array:
    """Return the values of an image, as np.asarray does.

    That joins them from pieces of 64 KB, which costs a twentieth of decoding a JPEG file. Here they are asked for in one
    piece, of what Pillow has for its own use, so that any other answer than all of them is left to np.asarray.
    """
    if image.mode == "RGB":
        cols, rows = image.size
        try:
            encoder = _pillow()._getencoder("RGB", "raw", ("RGB",))
            encoder.setimage(image.im, (0, 0, cols, rows))
            _, done, values = encoder.encode(rows * cols * 3)
            if done == 1:
                return np.frombuffer(values, np.uint8).reshape(rows, cols, 3)
        except (AttributeError, TypeError, ValueError):  # another Pillow
            pass
    return np.asarray(image)


def crop_of(picture: Picture, top: int, left: int, rows: int, cols: int) -> Array:
    """Return a part of an image: ``(rows, cols, 3)`` of the file's type in colour, else ``(rows, cols)``.

    One channel is of the file's type where it has one, of float32 where it is made of three.
    """
    image, more = picture.image, picture.more
    if (rows, cols) != picture.size:
        box = (left, top, left + cols, top + rows)
        image, more = image.crop(box), None if more is None else more.crop(box)
    if more is not None:
        found = more.whole(image)
        if picture.luma and found.ndim == 3:
            return luma_of(found)
    else:
        found = _values(image)
        if not found.dtype.isnative:
            found = found.astype(found.dtype.newbyteorder("="))
    if picture.is_color:
        return found if found.ndim == 3 else np.repeat(found[:, :, np.newaxis], 3, axis=2)
    if found.ndim == 2:
        return found
    total: Array = found[:, :, 0].astype(np.uint16 if found.dtype == np.uint8 else np.uint32)
    np.add(total, found[:, :, 1], out=total)  # whole numbers: exact, and much quicker than a mean of float64
    np.add(total, found[:, :, 2], out=total)
    return np.asarray(np.divide(total, np.float32(3), dtype=np.float32))
