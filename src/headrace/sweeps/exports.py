"""The file that a ledger is shown as: written when it should be, never over what somebody else put there."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from headrace.core.alive import Alive
from headrace.core.notes import warn
from headrace.core.refused import refused
from headrace.store.shielded import shielded
from headrace.store.swap import copy, held, remove

SMALL: Final = 4 << 20  # bytes up to which the file is written after each harvest
MANY: Final = 50_000  # and points, which take half a second
_NOTE: Final = "export"
_KNOWN: Final = 8  # older files of ours that are known by their digests
OURS, OLDER, THEIRS = "ours", "older", "theirs"


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
        self._told: list[str] = []
        _live.add(self)
        _watch_exit()

    def _noted(self) -> dict[str, Any]:
        found: dict[str, Any] = self.ledger.note(_NOTE, {})
        return found

    @property
    def foreign(self) -> bool:
        """Whether somebody else wrote the file: before there was a ledger, or since it was last looked at."""
        return self._whose() != OURS

    def _whose(self) -> str:
        """Return whose what is at the path is: by its content, as any copy has another time."""
        if not self.path.exists():
            return OURS
        noted = self._noted()
        if stamp_of(self.path) == noted.get("stamp"):
            return OURS
        if noted.get("digest") is None:
            return THEIRS
        found = digest_of(self.path)
        return OURS if found == noted["digest"] else OLDER if found in noted.get("before", []) else THEIRS

    @property
    def stale(self) -> bool:
        """Whether the file does not show what is in the ledger now."""
        totals = self.ledger.totals
        if not self.path.exists():
            return bool(totals.commits > 0)
        return bool(self._noted().get("commits") != totals.commits)

    def take_in(self, add: Callable[[Path, bool], object]) -> None:
        """Have what somebody else wrote added to the ledger.

        Parameters
        ----------
        add
            Called with the path, and whether what is there may be what a killed process of ours was writing. Returns
            whether there is more in it than the ledger can hold.
        """
        if self.ledger.readonly or not self.foreign:
            return

        def work() -> None:
            with held(self.path):
                whose = self._whose()
                if whose == OURS:  # it was just being written
                    return
                noted = self._noted()
                now = {"stamp": stamp_of(self.path), "digest": digest_of(self.path)}
                if whose == OLDER:
                    self._told.append(
                        f"{self.path} is an older one of the same harvest; it is written again from the ledger."
                    )
                    self.ledger.set_note(_NOTE, {**noted, **now, "commits": -1})
                    return
                more = bool(add(self.path, bool(noted.get("writing"))))
                theirs = noted.get("stamp") is None or noted.get("theirs", False) or more
                self.ledger.set_note(_NOTE, {"commits": -1, **now, "theirs": theirs, "before": _before(noted)})

        shielded(work)
        self._tell()

    def _tell(self) -> None:
        """Warn of what was seen, in the thread of who asked, and when it is done."""
        while self._told:
            warn(self._told.pop(0))

    @property
    def fresh(self) -> bool:
        """Whether the file showed what is in the ledger now, when headrace wrote it."""
        return bool(self._noted().get("commits") == self.ledger.totals.commits)

    def refresh(self, fits: Callable[[], bool] | None = None, *, over: bool = False) -> None:
        """Write the file, if it does not show what is in the ledger; Ctrl-C waits for it, a second one does not.

        Parameters
        ----------
        fits
            Asked, by who holds the path, whether it should be.
        over
            Put it in the place of what somebody else has written, too: that is kept as ``<name>.orig``. By default that
            stays, until it is taken in.

        Raises
        ------
        SinkError
            When the disk takes no more; the file that was there stays.
        """
        try:
            shielded(lambda: self._refresh(fits, over))  # a lock that is half taken is never let go of
        except OSError as error:
            raise refused(
                "a harvest", self.path, error, kept="What was there before is as it was", then="export() it again"
            ) from error
        self._tell()

    def _refresh(self, fits: Callable[[], bool] | None, over: bool) -> None:
        if not self.stale or self.ledger.readonly:
            return
        with held(self.path):
            if not self.stale or (fits is not None and not fits()):  # another process did, or it has grown too large
                return
            noted, foreign = self._noted(), self._whose() == THEIRS
            if foreign and not over:
                return
            if not self.path.exists() and noted.get("stamp") is not None:
                self._told.append(f"{self.path} was gone; it is written again from the ledger, which has all of it.")
            if self.path.exists() and (foreign or noted.get("theirs", True)):
                keep_original(self.path)
            commits = self.ledger.totals.commits
            self.ledger.set_note(_NOTE, {**noted, "theirs": False, "writing": True})
            self._write(self.path)
            now = {"commits": commits, "stamp": stamp_of(self.path), "digest": digest_of(self.path), "theirs": False}
            self.ledger.set_note(_NOTE, {**now, "before": _before(noted)})

    def show(self, fits: Callable[[], bool] | None = None) -> None:
        """Write the file after a harvest if it ``fits``. Where that cannot be done, warn: the ledger has all of it."""
        try:
            self.refresh(fits)
        except Exception as error:
            warn(f"{self.path} could not be written, and the ledger has all of it: {error}")


def _before(noted: Mapping[str, Any]) -> list[str]:
    """Return the digests of the files that were written before the next one."""
    known = [*noted.get("before", []), noted.get("digest")]
    return [told for told in known if told is not None][-_KNOWN:]


def digest_of(path: Path) -> str:
    """Return a digest of all that is in a file, or in the files of a folder."""
    told = blake2b(digest_size=16)
    names = [path] if not path.is_dir() else sorted(each for each in path.rglob("*") if each.is_file())
    for each in names:
        if each is not path:
            told.update(f"{each.relative_to(path)} {each.stat().st_size}\n".encode())
        with open(each, "rb") as file:
            while part := file.read(1 << 20):
                told.update(part)
    return told.hexdigest()


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
    if not path.is_dir():
        with suppress(OSError):  # not every disk has links
            os.link(path, kept)  # it will be replaced, not written to
            return kept
    half = path.with_name(f".headrace-half-{kept.name}")
    remove(half)
    try:
        copy(path, half)
        os.rename(half, kept)
    except BaseException:  # half of it must never be taken for the whole
        with suppress(OSError):
            remove(half)
        raise
    return kept


@cache
def _watch_exit() -> None:
    """Have files written at exit: while threads can be started, which writers of datasets do, so before ``atexit``'s."""
    import concurrent.futures.process
    import concurrent.futures.thread  # noqa: F401  # both register too: before ours, so that they are called after it

    register = getattr(threading, "_register_atexit", atexit.register)
    register(_at_exit)


_live: Alive[Export] = Alive()
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
            print(  # nobody can catch it
                f"headrace: {export.path} was not written: {error}\n  The ledger has all of it.", file=sys.stderr
            )
