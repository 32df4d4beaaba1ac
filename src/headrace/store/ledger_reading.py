"""What a ledger tells: read in small steps, each of them of one state, and checked before anything is told."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from headrace.store.ledger_db import Database, damaged
from headrace.store.ledger_files import ContentFiles
from headrace.store.ledger_rows import (
    COLUMNS,
    DONE,
    LIGHT,
    MOST,
    Point,
    Seen,
    Totals,
    begin,
    cut,
    read_totals,
    some_of,
    sound,
    whole,
)
from headrace.store.ledger_salvage import Damage, damages
from headrace.store.ledger_things import Things
from headrace.store.ledger_values import Packing
from headrace.store.shielded import shielded

R = TypeVar("R")
_FEW: Final = 10_000  # points that are all looked at sooner than some of them are found
_HELD: Final = 50_000  # keys that are kept for the next look, should nothing have changed


class Reading:
    """The half of a :class:`~headrace.store.ledger.Ledger` that changes nothing.

    Parameters
    ----------
    path, readonly, allow_pickle
        As there.
    """

    def __init__(self, path: str | Path, *, readonly: bool = False, allow_pickle: bool = False) -> None:
        self.path: Path = Path(path)
        self._files = ContentFiles(self.path / "arrays")
        self._packing = Packing(self._files, allow_pickle=allow_pickle, who=f"the ledger {self.path}")
        self._db = Database(self.path, begin, readonly=readonly)
        self._things = Things(self._db, self._packing)
        self._last_known: tuple[Any, set[bytes]] = (None, set())  # of the last look at all of them

    @property
    def readonly(self) -> bool:
        """Whether it was opened to be read."""
        return self._db.readonly

    @property
    def allow_pickle(self) -> bool:
        """Whether values that only a pickle can carry are kept, and loaded."""
        return self._packing.allow_pickle

    def note(self, name: str, default: Any = None) -> Any:
        """Return what was noted under a name."""
        if not self.exists:
            return default
        asked = "SELECT told, crc FROM notes WHERE name = ?"
        found = self._read(lambda connection: connection.execute(asked, (name,)).fetchone())
        if found is None:
            return default
        if not sound(*found):
            raise damaged(self._db.file, f"the note {name!r}")
        return self._packing.unpack(found[0])

    @property
    def exists(self) -> bool:
        """Whether there is something on disk."""
        return self._db.file.exists() or (self.path / "ledger.json").exists()

    @property
    def totals(self) -> Totals:
        """What is known of all points together."""
        if not self.exists:
            return Totals()
        return self._read(self._totals)

    def __len__(self) -> int:
        """How many points there are, failures among them."""
        return self.totals.rows

    def known(self, keys: Iterable[bytes], state: int | None = DONE) -> set[bytes]:
        """Return those of ``keys`` that have a point in a state; None for any."""
        wanted = keys if isinstance(keys, list) else list(keys)
        if not wanted or not self.exists:
            return set()
        only = "" if state is None else f" AND state = {int(state)}"

        def work(connection: sqlite3.Connection) -> set[bytes]:
            totals = self._totals(connection)
            if totals.rows <= max(_FEW, len(wanted) * 4):  # rows are checked, an index is not
                now = (self._db.identity, totals, state)
                if self._last_known[0] != now:
                    everything = {key for (key,) in connection.execute(f"SELECT key FROM points WHERE 1{only}")}
                    if totals.rows > _HELD:
                        return everything.intersection(wanted)
                    self._last_known = now, everything
                return self._last_known[1].intersection(wanted)
            found: set[bytes] = set()
            for some in cut(wanted):
                marks = ",".join("?" * len(some))
                rows = connection.execute(f"SELECT key FROM points WHERE key IN ({marks}){only}", some)
                found.update(key for (key,) in rows)
            return found

        return self._read(work)

    def _read(self, work: Callable[[sqlite3.Connection], R]) -> R:
        """Do some reading of one state of the database, which Ctrl-C does not cut in two."""

        def inside() -> R:
            with self._db.reading() as connection:
                return work(connection)

        return shielded(inside)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Point]:
        """Return the points of some keys, as far as there are any."""
        if not self.exists:
            return {}
        made = {}
        for some in cut(list(keys)):

            def work(connection: sqlite3.Connection, some: Sequence[bytes] = some) -> list[Point]:
                return [self._point(connection, row) for row in list(self._found(connection, some))]

            made.update({point.key: point for point in self._read(work)})
        return made

    def rows(self, after: int = 0, *, values: bool = True) -> Iterator[Point]:
        """Yield every point, those that were kept first before others; or those with numbers above ``after``.

        Without ``values`` they have None for a value, and none is read. What is yielded is a state that the ledger had, with what was added since; others may write meanwhile.

        Raises
        ------
        DamageError
            When a point is not what was written, or, having read all, when one is missing.
        """
        if not self.exists:
            return
        last, count, sums = after, 0, 0
        began: Totals | None = None
        asked = f"SELECT {COLUMNS if values else LIGHT} FROM points WHERE row > ? ORDER BY row"

        def work(connection: sqlite3.Connection) -> tuple[Totals, list[Point], int]:
            found = some_of(connection.execute(asked, (last,)))
            points = [self._point(connection, row) for row in found]
            return self._totals(connection), points, sum(row[7] for row in found)

        while True:
            totals, points, more = self._read(work)
            began = totals if began is None else began
            if not points:
                break
            yield from points
            count, sums, last = count + len(points), sums + more, points[-1].row
        if after == 0 and (count, sums & MOST) != (totals.rows, totals.sums) and began.commits == totals.commits:
            raise damaged(
                self._db.file, f"its rows: {count} were found, {totals.rows} were written, or they are not the same"
            )

    def added(self, seen: Seen) -> tuple[list[Point], Seen] | None:
        """Return the points that were kept since some were seen, and what is seen now.

        Parameters
        ----------
        seen
            What this returned before; ``Seen()`` for nothing.

        Returns
        -------
        points, seen
            None when some of what was seen is there no more, or was replaced: begin with ``Seen()``.

        Raises
        ------
        DamageError
            When a point is not what was written, or one is missing.

        Examples
        --------
        >>> from headrace.store.ledger import Ledger
        >>> ledger = Ledger("seen")
        >>> ledger.put([Point(b"a", (1,), (0.5,)), Point(b"b", (2,), (0.7,))])
        2
        >>> points, seen = ledger.added(Seen())
        >>> ledger.put([Point(b"c", (3,), (0.9,))])
        1
        >>> [point.key for point in ledger.added(seen)[0]], ledger.drop([b"a"]), ledger.added(seen)
        ([b'c'], 1, None)
        >>> ledger.close()
        """
        if not self.exists:
            return None if seen.rows else ([], seen)
        asked = f"SELECT {COLUMNS} FROM points WHERE row > ? ORDER BY row"
        last = seen.last

        def begun(connection: sqlite3.Connection) -> bool:
            totals = self._totals(connection)
            more = [crc for (crc,) in connection.execute("SELECT crc FROM points WHERE row > ?", (last,))]
            return (totals.rows, totals.sums) == (seen.rows + len(more), (seen.sums + sum(more)) & MOST)

        def work(connection: sqlite3.Connection) -> tuple[list[Point], int] | None:
            if not made and not begun(connection):
                return None
            found = some_of(connection.execute(asked, (last,)))
            return [self._point(connection, row) for row in found], sum(row[7] for row in found)

        made: list[Point] = []
        sums = seen.sums
        while (found := self._read(work)) is not None:
            points, more = found
            made += points
            if not points:
                return made, Seen(last, seen.rows + len(made), sums)
            last, sums = points[-1].row, (sums + more) & MOST
        if seen.rows:
            return None
        raise damaged(self._db.file, "its rows are not those that were written")

    def first(self) -> Point | None:
        """Return some point without its value; None when there is none."""
        if not self.exists:
            return None

        def work(connection: sqlite3.Connection) -> Point | None:
            row = connection.execute(f"SELECT {LIGHT} FROM points ORDER BY row LIMIT 1").fetchone()
            return None if row is None else self._point(connection, row)

        return self._read(work)

    def check(self) -> None:
        """Read all of it, files and indexes too.

        Raises
        ------
        DamageError
            When anything is not what was written.
        """
        if not self.exists:
            return
        told = self._read(lambda connection: [line for (line,) in connection.execute("PRAGMA integrity_check(3)")])
        if told != ["ok"]:
            raise damaged(self._db.file, "; ".join(told))
        for _ in self.rows():
            pass

    def size(self, most: int) -> int:
        """Return about how many bytes all values take, those in files too; above ``most`` it need not be all."""
        inside = self.totals.bytes
        return inside if inside > most else inside + self._files.size(most - inside)

    def damages(self) -> list[Damage]:
        """Read all of it, and return what is not what was written: [] when all is well.

        Raises
        ------
        DamageError
            When the head of the database is damaged, so that nothing can be read.
        """
        if not self.exists:
            return []

        def work(connection: sqlite3.Connection) -> list[Damage]:
            found = [damage for _, damage in damages(connection, self._point) if damage is not None]
            if not found:
                told = [line for (line,) in connection.execute("PRAGMA integrity_check(3)")]
                found = [Damage(0, None, line) for line in told if line != "ok"]
            return found

        return self._read(work)

    def _totals(self, connection: sqlite3.Connection) -> Totals:
        found = read_totals(connection)
        if found is None:
            raise damaged(self._db.file, "its totals")
        return found

    def _point(self, connection: sqlite3.Connection, row: Sequence[Any]) -> Point:
        number, key, state, layout, session, seconds, at, _, coords, _, value = row
        if not whole(row):
            raise damaged(self._db.file, f"row {number}")
        return Point(
            key,
            self._packing.unpack(coords),
            None if value is None else self._packing.unpack(value),
            state,
            math.nan if seconds is None else seconds,
            at,
            self._things.get(connection, layout),
            self._things.get(connection, session),
            number,
        )

    def _found(self, connection: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[Any]:
        marks = ",".join("?" * len(keys))
        return iter(connection.execute(f"SELECT {COLUMNS} FROM points WHERE key IN ({marks})", keys))
