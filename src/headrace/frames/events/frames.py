"""Events of a file counted in frames: the recipe of :class:`~headrace.frames.EventFrameStream`."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np

from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import DataError
from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.layout import Array, check_size
from headrace.frames.base.options import check_number
from headrace.frames.base.paths import check_file
from headrace.frames.events.aedat import check_sensor
from headrace.frames.events.arrays import counted, frame_numbers, sensor_size
from headrace.frames.events.files import check_ending, known_events, write_example
from headrace.sources.files_rows import example_file

_WHO = "EventFrameStream"


@register("event_frames", example=lambda: EventFrames(example_file("events.aedat", write_example), None, 0.003))
@recipe
class EventFrames(Footage):
    """The recipe of :class:`~headrace.frames.EventFrameStream`: frames ``(rows, cols, 2)``."""

    who: ClassVar[str] = _WHO

    path: Path
    field: tuple[int, int] | None = None
    dt: float = 0.001
    sensor: str | None = None

    def __post_init__(self) -> None:
        self.fix(
            path=check_file(_WHO, self.path),
            field=None if self.field is None else check_size(_WHO, self.field),
            dt=check_number(_WHO, "dt", self.dt, 1e-9),
        )
        check_ending(self.path, _WHO)
        check_sensor(self.sensor, _WHO)

    def reader(self) -> FrameReader:
        return _Counts(self)


class _Counts(FrameReader):
    """Each event's frame is worked out once, from the first event on, so no stretch can see it elsewhere."""

    def __init__(self, stream: EventFrames) -> None:
        self.rows = rows = known_events(stream.path, stream.sensor)
        self.size = sensor_size(rows, stream.field, _WHO)
        times = rows["t"]
        at = frame_numbers(times, float(times.min()) if len(times) else 0.0, stream.dt * 1e6)
        if at.max(initial=0) >= 1 << 53:
            raise DataError(
                f"{_WHO}(dt=) got {stream.dt!r} for events over {(float(times.max()) - float(times.min())) / 1e6:.3g} s, "
                "wanted frames that can be numbered.\n  Choose a larger dt=."
            )
        self.frame = at.astype(np.int64)
        # In order of time, so that a stretch of frames is a stretch of events.
        self.order = None if (np.diff(self.frame) >= 0).all() else np.argsort(self.frame, kind="stable")
        if self.order is not None:
            self.frame = self.frame[self.order]
        frames = int(self.frame[-1]) + 1 if len(rows) else 0
        self.header = Header(frames, (*self.size, 2), np.dtype(np.float32))

    def read(self, lo: int, hi: int) -> Array:
        first, last = np.searchsorted(self.frame, [lo, hi]).tolist()
        rows = self.rows[first:last] if self.order is None else self.rows[self.order[first:last]]
        found = counted(rows, self.frame[first:last] - lo, hi - lo, self.size, _WHO)
        columns: Array = found.transpose(1, 2, 3, 0)
        return columns
