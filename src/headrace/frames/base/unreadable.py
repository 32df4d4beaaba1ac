"""What the system says of a file that cannot be opened, told as an error of ours; and whether a file is still the same."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from headrace.errors import DamageError, DataError

END = 4096  # bytes at both ends of a file that tell it from another


class Stamp(NamedTuple):
    """What a file is known by, without reading it all."""

    size: int
    mtime: int
    ends: int

    def same(self, other: Stamp | None) -> bool:
        """Tell whether this is the file that ``other`` is of, or one with the same in it, as far as the ends tell."""
        return other is not None and (self.size, self.ends) == (other.size, other.ends)


def stamp_of(path: Any, known: Stamp | None = None) -> Stamp | None:
    """Return what a file is known by, None where there is none; ``known`` itself, when it was not written to since."""
    if not isinstance(path, Path):
        return None
    try:
        found = os.stat(path)
        if known is not None and (known.size, known.mtime) == (found.st_size, found.st_mtime_ns):
            return known
        with open(path, "rb", buffering=0) as file:
            ends = crc32(file.read(END))
            file.seek(max(0, found.st_size - END))
            ends = crc32(file.read(END), ends)
    except OSError:  # opening it says why
        return None
    return Stamp(found.st_size, found.st_mtime_ns, ends)


def changed(who: str, path: Any, told: str) -> DamageError:
    """Return the error of a file that was written anew under its reader."""
    return DamageError(
        f"{who} got {Path(path).name!r}, which was written to since it was first opened, wanted the same file: {told}.\n"
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


def _told(who: str, path: Any, error: OSError) -> DataError | None:
    got = f"{who} got {os.path.basename(str(path))!r}, which"
    wanted = "wanted a file that can be read"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return DamageError(
            f"{got} is not there any more, {wanted}.\n"
            "  It was moved or removed since it was named, or a folder above it was."
        )
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
