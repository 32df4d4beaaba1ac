"""What a follower said lately, and which of it belongs to a row of its leader."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from headrace.errors import DataError

Array = np.ndarray[Any, Any]


class History:
    """The newest samples of a follower, by time.

    Parameters
    ----------
    max_bytes
        How much is kept of what no row has asked for.
    like
        An example of each column's value, where they are known before the first sample.

    Examples
    --------
    >>> history = History()
    >>> history.add(np.array([1.0, 2.0, 3.0]), {"x": np.array([10, 20, 30])})
    >>> history.latest(np.array([0.5, 2.5])).tolist(), history.nearest(np.array([0.5, 2.6])).tolist()
    ([-1, 1], [0, 2])
    >>> history.forget_before(2.5)  # the sample at 2.0 is the latest of moments from 2.5 on
    >>> history.times.tolist(), history.base
    ([2.0, 3.0], 1)
    """

    def __init__(self, max_bytes: int = 1 << 26, like: Mapping[str, Any] | None = None) -> None:
        self.times: Array = np.zeros(0)
        examples = {name: np.asarray(value) for name, value in (like or {}).items()}
        self.columns: dict[str, Array] = {
            name: np.empty((0, *value.shape), value.dtype) for name, value in examples.items()
        }
        self.base: int = 0  # the number of the first sample that is kept
        self.lost: int = 0  # samples that went because too many were kept
        self._max_bytes = max_bytes

    def __len__(self) -> int:
        return len(self.times)

    def add(self, times: Array, columns: Mapping[str, Any]) -> None:
        """Add samples; a time before that of the sample before is taken for that."""
        if not len(times):
            return
        if self.columns and self.columns.keys() != columns.keys():
            raise DataError(
                f"a follower gave columns {list(columns)}, wanted {list(self.columns)} as before.\n"
                "  Give the same every time."
            )
        for name, before in self.columns.items():
            if columns[name].shape[1:] != before.shape[1:]:
                raise DataError(
                    f"a follower gave {name!r} of shape {columns[name].shape[1:]}, wanted {before.shape[1:]} as before.\n"
                    "  Give values of one shape; like= is to have it, too."
                )
        found = np.concatenate([self.times, np.asarray(times, dtype=np.float64)])
        self.times = np.maximum.accumulate(found)
        if self.columns:
            self.columns = {name: np.concatenate([self.columns[name], column]) for name, column in columns.items()}
        else:
            self.columns = {name: np.asarray(column) for name, column in columns.items()}
        row_bytes = 8 + sum(column.nbytes / len(column) for column in self.columns.values())
        excess = len(self) - max(2, int(self._max_bytes // row_bytes))
        if excess > 0:
            self.lost += excess
            self._cut(excess)

    def latest(self, at: Array) -> Array:
        """Return for each moment the sample at or before it, -1 where there is none."""
        return np.searchsorted(self.times, at, side="right") - 1

    def nearest(self, at: Array) -> Array:
        """Return for each moment the sample next to it, the earlier of two as near; -1 where there is none."""
        if not len(self):
            return np.full(len(at), -1)
        right = np.searchsorted(self.times, at, side="left").clip(0, len(self) - 1)
        left = (right - 1).clip(0)
        return np.where(at - self.times[left] <= self.times[right] - at, left, right)

    def forget_before(self, moment: float, *, keep: int = 1) -> None:
        """Forget all but the last ``keep`` samples of those up to a moment."""
        self._cut(max(0, int(np.searchsorted(self.times, moment, side="right")) - keep))

    def _cut(self, n: int) -> None:
        if n:
            self.times = self.times[n:]
            self.columns = {name: column[n:] for name, column in self.columns.items()}
            self.base += n


def with_gaps(column: Array, missing: Array) -> Array:
    """Return a copy of a column with NaN, or None where its type knows no NaN, in the rows that are missing.

    Integers and truths become float64 whether any is missing or not, so that the type of a column does not change from
    block to block.

    Examples
    --------
    >>> with_gaps(np.array([1, 2]), np.array([False, True])), with_gaps(np.array(["a"]), np.array([True]))
    (array([ 1., nan]), array([None], dtype=object))
    """
    if column.dtype.kind in "iub":
        found = column.astype(np.float64)
    elif column.dtype.kind in "fc":
        found = column.copy()
    elif column.dtype.kind in "mM":
        found = column.copy()
        found[missing] = np.array("NaT", column.dtype)
        return found
    else:
        found = column.astype(object)
        found[missing] = None
        return found
    found[missing] = np.nan
    return found
