"""The newest rows of one column: one piece of memory at every moment, and a view that never changes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from headrace.errors import DataError

Rows = np.ndarray[Any, np.dtype[Any]]
PAGE = 4096  # a store starts with room for as many bytes, so that short columns do not grow step by step


class Ring:
    """Rows behind each other, of which the newest ``maxlen`` stay.

    The store has room for twice ``maxlen`` rows. What is written to its upper half is mirrored to the lower one, so that
    at its end the lower half holds the newest rows and writing goes on from there: a row costs two short copies, whatever
    ``maxlen``. The mirror overwrites old rows, so it waits while anybody holds a view of the store; if somebody still does
    at the end, the rows move to a new store and the old one is theirs. Reading costs nothing and no view ever changes.

    It has no lock: one thread at a time.

    Parameters
    ----------
    lead
        The shape of a row.
    dtype
        Of what it holds, until rows come that do not fit into it.
    maxlen
        How many rows stay; all by default.

    Examples
    --------
    >>> ring = Ring((), float, maxlen=3)
    >>> ring.extend(np.array([1.0, 2.0]))
    >>> before = ring.rows
    >>> ring.extend(np.array([3.0, 4.0]))
    >>> before.tolist(), ring.rows.tolist()
    ([1.0, 2.0], [2.0, 3.0, 4.0])
    """

    __slots__ = ("_cap", "_end", "_mirrored", "_shown", "_start", "_store", "dtype", "lead", "limit")

    _store: Any  # None while the rows are somebody else's
    _shown: Rows
    _start: int
    _end: int
    _cap: int
    _mirrored: int
    lead: tuple[int, ...]
    dtype: np.dtype[Any]
    limit: int

    def __init__(self, lead: tuple[int, ...], dtype: Any, maxlen: int | None = None) -> None:
        self.limit = sys.maxsize if maxlen is None else maxlen
        self._adopt(np.empty((0, *lead), dtype))

    @classmethod
    def of(cls, rows: Rows, maxlen: int | None = None) -> Ring:
        """Return a ring of the newest of some rows, which are not copied and must not change."""
        ring = cls.__new__(cls)
        ring.limit = sys.maxsize if maxlen is None else maxlen
        ring._adopt(rows[max(len(rows) - ring.limit, 0) :])
        return ring

    def __len__(self) -> int:
        return self._end - self._start

    @property
    def rows(self) -> Rows:
        """The rows, oldest first, ``(len, *lead)``: a read-only view that never changes."""
        return self._shown[self._start : self._end]

    def extend(self, rows: Rows) -> None:
        """Add rows, ``(n, *lead)``, behind the newest."""
        n = len(rows)
        if not n:
            return
        if rows.dtype != self.dtype:
            wanted = self.promoted(rows.dtype)
            if wanted != self.dtype:
                self._adopt(self.rows.astype(wanted))
        if n >= self.limit:
            self._replace(rows[n - self.limit :])
            return
        end = self._end + n
        if end > self._cap:
            if self._store is not None and self._cap == 2 * self.limit:
                room = self._cap - self._end
                self._put(rows[:room], self._cap)
                self._turn()
                rows = rows[room:]
            else:
                self._grow(n)
            end = self._end + len(rows)
        self._put(rows, end)

    def popleft(self, n: int) -> Rows:
        """Remove the oldest ``n`` rows, or all there are, and return them: a view like :attr:`rows`."""
        end = min(self._start + n, self._end)
        found = self._shown[self._start : end]
        self._start = end
        if end == self._end and self.limit == sys.maxsize:
            self._adopt(self._shown[:0].copy())  # else the memory of all that ever was in it would stay
        return found

    def promoted(self, dtype: Any) -> np.dtype[Any]:
        """Return the dtype of the rows once some of ``dtype`` are added, as numpy's concatenation has it.

        Raises
        ------
        DataError
            When there is none: times and numbers.
        """
        try:
            return np.result_type(self.dtype, dtype)
        except TypeError:
            raise DataError(
                f"rows of {self.dtype} got rows of {dtype}, wanted a dtype that numpy can join with them.\n"
                "  Convert the new rows before, or del the column to start it again."
            ) from None

    def _put(self, rows: Rows, end: int) -> None:
        self._store[self._end : end] = rows
        self._end = end
        over = end - self.limit
        if over > 0:
            if over > self._start:
                self._start = over
            if sys.getrefcount(self._store) <= ALONE:
                self._mirror(over)

    def _mirror(self, over: int) -> None:
        # Also what could not be mirrored while somebody looked.
        self._store[self._mirrored : over] = self._store[self.limit + self._mirrored : self.limit + over]
        self._mirrored = over

    def _turn(self) -> None:
        limit = self.limit
        if sys.getrefcount(self._store) <= ALONE:
            self._mirror(limit)
            self._start, self._end, self._mirrored = self._start - limit, limit, 0
            return
        rows = self.rows
        self._own(2 * limit)
        self._start, self._end = limit - len(rows), limit
        self._store[self._start : limit] = rows

    def _grow(self, n: int) -> None:
        rows = self.rows
        each = self.dtype.itemsize * int(np.prod(self.lead, dtype=np.int64))
        cap = max(2 * (len(rows) + n), PAGE // max(each, 1))
        # Memory that was not written to costs nothing yet: the last step is a large one.
        self._own(cap if cap < self.limit else 2 * self.limit)
        self._store[: len(rows)] = rows
        self._end = len(rows)

    def _replace(self, rows: Rows) -> None:
        if self._store is None or self._cap < self.limit or sys.getrefcount(self._store) > ALONE:
            self._own(2 * self.limit)
        self._store[: self.limit] = rows
        self._start, self._end, self._mirrored = 0, self.limit, 0

    def _own(self, cap: int) -> None:
        self._store = np.empty((cap, *self.lead), self.dtype)
        self._shown = self._store[:]
        self._shown.flags.writeable = False
        self._cap, self._start, self._end, self._mirrored = cap, 0, 0, 0

    def _adopt(self, rows: Rows) -> None:
        """Show rows that are not ours: there is no room behind them, so that the next ones make a store."""
        self._store, self._shown = None, rows[:]
        self._shown.flags.writeable = False
        self.dtype, self.lead = rows.dtype, rows.shape[1:]
        self._start, self._mirrored = 0, 0
        self._end = self._cap = len(rows)


def _alone() -> int:
    """Return how many references to its store a ring counts that nobody looks at: its own. It differs by interpreter."""
    ring = Ring((), float, 1)
    ring._own(2)
    return sys.getrefcount(ring._store)


ALONE = _alone()
