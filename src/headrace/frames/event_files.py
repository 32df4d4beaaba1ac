"""Events in files: ``.npz``, HDF5, AEDAT 2 and 3.1, and the ``.bin`` of N-MNIST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.frames.event_aedat import read_aedat, read_bin, write_aedat, write_bin
from headrace.frames.event_arrays import EVENT, events_of
from headrace.frames.footage import check_file
from headrace.frames.layout import Array

_NAMES = EVENT.names or ()
Read = Callable[[Path, Any], Array]


def read_events(filename: Any, sensor: str | None = None) -> Array:
    """Return the events in a file.

    Parameters
    ----------
    filename
        ``.npz`` and ``.h5`` or ``.hdf5`` with columns ``x``, ``y``, ``t``, ``p``, in HDF5 at the top or in a group
        ``events``; ``.aedat`` of version 2 or 3.1; ``.bin`` as N-MNIST has them.
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
        When there is no such file, or its name ends otherwise.
    DataError
        When it is no file of its kind, is damaged or cut short, or of another version.
    MissingExtraError
        For HDF5 without h5py: ``pip install 'headrace[frames]'``.

    Examples
    --------
    >>> from headrace.frames import read_events, write_events
    >>> events = {"x": [3, 4], "y": [1, 1], "t": [1000, 2500], "p": [1, 0]}
    >>> write_events("recorded.aedat", events)
    >>> read_events("recorded.aedat").tolist()
    [(3, 1, 1000, 1), (4, 1, 2500, 0)]
    """
    path = check_file("read_events", filename)
    read: Read = _of(path, _READERS, "read_events")
    return read(path, sensor)


def write_events(filename: Any, events: Any) -> None:
    """Write events to a file; those in it before are replaced.

    Parameters
    ----------
    filename
        ``.npz``, ``.h5`` or ``.hdf5``, ``.aedat`` (version 3.1) or ``.bin``.
    events
        A structured array with fields ``x``, ``y``, ``t``, ``p``, or a dict of such columns.

    Raises
    ------
    StreamConfigError
        When the name ends otherwise.
    DataError
        When these are no events, or the format cannot hold them: ``.bin`` 8 bits of x and y and 23 of t, AEDAT
        15 and 31.
    MissingExtraError
        For HDF5 without h5py.
    OSError
        When it cannot be written.
    """
    path = Path(filename)
    write = _of(path, _WRITERS, "write_events")
    write(path, events_of(events, "write_events"))


def check_ending(path: Path, who: str) -> None:
    """Raise StreamConfigError for a file whose name does not end as one of events."""
    _of(path, _READERS, who)


def _of(path: Path, known: dict[str, Any], who: str) -> Any:
    found = known.get(path.suffix.lower())
    if found is None:
        raise StreamConfigError(f"{who}(filename) got {path.name!r}, wanted a name that ends in {', '.join(known)}.")
    return found


def _read_npz(path: Path, sensor: Any) -> Array:
    try:
        with np.load(path, allow_pickle=False) as file:
            names = set(file.files)
            found: Any = {name: file[name] for name in _NAMES} if names.issuperset(_NAMES) else None
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


def _write_npz(path: Path, events: Array) -> None:
    with open(path, "wb") as file:
        columns: dict[str, Any] = {name: np.ascontiguousarray(events[name]) for name in _NAMES}
        np.savez_compressed(file, **columns)


def _read_hdf5(path: Path, sensor: Any) -> Array:
    h5py: Any = optional("h5py", "frames", "read_events")
    try:
        with h5py.File(path, "r") as file:
            inside = file.get("events", file)
            if isinstance(inside, h5py.Dataset):
                found: Any = inside[()]
            else:
                found = {name: inside[name][()] for name in _NAMES if isinstance(inside.get(name), h5py.Dataset)}
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise _damaged(path, "an HDF5 file", error) from error
    return events_of(found, f"read_events({path.name!r})")


def _write_hdf5(path: Path, events: Array) -> None:
    h5py: Any = optional("h5py", "frames", "write_events")
    with h5py.File(path, "w") as file:
        group = file.create_group("events")
        for name in _NAMES:
            group.create_dataset(name, data=np.ascontiguousarray(events[name]), compression="gzip")


def _damaged(path: Path, what: str, error: Exception) -> DataError:
    return DataError(
        f"read_events got {path.name!r}, which is no {what.split(' ', 1)[1]} that can be read: {type(error).__name__}: {error}.\n"
        "  Copy it again, or give it the ending of what it is."
    )


_READERS: dict[str, Read] = {
    ".npz": _read_npz,
    ".h5": _read_hdf5,
    ".hdf5": _read_hdf5,
    ".aedat": read_aedat,
    ".bin": lambda path, sensor: read_bin(path),
}
_WRITERS: dict[str, Callable[[Path, Array], None]] = {
    ".npz": _write_npz,
    ".h5": _write_hdf5,
    ".hdf5": _write_hdf5,
    ".aedat": write_aedat,
    ".bin": write_bin,
}
