"""The mean of red, green and blue, exactly, by whole numbers: from pixels of four bytes, or faster from three planes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.frames.layout import Array

STRIP: Final = 1 << 15  # values that are worked on at once, so that they stay in the cache
NOISE: Final = (16, 6)  # rows of the pictures that two conversions are compared by, and how many of them
# Formats that FFmpeg takes apart into planes faster than into pixels, and to the same values at widths that are
# multiples of 16: where they are none, the last columns come by another way, and are a little different.
PLANAR: Final = frozenset(["yuv420p", "yuvj420p"])


def plane_bytes(plane: Any) -> Array:
    """Return the bytes of a plane, a row of them for each row: a view, with the bytes that fill up rows."""
    return np.ndarray((plane.height, abs(plane.line_size)), np.uint8, plane)


def strips(rows: int, cols: int) -> Iterator[tuple[int, int]]:
    """Yield from which row to which to work at once."""
    step = max(1, STRIP // cols)
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


def has_planes(frame: Any) -> bool:
    """Whether a frame of PyAV comes to the same values by way of three planes (``gbrp``) as by pixels (``rgb0``)."""
    name = frame.format.name
    return name in PLANAR and frame.width % 16 == 0 and frame.height % 2 == 0 and _same(name, frame.width)


@lru_cache(maxsize=64)
def _same(name: str, cols: int) -> bool:
    """Whether both ways are the same in this build of FFmpeg and on this processor: noise is sent both ways."""
    av = optional("av", "video", "VideoReader")
    rng = np.random.default_rng(0)
    rows, turns = NOISE
    by_pixels, by_planes = (av.video.reformatter.VideoReformatter() for _ in range(2))
    for k in range(turns):
        frame = av.VideoFrame(cols, rows, name)
        for plane in frame.planes:
            values = plane_bytes(plane)
            values[...] = rng.integers(0, 256, values.shape, np.uint8)
        frame.color_range = k % 3
        pixels = plane_bytes(by_pixels.reformat(frame, format="rgb0", threads=1).planes[0])
        pixels = pixels[:, : pixels.shape[1] // 4 * 4].reshape(rows, -1, 4)[:, :cols]
        green, blue, red = (
            plane_bytes(plane)[:, :cols] for plane in by_planes.reformat(frame, format="gbrp", threads=1).planes
        )
        if not all(np.array_equal(pixels[..., n], plane) for n, plane in enumerate((red, green, blue))):
            return False
    return True
