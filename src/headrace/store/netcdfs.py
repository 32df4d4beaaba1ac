"""netCDF and HDF5 files, written on a disk that may get full.

HDF5 keeps what could not be written, tries again when the file is closed, and ends the process when it fails again. So it is
given a file whose writes never fail: the first that does is noted, and what comes from there on is kept in memory until
the library has closed.
"""

from __future__ import annotations

import io
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context
from errno import ENOSPC
from pathlib import Path
from typing import Any, Final

from headrace.core.optional import optional
from headrace.core.refused import FULL, refused
from headrace.store.shielded import shielded

_READ_AGAIN: Final = 1 << 20  # bytes of a write at most that HDF5 may read again; longer ones are numbers
_TAKES_FILES: Final = (2025, 9)  # the first xarray that gives a file to h5netcdf; older ones write another format there
_SMALLER: Final = {"zlib", "compression", "dtype"}  # with an encoding that has one a file may be much smaller
_SLACK: Final = 4 << 10  # bytes for the tables of a variable, about
_one_at_a_time = threading.RLock()  # the netCDF library crashes when two threads are in it, whatever file each has


def _forked() -> None:
    global _one_at_a_time
    _one_at_a_time = threading.RLock()  # a thread that is not in the child may have held it


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def guard(engine: str) -> AbstractContextManager[object]:
    """Return what is held while the library of an engine is at work."""
    return _one_at_a_time if engine == "netcdf4" else nullcontext()


def write_netcdf(ds: Any, tmp: Path, path: Path, engine: str, **settings: Any) -> None:
    """Write a dataset to ``tmp``, which is going to be ``path``; ``settings`` are for ``to_netcdf``.

    Ctrl-C is raised when an HDF5 file is written, a second one does not wait: HDF5 would take it for a failed write.

    Raises
    ------
    SinkError
        When the disk takes no more, with the ``OSError`` as its cause.
    """
    try:
        if engine == "h5netcdf" and _takes_files(ds):
            context = copy_context()
            shielded(lambda: context.run(_write_steadily, ds, tmp, settings))
        else:
            _write_there(ds, tmp, engine, settings)
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise refused("save_ds", path, error, kept="What was saved before is as it was", then="save again") from error


def _takes_files(ds: Any) -> bool:
    """Tell whether xarray lets h5netcdf write to a file that is no path; processes of dask know a file by its path."""
    version = optional("xarray", "sweeps", "saving a dataset").__version__.split(".")
    if tuple(int(each) for each in version[:2]) < _TAKES_FILES:
        return False
    if all(each.chunks is None for each in ds.variables.values()):
        return True
    dask = optional("dask", "store", "saving a dataset in chunks")
    threaded = optional("dask.threaded", "store", "saving a dataset in chunks")
    return dask.base.get_scheduler() in (None, threaded.get, dask.get)


def _write_steadily(ds: Any, tmp: Path, settings: dict[str, Any]) -> None:
    with SteadyFile(tmp) as file:
        try:
            ds.to_netcdf(file, engine="h5netcdf", **settings)
        except Exception:
            if file.error is None:
                raise
    if file.error is not None:
        raise file.error


def _write_there(ds: Any, tmp: Path, engine: str, settings: dict[str, Any]) -> None:
    if engine == "h5netcdf" and not any(_SMALLER & {*each} for each in (settings.get("encoding") or {}).values()):
        _ask_room(tmp, ds)  # beforehand, as there may be no afterwards
    with guard(engine):
        try:
            ds.to_netcdf(tmp, engine=engine, **settings)
        except (RuntimeError, OSError):
            _ask_room(tmp, ds)  # netCDF does not say what went wrong
            raise


def _ask_room(tmp: Path, ds: Any) -> None:
    """Raise the error of the disk, where it has no room for a file of a dataset."""
    wanted = int(ds.nbytes) + _SLACK * (16 + len(ds.variables))
    if not hasattr(os, "posix_fallocate"):
        if shutil.disk_usage(tmp.parent).free < wanted:
            raise OSError(ENOSPC, os.strerror(ENOSPC))
        return
    try:
        with open(tmp, "ab") as file:
            os.posix_fallocate(file.fileno(), 0, wanted)
    except OSError as error:
        if error.errno in FULL:
            raise


class SteadyFile(io.RawIOBase):
    """A new file none of whose methods fails: after the first write that did, it reads as if all had been done.

    Nor do they when it is closed: HDF5 may be told to close later, by who drops its last handle.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    error
        What the system said first of what failed; None where nothing did.

    Raises
    ------
    OSError
        When it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "w+b", buffering=0)  # noqa: SIM115  # closed in close()
        self._at = self._size = 0
        self._kept: list[tuple[int, bytes]] = []  # what came since then, the later over the earlier
        self.error: OSError | None = None

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def write(self, data: Any) -> int:
        data = memoryview(data).cast("B")
        start, n = self._at, len(data)
        if self._is_sound:
            self._try(lambda: self._write_all(start, data))
        if not self._is_sound and n <= _READ_AGAIN:
            self._kept.append((start, bytes(data)))
        self._at = start + n
        self._size = max(self._size, self._at)
        return n

    def _write_all(self, start: int, data: memoryview) -> None:
        self._file.seek(start)
        while len(data):
            data = data[self._file.write(data) :]

    def readinto(self, buffer: Any) -> int:
        into = memoryview(buffer).cast("B")
        start, n = self._at, max(0, min(len(into), self._size - self._at))
        into[:n] = bytes(n)  # for what was not written
        if not self._file.closed:
            self._try(lambda: self._read_all(start, into[:n]))
        for where, data in self._kept:
            lo, hi = max(start, where), min(start + n, where + len(data))
            if lo < hi:
                into[lo - start : hi - start] = data[lo - where : hi - where]
        self._at = start + n
        return n

    def _read_all(self, start: int, into: memoryview) -> None:
        self._file.seek(start)
        while more := self._file.readinto(into):
            into = into[more:]

    def truncate(self, size: int | None = None) -> int:
        self._size = size = self._at if size is None else size
        if self._is_sound:
            self._try(lambda: self._file.truncate(size))
        return size

    def flush(self) -> None:
        pass  # nothing waits

    def close(self) -> None:
        self._try(self._file.close)
        super().close()

    @property
    def _is_sound(self) -> bool:
        return self.error is None and not self._file.closed

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError as error:
            self.error = self.error or error
