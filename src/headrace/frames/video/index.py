"""Which packet of a video file is which frame: exact numbers for any file, without decoding it where that can be.

Frames are numbered in the order they are shown in. A file keeps packets in the order they are decoded in, and says of
each when its frame is shown; sorted by that they are the frames. Where a file does not say it, or its codec has packets
that show nothing, the file is decoded once, and what comes out is counted.
"""

from __future__ import annotations

from array import array
from typing import Any, Final

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Errors = tuple[type[Exception], ...]
NEVER: Final = int(np.iinfo(np.int64).min)  # the time of a packet that has none
# Codecs of which each packet is one frame. VP8 has packets that show nothing; others are not known to be so.
ONE_EACH: Final = frozenset(
    [
        "h264",
        "hevc",
        "vvc",
        "av1",
        "libdav1d",
        "vp9",
        "mpeg1video",
        "mpeg2video",
        "mpeg4",
        "msmpeg4v2",
        "msmpeg4v3",
        "wmv1",
        "wmv2",
        "mjpeg",
        "ffv1",
        "huffyuv",
        "ffvhuff",
        "utvideo",
        "png",
        "rawvideo",
        "dvvideo",
        "prores",
        "dnxhd",
        "h263",
        "flv1",
        "qtrle",
        "gif",
    ]
)
# Codecs of which FFmpeg may guess wrongly when packets are shown, by the kind of file, which says only when they are decoded.
GUESSED: Final = {
    "avi": frozenset(["h264", "hevc", "vvc"]),
    "asf": frozenset(["h264", "hevc", "vvc", "mpeg1video", "mpeg2video"]),
}

Told = tuple[int, int, int, bool, bool, int]
TOLD: Final = 6  # numbers of a packet


def told_by(packet: Any) -> Told:
    """Return when a packet is shown and decoded, its bytes, whether it is a key, whether it is hidden, where it lies."""
    pts, dts, place = packet.pts, packet.dts, packet.pos
    return (
        NEVER if pts is None else pts,
        NEVER if dts is None else dts,
        packet.size,
        packet.is_keyframe,
        packet.is_discard,
        -1 if place is None else place,
    )


class VideoIndex:
    """The packets and the frames of a file.

    Parameters
    ----------
    pts, size
        Of each packet in the order of the file: when it is shown (``NEVER`` where the file does not say), and its bytes.
    key
        Whether decoding can begin with it.
    order
        The packets in the order their frames are shown in: frame i is packet ``order[i]``.
    rank
        Where each packet comes when it is shown, those that are not shown among them, too; -1 where that is not known.
    times
        When each frame is shown, in seconds.
    unit
        The seconds that times are whole numbers of; they may be rounded to it.
    decoded
        Whether ``pts`` is when each packet is decoded, since the file says no more.

    Attributes
    ----------
    frames, packets : int
        How many there are.
    lacks : int
        How many frames more the file's header promises; see :func:`headrace.frames.video.duration.lacking`.
    holes : int
        How many frames were lost on the way; see :func:`headrace.frames.video.duration.lost`.
    order, shown : array of int64
        The packet of each frame, and the frame of each packet, -1 where it shows none.
    times : array of float64
        As above.
    unit : float
    decoded : bool
        As above.
    """

    decoded: bool
    frames: int
    packets: int
    lacks: int
    holes: int
    unit: float
    order: Ints
    shown: Ints
    times: Floats

    def __init__(
        self,
        pts: Ints,
        size: Ints,
        key: Any,
        order: Ints,
        rank: Ints,
        times: Floats,
        unit: float,
        *,
        decoded: bool = False,
    ) -> None:
        self.lacks, self.holes, self.unit, self.decoded = 0, 0, unit, decoded
        self.frames, self.packets, self.order, self.times = len(order), len(pts), order, times
        self.times.flags.writeable = False
        self.shown = np.full(len(pts), -1, np.int64)
        self.shown[order] = np.arange(len(order))
        self._pts, self._size, self._rank = pts, size, rank
        self._by_time = np.argsort(pts, kind="stable")
        self._sorted = pts[self._by_time]
        self._keys = np.flatnonzero(np.asarray(key, bool) & (rank >= 0))

    def frame_of(self, packet: int) -> int:
        """Return the number of the frame that a packet shows, or -1."""
        return self.shown.item(packet) if 0 <= packet < self.packets else -1

    def start_of(self, frame: int, back: int = 0) -> int:
        """Return the packet to begin with for a frame, or the one that is ``back`` such places before; 0 is the beginning.

        A key behind the frame's packet is none for it, and neither is one that is shown after the frame: what is shown
        before a key and stored behind it may need frames from before the key (an open group of pictures).
        """
        packet = int(self.order[frame])
        at = int(np.searchsorted(self._keys, packet, "right")) - 1
        while at >= 0 and self._rank[self._keys[at]] > self._rank[packet]:
            at -= 1
        at -= back
        return int(self._keys[at]) if at >= 0 else 0

    def time_of(self, packet: int) -> int | None:
        """Return when a packet is shown, or decoded, in units of the stream, where the file says it."""
        found = int(self._pts[packet])
        return None if found == NEVER else found

    def find(self, packet: Any) -> int | None:
        """Return the number of a packet that was come upon in the middle of the file, or None where it may be several."""
        pts, size = packet.dts if self.decoded else packet.pts, packet.size
        if pts is None:
            return None
        lo = int(np.searchsorted(self._sorted, pts))
        if lo >= self.packets or self._sorted[lo] != pts or (lo + 1 < self.packets and self._sorted[lo + 1] == pts):
            return None
        found = int(self._by_time[lo])
        return found if self._size[found] == size else None


