"""A file or a folder put in the place of an older one: whole or not at all, by one writer at a time.

A folder cannot be replaced in one step. The new one is written beside the old one, the old one is moved aside, the new
one moved in, the old one deleted; whoever opens the folder after a kill in the middle of that finds it healed.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Final

from headrace.errors import SinkError
from headrace.store.files import LOCK, FolderLock, make_folder, sync_folder

WAIT: Final = 300.0  # seconds for another writer, which may have a large dataset to write
_POLL: Final = 0.01


def real(path: str | os.PathLike[str]) -> Path:
    """Return a path without links and without ``~``: a rename would replace the link, not what it leads to."""
    return Path(os.path.realpath(os.path.expanduser(path)))


@contextmanager
def held(path: Path, wait: float = WAIT) -> Iterator[None]:
    """Keep other writers, of this process and of others, from ``path``; a folder left half replaced is healed.

    Parameters
    ----------
    wait
        Seconds to wait for another writer.

    Raises
    ------
    SinkError
        When another has it for so long, or the folder cannot be written to.
    """
    until = monotonic() + wait
    while True:
        try:
            lock = FolderLock(path.parent, f"{LOCK}-{path.name}", str(path))
            break
        except SinkError as error:
            if error.__cause__ is not None or monotonic() > until:
                raise
        sleep(_POLL)
    try:
        heal(path)
        yield
    finally:
        lock.release()


def beside(path: Path, what: str) -> Path:
    """Return a name beside ``path``: ``"old"`` has been moved aside, ``"gone"`` is being deleted."""
    return path.with_name(f".headrace-{what}-{path.name}")


def _fresh(path: Path) -> Path:
    """Return the name under which the next file or folder is written: of its own, as threads of a save that was
    interrupted may go on writing to the one before for a while.
    """
    return beside(path, f"tmp-{os.urandom(4).hex()}")  # it ends as `path` does: some writers go by that


def unfinished(path: Path) -> list[Path]:
    """Return what writers of ``path`` have begun beside it, and what others have left."""
    return list(path.parent.glob(f".headrace-tmp-????????-{glob.escape(path.name)}"))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file, and put it at ``path`` when it is whole; before that, ``path`` is as it was.

    The caller holds ``path``. What ``write`` raises is passed on, after what it left has been removed.

    Raises
    ------
    SinkError
        When the disk takes no more, with the ``OSError`` as its cause.
    """
    tmp = _fresh(path)
    with _told(path):
        make_folder(path.parent)
        try:
            write(tmp)
            if path.exists():
                shutil.copymode(path, tmp)
            sync_file(tmp)
            os.replace(tmp, path)
        except BaseException:  # a Ctrl-C too
            _forget(tmp)
            raise
        sync_folder(path.parent)


def replace_folder(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a folder, and put it at ``path`` when it is whole; see :func:`replace_file`."""
    tmp, old = _fresh(path), beside(path, "old")
    with _told(path):
        make_folder(path.parent)
        try:
            write(tmp)
            _sync_tree(tmp)
            if path.exists():
                os.rename(path, old)
            os.rename(tmp, path)
        except BaseException:
            heal(path)
            raise
        sync_folder(path.parent)
        _discard(path)


def heal(path: Path) -> None:
    """Finish or undo what a killed writer of ``path`` had begun; the caller holds it, or nobody else is there."""
    old = beside(path, "old")
    if old.exists():
        if path.exists():
            _discard(path)
        else:
            os.rename(old, path)
            sync_folder(path.parent)
    for left in (*unfinished(path), beside(path, "gone")):
        _forget(left)


def _discard(path: Path) -> None:
    """Delete what was moved aside: under another name, as half of it must never be taken for the whole."""
    old, gone = beside(path, "old"), beside(path, "gone")
    if old.exists():
        remove(gone)
        os.rename(old, gone)
        _forget(gone)


def readable(path: Path) -> Path:
    """Return where what belongs at ``path`` can be read: there, unless a writer was killed while replacing it.

    It is healed where that can be; in a folder that cannot be written to, what was moved aside is read.
    """
    if not path.exists() and beside(path, "old").exists():
        try:
            with held(path):
                return path
        except SinkError:
            return beside(path, "old")
    return path


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _forget(path: Path) -> None:
    """Remove what nobody needs, as far as that goes: the next who holds the dataset tries again."""
    try:
        remove(path)
    except OSError:  # a thread of a writer that was interrupted is still busy there
        pass


def copy(path: Path, to: Path) -> None:
    """Copy a file or a folder."""
    if path.is_dir():
        shutil.copytree(path, to)
    else:
        shutil.copy2(path, to)


def sync_file(path: Path) -> None:
    """Make what is in a file survive a crash of the machine."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_tree(folder: Path) -> None:
    for where, _, names in os.walk(folder):
        for name in names:
            sync_file(Path(where, name))
        sync_folder(Path(where))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SinkError(
            f"could not write {path}: {error.strerror or error}.\n"
            "  What was saved before is as it was. Make room, or see to the disk, and save again."
        ) from error


def identity(path: Path) -> tuple[int, int, int, int] | None:
    """Return what differs when another file or folder is at ``path``, or it was written to; None for none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_ctime_ns
