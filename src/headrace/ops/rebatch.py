"""Cut batches of any sizes into batches of one size, or back into items."""

from __future__ import annotations

from collections.abc import Generator
from math import ceil, inf
from typing import Any

from headrace.core.coerce import as_stream
from headrace.core.columns import cut, joined, rows_in
from headrace.core.cursor import Cursor
from headrace.core.items import unstack
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream
from headrace.errors import DataError, StreamConfigError
from headrace.ops.base import END, OpCursor
from headrace.ops.batch import BatchOf
from headrace.ops.select import count_of


def rebatch(n: int, *, partial: bool = True) -> Op[Any, Any]:
    """Turn batches of any sizes into batches of ``n``; what is left over of one begins the next.

    Parameters
    ----------
    n
        Items in a batch.
    partial
        Keep a short last batch.

    Returns
    -------
    Op
        From columns to columns of the same structure: Batch, dict, tuple, array. A batch that lies within one of the
        source is a view of it.

    Raises
    ------
    StreamConfigError
        When ``n`` is not a whole number of at least 1.
    DataError
        While running, when an item is no columns, or batches do not join: other fields, rows of another shape.

    Examples
    --------
    >>> import headrace as hr
    >>> stream = hr.Streamer(range(8)) | hr.batch(5) | hr.rebatch(3)
    >>> [b.tolist() for b in stream]
    [[0, 1, 2], [3, 4, 5], [6, 7]]
    """
    return Op(Rebatch, n, partial=partial)


def rows(*, slower: str = "raise") -> Op[Any, Any]:
    """Turn batches back into items: the inverse of :func:`headrace.batch`. Arrays are views of the batch.

    Parameters
    ----------
    slower
        What becomes of columns of a block that have not a row for each of its rows: ``"raise"``, or ``"drop"``.

    Raises
    ------
    StreamConfigError
        When ``slower`` is neither.
    DataError
        While running, when an item is no columns, or has slower ones that are not to be dropped.

    Examples
    --------
    >>> import headrace as hr
    >>> [int(i) for i in hr.Streamer(range(4)) | hr.batch(3) | hr.rows()]
    [0, 1, 2, 3]
    """
    return Op(Rows, slower=slower)


def _batches() -> Stream[Any]:
    return BatchOf(as_stream([{"X": (i, i), "Y": i} for i in range(130)]), 7)


@register("rebatch", example=lambda: Rebatch(_batches(), 4))
@recipe
class Rebatch(Stream[Any]):
    """The recipe of :func:`rebatch`."""

    source: Stream[Any]
    n: int
    partial: bool = True

    def __post_init__(self) -> None:
        self.fix(n=count_of("rebatch(n)", self.n))

    @property
    def size(self) -> float | None:
        """Known where the source is itself batches of a known number of items."""
        items = items_in(self.source)
        if items is None or items == inf:
            return items
        return ceil(items / self.n) if self.partial else items // self.n

    @property
    def spec(self) -> Spec | None:
        return self.source.spec

    def start(self, key: Key) -> Cursor[Any]:
        return _Rebatching(self, key)


