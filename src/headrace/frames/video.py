"""Video files as frames: true colours, exact numbers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final, get_args

import numpy as np

from headrace.core.indexed import Numbers, numbers
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import StreamConfigError
from headrace.frames.footage import Footage, FrameReader, Header, check_file, whole_number
from headrace.frames.layout import Array, check_size
from headrace.frames.video_blocks import Blocks
from headrace.frames.video_decode import FAR, Decoder
from headrace.frames.video_index import VideoIndex
from headrace.frames.video_pixels import Mode, Pixels
from headrace.sources.files_rows import example_file

SMALL: Final = 1 << 26  # bytes of a file that is read through when it is first opened
RUN: Final = 8  # frames in a row from which on it pays to decode several at once


@dataclass(frozen=True)
class VideoHeader(Header):
    """What is known of a video.

    Attributes
    ----------
    fps : float
        Frames a second, as the file says; of a file with a varying rate, the mean.
    coded : tuple of int
        Rows and columns of the whole frame, as it is decoded.
    turns : int
        Quarters that frames are turned by, counter-clockwise, as a phone notes it.
    codec, format : str
        FFmpeg's names of how it is coded, and of how pixels are.
    """

    fps: float
    coded: tuple[int, int]
    turns: int
    codec: str
    format: str


@register("video", example=lambda: Video(example_file("clip.mkv", _write_example), (8, 10)))
@recipe
class Video(Footage):
    """The recipe of :class:`headrace.frames.VideoReader` for a file."""

    tuning: ClassVar[tuple[str, ...]] = ("threads",)

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
        check_mode(self.mode)
        self.fix(
            path=check_file(who, self.path),
            part=None if self.part is None else check_size(who, self.part),
            offset=None if self.offset is None else check_size(who, self.offset, "offset", 0),
            begin=None if self.begin is None else whole_number(who, "start", self.begin),
            end=None if self.end is None else whole_number(who, "stop", self.end),
            step=whole_number(who, "stride", self.step, 1),
            track=whole_number(who, "stream", self.track, 0),
            threads=whole_number(who, "threads", self.threads, 0),
            dtype=None if self.dtype is None else check_dtype(self.dtype),
        )

    def reader(self) -> FrameReader:
        return _Reader(self)

    def pixels(self, coded: tuple[int, int], turns: int) -> Pixels:
        """Return what makes decoded frames of this size into those that are asked for."""
        return Pixels(coded, turns, self.mode, self.part, self.offset, self.dtype)

    def header(self) -> VideoHeader:
        """Return what is known of the frames; the file is opened once for it, and one of them decoded.

        Raises
        ------
        DataError
            When that cannot be.
        StreamConfigError
            When they have no such part.
        """
        known: Any = self._header
        if known is None:
            decoder = Decoder(self.path, self.track, 1, by_frame=False)
            try:
                # Opening a file may cost as much as decoding ten frames: a small one is read through at once.
                first, index = decoder.look(self.path.stat().st_size <= SMALL)
                known = self._known(first, decoder.stream)
            finally:
                decoder.close()
            self.fix(_header=known)
            if index is not None and index.frames:
                self.fix(_index=index)
        header: VideoHeader = known
        return header

    def _known(self, first: Any, stream: Any) -> VideoHeader:
        coded = (int(first.height), int(first.width))
        turns = round(getattr(first, "rotation", 0) / 90) % 4
        pixels = self.pixels(coded, turns)
        rate = float(stream.average_rate or stream.guessed_rate or 25)
        name, kind = stream.codec_context.name, first.format.name
        return VideoHeader(stream.frames, pixels.shape, pixels.dtype, rate, coded, turns, name, kind)

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
            self.fix(_index=known)
        return known

    def chosen(self) -> range:
        """Return which frames of the file it gives."""
        return range(self.index().frames)[self.begin : self.end : self.step]

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


class _Reader(FrameReader):
    header: VideoHeader

    def __init__(self, stream: Video) -> None:
        self.stream = stream
        self._runs: Decoder | None = None  # for many in a row
        self._jumps: Decoder | None = None  # for one here and one there
        self._steps = 0
        self.header = stream.header()
        self._pixels = stream.pixels(self.header.coded, self.header.turns)
        self._blocks = Blocks()

    def _decoder(self, first: int, last: int) -> Decoder:
        """Return a decoder for frames of the file from ``first`` to ``last``: decoding several at once takes a run-up."""
        stream, near = self.stream, self._runs is not None and self._runs.stands_before(first)
        if not near and last - first < RUN and first >= FAR:
            if self._jumps is None:
                self._jumps = Decoder(stream.path, stream.track, stream.threads, by_frame=False)
            self._steps = self._steps + 1 if self._jumps.stands_before(first) else 0
            if self._steps < RUN:
                return self._jumps
        self._steps = 0
        if self._runs is None:
            self._runs = Decoder(stream.path, stream.track, stream.threads)
        return self._runs

    def read(self, lo: int, hi: int) -> Array:
        return self._read(self.stream.chosen()[lo:hi])

    def _read(self, at: range) -> Array:
        index = self.stream.index()
        decoder, needed = self._decoder(at[0], at[-1]), self.stream.chosen().__contains__
        if len(at) == 1:
            return self._pixels.of(decoder.get(at[0], index, needed))[np.newaxis]
        found = self._blocks.new((len(at), *self._pixels.shape), self._pixels.dtype)
        for place, i in zip(found, at, strict=True):
            made = self._pixels.of(decoder.get(i, index, needed), place)
            if made is not place:
                place[...] = made
        return found

    def pick(self, at: Numbers) -> Array:
        """Return any frames: each is decoded once, in the order of the file."""
        index, chosen = self.stream.index(), self.stream.chosen()
        wanted, place = np.unique(numbers(at) * chosen.step + chosen.start, return_inverse=True)
        first, last = int(wanted[0]), int(wanted[-1])
        among = set(wanted.tolist())
        decoder = self._decoder(first, first)
        found = self._blocks.new((len(at), *self._pixels.shape), self._pixels.dtype)
        goal = np.argsort(place, kind="stable")
        counts = np.bincount(place, minlength=len(wanted)).tolist()
        lo = 0
        for i, n in zip(wanted.tolist(), counts, strict=True):
            frame = self._pixels.of(decoder.get(i, index, lambda j: j > last or j in among))
            found[goal[lo : lo + n]] = frame
            lo += n
        return found

    def close(self) -> None:
        for decoder in (self._runs, self._jumps):
            if decoder is not None:
                decoder.close()
        self._runs = self._jumps = None


def check_mode(mode: Any) -> None:
    """Raise StreamConfigError when ``mode`` is none."""
    if mode not in get_args(Mode):
        raise StreamConfigError(
            f"VideoReader(mode=) got {mode!r}, wanted one of {', '.join(map(repr, get_args(Mode)))}.\n"
            "  'rgb' is in colour, red first; 'luma' is the grey that the file has ready; 'mean' is that of the three."
        )


def check_dtype(dtype: Any) -> str:
    """Return the name of a type of numbers, or raise StreamConfigError."""
    try:
        found = np.dtype(dtype)
        if found.kind not in "uif":
            raise TypeError
    except TypeError:
        raise StreamConfigError(
            f"VideoReader(dtype=) got {dtype!r}, wanted a type of numbers.\n"
            "  None is uint8 for colours and float32 for greys."
        ) from None
    return str(found.name)


def _write_example(path: Path) -> None:
    from headrace.frames.video_writer import VideoWriter

    rows = np.random.default_rng(5).integers(0, 256, (20, 12, 16, 3), np.uint8)
    part = path.with_name(f"{os.getpid()}-{path.name}")
    with VideoWriter(part, codec="FFV1") as writer:
        for frame in rows:
            writer.write(frame)
    part.replace(path)
