"""What the system says of a file that cannot be opened, told as an error of ours; and whether a file is still the same."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from headrace.errors import DamageError, DataError

END = 4096  # bytes at both ends of a file that tell it from another
WHOLE = 1 << 16  # bytes of a file up to which all of it does
PARTS, PART = 15, 512  # of a larger one: so many pieces between its ends, of so many bytes


class Stamp(NamedTuple):
    """What a file is known by, without reading it all.

    Attributes
    ----------
    size
        Its bytes, or those in front that are known.
    mtime, inode
        When it was last written to, and the number that the system has for it.
    sample
        A checksum of some of what is in it.
    """

    size: int
    mtime: int
    sample: int
    inode: int = 0

    def same(self, other: Stamp | None) -> bool:
        """Tell whether this is the file that ``other`` is of, or one with the same in it, as far as a sample tells."""
        return other is not None and (self.size, self.sample) == (other.size, other.sample)

    def may_grow_into(self, now: Stamp) -> bool:
        """Tell whether a file may be this one, or this one with more behind, before samples of it are compared."""
        return now.size == self.size or (now.size > self.size and now.inode == self.inode)


def stamp_of(path: Any, known: Stamp | None = None) -> Stamp | None:
    """Return what a file is known by, None where there is none; ``known`` itself, when it was not written to since.

    ``path`` may be the descriptor of an open file, too, whose place stays as it is.
    """
    if not isinstance(path, Path | int):
        return None
    try:
        found = os.stat(path)
        if known is not None and (known.size, known.mtime) == (found.st_size, found.st_mtime_ns):
            return known
        file = path if isinstance(path, int) else os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        try:
            return Stamp(found.st_size, found.st_mtime_ns, sample_of(file, found.st_size), found.st_ino)
        finally:
            if file != path:
                os.close(file)
    except OSError:  # opening it says why
        return None


def stat_of(path: Path) -> tuple[int, int] | None:
    """Return how long a file is and when it was last written to, None where there is none."""
    try:
        found = os.stat(path)
    except OSError:  # opening it says why
        return None
    return found.st_size, found.st_mtime_ns


def sample_of(file: int, end: int, begin: int = 0) -> int:
    """Return a checksum of an open file up to byte ``end``, which stays when it grows.

    It is of both ends, and of some of what is between, where it may differ by what was dark before: bytes that were
    written over elsewhere, and no others, are not seen. An archive has the checksums of all that is in it at its end.
    """
    size = end - begin
    if size <= WHOLE:
        return crc32(_part(file, size, begin))
    sample = crc32(_part(file, END, end - END), crc32(_part(file, END, begin)))
    for k in range(1, PARTS + 1):
        sample = crc32(_part(file, PART, begin + k * size // (PARTS + 1)), sample)
    return sample


def _part(file: int, n: int, at: int) -> bytes:
    """Return bytes of an open file, whose place stays as it is."""
    if hasattr(os, "pread"):
        return os.pread(file, n, at)
    place = os.lseek(file, 0, os.SEEK_CUR)  # Windows has no other way
    os.lseek(file, at, os.SEEK_SET)
    try:
        return os.read(file, n)
    finally:
        os.lseek(file, place, os.SEEK_SET)


class Watched:
    """A file that frames are read from, and nobody is to write to meanwhile.

    Parameters
    ----------
    who, path, told
        For the message: who reads it, the file, and what it had.
    file
        Its descriptor while it is open, so that one that is renamed over is read to its end; its path where that is not
        told.
    stamp
        What it was known by when it was first opened.
    """

    def __init__(self, who: str, path: Any, file: int | Path, stamp: Stamp, told: str) -> None:
        self._who, self._path, self._file, self._stamp, self._told = who, path, file, stamp, told
        self._place = os.fspath(file) if isinstance(file, Path) else file  # quicker: asked for with each block

    def check(self) -> None:
        """Raise DamageError when it was written to."""
        known = self._stamp
        with suppress(OSError):
            found = os.stat(self._place)
            if found.st_mtime_ns == known.mtime and found.st_size == known.size:
                return
        now = stamp_of(self._file)
        if now is None or not known.same(now):
            raise changed(self._who, self._path, self._told)
        self._stamp = now  # touched


def changed(who: str, path: Any, told: str) -> DamageError:
    """Return the error of a file that was written anew under its reader, or is gone."""
    if not os.path.exists(path):
        return _gone(who, path)
    return DamageError(
        f"{who} got {str(path)!r}, which was written to since it was first opened, wanted the same file: {told}.\n"
        "  Make another reader for what is there now, and write new frames to another name."
    )


@contextmanager
def opening(who: str, path: Any = None) -> Iterator[None]:
    """Raise DataError, with what can be done, in place of the system's error of a file that cannot be opened.

    Examples
    --------
    >>> with opening("NumpyReader"):
    ...     open("gone.npy", "rb")
    Traceback (most recent call last):
        ...
    headrace.errors.DamageError: NumpyReader got 'gone.npy', which is not there any more, wanted a file that can be read.
      It was moved or removed since it was named, or a folder above it was.
    """
    try:
        yield
    except OSError as error:
        made = _told(who, path if error.filename is None else error.filename, error)
        if made is None:
            raise
        raise made from error


def _gone(who: str, path: Any) -> DamageError:
    return DamageError(
        f"{who} got {str(path)!r}, which is not there any more, wanted a file that can be read.\n"
        "  It was moved or removed since it was named, or a folder above it was."
    )


def _told(who: str, path: Any, error: OSError) -> DataError | None:
    got = f"{who} got {str(path)!r}, which"
    wanted = "wanted a file that can be read"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return _gone(who, path)
    if error.errno in (errno.EACCES, errno.EPERM):
        return DataError(
            f"{got} may not be read ({os.strerror(error.errno)}), {wanted}.\n  Ask its owner, or give yourself the right: chmod u+r."
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return DataError(
            f"{got} is one file more than may be open at a time, {wanted}.\n"
            "  Allow more with ulimit -n, close() the streams that are not needed, or draw from fewer at a time: "
            "hr.StochasticMux(streams, n_active=50) opens only those it draws from."
        )
    return None
