"""A sink of events: what it takes is in the file soon, where the format lets a file grow."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any
from weakref import finalize

import numpy as np

from headrace.core.closing import Closing
from headrace.errors import ClosedError
from headrace.frames.base.claimed import Claim
from headrace.frames.base.dropped import finish_dropped
from headrace.frames.base.layout import Array
from headrace.frames.base.paths import check_target
from headrace.frames.base.writer import not_sent
from headrace.frames.events.arrays import NAMES, events_of, joined_events
from headrace.frames.events.files import check_ending
from headrace.frames.events.growing import GROWING, Growing

_AT_ONCE = 1 << 13  # events that are put into the file together


class EventWriter(Closing):
    """Events into a file: a sink of events, batches of them or arrays.

    HDF5, AEDAT and ``.bin`` files grow as events come. Events wait for others: all that were written are put into the
    file by the 8192nd of them, by the first that comes a second or more after the first of them, and by :meth:`flush`;
    there they are safe, whatever becomes of the program. Where no more may come for a while, call :meth:`flush`. An ``.npz`` archive cannot grow: its events are in
    memory, and it is written when the writer is closed. What was in the file before is replaced by the first events.

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
        When its name ends otherwise, its folder is not there, or it is HDF5 and holds anything but events.
    DataError
        When given what is no event, or events that the format cannot hold; these are not taken.
    MissingExtraError
        For HDF5 without h5py.
    SinkError
        When the file cannot be written, as on a full disk, or another writer of this program has begun it. Events that are
        refused so are not taken, and those before not lost: the next call tries it again.

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
        self._dropped = finalize(self, finish_dropped, "EventWriter", path, self._taken.process, self._taken.finish)
        self._lock = Lock()
        self._closed = False
        self.written = 0

    def check_source(self, source: Any) -> None:
        """Raise StreamConfigError when events are read from the file itself; asked by :func:`headrace.drain`."""
        self._taken.claim.check_source(source)

    def write(self, item: Any) -> None:
        """Take an event, a batch of events or an array of them.

        Raises
        ------
        DataError
            For anything else, and for events that the format cannot hold.
        ClosedError
            After :meth:`close`, and in a process that was forked: the file is its parent's.
        SinkError
            When the file cannot be written; these events are not taken.
        """
        made = events_of(_columns(item), "EventWriter.write")
        self._taken.file.check(made, "EventWriter.write")
        self._taken.check_process()
        with self._lock:
            if self._closed:
                raise ClosedError(
                    "EventWriter got events after close(), wanted them before.\n  Make a new one, or close it later."
                )
            self._taken.add(made)
            self.written += len(made)

    def flush(self) -> None:
        """Put what was taken into the file, but for ``.npz``. Raises SinkError when it cannot be written.

        Examples
        --------
        >>> from headrace.frames import EventWriter, read_events
        >>> with EventWriter("live.aedat") as writer:
        ...     writer.write({"x": 3, "y": 1, "t": 1000, "p": 1})
        ...     writer.flush()
        ...     len(read_events("live.aedat"))
        1
        """
        self._taken.check_process()
        with self._lock:
            if not self._closed:
                self._taken.flush()

    def close(self) -> None:
        """Make the file whole. Twice is fine; where it could not be written, the second time tries it again.

        Raises
        ------
        SinkError
            When the file cannot be written.
        """
        if self._taken.process != os.getpid():  # of a child that was forked: the file is its parent's
            return
        with self._lock:
            self._closed = True
            if self._dropped.alive:
                self._taken.finish()
                self._dropped.detach()

    def __reduce__(self) -> Any:
        raise not_sent(self)


class _Taken:
    """Events on their way into a file; of the writer, but for when it is dropped without being closed."""

    def __init__(self, path: Path) -> None:
        self.file: Growing = GROWING[path.suffix.lower()](path, "EventWriter")
        self.claim = Claim("EventWriter", path)
        self.process = os.getpid()
        self.parts: list[Array] = []
        self.n = 0
        self.since = 0.0

    def check_process(self) -> None:
        if self.process != os.getpid():
            raise ClosedError(
                f"EventWriter got a call for {str(self.file.path)!r} in a process that was forked, wanted it in the one that "
                "made it.\n  Make a writer in each process."
            )

    def add(self, events: Array) -> None:
        self.claim.take()
        now = monotonic()
        if not self.parts:
            self.since = now
        self.parts.append(events)
        self.n += len(events)
        if self.n >= _AT_ONCE or now - self.since >= 1:
            try:
                self.flush()
            except BaseException:
                self.parts.pop()
                self.n -= len(events)
                raise

    def flush(self) -> None:
        if self.parts:
            self.file.add(joined_events(self.parts))
            self.parts, self.n = [], 0

    def finish(self) -> None:
        if self.claim.spared:
            return
        self.claim.take()
        try:
            self.flush()
            self.file.finish()
        finally:
            self.claim.release()


def _columns(item: Any) -> Any:
    """Return an event as columns of one; anything else as it is: what is none is told by :func:`events_of`."""
    try:
        if np.ndim(item["t"]) == 0:
            return {name: [item[name]] for name in NAMES}
    except (KeyError, IndexError, TypeError, ValueError):
        pass
    return item
