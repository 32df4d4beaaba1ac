"""What a file says of its own length: one that was cut off is told from one that is short."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
AVI: Final = "avi"
MP4: Final = "mov,mp4,m4a,3gp,3g2,mj2"  # FFmpeg's name of all of them
MATROSKA: Final = "matroska,webm"
EVEN: Final = frozenset([AVI, MP4])  # of which the header has the number of frames a second, or their mean
SLACK: Final = 2.5  # frames by which a length in seconds may be wrong, which programs round in several ways


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
    elif (
        name == MP4 and counted > seen and stream.duration
    ):  # a part of it may be cut away by an edit list: that is no loss
        end = (stream.duration + (stream.start_time or 0)) * float(stream.time_base)
    if end is None or step <= 0:
        return 0
    missing = end - (float(times[-1]) + step)
    if missing <= max(SLACK * step, 2 * float(np.diff(times).max()), 0.02 * end):
        return 0
    return counted - seen if name == MP4 else round(missing / step)


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
