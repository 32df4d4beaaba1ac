"""The newest rows of named columns in time."""

from __future__ import annotations

import re
from collections.abc import Iterator, KeysView, Mapping, MutableMapping
from threading import RLock
from typing import Any

import numpy as np

from headrace.live.buffers.base import Buffer, BufferShapeError, UnknownColumnError
from headrace.live.buffers.columns import Columns
from headrace.live.buffers.forms import Forms
from headrace.live.buffers.ring import Rows
from headrace.live.buffers.watch import Following, Watchers
from headrace.live.buffers.watched import Watched

_PICK = re.compile(r"(.+)_([0-9]+)", re.DOTALL)


class DataBuffer(Forms, Watched, Buffer, MutableMapping[str, Rows]):
    """The newest rows of named columns, time on axis 0: a mapping of arrays.

    Every ``extend`` is a stretch of time, for all columns at once. Row ``-i`` of one column and row ``-i`` of another are
    of the same moment: a column that a stretch does not bring gets NaN for it (NaT for times, None, ``""``; whole numbers
    become floats) until it is deleted, and one that is new starts then, shorter than the others. Columns with a pace of
    their own, as a :class:`~headrace.core.Block` tells, keep to their group; of a plain mapping these are new columns that
    are not as long as ``"timestamp"``, or as the longest. ``maxlen`` counts the rows of each column.

    What it hands out are read-only views without a copy, and they never change. It may be filled in one thread and read
    in others. ``buffer["acc_1"]`` is ``buffer["acc"][:, 1]`` where no column has that name.

    Parameters
    ----------
    maxlen
        How many rows of a column stay; all by default.
    data
        Columns to start with; they are copied.

    Raises
    ------
    StreamConfigError
        For a ``maxlen`` below 1.

    Examples
    --------
    >>> buffer = DataBuffer(maxlen=3)
    >>> buffer.extend({"timestamp": [0.0, 0.1], "acc": [[1, 2, 3], [4, 5, 6]]})
    >>> buffer.append({"timestamp": 0.2, "acc": [7, 8, 9]})
    >>> before = buffer.copy()
    >>> buffer.append({"timestamp": 0.3, "acc": [0, 0, 0]})
    >>> buffer
    DataBuffer(max_size=3, data=timestamp: (3,)
    acc: (3, 3))
    >>> buffer.keys(), buffer["acc_1"].tolist(), before["acc_1"].tolist()
    (dict_keys(['timestamp', 'acc']), [5, 8, 0], [2, 5, 8])
    """

    _followings: list[Following]
    maxlen: int | None

    def __init__(self, maxlen: int | None = None, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(maxlen)
        self._set_up(Columns(self.maxlen))
        if isinstance(data, DataBuffer):
            self.extend(data)
        elif data is not None:
            self._held.start(data)

    # --- rows -----------------------------------------------------------------------------------------

    def extend(self, data: Mapping[str, Any]) -> None:
        """Add a stretch of time: rows for every column, by name. An empty mapping changes nothing.

        The dtype of a column becomes what numpy's concatenation gives.

        Parameters
        ----------
        data
            Arrays ``(n, ...)`` by name: a dict, a Block, another buffer.

        Raises
        ------
        BufferShapeError
            When rows have another shape than those before; also an ``AssertionError``. Nothing is added then.
        DataError
            When columns that had one pace differ in length, or dtypes cannot be joined. Nothing is added then.
        """
        brought = data.copy()._held if isinstance(data, DataBuffer) else data  # it may change meanwhile, or be this one
        with self._lock:
            self._held.extend(brought)
        if self._watchers:
            self._watchers.tell(self)

    def append(self, point: Mapping[str, Any]) -> None:
        """Add one moment: a value for every column, by name.

        Raises
        ------
        BufferShapeError
            When a value has another shape than those before; also an ``AssertionError``.
        """
        self.extend({name: np.asarray(value)[np.newaxis] for name, value in point.items()})

    def view(self, n: int | None = None) -> DataBuffer:
        """Return the oldest ``n`` moments, or all, as a buffer that shares their memory and does not change with this."""
        with self._lock:
            return self._of(self._held.part(0, len(self) if n is None else self._count(n, "view")))

    def newest(self, n: int) -> DataBuffer:
        """Return the newest ``n`` moments as a buffer that shares their memory and does not change with this."""
        n = self._count(n, "newest")
        with self._lock:
            longest = self._held.longest()
            return self._of(self._held.part(max(longest - n, 0), longest))

    def copy(self) -> DataBuffer:
        """Return a buffer of the same rows that does not change with this one. It costs nothing until it is added to."""
        return self.view()

    def timestamps(self, name: str, timestamp: str = "timestamp") -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return when each row of a column was taken, ``(rows,)``; NaN where the moment is no longer, or not, known.

        Parameters
        ----------
        name
            The column.
        timestamp
            The column of times.

        Raises
        ------
        KeyError
            When there is no such column.
        """
        with self._lock:
            if name not in self._held.rings:
                raise self._unknown(name)
            return self._held.times(name, self[timestamp])

    # --- the mapping ----------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Rows:
        with self._lock:
            ring = self._held.rings.get(name)
            return self._picked(name) if ring is None else ring.rows

    def __setitem__(self, name: str, value: Any) -> None:
        """Replace a column by a copy of an array, ``(n, ...)``, of any length; its newest rows are of the last moments."""
        rows = np.asarray(value)
        if rows.ndim == 0:
            raise BufferShapeError(
                f"DataBuffer got {value!r} for column {name!r}, wanted an array whose axis 0 is time.\n"
                "  append(point) adds one value per column."
            )
        rows = np.array(rows[max(len(rows) - (self.maxlen or len(rows)), 0) :])
        with self._lock:
            self._held.put(name, rows)
        if self._watchers:
            self._watchers.tell(self)

    def __delitem__(self, name: str) -> None:
        with self._lock:
            if name not in self._held.rings:
                raise self._unknown(name)
            self._held.remove(name)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._held.rings))

    def __len__(self) -> int:
        """The rows of the longest column."""
        with self._lock:
            return max(map(len, self._held.rings.values()), default=0)

    @property
    def total(self) -> int:
        """How many moments there have been, with those that are no longer held."""
        return self._held.total

    def __contains__(self, name: object) -> bool:
        try:
            self[name]  # type: ignore[index]  # a key of any type may be asked for; none but a text is there
        except KeyError:
            return False
        return True

    def keys(self) -> KeysView[str]:
        """Return the names of the columns, in the order they came."""
        return self._held.rings.keys()

    def clear(self) -> None:
        """Remove all columns."""
        with self._lock:
            self._held.clear()

    def as_dict(self) -> dict[str, Rows]:
        """Return the arrays by name, all of one moment; views that never change."""
        with self._lock:
            return {name: ring.rows for name, ring in self._held.rings.items()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        mine, theirs = self.as_dict(), {name: np.asarray(other[name]) for name in other}
        return mine.keys() == theirs.keys() and all(np.array_equal(mine[name], theirs[name]) for name in mine)

    __hash__ = None  # type: ignore[assignment]  # it changes; typing has no other way to say so

    def __repr__(self) -> str:
        shapes = "\n".join(f"{name}: {rows.shape}" for name, rows in self.as_dict().items())
        return f"DataBuffer(max_size={self.maxlen}, data={shapes})"

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            return {"maxlen": self.maxlen, **self._held.state()}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.maxlen = state["maxlen"]
        self._set_up(Columns.restored(self.maxlen, state))

    # --- inside ---------------------------------------------------------------------------------------

    def _set_up(self, held: Columns) -> None:
        self._held = held
        self._lock = RLock()
        self._watchers = Watchers()
        self._followings = []

    def _of(self, held: Columns) -> DataBuffer:
        made = DataBuffer(self.maxlen)
        made._held = held
        return made

    def _drop(self, n: int) -> DataBuffer:
        with self._lock:
            found = self._of(self._held.popleft(n))
        if self._watchers:
            self._watchers.tell(self)
        return found

    def _picked(self, name: str) -> Rows:
        found = _PICK.fullmatch(name) if isinstance(name, str) else None
        if found is not None and found[1] in self:
            rows, at = self[found[1]], int(found[2])
            if rows.ndim > 1 and at < rows.shape[1]:
                part: Rows = rows[:, at]
                return part
        raise self._unknown(name)

    def _unknown(self, name: object) -> UnknownColumnError:
        return UnknownColumnError(name, map(str, self._held.rings))
