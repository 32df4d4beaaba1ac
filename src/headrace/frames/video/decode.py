"""Frames of a video file by number: where to begin, what to pass, and which frame it is that comes out.

Packets are numbered as the file has them, and each takes its number through the decoder, in place of its time. So which
frame comes out is known, and never guessed from times.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.frames.video.duration import lacking, lost
from headrace.frames.video.index import TOLD, Packets, VideoIndex, told_by
from headrace.frames.video.opened import OpenVideo, why

LOW_DELAY = 1 << 19  # FFmpeg's number of the flag
FAR = 12  # packets that are decoded and dropped rather than gone past by a seek
LOOK = 200  # packets that may pass after a seek until one is known
AHEAD = 1 << 24  # bytes of packets that are kept from the look at a file for the first pass


class Decoder(OpenVideo):
    """An open video file, from which frames are had by number."""

    # --- what is in it --------------------------------------------------------------------------

    def look(self, whole: bool) -> tuple[Any, VideoIndex | None]:
        """Return the first frame that can be decoded, as PyAV has it, and the index. It still stands at the beginning then.

        But only one that decodes ``by_frame`` does: another has been hurried.

        Parameters
        ----------
        whole
            Whether to read on for the index. It is None otherwise, and where it is not known without decoding all.
        """
        if not self._by_frame:
            self.stream.codec_context.flags |= LOW_DELAY  # the first that is stored will do: none is waited for
        told, empty, tried, failed = array("q"), 0, 0, None
        first, behind, size = None, [], 0
        try:
            for packet in self._packets:
                if packet.size:
                    told.extend(told_by(packet))  # before it is numbered
                elif packet.dts is not None:
                    empty += 1
                    continue
                if first is not None:
                    behind.append(packet)
                    size += packet.size
                    if size > AHEAD:
                        behind.clear()
                    continue
                try:
                    self._decode(packet)
                except self.errors as error:
                    failed, tried = error, tried + 1
                first = next(iter(self._ready), None)
                if tried == LOOK or (first is not None and not whole):
                    break
        except self.errors as error:
            failed = error
        if first is None:
            more = "" if failed is None else f": {why(failed)}"
            raise self.unreadable(f"a video without a frame that can be decoded{more}")
        if size > AHEAD:
            self._begin(iter(()), 0)
            self._ended = True  # the first frame that is asked for is gone to
        else:
            self._packets = chain(behind, self._packets)
        made = Packets(self.stream, told).by_times() if whole else None
        if made is not None:
            self._compare(told, empty, made)
        return first, made

    def index(self) -> VideoIndex:
        """Read the file through, and return which packet is which frame; the place is lost."""
        told, empty = array("q"), 0
        try:
            for packet in self._demuxed():
                if packet.size:
                    told.extend(told_by(packet))
                else:
                    empty += packet.dts is not None
        except self.errors:
            pass  # the frames up to here are there
        packets = Packets(self.stream, told)
        made = packets.by_times()
        if made is None:
            self._open()
            made = packets.by_decoding(self.container, self.stream, self.errors)
        if not made.frames:
            raise self.unreadable("a video without a frame that can be decoded")
        self._compare(told, empty, made)
        return made

    def _compare(self, told: array[int], empty: int, index: VideoIndex) -> None:
        """Note what the file should have, and has not."""
        rows = np.frombuffer(told, np.int64).reshape(-1, TOLD)
        index.lacks = lacking(self.container, self.stream, len(rows) + empty, index.times)
        index.holes = lost(self.container, rows[:, 0], rows[:, 5], rows[:, 2])

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
                cause = self._failed or failed
                raise DataError(
                    f"VideoReader cannot decode frame {i} of {str(self._path)!r}"
                    + (": it is damaged or missing." if cause is None else f": {why(cause)}.")
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
                    shown = index.frame_of(self._number)
                    skip = shown < i and not needed(shown)
                    if skip is not self._skipping:
                        context.skip_frame = "NONREF" if skip else "DEFAULT"
                        self._skipping = skip
                elif packet.dts is not None:
                    continue  # an empty one shows the frame before it for longer
                self._decode(packet)
            except StopIteration:
                self._ended = True
            except self.errors as error:
                self._failed = error
                self._ended = self._ended or self._number >= index.packets

    def _decode(self, packet: Any) -> None:
        """Decode a packet by its number, or, with an empty one, what is still inside."""
        if packet.size:
            packet.pts = self._number
            self._number += 1
        else:
            self._ended = True
        self._ready.extend(packet.decode())

    def _seek(self, i: int, index: VideoIndex) -> None:
        """Go where decoding must begin for frame ``i``."""
        for back in (0, 1, 4, 16):
            start = index.start_of(i, back)
            time = index.time_of(start)
            if time is None:
                break
            try:
                self.container.seek(time, stream=self.stream)
                if self._found(self._demuxed(), index.start_of(i), index):
                    return
            except self.errors:
                break
            if start == 0:
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
            number = index.find(packet)
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
