"""Group items into columns."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from math import ceil, inf
from typing import Any

from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.items import Ragged, stack
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Field, Spec, Stream
from headrace.errors import StreamConfigError
from headrace.ops.base import OpCursor
from headrace.ops.select import count_of


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
class BatchOf(Stream[Any]):
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
        return ceil(size / self.n) if self.partial else size // self.n

    @property
    def spec(self) -> Spec | None:
        inside = self.source.spec
        if inside is None or self.axis is not None:
            return None
        return {name: Field((None, *f.shape), f.dtype, ("item", *f.dims)) for name, f in inside.items()}

    def start(self, key: Key) -> Cursor[Any]:
        return _Batching(self, key)


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
