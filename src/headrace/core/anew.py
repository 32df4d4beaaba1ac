"""Files that are written anew: the old one stays until the new one is whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from headrace.errors import SinkError


@contextmanager
def written_anew(path: Path, who: str) -> Iterator[Path]:
    """Yield a name beside ``path`` to write to; it becomes ``path`` when the block ends, and is gone when it fails.

    So a full disk or Ctrl-C leaves the file that was there as it was. What is no regular file is written where it is, and
    so is a file in a folder in which none can be made.

    Parameters
    ----------
    path
        Where the file is to be; through a link, where that leads.
    who
        What messages begin with.

    Yields
    ------
    path
        What to write to.

    Raises
    ------
    SinkError
        When there can be no such file, the one there may not be written, or the disk takes no more; for any ``OSError`` of
        the block, which is its cause.

    Examples
    --------
    >>> from pathlib import Path
    >>> with written_anew(Path("notes.txt"), "notes") as path:
    ...     count = path.write_text("whole")
    >>> Path("notes.txt").read_text(), path.exists()
    ('whole', False)
    """
    kept = "What was there before is as it was"
    try:
        with _beside(path) as part:
            if part == path.resolve():
                kept = "What was there before may be gone"
            yield part
    except OSError as error:
        raise SinkError(
            f"{who} could not write {str(path.absolute())!r}: {error.strerror or error}, wanted a folder and a disk that take it.\n"
            f"  {kept}. Make room, or see to the disk, and write it again."
        ) from error


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    target = path.resolve()
    there = target.exists()
    if there and not target.is_file():  # a pipe, /dev/null: nothing in them is kept
        yield target
        return
    if there:
        os.close(os.open(target, os.O_WRONLY))  # a file that may not be written is not to be replaced either
    part = target.with_name(f".{target.name[:100]}.{token_hex(4)}.part")
    try:
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    except OSError:
        if not there:
            raise
        yield target
        return
    try:
        if there:
            with suppress(OSError):  # of another owner
                part.chmod(target.stat().st_mode & 0o7777)
        yield part
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
