"""Who may write to a ledger: one at a time on this host, in turn, and on a network file system no other host."""

from __future__ import annotations

import os
import platform
import random
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from headrace.errors import SinkError

PATIENCE: Final = 600.0  # seconds to wait for a turn: whoever has it needs milliseconds
_QUEUE, _TURN = 0, 1  # bytes of the lock file: who is next, and who it is
_SHORT, _LONG = 0.0005, 0.02  # seconds between two looks
_FAR: Final = frozenset(
    ("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "9p", "ceph", "glusterfs", "lustre", "gpfs", "beegfs",
     "orangefs", "pvfs2", "ocfs2", "gfs2", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.rclone", "fuse.s3fs",
     "fuse.beegfs", "davfs", "webdav", "afpfs", "panfs", "quobyte", "wekafs")
)  # fmt: skip


class _Held:
    """The lock file of a folder, open once in this process: whoever closes a handle of a file loses its locks."""

    def __init__(self, path: Path) -> None:
        self.handle: int = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o666)
        found = os.fstat(self.handle)
        self.id: tuple[int, int] = (found.st_dev, found.st_ino)
        self.thread = threading.RLock()
        self.users = 0
        self.deep = 0


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return (-1, -1)
    return (found.st_dev, found.st_ino)


_held: dict[tuple[int, int], _Held] = {}
_claims: dict[Path, int] = {}
_guard = threading.Lock()
_dropped: deque[Callable[[], None]] = deque()  # what nobody uses any more and could not be closed at that moment
_inherited: list[Any] = []  # of a parent: closing it here would be no harm, but nothing here may use it


def _forked() -> None:
    global _guard
    _guard = threading.Lock()
    _inherited.append(dict(_held))
    _held.clear()
    _claims.clear()
    _dropped.clear()


def when_dropped(close: Callable[[], None]) -> None:
    """Close what nobody uses any more: now or, where that could wait for this very thread, with the next opening.

    Memory is tidied up at any moment, so a ledger may end within another's opening, whose thread has the guard.
    """
    if _guard.acquire(blocking=False):
        _guard.release()
        close()
    else:
        _dropped.append(close)


def _close_dropped() -> None:
    while True:
        try:
            close = _dropped.popleft()
        except IndexError:
            return
        close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


