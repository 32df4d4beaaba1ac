"""What stands in the rows of a ledger, and the sums over them that tell when one is gone or was changed."""

from __future__ import annotations

import math
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from zlib import crc32

DONE: Final = 0
FAILED: Final = 1
COLUMNS: Final = "row, key, state, layout, session, seconds, at, crc, coords, sum, value"
LIGHT: Final = COLUMNS.replace(", value", ", NULL")
INSERT: Final = "INSERT INTO points VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_ASKED: Final = 500  # keys in one question
_ROWS: Final = 1000  # that are read at a time, as writers wait meanwhile,
_BYTES: Final = 4 << 20  # or as many bytes
MOST: Final = (1 << 62) - 1
_HEAD: Final = struct.Struct("<qqqqddq")
_TOTALS: Final = struct.Struct("<8q")


class Point(NamedTuple):
    """A row of a ledger.

    Attributes
    ----------
    key : bytes
        What it is known by.
    coords
        Where it is: the values of its arguments.
    value
        What the function returned there; what is known of a failed call.
    state : int
        ``DONE`` or ``FAILED``.
    seconds : float
        How long it took.
    at : float
        When it was kept, in seconds since 1970.
    layout
        What coords and value are called.
    session
        Who wrote it.
    row : int
        Its number: rows that came later have larger ones.
    """

    key: bytes
    coords: Any
    value: Any
    state: int = DONE
    seconds: float = math.nan
    at: float = math.nan
    layout: Any = None
    session: Any = None
    row: int = -1


class Packed(NamedTuple):
    """A point as bytes, which nothing that happens to its value later can change; ``Ledger.pack`` makes it."""

    key: bytes
    state: int
    seconds: float
    at: float
    coords: bytes
    value: bytes

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return len(self.coords) + len(self.value)


class Totals(NamedTuple):
    """What is known of all rows together.

    Attributes
    ----------
    rows, failed : int
        How many there are, and how many of them are failures.
    sums : int
        The sum of their checksums.
    commits : int
        How often something was changed: equal numbers, equal contents.
    next : int
        The number of the next row.
    reserved : int
        How many numbers were handed out by ``reserve``.
    bytes : int
        What all values take.
    """

    rows: int = 0
    failed: int = 0
    sums: int = 0
    commits: int = 0
    next: int = 1
    reserved: int = 0
    bytes: int = 0


class Seen(NamedTuple):
    """Which rows somebody has read: the number of the last one, how many, and the sum of their checksums."""

    last: int = 0
    rows: int = 0
    sums: int = 0


def begin(connection: sqlite3.Connection) -> None:
    """Write the totals of a new ledger."""
    made = Totals()
    connection.execute("INSERT INTO totals VALUES (1,?,?,?,?,?,?,?,?)", (*made, crc_of(made)))


def read_totals(connection: sqlite3.Connection) -> Totals | None:
    """Return the totals; None when they are not what was written."""
    asked = "SELECT rows, failed, sums, commits, next, reserved, bytes, crc FROM totals"
    found = connection.execute(asked).fetchone()
    if found is None or not all(isinstance(each, int) for each in found):
        return None
    made = Totals(*found[:-1])
    return made if crc_of(made) == found[-1] else None


def store_totals(connection: sqlite3.Connection, totals: Totals) -> None:
    """Write totals."""
    connection.execute(
        "UPDATE totals SET rows=?, failed=?, sums=?, commits=?, next=?, reserved=?, bytes=?, crc=?",
        (*totals, crc_of(totals)),
    )


def crc_of(totals: Totals) -> int:
    """Return the checksum of totals."""
    return crc32(_TOTALS.pack(0, *totals))


def crc_of_row(
    number: int, key: bytes, state: int, layout: int, session: int, seconds: float | None, at: float, coords: bytes,
    sum_of_value: int,
) -> int:  # fmt: skip
    """Return the checksum of a row, the value by its own: a row is checked without reading that."""
    spent = -1.0 if seconds is None else seconds
    return crc32(coords, crc32(key, crc32(_HEAD.pack(number, state, layout, session, spent, at, sum_of_value))))


def row_of(
    number: int,
    key: bytes,
    state: int,
    layout: int,
    session: int,
    seconds: float,
    at: float,
    coords: bytes,
    value: bytes,
) -> tuple[Any, ...]:
    """Return a row as the database has it."""
    kept = None if seconds != seconds else seconds  # SQLite has no NaN
    total = crc32(value)
    crc = crc_of_row(number, key, state, layout, session, kept, at, coords, total)
    return number, key, state, layout, session, kept, at, crc, coords, total, value


def whole(row: Sequence[Any]) -> bool:
    """Tell whether a row is what was written: its value too, where that was read."""
    number, key, state, layout, session, seconds, at, crc, coords, total, value = row
    try:
        right: bool = crc == crc_of_row(number, key, state, layout, session, seconds, at, coords, total)
        return right and (value is None or crc32(value) == total)
    except (TypeError, struct.error):
        return False


def light(row: Sequence[Any]) -> Sequence[Any]:
    """Return what sums need of a row, without its value."""
    return (*row[:8], b"", 0, len(row[10]))


def added_to(totals: Totals, added: Sequence[Any], removed: Sequence[Any], next: int | None = None) -> Totals:
    """Return the totals after rows were added and others removed."""

    def size(rows: Sequence[Any]) -> int:
        return sum(row[10] if isinstance(row[10], int) else len(row[10]) for row in rows)

    return totals._replace(
        rows=totals.rows + len(added) - len(removed),
        failed=totals.failed + sum(row[2] == FAILED for row in added) - sum(row[2] == FAILED for row in removed),
        sums=(totals.sums + sum(row[7] for row in added) - sum(row[7] for row in removed)) & MOST,
        commits=totals.commits + 1,
        next=added[-1][0] + 1 if next is None else next,
        bytes=totals.bytes + size(added) - size(removed),
    )


def sound(told: Any, crc: Any) -> bool:
    """Tell whether bytes are those that their checksum was made of."""
    return isinstance(told, bytes) and crc32(told) == crc


def cut(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield keys, as many at a time as one question may hold."""
    for i in range(0, len(keys), _ASKED):
        yield keys[i : i + _ASKED]


def some_of(rows: Iterable[Any]) -> list[Any]:
    """Return the first rows: as many as are read at a time."""
    found, size = [], 0
    for row in rows:
        found.append(row)
        size += len(row[10]) if isinstance(row[10], bytes) else 0
        if len(found) >= _ROWS or size >= _BYTES:
            break
    return found
