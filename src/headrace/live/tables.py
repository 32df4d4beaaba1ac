"""Tables and files as devices: what was measured once, where a sensor would be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.block import Block
from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError
from headrace.live.buffers.tables import from_frame
from headrace.live.devices.active import Active
from headrace.live.devices.managed import Managed
from headrace.live.devices.protocol import State
from headrace.live.devices.wake import Wake
from headrace.live.wav import read_wav

Array = np.ndarray[Any, Any]


class Table(Managed):
    """A device that plays the rows of columns, so many at each read: at the speed of who reads.

    It is stopped once the last row has been read; further reads give columns of no rows.

    Parameters
    ----------
    columns
        Arrays by name, ``(n, ...)``.
    lines_per_read
        How many rows a read gives; negative for all of them, at each read.
    rate
        Rows a second, where that is known.
    timestamp_key
        The column of times.

    Raises
    ------
    StreamConfigError
        When ``lines_per_read`` is 0.
    DataError
        When the columns differ in length.

    Examples
    --------
    >>> with Table({"x": np.arange(5)}, lines_per_read=3) as table:
    ...     table.read()["x"], table.read()["x"], table.read()["x"], bool(table.is_active)
    (array([0, 1, 2]), array([3, 4]), array([], dtype=int64), False)
    """

    lines_per_read: int
    timestamp_key: str

    def __init__(
        self,
        columns: Mapping[str, Any],
        lines_per_read: int = 5,
        *,
        rate: float | None = None,
        timestamp_key: str = "timestamp",
    ) -> None:
        self._set_up(lines_per_read, rate, timestamp_key)
        self._fill(columns)

    def _set_up(self, lines_per_read: int, rate: float | None, timestamp_key: str) -> None:
        if not lines_per_read:
            raise StreamConfigError(
                f"{type(self).__name__} got lines_per_read=0, wanted how many rows a read gives.\n"
                "  A negative number is all of them, at each read."
            )
        self.arrived: Wake = Wake()
        self.lines_per_read, self.timestamp_key = int(lines_per_read), timestamp_key
        self._rate: float | None = rate
        self._state: State = "idle"
        self._columns: dict[str, Array] = {}
        self._rows = self._at = self._produced = 0

    def _fill(self, columns: Mapping[str, Any]) -> None:
        self._columns = {name: np.asarray(column) for name, column in columns.items()}
        self._rows = Block(self._columns).n

    def start(self) -> None:
        """Begin with the first row; of no effect while it runs."""
        if self._state != "running":
            self._at, self._state = 0, "running"
            self.arrived.set()

    def stop(self) -> None:
        """End; rows that were not read are not given any more. Twice is fine."""
        if self._state == "running":
            self._state = "stopped"
            self.arrived.set()

    def read(self) -> Block:
        """Return the next rows.

        Raises
        ------
        DataError
            When it was never started.
        """
        if self._state == "idle":
            raise DataError(f"{self!r}.read() came before start(), wanted it after.\n  Start it, or use it in a with.")
        if self._state != "running":
            return self._part(self._at, self._at)
        if self.lines_per_read < 0:
            return self._part(0, self._rows)
        lo = self._at
        self._at = min(self._rows, lo + self.lines_per_read)
        if self._at == self._rows:
            self._state = "stopped"
        self.arrived.set()  # there is more, or the end
        return self._part(lo, self._at)

    def _part(self, lo: int, hi: int) -> Block:
        first = self._produced
        self._produced += hi - lo
        columns = {name: column[lo:hi] for name, column in self._columns.items()}
        return Block(columns, first=first, rate=self._rate, timestamp=self.timestamp_key)

    @property
    def state(self) -> State:
        """How it is: ``"idle"``, ``"running"`` or ``"stopped"``."""
        return self._state

    @property
    def is_active(self) -> Active:
        """Whether there are rows to come; true or false, and callable."""
        return Active(self._state == "running")

    @property
    def rate(self) -> float | None:
        """Rows a second, where that is known."""
        return self._rate

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns."""
        return tuple(self._columns)

    def signal_names(self) -> list[str]:
        """Return the names of its columns."""
        return list(self._columns)

    def stats(self) -> dict[str, Any]:
        """Return what it counts: rows ``produced`` and ``delivered``; none waits, is dropped or late."""
        return {"produced": self._produced, "delivered": self._produced, "dropped": 0, "pending": 0, "late": 0}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._rows} rows of {list(self._columns)})"


