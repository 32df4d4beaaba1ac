"""Group items into columns."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import islice
from math import inf
from typing import Any

import numpy as np

from headrace.core.batch import Batch
from headrace.core.coerce import as_stream
from headrace.core.columns import cut, each_leaf, narrowed
from headrace.core.cursor import Cursor
from headrace.core.indexed import Bound, Indexed, Places, runs
from headrace.core.items import Ragged, leaves, stack
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.places import lap_pieces
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec, Stream
from headrace.errors import DataError, StreamConfigError
from headrace.ops.base import OpCursor
from headrace.ops.select import count_of

BYTES = 1 << 17  # batches made together at most: memory for more is asked of the system, which clears it every time


def batch(n: int, *, partial: bool = True, axis: int | None = None, ragged: Ragged = None) -> Op[Any, Any]:
    """Group ``n`` items into columns: a :class:`headrace.Batch` for dicts, a tuple of columns for tuples.

    Parameters
    ----------
    n
        Items in a batch.
    partial
        Keep a short last batch.
    axis
        ``None`` stacks items along a new first axis; an integer joins along an axis their arrays have already.
    ragged
        ``"list"`` keeps a list of the values of a field that do not make an array.

    Raises
    ------
    StreamConfigError
        When ``n`` is not a whole number of at least 1, or ``axis`` or ``ragged`` is neither of the above.
    DataError
        While running, when items do not stack; names the field and both items.

    Examples
    --------
    >>> import headrace as hr
    >>> stream = hr.Streamer([{"X": [1, 2], "Y": 0}, {"X": [3, 4], "Y": 1}, {"X": [5, 6], "Y": 0}])
    >>> for b in stream | hr.batch(2):
    ...     print(b["X"].shape, b["Y"].tolist())
    (2, 2) [0, 1]
    (1, 2) [0]
    """
    return Op(BatchOf, n, partial=partial, axis=axis, ragged=ragged)


def buffer_stream(
    stream: Any, buffer_size: int, partial: bool = False, axis: int | None = None, ragged: Ragged = None
) -> Stream[Any]:
    """Return ``stream`` in batches of ``buffer_size``; a short last batch is dropped unless ``partial``.

    As :func:`batch` in every other respect; ``stream`` is anything that makes items.

    Examples
    --------
    >>> import headrace as hr
    >>> [b["X"].tolist() for b in hr.buffer_stream([{"X": 1}, {"X": 2}, {"X": 3}], 2)]
    [[1, 2]]
    """
    return BatchOf(as_stream(stream), buffer_size, partial=partial, axis=axis, ragged=ragged)


@register("batch", example=lambda: BatchOf(as_stream([{"X": (i, i), "Y": i} for i in range(130)]), 4))
@recipe
class BatchOf(Indexed[Any]):
    """The recipe of :func:`batch`."""

    source: Stream[Any]
    n: int
    partial: bool = True
    axis: int | None = None
    ragged: Ragged = None

    def __post_init__(self) -> None:
        self.fix(n=count_of("batch(n)", self.n))
        if self.axis is not None and not isinstance(self.axis, int):
            raise StreamConfigError(f"batch(axis=) got {self.axis!r}, wanted None or an integer.")
        if self.ragged not in (None, "list"):
            raise StreamConfigError(f'batch(ragged=) got {self.ragged!r}, wanted None or "list".')

    @property
    def size(self) -> float | None:
        size = self.source.size
        if size is None or size == inf:
            return size
        return -(-size // self.n) if self.partial else size // self.n

    @property
    def spec(self) -> Spec | None:
        inside = self.source.spec
        if inside is None or self.axis is not None:
            return None
        return {name: Field((None, *f.shape), f.dtype, ("item", *f.dims)) for name, f in inside.items()}

    @property
    def stride(self) -> int:
        return self.n

    def bind(self, key: Key) -> Bound[Any]:
        return _Batched(self, key)

    def start_cursor(self, key: Key) -> Cursor[Any]:
        return _Batching(self, key)


class _Batched(Bound[Any]):
    """Batch b of lap e is rows ``b n`` to ``(b + 1) n`` of the source's lap e; the last of a lap may be short."""

    stream: BatchOf

    def __init__(self, stream: BatchOf, key: Key) -> None:
        super().__init__(stream, key)
        source: Any = stream.source
        self.source: Bound[Any] = source.bound(key)
        self.n, self.size, self.rows = stream.n, stream.extent(), source.extent()
        self.plain = stream.axis is None and stream.ragged is None
        self.ahead = min(self.source.ahead, BYTES // self.source.row_bytes) // self.n if self.plain else 0
        self.row_bytes = self.source.row_bytes * self.n

    def walk(self, at: Places) -> Iterator[Any]:
        if self.ahead < 2 or not isinstance(at, range) or at.step != 1:
            for i in at if isinstance(at, range) else at.tolist():
                yield self._one(self._rows_of(i))
            return
        for piece in lap_pieces(at, self.size):
            for run in runs(piece, self.ahead, first=1):
                yield from self._many(run)

    def _rows_of(self, i: int) -> range:
        if self.size == inf:
            return range(i * self.n, i * self.n + self.n)
        lap, b = divmod(i, int(self.size))
        first = lap * int(self.rows)
        return range(first + b * self.n, first + min(b * self.n + self.n, int(self.rows)))

    def _one(self, rows: range) -> Any:
        recipe = self.stream
        if self.plain:
            try:
                return self.source.columns(rows)
            except DataError:
                pass  # said again in terms of this batch
        items = list(self.source.walk(rows))
        return stack(items, axis=recipe.axis, ragged=recipe.ragged, who=f"batch({recipe.n})")

    def _many(self, at: Any) -> Iterator[Any]:
        """Yield neighbouring batches from one question to the source."""
        first, last = self._rows_of(at[0]), self._rows_of(at[-1])
        try:
            columns = self.source.columns(range(first.start, last.stop))
        except DataError:
            yield from (self._one(self._rows_of(i)) for i in at)
            return
        n, numeric = self.n, _numeric(columns)
        if numeric and type(columns) is Batch and not any(isinstance(c, dict | tuple) for c in columns.values()):
            fields = list(columns.items())
            for lo in range(0, len(at) * n, n):
                yield Batch.of({name: column[lo : lo + n] for name, column in fields})
            return
        for lo in range(0, len(at) * n, n):
            batch = cut(columns, lo, lo + n)
            yield batch if numeric else each_leaf(narrowed, batch)

    def columns(self, at: Places) -> Any:
        full = self.size == inf or self.rows % self.n == 0 or self.stream.partial is False
        if full and self.plain and isinstance(at, range) and at.step == 1 and self._together(at):
            rows = range(self._rows_of(at[0]).start, self._rows_of(at[-1]).stop)
            columns = self.source.columns(rows)
            if all(isinstance(leaf, np.ndarray) for _, leaf in leaves(columns)):
                return each_leaf(lambda column: column.reshape(len(at), self.n, *column.shape[1:]), columns)
        return stack(list(self.walk(at)), who=f"batches of {self.n}")

    def _together(self, at: range) -> bool:
        """Tell whether the rows of neighbouring batches are neighbours: within a lap, or when laps have no rest."""
        return self.size == inf or self.rows == self.size * self.n or at[0] // self.size == at[-1] // self.size


def _numeric(columns: Any) -> bool:
    """Tell whether all columns are arrays that a part of stays as it is: of anything but strings."""
    return all(isinstance(leaf, np.ndarray) and leaf.dtype.kind not in "SU" for _, leaf in leaves(columns))


class _Batching(OpCursor[Any]):
    """``held`` is the beginning of the next batch: not empty only around an error."""

    stream: BatchOf

    def run(self) -> Generator[Any, None, None]:
        recipe = self.stream
        n, axis, ragged, who = recipe.n, recipe.axis, recipe.ragged, f"batch({recipe.n})"
        while True:
            held = self.held
            held.extend(islice(self.source.items, n - len(held)))
            if len(held) < n and not (recipe.partial and held):
                return
            columns = stack(held, axis=axis, ragged=ragged, who=who)
            self.held = []
            self.count += 1
            yield columns
