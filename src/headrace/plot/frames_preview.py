"""Frames that move: in a notebook without any package, and as gif and mp4 files."""

from __future__ import annotations

from io import BytesIO
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from headrace.core.anew import written_anew
from headrace.core.checks import whole_number
from headrace.core.notes import warn
from headrace.core.optional import optional
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.frames import VideoWriter
from headrace.frames.base.paths import check_target
from headrace.plot.frames_blocks import bytes_of, colours_of, scale_of, shrunk
from headrace.plot.frames_drawn import drawn
from headrace.plot.marks import Array
from headrace.plot.png import data_uri, png
from headrace.plot.svg import Svg, document, tag
from headrace.plot.thumbnail import rate, turns

_SIDE = 256  # pixels of the longer side of a small film
_WIDEST = 3 * _SIDE  # of that of a large one
_PAGE = 6 << 20  # bytes of pictures in a notebook, 8 MiB of text: with more, it is slow to open and to save
_GAP = 2  # pixels between channels
_FASTEST_GIF = 50  # frames a second: programs take less than two hundredths of a second for none


class Film:
    """Frames that are shown one after the other: displayed by notebooks, saved by :meth:`save`.

    Parameters
    ----------
    frames, fps, note
        As below.

    Attributes
    ----------
    frames : array
        uint8 ``(n, rows, cols)`` or ``(n, rows, cols, 3)``.
    fps : float
        How many are shown in a second.
    note : str
        What they are of what they were made of.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.plot import Film
    >>> Film(np.zeros((8, 30, 40), np.uint8), 12.5).save("black.svg").name
    'black.svg'
    """

    frames: Array
    fps: float
    note: str

    def __init__(self, frames: Array, fps: float, note: str = "") -> None:
        self.frames, self.fps, self.note = frames, fps, note

    def svg(self) -> Svg:
        """Return the film as a drawing that moves: at most 768 pixels wide or high, and about 8 MiB.

        Larger frames are shrunk. Of a film that takes more, frames are left out, and the others stand longer.
        """
        return self._drawing()[0]

    def _drawing(self) -> tuple[Svg, int]:
        """Return it, and how many frames it shows."""
        k = max(1, -(-max(self.frames.shape[1:3]) // _WIDEST))
        rows, cols = (-(-n // k) for n in self.frames.shape[1:3])
        zoom = max(1.0, _SIDE / max(rows, cols))
        width, height = cols * zoom, rows * zoom
        sharp = {"style": "image-rendering: pixelated"} if zoom > 1.5 else {}
        pictures = [
            tag("image", width=width, height=height, preserveAspectRatio="none", href=data_uri(picture), **sharp)
            for picture in self._pictures(k)
        ]
        moving = turns(pictures, self.fps * len(pictures) / len(self))
        return document(width, height, [moving], "film"), len(pictures)

    def _pictures(self, k: int) -> list[bytes]:
        """Return the frames as PNG files, ``k`` times smaller; some of them, equally far apart, where all are too many."""
        some = [len(_picture(frame, k)) for frame in self.frames[:: -(-len(self) // 5)]]
        step = max(1, -(-sum(some) * len(self) // (len(some) * _PAGE)))
        made = [_picture(frame, k) for frame in self.frames[::step]]
        while len(made) > 1 and sum(map(len, made)) > _PAGE:  # the five were smaller than the others
            made = made[::2]
        return made

    def save(self, path: str | PathLike[str]) -> Path:
        """Write the film to a file, by its ending ``.gif``, ``.mp4`` or ``.svg``, and return its path.

        A ``.gif`` shows 50 frames a second at most: a faster film lasts longer in it, with a HeadraceWarning. An ``.mp4``
        has small films enlarged, each pixel so many times, and even numbers of rows and columns.

        Raises
        ------
        StreamConfigError
            For another ending, and where no file can be written.
        DataError
            When the encoder of ``.mp4`` refuses.
        MissingExtraError
            For ``.gif`` without Pillow, ``.mp4`` without PyAV.
        SinkError
            When it cannot be written, as on a full disk.
        """
        check_target("Film.save", "path", path)
        where = Path(path)
        ending = where.suffix.lower()
        if ending == ".svg":
            return self.svg().save(where)
        if ending not in (".gif", ".mp4"):
            raise StreamConfigError(
                f"Film.save(path) got {where.name!r}, wanted a name that ends in .gif, .mp4 or .svg.\n"
                "  VideoWriter writes other kinds, frame by frame."
            )
        data = self._gif() if ending == ".gif" else self._mp4()
        with written_anew(where, "Film.save") as part:
            part.write_bytes(data)
        return where

    def _gif(self) -> bytes:
        images = optional("PIL.Image", "frames", "Film.save")
        first, *more = [images.fromarray(frame) for frame in self.frames]
        file = BytesIO()
        if self.fps > _FASTEST_GIF:
            warn(
                f"Film.save(path) got a film of {self.fps:g} frames a second, wanted {_FASTEST_GIF} at most for .gif: it plays at "
                f"{_FASTEST_GIF}, and lasts longer.\n  Save it as .mp4 or .svg, which play at any rate."
            )
        # The format counts in hundredths of a second: what one frame stands too long, the next one does not stand.
        ends = np.rint(np.arange(len(self) + 1) * (100 / min(self.fps, _FASTEST_GIF)))
        lasting = (10 * np.diff(ends)).astype(int).tolist()
        first.save(file, format="GIF", save_all=True, append_images=more, duration=lasting, loop=0)
        return file.getvalue()

    def _mp4(self) -> bytes:
        optional("av", "video", "Film.save")
        rows, cols = self.frames.shape[1:3]
        # Small films are enlarged, pixel by pixel, for programs that show them as they are; of odd sizes, which many
        # programs do not show, the last row or column comes twice.
        zoom = max(1, _SIDE // max(rows, cols))
        down, right = np.arange(rows).repeat(zoom), np.arange(cols).repeat(zoom)
        down, right = (np.append(at, at[-1:]) if len(at) % 2 else at for at in (down, right))
        with TemporaryDirectory() as folder:
            with VideoWriter(Path(folder) / "film.mp4", codec="X264", fps=self.fps) as writer:
                for k in range(len(self)):
                    writer.put(self.frames[k : k + 1, down[:, np.newaxis], right])
            return (Path(folder) / "film.mp4").read_bytes()

    def _repr_html_(self) -> str:
        drawing, shown = self._drawing()
        page = drawing._repr_html_()
        if shown == len(self):
            return page
        return f"{page}<div>{shown} of {len(self)} frames: .save('film.gif') writes all</div>"

    def __len__(self) -> int:
        return len(self.frames)

    def __repr__(self) -> str:
        note = f" ({self.note})" if self.note else ""
        return f"<film of {len(self.frames)} frames{note}, {self.fps:g} a second: .save('film.gif') writes it>"


def _picture(frame: Array, k: int) -> bytes:
    if k > 1 and frame.ndim == 3:
        frame = np.moveaxis(shrunk(np.moveaxis(frame, 2, 0), k), 0, 2)
    elif k > 1:
        frame = shrunk(frame, k)
    return png(np.rint(frame).astype(np.uint8, copy=False))


@register("plot.preview", example=None, kind="view")
def preview(x: Any, n: int = 100, fps: float = 25.0, *, side: int = _WIDEST) -> Film:
    """Return frames as a film for a notebook, or for a file.

    Parameters
    ----------
    x
        A stream of frames, whose next frames are shown and which does not move; or an array or tensor, as
        ``[time, row, col]``, ``[time, row, col, channel]`` or ``[batch, channel, time, row, col]``. Three channels are red,
        green and blue; others, and batches, are shown side by side. Bytes (uint8) are shown as they are, and so are colours on
        [0, 1] or [0, 255]; other values are stretched, the least of the film black and the greatest white.
    n
        How many frames at most. Where they take more than 64 MiB, every second or third is shown, and stands as much
        longer; of a stream that has no frames by number, the first of them.
    fps
        How many are shown in a second.
    side
        Rows or columns of the film at most: the mean of 2 x 2 pixels, or 3 x 3, ... of larger frames is shown as one.

    Raises
    ------
    StreamConfigError
        For numbers that are none.
    DataError
        For what is no frames.

    Examples
    --------
    >>> from headrace.frames import RandomStream, moving_bar
    >>> from headrace.plot import preview
    >>> preview(moving_bar(50, 12, 16))
    <film of 50 frames, 25 a second: .save('film.gif') writes it>
    >>> preview(RandomStream((1080, 1920), seed=1), n=2)
    <film of 2 frames (360 x 640 of 1080 x 1920), 25 a second: .save('film.gif') writes it>
    """
    n = whole_number("preview", n, 1, name="n", things="frames")
    fps = rate("preview", fps)
    side = whole_number("preview", side, 1, name="side", things="pixels")
    first: list[Array] = []

    def smaller(frame: Array) -> int:
        first.append(frame)
        return _shrinking(frame, side)

    block, numbers = drawn(x, "preview", n, smaller=smaller)
    step = int(numbers[1] - numbers[0]) if len(numbers) > 1 else 1
    told = [f"1 of {step}"] if step > 1 else []
    rows, cols = first[0].shape[3:]
    if block.shape[3:] != (rows, cols):
        told.append(f"{block.shape[3]} x {block.shape[4]} of {rows} x {cols}")
    low, high = scale_of(block)
    as_bytes = first[0].dtype == np.uint8  # which may have become means of several pixels
    if (as_bytes or colours_of(block) is not None) and low >= 0 and high <= 255:
        low, high = 0.0, 255.0 if as_bytes or high > 1 or block.dtype.kind != "f" else 1.0
    made = bytes_of(block, (low, high))
    colours = colours_of(made)
    return Film(_side_by_side(made) if colours is None else colours, fps / step, ", ".join(told))


def _shrinking(block: Array, side: int) -> int:
    """Return how many pixels become one, so that a film is ``side`` wide and high at most."""
    batches, channels, _, rows, cols = block.shape
    lanes = 1 if (batches, channels) == (1, 3) else batches * channels
    k = 1
    while max(-(-rows // k), lanes * -(-cols // k) + _GAP * (lanes - 1)) > side and k < max(rows, cols):
        k += 1
    return k


def _side_by_side(block: Array) -> Array:
    lanes = block.reshape(-1, *block.shape[2:])
    gap = np.full((*lanes.shape[1:3], _GAP), 128, np.uint8)
    return np.concatenate([part for lane in lanes for part in (gap, lane)][1:], axis=2)
