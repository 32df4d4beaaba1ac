"""The mean of red, green and blue, exactly, by whole numbers.

It is made of three planes, which FFmpeg gives of a frame, where they hold the colours that ``mode="rgb"`` gives, to the
bit; else of these very colours, which takes twice as long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.frames.base.layout import Array

# Values that are worked on at once. In fewer, each step starts anew too often; more do not stay in the cache.
STRIP: Final = 3 << 17
NOISE: Final = (16, 6)  # rows of the pictures that two conversions are compared by, and how many of them
IN_PLANES, COLOURS = "gbrp", "rgb24"  # FFmpeg's names
# Formats whose planes may be their colours at widths that are multiples of 16: where they are none, FFmpeg makes the last
# columns another way for each, and they are a little different.
SUBSAMPLED: Final = frozenset(["yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p"])
# And those that are colours already, or grey, at any width.
PLAIN: Final = frozenset(["gray", "rgb24", "bgr24", "rgb0", "bgr0", "rgba", "bgra", "gbrp"])


def plane_bytes(plane: Any) -> Array:
    """Return the bytes of a plane, a row of them for each row: a view, with the bytes that fill up rows."""
    return np.ndarray((plane.height, abs(plane.line_size)), np.uint8, plane)


def pixels_of(frame: Any, size: int) -> Array:
    """Return the pixels of a frame of one plane, ``(rows, cols, size)``: a view."""
    image = plane_bytes(frame.planes[0])
    return image[:, : image.shape[1] // size * size].reshape(len(image), -1, size)[:, : frame.width]


def channels(frame: Any) -> list[Array]:
    """Return the channels of a frame of colours or of planes, ``(rows, cols)`` each: views."""
    if frame.format.name == COLOURS:
        return [*np.moveaxis(pixels_of(frame, 3), 2, 0)]
    return [plane_bytes(plane)[:, : frame.width] for plane in frame.planes]


def strips(rows: int, cols: int, values: int = STRIP) -> Iterator[tuple[int, int]]:
    """Yield from which row to which to work at once."""
    step = max(1, values // cols)
    return ((lo, min(rows, lo + step)) for lo in range(0, rows, step))


def mean_of_planes(planes: Sequence[Array], found: Array) -> None:
    """Put the mean of three planes of uint8 into float32, or rounded into uint8."""
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


def best_for_mean(frame: Any) -> str:
    """Return the format by way of which the mean of a frame of PyAV is made fastest, and is that of its colours."""
    name, cols = frame.format.name, frame.width
    known = name in PLAIN or (name in SUBSAMPLED and cols % 16 == 0 and frame.height % 2 == 0)
    return IN_PLANES if known and _same(name, cols) else COLOURS


@lru_cache(maxsize=64)
def _same(name: str, cols: int) -> bool:
    """Whether planes are the colours, in this build of FFmpeg and on this processor: noise is made into both."""
    av = optional("av", "video", "VideoReader")
    rng = np.random.default_rng(0)
    rows, turns = NOISE
    by_colours, by_planes = (av.video.reformatter.VideoReformatter() for _ in range(2))
    for k in range(turns):
        frame = av.VideoFrame(cols, rows, name)
        for plane in frame.planes:
            values = plane_bytes(plane)
            values[...] = rng.integers(0, 256, values.shape, np.uint8)
        frame.color_range = k % 3
        red, green, blue = channels(by_colours.reformat(frame, format=COLOURS, threads=1))
        planes = channels(by_planes.reformat(frame, format=IN_PLANES, threads=1))
        if not all(map(np.array_equal, planes, (green, blue, red))):
            return False
    return True
