"""Events of a file counted in frames: the recipe of :class:`~headrace.frames.EventFrameStream`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
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
from headrace.frames.base.unreadable import stamp_of
from headrace.frames.events.aedat import check_sensor
from headrace.frames.events.arrays import check_frames, counted, frame_numbers, sensor_size
from headrace.frames.events.files import check_ending, known_file, known_span, write_example
from headrace.frames.events.pieces import PIECE, Kept
from headrace.frames.events.span import Span
from headrace.sources.files_rows import example_file

_WHO = "EventFrameStream"
_KEPT = 8 * PIECE  # events that a run holds: 11 MiB, with their frames


@register("event_frames", example=lambda: EventFrames(example_file("events.aedat", write_example), None, 0.003))
@recipe
class EventFrames(Footage):
    """The recipe of :class:`~headrace.frames.EventFrameStream`: frames ``(rows, cols, 2)``."""

    who: ClassVar[str] = _WHO
    guard: ClassVar[str] = "header"  # a file that is being recorded grows

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

    def _same(self, reader: FrameReader) -> bool:
        """Tell whether the events are there, too, and frames begin when they did: an event before all others moves them."""
        known, new, before = self.header(), reader.header, self._written
        assert isinstance(known, _EventHeader)
        assert isinstance(new, _EventHeader)
        file = known.span.file
        there = before is None or before.same(stamp_of(self.path)) if file is None else file.is_there()
        return there and super()._same(reader) and new.since == known.since


@dataclass(frozen=True)
class _EventHeader(Header):
    """A header with when the first frame begins, and what is known of the file, which need not be looked through again."""

    since: float
    span: Span = field(compare=False, repr=False)


class _Counts(FrameReader):
    """Each event's frame is worked out from the first event on, so no stretch can see it elsewhere."""

    def __init__(self, stream: EventFrames) -> None:
        before = stream._header.span if isinstance(stream._header, _EventHeader) else None
        self.events = known_file(stream.path, stream.sensor, None if before is None else before.file)
        span = known_span(self.events, stream.sensor, before)
        self.size = sensor_size(span.corner, stream.field, _WHO)
        self.since, self.step = float(span.first.min()) if len(span.first) else 0.0, stream.dt * 1e6
        # Of each piece: its events may be in any order between.
        self.lowest, self.highest = (frame_numbers(times, self.since, self.step) for times in (span.first, span.last))
        if self.highest.max(initial=0) >= 1 << 53:
            raise DataError(
                f"{_WHO}(dt=) got {stream.dt!r} for events over {(float(span.last.max()) - self.since) / 1e6:.3g} s, "
                "wanted frames that can be numbered.\n  Choose a larger dt=."
            )
        self.pieces = span.pieces
        self.kept = Kept(_KEPT)
        frames = int(self.highest.max(initial=-1)) + 1
        self.header = _EventHeader(frames, (*self.size, 2), np.dtype(np.float32), self.since, span)

    def read(self, lo: int, hi: int) -> Array:
        check_frames(hi - lo, self.size, _WHO)
        made = np.zeros((2, hi - lo, *self.size), np.float32)
        for k in self.pieces[(self.lowest < hi) & (self.highest >= lo)].tolist():
            n = int(self.events.starts[k + 1] - self.events.starts[k])
            rows, at = self.kept.get(k, n, partial(self._piece, k, n))
            first, last = np.searchsorted(at, [lo, hi]).tolist()
            if first < last:
                some, begin, end = at[first:last], int(at[first]), int(at[last - 1]) + 1
                made[:, begin - lo : end - lo] += counted(rows[first:last], some - begin, end - begin, self.size, _WHO)
        columns: Array = made.transpose(1, 2, 3, 0)
        return columns

    def _piece(self, k: int, n: int) -> tuple[Array, Array]:
        """Return the events of a piece and their frames, in order of time, so that a stretch of frames is one of events."""
        rows = self.events.part(k, 0, n)
        at = frame_numbers(rows["t"], self.since, self.step).astype(np.int64)
        if (np.diff(at) >= 0).all():
            return rows, at
        order = np.argsort(at, kind="stable")
        return rows[order], at[order]
