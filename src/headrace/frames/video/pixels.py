"""From a decoded frame to the part, the channels and the type that were asked for."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.frames.base.layout import Array, centred
from headrace.frames.video.blocks import BLOCKS
from headrace.frames.video.mean import (
    COLOURS,
    IN_PLANES,
    PLAIN,
    best_for_mean,
    channels,
    mean_of_planes,
    pixels_of,
    plane_bytes,
    strips,
)

Mode = Literal["mean", "luma", "r", "g", "b", "rgb", "bgr"]
COLOUR: Final = ("rgb", "bgr")
CHANNEL: Final = {"r": 0, "g": 1, "b": 2}
# Formats of which a part can be cut out before it is converted, and comes to the bytes of the whole: how many columns and
# rows one sample of the second plane stands for, as powers of two, and the bytes of a sample of the first and of the others.
PLANES: Final = {
    "gray": (0, 0, 1, 1),
    "rgb24": (0, 0, 3, 3),
    "bgr24": (0, 0, 3, 3),
    "bgr0": (0, 0, 4, 4),
    "rgb0": (0, 0, 4, 4),
    "bgra": (0, 0, 4, 4),
    "rgba": (0, 0, 4, 4),
    **{
        f"yuv{full}{name}p": (across, down, 1, 1)
        for full in ("", "j")
        for name, across, down in (("420", 1, 1), ("422", 1, 0), ("444", 0, 0))
    },
}
LUMA: Final = frozenset(["gray", "nv12", *(name for name in PLANES if name.startswith("yuv"))])
WIDE, HIGH = 16, 2  # columns and rows that are converted together
LUMA_STRIP: Final = 1 << 17  # bytes that are worked on at once, so that they stay in the cache
FULL = 2  # PyAV's number for values from 0 to 255; most videos have 16 to 235


class Pixels:
    """What makes frames of one video into arrays.

    Parameters
    ----------
    coded
        Rows and columns of the frames as they are decoded.
    turns
        Quarters that they are to be turned by, counter-clockwise.
    mode, part, offset, dtype
        As for :class:`headrace.frames.VideoReader`.

    Attributes
    ----------
    shape : tuple of int
        Of a frame that is given, ``(rows, cols)`` or ``(rows, cols, 3)``.
    dtype : dtype
        Of its values.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __init__(
        self, coded: tuple[int, int], turns: int, mode: Mode, part: Any, offset: Any, dtype: str | None
    ) -> None:
        self._av = optional("av", "video", "VideoReader")
        self._coded, self._turns = coded, turns
        full = coded if turns % 2 == 0 else coded[::-1]
        top, left, rows, cols = centred("VideoReader", full, part, offset)
        self._part = _unturned(coded, turns, top, left, rows, cols)
        self._whole = self._part[2:] == self._coded
        self._even = coded[0] % 2 == 0  # where rows are odd, FFmpeg has another way, and for each format another
        self._mode: Mode = mode
        self.shape, self.dtype = given_as(mode, dtype, rows, cols)
        self._whole_numbers = self.dtype.kind in "ui"  # which are rounded to, not cut off
        self._format = "bgr24" if mode == "bgr" else "rgb24"
        self._formats = {name: self._av.VideoFormat(name) for name in {self._format, COLOURS, IN_PLANES}}
        self._reformatter = self._av.video.reformatter.VideoReformatter()
        self._small: Any = None  # a frame around the part, made with the first
        self._copies: list[tuple[int, Array, int, int]] = []  # plane, where to, and from which row and byte
        self._inside = self._part
        self._kind, self._coloured = "", False

    def of(self, frame: Any, out: Array | None = None) -> Array:
        """Return a frame as an array: ``out`` itself, one of its own, or a view of memory that nobody else has."""
        if (frame.height, frame.width) != self._coded:
            raise DataError(
                f"VideoReader got a frame of {frame.height} x {frame.width}, wanted {self._coded[0]} x {self._coded[1]} "
                "(rows x columns), as the first.\n  The video changes its size on the way; ffmpeg can scale it to one."
            )
        place = None if self._turns else out
        image = self._luma(frame, place) if self._mode == "luma" else self._converted(frame, place)
        if self._turns:
            image = np.rot90(image, self._turns)
        return image if image.dtype == self.dtype else image.astype(self.dtype)

    # --- colours --------------------------------------------------------------------------------

    def _converted(self, frame: Any, out: Array | None) -> Array:
        source, (top, left, rows, cols) = self._cut(frame)
        if self._mode == "mean":
            return self._mean(source, np.s_[top : top + rows, left : left + cols], out)
        to = self._format if source.format.name in PLANES and self._even else COLOURS
        found = pixels_of(self._reformat(source, to), 3)[top : top + rows, left : left + cols]
        if to != self._format:
            found = np.ascontiguousarray(found[..., ::-1])
        if self._mode in CHANNEL:
            return np.ascontiguousarray(found[..., CHANNEL[self._mode]])
        if self._whole and source.format.name != self._format:
            return found
        if out is None or out.dtype != found.dtype:
            return found.copy()
        out[...] = found
        return out

    def _reformat(self, frame: Any, to: str) -> Any:
        known = frame.color_range or None
        return self._reformatter.reformat(frame, format=self._formats[to], src_color_range=known, threads=1)

    def _mean(self, frame: Any, part: Any, out: Array | None) -> Array:
        """Return the mean of the three channels, as float32 or as rounded uint8."""
        found = _place(self._part[2:], np.dtype(np.uint8 if self._whole_numbers else np.float32), out)
        made = self._reformat(frame, best_for_mean(frame))
        mean_of_planes([channel[part] for channel in channels(made)], found)
        return found

    def _luma(self, frame: Any, out: Array | None) -> Array:
        """Return the luma plane as values from 0 to 255."""
        top, left, rows, cols = self._part
        name = frame.format.name
        if name not in LUMA:
            source, (top, left, rows, cols) = self._cut(frame)
            made = self._reformatter.reformat(source, format="gray", threads=1, dst_color_range=FULL)
            image, full = plane_bytes(made.planes[0]), True
        else:
            image, full = (
                plane_bytes(frame.planes[0]),
                frame.color_range == FULL or name == "gray" or name.startswith("yuvj"),
            )
        image = image[top : top + rows, left : left + cols]
        to_bytes = self._whole_numbers
        if full:
            return image.copy() if to_bytes else image.astype(np.float32)
        if to_bytes:  # times 255 / 219, in whole numbers
            image = np.clip(image, 16, 235)
            image -= 16
            more = image.astype(np.uint16)
            more *= 42
            more += 128
            more >>= 8
            np.add(image, more, out=image, casting="unsafe")
            return image
        found, scale = _place(image.shape, np.dtype(np.float32), out), np.float32(255 / 219)
        memory = np.empty((min(rows, max(1, LUMA_STRIP // cols)), cols), np.uint8)
        for lo, hi in strips(rows, cols, LUMA_STRIP):
            part = memory[: hi - lo]
            np.clip(image[lo:hi], 16, 235, out=part)
            part -= 16
            np.multiply(part, scale, out=found[lo:hi])
        return found

    # --- parts ----------------------------------------------------------------------------------

    def _cut(self, frame: Any) -> tuple[Any, tuple[int, int, int, int]]:
        """Return a small frame around the part, and where in it the part is; the frame itself where it is wanted whole, or cannot be cut."""
        name = frame.format.name
        if name != self._kind:
            kind = None if self._whole else PLANES.get(name)
            if kind is None or not (self._even or name in PLAIN):
                return frame, self._part
            self._prepare(frame, *kind)
            self._kind = name
        small, planes = self._small, frame.planes
        for k, view, row, col in self._copies:
            plane = planes[k]
            size = abs(plane.line_size)
            view[...] = np.ndarray(view.shape, np.uint8, plane, row * size + col, (size, 1))
        if frame.key_frame or not self._coloured:  # what colours mean is told with a key
            small.colorspace, small.color_range = frame.colorspace, frame.color_range
            self._coloured = True
        return small, self._inside

    def _prepare(self, frame: Any, across: int, down: int, width: int, other: int) -> None:
        """Make the small frame, and note what of each plane goes into it."""
        top, left, rows, cols = self._part
        row, col = top // HIGH * HIGH, left // WIDE * WIDE
        row_end = min(self._coded[0], -(-(top + rows) // HIGH) * HIGH)
        col_end = min(self._coded[1], -(-(left + cols) // WIDE) * WIDE)
        self._small = self._av.VideoFrame(col_end - col, row_end - row, frame.format.name)
        self._inside = (top - row, left - col, rows, cols)
        self._copies, self._coloured = [], False
        for k, plane in enumerate(self._small.planes):
            y, x, size = (down, across, other) if k else (0, 0, width)
            first_row, first_byte = row >> y, (col >> x) * size
            rows, cols = -(-row_end // (1 << y)) - first_row, -(-col_end // (1 << x)) * size - first_byte
            self._copies.append((k, plane_bytes(plane)[:rows, :cols], first_row, first_byte))


def given_as(mode: Mode, dtype: str | None, rows: int, cols: int) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and type of frames that are given of a part of ``rows`` x ``cols``."""
    shape = (rows, cols, 3) if mode in COLOUR else (rows, cols)
    return shape, np.dtype(dtype or ("f4" if mode in ("mean", "luma") else "u1"))


def _place(shape: tuple[int, ...], dtype: np.dtype[Any], out: Array | None) -> Array:
    """Return where to make a frame: where the caller wants it, or in memory of its own."""
    return out if out is not None and out.dtype == dtype else BLOCKS.new(shape, dtype)


def _unturned(
    coded: tuple[int, int], turns: int, top: int, left: int, rows: int, cols: int
) -> tuple[int, int, int, int]:
    """Return where in the coded frame a part of the turned one lies."""
    if turns == 1:
        return left, coded[1] - top - rows, cols, rows
    if turns == 2:
        return coded[0] - top - rows, coded[1] - left - cols, rows, cols
    if turns == 3:
        return coded[0] - left - cols, top, cols, rows
    return top, left, rows, cols
