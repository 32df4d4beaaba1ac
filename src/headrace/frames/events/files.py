"""Events in files: ``.npz``, HDF5, AEDAT 2, 3.1 and 4, and the ``.bin`` of N-MNIST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.anew import written_anew
from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import Array
from headrace.frames.base.paths import check_file, check_target
from headrace.frames.base.shared import shared
from headrace.frames.events.aedat import check_sensor, read_aedat, read_bin
from headrace.frames.events.arrays import NAMES, events_of
from headrace.frames.events.growing import GROWING, Growing

Read = Callable[[Path, Any], Array]


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
    read: Read = _of(path, _READERS, "read_events")
    return read(path, sensor)


def write_events(filename: Any, events: Any) -> None:
    """Write events to a file; those in it before are replaced once the new ones are written.

    Parameters
    ----------
    filename
        ``.npz``, ``.h5`` or ``.hdf5``, ``.aedat`` (version 3.1) or ``.bin``.
    events
        A structured array with fields ``x``, ``y``, ``t``, ``p``, or a dict of such columns.

    Raises
    ------
    StreamConfigError
        When the name ends otherwise, or the folder is not there.
    DataError
        When these are no events, or the format cannot hold them: ``.bin`` 8 bits of x and y and 23 of t, AEDAT
        15 and 31.
    MissingExtraError
        For HDF5 without h5py.
    OSError
        When it cannot be written.

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
    with written_anew(path) as part:
        file: Growing = growing(part)
        file.check(found, "write_events")
        file.add(found)
        file.finish()


def known_events(path: Path, sensor: str | None) -> Array:
    """Return the events of a file, read once as long as anyone has them. Raises what :func:`read_events` raises."""
    return shared(lambda: read_events(path, sensor), [path], sensor)


def check_ending(path: Path, who: str, *, to_write: bool = False) -> None:
    """Raise StreamConfigError for a file whose name does not end as one of events, or of those that are written."""
    _of(path, GROWING if to_write else _READERS, who)


def _of(path: Path, known: dict[str, Any], who: str) -> Any:
    found = known.get(path.suffix.lower())
    if found is None:
        raise StreamConfigError(
            f"{who}(filename) got {path.name!r}, wanted a name that ends in {', '.join(known)}.\n"
            "  The ending says how events are stored."
        )
    return found


def _read_npz(path: Path, sensor: Any) -> Array:
    try:
        # Opened here: NumPy leaves a damaged archive open.
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            names = set(file.files)
            found: Any = {name: file[name] for name in NAMES} if names.issuperset(NAMES) else None
            if found is None and len(names) == 1:  # a structured array
                found = file[names.pop()]
            if found is None:
                raise DataError(
                    f"read_events got {path.name!r} with {', '.join(map(repr, sorted(names))) or 'nothing'} in it, wanted x, y, "
                    "t and p, or one structured array.\n  np.savez(path, x=x, y=y, t=t, p=p) makes one."
                )
    except DataError:
        raise
    except Exception as error:  # of numpy, zipfile, zlib and struct: a damaged archive raises any of theirs
        raise _damaged(path, "an .npz archive", error) from error
    return events_of(found, f"read_events({path.name!r})")


def _read_hdf5(path: Path, sensor: Any) -> Array:
    h5py: Any = optional("h5py", "frames", "read_events")
    try:
        with h5py.File(path, "r") as file:
            inside = file.get("events", file)
            if isinstance(inside, h5py.Dataset):
                found: Any = inside[()]
            else:
                found = {name: inside[name][()] for name in NAMES if isinstance(inside.get(name), h5py.Dataset)}
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, "an HDF5 file", error) from error
    return events_of(found, f"read_events({path.name!r})")


def _damaged(path: Path, what: str, error: Exception) -> DataError:
    return DataError(
        f"read_events got {path.name!r}, which cannot be read: {type(error).__name__}: {error}; wanted {what}.\n"
        "  Copy it again, or give it the ending of what it is."
    )


_READERS: dict[str, Read] = {
    ".npz": _read_npz,
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
    ".aedat": read_aedat,
    ".aedat4": read_aedat,
    ".bin": lambda path, sensor: read_bin(path),
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
