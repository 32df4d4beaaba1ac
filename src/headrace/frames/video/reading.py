"""A video of which frames are read: those in a row with one decoder, those here and there with another."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from headrace.core.indexed import Numbers, numbers
from headrace.errors import ClosedError
from headrace.frames.base.footage import FrameReader
from headrace.frames.base.layout import Array
from headrace.frames.video.blocks import BLOCKS
from headrace.frames.video.cache import take
from headrace.frames.video.decode import FAR, Decoder

if TYPE_CHECKING:
    from headrace.frames.video.recipe import Video, VideoHeader

RUN: Final = 8  # frames in a row from which on it pays to decode several at once


class VideoRun(FrameReader):
    """An open video: any thread may ask it, one after the other."""

    header: VideoHeader
    file: int | Path | None

    def __init__(self, stream: Video) -> None:
        self.stream = stream
        self.file = stream.path  # PyAV tells no descriptors
        self._runs: Decoder | None = None  # for many in a row
        self._jumps: Decoder | None = None  # for one here and one there
        self._steps = 0
        self.header = stream.header()
        self._pixels = stream.pixels(self.header.coded, self.header.turns)
        self._lock, self._closed = Lock(), False
        # For frames from 0 on, too, though that reads a large file through: which of what comes out of the decoder is frame 0
        # is known only with the times of all packets (an edit list, an open group at the beginning, packets that show nothing).
        self._index = stream.index()
        self._chosen = stream.chosen()

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
            self._runs = take(self.header) or Decoder(stream.path, stream.track, stream.threads)
        return self._runs

    def read(self, lo: int, hi: int) -> Array:
        with self._lock:
            return self._read(self._chosen[lo:hi])

    def _read(self, at: range) -> Array:
        self._check_open()
        index = self._index
        decoder, needed = self._decoder(at[0], at[-1]), self._chosen.__contains__
        if len(at) == 1:
            return self._pixels.of(decoder.get(at[0], index, needed))[np.newaxis]
        found = BLOCKS.new((len(at), *self._pixels.shape), self._pixels.dtype)
        for place, i in zip(found, at, strict=True):
            made = self._pixels.of(decoder.get(i, index, needed), place)
            if made is not place:
                place[...] = made
        return found

    def pick(self, at: Numbers) -> Array:
        """Return any frames: each is decoded once, in the order of the file."""
        with self._lock:
            return self._pick(numbers(at) * self._chosen.step + self._chosen.start)

    def _pick(self, at: Numbers) -> Array:
        self._check_open()
        index = self._index
        wanted, place = np.unique(at, return_inverse=True)
        first, last = int(wanted[0]), int(wanted[-1])
        among = set(wanted.tolist())
        decoder = self._decoder(first, first)
        found = BLOCKS.new((len(at), *self._pixels.shape), self._pixels.dtype)
        goal = np.argsort(place, kind="stable")
        counts = np.bincount(place, minlength=len(wanted)).tolist()
        lo = 0
        for i, n in zip(wanted.tolist(), counts, strict=True):
            frame = self._pixels.of(decoder.get(i, index, lambda j: j > last or j in among))
            found[goal[lo : lo + n]] = frame
            lo += n
        return found

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(
                f"VideoReader got asked for frames of {str(self.stream.path)!r} after close(), wanted an open one.\n"
                "  Another thread has closed it; open the stream again."
            )

    def close(self) -> None:
        with self._lock:
            self._closed = True
            for decoder in (self._runs, self._jumps):
                if decoder is not None:
                    decoder.close()
            self._runs = self._jumps = None
