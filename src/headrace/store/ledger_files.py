"""Files named by their content, each whole on disk before a row of a ledger speaks of it."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from hashlib import blake2b
from itertools import count
from pathlib import Path
from time import time
from typing import Any, Final

from headrace.errors import DamageError
from headrace.store.files import sync_folder
from headrace.store.ledger_values import DIGEST

_OLD: Final = 3600.0  # seconds after which a file that no row speaks of is nobody's who is still at work
_HEAD: Final = 1 << 16  # bytes in which the beginning of an array's file ends
_PART: Final = 1 << 20  # bytes that are read at a time
_number = count()


class ContentFiles:
    """A folder of files that are named by the BLAKE2b digest of their content.

    Parameters
    ----------
    folder
        Made when the first file comes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Path = folder
        self._unsynced: set[Path] = set()
        self._lock = threading.Lock()

    def path(self, digest: bytes, suffix: str) -> Path:
        """Return where the content with a digest is."""
        name = digest.hex()
        return self.folder / name[:2] / f"{name}{suffix}"

    def keep(self, parts: list[Any], suffix: str) -> bytes:
        """Write the bytes of ``parts`` to a file of their own, unless it is there; return the digest.

        The name of the file is safe only after :meth:`sync`.

        Raises
        ------
        OSError
            When the disk takes no more.
        """
        told = blake2b(digest_size=DIGEST)
        size = 0
        for part in parts:
            told.update(part)
            size += len(part)
        digest = told.digest()
        path = self.path(digest, suffix)
        if not self._there(path, size, digest):
            self._write(path, parts)
        with self._lock:
            self._unsynced.add(path.parent)
        return digest

    def _there(self, path: Path, size: int, digest: bytes) -> bool:
        """Tell whether a file holds what its name says, all of it: one that a disk has damaged is written again."""
        try:
            if path.stat().st_size != size:
                return False
            told = blake2b(digest_size=DIGEST)
            with open(path, "rb") as file:
                while part := file.read(_PART):
                    told.update(part)
            if told.digest() != digest:
                return False
            os.utime(path)  # it is wanted again: too young for tidy()
        except OSError:
            return False
        return True

    def _write(self, path: Path, parts: list[Any]) -> None:
        folder = path.parent
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            with self._lock:
                self._unsynced |= {folder.parent, folder.parent.parent}
        tmp = folder / f".{path.name}.{os.getpid()}-{next(_number)}.tmp"
        try:
            with open(tmp, "wb") as file:
                for part in parts:
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            os.replace(tmp, path)
        except BaseException:
            try:
                tmp.unlink(missing_ok=True)
            except OSError:
                pass
            raise

    def sync(self) -> None:
        """Make the names of all files that were kept survive a crash of the machine."""
        with self._lock:
            folders, self._unsynced = self._unsynced, set()
        try:
            for folder in folders:
                sync_folder(folder)
        except BaseException:
            with self._lock:
                self._unsynced |= folders
            raise

    def fetch(self, digest: bytes, suffix: str) -> bytearray:
        """Return the content with a digest.

        Raises
        ------
        DamageError
            When its file is gone, or is not what was written.
        """
        path = self.path(digest, suffix)
        try:
            with open(path, "rb") as file:
                held = bytearray(os.fstat(file.fileno()).st_size)
                read = file.readinto(held)
        except FileNotFoundError:
            raise DamageError(f"{path} is gone, and a point of the ledger has its value there.") from None
        if read != len(held) or blake2b(held, digest_size=DIGEST).digest() != digest:
            raise DamageError(f"{path} is damaged: its bytes are not those that were written, {len(held)} bytes long.")
        return held

    def size(self, most: int) -> int:
        """Return how many bytes are in all files, looking at no more of them once it is above ``most``."""
        found = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(FileNotFoundError):
                    found += os.stat(Path(folder, name)).st_size
                if found > most:
                    return found
        return found

    def tidy(self, wanted: set[str], seen: set[str], old: float = _OLD) -> tuple[int, set[str]]:
        """Remove files that are not ``wanted``, were ``seen`` so before, and that nobody has touched for ``old`` seconds.

        Returns
        -------
        removed, left
            How many are gone, and the names of those that are not wanted and stay for now.
        """
        removed, left = 0, set()
        for folder, _, names in os.walk(self.folder):
            for name in set(names) - wanted:
                path = Path(folder, name)
                with suppress(FileNotFoundError):
                    if name in seen and path.stat().st_mtime < time() - old:
                        path.unlink()
                        removed += 1
                    else:
                        left.add(name)
        return removed, left


class WatchedFiles(ContentFiles):
    """The same files; ``fetched`` are the names of those that were asked for. Of arrays only the beginning is read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fetched: set[str] = set()

    def fetch(self, digest: bytes, suffix: str) -> bytearray:
        path = self.path(digest, suffix)
        self.fetched.add(path.name)
        if suffix != ".npy":  # a value in which there may be others
            return super().fetch(digest, suffix)
        try:
            with open(path, "rb") as file:
                held = bytearray(os.fstat(file.fileno()).st_size)
                file.readinto(memoryview(held)[:_HEAD])
        except FileNotFoundError:
            raise DamageError(f"{path} is gone, and a point of the ledger has its value there.") from None
        return held
