"""Columns of n items."""

from __future__ import annotations

from typing import Any

from headrace.errors import DataError


class Batch(dict[str, Any]):
    """A dict of columns of equal length, the item on axis 0.

    Raises
    ------
    DataError
        When the columns have different lengths or one has none.

    Examples
    --------
    >>> import numpy as np
    >>> batch = Batch(X=np.zeros((32, 128)), Y=np.arange(32))
    >>> batch.n
    32
    >>> Batch(X=[1, 2], Y=[3])
    Traceback (most recent call last):
    headrace.errors.DataError: Batch got columns of lengths {'X': 2, 'Y': 1}, wanted one length.
    """

    def __init__(self, *args: Any, **columns: Any) -> None:
        super().__init__(*args, **columns)
        lengths = {name: _length(name, column) for name, column in self.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"Batch got columns of lengths {lengths}, wanted one length.")

    @classmethod
    def of(cls, columns: dict[str, Any]) -> Batch:
        """Return a batch of columns that are known to be of one length."""
        batch = cls.__new__(cls)
        batch.update(columns)
        return batch

    @property
    def n(self) -> int:
        """The number of items."""
        return _length("", next(iter(self.values()))) if self else 0


def _length(name: Any, column: Any) -> int:
    while isinstance(column, tuple) and column:  # the columns of a tuple-valued field
        column = column[0]
    if isinstance(column, Batch):
        return column.n
    try:
        return len(column)
    except TypeError:
        raise DataError(f"Batch got {column!r} for column {name!r}, wanted something with a length.") from None
