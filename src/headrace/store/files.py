"""Files that are there whole or not at all, and a folder that one run at a time may write to."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

from headrace.errors import SinkError

LOCK = ".lock"
_ours: set[tuple[int, int, str]] = set()  # folders locked by this process: POSIX locks do not exclude their own process
_ours_lock = threading.Lock()
_FAR = 1 << 30  # on Windows a locked byte cannot be read, so it lies behind the number of the process


def write_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` so that after a crash of the machine the file is the old one or the new one.

    Raises
    ------
    SinkError
        When the disk takes no more, with the ``OSError`` as its cause.
    """
    tmp = temporary(path)
    try:
        make_folder(path.parent)
        with open(tmp, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(tmp, path)
        sync_folder(path.parent)
    except OSError as error:
        try:
            tmp.unlink(missing_ok=True)
        except OSError:
            pass
        raise SinkError(
            f"could not write {path}: {error.strerror or error}.\n"
            "  What was saved before is safe. Make room, or see to the disk, and resume."
        ) from error


def temporary(path: Path) -> Path:
    """Return the name under which a file is written before it is renamed to ``path``."""
    return path.with_name(f".headrace-{path.name}.tmp")


def is_temporary(name: str) -> bool:
    """Tell whether a file's name is one of :func:`temporary`."""
    return name.startswith(".headrace-") and name.endswith(".tmp")


def is_lock(name: str) -> bool:
    """Tell whether a file's name is that of a lock: of the folder, or of one of several that write parts of it."""
    return name == LOCK or name.startswith(f"{LOCK}-")


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, for good."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a crash of the machine, where the system can do that."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FolderLock:
    """The right to write to a folder, held by one run at a time until :meth:`release` or the end of the process.

    The lock belongs to the process, not to its open files, so that workers forked from it do not keep it beyond the
    death of their parent.

    Parameters
    ----------
    folder
        It is made when it does not exist.
    name, what
        The file that is locked, and what having it means, for the message when another has it.

    Raises
    ------
    SinkError
        When another run has it; names the process.
    """

    def __init__(self, folder: Path, name: str = LOCK, what: str | None = None) -> None:
        self.folder: Path = folder
        self._name = name
        self._what = str(folder) if what is None else what
        try:
            with _ours_lock:  # not while a thread removes the folder that it had made
                self.made: bool = not folder.exists()
                make_folder(folder)
                self._id = (*_identity(os.stat(folder)), name)
                if self._id in _ours:
                    raise SinkError(_taken(self._what, os.getpid()))
                # Before the file is opened: a process that closes any handle of a file loses all its locks on it.
                _ours.add(self._id)
            try:
                self._file = self._opened(folder / name)
            except BaseException:
                with _ours_lock:
                    _ours.discard(self._id)
                raise
        except OSError as error:
            raise SinkError(f"cannot write to the folder {folder}: {error.strerror or error}.") from error

    def _opened(self, path: Path) -> Any:
        while True:
            file = open(path, "a+b")  # noqa: SIM115  # closed by release()
            try:
                _lock(file)
            except OSError:
                file.seek(0)
                pid = file.read().decode(errors="replace").strip()
                file.close()
                raise SinkError(_taken(self._what, pid)) from None
            try:
                current = _identity(os.stat(path)) == _identity(os.fstat(file.fileno()))
            except FileNotFoundError:
                current = False
            if current:
                break
            file.close()  # the run before removed it between our opening and our locking: this one guards nothing
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        return file

    def release(self) -> None:
        """Let others write. A folder that was made for this run and is still empty is removed. Twice is fine."""
        with _ours_lock:
            if self._file is None:
                return
            file, self._file = self._file, None
            try:
                # While it is still locked: who opened it before will find that it is gone.
                (self.folder / self._name).unlink(missing_ok=True)
                if self.made:
                    self.folder.rmdir()
            except OSError:
                pass  # Windows does not remove open files, and most folders are not empty
            finally:
                file.close()
                _ours.discard(self._id)


def _forked() -> None:
    """Locks are not inherited: a child that wants a folder of its parent's is told by the system that it is taken."""
    global _ours_lock
    _ours_lock = threading.Lock()  # a thread that is not in the child may have held it
    _ours.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def _identity(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_dev, stat.st_ino


def _taken(what: str, pid: object) -> str:
    who = f"process {pid}" if pid else "another process"
    return f"{what} is being written by {who}.\n  Wait for it, stop it, or choose another folder."


if sys.platform == "win32":  # pragma: no cover  # not run on the machines we test on
    import msvcrt

    def _lock(file: Any) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)

else:
    import fcntl

    def _lock(file: Any) -> None:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
