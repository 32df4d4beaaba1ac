"""Events in files: ``.npz``, HDF5, AEDAT 2, 3.1 and 4, and the ``.bin`` of N-MNIST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headrace.errors import StreamConfigError
from headrace.frames.base.layout import Array
from headrace.frames.base.paths import check_file, check_target
from headrace.frames.base.shared import shared
from headrace.frames.base.unreadable import opening
from headrace.frames.events.aedat import check_sensor, open_aedat
from headrace.frames.events.arrays import events_of
from headrace.frames.events.columns import HDF5Events, open_npz
from headrace.frames.events.growing import GROWING, Growing
from headrace.frames.events.pieces import WHOLE, EventFile, Reading
from headrace.frames.events.records import BitsFile
from headrace.frames.events.span import Span


def read_events(filename: Any, sensor: str | None = None) -> Array:
    """Return the events in a file.

    Parameters
    ----------
    filename
        ``.npz`` and ``.h5`` or ``.hdf5`` with columns ``x``, ``y``, ``t``, ``p``, in HDF5 at the top or in a group
        ``events``; ``.aedat`` or ``.aedat4`` of version 2, 3.1 or 4; ``.bin`` as N-MNIST has them.
    sensor
        How addresses of AEDAT 2 are read: ``"dvs128"`` or ``"davis346"``; None for what the file's header names, and
        ``"dvs128"`` where it names none.

    Returns
    -------
    events
        A structured array of :data:`~headrace.frames.EVENT`: column ``x``, row ``y``, time ``t`` in microseconds,
        polarity ``p``, 1 for ON.

    Raises
    ------
    StreamConfigError
        When there is no such file, its name ends otherwise, or the sensor is not known.
    DataError
        When it is no file of its kind, is damaged or cut short, or of another version.
    MissingExtraError
        For HDF5 without h5py, and compressed AEDAT 4 without lz4 or zstandard: ``pip install 'headrace[frames]'``.

    Examples
    --------
    >>> from headrace.frames import read_events, write_events
    >>> events = {"x": [3, 4], "y": [1, 1], "t": [1000, 2500], "p": [1, 0]}
    >>> write_events("recorded.aedat", events)
    >>> read_events("recorded.aedat").tolist()
    [(3, 1, 1000, 1), (4, 1, 2500, 0)]
    """
    path = check_file("read_events", filename)
    check_sensor(sensor)
    with opening("read_events", path):
        return _opened(path, sensor).whole()


def write_events(filename: Any, events: Any) -> None:
    """Write events to a file; those in it before are replaced once the new ones are written. It holds nothing else.

    Parameters
    ----------
    filename
        ``.npz``, ``.h5`` or ``.hdf5``, ``.aedat`` (version 3.1) or ``.bin``.
    events
        A structured array with fields ``x``, ``y``, ``t``, ``p``, or a dict of such columns.

    Raises
    ------
    StreamConfigError
        When the name ends otherwise, the folder is not there, or an HDF5 file that is there holds anything but events.
    DataError
        When these are no events, or the format cannot hold them: ``.bin`` 8 bits of x and y and 23 of t, AEDAT
        15 and 31.
    MissingExtraError
        For HDF5 without h5py.
    SinkError
        When it cannot be written, as on a full disk.

    Examples
    --------
    >>> from headrace.frames import read_events, write_events
    >>> write_events("two.npz", {"x": [3, 4], "y": [1, 1], "t": [1000, 2500], "p": [1, -1]})
    >>> read_events("two.npz")["p"].tolist()
    [1, 0]
    """
    path = check_target("write_events", "filename", filename)
    growing = _of(path, GROWING, "write_events")
    found = events_of(events, "write_events")
    file: Growing = growing(path, "write_events")
    file.check(found, "write_events")
    file.add(found)
    file.finish()


def known_file(path: Path, sensor: str | None, before: EventFile | None = None) -> EventFile:
    """Return what is known of a file of events, looked through once as long as anyone has it; raises what reading raises.

    ``before`` is what was known of it: a look at a file that only grew since goes on from there.
    """

    def load() -> EventFile:
        found = _opened(path, sensor)
        if before is not None and type(found) is type(before):
            found.looked = before.looked
        return found

    with opening("read_events", path):
        return shared(load, [path], sensor, "events")


def reading(file: EventFile, sensor: str | None, before: Reading | None = None) -> Reading:
    """Return a run over a file of events; a short one is read once as long as anyone has it, but not as it grows."""
    grown = before is not None and file.n > before.n
    return Reading(file, lambda: shared(file.whole, [file.path], sensor, "whole"), 0 if grown else WHOLE)


def known_span(file: EventFile, sensor: str | None, before: Span | None = None) -> Span:
    """Return when the events of a file are and how far out they lie; it is read through once as long as anyone has it.

    ``before`` is what was known of it: of a file that only grew since, what is new is read.
    """
    with opening("read_events", file.path):
        # With how many there are: it may have grown since it was looked through.
        return shared(lambda: Span(file, before), [file.path], sensor, "span", file.n)


def _opened(path: Path, sensor: str | None) -> EventFile:
    found: EventFile = _of(path, _READERS, "read_events")(path, sensor)
    return found


def check_ending(path: Path, who: str, *, to_write: bool = False) -> None:
    """Raise StreamConfigError for a file whose name does not end as one of events, or of those that are written."""
    _of(path, GROWING if to_write else _READERS, who)


def _of(path: Path, known: dict[str, Any], who: str) -> Any:
    found = known.get(path.suffix.lower())
    if found is None:
        raise StreamConfigError(
            f"{who}(filename) got {str(path)!r}, wanted a name that ends in {', '.join(known)}.\n"
            "  The ending says how events are stored."
        )
    return found


_READERS: dict[str, Callable[[Path, Any], EventFile]] = {
    ".npz": lambda path, sensor: open_npz(path),
    ".h5": lambda path, sensor: HDF5Events(path),
    ".hdf5": lambda path, sensor: HDF5Events(path),
    ".aedat": open_aedat,
    ".aedat4": open_aedat,
    ".bin": lambda path, sensor: BitsFile(path),
}


def write_example(path: Path) -> None:
    """Write sixty events of a small sensor."""
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
