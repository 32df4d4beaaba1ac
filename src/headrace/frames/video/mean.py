"""The mean of red, green and blue, exactly, by whole numbers.

It is made of three planes, which is fastest, of pixels of four bytes, or of those of three bytes that ``mode="rgb"`` gives:
whichever is the fastest that comes to the same values as the last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.frames.base.layout import Array

STRIP: Final = 1 << 15  # values that are worked on at once, so that they stay in the cache
NOISE: Final = (16, 6)  # rows of the pictures that two conversions are compared by, and how many of them
IN_PLANES, PIXELS, COLOURS = "gbrp", "rgb0", "rgb24"  # FFmpeg's names
# Formats that FFmpeg takes apart into planes faster than into pixels.
PLANAR: Final = frozenset(["yuv420p", "yuvj420p"])
# Formats, of any bytes, that may come to the same colours by way of planes or pixels at widths that are multiples of 16:
# where they are none, FFmpeg makes the last columns another way for each, and they are a little different.
SUBSAMPLED: Final = PLANAR | {"yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12"}
# And those that are colours already, or grey, at any width.
PLAIN: Final = frozenset(["gray", "rgb24", "bgr24", "rgb0", "bgr0", "rgba", "bgra", "gbrp"])


def plane_bytes(plane: Any) -> Array:
    """Return the bytes of a plane, a row of them for each row: a view, with the bytes that fill up rows."""
    return np.ndarray((plane.height, abs(plane.line_size)), np.uint8, plane)


def pixels_of(frame: Any, size: int) -> Array:
    """Return the pixels of a frame of one plane, ``(rows, cols, size)``: a view."""
    image = plane_bytes(frame.planes[0])
    return image[:, : image.shape[1] // size * size].reshape(len(image), -1, size)[:, : frame.width]


def strips(rows: int, cols: int, values: int = STRIP) -> Iterator[tuple[int, int]]:
    """Yield from which row to which to work at once."""
    step = max(1, values // cols)
    return ((lo, min(rows, lo + step)) for lo in range(0, rows, step))


def mean_of_pixels(whole: Array, found: Array) -> None:
    """Put the mean of the three channels of pixels into float32, or rounded into uint8.

    Parameters
    ----------
    whole
        ``(rows, cols)`` of uint32, a pixel each: red is the lowest byte, and the highest does not matter.
    found
        Of the same shape.
    """
    to_bytes = found.dtype == np.uint8
    for lo, hi in strips(*found.shape):
        pixels = whole[lo:hi]
        sums = np.right_shift(pixels, 8)
        sums &= 0xFF
        sums += pixels & 0xFF00FF  # two of them in the lower half, the third in the upper half
        sums += sums >> 16
        sums &= 0xFFFF
        if to_bytes:
            sums += 1
            sums //= 3
            found[lo:hi] = sums
        else:
            np.divide(sums.view("<i4"), np.float32(3), out=found[lo:hi], dtype=np.float32, casting="unsafe")


def mean_of_planes(planes: Sequence[Array], found: Array) -> None:
    """Put the mean of three planes of uint8 into float32, or rounded into uint8: the values of :func:`mean_of_pixels`."""
    first, second, third = planes
    to_bytes = found.dtype == np.uint8
    rows, cols = found.shape
    memory = np.empty((2, max(1, min(rows, STRIP // cols)), cols), np.uint16)
    for lo, hi in strips(rows, cols):
        sums, other = memory[:, : hi - lo]
        np.copyto(sums, first[lo:hi])  # a copy into a wider type and a sum are faster than a sum of two types
        np.copyto(other, second[lo:hi])
        sums += other
        np.copyto(other, third[lo:hi])
        sums += other
        if to_bytes:
            sums += 1
            sums //= 3
            np.copyto(found[lo:hi], sums, casting="unsafe")
        else:
            np.copyto(found[lo:hi], sums)
            found[lo:hi] /= np.float32(3)


def way_of(frame: Any) -> str:
    """Return the fastest format by way of which the mean of a frame of PyAV is that of its colours."""
    name, cols = frame.format.name, frame.width
    if name in PLAIN or (name in SUBSAMPLED and cols % 16 == 0 and frame.height % 2 == 0):
        if name in PLANAR and _same(name, cols, IN_PLANES):
            return IN_PLANES
        if _same(name, cols, PIXELS):
            return PIXELS
    return COLOURS


@lru_cache(maxsize=64)
def _same(name: str, cols: int, way: str) -> bool:
    """Whether colours are the same by this way, in this build of FFmpeg and on this processor: noise is sent both ways."""
    av = optional("av", "video", "VideoReader")
    rng = np.random.default_rng(0)
    rows, turns = NOISE
    by_colours, by_way = (av.video.reformatter.VideoReformatter() for _ in range(2))
    for k in range(turns):
        frame = av.VideoFrame(cols, rows, name)
        for plane in frame.planes:
            values = plane_bytes(plane)
            values[...] = rng.integers(0, 256, values.shape, np.uint8)
        frame.color_range = k % 3
        colours = pixels_of(by_colours.reformat(frame, format=COLOURS, threads=1), 3)
        made = by_way.reformat(frame, format=way, threads=1)
        if way == PIXELS:
            found = [*np.moveaxis(pixels_of(made, 4)[..., :3], 2, 0)]
        else:
            green, blue, red = (plane_bytes(plane)[:, :cols] for plane in made.planes)
            found = [red, green, blue]
        if not all(np.array_equal(colours[..., n], channel) for n, channel in enumerate(found)):
            return False
    return True
