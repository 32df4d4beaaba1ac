"""Event files as streams: event by event, and as frames that count them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.batch import Batch
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Indexed, IndexedCursor, Places, numbers, runs
from headrace.core.items import each_of
from headrace.core.key import Key
from headrace.core.look import Look
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec
from headrace.errors import DataError
from headrace.frames.base.options import whole_number
from headrace.frames.base.paths import check_file
from headrace.frames.base.shared import say_where
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.base.unreadable import changed, opening
from headrace.frames.events.aedat import check_sensor
from headrace.frames.events.arrays import EVENT, NAMES
from headrace.frames.events.files import check_ending, known_file, known_span, reading, write_example
from headrace.frames.events.frames import EventFrames
from headrace.frames.events.pieces import EventFile, Reading
from headrace.frames.events.span import Span
from headrace.sources.files_rows import example_file

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1  # times that events may have


@register("events", example=lambda: EventStream(example_file("events.aedat", write_example)))
@recipe
class EventStream(Indexed[dict[str, Any]]):
    """The events of a file, one item each: ``{"x": column, "y": row, "t": microseconds, "p": 1 for ON}``.

    Parameters
    ----------
    path, sensor
        As ``filename`` and ``sensor`` of :func:`read_events`. A file is read as its events are wanted, some ten
        thousands at a time: one larger than memory will do. Up to a million events are held, 13 bytes each; so is a
        compressed ``.npz``, of any size, whose events cannot be had one by one.

    Raises
    ------
    StreamConfigError
        When there is no such file, its name ends otherwise, or the sensor is not known.
    DataError
        While drawing, when it is no file of its kind, or an event cannot be one: at that event.

    Notes
    -----
    AEDAT 3.1 and 4, ``.bin`` and the addresses of ``"davis346"`` do not say which event is where: such a file is read once
    through when its first event, or its length, is wanted.

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
    _file: ClassVar[EventFile | None] = None  # as it was when it was last asked for
    _span: ClassVar[Span | None] = None  # of the last search

    def __post_init__(self) -> None:
        self.fix(path=check_file("EventStream", self.path, "path"))
        check_ending(self.path, "EventStream")
        check_sensor(self.sensor, "EventStream")

    @property
    def size(self) -> float | None:
        try:
            return self.known().n
        except Exception:  # printing a description must not fail for one broken file of thousands
            return None

    @property
    def spec(self) -> Spec | None:
        return {name: Field((), EVENT[name].str, ()) for name in NAMES}

    def __len__(self) -> int:
        return int(self.extent())  # raises why it is not known

    def extent(self) -> float:
        """Return the number of events; raises what keeps the file from being read."""
        return self.known().n

    def known(self) -> EventFile:
        """Return what is known of the file, as it is now."""
        file = known_file(self.path, self.sensor, self._file)
        if file.lasting:
            self.fix(_file=file)
        return file

    def search(self, t: int) -> int:
        """Return the number of the first event at or after time ``t``, in microseconds; the size where there is none.

        So ``stream[stream.search(a) : stream.search(b)]`` are those from ``a`` up to ``b``. The first call reads the file
        once through.

        Raises
        ------
        StreamConfigError
            When ``t`` is no whole number.
        DataError
            When events are not in order of time.

        Examples
        --------
        >>> from headrace.frames import EventStream, write_events
        >>> write_events("few.npz", {"x": [3, 4, 5], "y": [1, 1, 2], "t": [10, 25, 30], "p": [1, 0, 1]})
        >>> events = EventStream("few.npz")
        >>> events[events.search(11) : events.search(30)]["t"].tolist()
        [25]
        """
        wanted = max(_LEAST, min(whole_number("EventStream.search", "t", t), _MOST))
        file = self.known()
        span = known_span(file, self.sensor, self._span)
        self.fix(_span=span)
        if span.late is not None:
            raise DataError(
                f"EventStream.search got {str(self.path)!r}, where event {span.late} is earlier than the one before it, wanted "
                "events in order of time.\n  Write them sorted: events[numpy.argsort(events['t'], kind='stable')]."
            )
        n = int(np.searchsorted(span.last, wanted))
        if n == len(span.last):
            return file.n
        k = int(span.pieces[n])
        first, end = int(file.starts[k]), int(file.starts[k + 1])
        return first + int(np.searchsorted(file.part(k, 0, end - first)["t"], wanted))

    def bind(self, key: Key) -> Bound[dict[str, Any]]:
        return _Rows(self, key)

    def start_indexed(self, key: Key) -> Cursor[dict[str, Any]]:
        return _Pass(self, key)

    def _look(self, key: Key | None) -> Look[dict[str, Any]]:
        look = super()._look(key)
        assert isinstance(look.bound, _Rows)
        look.bound.alone = True
        return look


class _Pass(IndexedCursor[dict[str, Any]]):
    """A pass that does not end where its file was replaced by one of fewer events."""

    def _end(self) -> int:
        if isinstance(self._bound, _Rows):
            self._bound.file()
        return super()._end()


class _Rows(Bound[dict[str, Any]]):
    stream: EventStream
    inner: ClassVar[tuple[str, ...]] = ()
    alone: bool = False  # whether each question is of the file that is there; those of a pass are all of one
    _reading: Reading | None = None

    def file(self) -> EventFile:
        """Return what is known of the file, as it is now. Raises DamageError when a pass began with another."""
        file, before = self.stream.known(), self._reading
        if before is not None and before.file is not file and not self.alone:
            with opening("EventStream", self.stream.path):
                if file.n < before.n or not before.file.is_there():
                    raise changed("EventStream", self.stream.path, f"{before.n} events")
        return file

    def walk(self, at: Places) -> Iterator[dict[str, Any]]:
        for run in runs(at, 1024):
            try:
                found = self.columns(run)
            except Exception:
                if len(run) == 1:
                    raise
            else:
                yield from each_of(found)
                continue
            for i in numbers(run):  # those before the broken one are given, and the error is that one's
                yield from each_of(self.columns(np.array([i])))

    def columns(self, at: Places) -> Batch:
        before = self._reading
        wanted = numbers(at)
        try:  # each time, since a file may grow, or be written anew; it is looked through again only then
            file = self.file()
            if self.alone and (wanted >= file.n).any():
                raise changed("EventStream", self.stream.path, f"{wanted.max() + 1} events or more")
            if before is None or before.file is not file:
                before = self._reading = reading(file, self.stream.sensor, before)
            first = wanted[0] % file.n
            if isinstance(at, range) and at.step == 1 and first + len(at) <= file.n:
                some = before.slice(int(first), int(first) + len(at))
            else:
                some = before.pick(wanted % file.n)
        except Exception as error:
            say_where(error, self.stream.path)
            raise
        return Batch({name: np.ascontiguousarray(some[name]) for name in NAMES})

    def close(self) -> None:
        self._reading = None


class EventFrameStream(FrameStream):
    """The events of a file counted in frames: ``[1, 2, time, row, col]``, float32, ON and OFF.

    Parameters
    ----------
    filename, sensor
        As for :func:`read_events`. The file is read once through when the stream is made, for its first time, its last and
        its size, and then as frames are wanted; half a million events are held, 21 bytes each, but of a compressed
        ``.npz`` all. Events may be in any order; of a long file whose order is not about that of time, much is read again
        for every frame.
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
