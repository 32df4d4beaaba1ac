"""Frames of a video file by number: where to begin, what to pass, and which frame it is that comes out.

Packets are numbered as the file has them, and each takes its number through the decoder, in place of its time. So which
frame comes out is known, and never guessed from times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.frames.video_fork import keep_in_children
from headrace.frames.video_index import Packets, VideoIndex, told_by

LOW_DELAY = 1 << 19  # FFmpeg's number of the flag
FAR = 12  # packets that are decoded and dropped rather than gone past by a seek
LOOK = 200  # packets that may pass after a seek until one is known


class Decoder:
    """An open video file, from which frames are had by number. Owned by one thread.

    Parameters
    ----------
    path
        The file.
    stream
        Which of its video streams.
    threads
        How many decode; 0 for as many as there are processors.
    by_frame
        Whether threads may decode different frames: fastest in a row, and slow to the first.

    Raises
    ------
    DataError
        When it is no video that can be read.
    MissingExtraError
        Without PyAV.
    """

    def __init__(self, path: Path, stream: int = 0, threads: int = 0, *, by_frame: bool = True) -> None:
        self._av = optional("av", "video", "VideoReader")
        # PyAV itself has a LookupError for a packet of a stream that begins further on.
        self.errors: tuple[type[Exception], ...] = (self._av.error.FFmpegError, ValueError, EOFError, LookupError)
        self._path, self._which, self._threads, self._by_frame = path, stream, threads, by_frame
        self.container: Any = None
        self._open()
        keep_in_children(self)

    # --- the file -------------------------------------------------------------------------------

    def _open(self) -> None:
        self.close()
        try:
            self.container = self._av.open(str(self._path))
        except self.errors as error:
            raise self._unreadable(f"no video that can be read: {_why(error)}") from error
        found = self.container.streams.video
        if len(found) <= self._which:
            kinds = ", ".join(sorted({other.type for other in self.container.streams})) or "nothing"
            self.close()
            if not found:
                raise self._unreadable(f"no video: it has {kinds} only")
            raise self._unreadable(f"{len(found)} videos, counted from 0, and not number {self._which}")
        self.stream: Any = found[self._which]
        context = self.stream.codec_context
        if context is None:
            self.close()
            raise self._unreadable("a video of a codec that is not known here")
        self.stream.thread_type = "AUTO" if self._by_frame else "SLICE"
        context.thread_count = self._threads
        for other in self.container.streams:
            if other is not self.stream and hasattr(other, "discard"):  # sound, which need not be read
                other.discard = type(other.discard)["all"]
        self._begin(self.container.demux(self.stream), 0)

    def _begin(self, packets: Iterator[Any], number: int) -> None:
        """Go on with these packets, of which the first has this number."""
        self._packets, self._number = packets, number
        self._ready: deque[Any] = deque()
        self._last = -1  # frame that came out last
        self._ended = self._skipping = False
        self._failed: Exception | None = None

    def _unreadable(self, what: str) -> DataError:
        return DataError(
            f"VideoReader got {self._path.name!r}, which is {what}.\n  ffmpeg -i says what is in it; a file that was not "
            "closed when it was written may have to be written again."
        )

    def close(self) -> None:
        """Let go of the file and the threads. Twice is fine."""
        container, self.container = self.container, None
        self._packets, self._ready, self.stream = iter(()), deque(), None
        if container is not None:
            container.close()

    # --- what is in it --------------------------------------------------------------------------

    def look(self, whole: bool) -> tuple[Any, VideoIndex | None]:
        """Return the first frame that can be decoded, as PyAV has it, and the index; the place is lost.

        Parameters
        ----------
        whole
            Whether to read on for the index. It is None otherwise, and where it is not known without decoding all.
        """
        self.stream.codec_context.flags |= LOW_DELAY  # the first that is stored will do: none is waited for
        told, first, tried, failed = [], None, 0, None
        try:
            for packet in self._packets:
                if packet.size:
                    told.append(told_by(packet))  # before it is decoded
                elif packet.dts is not None:
                    continue
                if first is None and tried < LOOK:
                    try:
                        first = next(iter(packet.decode()), None)
                    except self.errors as error:
                        failed, tried = error, tried + 1
                elif not whole or first is None:
                    break
        except self.errors as error:
            failed = error
        if first is None:
            more = "" if failed is None else f": {_why(failed)}"
            raise self._unreadable(f"a video without a frame that can be decoded{more}")
        return first, Packets(self.stream, told).by_times() if whole else None

    def index(self) -> VideoIndex:
        """Read the file through, and return which packet is which frame; the place is lost."""
        told: list[Any] = []
        try:
            told.extend(told_by(packet) for packet in self.container.demux(self.stream) if packet.size)
        except self.errors:
            pass  # the frames up to here are there
        packets = Packets(self.stream, told)
        made = packets.by_times()
        if made is None:
            self._open()
            made = packets.by_decoding(self.container, self.stream, self.errors)
        if not made.frames:
            raise self._unreadable("a video without a frame that can be decoded")
        return made

    # --- frames ---------------------------------------------------------------------------------

    def stands_before(self, i: int) -> bool:
        """Whether frame ``i`` is the next, or near behind it."""
        there = self._number > 0 and (bool(self._ready) or not self._ended)
        return there and 0 <= i - self._last - 1 < FAR

    def get(self, i: int, index: VideoIndex, needed: Callable[[int], bool]) -> Any:
        """Return frame ``i``, as PyAV has it.

        Parameters
        ----------
        i
            Its number.
        index
            Of this file.
        needed
            Whether a frame will be asked for on the way; of the others some are not decoded.

        Raises
        ------
        DataError
            When it cannot be decoded. Others can still be.
        """
        if (
            i <= self._last
            or (self._ended and not self._ready)
            or (i != self._last + 1 and index.start_of(i) >= self._number + FAR)
        ):
            self._seek(i, index)
        frame = self._forward(i, index, needed)
        if frame is None:  # perhaps because it was passed when nobody needed it
            failed = self._failed
            self._seek(i, index)
            frame = self._forward(i, index, _all)
            if frame is None:
                why = self._failed or failed
                raise DataError(
                    f"VideoReader cannot decode frame {i} of {self._path.name!r}"
                    + (": it is damaged or missing." if why is None else f": {_why(why)}.")
                    + "\n  skip() passes it; those behind it may be whole."
                )
        return frame

    def _forward(self, i: int, index: VideoIndex, needed: Callable[[int], bool]) -> Any:
        """Return frame ``i``, or None when one behind it comes out, or nothing more."""
        ready, context = self._ready, self.stream.codec_context
        while True:
            while ready:
                frame = ready[0]
                found = -1 if frame.pts is None else index.frame_of(frame.pts)
                if found > i:
                    return None
                ready.popleft()
                if found > self._last:
                    self._last = found
                if found == i:
                    return frame
            if self._ended:
                return None
            try:
                packet = next(self._packets)
                if packet.size:
                    number = self._number
                    packet.pts = number
                    self._number = number + 1
                    shown = index.frame_of(number)
                    skip = shown < i and not needed(shown)
                    if skip is not self._skipping:
                        context.skip_frame = "NONREF" if skip else "DEFAULT"
                        self._skipping = skip
                elif packet.dts is not None:
                    continue  # an empty one shows the frame before it for longer
                else:
                    self._ended = True
                ready.extend(packet.decode())
            except StopIteration:
                self._ended = True
            except self.errors as error:
                self._failed = error
                self._ended = self._ended or self._number >= index.packets

    def _seek(self, i: int, index: VideoIndex) -> None:
        """Go where decoding must begin for frame ``i``."""
        for back in (0, 1, 4, 16):
            start = index.start_of(i, back)
            time = index.time_of(start)
            if start == 0 or time is None:
                break
            try:
                self.container.seek(time, stream=self.stream)
                if self._found(self.container.demux(self.stream), index.start_of(i), index):
                    return
            except self.errors:
                break
        self._open()

    def _found(self, packets: Iterator[Any], start: int, index: VideoIndex) -> bool:
        """Go on where the file stands, if that is known and not behind ``start``; what comes before ``start`` is passed."""
        passed = 0
        for packet in packets:
            if not packet.size:
                if packet.dts is None:
                    return False
                continue
            number = index.find(packet.pts, packet.size)
            if number is None:
                passed += 1
                if passed > LOOK:
                    return False
                continue
            if number > start:
                return False
            if number < start:
                for _ in range(start - number - 1):
                    self._next_real(packets)
                packet = self._next_real(packets)
            context = self.stream.codec_context
            context.skip_frame = "DEFAULT"
            self._begin(chain([packet], packets), start)
            self._last = -1
            return True
        return False

    @staticmethod
    def _next_real(packets: Iterator[Any]) -> Any:
        while not (packet := next(packets)).size:
            if packet.dts is None:
                raise EOFError("the file ends early")
        return packet


def _all(_i: int) -> bool:
    return True


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".")
