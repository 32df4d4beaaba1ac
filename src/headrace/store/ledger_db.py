"""The database of a ledger: opened, read and written so that a kill at any moment leaves what was committed, and no more."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final, TypeVar
from urllib.parse import quote
from uuid import uuid4

from headrace.errors import DamageError, DataError, SinkError
from headrace.store.files import make_folder, sync_folder, write_file
from headrace.store.ledger_forks import hold_at_fork
from headrace.store.ledger_lock import HostClaim, Turnstile, is_far

R = TypeVar("R")
DB: Final = "ledger.db"
MARK: Final = "ledger.json"
LOCK: Final = "ledger.lock"
FOLDERS: Final = ("arrays", "writers")
VERSION: Final = 1
_HEAD: Final = 512  # bytes; SQLite takes less for nothing, and begins anew over it
_OURS: Final = 0x68726C67  # "hrlg", so that nobody takes another's database for a ledger
_SAFE_WAL: Final = (3, 51, 3)  # older ones have a rare race that corrupts under several connections
_SCHEMA: Final = """
CREATE TABLE totals(
    id INTEGER PRIMARY KEY CHECK (id = 1), rows INTEGER NOT NULL, failed INTEGER NOT NULL, sums INTEGER NOT NULL,
    commits INTEGER NOT NULL, next INTEGER NOT NULL, reserved INTEGER NOT NULL, bytes INTEGER NOT NULL, crc INTEGER NOT NULL);
