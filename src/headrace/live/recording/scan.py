"""Read a container: its records one by one, past whatever is damaged, and what is damaged."""

from __future__ import annotations

import os
import weakref
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from headrace.errors import DamageError, DataError
from headrace.live.recording.container import HEAD, MAGIC, SYNC, VERSION, check, padding

WINDOW: Final = 1 << 16  # bytes read at a time where little is wanted: more would be memory that is new each time
LITTLE: Final = 1 << 12
SEARCHED: Final = 1 << 20  # bytes looked through at a time for where the next record begins


class Damage(NamedTuple):
    """A part of a recording that is not what was written.

    Attributes
    ----------
    at : int
        Where it begins in the file, in bytes.
    size : int
        How many bytes cannot be read.
    what : str
        What is wrong.
    tail : bool
        Whether it is the end of the file: what a process was killed at, or has not finished yet.
    """

    at: int
    size: int
    what: str
    tail: bool = False


class Record(NamedTuple):
    """One record: its kind, where it begins, its sizes, and its front, which is sound."""

    kind: bytes
    at: int
    size: int
    front: bytes

    @property
    def data(self) -> int:
        """Where its data begins."""
        return self.at + HEAD.size + len(self.front) + padding(len(self.front))


class View:
    """A file that is read at any place, from any thread; closed with the last who holds it."""

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        self._fd = fd
        self.size: int = os.fstat(fd).st_size
        self._window = (0, b"")
        self._end = weakref.finalize(self, os.close, fd)

    def read(self, at: int, n: int) -> bytes:
        """Return ``n`` bytes from ``at`` on.

        Raises
        ------
        DamageError
            When the file has become shorter.
        """
        start, window = self._window
        if start <= at and at + n <= start + len(window):
            return window[at - start : at - start + n]
        if n <= LITTLE:
            window = self._pread(at, WINDOW)
            self._window = (at, window)
            found = window[:n]
        else:
            found = self._pread(at, n)
        if len(found) < n:
            raise DamageError(
                f"{self.path} ended at byte {at + len(found)}, wanted {at + n}: it has become shorter since it was "
                "opened.\n  Open it again to read what is left."
            )
        return found

    def close(self) -> None:
        """Let go of the file. Twice is fine."""
        self._end()
        self._window = (0, b"")

    def _pread(self, at: int, n: int) -> bytes:
        if not self._end.alive:
            raise DataError(f"{self.path} is closed.\n  Open the session again.")
        found = os.pread(self._fd, min(n, 1 << 30), at)
        if len(found) == n or not found:
            return found
        parts = [found]
        at, n = at + len(found), n - len(found)
        while n and (found := os.pread(self._fd, min(n, 1 << 30), at)):
            parts.append(found)
            at, n = at + len(found), n - len(found)
        return b"".join(parts)


def _sound(head: bytes) -> bool:
    return head[:4] == SYNC and zlib.crc32(head[:28]) == int.from_bytes(head[28:32], "little")


def is_sound(raw: memoryview, kind: bytes, size: int, front: int) -> bool:
    """Return whether bytes begin with the head and the front of such a record."""
    if not _sound(bytes(raw[: HEAD.size])):
        return False
    _, found, n, told, crc, _, _ = HEAD.unpack_from(raw)
    return (found, n, told) == (kind, size, front) and zlib.crc32(raw[HEAD.size : HEAD.size + front]) == crc


def record_at(view: View, at: int) -> Record:
    """Return the record that begins at a place.

    Raises
    ------
    DamageError
        When there is none, or its front is not what was written.
    """
    head = view.read(at, HEAD.size) if 0 <= at <= view.size - HEAD.size else b""
    if head and _sound(head):
        _, kind, n, front, crc, _, _ = HEAD.unpack(head)
        if at + HEAD.size + n <= view.size and front <= n:
            told = view.read(at + HEAD.size, front)
            if zlib.crc32(told) == crc:
                return Record(kind, at, n, told)
    raise DamageError(f"there is no sound record at byte {at}.")


def scan(view: View) -> Iterator[Record | Damage]:
    """Yield every record whose front is sound, and every damage between them, in the order of the file.

    Raises
    ------
    DataError
        When it is of a later version, or no container at all.
    """
    size, number = view.size, 0
    start = view.read(0, min(size, len(MAGIC)))
    if start[:13] == MAGIC[:13] and len(start) == len(MAGIC) and start[13] > VERSION and start[14:] == check(start[13]):
        raise DataError(
            f"{view.path} was recorded in version {start[13]} of the format, wanted {VERSION} or earlier.\n"
            "  Read it with a newer headrace."
        )
    if start != MAGIC:
        if not MAGIC.startswith(start) and _next(view, 0) is None:
            raise DataError(
                f"{view.path} is no recording: it begins with {start!r}.\n  Name a file that a Recorder made."
            )
        yield Damage(0, min(size, len(MAGIC)), "the beginning is not that of a recording", size < len(MAGIC))
    at = len(MAGIC)
    while at < size:
        head = view.read(at, HEAD.size) if size - at >= HEAD.size else b""
        if not head or not _sound(head):
            found = _next(view, at + 1)
            if found is None:
                yield Damage(at, size - at, "the file ends within a record", True)
                return
            yield Damage(at, found - at, "there is no record where one should begin")
            at = found
            continue
        _, kind, n, front, crc, mine, _ = HEAD.unpack(head)
        end = at + HEAD.size + n
        if end > size:
            yield Damage(at, size - at, "the file ends within a record", True)
            return
        if mine != number & 0xFFFFFFFF:
            missing = (mine - number) & 0xFFFFFFFF
            yield Damage(at, 0, f"before this, {missing} records are missing" if missing < 1 << 31 else "out of order")
            number = mine
        number += 1
        told = view.read(at + HEAD.size, front)
        if zlib.crc32(told) == crc:
            yield Record(kind, at, n, told)
        else:
            yield Damage(at, end - at, f"record {mine} of kind {kind.decode('latin-1')} has a wrong check sum")
        at = end


def _next(view: View, at: int) -> int | None:
    """Return where the next sound head begins."""
    while at + HEAD.size <= view.size:
        part = view.read(at, min(SEARCHED, view.size - at))
        i = part.find(SYNC)
        while i >= 0:
            if at + i + HEAD.size <= view.size and _sound(view.read(at + i, HEAD.size)):
                return at + i
            i = part.find(SYNC, i + 1)
        at += max(1, len(part) - len(SYNC) + 1)
    return None
