"""Event files as streams: event by event, and as frames that count them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from weakref import WeakValueDictionary

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
from headrace.frames.event_arrays import EVENT, event_frames, events_of, joined_events, sensor_size
from headrace.frames.event_files import check_ending, read_events, write_events
from headrace.frames.footage import Footage, FrameReader, Header, check_file
from headrace.frames.layout import Array, check_size
from headrace.frames.options import check_number
from headrace.sources.files_rows import example_file

_NAMES = EVENT.names or ()


class _Events:
    """The events of a file in memory, shared by the passes over them."""

    def __init__(self, path: Path, sensor: str | None) -> None:
        self.rows = read_events(path, sensor)


_KNOWN: WeakValueDictionary[Any, _Events] = WeakValueDictionary()


def _events(path: Path, sensor: str | None) -> _Events:
    stat = path.stat()
    name = (str(path), stat.st_size, stat.st_mtime_ns, sensor)
    found = _KNOWN.get(name)
    if found is None:
        found = _KNOWN[name] = _Events(path, sensor)
    return found


@register("events", example=lambda: EventStream(example_file("events.aedat", _write_example)))
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
        When there is no such file, or its name ends otherwise.
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

    @property
    def size(self) -> float | None:
        try:
            return len(_events(self.path, self.sensor).rows)
        except Exception:  # printing a description must not fail for one broken file of thousands
            return None

    @property
    def spec(self) -> Spec | None:
        return {name: Field((), EVENT[name].str, ()) for name in _NAMES}

    def extent(self) -> float:
        """Return the number of events; raises what keeps the file from being read."""
        return len(_events(self.path, self.sensor).rows)

    def bind(self, key: Key) -> Bound[dict[str, Any]]:
        return _Rows(self, key)


class _Rows(Bound[dict[str, Any]]):
    stream: EventStream
    inner: ClassVar[tuple[str, ...]] = ()
    _known: _Events | None = None

    def walk(self, at: Places) -> Iterator[dict[str, Any]]:
        for run in runs(at, 1024):
            yield from each_of(self.columns(run))

    def columns(self, at: Places) -> Batch:
        if self._known is None:
            self._known = _events(self.stream.path, self.stream.sensor)
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
        When there is no such file, or its name ends otherwise.
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


@register("event_frames", example=lambda: EventFrames(example_file("events.aedat", _write_example), None, 0.003))
@recipe
class EventFrames(Footage):
    """The recipe of :class:`EventFrameStream`: frames ``(rows, cols, 2)``."""

    path: Path
    field: tuple[int, int] | None = None
    dt: float = 0.001
    sensor: str | None = None

    def __post_init__(self) -> None:
        who = "EventFrameStream"
        self.fix(
            path=check_file(who, self.path),
            field=None if self.field is None else check_size(who, self.field),
            dt=check_number(who, "dt", self.dt, 1e-9),
        )
        check_ending(self.path, who)

    def reader(self) -> FrameReader:
        return _Counts(self)


class _Counts(FrameReader):
    def __init__(self, stream: EventFrames) -> None:
        self.known = _events(stream.path, stream.sensor)
        rows = self.known.rows
        self.size = sensor_size(rows, stream.field, "EventFrameStream")
        self.step = stream.dt * 1e6
        self.since = int(rows["t"].min(initial=rows["t"][0])) if len(rows) else 0
        # In order of time, so that a stretch of frames is a stretch of events.
        self.frame = np.floor((rows["t"] - self.since) / self.step + 1e-9).astype(np.int64)
        self.order = None if (np.diff(self.frame) >= 0).all() else np.argsort(self.frame, kind="stable")
        if self.order is not None:
            self.frame = self.frame[self.order]
        frames = int(self.frame[-1]) + 1 if len(rows) else 0
        self.header = Header(frames, (*self.size, 2), np.dtype(np.float32))

    def read(self, lo: int, hi: int) -> Array:
        first, last = np.searchsorted(self.frame, [lo, hi]).tolist()
        rows = self.known.rows[first:last] if self.order is None else self.known.rows[self.order[first:last]]
        since = (self.since + lo * self.step) / 1e6
        found = event_frames(rows, self.size, self.step / 1e6, t_zero=since, frames=hi - lo)
        columns: Array = found[0].transpose(1, 2, 3, 0)
        return columns


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
        When its name ends otherwise.
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
        self._path = Path(filename)
        check_ending(self._path, "EventWriter")
        self._parts: list[Array] = []
        self._few: list[Any] = []  # single events, which are put together now and then
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
        if self._closed:
            raise ClosedError("EventWriter got events after close(), wanted them before.")
        try:
            single = np.ndim(item["t"]) == 0
            made = events_of({name: [item[name]] for name in _NAMES} if single else item, "EventWriter.write")
        except (KeyError, IndexError, TypeError, ValueError) as error:
            if not isinstance(error, ValueError):
                events_of(item, "EventWriter.write")  # says what is wrong with it
            raise
        self.written += len(made)
        self._few.append(made)
        if len(self._few) == 4096:
            self._gather()

    def _gather(self) -> None:
        self._parts.append(joined_events(self._few))
        self._few = []

    def close(self) -> None:
        """Write the file. Twice is fine."""
        if not self._closed:
            self._closed = True
            self._gather()
            write_events(self._path, joined_events(self._parts))
            self._parts = []


def _write_example(path: Path) -> None:
    rng = np.random.default_rng(3)
    write_events(
        path,
        {
            "x": rng.integers(0, 5, 60),
            "y": rng.integers(0, 4, 60),
            "t": np.sort(rng.integers(0, 60_000, 60)),
            "p": rng.integers(0, 2, 60),
        },
    )