class Packets:
    """What a file says of the packets of one of its streams.

    Parameters
    ----------
    stream
        Of PyAV.
    told
        What :func:`told_by` returns for each packet, one behind the other, in the order of the file.
    """

    def __init__(self, stream: Any, told: array[int]) -> None:
        rows = np.frombuffer(told, np.int64).reshape(-1, TOLD)
        self._pts, self._dts, self._size = (np.ascontiguousarray(rows[:, k]) for k in range(3))
        self._key, self._hidden = rows[:, 3] > 0, rows[:, 4] > 0
        self._unit = float(stream.time_base or 0) or 1.0
        self._rate = float(stream.average_rate or stream.guessed_rate or 25)
        self._codec = stream.codec_context.name
        self._guessed = self._codec in GUESSED.get(stream.container.format.name, ())
        if self._guessed:
            self._pts = self._dts

    def by_times(self) -> VideoIndex | None:
        """Return the index by when packets are shown; None where that is not known, or a packet may be no frame."""
        pts, n = self._pts, len(self._pts)
        if (
            self._guessed
            or self._codec not in ONE_EACH
            or not self._key.any()
            or NEVER in pts
            or len(np.unique(pts)) < n
        ):
            return None
        in_time = np.argsort(pts, kind="stable")
        rank = np.empty(n, np.int64)
        rank[in_time] = np.arange(n)
        first = int(self._key.argmax())
        # What is stored before the first key, or shown before it, needs frames that are not in the file.
        there = ~self._hidden & (np.arange(n) >= first) & (rank >= rank[first])
        order = in_time[there[in_time]]
        return VideoIndex(pts, self._size, self._key, order, rank, pts[order] * self._unit, self._unit)

    def by_decoding(self, container: Any, stream: Any, errors: Errors) -> VideoIndex:
        """Return the index by decoding all, from the beginning."""
        found: dict[int, None] = {}
        number = 0
        try:
            for packet in container.demux(stream):
                if packet.size:
                    packet.pts = number  # which the decoder hands on to the frame
                    number += 1
                elif packet.dts is not None:
                    continue
                try:
                    found.update((frame.pts, None) for frame in packet.decode() if frame.pts is not None)
                except errors:
                    continue
        except errors:
            pass
        order = np.array([packet for packet in found if 0 <= packet < len(self._pts)], np.int64)
        rank = np.full(len(self._pts), -1, np.int64)
        rank[order] = np.arange(len(order))
        times, decoded = self._times(order), self._guessed
        return VideoIndex(self._pts, self._size, self._key, order, rank, times, self._unit, decoded=decoded)

    def _times(self, order: Ints) -> Floats:
        """Return when frames are shown: as their packets say, or the times of decoding in order, or at an even rate.

        Packets that say nothing, or what another says before them, are shown halfway between their neighbours.
        """
        found, n, step = self._pts[order], len(order), 1 / self._rate
        latest = np.maximum.accumulate(found)
        sure = np.flatnonzero(
            (found != NEVER) & (np.diff(latest, prepend=NEVER) != 0)
        )  # it never falls; from NEVER on, the difference overflows
        if 2 * len(sure) > n and not self._guessed:
            at = np.arange(n)
            made: Floats = np.interp(at, sure, found[sure] * self._unit)
            made += np.minimum(0, at - sure[0]) * step + np.maximum(0, at - sure[-1]) * step
            return made
        decoding = np.sort(self._dts[self._dts != NEVER])
        if len(decoding) >= n > 0 and (np.diff(decoding) > 0).all():
            return np.asarray((decoding[:n] - min(0, int(decoding[0]))) * self._unit)
        return np.asarray(np.arange(n) * step, np.float64)


def rate_of(times: Floats, said: float, unit: float) -> float:
    """Return how many frames a second are shown: as the file says, or the mean, where its times are not so.

    Examples
    --------
    >>> rate_of(np.array([0.0, 0.033, 0.067, 0.1]), 30.0, 0.001), rate_of(np.array([0.5, 0.6, 2.5]), 30.0, 0.001)
    (30.0, 1.0)
    """
    steps = len(times) - 1
    lasts = float(times[-1] - times[0]) if steps > 0 else 0.0
    return said if lasts <= 0 or abs(lasts - steps / said) <= 2 * unit else steps / lasts
