"""The file that a ledger is shown as: written when it should be, never over what somebody else put there."""

from __future__ import annotations

import atexit
import os
import shutil
import threading
import weakref
from collections.abc import Callable
from datetime import datetime
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from headrace.core.notes import warn
from headrace.store.ledger import Ledger
from headrace.store.ledger_db import shielded
from headrace.store.names import dataset_path
from headrace.store.swap import held, real, remove

_SUFFIXES: Final = (".h5", ".nc", ".dmp", ".zarr")
SMALL: Final = 4 << 20  # bytes up to which the file is written after each harvest
MANY: Final = 50_000  # and points, which take half a second
_NOTE: Final = "export"


class Export:
    """A file or folder that shows what is in a ledger.

    Parameters
    ----------
    path
        Where it is.
    ledger
        What it shows.
    write
        Puts the contents of the ledger at the path, for who holds that.
    """

    def __init__(self, path: Path, ledger: Any, write: Callable[[Path], None]) -> None:
        self.path: Path = path
        self.ledger: Any = ledger
        self._write = write
        _live.add(self)
        _watch_exit()

    def _noted(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ledger.note(_NOTE, {})
        return found

    @property
    def foreign(self) -> bool:
        """Whether somebody else wrote the file: before there was a ledger, or since it was last looked at."""
        if not self.path.exists():
            return False
        return bool(stamp_of(self.path) != self._noted().get("stamp"))

    @property
    def stale(self) -> bool:
        """Whether the file does not show what is in the ledger now."""
        totals = self.ledger.totals
        if not self.path.exists():
            return bool(totals.commits > 0)
        return bool(self._noted().get("commits") != totals.commits)

    def take_in(self, add: Callable[[Path, bool], None]) -> None:
        """Have what somebody else wrote added to the ledger.

        Parameters
        ----------
        add
            Called with the path, and whether what is there may be what a killed process of ours was writing.
        """
        if self.ledger.readonly or not self.foreign:
            return

        def work() -> None:
            with held(self.path):
                if not self.foreign:  # it is ours: it was just being written
                    return
                noted = self._noted()
                stamp = stamp_of(self.path)
                add(self.path, bool(noted.get("writing")))
                theirs = noted.get("stamp") is None or noted.get("theirs", False)
                self.ledger.set_note(_NOTE, {"commits": -1, "stamp": stamp, "theirs": theirs})

        shielded(work)

    def refresh(self, fits: Callable[[], bool] | None = None) -> None:
        """Write the file, if it does not show what is in the ledger; Ctrl-C waits for it, a second one does not.

        Parameters
        ----------
        fits
            Asked, by who holds the path, whether it should be.

        Raises
        ------
        SinkError
            When the disk takes no more; the file that was there stays.
        """
        shielded(lambda: self._refresh(fits))  # a lock that is half taken is never let go of

    def _refresh(self, fits: Callable[[], bool] | None) -> None:
        if not self.stale or self.ledger.readonly:
            return
        with held(self.path):
            if not self.stale or (fits is not None and not fits()):  # another process did, or it has grown too large
                return
            noted = self._noted()
            if not self.path.exists() and noted.get("stamp") is not None:
                warn(f"{self.path} was gone; it is written again from the ledger, which has all of it.")
            if self.path.exists() and noted.get("theirs", True):
                keep_original(self.path)
            commits = self.ledger.totals.commits
            self.ledger.set_note(_NOTE, {**noted, "theirs": False, "writing": True})
            self._write(self.path)
            self.ledger.set_note(_NOTE, {"commits": commits, "stamp": stamp_of(self.path), "theirs": False})

    def show(self, fits: Callable[[], bool] | None = None) -> None:
        """Write the file after a harvest if it ``fits``. Where that cannot be done, warn: the ledger has all of it."""
        try:
            self.refresh(fits)
        except Exception as error:
            warn(f"{self.path} could not be written, and the ledger has all of it: {error}")

    def remove(self, backup: Path | None = None) -> None:
        """Remove the file, or move it."""
        with held(self.path):
            if not self.path.exists():
                return
            if backup is None:
                remove(self.path)
            else:
                os.rename(self.path, backup)


def places_of(name: str, engine: str | None) -> tuple[Path | None, Path, Path | None]:
    """Return the dataset that a ledger is shown as, the ledger, and a dataset that an unsuffixed name may have meant."""
    path = real(name)
    bare = not any(suffix in _SUFFIXES for suffix in path.suffixes)
    is_data = path.is_file() or (path.is_dir() and any((path / mark).exists() for mark in ("zarr.json", ".zgroup")))
    if bare and engine is None and not is_data:
        meant = [each for each in (path.with_name(path.name + suffix) for suffix in _SUFFIXES) if each.exists()]
        return (
            None,
            path,
            meant[0] if len(meant) == 1 and not (meant[0].parent / f"{meant[0].name}.ledger").exists() else None,
        )
    shown = path if is_data else dataset_path(name, engine)
    return shown, shown.with_name(f"{shown.name}.ledger"), None


def remove_ledger(ledger: Ledger, export: Export | None, backup: bool) -> None:
    """Remove a ledger and the file that shows it; or move both to ``<name>.BAK-YYYYmmdd-HHMMSS``."""
    ledger.close()
    where, mark = ledger.path, f".BAK-{datetime.now():%Y%m%d-%H%M%S}"
    aside = where.with_name(where.name + mark)
    if export is not None:
        shown = export.path
        aside = shown.with_name(f"{shown.name}{mark}.ledger")
        export.remove(shown.with_name(shown.name + mark) if backup else None)
    if where.exists():
        gone = where.with_name(f".headrace-gone-{where.name}")
        remove(gone)
        os.rename(where, aside if backup else gone)  # half of it is never left under its name
        remove(gone)


def stamp_of(path: Path) -> list[Any]:
    """Return what is another one when a file, or anything in a folder, has been written to."""
    if not path.is_dir():
        found = path.stat()
        return [found.st_size, found.st_mtime_ns]
    told = blake2b(digest_size=16)
    for folder, folders, names in os.walk(path):
        folders.sort()
        for name in sorted(names):
            inside = Path(folder, name)
            found = inside.stat()
            told.update(f"{inside.relative_to(path)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return [told.hexdigest()]


def keep_original(path: Path) -> Path:
    """Keep what is at ``path`` as ``<name>.orig`` as well: headrace deletes no data; return where."""
    k, kept = 1, path.with_name(f"{path.name}.orig")
    while kept.exists():
        k += 1
        kept = path.with_name(f"{path.name}.orig-{k}")
    if path.is_dir():
        half = path.with_name(f".headrace-half-{kept.name}")
        remove(half)
        shutil.copytree(path, half)
        os.rename(half, kept)
        return kept
    try:
        os.link(path, kept)  # it will be replaced, not written to
    except OSError:
        shutil.copy2(path, kept)
    return kept


@cache
def _watch_exit() -> None:
    """Have files written at exit: while threads can be started, which writers of datasets do, so before ``atexit``'s."""
    import concurrent.futures.process
    import concurrent.futures.thread  # noqa: F401  # both register too: before ours, so that they are called after it

    register = getattr(threading, "_register_atexit", atexit.register)
    register(_at_exit)


_live: weakref.WeakSet[Export] = weakref.WeakSet()
_made_in = os.getpid()


def _at_exit() -> None:
    """Write the files that were too large to be written after each harvest."""
    if os.getpid() != _made_in:
        return
    for export in list(_live):
        try:
            if export.ledger.exists and export.ledger.totals.commits and not export.foreign:
                export.refresh()
        except Exception as error:
            print(
                f"headrace: {export.path} was not written: {error}\n  The ledger has all of it."
            )  # nobody can catch it
