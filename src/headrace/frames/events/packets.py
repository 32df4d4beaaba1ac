"""Events in packets: AEDAT 3.1 (cAER), by inivation's description of the format."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from headrace.core.indexed import Numbers
from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.base.unreadable import changed
from headrace.frames.events.arrays import EVENT
from headrace.frames.events.looked import Looked, looked_at, looked_before
from headrace.frames.events.pieces import PIECE, EventFile
from headrace.sources.formats import ArrayFile

# Type, source, bytes of an event, of its time, overflows, room, events, valid ones.
PACKET = struct.Struct("<hhiiiiii")
POLARITY = 1


class _Mark(NamedTuple):
    """A place in the file: the next event or packet, how many records its packet has left, and their overflows."""

    at: int
    left: int
    overflows: int


class ThirdFile(EventFile):
    """Events of AEDAT 3.1, in pieces of equally many records; those that are not valid are none.

    Parameters
    ----------
    path, at
        The file, and where its packets begin.
    """

    looked: Looked | None

    def __init__(self, path: Path, at: int) -> None:
        super().__init__(path)
        self._end = self._seen.size
        self._marks = [_Mark(at, 0, 0)]

    def look(self) -> Numbers:
        with self.opened() as file:
            begin = self._marks[0]
            last = looked_before(self.looked, file, self._end, begin.at, (begin,), (0,), 0, 0)
            marks, starts, n, records = last.found
            marks, starts = [*marks], [*starts]
            for mark, count in self._stretches(file, _Mark(last.end, 0, 0), PIECE - records):
                if records == PIECE:
                    marks.append(mark)
                    starts.append(n)
                    records = 0
                # Counted, since what packets say of it is not always so.
                n += int(np.count_nonzero(_records(file, mark, count)[:, 0] & 1))
                records += count
            looked = looked_at(file, self._end, marks, starts, n, records)
        self._marks, self.looked = marks, looked
        return np.array([*starts, n], np.int64)

    def _stretches(self, file: ArrayFile, mark: _Mark, room: int = PIECE) -> Iterator[tuple[_Mark, int]]:
        """Yield stretches of records from a mark to the end: where each begins, and how many; cut where pieces begin."""
        at, left, overflows = mark
        room = room or PIECE
        while True:
            while not left:
                if at >= self._end:
                    return
                at, left, overflows = self._packet(file, at)
            count = min(left, room)
            yield _Mark(at, left, overflows), count
            at, left = at + 8 * count, left - count
            room = room - count or PIECE

    def _packet(self, file: ArrayFile, at: int) -> _Mark:
        """Return where the events of the packet at a place begin; those of no events have none, and are passed."""
        if at + PACKET.size > self._end:
            raise self._short(at)
        kind, _, size, offset, overflows, _, n, _ = PACKET.unpack(file.read(at, PACKET.size).tobytes())
        behind = at + PACKET.size + size * n
        if size <= 0 or n < 0 or overflows < 0 or behind > self._end:
            raise self._short(at)
        if kind != POLARITY:
            return _Mark(behind, 0, 0)
        if (size, offset) != (8, 4):
            raise self._short(at)
        return _Mark(at + PACKET.size, n, overflows)

    def _short(self, at: int) -> DataError:
        return DataError(
            f"read_events got {str(self.path)!r}, whose packet at byte {at} is cut short or none, wanted whole packets of AEDAT 3.1.\n"
            f"  Copy it again. Of a recording that was killed, os.truncate(path, {at}) leaves what is whole."
        )

    def fill(self, file: ArrayFile, k: int, lo: int, hi: int, out: Array) -> None:
        n = int(self.starts[k + 1] - self.starts[k])
        found, filled, records = out if (lo, hi) == (0, n) else np.empty(n, EVENT), 0, 0
        for mark, count in self._stretches(file, self._marks[k]):
            raw = _records(file, mark, count)
            valid = raw[:, 0] & 1 == 1
            if not valid.all():
                raw = raw[valid]
            made = found[filled : filled + len(raw)]
            filled, records = filled + len(raw), records + count
            if filled > n:
                break
            made["x"], made["y"] = raw[:, 0] >> 17, (raw[:, 0] >> 2) & 0x7FFF
            made["t"] = raw[:, 1]
            if mark.overflows:
                made["t"] += mark.overflows << 31
            made["p"] = (raw[:, 0] >> 1) & 1
            if records == PIECE:
                break
        if filled != n:
            raise changed("read_events", self.path, f"{n} events from number {self.starts[k]} on")
        if found is not out:
            out[...] = found[lo:hi]


def _records(file: ArrayFile, mark: _Mark, count: int) -> Array:
    return file.read(mark.at, 8 * count).view("<u4").reshape(-1, 2)
