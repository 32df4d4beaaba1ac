"""An append-only file of records that check themselves: what a recording is kept in.

The file begins with :data:`MAGIC`, 16 bytes of which one is the version; from version 2 on, the two behind it shall be
:func:`check` of it, so that a damaged byte is no later version. Records follow, each at a multiple of 16::

    head, 32 bytes, little-endian
        4s  SYNC, found again by who has lost the way
        4s  kind
        u64 size: bytes behind the head, padding included, a multiple of 16
        u32 front: how many of them the next number is over
        u32 CRC-32 of the front
        u32 number of the record in the file, from 0
        u32 CRC-32 of the 28 bytes before
    front
    data, at a multiple of 16: what the front tells of, with check sums of its own

A record is in the file whole once :meth:`Writer.append` has returned, so that killing the process loses none. Nothing
that was written is ever changed. What is left of a record that the machine did not finish is told by its length.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from headrace.core.refused import refused
from headrace.errors import ClosedError, SinkError
from headrace.store.files import sync_folder

VERSION: Final = 1
MAGIC: Final = b"\x8bheadrace\r\n\x1a\n" + bytes([VERSION, 0, 0])
SYNC: Final = b"\xf6\x9dHR"
HEAD: Final = struct.Struct("<4s4sQIIII")
ALIGN: Final = 16  # what any number's address may have to be a multiple of
_TOGETHER: Final = 1 << 16  # bytes below which copying parts into one is quicker than a call for each
_AT_ONCE: Final = 1 << 30  # bytes that every system writes in one call
_ZEROS: Final = bytes(ALIGN)


def check(version: int) -> bytes:
    """Return what shall stand behind a later version."""
    return bytes([version ^ 0x5A, version ^ 0xA5])


def padding(n: int) -> int:
    """Return how many bytes are missing to the next multiple of 16."""
    return -n % ALIGN


class Writer:
    """The one who appends to a container; used from any thread.

    Parameters
    ----------
    path
        The file; it is made, and must not exist.

    Attributes
    ----------
    size : int
        Bytes written.
    seen : callable or None
        Called with each record that was written: kind, place, size, front, CRC-32 of the front; in the order of the file.

    Raises
    ------
    SinkError
        When the file exists or cannot be made.

    Examples
    --------
    >>> import tempfile
    >>> writer = Writer(Path(tempfile.mkdtemp()) / "notes.hrc")
    >>> writer.append(b"NOTE", b"hello")
    16
    >>> writer.size, writer.records
    (64, 1)
    >>> writer.close()
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)
        self.size: int = 0
        self.records: int = 0
        self.seen: Callable[[bytes, int, int, bytes, int], object] | None = None
        self._lock = threading.Lock()
        self._dirty = False
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            self._fd: int | None = os.open(self.path, flags, 0o666)
        except OSError as error:
            raise SinkError(
                f"a recording cannot make {str(self.path)!r}: {error.strerror or error}, wanted a folder and a disk that take a "
                "new file.\n  Name a path that does not exist, in a folder that can be written to."
            ) from error
        try:
            with self._lock:
                self._write([MAGIC])
        except BaseException:
            self._close()
            self.path.unlink(missing_ok=True)  # made just now: nothing is in it
            raise

    def append(self, kind: bytes, front: bytes, data: Sequence[Any] = (), *, size: int = 0) -> int:
        """Add one record, whole or not at all; return where in the file it begins.

        Parameters
        ----------
        kind
            Four letters.
        front
            What comes first, and has a check sum in the head.
        data
            What follows, padded already, as anything with bytes; ``size`` bytes in all.

        Raises
        ------
        SinkError
            When the disk takes no more. The file is then as it was before, and the record can be tried again.
        ClosedError
            After :meth:`close`.
        """
        with self._lock:
            at, number = self.size, self.records
            parts, whole, told = _parts(number, kind, front, data, size)
            self._write(_at_once(parts, whole))
            self.records += 1
            if self.seen is not None:
                self.seen(kind, at, whole, front, told)
        return at

    def append_all(self, records: Sequence[tuple[bytes, bytes, Sequence[Any], int]]) -> None:
        """Add several records, all or none: ``(kind, front, data, size)`` as of :meth:`append`, which raises the same.

        On a slow disk it takes hardly longer than one.
        """
        with self._lock:
            at, number = self.size, self.records
            parts: list[Any] = []
            seen = []
            for kind, front, data, size in records:
                each, whole, told = _parts(number, kind, front, data, size)
                parts += _at_once(each, whole)
                seen.append((kind, at, whole, front, told))
                at, number = at + HEAD.size + whole, number + 1
            self._write(parts)
            self.records = number
            if self.seen is not None:
                for record in seen:
                    self.seen(*record)

    def _write(self, parts: Iterable[Any]) -> None:
        fd = self._fd
        if fd is None:
            raise ClosedError(f"{self.path} is closed and takes no more.\n  Record to another path.")
        done = 0
        try:
            small: list[Any] = []
            held = 0
            for part in parts:
                n = len(part) if isinstance(part, bytes) else part.nbytes
                if n < _TOGETHER:
                    small.append(part)
                    held += n
                    if held < _TOGETHER:
                        continue
                    n = 0
                done += _write_all(fd, b"".join(small))
                small, held = [], 0
                if n:
                    done += _write_all(fd, part)
            done += _write_all(fd, b"".join(small))
        except BaseException as error:  # Ctrl-C too: half a record is cut off again
            self._cut(fd, error)
            if isinstance(error, OSError):
                raise refused("a recording", self.path, error) from error
            raise
        self.size += done
        self._dirty = True

    def _cut(self, fd: int, error: BaseException) -> None:
        try:
            os.ftruncate(fd, self.size)
        except OSError as again:  # readers then find a record that is not whole, and all before it
            error.add_note(f"  and what was half written could not be cut off: {again}")

    def sync(self) -> None:
        """Have what was written survive a crash of the machine, too.

        Raises
        ------
        SinkError
            When the disk does not do it.
        """
        with self._lock:
            fd, dirty, self._dirty = self._fd, self._dirty, False
            if fd is None or not dirty:
                return
            fd = os.dup(fd)  # so that writing, and closing, need not wait for the disk
        try:
            getattr(os, "fdatasync", os.fsync)(fd)
        except OSError as error:
            self._dirty = True
            raise SinkError(
                f"{self.path} was written and the disk does not confirm it: {error.strerror or error}.\n"
                "  See to the disk; what was recorded may be lost with the machine's power."
            ) from error
        finally:
            os.close(fd)

    def close(self) -> None:
        """Keep it all for good. Twice is fine."""
        if self._fd is None:
            return
        try:
            self.sync()
            sync_folder(self.path.parent)
        except OSError as error:
            raise refused("a recording", self.path, error, then="read it with a Session") from error
        finally:
            self._close()

    def _close(self) -> None:
        with self._lock:
            fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __del__(self) -> None:
        if self.__dict__.get("_fd") is not None:
            self._close()


def _parts(number: int, kind: bytes, front: bytes, data: Sequence[Any], size: int) -> tuple[list[Any], int, int]:
    """Return what is written of a record, how many bytes of it are behind the head, and the CRC-32 of its front."""
    gap, told = padding(len(front)), zlib.crc32(front)
    whole = len(front) + gap + size
    head = HEAD.pack(SYNC, kind, whole, len(front), told, number & 0xFFFFFFFF, 0)[:-4]
    return [head, zlib.crc32(head).to_bytes(4, "little"), front, _ZEROS[:gap], *data], whole, told


def _at_once(parts: list[Any], size: int) -> list[Any]:
    """Return a small record as one part, which is far quicker than to look at each."""
    return [b"".join(parts)] if size < _TOGETHER else parts


def _write_all(fd: int, part: Any) -> int:
    n = len(part) if isinstance(part, bytes) else part.nbytes
    at = os.write(fd, part) if 0 < n <= _AT_ONCE else 0
    if at == n:
        return n
    view = memoryview(part).cast("B")
    while at < n:
        at += os.write(fd, view[at : at + _AT_ONCE])
    return n
