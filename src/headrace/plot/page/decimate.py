"""The lowest and highest value of every so many rows: what a line of ten thousand points a second looks like.

Buckets begin at multiples of their length in absolute row numbers, so that a picture that moves on does not shimmer, and
is the same however the rows were cut.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def decimate(rows: Array, first: int, size: int) -> tuple[int, Array, Array]:
    """Return the lowest and the highest value of each bucket that some rows fall into.

    Parameters
    ----------
    rows
        Numbers, ``(n, ...)`` with n at least 1. NaN is left out; of nothing but NaN the lowest and highest are NaN.
    first
        The number of the first row.
    size
        Rows in a bucket; bucket k holds the rows from ``k * size`` on.

    Returns
    -------
    number, low, high
        The number of the first bucket, and ``(buckets, ...)`` each. The first and last may be of a part of their rows.

    Examples
    --------
    >>> number, low, high = decimate(np.array([5.0, 1.0, 2.0, 9.0, 4.0]), first=7, size=4)
    >>> number, low.tolist(), high.tolist()
    (1, [5.0, 1.0], [5.0, 9.0])
    """
    number = first // size
    last = (first + len(rows) - 1) // size
    edges = np.arange(number, last + 1) * size - first
    edges[0] = 0
    return number, np.fmin.reduceat(rows, edges), np.fmax.reduceat(rows, edges)


class Buckets:
    """The newest buckets of some channels, in memory that does not grow.

    Parameters
    ----------
    channels
        Values in a row.
    size
        Rows in a bucket.
    capacity
        How many buckets are kept.
    low
        Whether the lowest values are kept, too.
    dtype
        Of what is kept, a float.

    Examples
    --------
    >>> buckets = Buckets(channels=1, size=2, capacity=100)
    >>> buckets.add(np.arange(7.0).reshape(7, 1), first=0)
    >>> number, low, high = buckets.since(0, factor=2, most=10)
    >>> number, low[:, 0].tolist(), high[:, 0].tolist()
    (0, [0.0, 4.0], [3.0, 6.0])
    """

    size: int
    capacity: int
    end: int
    begin: int

    def __init__(self, channels: int, size: int, capacity: int, *, low: bool = True, dtype: Any = np.float64) -> None:
        self.size, self.capacity = size, capacity
        self.end = 0  # the number of the row after the newest
        self.begin = 0  # the number of the oldest row there ever was
        self._high: Array = np.full((capacity, channels), np.nan, dtype)
        self._low: Array | None = np.full((capacity, channels), np.nan, dtype) if low else None
        self._empty = True

    def add(self, rows: Array, first: int) -> None:
        """Take rows, ``(n, channels)``, numbered from ``first`` on; those left out since the last are missing.

        Rows older than the newest that is there are of no effect.
        """
        if not self._empty and first < self.end:
            rows, first = rows[self.end - first :], self.end
        if len(rows) == 0:
            return
        number, low, high = decimate(rows, first, self.size)
        last = number + len(high) - 1
        if self._empty:
            self.begin, newest = first, number - 1
        else:
            newest = (self.end - 1) // self.size
        self._empty = False
        self.end = first + len(rows)
        oldest = max(number, last - self.capacity + 1)
        low, high = low[oldest - number :], high[oldest - number :]
        if oldest == newest:  # the first of them is there in part
            at = oldest % self.capacity
            high[0] = np.fmax(high[0], self._high[at])
            if self._low is not None:
                low[0] = np.fmin(low[0], self._low[at])
        self._put(np.arange(max(newest + 1, last - self.capacity + 1), oldest), np.nan, np.nan)
        self._put(np.arange(oldest, last + 1), low, high)

    def _put(self, numbers: Array, low: Any, high: Any) -> None:
        places = numbers % self.capacity
        with np.errstate(over="ignore"):  # float32 has no room for it: infinite then, and not drawn
            self._high[places] = high
            if self._low is not None:
                self._low[places] = low

    def since(self, number: int, factor: int, most: int) -> tuple[int, Array | None, Array]:
        """Return buckets of ``factor`` times the length, from ``number`` on or the newest ``most`` of them.

        Returns
        -------
        number, low, high
            The number of the first of them, at that length, and ``(buckets, channels)`` each. The last may be of a part
            of its rows. Buckets of which a part has been forgotten are left out.
        """
        if self._empty:
            return number, None if self._low is None else self._low[:0], self._high[:0]
        newest = (self.end - 1) // self.size
        kept = newest - self.capacity + 1
        oldest = self.begin // self.size
        start = -(-kept // factor) if kept > oldest else oldest // factor
        last = newest // factor
        number = max(number, start, last - most + 1)
        numbers = np.arange(number * factor, max(number, last + 1) * factor)
        places = numbers % self.capacity
        absent = (numbers < oldest) | (numbers > newest)

        def coarse(of: Array, reduce: np.ufunc) -> Array:
            found = of[places]
            found[absent] = np.nan
            made: Array = reduce.reduce(found.reshape(-1, factor, found.shape[1]), axis=1)
            return made

        return (
            number,
            None if self._low is None else coarse(self._low, np.fmin),
            coarse(self._high, np.fmax),
        )
