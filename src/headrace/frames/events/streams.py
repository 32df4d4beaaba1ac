"""Event files as streams: event by event, and as frames that count them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.batch import Batch
from headrace.core.indexed import Bound, Indexed, Places, numbers, runs
from headrace.core.items import each_of
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec
from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.base.paths import check_file
from headrace.frames.base.shared import say_where
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.events.aedat import check_sensor
from headrace.frames.events.arrays import EVENT, NAMES
from headrace.frames.events.files import check_ending, known_events, write_example
from headrace.frames.events.frames import EventFrames
from headrace.sources.files_rows import example_file


@register("events", example=lambda: EventStream(example_file("events.aedat", write_example)))
@recipe
class EventStream(Indexed[dict[str, Any]]):
    """The events of a file, one item each: ``{"x": column, "y": row, "t": microseconds, "p": 1 for ON}``.

    Parameters
    ----------
    path, sensor
        As ``filename`` and ``sensor`` of :func:`read_events`. The file is read whole, 13 bytes an event, once for all
        that reads it: its formats order events by arrival and say nowhere which are how far behind.

    Raises
    ------
    StreamConfigError
        When there is no such file, its name ends otherwise, or the sensor is not known.
    DataError
        While drawing, when it is no file of its kind.

    Examples
    --------
    >>> from headrace.frames import EventStream, write_events
    >>> write_events("few.npz", {"x": [3, 4, 5], "y": [1, 1, 2], "t": [10, 25, 30], "p": [1, 0, 1]})
    >>> events = EventStream("few.npz")
    >>> int(events[1]["t"]), events[0:2]["x"].tolist(), len(events)
    (25, [3, 4], 3)
    """

    path: Path
    sensor: str | None = None

    def __post_init__(self) -> None:
        self.fix(path=check_file("EventStream", self.path, "path"))
        check_ending(self.path, "EventStream")
        check_sensor(self.sensor, "EventStream")

    @property
    def size(self) -> float | None:
        try:
            return len(known_events(self.path, self.sensor))
        except Exception:  # printing a description must not fail for one broken file of thousands
            return None

    @property
    def spec(self) -> Spec | None:
        return {name: Field((), EVENT[name].str, ()) for name in NAMES}

    def __len__(self) -> int:
        return int(self.extent())  # raises why it is not known

    def extent(self) -> float:
        """Return the number of events; raises what keeps the file from being read."""
        return len(known_events(self.path, self.sensor))

    def bind(self, key: Key) -> Bound[dict[str, Any]]:
        return _Rows(self, key)


class _Rows(Bound[dict[str, Any]]):
    stream: EventStream
    inner: ClassVar[tuple[str, ...]] = ()
    _known: Array | None = None

    def walk(self, at: Places) -> Iterator[dict[str, Any]]:
        for run in runs(at, 1024):
            yield from each_of(self.columns(run))

    def columns(self, at: Places) -> Batch:
        before = self._known
        try:  # each time, since a file may grow, or be written anew; it is read again only then
            self._known = rows = known_events(self.stream.path, self.stream.sensor)
        except Exception as error:
            say_where(error, self.stream.path)
            raise
        wanted = numbers(at)
        if before is not None and len(rows) < len(before):
            gone = wanted[(wanted >= len(rows)) & (wanted < len(before))]
            if len(gone):
                raise DataError(
                    f"EventStream got {self.stream.path.name!r} with {len(rows)} events for number {gone[0]}, wanted the "
                    f"{len(before)} that it had: it was written anew.\n  Begin again: a new pass takes what it has now."
                )
        some = rows[wanted % len(rows)]
        return Batch({name: np.ascontiguousarray(some[name]) for name in NAMES})

    def close(self) -> None:
        self._known = None


class EventFrameStream(FrameStream):
    """The events of a file counted in frames: ``[1, 2, time, row, col]``, float32, ON and OFF.

    Parameters
    ----------
    filename, sensor
        As for :func:`read_events`. The file is read whole, and takes 21 bytes an event.
    size
        Rows and columns; None for as many as the events need.
    dt
        Seconds of a frame. The first begins with the first event, which is time ``t_zero``.
    pixel_per_degree, t_zero, on_end
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        When there is no such file, its name ends otherwise, or the sensor is not known.
    DataError
        When it is no file of its kind, or has events outside of ``size``; at once.

    Examples
    --------
    >>> from headrace.frames import EventFrameStream, write_events
    >>> write_events("few.npz", {"x": [3, 4, 5], "y": [1, 1, 2], "t": [10, 25, 2030], "p": [1, 0, 1]})
    >>> film = EventFrameStream("few.npz", dt=0.001)
    >>> len(film), film.size, film.get(3).sum(axis=(0, 3, 4)).tolist()
    (3, (3, 6), [[1.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    """

    def __init__(
        self,
        filename: Any,
        size: tuple[int, int] | None = None,
        dt: float = 0.001,
        *,
        sensor: str | None = None,
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        on_end: OnEnd = "short",
    ) -> None:
        path = check_file("EventFrameStream", filename)
        super().__init__(
            EventFrames(path, size, dt, sensor),
            pixel_per_degree=pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            layout="5d",
            on_end=on_end,
        )
