"""Keep what a device gives: blocks, marks, clocks and the graph, in a session that a kill cannot destroy."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from headrace.core.block import Block
from headrace.core.notes import warn
from headrace.errors import ClosedError, DataError, StreamConfigError
from headrace.live.clock import SYSTEM, Anchor, Clock
from headrace.live.container import VERSION, Writer
from headrace.live.folder import RAW, SUFFIX, create_session, graph_text, json_of, unwritable
from headrace.live.index import Indexing
from headrace.live.keeping import Keeping
from headrace.live.mark import Mark
from headrace.live.rows import ROWS, encode
from headrace.live.schemas import Schemas
from headrace.store.ledger_values import Packing


class Recorder:
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

    Raises
    ------
    SessionExistsError
        When there is something at ``path``.
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
    >>> from headrace.live.session import Session
    >>> session = Session(path)
    >>> session.raw["x"][:].tolist(), session.marks[0].name, session.marks[0].row
    ([1.0, 2.0, 4.0], 'stimulus', 2)
    """

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
        self._begin(self.path / f"{RAW}{SUFFIX}", anchor, sync)
        if graph is not None:
            self._writer.append(b"GRPH", json.dumps({"row": 0, "graph": json.loads(graph_text(graph)[0])}).encode())
        if run is not None:
            self._follow(run)

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
        self._run: Any = None
        self._changes = self._row = 0
        self._lock = threading.RLock()
        self._closed = False
        self._writer = Writer(file)
        self._schemas, self._index = Schemas(self._writer), Indexing(self._writer)
        head = {"headrace": "recording", "version": VERSION, "now": anchor.now, "wall": anchor.wall}
        self._writer.append(b"HEAD", json.dumps(head).encode())
        self._keeping = Keeping(self._writer, self.clock, sync)

    def _follow(self, run: Any) -> None:
        self._run, self._changes, self._row = run, len(run.log), run.row
        if run.row:
            self._writer.append(b"STAT", Packing(who="Recorder").pack(run.state_dict()))

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
            self._open("write")
            if not block:
                return
            if not isinstance(block, Block):
                block = Block(block, first=self.rows)
            number, arrays = self._schemas.of(block)
            came = self.clock.now() if arrived is None else arrived
            front, data, size = encode(block, number, arrays, came)
            self._index.keep()  # before: a block whose write fails is not in the file
            self._writer.append(ROWS, front, data, size=size)
            self.rows += block.n
            self.blocks += 1
            if self._run is not None and len(self._run.log) != self._changes:
                self._note_changes()

    def mark(self, name: str, value: Any = None, now: float | None = None) -> Mark:
        """Keep that something happened, from any thread; return it.

        Parameters
        ----------
        name
            What.
        value
            More about it: a JSON value.
        now
            When, on the clock; by default now.

        Raises
        ------
        DataError
            When ``value`` is no JSON.
        SinkError
            When the disk takes no more.
        ClosedError
            After :meth:`close`.
        """
        with self._lock:
            self._open("mark")
            at = self.clock.now() if now is None else now
            told = {"name": str(name), "value": value, "row": self.rows, "now": at, "time": self.anchor.unix(at)}
            self._writer.append(b"MARK", json_of(told, f"mark({name!r}) got a value").encode())
        return Mark(str(name), value, self.rows, at, told["time"])

    def align(self, name: str, device: Any, host: Any, **fit: Any) -> None:
        """Keep raw pairs of a device's clock and ours, so that their alignment can be computed again.

        Parameters
        ----------
        name
            The device.
        device, host
            Moments on its clock and on ours, ``(n,)``.
        fit
            What was made of them: slope, offset, ...

        Raises
        ------
        DataError
            When they differ in length, or ``fit`` is no JSON.
        """
        told = {"name": name, "device": list(map(float, device)), "host": list(map(float, host)), "fit": fit}
        if len(told["device"]) != len(told["host"]):
            raise DataError(
                f"align({name!r}) got {len(told['device'])} moments of the device and {len(told['host'])} of ours, "
                "wanted as many.\n  Give them pair by pair."
            )
        with self._lock:
            self._open("align")
            self._writer.append(b"CLCK", json_of(told, f"align({name!r}) got a fit").encode())

    def _note_changes(self) -> None:
        from headrace.signals.base import Signal
        from headrace.signals.json import node_to_plain, value_to_plain

        log = list(self._run.log)
        for row, what, name, value in log[self._changes :]:
            plain = node_to_plain(value) if isinstance(value, Signal) else value_to_plain(value)
            told = {"row": row - self._row, "what": what, "name": name, "value": plain}
            self._writer.append(b"CHNG", json.dumps(told).encode())
        self._changes = len(log)

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
            When the disk does not keep it; what was written can still be read.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._keeping.stop()
            try:
                if self._run is not None and len(self._run.log) != self._changes:
                    self._note_changes()
                self._schemas.again()
                told = {"rows": self.rows, "blocks": self.blocks, "now": self.clock.now(), "wall": self.clock.wall()}
                self._writer.append(b"DONE", json.dumps(told).encode())
                self._index.end()
            finally:
                self._run = None
                self._writer.close()

    stop = close

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        keeping = self.__dict__.get("_keeping")
        if keeping is not None:
            keeping.stop(wait=False)

    def __repr__(self) -> str:
        return f"Recorder({str(self.path)!r}, rows={self.rows})"


__all__ = ["Mark", "Recorder"]
