"""What has come and was not read yet: rows of columns, bounded in bytes, with nothing lost without a count."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import numpy as np

from headrace.core.block import Block
from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.aside import Aside, Rows, Segment, as_array, kind_of

Overflow = Literal["drop_oldest", "drop_newest", "fail"]
OVERFLOWS: Final = ("drop_oldest", "drop_newest", "fail")
CHUNK: Final = 1 << 16  # bytes of rows that are set aside at once
ROWS: Final = 1024  # rows at most in them
TEXT: Final = "UST"  # kinds of types: no number is to become one of them


class Pending:
    """Rows that wait for a reader.

    One thread writes rows or blocks, another takes all of them; what is taken is never written to again.

    Parameters
    ----------
    max_bytes
        How much may wait.
    overflow
        What goes when there would be more: the oldest rows; the newest, until the next ``take``; or none, and writing
        fails.
    who
        Whose rows they are, for messages.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> pending = Pending()
    >>> pending.row({"t": 0.0, "x": np.array([1, 2])})
    >>> pending.row({"t": 0.1, "x": np.array([3, 4])})
    >>> pending.take()
    {'t': array([0. , 0.1]), 'x': array([[1, 2],
           [3, 4]])}
    >>> pending.take(), pending.counts()
    ({}, {'produced': 2, 'delivered': 2, 'dropped': 0, 'pending': 0, 'pending_bytes': 0})
    """

    max_bytes: int
    overflow: Overflow
    who: str

    def __init__(self, max_bytes: int = 1 << 26, overflow: Overflow = "drop_oldest", who: str = "a device") -> None:
        if overflow not in OVERFLOWS:
            raise StreamConfigError(
                f"{who} got overflow={overflow!r}, wanted one of {', '.join(OVERFLOWS)}.\n"
                "  Read more often, or allow more with max_bytes=, to lose nothing."
            )
        if max_bytes < 1:
            raise StreamConfigError(f"{who} got max_bytes={max_bytes!r}, wanted 1 or more.\n  The default is 64 MiB.")
        self.max_bytes, self.overflow, self.who = int(max_bytes), overflow, who
        self._lock = threading.Lock()
        self._segments: deque[Segment] = deque()
        self._chunk: Segment | None = None  # the last segment, while rows are written into it
        self._room = 0
        self._kinds: dict[str, tuple[set[Any], Any, Any]] = {}  # of each column: what it takes as it is, dtype, shape
        self._produced = self._delivered = self._dropped = self._pending = 0
        self._gone = 0  # rows that came after all that wait, and were dropped
        self._bytes = 0.0
        self._aside = Aside()
        # Adds one row of numbers, `note(names, values)`, the same tuple of names each time: it costs next to nothing.
        self.note: Callable[[tuple[str, ...], tuple[Any, ...]], bool] = self._aside.add

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, once the first row has come."""
        if self._aside:
            with self._lock:
                self._write_aside()
        return tuple(self._kinds)

    def write_noted(self) -> None:
        """Write the rows that were noted; it is time to when ``note`` has returned True.

        Raises
        ------
        DataError
            As :meth:`row`, of a row that was noted; the others are written.
        """
        with self._lock:
            self._write_aside()
        self._aside.raise_fault()

    def _write_aside(self) -> None:
        if self._aside:
            self._aside.write(self._rows_at_once, self._row)

    def _rows_at_once(self, names: tuple[str, ...], rows: Rows) -> bool:
        """Write rows column by column, if they are like those before and there is room; return whether."""
        n, kinds, chunk = len(rows), self._kinds, self._chunk
        if (
            self._gone
            or chunk is None
            or chunk.hi + n > self._room
            or self._bytes + n * chunk.row_bytes > self.max_bytes
        ):
            return False
        columns = list(zip(*rows, strict=True))
        if len(names) != len(kinds) or any(
            name not in kinds or not kinds[name][0].issuperset(map(type, column))
            for name, column in zip(names, columns, strict=True)
        ):
            return False
        at = chunk.hi
        for name, column in zip(names, columns, strict=True):
            chunk.columns[name][at : at + n] = column
        self._admit(n, chunk.row_bytes)
        chunk.hi = at + n
        return True

    def row(self, values: Mapping[str, Any]) -> None:
        """Add one row: a number or an array for each column.

        Raises
        ------
        DataError
            When the columns, or a shape, are not those of the rows before, or when it is full and is to say so.
        """
        with self._lock:
            self._write_aside()
            self._row(values)

    def _row(self, values: Mapping[str, Any]) -> None:
        chunk = self._chunk
        if chunk is None or chunk.hi == self._room or not self._fits(values):
            arrays = {name: as_array(value, name, self.who) for name, value in values.items()}
            chunk, values = self._chunk_for(values, arrays), arrays
        if not self._admit(1, chunk.row_bytes):
            return
        at, columns = chunk.hi, chunk.columns
        for name, value in values.items():
            columns[name][at] = value
        chunk.hi = at + 1

    def block(self, columns: Mapping[str, Any]) -> None:
        """Add rows: an array ``(n, ...)`` for each column, which from then on is not to be changed.

        Raises
        ------
        DataError
            As :meth:`row`, and when the columns differ in length.
        """
        made = {name: as_array(column, name, self.who) for name, column in columns.items()}
        n = Block(made).n
        if not n:
            return
        with self._lock:
            self._write_aside()
            self._same(made, {name: column.shape[1:] for name, column in made.items()})
            self._kinds = {name: (set(), column.dtype, column.shape[1:]) for name, column in made.items()}
            self._chunk = None
            row_bytes = sum(column.nbytes for column in made.values()) / n
            fits = n if self.overflow == "fail" else min(n, max(1, int(self.max_bytes // max(1.0, row_bytes))))
            if fits < n:  # longer than all there is room for
                kept = slice(n - fits, n) if self.overflow == "drop_oldest" else slice(0, fits)
                made = {name: column[kept] for name, column in made.items()}
                if self.overflow == "drop_oldest":
                    self._produced, self._dropped = self._produced + n - fits, self._dropped + n - fits
            if self._admit(fits, row_bytes):
                self._segments.append(Segment(made, fits, row_bytes))
            if fits < n and self.overflow == "drop_newest":
                self._pass_over(n - fits)

    def _fits(self, values: Mapping[str, Any]) -> bool:
        kinds = self._kinds
        if len(values) != len(kinds):
            return False
        for name, value in values.items():
            kind = kinds.get(name)
            if kind is None or kind_of(value) not in kind[0]:
                return False
        return True

    def _chunk_for(self, values: Mapping[str, Any], arrays: Mapping[str, Any]) -> Segment:
        """Return a chunk with room for rows like this one, of the wider type where the type is another."""
        self._same(arrays, {name: array.shape for name, array in arrays.items()})
        wider, kinds = False, {}
        for name, array in arrays.items():
            takes, dtype, shape = self._kinds.get(name, (set(), array.dtype, array.shape))
            both = np.result_type(dtype, array.dtype)
            if both != dtype:
                wider, takes = True, set()
            kinds[name] = ({*takes, kind_of(values[name])} - {None}, both, shape)
        chunk, self._kinds = self._chunk, kinds
        if chunk is not None and chunk.hi < self._room and not wider:
            return chunk
        row_bytes = float(sum(dtype.itemsize * int(np.prod(shape)) for _, dtype, shape in kinds.values()))
        self._room = max(1, min(ROWS, int(CHUNK // max(1.0, row_bytes))))
        columns = {name: np.empty((self._room, *shape), dtype) for name, (_, dtype, shape) in kinds.items()}
        self._chunk = chunk = Segment(columns, 0, row_bytes)
        self._segments.append(chunk)
        return chunk

    def _same(self, columns: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]]) -> None:
        kinds = self._kinds
        if not kinds:
            return
        if kinds.keys() != columns.keys():
            raise DataError(
                f"{self.who} got a row of columns {list(columns)}, after rows of {list(kinds)}.\n"
                "  Give the same columns in every row; what comes at another pace wants a device of its own."
            )
        for name, shape in shapes.items():
            if kinds[name][2] != shape:
                raise DataError(
                    f"{self.who} got a value of shape {shape} for {name!r}, after values of shape {kinds[name][2]}.\n"
                    "  Give values of one shape."
                )
            before, now = kinds[name][1], columns[name].dtype
            if (before.kind in TEXT) != (now.kind in TEXT):
                raise DataError(
                    f"{self.who} got a value of {now} for {name!r}, after values of {before}, wanted numbers or texts.\n"
                    "  Give values of one kind."
                )

    def _admit(self, n: int, row_bytes: float) -> bool:
        """Make room for ``n`` rows; return whether they are to be kept."""
        wanted = n * row_bytes
        if self._gone:  # what waits has one number, that of its first row: nothing follows a gap
            self._pass_over(n)
            return False
        if self._bytes + wanted > self.max_bytes and self._pending:
            if self.overflow == "fail":
                raise DataError(
                    f"{self.who} has {self._pending} rows, {self._bytes:.0f} bytes, that nobody has read, and "
                    f"max_bytes={self.max_bytes}.\n  Read more often, or allow more."
                )
            if self.overflow == "drop_newest":
                self._pass_over(n)
                return False
            while self._bytes + wanted > self.max_bytes and self._pending:
                self._drop_oldest(self._bytes + wanted - self.max_bytes)
        self._produced += n
        self._pending += n
        self._bytes += wanted
        return True

    def _pass_over(self, n: int) -> None:
        self._produced, self._dropped, self._gone = self._produced + n, self._dropped + n, self._gone + n

    def _drop_oldest(self, excess: float) -> None:
        oldest = self._segments[0]
        there = oldest.hi - oldest.lo
        gone = there if oldest.row_bytes <= 0 else min(there, int(-(-excess // oldest.row_bytes)))
        oldest.lo += gone
        self._dropped += gone
        self._pending -= gone
        self._bytes -= gone * oldest.row_bytes
        if oldest.lo == oldest.hi and oldest is not self._chunk:
            self._segments.popleft()

    def take(self, rate: float | None = None, timestamp: str = "timestamp") -> Block:
        """Return all rows that wait, and forget them; an empty Block when there is none."""
        with self._lock:
            self._write_aside()
            parts = [(each.columns, each.lo, each.hi) for each in self._segments if each.hi > each.lo]
            n, first = self._pending, self._produced - self._gone - self._pending
            self._delivered += n
            self._gone = 0
            self._pending, self._bytes = 0, 0.0
            self._segments.clear()
            if self._chunk is not None:
                self._chunk.lo = self._chunk.hi
                if self._chunk.hi < self._room:
                    self._segments.append(self._chunk)
                else:
                    self._chunk = None
        if not parts:
            return Block({}, first=first, rate=rate)
        if len(parts) == 1:
            columns, lo, hi = parts[0]
            only = {name: column[lo:hi] for name, column in columns.items()}
            return Block(only, first=first, rate=rate, timestamp=timestamp)
        found = {name: np.concatenate([each[name][lo:hi] for each, lo, hi in parts]) for name in parts[-1][0]}
        return Block(found, first=first, rate=rate, timestamp=timestamp)

    def counts(self) -> dict[str, int]:
        """Return how many rows came, were read, were dropped and wait; the first is the sum of the others."""
        with self._lock:
            self._write_aside()
            return {
                "produced": self._produced, "delivered": self._delivered, "dropped": self._dropped,
                "pending": self._pending, "pending_bytes": round(self._bytes),
            }  # fmt: skip
