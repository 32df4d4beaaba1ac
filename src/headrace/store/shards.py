"""Run a stream whose items have numbers into a dataset by several processes, each writing parts of its own."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, Self

from headrace.core import Cursor, Key, Stream, as_stream
from headrace.core.indexed import Indexed, unseeded
from headrace.core.items import map_leaves
from headrace.core.key import Seed, seed_integer
from headrace.core.stream import check_shard, why_not
from headrace.errors import SinkError, StreamConfigError
from headrace.store.claims import Claim, begun
from headrace.store.layout import Columns, cut, gathered, joined, length, stacked
from headrace.store.origin import Saved, check_limit, dims_of, gives_batches, kind_of, told
from headrace.store.sinks import GATHER, DatasetSink, copied


class Sharding:
    """A run of one of several shards of a dataset: opened, checked and locked, no part written yet.

    Shard i of n writes the parts p with ``p % n == i``: rows ``p * part`` to ``(p + 1) * part``, taken by number. The
    files are those that one process would write. Whoever finds all parts there marks the dataset complete.

    Parameters
    ----------
    stream
        A stream whose items have numbers (``stream.access == "index"``), with an end or a limit, and with a seed if
        anything in it is random; or anything that makes one.
    path
        The folder that all shards write to.
    shard
        ``(i, n)``, this one and how many there are.
    limit, seed, resume, kind, part, batches
        See :class:`headrace.store.Saving`. A run resumes at the first part of its own that is not there.

    Attributes
    ----------
    rows : int
        Of the whole dataset.

    Raises
    ------
    StreamConfigError
        When items have no numbers, there is no end, or random numbers come from no seed; when there is no such shard.
    StateMismatchError
        When shards of another dataset have begun in the folder.
    SinkError
        When the folder cannot be written to, or the first item cannot be stored.

    Examples
    --------
    >>> import tempfile, headrace as hr
    >>> path = f"{tempfile.mkdtemp()}/squares"
    >>> squares = hr.functional(lambda i: {"i": i, "square": i * i}, size=100)
    >>> Sharding(squares, path, (0, 2), part=10).run().complete
    False
    >>> Sharding(squares, path, (1, 2), part=10).run().complete
    True
    """

    def __init__(
        self,
        stream: Any,
        path: str | Path,
        shard: tuple[int, int],
        *,
        limit: float | None = None,
        seed: Seed | None = None,
        resume: bool = False,
        kind: str | None = None,
        part: int | None = None,
        batches: bool | None = None,
    ) -> None:
        self.shard: tuple[int, int] = _shard(shard)
        made: Stream[Any] = as_stream(stream)
        make = kind_of(path, kind)
        known = begun(Path(path)) if resume else None
        if known is not None:
            seed = known["seed"] if seed is None else seed
            limit = known["limit"] if limit is None else limit
            part = known["part"] if part is None else part
            batches = known["batches"] if batches is None else batches
        number = None if seed is None else seed_integer(seed)
        self.stream: Indexed[Any] = _numbered(made if number is None else made.seeded(number), limit)
        self._key = None if self.stream.seed is not None else Key(0)  # where nothing draws, the key tells nothing
        if batches is None and gives_batches(self.stream):
            batches = True
        self.sink: DatasetSink = make.unclaimed(
            path, part=part, batches=batches, limit=limit, dims=dims_of(self.stream)
        )
        self._cursor: Cursor[Any] = self._open(0)
        try:
            self.sink.about = told(self.stream, self._cursor.key, number)
            self.rows: int = self._measure()
            self.sink.about["ended"] = self.sink.limit is None or self.rows < self.sink.limit
            self.claim: Claim = Claim(self.sink, *self.shard, self.rows, resume=resume)
        except BaseException:
            self._cursor.close()
            raise

    def _open(self, at: int) -> Cursor[Any]:
        return self.stream.open(self._key, at=at)

    def _measure(self) -> int:
        """Decide from the first item how everything is stored, and from the last one how many rows there are."""
        sink, size, limit = self.sink, self.stream.extent(), self.sink.limit
        self._width = self._last = 1
        if size == 0 or limit == 0:
            return 0
        first = self._item(0)
        sink.begin(first)
        if sink.batches:
            self._width = self._last = self._length(first, 0)
            if not self._width:
                raise SinkError(
                    f"{sink.who} got a first batch without rows: shards find rows by their number.\n"
                    "  Write the dataset by one process, without --shard."
                )
        if size != inf and size > 1 and sink.batches and (limit is None or limit > (size - 1) * self._width):
            self._last = self._length(self._item(int(size) - 1), int(size) - 1)
        there = inf if size == inf else (size - 1) * self._width + self._last
        return int(there if limit is None else min(limit, there))

    def _item(self, number: int) -> Any:
        with self._open(number) as cursor:
            return next(cursor)

    def _length(self, item: Any, number: int) -> int:
        assert self.sink.layout is not None
        return length(gathered(self.sink.who, self.sink.layout, item, number * self._width))

    # --- what a run is asked --------------------------------------------------------------------

    @property
    def kept(self) -> int:
        """How many rows of this shard's are on disk."""
        return self.claim.kept

    @property
    def complete(self) -> bool:
        """Whether the whole dataset is complete."""
        return self.claim.complete

    @property
    def whole(self) -> bool:
        """Whether all parts of this shard are on disk."""
        return self.claim.whole

    @property
    def total(self) -> int:
        """How many rows the parts of this shard have."""
        part = self.sink.part or 1
        return sum(min(part, self.rows - number * part) for number in self.claim.parts)

    def run(self, report: Callable[[int], object] | None = None, stop: Callable[[], object] | None = None) -> Saved:
        """Write the parts that are missing, until ``stop()`` is true; mark the dataset complete if it is.

        Parameters
        ----------
        report
            Called with the number of this shard's rows, about ten times a second.
        stop
            Asked after every item. A stopped run can be resumed, from the part it was at.

        Returns
        -------
        Saved
            With the rows of this shard, and whether the whole dataset is complete.

        Raises
        ------
        SinkError
            When an item is not like the first one or the disk takes no more; parts before it stay.
        """
        self._report, self._next_report = report, monotonic()
        try:
            while not (self.claim.whole or self.claim.complete):
                columns = self._part(self.claim.parts[self.claim.done], stop)
                if columns is None:
                    break
                self.claim.write(columns)
                if stop is not None and stop():
                    break
            if self.claim.whole and not self.claim.complete:
                self.claim.finish(*self._behind())
            if report is not None:
                report(self.kept)
            return Saved(self.sink.path, self.kept, self.complete, bool(self.sink.about["ended"]))
        finally:
            self.close()

    def _part(self, number: int, stop: Callable[[], object] | None) -> Columns | None:
        """Return the rows of one part; None when it is to be stopped in the middle."""
        sink = self.sink
        assert sink.layout is not None
        assert sink.part is not None
        lo = row = number * sink.part
        hi = min(lo + sink.part, self.rows)
        self._stand_at(row // self._width)
        blocks: list[Columns] = []
        items: list[Any] = []
        while row < hi:
            item = next(self._cursor)
            if sink.batches:
                block = self._checked(item, self._cursor.position - 1)
                skip = row % self._width
                took = min(length(block) - skip, hi - row)
                blocks.append({name: column.copy() for name, column in cut(block, skip, skip + took).items()})
                row += took
            else:
                items.append(map_leaves(copied, item))
                row += 1
                if len(items) == GATHER or row == hi:
                    blocks.append(stacked(sink.who, sink.layout, items, row - len(items)))
                    items = []
            if row < hi and stop is not None and stop():
                return None
            self._tell(row - lo)
        return joined(sink.layout, [joined(sink.layout, blocks)])

    def _stand_at(self, number: int) -> None:
        """Put the cursor before an item; a batch may hold rows of the part before, which another part had as well."""
        if self._cursor.position > number:
            self._cursor.close()
            self._cursor = self._open(number)
        else:
            self._cursor.skip(number - self._cursor.position)

    def _checked(self, item: Any, number: int) -> Columns:
        sink = self.sink
        assert sink.layout is not None
        block = gathered(sink.who, sink.layout, item, number * self._width)
        want = self._last if number == self.stream.extent() - 1 else self._width
        if length(block) != want:
            raise SinkError(
                f"{sink.who} got a batch of {length(block)} rows as item {number}, wanted {want}: shards find rows by "
                "their number, so that all batches but the last are as long as the first.\n"
                "  Give them one length, or write the dataset by one process, without --shard."
            )
        return block

    def _behind(self) -> tuple[Columns, Any]:
        """Return the rows that one process would have drawn beyond the limit, and the state it would end with."""
        drawn = int(self.stream.extent()) if self.sink.about["ended"] else -(-self.rows // self._width)
        over: Columns = {}
        used = self.rows % self._width
        if used and not self.sink.about["ended"]:
            block = self._checked(self._item(drawn - 1), drawn - 1)
            over = {name: column.copy() for name, column in cut(block, used, length(block)).items()}
            over = over if length(over) else {}
        with self._open(drawn) as cursor:
            return over, cursor.state()

    def _tell(self, rows: int) -> None:
        now = monotonic()
        if self._report is not None and now >= self._next_report:
            self._next_report = now + 0.1
            self._report(self.kept + rows)

    def close(self) -> None:
        """Let go of the stream and of this shard. Twice is fine."""
        try:
            self._cursor.close()
        finally:
            self.claim.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shard(shard: Any) -> tuple[int, int]:
    try:
        i, n = (int(number) for number in shard)
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"shard= got {shard!r}, wanted (i, n), this shard and how many there are.\n  For example shard=(0, 8)."
        ) from None
    check_shard(i, n)
    return i, n


def _numbered(stream: Stream[Any], limit: float | None) -> Indexed[Any]:
    """Return the stream if shards can find its items by number, all with one key and one end."""
    if stream.access != "index" or not isinstance(stream, Indexed):
        label, culprit = why_not(stream)
        raise StreamConfigError(
            f"{stream.node_name} cannot be written in shards: its items have no numbers, because of {label}{culprit!r}.\n"
            "  Write it by one process, without --shard; or put hr.source(...) over what has a length and [i]."
        )
    check_limit(stream, limit)
    drawing = unseeded(stream)
    if drawing is not None:
        raise StreamConfigError(
            f"{stream.node_name} cannot be written in shards without a seed: {drawing!r} draws random numbers, each "
            "process would draw others.\n  Give all shards the same one: --seed S (seed=S), or .seeded(S) in the recipe."
        )
    stream.stamp()  # raises where there would be no state to tell
    return stream