class DataFrameSource(Table):
    """A device that plays the rows of a DataFrame; columns ``name_0``, ``name_1``, ... are one, ``(n, k)``.

    Parameters
    ----------
    df
        The DataFrame.
    lines_per_read, rate, timestamp_key
        As for :class:`Table`.

    Raises
    ------
    StreamConfigError, DataError
        As :class:`Table`.

    Examples
    --------
    >>> import pandas
    >>> df = pandas.DataFrame({"acc_0": [1.0, 2.0], "acc_1": [3.0, 4.0], "peak": [0, 1]})
    >>> with DataFrameSource(df, lines_per_read=1) as source:
    ...     source.read()
    {'acc': array([[1., 3.]]), 'peak': array([0])}
    """

    def __init__(
        self, df: Any, lines_per_read: int = 5, *, rate: float | None = None, timestamp_key: str = "timestamp"
    ) -> None:
        self._set_up(lines_per_read, rate, timestamp_key)
        self._fill(from_frame(df))


class FileSource(Table):
    r"""A device that plays the rows of a file.

    Parameters
    ----------
    filename
        A table, ``.csv``, ``.parquet`` or ``.pkl``, of columns as for :class:`DataFrameSource`; or ``.wav``, whose
        column is ``audio``, ``(n,)`` or ``(n, channels)``, and whose ``rate`` is known.
    lines_per_read
        As for :class:`Table`.
    line_offset
        How many rows to pass at the beginning.
    allow_pickle
        Whether a ``.pkl`` is opened: a pickle can run any code.
    timestamp_key
        As for :class:`Table`.

    Raises
    ------
    StreamConfigError
        When the file is of another kind, or a pickle that is not allowed.
    OSError
        When it cannot be read.
    MissingExtraError
        When the package that reads it is not installed.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "table.csv"
    ...     _ = path.write_text("x,y\n1,2.5\n3,4.5\n")
    ...     with FileSource(path, line_offset=1) as source:
    ...         source.read()
    {'x': array([3]), 'y': array([4.5])}
    """

    def __init__(
        self,
        filename: Any,
        lines_per_read: int = 5,
        line_offset: int = 0,
        *,
        allow_pickle: bool = False,
        timestamp_key: str = "timestamp",
    ) -> None:
        self._set_up(lines_per_read, None, timestamp_key)
        self.filename: Path = Path(filename)
        if line_offset < 0:
            raise StreamConfigError(
                f"FileSource got line_offset={line_offset!r}, wanted 0 or more.\n  It is how many rows to pass."
            )
        columns = self._opened(self.filename, allow_pickle)
        self._fill({name: column[line_offset:] for name, column in columns.items()})

    def _opened(self, path: Path, allow_pickle: bool) -> Mapping[str, Array]:
        suffix = path.suffix.lower()
        if suffix == ".wav":
            self._rate, audio = read_wav(path)
            return {"audio": audio}
        if suffix not in (".csv", ".parquet", ".pkl", ".pickle"):
            raise StreamConfigError(
                f"FileSource got {path.name!r}, wanted a .csv, .parquet, .pkl or .wav file.\n"
                "  DataFrameSource plays what pandas reads from other files."
            )
        if suffix in (".pkl", ".pickle") and not allow_pickle:
            raise StreamConfigError(
                f"FileSource got the pickle {path.name!r}, wanted allow_pickle=True for it: a pickle can run any code.\n"
                "  Pass that for a file of your own, or save a .parquet."
            )
        pandas = optional("pandas", "trees", "FileSource")
        if suffix == ".parquet":
            optional("pyarrow", "store", "FileSource of a .parquet file")
            return from_frame(pandas.read_parquet(path))
        return from_frame(pandas.read_csv(path) if suffix == ".csv" else pandas.read_pickle(path))