class _Rebatching(OpCursor[Any]):
    """``held`` are batches not used up, ``used`` the rows of the first that are."""

    stream: Rebatch
    used = 0

    def run(self) -> Generator[Any, None, None]:
        n, who = self.stream.n, f"rebatch({self.stream.n})"
        held = self.held
        ready = sum(rows_in(columns, who) for columns in held) - self.used
        while True:
            while ready < n:
                columns = next(self.source.items, END)
                if columns is END:
                    break
                held.append(columns)
                ready += rows_in(columns, who)
            if ready < n and not (ready and self.stream.partial):
                return
            made = joined(self._pieces(min(n, ready), who), who)
            ready -= min(n, ready)
            self._drop(n, who)
            self.count += 1
            yield made

    def _pieces(self, n: int, who: str) -> list[Any]:
        pieces, start = [], self.used
        for columns in self.held:
            stop = min(rows_in(columns, who), start + n)
            if stop > start:
                pieces.append(cut(columns, start, stop))
            n -= stop - start
            start = 0
            if not n:
                break
        return pieces

    def _drop(self, n: int, who: str) -> None:
        """Use up ``n`` rows, or all there are."""
        self.used += n
        while self.held and self.used >= (first := rows_in(self.held[0], who)):
            del self.held[0]
            self.used -= first
        if not self.held:
            self.used = 0

    def pass_failed(self) -> None:
        who = f"rebatch({self.stream.n})"
        try:
            rows_in(self.held[-1], who)
        except DataError:
            del self.held[-1]  # it has no rows: nothing else is lost
        else:
            self._drop(self.stream.n, who)  # the batch that could not be joined
        self.restart()

    def save(self) -> Any:
        saved = super().save()
        if self.used:
            saved["held"] = [cut(self.held[0], self.used), *self.held[1:]]
        return saved

    def load(self, saved: Any) -> None:
        super().load(saved)
        self.used = 0


@register("rows", example=lambda: Rows(BatchOf(as_stream([{"X": (i, i), "Y": i} for i in range(50)]), 7)))
@recipe
class Rows(Stream[Any]):
    """The recipe of :func:`rows`."""

    source: Stream[Any]
    slower: str = "raise"

    def __post_init__(self) -> None:
        if self.slower not in ("raise", "drop"):
            raise StreamConfigError(f"rows(slower=) got {self.slower!r}, wanted 'raise' or 'drop'.")

    @property
    def size(self) -> float | None:
        """Known where the source is batches of a known number of items."""
        return items_in(self.source)

    def start(self, key: Key) -> Cursor[Any]:
        return _Rowing(self, key)


class _Rowing(OpCursor[Any]):
    """``held`` is the batch in hand, ``used`` the rows of it that were given."""

    stream: Rows
    used = 0
    before = 0  # items given before the batch in hand
    saves = ()

    @property
    def count(self) -> int:  # type: ignore[override]  # the sum of two counts, of which one moves per item
        return self.before + self.used

    def run(self) -> Generator[Any, None, None]:
        while True:
            if not self.held:
                columns = next(self.source.items, END)
                if columns is END:
                    return
                self.held = [columns]
            paces = getattr(self.held[0], "paces", None)
            if paces and self.stream.slower == "drop":
                self.held = [{name: each for name, each in self.held[0].items() if name not in paces}]
            elif paces and len({len(each) for each in self.held[0].values()}) > 1:
                raise DataError(
                    f"rows() got a block in which {', '.join(map(repr, paces))} have other numbers of rows, wanted one "
                    "length.\n  Drop them with rows(slower='drop'), or make them with upsample=True."
                )
            rows_in(self.held[0], "rows()")
            items = unstack(self.held[0])
            for self.used, item in enumerate(items[self.used :] if self.used else items, self.used + 1):
                yield item
            self._done()

    def _done(self) -> None:
        self.held, self.before, self.used = [], self.before + self.used, 0

    def pass_failed(self) -> None:
        self._done()
        self.restart()

    def save(self) -> Any:
        held = [cut(self.held[0], self.used)] if self.used else list(self.held)
        return {"count": self.count, "source": self.source.save(), **({"held": held} if held else {})}

    def load(self, saved: Any) -> None:
        super().load(saved)
        self.before, self.used = saved["count"], 0


def items_in(source: Stream[Any]) -> float | None:
    """Return how many items there are in the batches that ``source`` gives, where that can be known."""
    if isinstance(source, BatchOf) and source.axis is None:
        inside = source.source.size
        if inside is None or inside == inf or source.partial:
            return inside
        return inside // source.n * source.n
    if isinstance(source, Rebatch):
        inside = items_in(source.source)
        if inside is None or inside == inf or source.partial:
            return inside
        return inside // source.n * source.n
    return 0 if source.size == 0 else None
