"""Keep what a device gives: blocks, marks, clocks and the graph, in a session that a kill cannot destroy."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from headrace.core.block import Block
from headrace.core.closing import Closing
from headrace.core.notes import warn
from headrace.errors import ClosedError, DataError, SinkError, StreamConfigError
from headrace.live.devices.clock import SYSTEM, Anchor, Clock
from headrace.live.recording.changed import Changes
from headrace.live.recording.container import VERSION, Writer
from headrace.live.recording.folder import RAW, SUFFIX, create_session, graph_text, unwritable
from headrace.live.recording.index import Indexing
from headrace.live.recording.keeping import Keeping
from headrace.live.recording.notes import Notes
from headrace.live.recording.rows import ROWS, encode
from headrace.live.recording.schemas import Schemas


class Recorder(Notes, Closing):
    """A sink that keeps blocks in a new session: ``path/raw_data.hrc``, ``metadata.json`` and ``graph.json``.

    A block is in the file when :meth:`write` has returned, byte for byte: killing the process loses none. About each
    second the disk is made to keep what it has, so that a power cut loses no more than that.

    Parameters
    ----------
    path
        The folder of the session; it must not exist.
    source
        What is recorded, for the metadata.
    graph
        The graph computed live, which ``Session.signals()`` then computes again.
    run
        The :class:`headrace.signals.Run` that computes it, instead: with the state it is in now and what is changed in it
        later. The next block written must be the next it computes.
    metadata
        What is to be known: JSON values by name.
    clock
        The clock of arrivals and marks.
    sync
        Seconds between two times that the disk is made to keep what it has.

    Attributes
    ----------
    rows, blocks : int
        How many were written.
    last_error : Exception or None
        What a disk said that did not keep what it was given; the next call raises it.
    failure : Exception or None
        Why something that was to be recorded is missing: ``Session.complete`` is False then.

    Raises
    ------
    SessionExistsError
        When there is something at ``path``.
    SinkError
        When the disk does not take a new recording.
    DataError
        When metadata is no JSON.
    StreamConfigError
        When both ``graph`` and ``run`` are given, or ``sync`` is not positive.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> path = tempfile.mkdtemp() + "/monday"
    >>> with Recorder(path, metadata={"subject": "A. B."}) as recorder:
    ...     recorder.write({"x": np.array([1.0, 2.0])})
    ...     mark = recorder.mark("stimulus", 3)
    ...     recorder.write({"x": np.array([4.0])})
    >>> from headrace.live import Session
    >>> session = Session(path)
    >>> session.raw["x"][:].tolist(), session.marks[0].name, session.marks[0].row
    ([1.0, 2.0, 4.0], 'stimulus', 2)
    """

    _changes: Changes | None

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        source: Any = None,
        graph: Any = None,
        run: Any = None,
        metadata: Mapping[str, Any] | None = None,
        clock: Clock | None = None,
        sync: float = 1.0,
    ) -> None:
        if graph is not None and run is not None:
            raise StreamConfigError(
                "Recorder got both graph= and run=, wanted one of them.\n  A run has its graph with it."
            )
        if not sync > 0:
            raise StreamConfigError(f"Recorder got sync={sync!r}, wanted seconds, more than 0.\n  The default is 1.")
        self.clock: Clock = SYSTEM if clock is None else clock
        graph = graph if run is None else run.graph
        if graph is not None and (why := unwritable(graph)) is not None:
            warn(f"the graph is not recorded, only the data: {why}")
            graph = run = None
        anchor = Anchor.of(self.clock)
        self.path: Path = create_session(path, source, metadata, graph=graph, wall=anchor.wall)
        try:
            self._begin(self.path / f"{RAW}{SUFFIX}", anchor, sync)
        except SinkError:
            shutil.rmtree(self.path, ignore_errors=True)  # made just now: nothing is in it
            raise
        if graph is not None:
            self._writer.append(b"GRPH", json.dumps({"row": 0, "graph": json.loads(graph_text(graph)[0])}).encode())
        if run is not None:
            self._changes = Changes(self._writer, run)

    @classmethod
    def bare(cls, file: Path, *, clock: Clock | None = None, sync: float = 1.0) -> Self:
        """Return a recorder to one file, without a folder and what else is in it."""
        made = cls.__new__(cls)
        made.clock, made.path = SYSTEM if clock is None else clock, file
        made._begin(file, Anchor.of(made.clock), sync)
        return made

    def _begin(self, file: Path, anchor: Anchor, sync: float) -> None:
        self.anchor: Anchor = anchor
        self.rows: int = 0
        self.blocks: int = 0
        self.failure: BaseException | None = None
        self._missing: int | None = None  # the first row of a block that could not be kept
        self._changes = None
        self._lock = threading.RLock()
        self._closed = False
        self._writer = Writer(file)
        self._schemas, self._index = Schemas(self._writer), Indexing(self._writer)
        head = {"headrace": "recording", "version": VERSION, "now": anchor.now, "wall": anchor.wall}
        try:
            self._writer.append(b"HEAD", json.dumps(head).encode())
        except SinkError:
            file.unlink(missing_ok=True)  # made just now: it tells of nothing
            raise
        self._keeping = Keeping(self._writer, self.clock, sync)

    @property
    def last_error(self) -> BaseException | None:
        return self._keeping.error

    def write(self, block: Mapping[str, Any], arrived: float | None = None) -> None:
        """Keep a block; one without columns is nothing.

        Parameters
        ----------
        block
            A :class:`headrace.core.Block`, or columns ``(n, ...)`` by name.
        arrived
            When it came, on the clock; by default now. A replay keeps the time from block to block.

        Raises
        ------
        DataError
            When it is no block, or holds objects that only a pickle could carry.
        SinkError
            When the disk takes no more. Nothing of the block is kept then; it can be written again.
        ClosedError
            After :meth:`close`.
        """
        with self._lock:
            if not block:
                self._open("write")
                return
            if not isinstance(block, Block):
                block = Block(block, first=self.rows)
            try:
                self._open("write")
                number, arrays = self._schemas.of(block)
                came = self.clock.now() if arrived is None else arrived
                front, data, size = encode(block, number, arrays, came)
                self._before_blocks()
                self._writer.append(ROWS, front, data, size=size)
            except SinkError as error:
                if self._missing is None:
                    self._missing, self.failure = block.first, error
                raise
            self._has(block)

    def write_all(self, blocks: Iterable[tuple[Block, float]]) -> None:
        """Keep blocks and when each came, as :meth:`write` does, with one call of the disk for all of them.

        Raises
        ------
        DataError, SinkError, ClosedError
            As :meth:`write`; the blocks before that one are kept, and :attr:`blocks` tells how many there are.
        """
        given = [(block, came) for block, came in blocks if block]
        with self._lock:
            if len(given) > 1 and self._all_at_once(given):
                return
            for block, came in given:
                self.write(block, came)

    def _all_at_once(self, blocks: list[tuple[Block, float]]) -> bool:
        """Write blocks together; return False, with none of them kept, when one cannot be, which `write` will tell."""
        if self._closed or self._keeping.error is not None:
            return False
        try:
            records = []
            for block, came in blocks:
                number, arrays = self._schemas.of(block)
                records.append((ROWS, *encode(block, number, arrays, came)))
            self._before_blocks()
            self._writer.append_all(records)
        except (DataError, SinkError):
            return False
        for block, _ in blocks:
            self._has(block)
        return True

    def _before_blocks(self) -> None:
        """Write what stands before blocks: when it cannot be, they are not in the file, and can be tried again."""
        self._index.keep()
        if self._changes is not None:
            self._changes.keep()

    def _has(self, block: Block) -> None:
        self.rows += block.n
        self.blocks += 1
        if self._missing is not None and block.first <= self._missing:  # it was written again
            self._missing = self.failure = None

    def fail(self, why: BaseException) -> None:
        """Say that something is missing which was to be recorded: the session is not complete then, and tells why."""
        self.failure, self._missing = why, None

    def _open(self, what: str) -> None:
        if self._closed:
            raise ClosedError(f"{what}() got something after close(); record to another path.")
        self._keeping.check()

    def flush(self) -> None:
        """Have the disk keep now what was written.

        Raises
        ------
        SinkError
            When it does not.
        """
        self._writer.sync()

    def close(self) -> None:
        """Keep it all and mark the recording complete. Twice is fine.

        Raises
        ------
        SinkError
            When the disk does not keep it, or has not since the last call; what was written can still be read.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._keeping.stop()
            try:
                if self._changes is not None:
                    self._changes.keep()
                self._schemas.again()
                told: dict[str, Any] = {
                    "rows": self.rows,
                    "blocks": self.blocks,
                    "now": self.clock.now(),
                    "wall": self.clock.wall(),
                }
                if self.failure is not None:
                    told["failure"] = f"{type(self.failure).__name__}: {self.failure}"
                self._writer.append(b"DONE", json.dumps(told).encode())
                self._index.end()
            finally:
                self._changes = None
                self._writer.close()
            self._keeping.check()  # the disk tells such a thing once, and may keep all that it is asked to later

    stop = close

    def __del__(self) -> None:
        keeping = self.__dict__.get("_keeping")
        if keeping is not None:
            keeping.stop(wait=False)

    def __repr__(self) -> str:
        return f"Recorder({str(self.path)!r}, rows={self.rows})"