class Turnstile:
    """A lock between the processes and threads of a host, handed over in turn.

    Who wants it takes a place at the turnstile first, and holds that until it is let in. So who comes back at once finds
    somebody waiting and cannot pass them, and nobody waits longer than for those who came before, give or take.

    Parameters
    ----------
    path
        The lock file. It is made, and stays.
    what
        What is locked, for errors.
    patience
        Seconds to wait for a turn.
    """

    def __init__(self, path: Path, what: str, patience: float = PATIENCE) -> None:
        self.path: Path = path
        self.what: str = what
        self.patience: float = patience
        self._pid = 0
        self._mine: _Held | None = None
        self._id = (0, 0)

    def _open(self) -> _Held:
        if self._mine is not None and self._pid == os.getpid() and _held.get(_identity(self.path)) is self._mine:
            return self._mine
        self.release()
        _close_dropped()
        with _guard:
            known = _held.get(_identity(self.path))
            if known is None:
                known = _Held(self.path)
                there = _held.setdefault(known.id, known)
                if there is not known:  # it came back between our look and our opening
                    _inherited.append(known)  # not closed: that would drop the locks of the one that is open
                    known = there
            self._id = known.id
            known.users += 1
            self._mine, self._pid = known, os.getpid()
        return known

    def release(self) -> None:
        """Let go of the lock file. Twice is fine."""
        mine, self._mine = self._mine, None
        if mine is None or self._pid != os.getpid():
            return
        with _guard:
            mine.users -= 1
            if mine.users == 0 and _held.get(self._id) is mine:
                del _held[self._id]
                os.close(mine.handle)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the lock, when it is this one's turn. Within itself it is held already.

        Raises
        ------
        SinkError
            When ``patience`` is over; it names the process that has the lock.
        """
        held = self._open()
        if not held.thread.acquire(timeout=self.patience):
            raise SinkError(self._late("a thread of this process"))
        try:
            held.deep += 1
            if held.deep == 1:
                self._queue(held.handle)
            yield
        finally:
            held.deep -= 1
            if held.deep == 0:
                _unlock(held.handle, _TURN)
            held.thread.release()

    def _queue(self, handle: int) -> None:
        until = monotonic() + self.patience
        self._wait(handle, _QUEUE, until)
        try:
            self._wait(handle, _TURN, until)
        finally:
            _unlock(handle, _QUEUE)

    def _wait(self, handle: int, byte: int, until: float) -> None:
        pause = _SHORT
        while not _try_lock(handle, byte):
            if monotonic() > until:
                raise SinkError(self._late(_holder(handle, byte)))
            sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 1.2, _LONG)

    def _late(self, who: str) -> str:
        return (
            f"{self.what} is being written by {who}, which has held it for {self.patience:.0f} s.\n"
            "  See whether it hangs or is stopped; what was saved before is safe."
        )


if sys.platform == "win32":  # pragma: no cover  # not run on the machines we test on
    import msvcrt

    _BEHIND = 1 << 30

    def _try_lock(handle: int, byte: int) -> bool:
        os.lseek(handle, _BEHIND + byte, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle: int, byte: int) -> None:
        os.lseek(handle, _BEHIND + byte, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

    def _holder(handle: int, byte: int) -> str:
        return "another process"

else:
    import fcntl
    import struct

    def _try_lock(handle: int, byte: int) -> bool:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def _unlock(handle: int, byte: int) -> None:
        fcntl.lockf(handle, fcntl.LOCK_UN, 1, byte)

    def _holder(handle: int, byte: int) -> str:
        if sys.platform != "linux":
            return "another process"
        asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, byte, 1, 0)
        try:
            pid = struct.unpack("hhqqi4x", fcntl.fcntl(handle, fcntl.F_GETLK, asked))[4]
        except OSError:
            pid = 0
        return f"process {pid}" if pid else "another process"


# --- other hosts ----------------------------------------------------------------------------------


def is_far(path: Path) -> bool:
    """Tell whether a folder is on a network file system."""
    return filesystem(path) in _FAR


def filesystem(path: Path) -> str:
    """Return the name of the file system that a folder is on, as far as the system tells.

    Examples
    --------
    >>> isinstance(filesystem(Path(".")), str)
    True
    """
    try:
        device = os.stat(path).st_dev
        wanted = f"{os.major(device)}:{os.minor(device)}"
        told = Path("/proc/self/mountinfo").read_text()
    except (OSError, AttributeError):
        return ""
    for line in told.splitlines():
        left, _, right = line.partition(" - ")
        if left.split()[2] == wanted and right:
            return right.split()[0]
    return ""


class HostClaim:
    """Says which processes of which hosts write to a folder that several hosts can see, and refuses a second host.

    Locks between hosts are not to be relied upon, so each writer leaves a file that says who it is, and then looks for
    others'. Two that come at once both see the other, and both are refused.

    Parameters
    ----------
    folder
        The ledger's.

    Raises
    ------
    SinkError
        When a process of another host writes to it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "writers"
        self._folder.mkdir(exist_ok=True)
        self._path = self._folder / f"{host()}~{os.getpid()}"
        self._mine = True
        with _guard:
            _claims[self._path] = _claims.get(self._path, 0) + 1
        self._path.touch()
        try:
            for other in sorted(self._folder.iterdir()):
                name, _, pid = other.name.rpartition("~")
                if name != host():
                    raise SinkError(
                        f"{folder} is on a network file system and is being written by process {pid} on {name}; this is "
                        f"{host()}, and one host at a time may.\n"
                        f"  Harvest there, or into another ledger; if that process is dead, remove {other}."
                    )
                if pid.isdecimal() and not _alive(int(pid)):
                    other.unlink(missing_ok=True)
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        """Let other hosts write, with the last ledger of this process. Twice is fine."""
        if not self._mine:
            return
        self._mine = False
        with _guard:
            _claims[self._path] = left = _claims.get(self._path, 1) - 1
            if left <= 0:
                del _claims[self._path]
                self._path.unlink(missing_ok=True)


def host() -> str:
    """Return this host's name, fit for a file's."""
    return (platform.node() or "localhost").replace(os.sep, "_")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
