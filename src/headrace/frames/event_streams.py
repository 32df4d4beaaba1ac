"""Event files as streams: event by event, and as frames that count them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar
from weakref import finalize

import numpy as np

from headrace.core.batch import Batch
from headrace.core.closing import Closing
from headrace.core.indexed import Bound, Indexed, Places, numbers, runs
from headrace.core.items import each_of
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec
from headrace.errors import ClosedError
from headrace.frames.base import FrameStream, OnEnd
from headrace.frames.event_aedat import check_sensor
from headrace.frames.event_arrays import EVENT, events_of, joined_events
from headrace.frames.event_files import KnownEvents, check_ending, known_events, write_events, write_example
from headrace.frames.event_footage import EventFrames
from headrace.frames.footage import check_file
from headrace.frames.layout import Array
from headrace.frames.writer import check_target
from headrace.sources.files_rows import example_file

_NAMES = EVENT.names or ()


@register("events", example=lambda: EventStream(example_file("events.aedat", write_example)))
@recipe
class EventStream(Indexed[dict[str, Any]]):
    """The events of a file, one item each: ``{"x": column, "y": row, "t": microseconds, "p": 1 for ON}``.

    Parameters
    ----------
    path, sensor
        As ``filename`` and ``sensor`` of :func:`read_events`.

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
            return len(known_events(self.path, self.sensor).rows)
        except Exception:  # printing a description must not fail for one broken file of thousands
            return None

    @property
    def spec(self) -> Spec | None:
        return {name: Field((), EVENT[name].str, ()) for name in _NAMES}

    def extent(self) -> float:
        """Return the number of events; raises what keeps the file from being read."""
        return len(known_events(self.path, self.sensor).rows)

    def bind(self, key: Key) -> Bound[dict[str, Any]]:
        return _Rows(self, key)


class _Rows(Bound[dict[str, Any]]):
    stream: EventStream
    inner: ClassVar[tuple[str, ...]] = ()
    _known: KnownEvents | None = None

    def walk(self, at: Places) -> Iterator[dict[str, Any]]:
        for run in runs(at, 1024):
            yield from each_of(self.columns(run))

    def columns(self, at: Places) -> Batch:
        if self._known is None:
            self._known = known_events(self.stream.path, self.stream.sensor)
        rows = self._known.rows
        some = rows[numbers(at) % len(rows)]
        return Batch({name: np.ascontiguousarray(some[name]) for name in _NAMES})

    def close(self) -> None:
        self._known = None


class EventFrameStream(FrameStream):
    """The events of a file counted in frames: ``[1, 2, time, row, col]``, float32, ON and OFF.

    Parameters
    ----------
    filename, sensor
        As for :func:`read_events`.
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


class EventWriter(Closing):
    """Events into a file: a sink of events, batches of them or arrays; the file is written when it is closed.

    Parameters
    ----------
    filename
        As for :func:`write_events`.

    Attributes
    ----------
    written : int
        How many events it has taken.

    Raises
    ------
    StreamConfigError
        When its name ends otherwise, or its folder is not there.
    DataError
        When given what is no event; at closing, events that the format cannot hold.

    Examples
    --------
    >>> import headrace as hr
    >>> from headrace.frames import EventStream, EventWriter, write_events
    >>> write_events("few.npz", {"x": [3, 4, 5], "y": [1, 1, 2], "t": [10, 25, 30], "p": [1, 0, 1]})
    >>> with EventWriter("on.aedat") as writer:
    ...     count = hr.drain(EventStream("few.npz") | hr.filter(lambda event: event["p"] == 1), writer)
    >>> count, len(EventStream("on.aedat"))
    (2, 2)
    """

    written: int

    def __init__(self, filename: Any) -> None:
        path = check_target("EventWriter", "filename", filename)
        check_ending(path, "EventWriter", to_write=True)
        self._taken = _Taken(path)
        self._dropped = finalize(self, _written_anyway, self._taken)
        self._lock = Lock()
        self._closed = False
        self.written = 0

    def write(self, item: Any) -> None:
        """Take an event, a batch of events or an array of them.

        Raises
        ------
        DataError
            For anything else.
        ClosedError
            After :meth:`close`.
        """
        try:
            single = np.ndim(item["t"]) == 0
            made = events_of({name: [item[name]] for name in _NAMES} if single else item, "EventWriter.write")
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if not isinstance(error, ValueError):
                events_of(item, "EventWriter.write")  # says what is wrong with it
            raise
        with self._lock:
            if self._closed:
                raise ClosedError("EventWriter got events after close(), wanted them before.")
            self._taken.add(made)
            self.written += len(made)

    def close(self) -> None:
        """Write the file. Twice is fine; where it could not be written, the second time tries it again.

        Raises
        ------
        DataError
            When the format cannot hold the events.
        OSError
            When the file cannot be written.
        """
        with self._lock:
            self._closed = True
            if self._dropped.alive:
                self._taken.write()
                self._dropped.detach()


class _Taken:
    """Events on their way into a file; of the writer, but for when it is dropped without being closed."""

    def __init__(self, path: Path) -> None:
        self.path, self.process = path, os.getpid()
        self.parts: list[Array] = []
        self.few: list[Array] = []  # single events, which are put together now and then

    def add(self, events: Array) -> None:
        self.few.append(events)
        if len(self.few) == 4096:
            self.parts.append(joined_events(self.few))
            self.few = []

    def write(self) -> None:
        write_events(self.path, joined_events([*self.parts, *self.few]))


def _written_anyway(taken: _Taken) -> None:
    if taken.process != os.getpid():  # a child that was forked has a copy, and its parent writes the file
        return
    told = "was written now"
    try:
        taken.write()
    except Exception as error:  # nobody can catch it
        told = f"could not be written: {error}"
    warnings.warn(
        f"EventWriter of {str(taken.path)!r} was dropped without close(), wanted it closed; the file {told}.\n"
        "  Use it in a with block, or call close().",
        ResourceWarning,
        stacklevel=2,
    )