CREATE TABLE things(id INTEGER PRIMARY KEY, told BLOB NOT NULL UNIQUE, crc INTEGER NOT NULL);
CREATE TABLE notes(name TEXT PRIMARY KEY, told BLOB NOT NULL, crc INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE points(
    row INTEGER PRIMARY KEY, key BLOB NOT NULL, state INTEGER NOT NULL, layout INTEGER NOT NULL, session INTEGER NOT NULL,
    seconds REAL, at REAL, crc INTEGER NOT NULL, coords BLOB NOT NULL, sum INTEGER NOT NULL, value BLOB NOT NULL);
CREATE UNIQUE INDEX points_by_key ON points(key);
"""


class Database:
    """A folder with ``ledger.db``: connections, transactions, and what is said when they fail.

    Parameters
    ----------
    path
        The folder.
    readonly
        Open what is there, and change nothing, not even a file.
    begin
        Fills a new database, within the transaction that makes it.
    """

    def __init__(self, path: Path, begin: Callable[[sqlite3.Connection], None], *, readonly: bool = False) -> None:
        self.path: Path = path
        self.file: Path = path / DB
        self.readonly: bool = readonly
        self._begin_with = begin
        self._connection: sqlite3.Connection | None = None
        self._pid = os.getpid()
        self.identity: tuple[int, int] = (0, 0)
        self._copy: Any = None
        self._when_undone: list[Callable[[], None]] = []
        self._claim: HostClaim | None = None
        self.thread: Any = threading.RLock()
        self._deep = 0
        self.turnstile: Turnstile = Turnstile(path / LOCK, f"the ledger {path}")
        hold_at_fork(self)

    # --- opening --------------------------------------------------------------------------------

    def connection(self) -> sqlite3.Connection:
        """Return the connection of this process, to the file that is there now."""
        if self._connection is not None:
            if self._copy is not None or self._now() == self.identity:
                return self._connection
            self._connection.close()  # the ledger was deleted, and perhaps made anew
            self._connection = None
        with self.translated():
            self._connection = self._opened_to_read() if self.readonly else self._opened_to_write()
        return self._connection

    def _see_fork(self) -> None:
        """Forget, in a forked child, what is the parent's."""
        if self._pid == os.getpid():
            return
        if self._connection is not None:
            _left.append(self._connection)  # closing it could undo what the parent is doing
        self._connection = self._claim = None
        self._deep = 0
        self.thread = threading.RLock()  # which a thread of the parent may have held
        self._pid = os.getpid()

    def _now(self) -> tuple[int, int]:
        try:
            found = os.stat(self.file)
        except FileNotFoundError:
            return (-1, -1)
        return (found.st_dev, found.st_ino)

    def _opened_to_write(self) -> sqlite3.Connection:
        try:
            self._refuse_others()
            make_folder(self.path)
            if is_far(self.path) and self._claim is None:
                self._claim = HostClaim(self.path)
        except OSError as error:
            raise SinkError(f"the ledger {self.path} cannot be written: {error.strerror or error}.") from error
        with self.turnstile.turn():
            self._refuse_emptied()
            made = _connect(self.file, "rwc")
            try:
                self.identity = self._now()
                self._prepare(made)
            except BaseException:
                made.close()
                raise
        return made

    def _refuse_others(self) -> None:
        """Raise for a folder that holds something else: a ledger among it would be hard to tell from it."""
        try:
            there = os.listdir(self.path)
        except FileNotFoundError:
            return
        except NotADirectoryError:
            raise SinkError(
                f"the ledger {self.path} would be a folder, and a file has this name, wanted a name that is free.\n"
                "  Choose another one; a dataset is named by its suffix: 'foo.h5', 'foo.nc' or 'foo.zarr'."
            ) from None
        if there and not {DB, MARK, LOCK, *FOLDERS} & set(there):
            raise SinkError(
                f"the ledger {self.path} would be in a folder that holds {min(there)!r}, wanted one of its own.\n"
                "  Choose a name that is free, or that of a ledger."
            )

    def _refuse_emptied(self) -> None:
        """Raise when a database is gone that was there: SQLite would begin a new one."""
        marked = (self.path / MARK).exists()
        size = self.file.stat().st_size if self.file.exists() else 0
        if marked and size < _HEAD and not _size(f"{self.file}-wal"):
            state = ("is cut off" if size else "is empty") if self.file.exists() else "is gone"
            raise DamageError(
                f"{self.file} {state}, though a ledger was begun here.\n"
                f"  Bring it back from a backup, or remove the folder {self.path} to begin anew."
            )

    def _prepare(self, connection: sqlite3.Connection) -> None:
        wal = sqlite3.sqlite_version_info >= _SAFE_WAL and self._claim is None
        self._patiently(lambda: connection.execute(f"PRAGMA journal_mode={'WAL' if wal else 'TRUNCATE'}").fetchone())
        connection.execute("PRAGMA synchronous=FULL")
        _limit(connection)
        if not connection.execute("PRAGMA schema_version").fetchone()[0]:
            if (self.path / MARK).exists():
                raise damaged(self.file, "it holds nothing, though a ledger was begun here")
            self._fill(connection, self._begin_with)
        self._check_version(connection)
        if not (self.path / MARK).exists():
            told = {"headrace": "ledger", "version": VERSION, "id": uuid4().hex}
            write_file(self.path / MARK, (json.dumps(told) + "\n").encode())

    def _fill(self, connection: sqlite3.Connection, begin: Callable[[sqlite3.Connection], None]) -> None:
        """Make an empty database one of ours, in one transaction."""
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in filter(str.strip, _SCHEMA.split(";")):
                connection.execute(statement)
            begin(connection)
            connection.execute(f"PRAGMA application_id={_OURS}")
            connection.execute(f"PRAGMA user_version={VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            self._undo(connection)
            raise

    def _check_version(self, connection: sqlite3.Connection) -> None:
        ours = connection.execute("PRAGMA application_id").fetchone()[0]
        if ours != _OURS:
            if (self.path / MARK).exists():
                raise DamageError(f"{self.file} is damaged: its head is not that of a ledger.")
            raise SinkError(
                f"{self.file} is a database of something else.\n  Choose another name; headrace deletes no data."
            )
        self._patiently(lambda: self._check_size(connection))
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise SinkError(
                f"{self.file} has version {version}, this headrace knows version {VERSION}.\n"
                "  Open it with the headrace that made it, or a newer one; nothing was changed."
            )

    def _check_size(self, connection: sqlite3.Connection) -> None:
        """Raise when the file ends before its last page does: SQLite would take what is missing for zeros."""
        connection.execute("BEGIN")
        try:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
            wanted = pages * connection.execute("PRAGMA page_size").fetchone()[0]
            there = _size(connection.execute("PRAGMA database_list").fetchone()[2])
        finally:
            connection.execute("ROLLBACK")
        if there < wanted and not _size(f"{self.file}-wal"):
            raise damaged(self.file, f"it is cut off, {there} bytes long and not {wanted}")

    def _opened_to_read(self) -> sqlite3.Connection:
        if not self.file.exists() and not (self.path / MARK).exists():
            raise SinkError(f"there is no ledger at {self.path}.")
        self._refuse_emptied()
        made = self._to_read()
        try:
            _limit(made)
            self._check_version(made)
        except BaseException:
            made.close()
            raise
        return made

    def _to_read(self) -> sqlite3.Connection:
        """Return a connection that changes nothing: beside writers, after a kill, and where nothing can be written."""
        self.identity = self._now()
        quiet = not _size(f"{self.file}-journal") and not _size(f"{self.file}-wal")
        for mode in ("ro", "ro&immutable=1") if quiet else ("ro",):
            with suppress(sqlite3.OperationalError):
                made = _connect(self.file, mode)
                try:
                    self._patiently(partial(_first, made))
                    return made
                except BaseException as error:
                    made.close()
                    if _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or not _code(error):
                        raise
        # What a killed writer began has to be undone, which needs a place to do so: a copy.
        copy = Path(tempfile.mkdtemp(prefix="headrace-ledger-"))
        self._copy = weakref.finalize(
            self, shutil.rmtree, copy, ignore_errors=True
        )  # a ledger may be dropped, not closed
        for name in (DB, f"{DB}-journal", f"{DB}-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(self.path / name, copy / name)
        return _connect(copy / DB, "rw")

    # --- transactions ---------------------------------------------------------------------------

    def when_undone(self, forget: Callable[[], None]) -> None:
        """Have ``forget`` called whenever what was written in a transaction is not there after all."""
        self._when_undone.append(forget)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold one state of the database. Writers wait for the end of it: be quick."""
        self._see_fork()
        with self.thread, self.translated():
            connection = self.connection()
            if self._deep:
                yield connection
                return
            self._undo(connection)
            self._patiently(lambda: self._begin_reading(connection))
            self._deep += 1
            try:
                yield connection
            finally:
                self._deep -= 1
                self._undo(connection)

    def _begin_reading(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN")
        try:
            connection.execute("SELECT count(*) FROM totals").fetchone()  # only now it holds a state
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the right to write: all of it is there when this ends, or nothing after an error."""
        if self.readonly:
            raise self._refused()
        self._see_fork()
        with self.thread, self.translated():
            self.connection()
            with self.turnstile.turn():
                connection = self.connection()  # while we waited it may have been deleted
                self._undo(connection)
                self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
                self._deep += 1
                try:
                    yield connection
                    self._patiently(lambda: commit(connection))
                except BaseException:
                    for forget in self._when_undone:
                        forget()
                    raise
                finally:
                    self._deep -= 1
                    self._undo(connection)  # after an error, and of what Ctrl-C has cut short

    def remade(self, fill: Callable[[sqlite3.Connection, sqlite3.Connection], None]) -> Path:
        """Put another database in the place of this one, in one step; return where the one that was there is kept.

        Parameters
        ----------
        fill
            Called with this one, to which nobody writes meanwhile, and the new one, which has the tables.
        """
        if self.readonly:
            raise self._refused()
        self._see_fork()
        new = self.path / f".{DB}.{uuid4().hex[:8]}.tmp"
        with self.thread, self.translated(), self.turnstile.turn():
            old = self.connection()
            self._undo(old)
            self._patiently(lambda: old.execute("BEGIN IMMEDIATE"))
            self._deep += 1
            made = _connect(new, "rwc")
            try:
                made.execute("PRAGMA synchronous=FULL")
                self._fill(made, lambda connection: fill(old, connection))
                made.close()
                self._undo(old)
                with suppress(sqlite3.Error):
                    old.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what is in a log belongs to what is kept
                kept = free_name(self.file, "damaged")
                copy_or_link(self.file, kept)
                self._connection = None
                old.close()
                os.replace(new, self.file)
                sync_folder(self.path)
            finally:
                self._deep -= 1
                made.close()
                for left in (new, Path(f"{new}-journal")):
                    left.unlink(missing_ok=True)
                if self._connection is not None:
                    self._undo(self._connection)
        return kept

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep all writers away, this one's connection closed, for who moves the files."""
        self.close()
        with self.thread:
            with self.turnstile.turn():
                yield
            self.close()

    def _refused(self) -> SinkError:
        return SinkError(
            f"the ledger {self.path} was opened to be read, wanted one that can be written.\n"
            "  Where that is because the folder may not be written to, change its permissions, or copy it."
        )

    def _undo(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")

    def _patiently(self, work: Callable[[], R]) -> R:
        """Do something that has to wait for who reads, or writes, at the moment."""
        until = monotonic() + self.turnstile.patience
        while True:
            try:
                return work()
            except sqlite3.OperationalError as error:
                if _code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or monotonic() > until:
                    raise
            sleep(0.001)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Tell in headrace's words what SQLite says of a file."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._told(error) from error
        except UnicodeDecodeError as error:  # in the names of tables, or in what SQLite says of them
            raise damaged(self.file, str(error)) from error

    def _told(self, error: sqlite3.Error) -> Exception:
        code, name = _code(error), getattr(error, "sqlite_errorname", type(error).__name__)
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            return SinkError(
                f"could not write {self.file}: {error} ({name}).\n"
                "  What was saved before is safe. Make room, or see to the disk, and go on."
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
            return SinkError(
                f"the ledger {self.path} cannot be {'read' if self.readonly else 'written'}: {error} ({name})."
            )
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return SinkError(
                f"the ledger {self.path} is held by another program, for more than {self.turnstile.patience:.0f} s: {error}."
            )
        if code == sqlite3.SQLITE_TOOBIG:
            return DataError(f"the ledger {self.path} got a value that is too large for one row: {error}.")
        return damaged(self.file, f"{error} ({name})")

    def close(self) -> None:
        """Let go of all files. Twice is fine."""
        self._see_fork()
        with self.thread:
            if self._connection is not None:
                with suppress(sqlite3.Error):
                    self._connection.close()
            self._connection = None
            self.turnstile.release()
            if self._claim is not None:
                self._claim.release()
                self._claim = None
            if self._copy is not None:
                self._copy()
                self._copy = None


def damaged(file: Path, what: str) -> DamageError:
    """Return what is said of a database that is not what was written."""
    return DamageError(
        f"{file} is damaged: {what}.\n"
        "  What was read from it before this is sound. harvester.salvage() keeps what is whole, and names the rest; or bring"
        " it back from a backup, or from an export."
    )


def unwritable(path: Path, error: OSError) -> SinkError:
    """Return what is said of a ledger when the disk takes no more."""
    return SinkError(
        f"could not write to the ledger {path}: {error.strerror or error}.\n"
        "  What was saved before is safe. Make room, or see to the disk, and go on."
    )


def free_name(path: Path, what: str) -> Path:
    """Return a name beside ``path`` that says what is kept there, and since when; nothing has it.

    Examples
    --------
    >>> free_name(Path("nowhere/ledger.db"), "damaged").name[:18]
    'ledger.db.damaged-'
    """
    first = path.with_name(f"{path.name}.{what}-{datetime.now():%Y%m%d-%H%M%S}")
    found, k = first, 0
    while os.path.lexists(found):
        k += 1
        found = first.with_name(f"{first.name}-{k}")
    return found


def copy_or_link(path: Path, to: Path) -> None:
    """Give a file that will be replaced, not written to, another name: a copy where it cannot have two."""
    try:
        os.link(path, to)
    except OSError:
        shutil.copy2(path, to)


_left: list[sqlite3.Connection] = []  # connections of a parent


def commit(connection: sqlite3.Connection) -> None:
    """Make what was written final."""
    connection.execute("COMMIT")


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    where = f"file:{quote(str(file.absolute()))}?mode={mode}"
    return sqlite3.connect(where, uri=True, isolation_level=None, timeout=0.05, check_same_thread=False)


def _first(connection: sqlite3.Connection) -> None:
    connection.execute("SELECT count(*) FROM totals").fetchone()


def _limit(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA cache_size=-4000")  # KiB
    connection.execute("PRAGMA temp_store=MEMORY")
    connection.execute("PRAGMA cell_size_check=ON")
    connection.execute("PRAGMA trusted_schema=OFF")


def _code(error: BaseException) -> int:
    found: int = getattr(error, "sqlite_errorcode", 0)
    return found & 0xFF


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0
