"""What a file says of its own length: one that was cut off, or has a hole, is told from one that is short."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
AVI: Final = "avi"
MP4: Final = "mov,mp4,m4a,3gp,3g2,mj2"  # FFmpeg's name of all of them
MATROSKA: Final = "matroska,webm"
EVEN: Final = frozenset([AVI, MP4])  # of which the header has the number of frames a second, or their mean
SLACK: Final = 2.5  # frames by which a length in seconds may be wrong, which programs round in several ways
OVERHEAD: Final = 64  # bytes that may lie between two packets: of blocks and of clusters
NEAR: Final = 16  # packets by which one may be stored earlier or later than it is shown


def lacking(container: Any, stream: Any, seen: int, times: Floats) -> int:
    """Return how many frames more than there are a file's header promises, about; 0 where it promises none.

    Parameters
    ----------
    container, stream
        Of PyAV.
    seen
        How many packets there are, those without bytes among them.
    times
        When frames are shown, in seconds.
    """
    name, counted = container.format.name, int(stream.frames or 0)
    if name == AVI:
        return max(0, counted - seen)
    if len(times) < 2:
        return 0
    step = float(times[-1] - times[0]) / (len(times) - 1)
    end = None
    if name == MATROSKA:
        end = _end_of_matroska(container, stream)
    elif name == MP4 and counted > seen and stream.duration:
        # A part of it may be cut away by an edit list: that is no loss.
        end = (stream.duration + (stream.start_time or 0)) * float(stream.time_base)
    if end is None or step <= 0:
        return 0
    missing = end - (float(times[-1]) + step)
    if missing <= max(SLACK * step, 2 * float(np.diff(times).max()), 0.02 * end):
        return 0
    return counted - seen if name == MP4 else round(missing / step)


def lost(container: Any, pts: Ints, places: Ints, sizes: Ints) -> int:
    """Return how many frames were lost in the middle of a Matroska file, about.

    FFmpeg passes over what it cannot read there, without a word. Times with a hole are no proof, since a rate may vary: it
    is one when bytes are passed over in the same place, which are in no packet. Of a file with several streams that is not
    known, as those of the others are passed over on purpose.

    Parameters
    ----------
    container
        Of PyAV.
    pts, places, sizes
        Of each packet in the order of the file: when it is shown, where it lies, and its bytes.
    """
    if container.format.name != MATROSKA or len(container.streams) != 1 or len(pts) < 3 or (places < 0).any():
        return 0
    between = np.diff(places) - sizes[:-1]
    step = float(np.median(np.diff(np.sort(pts))))
    found = 0
    for k in np.flatnonzero(between > np.maximum(OVERHEAD, np.minimum(sizes[:-1], sizes[1:]) // 2)).tolist():
        # Packets are not in the order they are shown in: the latest of some before, the earliest of some behind.
        since, until = int(pts[max(0, k - NEAR) : k + 1].max()), int(pts[k + 1 : k + 1 + NEAR].min())
        found += max(0, round((until - since) / step) - 1) if step > 0 else 0
    return found


def _end_of_matroska(container: Any, stream: Any) -> float | None:
    """Return when the stream ends, in seconds, as its tag or the file's header says."""
    for name, told in stream.metadata.items():
        if name.upper().startswith("DURATION"):
            try:
                hours, minutes, seconds = (float(part) for part in told.split(":"))
            except ValueError:
                continue
            return 3600 * hours + 60 * minutes + seconds
    if len(container.streams) == 1 and container.duration:  # else another stream may be longer
        return float(container.duration) / 1e6
    return None
