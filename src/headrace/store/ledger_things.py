"""What many rows of a ledger share, such as the names of their coordinates: stored once, and known by a number."""

from __future__ import annotations

import sqlite3
from typing import Any
from zlib import crc32

from headrace.store.ledger_db import Database, damaged
from headrace.store.ledger_rows import sound
from headrace.store.ledger_values import Packing


def second_copy(connection: sqlite3.Connection, number: int, found: Any) -> bytes | None:
    """Return the bytes of a value from the index over all of them, as many rows would be lost with the one of the table.

    Parameters
    ----------
    found
        Bytes and checksum in the table, one of which is not what was written.
    """
    if found is None:
        return None
    asked = "SELECT told FROM things INDEXED BY sqlite_autoindex_things_1 WHERE id = ?"
    row = connection.execute(asked, (number,)).fetchone()
    if row is None or not isinstance(row[0], bytes):
        return None
    return row[0] if crc32(row[0]) == found[1] or row[0] == found[0] else None


class Things:
    """Values by their numbers, and numbers by their values, as far as they were asked for.

    Parameters
    ----------
    database
        Where they are.
    packing
        How they are stored.
    """

    def __init__(self, database: Database, packing: Packing) -> None:
        self._db = database
        self._packing = packing
        self._things: dict[int, Any] = {}
        self._ids: dict[bytes, int] = {}
        self._known_of: tuple[int, int] = (0, 0)
        database.when_undone(self.forget)  # numbers that were handed out in a transaction without an end are nobody's

    def get(self, connection: sqlite3.Connection, number: int) -> Any:
        """Return the value of a number.

        Raises
        ------
        DamageError
            When there is none, or it is not what was written.
        """
        self._see_same()
        if number not in self._things:
            found = connection.execute("SELECT told, crc FROM things WHERE id = ?", (number,)).fetchone()
            if found is None or not sound(*found):
                told = second_copy(connection, number, found)
                if told is None:
                    raise damaged(self._db.file, f"what rows share, number {number}")
                found = (told,)
            self._things[number] = self._packing.unpack(found[0])
        return self._things[number]

    def id(self, connection: sqlite3.Connection, told: bytes) -> int:
        """Return the number of a packed value; a new one is written."""
        self._see_same()
        if told not in self._ids:
            found = connection.execute("SELECT id FROM things WHERE told = ?", (told,)).fetchone()
            if found is None:
                added = connection.execute("INSERT INTO things(told, crc) VALUES (?, ?)", (told, crc32(told)))
                found = (added.lastrowid,)
            self._ids[told] = found[0]
        return self._ids[told]

    def forget(self) -> None:
        """Forget all: some of it may not be there."""
        self._things.clear()
        self._ids.clear()

    def _see_same(self) -> None:
        """Forget what was known of a ledger that has been deleted."""
        if self._known_of != self._db.identity:
            self.forget()
            self._known_of = self._db.identity
