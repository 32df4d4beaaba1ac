"""Values that Pillow gives otherwise than they are written in a file: its modes have no type for them, or it scales them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headrace.errors import DataError
from headrace.frames.base.layout import Array

_FORMAT, _WHITE = 339, 262  # tags of TIFF 6.0: SampleFormat, PhotometricInterpretation
_UNSIGNED, _SIGNED = 1, 2  # sample formats
_IS_ZERO = 0  # of white


class Written(NamedTuple):
    """What makes the values of a file out of those that Pillow gives, value by value.

    Attributes
    ----------
    dtype : str
        Of the values.
    of
        Returns them.
    """

    dtype: str
    of: Callable[[Array], Array]

    def crop(self, _: tuple[int, int, int, int]) -> Written:
        """Return what does so for a part."""
        return self

    def whole(self, image: Any) -> Array:
        """Return the values of an image."""
        found = np.asarray(image)
        return self.of(found if found.dtype.isnative else found.astype(found.dtype.newbyteorder("=")))


def as_written(path: Path, image: Any) -> Written | None:
    """Return what makes the values of the file, of an image that is open; None where Pillow gives them.

    Parameters
    ----------
    path
        Its file.
    image
        The image as it is opened.

    Raises
    ------
    DataError
        When nobody can say what they are.
    """
    if image.format == "TIFF":
        return _of_tiff(path, image)
    most = most_of(image.tile[0]) if image.tile else 0
    if image.mode != "I" or not most:
        return None

    def of(found: Array) -> Array:
        scaled = found.astype(np.uint32)  # up to 65535: what it is multiplied by leaves room
        return ((scaled * np.uint32(most) + np.uint32(32767)) // np.uint32(65535)).astype(np.int32)

    return Written("i4", of)


def unscaled(image: Any, most: int) -> Any:
    """Return an image of bytes, which is loaded for it, with the values up to ``most`` that Pillow has spread over those up to 255."""
    table = [(2 * value * most + 255) // 510 for value in range(256)]  # of a whole number, rounded
    return image.point(table * len(image.getbands()))


def most_of(tile: Any) -> int:
    """Return the largest value that a file of the PNM family says it has, where Pillow scales by it; else 0."""
    args = tile[3]
    return args[1] if tile[0].startswith("ppm") and isinstance(args, tuple) and isinstance(args[1], int) else 0


def _of_tiff(path: Path, image: Any) -> Written | None:
    kind = image.tag_v2.get(_FORMAT, (_UNSIGNED,))[0]
    inverted = image.tag_v2.get(_WHITE) == _IS_ZERO
    if image.mode == "I" and kind == _UNSIGNED and not inverted:
        return Written("u4", lambda found: found.view(np.uint32))
    if image.mode == "L" and kind == _SIGNED and not inverted:
        return Written("i1", lambda found: found.view(np.int8))
    if not inverted or image.mode in ("1", "L"):  # which Pillow turns round
        return None
    if image.mode.startswith("I;16"):
        return Written("u2", lambda found: np.uint16(65535) - found)
    raise DataError(
        f"ImageSequence got {str(path)!r}, whose white is zero (PhotometricInterpretation 0) in values of "
        f"{'floats' if image.mode == 'F' else 'whole numbers with a sign'}, wanted to know how much black is.\n"
        "  Save it as PhotometricInterpretation 1, or give its values as an array: SequenceStream(array)."
    )
