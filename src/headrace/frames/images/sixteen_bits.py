"""Sixteen bits in each of three channels, of which Pillow gives the upper eight.

Pillow decodes such an image into bytes and lets the lower halves go. Told that the bytes of the file come in the other
order, it takes the lower halves for the upper ones: decoded twice, an image is whole.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.images.as_written import most_of

_KINDS = ("RGB", "RGBA", "RGBX")
_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_PACKED = "BGR;16"  # all three in 16 bits
_HALVED = ("RGB", "RGBA", "CMYK", "LA", "L")  # modes of bytes
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow has it


def is_deep(image: Any) -> bool:
    """Tell whether an image that is open, and not loaded, has more than eight bits in channels that Pillow makes bytes."""
    if image.format == "JPEG" or image.mode not in _HALVED:
        return False
    raws = [_raw(tile) for tile in image.tile if most_of(tile) > 255 or tile[0] == "SGI16" or ";16" in _raw(tile)]
    return any(raw != _PACKED for raw in raws)


class Halves(NamedTuple):
    """The lower eight bits of an image in red, green and blue, of which Pillow has given the upper ones."""

    low: Any

    def crop(self, box: tuple[int, int, int, int]) -> Halves:
        """Return those of a part."""
        return Halves(self.low.crop(box))

    def whole(self, high: Any) -> Array:
        """Return the values of both halves: ``(rows, cols, 3)`` of uint16."""
        made = np.asarray(high).astype(np.uint16)
        made <<= np.uint16(8)
        made |= np.asarray(self.low)
        return made


def other_half(path: Path, image: Any) -> Any:
    """Return the lower eight bits of an image that is deep and not loaded yet, as a loaded image of their own.

    Parameters
    ----------
    path
        Its file.
    image
        The image as it is opened.

    Raises
    ------
    DataError
        When Pillow does not give them.
    """
    turned = [_turned(tile) for tile in image.tile]
    if not all(turned):
        channels = "its one channel" if image.mode == "L" else "each of several channels"
        raise DataError(
            f"ImageSequence got {str(path)!r}, which has 16 bits in {channels}, {_raw(image.tile[0])}, of which "
            "Pillow reads the upper 8, wanted all of them.\n  Save it as PNG or TIFF in red, green and blue, or in grey."
        )
    with type(image)(path) as low:  # PIL.Image.open would warn of a large one once more
        low.tile = turned
        low.load()
        return low


def luma_of(found: Array) -> Array:
    """Return the brightness of colours, ``(rows, cols)`` of float32."""
    return np.asarray(found.astype(np.float32) @ _LUMA)


def _raw(tile: Any) -> str:
    """Return Pillow's name of how the bytes of the file lie."""
    args = tile[3]
    first = args if isinstance(args, str) else args[0] if isinstance(args, tuple) and args else ""
    return first if isinstance(first, str) else ""


def _turned(tile: Any) -> Any:
    """Return a part of a file to be read in the other order; None where there is no name for it."""
    kind, _, order = _raw(tile).partition(";16")
    if kind not in _KINDS or order not in _OTHER or most_of(tile):
        return None
    raw = f"{kind};16{_OTHER[order]}"
    args = raw if isinstance(tile[3], str) else (raw, *tile[3][1:])
    return tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args)
