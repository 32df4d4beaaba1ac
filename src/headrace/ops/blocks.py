"""Make blocks, rows in time, of rows or of batches and blocks of any sizes."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from math import ceil, inf
from typing import Any, Self

from headrace.core.batch import Batch
from headrace.core.block import Block, times_before
from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream, check_shard
from headrace.errors import DataError, StreamConfigError
from headrace.ops.base import END, OpCursor
from headrace.ops.block_pieces import block_of, cut_block, from_plain, join_blocks, joined_rows, to_plain
from headrace.ops.rebatch import items_in
from headrace.ops.select import count_of


def blocks(n: int, rate: float | None = None, first: int | None = None) -> Op[Any, Block]:
    """Make blocks of ``n`` rows in time; the last one may be short.

    Parameters
    ----------
    n
        Rows in a block.
    rate
        Rows a second, where they come evenly; by default what blocks of the source say.
    first
        The number of the first row; by default that of the first block of the source, and 0 for rows and batches.

    Returns
    -------
    Op
        From rows, dicts of numbers and arrays; or from columns, each a :class:`headrace.Batch` or a
        :class:`headrace.core.Block`, which are cut anew. A plain dict counts as one row.

    Raises
    ------
    StreamConfigError
        When ``n`` is no whole number of at least 1, ``rate`` no number above 0, or ``first`` no whole number.
    DataError
        While running, when an item is neither rows nor columns, or they do not join: other names, other paces, rows of
        another shape.

    Examples
    --------
    >>> import headrace as hr
    >>> rows = [{"timestamp": i / 10, "x": i * i} for i in range(5)]
    >>> for block in hr.Streamer(rows) | blocks(3, rate=10.0):
    ...     print(block.first, block["x"].tolist())
    0 [0, 1, 4]
    3 [9, 16]
    """
    return Op(Blocks, n, rate=rate, first=first)


def _example() -> Blocks:
    rows = [{"timestamp": i / 10, "x": [i, -i]} for i in range(90)]
    return Blocks(as_stream(rows), 4, rate=10.0)


@register("blocks", example=_example)
@recipe
class Blocks(Stream[Block]):
    """The recipe of :func:`blocks`."""

    source: Stream[Any]
    n: int
    rate: float | None = None
    first: int | None = None

    def __post_init__(self) -> None:
        self.fix(source=as_stream(self.source), n=count_of("blocks(n)", self.n))
        rate, first = self.rate, self.first
        if rate is not None and not (isinstance(rate, float | int) and not isinstance(rate, bool) and 0 < rate < inf):
            raise StreamConfigError(f"blocks(rate=) got {rate!r}, wanted rows a second, a number above 0.")
        if first is not None and (isinstance(first, bool) or not hasattr(first, "__index__")):
            raise StreamConfigError(f"blocks(first=) got {first!r}, wanted the number of the first row.")

    @property
    def size(self) -> float | None:
        """Known where the source is batches of a known number of items."""
        items = items_in(self.source)
        if items is None or items == inf:
            return items
        return ceil(items / self.n)

    def shard(self, i: int, n: int) -> Self:
        """Raise: rows of a block follow each other in time, and those of a part would not.

        Raises
        ------
        StreamConfigError
            Always.
        """
        check_shard(i, n)
        raise StreamConfigError(
            f"blocks(n={self.n}) cannot be divided: its rows follow each other in time.\n"
            "  Shard a mux or a list of recordings, and make the blocks of each of them."
        )

    def start(self, key: Key) -> Cursor[Block]:
        return _Blocking(self, key)


class _Blocking(OpCursor[Block]):
    """``held`` are items not used up, ``used`` the rows of the first that are."""

    stream: Blocks
    saves = ("count", "row", "before")
    used = 0
    row: int | None = None  # the number of the next row
    before: Any = None  # when the row before it was taken, or several

    def run(self) -> Generator[Block, None, None]:
        n, held = self.stream.n, self.held
        ready = sum(map(self._rows, held)) - self.used
        while True:
            while ready < n:
                item = next(self.source.items, END)
                if item is END:
                    break
                held.append(item)
                ready += self._rows(item)
            if not ready:
                return
            size = min(n, ready)
            made = self._made(size)
            ready -= size
            self._drop(size)
            self.count += 1
            yield made

    def _rows(self, item: Any) -> int:
        if isinstance(item, Block | Batch):
            return item.n
        if isinstance(item, Mapping):
            return 1
        raise DataError(
            f"blocks({self.stream.n}) got {type(item).__name__}, wanted rows, which are dicts, or a Batch or Block.\n"
            "  Give them names with hr.map: lambda x: {'x': x}."
        )

    def _made(self, n: int) -> Block:
        """Return the next ``n`` rows as a block."""
        who = f"blocks({self.stream.n})"
        pieces = joined_rows(list(self._pieces(n, who)), who)
        first = self.row
        if first is None:
            first = self.stream.first if self.stream.first is not None else pieces[0].first
        made = join_blocks(pieces, who, first, self.stream.rate, self.before)
        self.row = first + n
        if made.times is not None:
            self.before = times_before(made.before, made.times, made.paces.values())
        return made

    def _pieces(self, n: int, who: str) -> Generator[Any, None, None]:
        start = self.used
        for item in self.held:
            if not isinstance(item, Block | Batch):
                yield item
                n -= 1
            elif (stop := min(item.n, start + n)) > start:
                yield cut_block(item if isinstance(item, Block) else block_of(item, who), start, stop)
                n -= stop - start
            start = 0
            if not n:
                return

    def _drop(self, n: int) -> None:
        """Use up ``n`` rows, or all there are."""
        self.used += n
        gone = 0
        while gone < len(self.held) and self.used >= (first := self._rows(self.held[gone])):
            self.used -= first
            gone += 1
        del self.held[:gone]
        if not self.held:
            self.used = 0

    def pass_failed(self) -> None:
        try:
            self._rows(self.held[-1])
        except DataError:
            del self.held[-1]  # it has no rows: nothing else is lost
        else:
            self._drop(self.stream.n)  # those that could not be joined
        self.restart()

    def save(self) -> Any:
        saved = super().save()
        if self.held:
            items = list(self.held)
            if self.used:
                whole = items[0] if isinstance(items[0], Block) else block_of(items[0], "blocks")
                items[0] = cut_block(whole, self.used, whole.n)
            saved["held"] = [to_plain(item) for item in items]
        return saved

    def load(self, saved: Any) -> None:
        super().load(saved)
        self.held = [from_plain(item) for item in saved.get("held", ())]
        self.used = 0
