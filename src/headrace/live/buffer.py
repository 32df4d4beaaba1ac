"""The newest rows of named columns in time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping, MutableMapping
from threading import RLock
from typing import Any, Literal

import numpy as np

from headrace.core.block import ROWS, Pace
from headrace.core.registry import find
from headrace.errors import StreamConfigError
from headrace.live import buffer_tables as tables
from headrace.live.buffer_rows import Arrival, arrange
from headrace.live.buffer_watch import Following, Watchers
from headrace.live.buffers import Buffer, BufferShapeError
from headrace.live.ring import Ring, Rows

PLOT_TYPES = ("chart", "spectrogram", "trace2D", "histogram", "video")
Policy = Literal["block", "drop_oldest", "drop_newest", "latest", "grow", "spill"]
_PICK = re.compile(r"(.+)_([0-9]+)", re.DOTALL)


class DataBuffer(Buffer, MutableMapping[str, Rows]):
    """The newest rows of named columns, time on axis 0: a mapping of arrays.

    Every ``extend`` is a stretch of time, for all columns at once. Row ``-i`` of one column and row ``-i`` of another are
    of the same moment: a column that a stretch does not bring gets NaN for it (NaT for times, None, ``""``; whole numbers
    become floats), and one that is new starts then, shorter than the others. Columns with a pace of their own, as a
    :class:`~headrace.core.Block` tells, keep to their group; of a plain mapping these are new columns that are not as long
    as ``"timestamp"``, or as the longest. ``maxlen`` counts the rows of each column.

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

    def __init__(self, maxlen: int | None = None, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(maxlen)
        self._set_up()
        for name, value in (data or {}).items():
            self[name] = value

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
        if isinstance(data, DataBuffer):
            data = data.copy()  # it may change meanwhile, or be this one
        with self._lock:
            if not self._extend_plainly(data):
                arrival = arrange(data, self._columns, self._paces, self._unborn)
                if isinstance(data, DataBuffer):
                    arrival = data._as_arrival(arrival)
                self._add(arrival)
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
            upto = {name: len(ring) if n is None else self._among(name, n) for name, ring in self._columns.items()}
            return self._cut({name: slice(0, end) for name, end in upto.items()})

    def newest(self, n: int) -> DataBuffer:
        """Return the newest ``n`` moments as a buffer that shares their memory and does not change with this."""
        n = self._count(n, "newest")
        with self._lock:
            longest = self._longest() or len(self)
            return self._cut({name: slice(self._among(name, max(longest - n, 0)), None) for name in self._columns})

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
            times, rows = np.asarray(self[timestamp], np.float64), len(self[name])
            at = self._at[name].rows if name in self._at else np.arange(self._total - rows, self._total)
            index = at - (self._total - len(times))
            known = (index >= 0) & (index < len(times))
            return np.where(known, times[np.where(known, index, 0)] if len(times) else np.nan, np.nan)

    # --- the mapping ----------------------------------------------------------------------------------

    def __getitem__(self, name: str) -> Rows:
        with self._lock:
            ring = self._columns.get(name)
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
            others = [len(ring) for each, ring in self._columns.items() if each != name and each not in self._paces]
            self._columns[name] = Ring.of(rows, self.maxlen)
            self._unborn.discard(name)
            if not len(rows):
                self._unborn.add(name)
            self._join(name)
            if others and len(rows) != max(others):
                self._leave(name, None)
        if self._watchers:
            self._watchers.tell(self)

    def __delitem__(self, name: str) -> None:
        with self._lock:
            if name not in self._columns:
                raise self._unknown(name)
            del self._columns[name]
            self._unborn.discard(name)
            self._join(name)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._columns))

    def __len__(self) -> int:
        """The rows of the longest column."""
        with self._lock:
            return max(map(len, self._columns.values()), default=0)

    def __contains__(self, name: object) -> bool:
        try:
            self[name]  # type: ignore[index]
        except KeyError:
            return False
        return True

    def keys(self) -> KeysView[str]:
        """Return the names of the columns, in the order they came."""
        return self._columns.keys()

    def clear(self) -> None:
        """Remove all columns."""
        with self._lock:
            self._columns.clear()
            for each in (self._paces, self._at, self._unborn):
                each.clear()

    def as_dict(self) -> dict[str, Rows]:
        """Return the arrays by name, all of one moment; views that never change."""
        with self._lock:
            return {name: ring.rows for name, ring in self._columns.items()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        mine, theirs = self.as_dict(), {name: np.asarray(other[name]) for name in other}
        return mine.keys() == theirs.keys() and all(np.array_equal(mine[name], theirs[name]) for name in mine)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shapes = "\n".join(f"{name}: {rows.shape}" for name, rows in self.as_dict().items())
        return f"DataBuffer(max_size={self.maxlen}, data={shapes})"

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            at = {name: ring.rows for name, ring in self._at.items()}
            return {"maxlen": self.maxlen, "columns": self.as_dict(), "paces": self._paces, "at": at, "total": self._total}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.maxlen = state["maxlen"]
        self._set_up()
        self._columns = {name: Ring.of(rows, self.maxlen) for name, rows in state["columns"].items()}
        self._at = {name: Ring.of(rows, self.maxlen) for name, rows in state["at"].items()}
        self._paces, self._total = dict(state["paces"]), state["total"]
        self._unborn = {name for name, ring in self._columns.items() if not len(ring)}

    # --- other forms ----------------------------------------------------------------------------------

    def to_dataframe(self, names: Iterable[str] | None = None) -> Any:
        """Return a DataFrame of a row per moment, a column per number: ``acc_0``, ``acc_1``; images are ``name_i_j``.

        A column that started late has missing values before. What the columns were stays in ``frame.attrs``, so that
        :meth:`from_dataframe` gives the same ones back.

        Parameters
        ----------
        names
            Columns of one pace; all by default.

        Raises
        ------
        DataError
            When they have several paces, or a row has more than three axes.
        """
        return tables.to_frame(self._level(names, "to_dataframe"))

    @classmethod
    def from_dataframe(cls, df: Any, maxlen: int | None = None) -> DataBuffer:
        """Return a buffer of a DataFrame's columns.

        A frame that :meth:`to_dataframe` made gives the same columns back. Of others, names without digits that end in
        numbers, ``acc_0``, ``acc_1``, are one column ``(rows, 2)``, what is missing between them 0; unless most would be
        missing. All else is a column ``(rows,)``.

        Raises
        ------
        DataError
            When two columns have one name.
        """
        return cls(maxlen, tables.from_frame(df))

    def to_arrow(self, names: Iterable[str] | None = None) -> Any:
        """Return a pyarrow table of a row per moment: tensors of fixed shape for rows with axes, structs for complex.

        Raises
        ------
        DataError
            When the columns have several paces.
        MissingExtraError
            When pyarrow is not installed.
        """
        return tables.to_arrow(self._level(names, "to_arrow"))

    @classmethod
    def from_arrow(cls, table: Any, maxlen: int | None = None) -> DataBuffer:
        """Return a buffer of a pyarrow table's columns.

        Raises
        ------
        DataError
            When a column is none that makes an array.
        """
        return cls(maxlen, tables.from_arrow(table))

    def to_xarray(self) -> Any:
        """Return an xarray Dataset. Columns of another pace have a dimension of their own in place of ``time``."""
        with self._lock:
            times = {name: self.timestamps(name) for name in self._columns} if "timestamp" in self._columns else {}
            main = [name for name in self._columns if name not in self._paces]
            rows = tables.padded({name: self._columns[name] for name in main})
            return tables.to_dataset({**self.as_dict(), **rows}, dict(self._paces), times)

    @classmethod
    def from_xarray(cls, dataset: Any, maxlen: int | None = None) -> DataBuffer:
        """Return a buffer of a Dataset's variables, the first dimension of each as time.

        Raises
        ------
        DataError
            When a variable has no dimension.
        """
        return cls(maxlen, tables.from_dataset(dataset))

    # --- company --------------------------------------------------------------------------------------

    def follow(self, system: Any, *, policy: Policy = "latest", **options: Any) -> DataBuffer:
        """Let a system's blocks come into this buffer from now on, and return the buffer.

        It is a consumer of its own, which :meth:`close` or :meth:`stop` ends, or that the buffer is collected. Several
        systems may be followed.

        Parameters
        ----------
        system
            A :class:`~headrace.live.System`.
        policy
            What happens to blocks that come while the buffer is still busy.
        **options
            Of ``system.add_consumer``.

        Raises
        ------
        StreamConfigError
            When it is no system.
        """
        following = Following(self, system, policy=policy, **options)
        with self._lock:
            self._followings.append(following)
        return self

    def close(self) -> None:
        """Follow nobody any more; the rows stay. What a consumer failed with is raised. Closing twice is fine."""
        with self._lock:
            followings, self._followings = self._followings, []
        failed: BaseException | None = None
        for following in followings:  # without the lock: a consumer may be waiting for it
            try:
                following.close()
            except BaseException as error:
                failed = failed or error
        if failed is not None:
            raise failed

    stop = close

    def watch(self, callback: Callable[[DataBuffer], Any]) -> Callable[[], None]:
        """Call ``callback(buffer)`` after every change from now on; return the function that ends it.

        A method does not keep its object alive. What a callback raises passes through the ``extend`` that called it, whose
        rows are in.
        """
        return self._watchers.add(callback)

    def plot(self, key: str, plot_type: str = "chart", **kwargs: Any) -> Any:
        """Return a picture of a column that is drawn anew whenever the buffer changes.

        Parameters
        ----------
        key
            The column.
        plot_type
            ``"chart"``, ``"spectrogram"``, ``"trace2D"``, ``"histogram"`` or ``"video"``.
        **kwargs
            Of that kind of picture.

        Raises
        ------
        StreamConfigError
            For another kind.
        KeyError
            When there is no such column.
        """
        if plot_type not in PLOT_TYPES:
            raise StreamConfigError(
                f"DataBuffer.plot got plot_type={plot_type!r}, wanted one of {', '.join(map(repr, PLOT_TYPES))}.\n"
                "  Choose one of these."
            )
        self[key]
        return find("plot.data_buffer").make(self, key, plot_type, **kwargs)

    # --- inside ---------------------------------------------------------------------------------------

    def _set_up(self) -> None:
        self._columns: dict[str, Ring] = {}
        self._paces: dict[str, Pace | None] = {}  # of columns that have not the input's; None: not known
        self._at: dict[str, Ring] = {}  # the moments their rows stand at
        self._unborn: set[str] = set()  # columns that never had a row: shape and dtype are still open
        self._total = 0  # the number of the next moment
        self._lock = RLock()
        self._watchers = Watchers()
        self._followings: list[Following] = []

    def _extend_plainly(self, data: Mapping[str, Any]) -> bool:
        """Add the rows if they are what nearly all are: as many for every known column and for no other."""
        columns, n = self._columns, -1
        if self._paces or self._unborn or len(data) != len(columns):
            return not data
        for name, rows in data.items():
            ring = columns.get(name)
            if ring is None or type(rows) is not np.ndarray or rows.dtype != ring.dtype or rows.shape[1:] != ring.lead:
                return False
            if rows.shape[0] != n:
                if n >= 0:
                    return False
                n = rows.shape[0]
        if getattr(data, "paces", None):
            return False
        for name, rows in data.items():
            columns[name].extend(rows)
        self._total += max(n, 0)
        return True

    def _as_arrival(self, arrival: Arrival) -> Arrival:
        """Return what this buffer brings to another: it knows the paces, and the moments of the rows."""
        ...
        return arrival

    def _add(self, arrival: Arrival) -> None:
        for name, rows in arrival.arrays.items():
            ring = self._columns.get(name)
            if ring is None and not (len(rows) or arrival.n):
                continue
            if ring is None or (name in self._unborn and len(rows)):
                ring = self._columns[name] = Ring(rows.shape[1:], rows.dtype.newbyteorder("="), self.maxlen)
                self._unborn.add(name)
            if name in arrival.paces:
                self._leave(name, arrival.paces[name])
                self._at[name].extend(self._total + arrival.places[name])
            elif name in self._paces:
                self._join(name)
            if len(rows):
                self._unborn.discard(name)
                ring.extend(rows)
        self._total += arrival.n

    def _leave(self, name: str, pace: Pace | None) -> None:
        """Let a column have another pace than the input's."""
        if name not in self._at:
            rows = len(self._columns[name])
            self._at[name] = Ring.of(np.arange(self._total - rows, self._total), self.maxlen)
        self._paces[name] = pace

    def _join(self, name: str) -> None:
        self._paces.pop(name, None)
        self._at.pop(name, None)

    def _longest(self) -> int:
        return max((len(ring) for name, ring in self._columns.items() if name not in self._paces), default=0)

    def _among(self, name: str, n: int) -> int:
        """Return how many rows of a column are among the oldest ``n`` moments."""
        ring, longest = self._columns[name], self._longest()
        if name not in self._paces:
            return min(max(n - (longest - len(ring)), 0), len(ring))
        if not longest:
            return min(n, len(ring))
        return int(np.searchsorted(self._at[name].rows, self._total - longest + n))

    def _cut(self, parts: Mapping[str, slice]) -> DataBuffer:
        made = DataBuffer(self.maxlen)
        made._columns = {name: Ring.of(self._columns[name].rows[part], self.maxlen) for name, part in parts.items()}
        made._at = {name: Ring.of(ring.rows[parts[name]], self.maxlen) for name, ring in self._at.items()}
        made._paces, made._unborn = dict(self._paces), set(self._unborn)
        made._total = self._total
        return made

    def _drop(self, n: int) -> DataBuffer:
        with self._lock:
            ends = {name: self._among(name, n) for name in self._columns}
            found = self._cut({name: slice(0, end) for name, end in ends.items()})
            found._total = self._total - max(self._longest() - n, 0)
            for name, end in ends.items():
                self._columns[name].popleft(end)
                if name in self._at:
                    self._at[name].popleft(end)
        return found

    def _picked(self, name: str) -> Rows:
        found = _PICK.fullmatch(name) if isinstance(name, str) else None
        if found is not None and found[1] in self:
            rows = self[found[1]]
            if rows.ndim > 1 and int(found[2]) < rows.shape[1]:
                part: Rows = rows[:, int(found[2])]
                return part
        raise self._unknown(name)

    def _unknown(self, name: object) -> KeyError:
        error = KeyError(name)
        error.add_note(f"DataBuffer has the columns: {', '.join(map(str, self._columns)) or 'none'}.")
        return error

    def _level(self, names: Iterable[str] | None, who: str) -> dict[str, Rows]:
        """Return columns of one length: those of the input's pace filled up in front, or such as are of one length."""
        ...
        return {}
