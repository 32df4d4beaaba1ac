"""What is in a recording: where each block lies, marks, clocks, graphs, damage; by its index, or read through once."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any, Final

import numpy as np

from headrace.core.block import Block
from headrace.errors import DamageError
from headrace.live.recording.columnwise import Columnwise, Index
from headrace.live.recording.container import HEAD, padding
from headrace.live.recording.index import read_index
from headrace.live.recording.rows import COLS, FRONT, ROWS, Front, Schema, read_block, read_column, read_front
from headrace.live.recording.scan import Damage, Record, View, is_sound, scan
from headrace.store.ledger_values import Packing

_JSON: Final = {
    b"HEAD": "head",
    b"MARK": "marks",
    b"CLCK": "clocks",
    b"GRPH": "graphs",
    b"CHNG": "changes",
    b"DONE": "done",
}


_COLUMNS: Final = {
    "offsets": "at", "sizes": "size", "fronts": "front", "schema": "schema", "first": "first", "rows": "rows",
    "arrived": "arrived",
}  # fmt: skip


class Recording(Columnwise):
    """A container of blocks, read by number.

    Parameters
    ----------
    path
        The file.

    Attributes
    ----------
    notes : dict
        What stands in it as JSON, each in the order of the file: ``head``, ``marks``, ``clocks``, ``graphs``,
        ``changes`` of the graph, ``done``.
    states : list
        What was kept of runs under way when it began.
    schemas : dict
        What columns there are, by number.
    damage : tuple of Damage
        What is not as it was written, or not whole yet.
    offsets, sizes, schema, first, rows : ndarray of int64
        Of each block: its place, number of description, first row, rows.
    arrived : ndarray of float64
        When each came, on the clock of the recorder.

    Raises
    ------
    DataError
        When it is no recording, or one of a later version.
    """

    offsets: Index
    sizes: Index
    fronts: Index
    schema: Index
    first: Index
    rows: Index
    arrived: np.ndarray[Any, np.dtype[np.float64]]

    def __init__(self, path: Path) -> None:
        self.path: Path = path
        self.view: View = View(path)
        self.notes: dict[str, list[dict[str, Any]]] = {name: [] for name in _JSON.values()}
        self.states: list[Any] = []
        self.schemas: dict[int, Schema] = {}
        damage: list[Damage] = []
        try:
            index = read_index(self.view)
            self._indexed = index is not None
            if index is None:
                rows = self._scanned(damage)
            else:
                rows = index.rows
                for record in index.others:
                    self._take(record)
        except BaseException:
            self.view.close()
            raise
        for name, column in _COLUMNS.items():
            setattr(self, name, np.array(rows[column], dtype=np.float64 if column == "arrived" else np.int64))
        known = np.isin(self.schema, list(self.schemas))
        if not known.all():  # every copy of their description is damaged
            for at, size in zip(self.offsets[~known].tolist(), self.sizes[~known].tolist(), strict=True):
                damage.append(Damage(at, size, "what its columns are is not known any more"))
            self._keep(known)
        self.damage: tuple[Damage, ...] = tuple(sorted(damage))

    def _scanned(self, damage: list[Damage]) -> Any:
        """Look through the file; return where blocks are, as an index says it."""
        found = array("q")
        arrived = array("d")
        for record in scan(self.view):
            if isinstance(record, Damage):
                damage.append(record)
            elif record.kind == ROWS:
                number, _, _, _, first, rows, came, _ = FRONT.unpack_from(record.front)
                found.extend((record.at, record.size, first, rows, number, len(record.front)))
                arrived.append(came)
            else:
                self._take(record)
        numbers = np.array(found, dtype=np.int64).reshape(-1, 6)
        columns = dict(zip(("at", "size", "first", "rows", "schema", "front"), numbers.T, strict=True))
        return {**columns, "arrived": np.array(arrived, dtype=np.float64)}

    def _keep(self, which: Any) -> None:
        for name in _COLUMNS:
            setattr(self, name, getattr(self, name)[which])

    def _take(self, record: Record) -> None:
        if record.kind == COLS:
            number, schema = Schema.read(record.front)
            self.schemas[number] = schema
        elif record.kind in _JSON:
            self.notes[_JSON[record.kind]].append(json.loads(record.front))
        elif record.kind == b"STAT":
            self.states.append(Packing(who="a recording").unpack(record.front))

    @property
    def complete(self) -> bool:
        """Whether it was closed, not cut off, and had not failed."""
        done = self.notes["done"]
        return bool(done) and self.failure is None and not any(each.tail for each in self.damage)

    @property
    def failure(self) -> str | None:
        """What its recorder had failed with."""
        return next((told["failure"] for told in self.notes["done"] if "failure" in told), None)

    @property
    def rate(self) -> float | None:
        """Rows a second, where they came evenly."""
        return self.schemas[int(self.schema[0])].rate if len(self) else None

    def __len__(self) -> int:
        return len(self.offsets)

    def front(self, i: int) -> Front:
        """Return what block ``i`` says of itself.

        Raises
        ------
        DamageError
            When that is not what was written.
        """
        return read_front(self._record(i, HEAD.size + int(self.fronts[i]))[HEAD.size :])

    def _record(self, i: int, n: int) -> memoryview:
        """Return the first ``n`` bytes of the record of block ``i``, its front among them, which is sound."""
        raw = memoryview(self.view.read(int(self.offsets[i]), n))
        if self._indexed and not is_sound(
            raw, ROWS, int(self.sizes[i]), int(self.fronts[i])
        ):  # else the scan has seen it
            raise self._damaged(i, DamageError("what it says of itself has a wrong check sum."))
        return raw

    def block(self, i: int) -> Block:
        """Return block ``i`` as it was recorded.

        Raises
        ------
        DamageError
            When it is not what was written.
        """
        told = int(self.fronts[i])
        raw = self._record(i, HEAD.size + int(self.sizes[i]))[HEAD.size :]
        front = read_front(raw[:told])
        try:
            return read_block(self.schemas[front.schema], front, raw[told + padding(told) :])
        except DamageError as error:
            raise self._damaged(i, error) from None

    def column(self, i: int, name: str) -> Any:
        """Return one column of block ``i``, without reading the others."""
        schema = self.schemas[int(self.schema[i])]
        k = schema.index(name)
        assert k is not None
        rows, size, crc, at = self.front(i).columns[k]
        told = int(self.fronts[i])
        try:
            data = self.view.read(int(self.offsets[i]) + HEAD.size + told + padding(told) + at, size)
            return read_column(schema.columns[k], rows, crc, data)
        except DamageError as error:
            raise self._damaged(i, error) from None

    def _damaged(self, i: int, error: DamageError) -> DamageError:
        first, rows = int(self.first[i]), int(self.rows[i])
        return DamageError(
            f"block {i} of {self.path}, rows {first} to {first + rows}, is not what was recorded: {error}\n"
            "  Open it with damaged='skip' to read the rest."
        )

    def blocks(self, lo: int = 0, hi: int | None = None) -> Iterator[Block]:
        """Yield blocks ``lo`` to ``hi``, each read when it is asked for."""
        for i in range(lo, len(self) if hi is None else min(hi, len(self))):
            yield self.block(i)

    def sift(self) -> None:
        """Read all that was not read yet; what is damaged is left out from now on, and told in ``damage``."""
        sound = np.ones(len(self), dtype=bool)
        for i in range(len(self)):
            try:
                self.block(i)
            except DamageError as error:
                sound[i] = False
                what = str(error).partition("\n")[0]
                self.damage = (*self.damage, Damage(int(self.offsets[i]), int(self.sizes[i]) + HEAD.size, what))
        if not sound.all():
            self._keep(sound)
            self.damage = tuple(sorted(self.damage))

    def again(self) -> Recording:
        """Return it opened again: for a reader of its own, without looking through the file."""
        twin = copy(self)
        twin.view = View(self.path)
        return twin

    def close(self) -> None:
        """Let go of the file; what was read stays. Twice is fine."""
        self.view.close()


def check_sound(recording: Recording) -> None:
    """Raise when there is damage that is no mere end cut off.

    Raises
    ------
    DamageError
        Naming the first place.
    """
    bad = [each for each in recording.damage if not each.tail]
    if bad:
        at, size, what, _ = bad[0]
        raise DamageError(
            f"{recording.path} is not what was recorded, in {len(bad)} place{'s' * (len(bad) > 1)}: at byte {at}, "
            f"{what} ({size} bytes).\n  Open it with damaged='skip' to read the rest; session.damage lists all."
        )
