"""The point ledger: a row for each result, kept so that what was acknowledged is never lost.

A ledger is a folder with an SQLite database, and files for large arrays. A row has a key (16 bytes that the caller
chooses), coordinates, a value, and where and when it came from. Everything in it is typed bytes with a checksum; and a
running sum over all rows tells when one is gone. Several processes of one host may write to it at once.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from time import time
from typing import Any
from zlib import crc32

from headrace.errors import DamageError
from headrace.store.ledger_db import damaged, unwritable
from headrace.store.ledger_files import WatchedFiles
from headrace.store.ledger_lock import when_dropped
from headrace.store.ledger_reading import Reading
from headrace.store.ledger_removal import removed
from headrace.store.ledger_rows import (
    COLUMNS,
    DONE,
    FAILED,
    INSERT,
    Packed,
    Point,
    Totals,
    added_to,
    cut,
    light,
    row_of,
    some_of,
    store_totals,
    whole,
)
from headrace.store.ledger_salvage import Damage, copied, damages, recounted
from headrace.store.ledger_values import Names
from headrace.store.shielded import shielded

__all__ = ["DONE", "FAILED", "Ledger", "Merge", "Packed", "Point", "Totals"]


_UNWANTED = "unwanted files"  # a note: their names
Merge = Callable[[Point, Point], Point | None]


class Ledger(Reading):
    """Points on disk, or about to be.

    Parameters
    ----------
    path
        A folder; it is made when something is first written.
    readonly
        Only read what is there; works where nothing can be written.
    allow_pickle
        Whether values that only a pickle can carry are kept, and loaded.

    Raises
    ------
    SinkError, DamageError
        When it is used and cannot be opened: not a ledger, another version, a second host; when it is damaged.

    Examples
    --------
    >>> ledger = Ledger("points")
    >>> ledger.put([Point(b"a", (1, 2), (0.5,)), Point(b"b", (1, 3), (None,))])
    2
    >>> [(point.key, point.coords, point.value) for point in ledger.rows()]
    [(b'a', (1, 2), (0.5,)), (b'b', (1, 3), (None,))]
    >>> ledger.known([b"a", b"c"])
    {b'a'}
    >>> ledger.close()
    """

    # --- writing --------------------------------------------------------------------------------

    def put(
        self,
        points: Iterable[Point | Packed],
        *,
        layout: Any = None,
        session: Any = None,
        merge: Merge | None = None,
        guard: Callable[[], object] | None = None,
        only: bool = False,
    ) -> int:
        """Keep points: all of them are on disk when this returns, or none.

        Parameters
        ----------
        points
            Their ``layout``, ``session``, ``row`` and, where it is NaN, ``at`` are filled in.
        layout, session
            Plain values that many points share; each is stored once.
        merge
            Called with the old and the new point where a key is there already and the point is not the same: returns
            what to keep, None for the old one. By default the new one replaces it. What it raises, ``put`` raises.
        guard
            Called when nobody else can write, before anything is written. What it raises, ``put`` raises.
        only
            Remove all other points, in the same step.

        Returns
        -------
        n : int
            How many rows were written.

        Raises
        ------
        SinkError
            When the disk takes no more. What was kept before stays.
        DataError
            When a value needs a pickle and none is allowed.
        """
        packed = [point if isinstance(point, Packed) else self.pack(point) for point in points]
        try:
            told = self._packing.pack(layout), self._packing.pack(session)
        except OSError as error:
            raise unwritable(self.path, error) from error
        if not packed and not only:
            return 0
        return shielded(lambda: self._put(packed, told, merge, guard, only))

    def pack(self, point: Point) -> Packed:
        """Return a point as bytes; large arrays go to their files.

        Raises
        ------
        SinkError, DataError
            As for :meth:`put`.
        """
        pack = self._packing.pack
        at = time() if math.isnan(point.at) else point.at
        try:
            return Packed(point.key, point.state, point.seconds, at, pack(point.coords), pack(point.value))
        except OSError as error:
            raise unwritable(self.path, error) from error

    def unpack(self, packed: Packed) -> Point:
        """Return the point that was packed."""
        unpack = self._packing.unpack
        return Point(packed.key, unpack(packed.coords), unpack(packed.value), packed.state, packed.seconds, packed.at)

    def _put(
        self, packed: Sequence[Packed], told: tuple[bytes, bytes], merge: Merge | None,
        guard: Callable[[], object] | None, only: bool,
    ) -> int:  # fmt: skip
        try:
            with self._db.writing() as connection:
                if guard is not None:
                    guard()
                self._files.sync()  # before any row speaks of them
                totals = self._totals(connection)
                if only:
                    stay = {point.key for point in packed}
                    parts = self._parts(connection, None, totals.next)
                    totals = self._removed(
                        connection, totals, (row for some in parts for row in some if row[1] not in stay)
                    )
                if not packed:
                    return 0
                made, written = self._insert(
                    connection,
                    packed,
                    self._things.id(connection, told[0]),
                    self._things.id(connection, told[1]),
                    totals,
                    merge,
                )
                if made.commits != totals.commits:
                    store_totals(connection, made)
        except OSError as error:
            raise unwritable(self.path, error) from error
        return written

    def _insert(
        self, connection: sqlite3.Connection, packed: Sequence[Packed], layout: int, session: int, totals: Totals,
        merge: Merge | None,
    ) -> tuple[Totals, int]:  # fmt: skip
        """Write rows; return the totals, and how many were written."""
        rows = [
            row_of(number, key, state, layout, session, seconds, at, coords, value)
            for number, (key, state, seconds, at, coords, value) in enumerate(packed, totals.next)
        ]
        before = connection.total_changes
        connection.executemany(f"INSERT OR IGNORE{INSERT[6:]}", rows)
        if connection.total_changes - before == len(rows):
            return added_to(totals, rows, []), len(rows)
        there = f"SELECT row FROM points WHERE row >= {totals.next}"
        new = {number for (number,) in connection.execute(there)}
        added, removed = [row for row in rows if row[0] in new], []
        for row in rows:
            if row[0] in new:
                continue
            old = connection.execute(f"SELECT {COLUMNS} FROM points WHERE key = ?", (row[1],)).fetchone()
            if old is None:
                raise damaged(self._db.file, "its index speaks of a point that is not there")
            kept = self._merged(connection, old, row, merge)
            if kept is not None:
                connection.execute("DELETE FROM points WHERE row = ?", (old[0],))
                connection.execute(INSERT, kept)
                removed.append(old)
                added.append(kept)
        if not added:
            return totals, 0
        if removed:
            self._files.sync()  # of values that were merged
        sound = [row for row in removed if whole(row)]
        made = added_to(totals, added, sound, next=rows[-1][0] + 1)
        if len(sound) < len(removed):  # what these had in the sums nobody knows
            made = recounted(connection, made, totals.rows + len(added) - len(removed))
        return made, len(added)

    def _merged(self, connection: sqlite3.Connection, old: Any, new: Any, merge: Merge | None) -> Any:
        same = old[2:4] == new[2:4] and old[8:] == new[8:] and whole(old)
        if same:
            return None
        if merge is None:
            return new
        try:
            was = self._point(connection, old)
        except DamageError:  # what can be had again takes the place of what is lost
            return new
        made = merge(was, self._point(connection, new))
        if made is None:
            return None
        return self._repacked(connection, made._replace(key=new[1]), new[0])

    def reserve(self, n: int) -> int:
        """Hand out ``n`` numbers that nobody else gets; return the first."""

        def work() -> int:
            with self._db.writing() as connection:
                totals = self._totals(connection)
                made = totals._replace(reserved=totals.reserved + n, commits=totals.commits + 1)
                store_totals(connection, made)
            return totals.reserved

        return shielded(work)

    def drop(self, keys: Iterable[bytes]) -> int:
        """Remove points, those that are damaged too; return how many there were."""
        listed = list(dict.fromkeys(keys))

        def work() -> int:
            with self._db.writing() as connection:
                found = [row for some in cut(listed) for row in list(self._found(connection, some))]
                self._removed(connection, self._totals(connection), found)
            return len(found)

        return shielded(work) if listed else 0

    def _removed(self, connection: sqlite3.Connection, totals: Totals, rows: Iterable[Any]) -> Totals:
        """Remove rows without unpacking them; return the totals, which are stored."""
        found = [(row[0], light(row) if whole(row) else None) for row in rows]
        if not found:
            return totals
        connection.executemany("DELETE FROM points WHERE row = ?", [(number,) for number, _ in found])
        sound = [row for _, row in found if row is not None]
        made = added_to(totals, [], sound, next=totals.next)
        if len(sound) < len(found):  # what these had in the sums nobody knows
            made = recounted(connection, made, totals.rows - len(found))
        store_totals(connection, made)
        return made

    def salvage(self) -> list[Damage]:
        """Keep the rows that are whole, and let go of the others, whose points can then be computed anew.

        Returns
        -------
        damages : list of Damage
            What was not what was written, with the settings where these can still be read; [] when all is well, and then
            nothing is changed. The database that was there is kept beside the new one, as ``ledger.db.damaged-...``.

        Raises
        ------
        DamageError
            When the head of the database is damaged, so that nothing can be read.
        """
        if not self.exists or not (found := self.damages()):
            return []

        def fill(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
            found.clear()  # others may have written since

            def rows() -> Iterator[Any]:
                for row, damage in damages(old, self._point):
                    if damage is not None:
                        found.append(damage)
                    else:
                        yield row

            copied(old, new, rows())

        before = list(found)
        shielded(lambda: self._db.remade(fill))
        self._things.forget()
        return found or before

    def change(self, how: Callable[[Point], Point | None], keys: Sequence[bytes] | None = None) -> int:
        """Replace each point, or those of some keys, by ``how(point)``, None to remove it: all of it, or nothing.

        Returns
        -------
        n : int
            How many are others now.
        """

        def work() -> int:
            with self._db.writing() as connection:
                totals = self._totals(connection)
                removed, added, number = [], [], totals.next
                for some in self._parts(connection, keys, totals.next):
                    for old in some:
                        point = self._point(connection, old)
                        made = how(point)
                        if made is point:
                            continue
                        removed.append(light(old))
                        connection.execute("DELETE FROM points WHERE row = ?", (old[0],))
                        if made is not None:
                            row = self._repacked(connection, made, number)
                            connection.execute(INSERT, row)
                            added.append(light(row))
                            number += 1
                if removed:
                    self._files.sync()
                    store_totals(connection, added_to(totals, added, removed, next=number))
            return len(removed)

        return shielded(work)

    def _parts(self, connection: sqlite3.Connection, keys: Sequence[bytes] | None, end: int) -> Iterator[list[Any]]:
        """Yield the rows below ``end``, or those of some keys, a handful at a time."""
        if keys is not None:
            for some in cut(keys):
                yield list(self._found(connection, some))
            return
        last = 0
        asked = f"SELECT {COLUMNS} FROM points WHERE row > ? AND row < ? ORDER BY row"
        while rows := some_of(connection.execute(asked, (last, end))):
            yield rows
            last = rows[-1][0]

    def _repacked(self, connection: sqlite3.Connection, point: Point, number: int) -> Any:
        found = self.pack(point)
        ids = [self._things.id(connection, self._packing.pack(told)) for told in (point.layout, point.session)]
        return row_of(
            number, found.key, found.state, ids[0], ids[1], found.seconds, found.at, found.coords, found.value
        )

    def set_note(self, name: str, value: Any, *, counts: bool = False) -> None:
        """Note a value under a name; None to forget it. ``counts`` makes it a change of the contents."""
        told = None if value is None else self._packing.pack(value)

        def work() -> None:
            with self._db.writing() as connection:
                self._files.sync()
                if told is None:
                    connection.execute("DELETE FROM notes WHERE name = ?", (name,))
                else:
                    connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (name, told, crc32(told)))
                if counts:
                    totals = self._totals(connection)
                    store_totals(connection, totals._replace(commits=totals.commits + 1))

        shielded(work)

    def noted(self, name: str, value: Any) -> Any:
        """Return what is noted under a name; ``value``, which is noted then, where nothing is.

        Of several processes that call this at once, all are told the same.
        """
        told = self._packing.pack(value)

        def work() -> bool:
            with self._db.writing() as connection:
                self._files.sync()
                added = connection.execute("INSERT OR IGNORE INTO notes VALUES (?, ?, ?)", (name, told, crc32(told)))
                return added.rowcount > 0

        return value if shielded(work) else self.note(name)

    def tidy(self) -> int:
        """Remove files that no point speaks of any more; return how many.

        Only those that the last time had found unwanted too, and that nobody has touched for an hour: what another process
        has packed and not put yet is not among them, even when the clock is set forward.
        """

        def work() -> int:
            with self._db.writing() as connection:  # so that nobody adds a point meanwhile
                watched = WatchedFiles(self._files.folder)
                packing = Names(watched, who=self._packing.who)
                try:
                    for some in self._parts(connection, None, self._totals(connection).next):
                        for row in some:
                            packing.unpack(row[8]), packing.unpack(row[10])
                    for table in ("notes", "things"):
                        for (told,) in connection.execute(f"SELECT told FROM {table}"):
                            packing.unpack(told)
                except DamageError:  # what that one speaks of nobody knows
                    return 0
                seen = self.note(_UNWANTED, [])
                removed, left = self._files.tidy(watched.fetched, set(seen))
                if left != set(seen):
                    told = self._packing.pack(sorted(left))
                    connection.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (_UNWANTED, told, crc32(told)))
                return removed

        return shielded(work) if self._files.folder.is_dir() else 0

    def remove(self, to: Path | None = None) -> None:
        """Remove all of it from disk, or move it to another name; files of others in its folder stay there.

        Raises
        ------
        SinkError
            When there is a folder of this name that is no ledger.
        """
        shielded(lambda: removed(self._db, to))
        self._things.forget()

    def close(self) -> None:
        """Let go of all files. Twice is fine; what asks for it later opens it again."""
        self._db.close()

    def __del__(self) -> None:
        with suppress(Exception):  # of a ledger that could not be made, or at the end of the interpreter
            when_dropped(self._db.close)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Ledger({str(self.path)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (self.path, self.readonly, self._packing.allow_pickle)


def _again(path: Path, readonly: bool, allow_pickle: bool) -> Ledger:
    return Ledger(path, readonly=readonly, allow_pickle=allow_pickle)
