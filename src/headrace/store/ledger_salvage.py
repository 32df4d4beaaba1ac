"""What can still be had of a ledger whose bytes a disk has changed: every row that is whole, and the names of the others."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

from headrace.errors import DamageError, DataError
from headrace.store.ledger_rows import COLUMNS, FAILED, INSERT, MOST, Totals, read_totals, sound, store_totals
from headrace.store.ledger_things import second_copy

_AT_ONCE: Final = 256


class Damage(NamedTuple):
    """A row that is not what was written.

    Attributes
    ----------
    row : int
        Its number; 0 for rows that cannot be found at all.
    settings : dict or None
        Where it was, where that can still be read.
    what : str
        What is wrong.
    """

    row: int
    settings: dict[str, Any] | None
    what: str


def rows_of(connection: sqlite3.Connection) -> Iterator[tuple[int, Sequence[Any] | None]]:
    """Yield number and contents of each row that can be found, None for one that SQLite cannot read.

    Where a page is damaged, the rows beyond it are asked for one by one.
    """
    last = 0
    asked = f"SELECT {COLUMNS} FROM points WHERE row > ? ORDER BY row LIMIT {_AT_ONCE}"
    while True:
        try:
            found = connection.execute(asked, (last,)).fetchall()
        except sqlite3.Error:
            break
        if not found:
            return
        yield from ((row[0], row) for row in found)
        last = found[-1][0]
    for number in range(last + 1, _end(connection)):
        try:
            row = connection.execute(f"SELECT {COLUMNS} FROM points WHERE row = ?", (number,)).fetchone()
        except sqlite3.Error:
            yield number, None
            continue
        if row is not None:
            yield number, row


def _end(connection: sqlite3.Connection) -> int:
    """Return a number above those of all rows, from whatever can still be read."""
    found = [1]
    for asked in ("SELECT next FROM totals", "SELECT max(row) + 1 FROM points"):
        try:
            (value,) = connection.execute(asked).fetchone()
            found.append(int(value))
        except (sqlite3.Error, TypeError, ValueError):
            continue
    return max(found)


def damages(
    connection: sqlite3.Connection, point: Callable[[sqlite3.Connection, Sequence[Any]], Any]
) -> Iterator[tuple[Sequence[Any] | None, Damage | None]]:
    """Yield each row that is whole, and what is wrong with each other one.

    Parameters
    ----------
    point
        Unpacks a row, the files it speaks of too; raises ``DamageError``.
    """
    count = 0
    for number, row in rows_of(connection):
        count += 1
        if row is None:
            yield None, Damage(number, None, "its page in the database is damaged")
            continue
        try:
            point(connection, row)
        except (DamageError, sqlite3.Error) as error:
            yield None, Damage(number, _settings(connection, row, point), str(error).splitlines()[0])
        except DataError:  # a pickle that may not be loaded here: it is what was written
            yield row, None
        else:
            yield row, None
    try:
        totals = read_totals(connection)
    except sqlite3.Error:
        totals = None
    if totals is None:
        yield None, Damage(0, None, "the totals of all rows are damaged")
    elif totals.rows > count:
        yield None, Damage(0, None, f"{totals.rows - count} rows cannot be found")


def _settings(connection: sqlite3.Connection, row: Sequence[Any], point: Callable[..., Any]) -> dict[str, Any] | None:
    """Return where a row is, when only its value is damaged."""
    try:
        found = point(connection, (*row[:10], None))
        return dict(zip(found.layout["args"], found.coords, strict=False))
    except (DamageError, sqlite3.Error, TypeError, KeyError):
        return None


def copied(old: sqlite3.Connection, new: sqlite3.Connection, rows: Iterator[Sequence[Any]]) -> None:
    """Fill the tables of a new database with rows that are whole, and with what they share."""
    for table in ("things", "notes"):
        for row in _sound(old, table):
            new.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?)", row)
    try:
        was = read_totals(old)
    except sqlite3.Error:
        was = None
    last = 0
    for row in rows:
        # One key is one point: of two rows with the same, which a damaged index lets happen, the later one stays.
        new.execute("DELETE FROM points WHERE key = ?", (row[1],))
        new.execute(INSERT, row)
        last = row[0]
    n = new.execute("SELECT count(*) FROM points").fetchone()[0]
    was = Totals(next=max(last + 1, _end(old)), reserved=_reserved(old)) if was is None else was
    made = was._replace(commits=was.commits + 1)
    new.execute("INSERT INTO totals VALUES (1,?,?,?,?,?,?,?,?)", (*made, 0))
    store_totals(new, recounted(new, made, n))


def _sound(connection: sqlite3.Connection, table: str) -> list[Any]:
    by = "id" if table == "things" else "name"
    try:
        found = connection.execute(f"SELECT {by}, told, crc FROM {table}").fetchall()
    except sqlite3.Error:
        return []
    made = []
    for row in found:
        if sound(*row[1:]):
            made.append(row)
        elif table == "things" and (told := second_copy(connection, row[0], row[1:])) is not None:
            made.append((row[0], told, crc32(told)))
    return made


def _reserved(connection: sqlite3.Connection) -> int:
    """Return how many numbers were handed out, from totals that are damaged: rather too many than one twice."""
    try:
        (found,) = connection.execute("SELECT reserved FROM totals").fetchone()
        return max(0, int(found))
    except (sqlite3.Error, TypeError, ValueError):
        return 0


def recounted(connection: sqlite3.Connection, totals: Totals, rows: int) -> Totals:
    """Return totals of what is in the database: for after a damaged row, whose part in the sums nobody knows, went."""
    asked = f"SELECT sum(state = {FAILED}), sum(crc), sum(length(value)) FROM points"
    failed, sums, size = connection.execute(asked).fetchone()
    return totals._replace(rows=rows, failed=failed or 0, sums=(sums or 0) & MOST, bytes=size or 0)
