"""Columns that are read, or computed, when they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any, Final

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from headrace.core.block import ROWS, Block
from headrace.core.coerce import as_stream
from headrace.errors import DataError
from headrace.ops.blocks import blocks as cut

PIECE: Final = 1 << 22  # bytes that are read at a time where all are wanted one after the other


class Column(NDArrayOperatorsMixin):
    """A column that is not in memory: an array in all that can be done with one, read where it is looked at.

    Parameters
    ----------
    rows
        ``rows(lo, hi)`` returns the rows of a range, an array ``(hi - lo, ...)``.
    n, dtype, shape
        How many there are, their dtype, and the shape of one.

    Examples
    --------
    >>> column = Column(lambda lo, hi: np.arange(lo, hi) * 2, 10**12, np.dtype(int), ())
    >>> column[-3:].tolist(), int(column[5]), len(column), column.shape
    ([1999999999994, 1999999999996, 1999999999998], 10, 1000000000000, (1000000000000,))
    """

    def __init__(
        self, rows: Callable[[int, int], Any], n: int, dtype: np.dtype[Any], shape: tuple[int, ...], name: str = ""
    ) -> None:
        self.rows: Callable[[int, int], Any] = rows
        self.dtype: np.dtype[Any] = dtype
        self.shape: tuple[int, ...] = (n, *shape)
        self.name: str = name

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(prod(self.shape))

    @property
    def nbytes(self) -> int:
        """How many bytes it would take in memory."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """Return what ``array[index]`` would; no rows outside are read, for a slice or a number on axis 0."""
        first, *rest = index if isinstance(index, tuple) else (index,)
        n = len(self)
        if first is Ellipsis or first is None:
            return self.rows(0, n)[index]
        if isinstance(first, slice):
            at = range(*first.indices(n))
            if not at:
                found = self.rows(0, 0)
            elif at.step > 0:
                found = self.rows(at.start, at[-1] + 1)[:: at.step]
            else:
                found = self.rows(at[-1], at.start + 1)[:: at.step]
            return found[(slice(None), *rest)] if rest else found
        try:
            k = first.__index__() if not isinstance(first, bool | np.ndarray) else None
        except AttributeError:
            k = None
        if k is not None:
            if not -n <= k < n:
                raise IndexError(f"row {k} of a column of {n} rows")
            found = self.rows(k % n, k % n + 1)[0]
            return found[tuple(rest)] if rest else found
        return np.asarray(self)[index]

    def pieces(self, size: int = PIECE) -> Iterator[Any]:
        """Yield all rows, in arrays of about ``size`` bytes."""
        step = max(1, size // max(1, self.nbytes // max(1, len(self))))
        for lo in range(0, len(self), step):
            yield self.rows(lo, min(lo + step, len(self)))

    def __iter__(self) -> Iterator[Any]:
        for piece in self.pieces():
            yield from piece

    def tolist(self) -> list[Any]:
        """Return all of it as lists."""
        found: list[Any] = np.asarray(self).tolist()
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if copy is False:
            raise ValueError("a column that is not in memory cannot be an array without a copy")
        found = self.rows(0, len(self))
        return found if dtype is None else found.astype(dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        arrays = [np.asarray(each) if isinstance(each, Column) else each for each in inputs]
        return getattr(ufunc, method)(*arrays, **kwargs)

    def __repr__(self) -> str:
        return f"Column({self.name!r}, {self.dtype}, {self.shape})"


class Raw(Block):
    """Columns of a whole recording, each read when it is looked at: a Block that may be larger than memory.

    ``raw["x"]`` is a column, ``raw["x"][a:b]`` an array, ``raw[a:b]`` a Block of those rows, :meth:`blocks` yields it
    as it was recorded, block by block.
    """

    _walk: Callable[[], Iterator[Block]] | None = None
    _computed = False

    @classmethod
    def over(cls, whole: Block, walk: Callable[[], Iterator[Block]] | None, *, computed: bool = False) -> Raw:
        """Return columns as a Raw whose blocks ``walk`` yields; by default pieces of them.

        ``computed`` is whether its columns are made by going through these blocks, and not read.
        """
        made = cls.of(whole, whole.first, whole.n, whole.rate, whole.paces, whole.latencies, whole.times, whole.before)
        assert isinstance(made, Raw)
        made._walk, made._computed = walk, computed
        return made

    def blocks(self, n: int | None = None) -> Iterator[Block]:
        """Yield it block by block, never more of it in memory.

        Parameters
        ----------
        n
            Rows in a block; by default as they were recorded.

        Raises
        ------
        DataError
            When ``n`` is less than 1, or is given and blocks cannot be joined: other columns, from some block on.
        """
        if n is None and self._walk is not None:
            yield from self._walk()
            return
        step = self._step() if n is None else n
        if step < 1:
            raise DataError(
                f"blocks(n) got {n!r}, wanted a number of rows, 1 or more.\n  Leave it out for those recorded."
            )
        if self._computed and self._walk is not None:  # once through, where a slice computes all before it
            yield from as_stream(map(self._own, self._walk())) | cut(step, first=self.first)
            return
        for lo in range(0, self.n, step):
            yield self[lo : min(lo + step, self.n)]

    def _own(self, block: Block) -> Block:
        """Return a block with our columns only: those that all blocks have."""
        if len(block) == len(self):
            return block
        columns = {name: block[name] for name in self}
        return Block.of(
            columns, block.first, block.n, block.rate, block.paces, block.latencies, block.times, block.before
        )

    def _step(self) -> int:
        each = sum(int(column.nbytes) // max(1, len(column)) for column in self.values())
        return max(1, PIECE // max(1, each))

    def __getitem__(self, name: Any) -> Any:
        """Return a column, or a Block of the rows of a slice, with what slower and faster columns have there."""
        if not isinstance(name, slice):
            return super().__getitem__(name)
        lo, hi, step = name.indices(self.n)
        if step != 1:
            raise DataError(f"raw[a:b] got a step of {step}, wanted rows that follow each other.\n  Leave it out.")
        hi = max(lo, hi)
        columns = {}
        for each, column in self.items():
            start, stop = lo, hi
            pace = self.paces.get(each, ROWS)
            if pace != ROWS:
                given = pace.rows_before(self.first)
                start, stop = (pace.rows_before(self.first + at) - given for at in (lo, hi))
            columns[each] = column[start:stop]
        times, before = self.times, self.before
        if times is not None:
            before = float(times[lo - 1]) if lo else before
            times = next((columns[each] for each, column in self.items() if column is self.times), None)
            if times is None:
                times = self.times[lo:hi]
        return Block.of(columns, self.first + lo, hi - lo, self.rate, self.paces, self.latencies, times, before)

    def __missing__(self, name: str) -> Any:
        raise KeyError(f"{name!r}; there are {', '.join(map(repr, self))}. A column of some blocks only is in blocks()")

    def __repr__(self) -> str:
        return f"Raw({self.n} rows of {', '.join(self)})"
