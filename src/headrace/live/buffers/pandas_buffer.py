"""A buffer of the rows of one table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.live.buffers.base import Buffer, BufferShapeError


class PandasBuffer(Buffer):
    """The newest rows of a table. Adding rows costs a copy of them; the pieces are joined when they are looked at.

    Parameters
    ----------
    maxlen
        How many rows stay; all by default.
    cols
        The names of the columns; those of the first rows by default. Rows may bring them in any order.

    Raises
    ------
    StreamConfigError
        For a ``maxlen`` below 1, or names that come twice.

    Examples
    --------
    >>> import pandas as pd
    >>> buffer = PandasBuffer(maxlen=3)
    >>> buffer.extend(pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5]}))
    >>> buffer.append({"a": 3, "b": 2.5})
    >>> buffer.append({"a": 4, "b": 3.5})
    >>> buffer.view()["a"].tolist(), buffer.popleft(1)["b"].tolist(), len(buffer)
    ([2, 3, 4], [1.5], 2)
    """

    def __init__(self, maxlen: int | None = None, cols: Iterable[Any] | None = None) -> None:
        super().__init__(maxlen)
        self._cols = None if cols is None else list(cols)
        if self._cols is not None and len(set(self._cols)) != len(self._cols):
            raise StreamConfigError(
                f"PandasBuffer got cols={self._cols}, wanted each name once.\n  Name each column once."
            )
        self._pieces: list[Any] = []
        self._len = 0

    def extend(self, data: Any) -> None:
        """Add the rows of a DataFrame, or of what makes one; none change nothing.

        Raises
        ------
        BufferShapeError
            When their columns are others; also an ``AssertionError``.
        """
        pandas = optional("pandas", "trees", "PandasBuffer")
        frame = data if isinstance(data, pandas.DataFrame) else pandas.DataFrame(data)
        if not len(frame):
            return
        names = list(frame.columns)
        if len(set(names)) != len(names) or (self._cols is not None and set(names) != set(self._cols)):
            raise BufferShapeError(
                f"PandasBuffer.extend got the columns {names}, wanted {'each once' if self._cols is None else self._cols}.\n"
                "  Add the columns that are missing, and leave out the others."
            )
        if self._cols is None:
            self._cols = names
        keep = len(frame) if self.maxlen is None else self.maxlen
        self._pieces.append(frame.iloc[max(len(frame) - keep, 0) :][self._cols].copy())
        self._len += len(self._pieces[-1])
        if self.maxlen is not None and self._len > self.maxlen:
            self._forget(self._len - self.maxlen)

    def append(self, point: Any) -> None:
        """Add one row: a mapping or a Series of values by column, or a DataFrame of one row.

        Raises
        ------
        BufferShapeError
            When its columns are others; also an ``AssertionError``.
        """
        pandas = optional("pandas", "trees", "PandasBuffer")
        if isinstance(point, pandas.DataFrame):
            return self.extend(point)
        if isinstance(point, (Mapping, pandas.Series)):
            names = list(point.keys())
            return self.extend(pandas.DataFrame({name: [point[name]] for name in names}))
        raise BufferShapeError(
            f"PandasBuffer.append got {point!r}, wanted a row: a mapping of values by column.\n"
            "  Name the values; extend(frame) adds several rows."
        )

    def view(self, n: int | None = None) -> Any:
        """Return the oldest ``n`` rows, or all, as a DataFrame of your own."""
        frame = self._whole()
        return _apart(frame if n is None else frame.iloc[: self._count(n, "view")])

    def newest(self, n: int) -> Any:
        """Return the newest ``n`` rows, or as many as there are, as a DataFrame of your own."""
        frame = self._whole()
        return _apart(frame.iloc[max(len(frame) - self._count(n, "newest"), 0) :])

    def clear(self) -> None:
        """Remove all rows; the columns stay."""
        self._pieces, self._len = [], 0

    def __len__(self) -> int:
        return self._len

    def __repr__(self) -> str:
        return f"PandasBuffer(maxlen={self.maxlen}, rows={self._len}, cols={self._cols})"

    def _drop(self, n: int) -> Any:
        found = self.view(n)
        self._forget(n)
        return found

    def _forget(self, n: int) -> None:
        n = min(n, self._len)
        self._len -= n
        done = 0
        while done < len(self._pieces) and len(self._pieces[done]) <= n:
            n -= len(self._pieces[done])
            done += 1
        del self._pieces[:done]
        if n:
            self._pieces[0] = self._pieces[0].iloc[n:]

    def _whole(self) -> Any:
        pandas = optional("pandas", "trees", "PandasBuffer")
        if not self._pieces:
            return pandas.DataFrame(columns=self._cols)
        if len(self._pieces) > 1:
            self._pieces = [pandas.concat(self._pieces)]
        return self._pieces[0]


def _apart(frame: Any) -> Any:
    """Return a frame whose changes do not reach the buffer: pandas 3 copies when it is written to, before it does not."""
    pandas = optional("pandas", "trees", "PandasBuffer")
    return frame.copy(deep=int(pandas.__version__.partition(".")[0]) < 3)
