"""Files of events that grow: what a writer has in the file at any moment, so that a kill takes no more than the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.anew import written_anew
from headrace.core.optional import optional
from headrace.core.refused import refused
from headrace.errors import StreamConfigError
from headrace.frames.base.hdf5_room import CACHE, Room
from headrace.frames.base.layout import Array
from headrace.frames.events.aedat import AEDAT_HEAD, check_aedat, check_bin, packed_aedat, packed_bin
from headrace.frames.events.arrays import EVENT, NAMES, joined_events

_CHUNK = 1 << 14  # events of a chunk of HDF5
_STRETCH = 4 * _CHUNK  # events for which room is set aside at a time: compressed they take less


class Growing:
    """A file of events that is made by the first :meth:`add`. Between calls it is closed, and whole.

    Parameters
    ----------
    path
        The file; one that is there stays until the first events are written.
    who
        What messages begin with.
    """

    def __init__(self, path: Path, who: str) -> None:
        self.path: Path = path
        self.who = who
        self.begun: bool = False

    def check(self, events: Array, who: str) -> None:
        """Raise DataError for events that the format has no room for."""

    def add(self, events: Array) -> None:
        """Put events behind those that are there; where that fails, the file is as it was.

        Raises
        ------
        SinkError
            When the disk takes no more.
        """
        if self.begun:
            try:
                self._put(self.path, events)
            except OSError as error:
                raise refused(self.who, self.path, error) from error
        else:
            with written_anew(self.path, self.who) as part:
                self._put(part, events)
        self.begun = True

    def _put(self, path: Path, events: Array) -> None:
        """Put events into the file, which a subclass knows how to; ``path`` is another one until it is begun."""
        raise NotImplementedError(f"{type(self).__name__} needs a method _put(events)")

    def finish(self) -> None:
        """Make the file, when nothing was added."""
        if not self.begun:
            self.add(joined_events(()))


class GrowingBytes(Growing):
    """A file of a head and of events packed one behind the other: AEDAT 3.1 and N-MNIST's."""

    def __init__(
        self, path: Path, who: str, head: bytes, packed: Callable[[Array], bytes], check: Callable[[Array, str], None]
    ) -> None:
        super().__init__(path, who)
        self._head, self._packed, self._check = head, packed, check
        self._end = 0

    def check(self, events: Array, who: str) -> None:
        self._check(events, who)

    def _put(self, path: Path, events: Array) -> None:
        end = self._end if self.begun else 0
        data = (b"" if self.begun else self._head) + self._packed(events)
        with open(path, "r+b" if self.begun else "wb", buffering=0) as file:
            try:
                if end:
                    file.seek(end)
                rest = memoryview(data)
                while rest:
                    rest = rest[file.write(rest) :]
            except BaseException:
                file.truncate(end)
                raise
        self._end = end + len(data)


class GrowingHDF5(Growing):
    """A file of HDF5 with a group ``events`` of columns in compressed chunks.

    Raises
    ------
    StreamConfigError
        When the file that is there holds something else, or is open for writing: at once, and by the first :meth:`add`.
    """

    def __init__(self, path: Path, who: str) -> None:
        super().__init__(path, who)
        self._h5py: Any = optional("h5py", "frames", "writing events")
        self._n = 0
        self._check_alone()

    def add(self, events: Array) -> None:
        if not self.begun:
            self._check_alone()
        super().add(events)

    def _check_alone(self) -> None:
        """Raise when replacing the file would lose more than events."""
        try:
            with self._h5py.File(self.path, "r") as file:
                # Another writer that has it open in this process made it so, and would write on into what is gone.
                what = "which this program is writing" if file.mode != "r" else self._others(file)
        except BlockingIOError:
            what = "which another program has open"
        except (OSError, RuntimeError):  # no file, or none of HDF5 that can be read
            return
        if what:
            raise StreamConfigError(
                f"{self.who}(filename) got {str(self.path)!r}, {what}, wanted a new file or one of events alone: it is replaced.\n"
                "  Choose another name."
            )

    def _others(self, file: Any) -> str:
        """Return what is in an open file beside events, in words; nothing where nothing is."""
        group = file.get("events")
        inside = [f"events/{name}" for name in group] if isinstance(group, self._h5py.Group) else ["events"]
        own = {f"events/{name}" for name in NAMES} | (set(NAMES) if all(name in file for name in NAMES) else set())
        found = [name for name in file if name != "events"] + (inside if group is not None else [])
        others = [name for name in found if name not in own]
        more = f" and {len(others) - 5} more" if len(others) > 5 else ""
        return f"which holds {', '.join(map(repr, others[:5]))}{more}" if others else ""

    def _put(self, path: Path, events: Array) -> None:
        n = self._n if self.begun else 0
        # Opened for each call: an HDF5 file that is open when its program is killed may not be readable.
        file = self._h5py.File(path, "r+" if self.begun else "w", rdcc_nbytes=CACHE)
        try:
            room = Room(file, self.who, str(self.path))
        except BaseException:
            file.close()
            raise
        try:
            columns = [self._column(file.require_group("events"), name) for name in NAMES]
            try:
                for lo in range(0, len(events), _STRETCH):
                    self._append(columns, n + lo, events[lo : lo + _STRETCH], room)
            except BaseException:
                for column in columns:
                    column.resize((n,))
                raise
        finally:
            room.close()
        self._n = n + len(events)

    def _column(self, group: Any, name: str) -> Any:
        if name in group:
            return group[name]
        return group.create_dataset(name, (0,), EVENT[name], maxshape=(None,), chunks=(_CHUNK,), compression="gzip")

    def _append(self, columns: list[Any], n: int, events: Array, room: Room) -> None:
        room.rows(len(events), *columns)
        for column, name in zip(columns, NAMES, strict=True):
            column.resize((n + len(events),))
            column[n:] = np.ascontiguousarray(events[name])


class AtOnce(Growing):
    """An archive of NumPy, which cannot grow: its events are in memory until it is finished."""

    def __init__(self, path: Path, who: str) -> None:
        super().__init__(path, who)
        self._parts: list[Array] = []

    def add(self, events: Array) -> None:
        self._parts.append(events)

    def finish(self) -> None:
        events = joined_events(self._parts)
        with written_anew(self.path, self.who) as part, open(part, "wb") as file:
            columns: dict[str, Any] = {name: np.ascontiguousarray(events[name]) for name in NAMES}
            np.savez_compressed(file, **columns)
        self._parts = [events]


GROWING: dict[str, Callable[[Path, str], Growing]] = {
    ".npz": AtOnce,
    ".h5": GrowingHDF5,
    ".hdf5": GrowingHDF5,
    ".aedat": lambda path, who: GrowingBytes(path, who, AEDAT_HEAD, packed_aedat, check_aedat),
    ".bin": lambda path, who: GrowingBytes(path, who, b"", packed_bin, check_bin),
}
