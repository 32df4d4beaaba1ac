"""Events of one length each: AEDAT 2 (jAER), whose addresses are taken apart as tonic does, and the 40 bits of N-MNIST."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headrace.core.indexed import Numbers
from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.events.looked import Looked, looked_at, looked_before
from headrace.frames.events.pieces import PIECE, EventFile, even
from headrace.sources.formats import ArrayFile

NO_ROW = 240  # the row by which N-MNIST's files say that their clock has run over
_CLOCK = 1 << 13  # microseconds of each such event


class Address(NamedTuple):
    """Where column, row and polarity are in an address of AEDAT 2, as (lowest bit, bits), and the size of the sensor."""

    x: tuple[int, int]
    y: tuple[int, int]
    p: int
    flip: tuple[int, int] | None  # columns and rows, where they are counted from the other side
    skip: int | None  # the bit that marks what is no event


ADDRESSES = {
    "dvs128": Address((8, 7), (1, 7), 0, None, None),
    "davis346": Address((12, 10), (22, 9), 11, (346, 260), 31),
}


class _Records(EventFile):
    """A file of records of ``size`` bytes behind a header of ``at`` bytes, in pieces of equally many."""

    looked: Looked | None

    def __init__(self, path: Path, at: int, size: int) -> None:
        super().__init__(path)
        held = self._seen.size - at
        if held % size:
            raise DataError(
                f"read_events got {str(path)!r}, which ends within an event ({held} bytes of events of {size}), wanted whole ones.\n"
                f"  Copy it again. Of a recording that was killed, os.truncate(path, {at + held // size * size}) leaves what is whole."
            )
        self._at, self._size, self._records = at, size, held // size
        self._past = [0]  # records that are no events before each piece

    def look(self) -> Numbers:
        starts, end = even(self._records, PIECE), self._at + self._size * self._records
        if self.fine or not self._records:
            return starts
        with self.opened() as file:
            last = looked_before(self.looked, file, end, self._at, 0)
            first, lo = divmod((last.end - self._at) // self._size, PIECE)
            past, over = [*last.found[: first + 1]], last.found[-1]
            for k in range(first, len(starts) - 1):
                raw = self._raw(file, k, lo, min(PIECE, self._records - PIECE * k))
                over += len(raw) - int(np.count_nonzero(self._events(raw)))
                past.append(over)
                lo = 0
            looked = looked_at(file, end, *past)
        self._past, self.looked = past, looked
        events: Numbers = starts - np.array(past)
        return events

    def _events(self, raw: Array) -> Array:
        """Return which records are events."""
        raise NotImplementedError(f"{type(self).__name__} needs a method _events(raw)")

    def _raw(self, file: ArrayFile, k: int, lo: int, hi: int) -> Array:
        """Return records ``lo`` to ``hi`` of a piece, ``(n, size)`` bytes."""
        at = self._at + self._size * (PIECE * k + lo)
        return file.read(at, self._size * (hi - lo)).reshape(-1, self._size)

    def _piece(self, file: ArrayFile, k: int) -> Array:
        return self._raw(file, k, 0, min(PIECE, self._records - PIECE * k))


class SecondFile(_Records):
    """Events of AEDAT 2.

    Parameters
    ----------
    path, at
        The file, and where its events begin.
    sensor
        Whose addresses they are.

    Raises
    ------
    DataError
        When it ends within an event.
    """

    fine: bool

    def __init__(self, path: Path, at: int, sensor: str) -> None:
        super().__init__(path, at, 8)
        self._sensor, self._layout = sensor, ADDRESSES[sensor]
        self.fine = self._layout.skip is None

    def _events(self, raw: Array) -> Array:
        found: Array = raw.view(">u4")[:, 0] >> (self._layout.skip or 0) & 1 == 0
        return found

    def fill(self, file: ArrayFile, k: int, lo: int, hi: int, out: Array) -> None:
        layout = self._layout
        if self.fine:
            raw = self._raw(file, k, lo, hi).view(">u4")
        else:
            data = self._piece(file, k)
            raw = data[self._events(data)][lo:hi].view(">u4")
        address = raw[:, 0].astype(np.uint32)
        x, y = ((address >> low & (1 << bits) - 1).astype(np.int16) for low, bits in (layout.x, layout.y))
        if layout.flip is not None:
            x, y = layout.flip[0] - 1 - x, layout.flip[1] - 1 - y
            outside = (x < 0) | (y < 0)
            if outside.any():
                raise DataError(
                    f"read_events got an address outside of the sensor {self._sensor!r} for event "
                    f"{int(self.starts[k]) + lo + int(outside.argmax())} of {str(self.path)!r}, wanted those of its "
                    f"{layout.flip[1]} x {layout.flip[0]} pixels.\n  Say which it is with sensor=."
                )
        out["x"], out["y"], out["t"], out["p"] = x, y, raw[:, 1], address >> layout.p & 1


class BitsFile(_Records):
    """Events of N-MNIST: 5 bytes each, column, row, polarity and time.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    DataError
        When it ends within an event.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, 0, 5)

    def _events(self, raw: Array) -> Array:
        found: Array = raw[:, 1] != NO_ROW  # by which the clock runs over
        return found

    def fill(self, file: Any, k: int, lo: int, hi: int, out: Array) -> None:
        raw = self._piece(file, k)
        over = raw[:, 1] == NO_ROW
        high = raw[:, 2].astype(np.int64)
        times = ((high & 0x7F) << 16) + (raw[:, 3].astype(np.int64) << 8) + raw[:, 4] + _CLOCK * self._past[k]
        if over.any():
            times += _CLOCK * np.cumsum(over)
            raw, times = raw[~over], times[~over]
        raw, times = raw[lo:hi], times[lo:hi]
        out["x"], out["y"], out["t"], out["p"] = raw[:, 0], raw[:, 1], times, raw[:, 2] >> 7
