"""Frames that move: in a notebook without any package, and as gif and mp4 files."""

from __future__ import annotations

from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.plot.frames_blocks import block_of, bytes_of, colours_of, scale_of
from headrace.plot.marks import Array
from headrace.plot.png import data_uri, png
from headrace.plot.svg import Svg, document, tag
from headrace.plot.thumbnail import rate, turns
from headrace.trees.counting import whole_number

_SIDE = 256.0  # pixels of the longer side of a small film
_GAP = 2  # pixels between channels


class Film:
    """Frames that are shown one after the other: displayed by notebooks, saved by :meth:`save`.

    Attributes
    ----------
    frames : array
        uint8 ``(n, rows, cols)`` or ``(n, rows, cols, 3)``.
    fps : float
        How many are shown in a second.
    """

    frames: Array
    fps: float

    def __init__(self, frames: Array, fps: float) -> None:
        self.frames, self.fps = frames, fps

    def svg(self) -> Svg:
        """Return the film as a drawing that moves."""
        rows, cols = self.frames.shape[1:3]
        zoom = max(1.0, _SIDE / max(rows, cols))
        width, height = cols * zoom, rows * zoom
        sharp = {"style": "image-rendering: pixelated"} if zoom > 1.5 else {}
        pictures = [
            tag("image", width=width, height=height, preserveAspectRatio="none", href=data_uri(png(frame)), **sharp)
            for frame in self.frames
        ]
        return document(width, height, [turns(pictures, self.fps)], "film")

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the film to a file, by its ending ``.gif``, ``.mp4`` or ``.svg``, and return its path.

        Raises
        ------
        StreamConfigError
            For another ending.
        MissingExtraError
            For ``.gif`` without Pillow, ``.mp4`` without PyAV.
        OSError
            When it cannot be written.
        """
        where = Path(path)
        ending = where.suffix.lower()
        if ending == ".svg":
            return self.svg().save(where)
        if ending not in (".gif", ".mp4"):
            raise StreamConfigError(
                f"Film.save(path) got {where.name!r}, wanted a name that ends in .gif, .mp4 or .svg."
            )
        where.write_bytes(self._gif() if ending == ".gif" else self._mp4())
        return where

    def _gif(self) -> bytes:
        images = optional("PIL.Image", "frames", "Film.save")
        first, *more = [images.fromarray(frame) for frame in self.frames]
        file = BytesIO()
        # The format counts in hundredths of a second, and programs take less than two for none.
        lasting = max(20, round(1000 / self.fps))
        first.save(file, format="GIF", save_all=True, append_images=more, duration=lasting, loop=0)
        return file.getvalue()

    def _mp4(self) -> bytes:
        av: Any = optional("av", "video", "Film.save")
        frames = self.frames if self.frames.ndim == 4 else np.repeat(self.frames[..., np.newaxis], 3, axis=3)
        # Encoders take even sizes; small films are enlarged, pixel by pixel, for programs that show them as they are.
        zoom = max(1, int(_SIDE // max(frames.shape[1:3])))
        frames = frames.repeat(zoom, axis=1).repeat(zoom, axis=2)
        frames = np.pad(frames, ((0, 0), (0, frames.shape[1] % 2), (0, frames.shape[2] % 2), (0, 0)), mode="edge")
        file = BytesIO()
        with av.open(file, "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=max(1, round(self.fps)))
            stream.height, stream.width = frames.shape[1:3]
            stream.pix_fmt = "yuv420p"
            for frame in frames:
                for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")):
                    container.mux(packet)
            for packet in stream.encode():
                container.mux(packet)
        return file.getvalue()

    def _repr_html_(self) -> str:
        return self.svg()._repr_html_()

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        return f"<film of {len(self.frames)} frames, {self.fps:g} a second: .save('film.gif') writes it>"


@register("plot.preview", example=None, kind="view")
def preview(x: Any, n: int = 100, fps: float = 25.0) -> Film:
    """Return frames as a film for a notebook, or for a file.

    Parameters
    ----------
    x
        A stream of frames, whose next frames are shown and which does not move; or an array or tensor, as
        ``[time, row, col]`` or ``[batch, channel, time, row, col]``. Three channels are red, green and blue; others, and
        batches, are shown side by side.
    n
        How many frames at most.
    fps
        How many are shown in a second.

    Raises
    ------
    StreamConfigError
        For numbers that are none.
    DataError
        For what is no frames.

    Examples
    --------
    >>> from headrace.frames import moving_bar
    >>> from headrace.plot import preview
    >>> preview(moving_bar(50, 12, 16))
    <film of 50 frames, 25 a second: .save('film.gif') writes it>
    """
    n = whole_number("preview", "n", n, 1, "frames")
    fps = rate("preview", fps)
    block = block_of(x, "preview", n)[:, :, :n]
    colours = colours_of(block)
    if colours is not None:
        low, high = scale_of(block)
        # Colours on [0, 1] or [0, 255] are what they are.
        scale = (
            (0.0, 1.0 if high <= 1 and block.dtype.kind == "f" else 255.0) if low >= 0 and high <= 255 else (low, high)
        )
        return Film(bytes_of(colours, scale), fps)
    made = bytes_of(block, scale_of(block))
    lanes = made.reshape(-1, *made.shape[2:])
    gap = np.full((*lanes.shape[1:3], _GAP), 128, np.uint8)
    parts = [part for lane in lanes for part in (gap, lane)][1:]
    return Film(np.concatenate(parts, axis=2), fps)
