"""A buffer of the rows of one array."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from headrace.errors import StreamConfigError
from headrace.live.buffers.base import Buffer, BufferShapeError
from headrace.live.buffers.ring import Ring, Rows


class NumpyBuffer(Buffer):
    """The newest rows of one array, time on axis 0.

    Parameters
    ----------
    maxlen
        How many rows stay; all by default.
    n_cols
        The shape of a row, a whole number or several; that of the first rows by default.

    Raises
    ------
    StreamConfigError
        For a ``maxlen`` below 1 or an ``n_cols`` that is no shape.

    Examples
    --------
    >>> buffer = NumpyBuffer(maxlen=3, n_cols=2)
    >>> buffer.extend([[1, 2], [3, 4]])
    >>> buffer.append([5, 6])
    >>> buffer.append([7, 8])
    >>> buffer.view().tolist()
    [[3, 4], [5, 6], [7, 8]]
    >>> buffer.popleft(2).tolist(), len(buffer)
    ([[3, 4], [5, 6]], 1)
    """

    def __init__(self, maxlen: int | None = None, n_cols: int | tuple[int, ...] | None = None) -> None:
        super().__init__(maxlen)
        self._lead = None if n_cols is None else _shape(n_cols)
        self._ring: Ring | None = None

    def extend(self, data: Any) -> None:
        """Add rows, ``(n, *n_cols)``; none change nothing.

        The dtype becomes what numpy's concatenation gives.

        Raises
        ------
        BufferShapeError
            When their shape is another; also an ``AssertionError``.
        DataError
            When their dtype cannot be joined with that of the rows.
        """
        rows = np.asarray(data)
        if rows.ndim and not len(rows):
            return
        if rows.ndim == 0 or (self._lead is not None and rows.shape[1:] != self._lead):
            wanted = "(n, ...)" if self._lead is None else str((..., *self._lead)).replace("Ellipsis", "n")
            raise BufferShapeError(
                f"NumpyBuffer.extend got rows of shape {rows.shape}, wanted {wanted}.\n"
                "  Time is axis 0; append(row) adds a single one."
            )
        if self._ring is None:
            self._ring = Ring(rows.shape[1:], rows.dtype.newbyteorder("="), self.maxlen)
            self._lead = rows.shape[1:]
        self._ring.extend(rows)

    def append(self, point: Any) -> None:
        """Add one row, of shape ``n_cols``.

        Raises
        ------
        BufferShapeError
            When its shape is another; also an ``AssertionError``.
        """
        self.extend(np.asarray(point)[np.newaxis])

    def view(self, n: int | None = None) -> Rows:
        """Return the oldest ``n`` rows, or all: a read-only view without a copy, which never changes."""
        rows = self._rows()
        return rows if n is None else rows[: self._count(n, "view")]

    def newest(self, n: int) -> Rows:
        """Return the newest ``n`` rows, or as many as there are: a view like that of :meth:`view`."""
        rows = self._rows()
        return rows[max(len(rows) - self._count(n, "newest"), 0) :]

    def clear(self) -> None:
        """Remove all rows; shape and dtype stay."""
        self._drop(len(self))

    def __len__(self) -> int:
        return 0 if self._ring is None else len(self._ring)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Rows:
        rows = self._rows()
        return np.array(rows, dtype) if copy else np.asarray(rows, dtype)

    def __repr__(self) -> str:
        return f"NumpyBuffer(maxlen={self.maxlen}, shape={self._rows().shape})"

    def _rows(self) -> Rows:
        if self._ring is not None:
            return self._ring.rows
        return np.empty((0, 0) if self._lead is None else (0, *self._lead))

    def _drop(self, n: int) -> Rows:
        return self._rows() if self._ring is None else self._ring.popleft(n)


def _shape(n_cols: int | tuple[int, ...]) -> tuple[int, ...]:
    try:
        found = tuple(map(index, n_cols)) if isinstance(n_cols, (tuple, list)) else (index(n_cols),)
    except TypeError:
        found = (-1,)
    if any(n < 0 for n in found):
        raise StreamConfigError(
            f"NumpyBuffer got n_cols={n_cols!r}, wanted a whole number or a tuple of them.\n"
            "  Give the shape of one row: 3 for vectors, () for single values, (480, 640, 3) for images."
        )
    return found
