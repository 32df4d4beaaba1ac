"""Small pictures as PNG, without a package for images."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from typing import Any

import numpy as np

Bytes = np.ndarray[Any, np.dtype[np.uint8]]
_COLOURS = {1: 0, 3: 2, 4: 6}  # channels -> what PNG calls grey, RGB, RGBA (ISO/IEC 15948, 11.2.2)


def png(pixels: Bytes) -> bytes:
    r"""Return a picture as the bytes of a PNG file.

    Parameters
    ----------
    pixels
        uint8, shape (rows, columns) or (rows, columns, channels) with 1, 3 (RGB) or 4 (RGBA) channels.

    Examples
    --------
    >>> import numpy as np
    >>> png(np.zeros((2, 3), np.uint8))[:8]
    b'\x89PNG\r\n\x1a\n'
    """
    rows, columns = pixels.shape[:2]
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    lines = np.zeros((rows, 1 + columns * channels), np.uint8)  # each begins with a 0: not filtered
    lines[:, 1:] = pixels.reshape(rows, -1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, _COLOURS[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in parts)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def data_uri(picture: bytes) -> str:
    """Return a PNG as an address that holds it."""
    return "data:image/png;base64," + b64encode(picture).decode()
