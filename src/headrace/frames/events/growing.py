"""Files of events that grow: what a writer has in the file at any moment, so that a kill takes no more than the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.anew import written_anew
from headrace.core.optional import optional
from headrace.frames.base.layout import Array
from headrace.frames.events.aedat import AEDAT_HEAD, check_aedat, check_bin, packed_aedat, packed_bin
from headrace.frames.events.arrays import EVENT, NAMES, joined_events

_CHUNK = 1 << 14  # events of a chunk of HDF5


class Growing:
    """A file of events that is made by the first :meth:`add`. Between calls it is closed, and whole.

    Parameters
    ----------
    path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self.begun: bool = False

    def check(self, events: Array, who: str) -> None:
        """Raise DataError for events that the format has no room for."""

    def add(self, events: Array) -> None:
        """Put events behind those that are there; where that fails, the file is as it was."""
        self._put(events)
        self.begun = True

    def _put(self, events: Array) -> None:
        """Put events into the file, which a subclass knows how to."""
        raise NotImplementedError(f"{type(self).__name__} needs a method _put(events)")

    def finish(self) -> None:
        """Make the file, when nothing was added."""
        if not self.begun:
            self.add(joined_events(()))


class GrowingBytes(Growing):
    """A file of a head and of events packed one behind the other: AEDAT 3.1 and N-MNIST's."""

    def __init__(
        self, path: Path, head: bytes, packed: Callable[[Array], bytes], check: Callable[[Array, str], None]
    ) -> None:
        super().__init__(path)
        self._head, self._packed, self._check = head, packed, check
        self._end = 0

    def check(self, events: Array, who: str) -> None:
        self._check(events, who)

    def _put(self, events: Array) -> None:
        data = (b"" if self._end else self._head) + self._packed(events)
        with open(self.path, "r+b" if self._end else "wb", buffering=0) as file:
            file.seek(self._end)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
            except BaseException:
                file.truncate(self._end)
                raise
        self._end += len(data)


class GrowingHDF5(Growing):
    """A file of HDF5 with a group ``events`` of columns in compressed chunks."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._h5py: Any = optional("h5py", "frames", "writing events")
        self._n = 0

    def _put(self, events: Array) -> None:
        # Opened for each stretch: an HDF5 file that is open when its program is killed may not be readable.
        with self._h5py.File(self.path, "r+" if self._n else "w") as file:
            group = file.require_group("events")
            for name in NAMES:
                if name not in group:
                    group.create_dataset(
                        name, (0,), EVENT[name], maxshape=(None,), chunks=(_CHUNK,), compression="gzip"
                    )
            try:
                for name in NAMES:
                    group[name].resize((self._n + len(events),))
                    group[name][self._n :] = np.ascontiguousarray(events[name])
            except BaseException:
                for name in NAMES:
                    group[name].resize((self._n,))
                raise
        self._n += len(events)


class AtOnce(Growing):
    """An archive of NumPy, which cannot grow: its events are in memory until it is finished."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._parts: list[Array] = []

    def _put(self, events: Array) -> None:
        self._parts.append(events)

    def finish(self) -> None:
        events = joined_events(self._parts)
        with written_anew(self.path) as part, open(part, "wb") as file:
            columns: dict[str, Any] = {name: np.ascontiguousarray(events[name]) for name in NAMES}
            np.savez_compressed(file, **columns)
        self._parts = [events]


GROWING: dict[str, Callable[[Path], Growing]] = {
    ".npz": AtOnce,
    ".h5": GrowingHDF5,
    ".hdf5": GrowingHDF5,
    ".aedat": lambda path: GrowingBytes(path, AEDAT_HEAD, packed_aedat, check_aedat),
    ".bin": lambda path: GrowingBytes(path, b"", packed_bin, check_bin),
}
