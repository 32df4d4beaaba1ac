"""Video files as frames: true colours, exact numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, get_args

import numpy as np

from headrace.core.notes import warn
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.layout import check_size
from headrace.frames.base.options import check_dtype, whole_number
from headrace.frames.base.paths import check_file
from headrace.frames.base.unreadable import stamp_of
from headrace.frames.video.cache import drop, keep
from headrace.frames.video.decode import Decoder
from headrace.frames.video.duration import EVEN
from headrace.frames.video.index import VideoIndex, rate_of
from headrace.frames.video.pixels import Mode, Pixels
from headrace.frames.video.reading import VideoRun
from headrace.sources.files_rows import example_file

SMALL: Final = 1 << 26  # bytes of a file that is read through when it is first opened


@dataclass(frozen=True)
class VideoHeader(Header):
    """What is known of a video.

    Attributes
    ----------
    fps : float
        Frames a second, as the file says; see :meth:`Video.rate`.
    even : bool
        Whether the file is of a kind that says the mean where the rate varies.
    coded : tuple of int
        Rows and columns of the whole frame, as it is decoded.
    turns : int
        Quarters that frames are turned by, counter-clockwise, as a phone notes it.
    codec, format : str
        FFmpeg's names of how it is coded, and of how pixels are.
    """

    fps: float
    even: bool
    coded: tuple[int, int]
    turns: int
    codec: str
    format: str


@register("video", example=lambda: Video(example_file("clip.mkv", _write_example), (8, 10)))
@recipe
class Video(Footage):
    """The recipe of :class:`headrace.frames.VideoReader` for a file."""

    who: ClassVar[str] = "VideoReader"
    tuning: ClassVar[tuple[str, ...]] = ("threads",)
    guard: ClassVar[str] = "file"

    path: Path
    part: tuple[int, int] | None = None
    offset: tuple[int, int] | None = None
    mode: Mode = "rgb"
    dtype: str | None = None
    begin: int | None = None
    end: int | None = None
    step: int = 1
    track: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        who = "VideoReader"
        self.fix(
            **checked(self.part, self.offset, self.mode, self.dtype),
            path=check_file(who, self.path),
            begin=None if self.begin is None else whole_number(who, "start", self.begin),
            end=None if self.end is None else whole_number(who, "stop", self.end),
            step=whole_number(who, "stride", self.step, 1),
            track=whole_number(who, "stream", self.track, 0),
            threads=whole_number(who, "threads", self.threads, 0),
        )

    def reader(self) -> FrameReader:
        return VideoRun(self)

    def pixels(self, coded: tuple[int, int], turns: int) -> Pixels:
        """Return what makes decoded frames of this size into those that are asked for."""
        return Pixels(coded, turns, self.mode, self.part, self.offset, self.dtype)

    def header(self, spare: bool = False) -> VideoHeader:
        """Return what is known of the frames; the file is opened once for it, and one of them decoded.

        Parameters
        ----------
        spare
            Whether a pass will follow soon: the file then stays open for it.

        Raises
        ------
        DataError
            When that cannot be.
        StreamConfigError
            When they have no such part.
        """
        known: Any = self._header
        if known is None:
            stamp = stamp_of(self.path)
            decoder = Decoder(self.path, self.track, self.threads if spare else 1, by_frame=spare)
            try:
                # Opening a file may cost as much as decoding ten frames: a small one is read through at once.
                first, index = decoder.look(self.path.stat().st_size <= SMALL)
                known = self._known(first, decoder)
                self.fix(_header=known, _written=stamp)
                if spare:
                    keep(known, decoder)
            finally:
                if known is None or not spare:
                    decoder.close()
            if index is not None and index.frames:
                self._take_over(index)
        header: VideoHeader = known
        return header

    def leave(self) -> None:
        """Close the file that was left open for the first pass, where it was opened at all."""
        if self._header is not None:
            drop(self._header)

    def _known(self, first: Any, decoder: Decoder) -> VideoHeader:
        stream, kind = decoder.stream, decoder.container.format.name
        coded = (int(first.height), int(first.width))
        turns = round(getattr(first, "rotation", 0) / 90) % 4
        pixels = self.pixels(coded, turns)
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        name, form = stream.codec_context.name, first.format.name
        return VideoHeader(stream.frames, pixels.shape, pixels.dtype, rate, kind in EVEN, coded, turns, name, form)

    def index(self) -> VideoIndex:
        """Return which packet of the file is which frame; the file is read through for it once.

        Raises
        ------
        DataError
            When there is no frame in it.
        """
        known: VideoIndex | None = self.__dict__.get("_index")
        if known is None:
            decoder = Decoder(self.path, self.track, self.threads)
            try:
                known = decoder.index()
            finally:
                decoder.close()
            self._take_over(known)
        return known

    def _take_over(self, index: VideoIndex) -> None:
        self.fix(_index=index)
        if index.lacks:
            warn(
                f"VideoReader got {str(self.path)!r} with {index.frames} frames, wanted about {index.lacks} more, as the "
                "file says itself: it was cut off.\n  What is there is given; copy or download the file again."
            )
        if index.holes:
            warn(
                f"VideoReader got {str(self.path)!r} with about {index.holes} frames lost in the middle, wanted a whole file: "
                "what is there of them cannot be read.\n  Those behind the hole have lower numbers than they had; times says "
                "when each was shown. Copy or download the file again."
            )

    def chosen(self) -> range:
        """Return which frames of the file it gives."""
        return range(self.index().frames)[self.begin : self.end : self.step]

    def rate(self) -> float:
        """Return frames a second, by which ``step`` divides; the mean, where they vary.

        Files are read through for it but for those above 64 MiB of a kind that says the mean.
        """
        header = self.header()
        said = header.fps / self.step
        if header.even and "_index" not in self.__dict__:
            return said
        return rate_of(self.times, said, self.index().unit)

    @property
    def times(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """When each frame is shown, in seconds, as the file says."""
        return self.index().times[self.begin : self.end : self.step]

    @property
    def size(self) -> float | None:
        """The number of frames; None where the file cannot be read: drawing from it says why."""
        try:
            return len(self.chosen())
        except Exception:  # printing a description must not fail for one broken file of thousands
            return None

    def extent(self) -> float:
        """Return the number of frames; raises what keeps the file from being read."""
        return len(self.chosen())


def checked(part: Any, offset: Any, mode: Any, dtype: Any) -> dict[str, Any]:
    """Return what is asked for of each frame, for ``fix``; raise StreamConfigError for what is none."""
    if mode not in get_args(Mode):
        raise StreamConfigError(
            f"VideoReader(mode=) got {mode!r}, wanted one of {', '.join(map(repr, get_args(Mode)))}.\n"
            "  'rgb' is in colour, red first; 'luma' is the grey that the file has ready; 'mean' is that of the three."
        )
    return {
        "part": None if part is None else check_size("VideoReader", part),
        "offset": None if offset is None else check_size("VideoReader", offset, "offset", 0),
        "dtype": None if dtype is None else _values(dtype),
    }


def _values(dtype: Any) -> str:
    """Return the name of a type of numbers that holds 0 to 255, or raise StreamConfigError."""
    found = check_dtype("VideoReader", "dtype", dtype, "uif")
    if found.kind != "f" and np.iinfo(found).max < 255:
        raise StreamConfigError(
            f"VideoReader(dtype=) got {dtype!r}, wanted one that holds 0 to 255.\n"
            "  Choose 'uint8', one that is wider, or a float; None is uint8 for colours and float32 for greys."
        )
    return str(found.name)


def _write_example(path: Path) -> None:
    from headrace.frames.video.writer import VideoWriter

    rows = np.random.default_rng(5).integers(0, 256, (20, 12, 16, 3), np.uint8)
    part = path.with_name(f"{os.getpid()}-{path.name}")
    with VideoWriter(part, codec="FFV1") as writer:
        for frame in rows:
            writer.write(frame)
    part.replace(path)
