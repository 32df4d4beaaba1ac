"""Sixteen bits in each of three channels, of which Pillow gives the upper eight.

Pillow decodes such an image into bytes and lets the lower halves go. Told that the bytes of the file come in the other
order, it takes the lower halves for the upper ones: decoded twice, an image is whole.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.frames.base.layout import Array

_KINDS = ("RGB", "RGBA", "RGBX")
_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_HALVED = ("RGB", "RGBA", "CMYK", "LA")  # modes of bytes
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow has it


def is_deep(image: Any) -> bool:
    """Tell whether an image that is open, and not loaded, has more than eight bits in each of several channels."""
    if image.format == "JPEG" or image.mode not in _HALVED:
        return False
    return any(";16" in _raw(tile) or _most(tile) > 255 for tile in image.tile)


def other_half(path: Path, image: Any, images: Any) -> Any:
    """Return the lower eight bits of an image that is deep and not loaded yet, as a loaded image of their own.

    Parameters
    ----------
    path
        Its file.
    image
        The image as it is opened.
    images
        The module ``PIL.Image``.

    Raises
    ------
    DataError
        When Pillow does not give them.
    """
    turned = [_turned(tile) for tile in image.tile]
    if not all(turned):
        raise DataError(
            f"ImageSequence got {str(path)!r}, which has 16 bits in each of several channels, {_raw(image.tile[0])}, of which "
            "Pillow reads the upper 8, wanted all of them.\n  Save it as PNG or TIFF in red, green and blue, or in grey."
        )
    with images.open(path) as low:
        low.tile = turned
        low.load()
        return low


def whole(high: Any, low: Any) -> Array:
    """Return the values of the two halves of an image in red, green and blue: ``(rows, cols, 3)`` of uint16."""
    made = np.asarray(high).astype(np.uint16)
    made <<= np.uint16(8)
    made |= np.asarray(low)
    return made


def luma_of(found: Array) -> Array:
    """Return the brightness of colours, ``(rows, cols)`` of float32."""
    return np.asarray(found.astype(np.float32) @ _LUMA)


def _raw(tile: Any) -> str:
    """Return Pillow's name of how the bytes of the file lie."""
    args = tile[3]
    first = args if isinstance(args, str) else args[0] if isinstance(args, tuple) and args else ""
    return first if isinstance(first, str) else ""


def _most(tile: Any) -> int:
    """Return the largest value that a file of the PNM family says it has."""
    args = tile[3]
    return args[1] if tile[0].startswith("ppm") and isinstance(args, tuple) and isinstance(args[1], int) else 0


def _turned(tile: Any) -> Any:
    """Return a part of a file to be read in the other order; None where there is no name for it."""
    kind, _, order = _raw(tile).partition(";16")
    if kind not in _KINDS or order not in _OTHER or _most(tile):
        return None
    raw = f"{kind};16{_OTHER[order]}"
    args = raw if isinstance(tile[3], str) else (raw, *tile[3][1:])
    return tile._replace(args=args) if hasattr(tile, "_replace") else (*tile[:3], args)
