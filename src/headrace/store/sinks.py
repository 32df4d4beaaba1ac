"""What the three kinds of dataset share: numbered parts, a record of progress, and a last file that says "complete".

A dataset is a folder. Rows go into parts of a fixed number, each written whole or not at all. ``_progress.json`` says
how many rows are kept and what is needed to go on; ``_headrace.json`` is renamed into place last. Whatever moment a
run is killed at, the files after the next one has finished are those of a run that was never killed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from math import inf
from operator import index
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import numpy as np

from headrace.core.batch import Batch
from headrace.core.items import map_leaves, stack
from headrace.errors import DataError, SinkError
from headrace.store import plainjson
from headrace.store.begun import Begun
from headrace.store.files import FolderLock, is_lock, is_temporary, sync_folder, write_file
from headrace.store.layout import (
    Column,
    Columns,
    Layout,
    cut,
    gathered,
    joined,
    layout_of,
    length,
    stacked,
)

PROGRESS = "_progress.json"
DONE = "_headrace.json"
SHARD = re.compile(r"_progress-(?P<i>\d+)-of-(?P<n>\d+)\.json")  # the record of one of several that write parts
GATHER = 1024  # items that are stacked at a time: enough to be cheap, few enough to be small


def copied(leaf: Any) -> Any:
    """Return a leaf that stays what it is, whatever the caller does to theirs."""
    return leaf.copy() if isinstance(leaf, np.ndarray | list) else leaf


class DatasetSink:
    """A sink that keeps items as the rows of a dataset in a folder; subclasses say in which files.

    Parameters
    ----------
    path
        The folder. It is made; one that exists must be empty, unless ``resume``.
    part
        Rows in a part. By default about 16 MB of them, decided by the first item.
    batches
        Whether the items are batches, stored row by row. By default they are when the first is a
        :class:`headrace.Batch`; say True for batches of tuples or bare arrays.
    limit
        Take this many rows and no more; on resume, by default, what it was before, and ``math.inf`` for no limit. What a last batch holds beyond them is kept for when the limit is raised.
    dims
        ``{field: names of the axes of one row's value}``; by default ``<field>_0``, ``<field>_1``...
    resume
        Go on with the dataset at ``path``, from the rows that were kept. An empty or missing folder is a beginning.
    check
        Called with this sink when the record of an earlier run has been read and before anything is changed; what it
        raises leaves the folder as it was.

    Attributes
    ----------
    rows : int
        How many rows the dataset has.
    kept : int
        How many of them are on disk, with a record of progress.
    record : Any
        What :meth:`keep` was last given, by an earlier run too.
    complete, going_on : bool
        Whether it is marked complete; whether this one goes on with what an earlier run left.

    Raises
    ------
    SinkError
        When the folder is not empty, is in use, is no dataset, or is one of another kind; while writing, when an item
        is not like the first one or the disk takes no more.
    """

    kind: ClassVar[str]
    extra: ClassVar[str | None] = None
    rows: int
    kept: int
    complete: bool
    going_on: bool

    def __init__(
        self,
        path: str | Path,
        *,
        part: int | None = None,
        batches: bool | None = None,
        limit: float | None = None,
        dims: Mapping[str, Sequence[str]] | None = None,
        resume: bool = False,
        check: Callable[[Any], object] | None = None,
    ) -> None:
        self._settle(path, part, batches, limit, dims)
        if self.path.exists() and not self.path.is_dir():
            raise SinkError(f"{self.who} got {self.path}, which is a file, wanted a folder. Choose another name.")
        self._lock = FolderLock(self.path)
        try:
            self._claim(resume, check)
        except BaseException:
            self._lock.release()
            raise

    @classmethod
    def unclaimed(
        cls,
        path: str | Path,
        *,
        part: int | None = None,
        batches: bool | None = None,
        limit: float | None = None,
        dims: Mapping[str, Sequence[str]] | None = None,
    ) -> Self:
        """Return a sink that says how things are stored at ``path``, and has touched nothing there; it takes no items."""
        made = cls.__new__(cls)
        made._settle(path, part, batches, limit, dims)
        return made

    def _settle(
        self,
        path: str | Path,
        part: int | None,
        batches: bool | None,
        limit: float | None,
        dims: Mapping[str, Sequence[str]] | None,
    ) -> None:
        self.ready()
        self.path: Path = Path(path)
        self.part = self._whole("part", part, 1)
        self._endless = limit == inf
        self.limit = None if limit == inf else self._whole("limit", limit, 0)
        self.batches = batches
        self.dims: dict[str, Sequence[str]] = dict(dims or {})
        self.layout: Layout | None = None
        self.about: dict[str, Any] = {}  # what the last file tells of the dataset besides its layout
        self.record: Any = None
        self.rows = self.kept = 0
        self.complete = self.going_on = False
        self._items: list[Any] = []
        self._gather = 0
        self._blocks: list[Columns] = []
        self._block_rows = 0
        self._parts = 0  # full parts on disk
        self._over: Columns = {}  # rows beyond the limit
        self._closed = self._failed = False
        self._begun = Begun(self.path, self.part_name, self.frame_name)

    # --- for subclasses -------------------------------------------------------------------------

    @property
    def who(self) -> str:
        """The name that messages begin with."""
        return type(self).__name__

    @classmethod
    def ready(cls) -> None:
        """Raise ``MissingExtraError`` when a package is missing."""

    def refused(self, name: str, column: Column) -> str | None:
        """Return why a field cannot be stored in this kind of dataset, or None."""
        return None

    def part_files(self, number: int, columns: Columns) -> list[tuple[str, bytes]]:
        """Return (path below the folder, content) of the files that hold one part, full or short."""
        raise NotImplementedError

    @staticmethod
    def read_part(folder: Path, number: int, layout: Layout, names: Sequence[str]) -> Columns:
        """Return columns of one part; they may be longer than what is kept."""
        raise NotImplementedError

    part_name: ClassVar[re.Pattern[str]]  # matches the files of parts below the folder; groups "number", maybe "field"
    frame_name: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")  # matches the other files of a field

    def frame_files(self) -> list[tuple[str, bytes]]:
        """Return the files besides the parts; they may tell the number of rows."""
        return []

    def _whole(self, name: str, value: Any, least: int) -> int | None:
        try:
            if value is None or (index(value) >= least and not isinstance(value, bool)):
                return None if value is None else index(value)
        except TypeError:
            pass
        raise SinkError(f"{self.who}({name}=) got {value!r}, wanted a whole number of at least {least}.")

    # --- opening --------------------------------------------------------------------------------

    def _claim(self, resume: bool, check: Callable[[Any], object] | None) -> None:
        there = sorted(p.name for p in self.path.iterdir() if not is_lock(p.name) and not is_temporary(p.name))
        if DONE not in there and any(map(SHARD.fullmatch, there)):
            raise SinkError(
                f"{self.path} is being written in shards, and {self.who} would write all of it.\n  Go on with each of "
                "them by --shard i/n --resume (shard=(i, n), resume=True), or choose another name."
            )
        if there and not resume:
            raise SinkError(
                f"{self.path} exists and is not empty.\n  Go on with it by --resume (resume=True), or choose another "
                "name; headrace deletes no data."
            )
        if not there:
            self._write_progress()
            return
        if PROGRESS not in there:
            raise SinkError(f"{self.path} is not a dataset of headrace: it has no {PROGRESS}.\n  Choose another name.")
        progress = plainjson.loads((self.path / PROGRESS).read_bytes())
        if not isinstance(progress, dict) or progress.get("headrace") != 1:
            raise SinkError(f"{self.path} has a {PROGRESS} that this headrace does not know.\n  Choose another name.")
        self._take_over(progress)
        self.complete = DONE in there
        wanted = inf if self._endless else self.rows if self.limit is None else self.limit
        self.going_on = not self.complete or (self.rows < wanted and not self.about.get("ended"))
        if check is not None:
            check(self)
        if self.going_on:
            self._go_on()

    def _take_over(self, progress: Mapping[str, Any]) -> None:
        if progress["kind"] != self.kind:
            raise SinkError(f"{self.path} is a dataset of kind {progress['kind']!r}, {self.who} makes {self.kind!r}.")
        if self.part is not None and progress["part"] not in (None, self.part):
            raise SinkError(f"{self.path} has parts of {progress['part']} rows; part= got {self.part}. Leave it out.")
        if self.batches is not None and progress["batches"] not in (None, self.batches):
            raise SinkError(f"{self.path} was begun with batches={progress['batches']}. Leave it out.")
        self.part, self.batches = progress["part"] or self.part, progress["batches"]
        self.layout = None if progress["layout"] is None else Layout.from_plain(progress["layout"])
        self.rows = self.kept = progress["rows"]
        self.about, self.record, self._over = progress["about"], progress["record"], progress["over"]
        if self.limit is None:
            self.limit = None if self._endless else progress["limit"]
        elif self.limit < self.rows:
            raise SinkError(f"{self.path} has {self.rows} rows already; the limit got {self.limit}. Raise it.")

    def _go_on(self) -> None:
        """Make the folder what the record of progress says, and stand behind its last row."""
        if self.complete:
            (self.path / DONE).unlink()
            sync_folder(self.path)
            self.complete = False
        if self.layout is not None:
            assert self.part is not None
            self._parts, tail = divmod(self.rows, self.part)
            if tail:
                found = self.read_part(self.path, self._parts, self.layout, list(self.layout.fields))
                if length(found) < tail:
                    raise SinkError(f"{self.path} is damaged: part {self._parts} has fewer rows than were kept.")
                # Copies: the file that a mapped part lies in will be written anew.
                self._blocks, self._block_rows = [{name: column[:tail].copy() for name, column in found.items()}], tail
            self._gather = min(GATHER, self.part - self._block_rows)
        kept = self._parts + (1 if self._block_rows else 0)
        self._begun.tidy(kept, None if self.layout is None else tuple(self.layout.fields))
        if self._over:
            over, self._over = self._over, {}
            self._take(over)

    # --- writing --------------------------------------------------------------------------------

    def write(self, item: Any) -> None:
        """Take one item, or one batch of them.

        Raises
        ------
        SinkError
            When it is not like the first one, or the disk takes no more. What was kept before stays.
        """
        if self._closed or self.complete or self._failed or self.full:
            self._refuse()
        try:
            if self.layout is None:
                self.begin(item)
            if self.batches:
                assert self.layout is not None
                block = gathered(self.who, self.layout, item, self.rows)
                self._take(block)
                if self._blocks:  # what stays with us is ours, whatever the caller does to theirs
                    self._blocks[-1] = {name: column.copy() for name, column in self._blocks[-1].items()}
            else:
                self._items.append(item if self._gather == 1 else map_leaves(copied, item))
                self.rows += 1
                if len(self._items) >= self._gather:
                    self._stack()
        except BaseException:
            self._failed = True
            raise

    @property
    def full(self) -> bool:
        """Whether there are as many rows as the limit allows."""
        return self.limit is not None and self.rows >= self.limit

    def _refuse(self) -> None:
        if self._failed:
            raise SinkError(f"{self.who} got an item after one that failed.\n  Open it again with resume=True.")
        if self.complete and not self._closed:
            raise SinkError(f"{self.path} is complete with {self.rows} rows.\n  Raise its limit to go on with it.")
        if self.full and not self._closed:
            raise SinkError(f"{self.who} got an item beyond its limit of {self.limit} rows.")
        raise SinkError(f"{self.who} got an item after close().")

    def begin(self, item: Any) -> None:
        """Decide from the first item how everything is stored."""
        if self.batches is None:
            self.batches = isinstance(item, Batch)
        try:
            columns = item if self.batches else stack([item], who=self.who)
        except DataError as error:
            raise SinkError(str(error)) from None
        layout = layout_of(self.who, columns).with_dims(self.dims)
        for name, column in layout.fields.items():
            why = self.refused(name, column)
            if why is not None:
                raise SinkError(f"{self.who} cannot store field {name!r}: {why}")
        if not layout.fields:
            raise SinkError(f"{self.who} got an item without fields, {item!r}, wanted arrays or numbers.")
        if self.part is None:
            self.part = layout.part_rows(length(gathered(self.who, layout, columns, 0)) if self.batches else 1)
        self.layout = layout
        self._gather = min(GATHER, self.part)

    def _stack(self) -> None:
        if self._items:
            assert self.layout is not None
            items, self._items = self._items, []
            first = self.rows - len(items)
            block = stacked(self.who, self.layout, items, first)
            self.rows = first
            self._take(block)

    def _take(self, block: Columns) -> None:
        """Add rows, write the parts that are full, put aside what is beyond the limit."""
        assert self.layout is not None
        assert self.part is not None
        n = length(block)
        if self.limit is not None and self.rows + n > self.limit:
            n, whole = self.limit - self.rows, block
            block, self._over = cut(whole, 0, n), {name: column[n:].copy() for name, column in whole.items()}
        self._blocks.append(block)
        self._block_rows += n
        self.rows += n
        if self._block_rows >= self.part:
            rows = joined(self.layout, self._blocks)
            at = 0
            while self._block_rows - at >= self.part:
                self._write_part(cut(rows, at, at + self.part))
                self._parts += 1
                at += self.part
            self._blocks = [cut(rows, at, self._block_rows)] if at < self._block_rows else []
            self._block_rows -= at
        self._gather = min(GATHER, self.part - self._block_rows)

    def _write_part(self, columns: Columns) -> None:
        assert self.layout is not None
        files = self.part_files(self._parts, joined(self.layout, [columns]))
        self._begun.announce(self._parts + 1, tuple(self.layout.fields), [name for name, _ in files])
        for name, data in files:
            write_file(self.path / name, data)

    # --- keeping --------------------------------------------------------------------------------

    def keep(self, record: Any = None) -> None:
        """Put every row on disk, and with them what is needed to go on behind the last one.

        Parameters
        ----------
        record
            Plain data, such as the state of the cursor that the items come from.

        Raises
        ------
        SinkError
            When the disk takes no more.
        ResumeError
            When ``record`` is not plain data.
        """
        if self._closed or self.complete or self._failed:
            self._refuse()
        text = plainjson.dumps(record)  # before anything is written: it may be refused
        self._failed = True  # until all of it is done
        self._stack()
        if self._block_rows:
            assert self.layout is not None
            self._blocks = [joined(self.layout, self._blocks)]
            self._write_part(self._blocks[0])
        if self.layout is not None:
            self._begun.announce(self._parts, tuple(self.layout.fields), ())  # there may be fields and no rows
            for name, data in self.frame_files():
                write_file(self.path / name, data)
        self.record = record
        self._write_progress(text)
        self.kept = self.rows
        self._failed = False

    def _write_progress(self, record: str = "null") -> None:
        progress = {
            "headrace": 1,
            "kind": self.kind,
            "rows": self.rows,
            "limit": self.limit,
            "part": self.part,
            "batches": self.batches,
            "layout": None if self.layout is None else self.layout.plain(),
            "about": self.about,
            "over": self._over,
        }
        text = plainjson.dumps(progress)
        write_file(self.path / PROGRESS, f'{text[:-1]}, "record": {record}}}\n'.encode())

    def close(self) -> None:
        """Keep every row and mark the dataset complete. Twice is fine; after a failed write it is left as kept."""
        if self._closed:
            return
        if not self._failed and not self.complete:
            try:
                self.keep(self.record if self.kept == self.rows else None)
                self.finish()
            finally:
                self.release()
        self.release()

    def finish(self) -> None:
        """Mark the dataset complete as it was last kept."""
        self._begun.forget()
        write_file(self.path / DONE, (json.dumps(self.summary(), indent=1) + "\n").encode())
        self.complete = True

    def complete_with(self, rows: int, over: Columns, record: Any) -> None:
        """Mark complete a dataset whose parts others have written; ``over`` are rows beyond the limit."""
        self.rows, self._over = rows, over
        text = plainjson.dumps(record)
        for name, data in self.frame_files() if self.layout is not None else ():
            write_file(self.path / name, data)
        self._write_progress(text)
        self.finish()

    def summary(self) -> dict[str, Any]:
        """Return what ``_headrace.json`` tells, as JSON values."""
        layout = {"fields": {}, "item": {"dict": []}} if self.layout is None else self.layout.plain()
        return {
            "headrace": 1,
            "kind": self.kind,
            "rows": self.rows,
            "part": self.part,
            "parts": -(-self.rows // self.part) if self.part and self.layout is not None else 0,
            **layout,
            **self.about,
        }

    def release(self) -> None:
        """Let go of the folder without marking it complete. What was kept can be resumed."""
        if not self._closed and not self._failed and self.kept == self.rows:
            self._begun.forget()
        self._closed = True
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
            return
        self.release()

    def __repr__(self) -> str:
        return f"{self.who}({str(self.path)!r}, rows={self.rows})"
