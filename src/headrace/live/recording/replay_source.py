"""A recorded session as a device: what a system reads in place of the sensor that was recorded."""

from __future__ import annotations

import os
import threading
from collections import deque
from math import inf
from typing import Any

import numpy as np

from headrace.core.block import Block
from headrace.live.devices.clock import Clock, SystemClock
from headrace.live.devices.pending import Overflow
from headrace.live.devices.priority import exact_timers
from headrace.live.devices.queued import Queued
from headrace.live.devices.threaded import Threaded
from headrace.live.recording.carried import Played
from headrace.live.recording.columnwise import Index
from headrace.live.recording.mark import Mark
from headrace.live.recording.recording import Recording, check_sound
from headrace.live.recording.replay import Replay, opened, replay
from headrace.live.recording.session import Damaged, Session


class ReplaySource(Threaded):
    """The blocks of a recorded session, when they came, for a :class:`~headrace.live.System`.

    Its times are those that were recorded, its rows are counted from 0. It ends with the recording, and begins again when
    it is started again. Where a system records it, its marks are in that recording, at the same rows.

    Parameters
    ----------
    path
        The session's folder.
    speed
        How much faster than it was; ``inf``: all at once.
    loop
        Whether to begin again at the end, until it is stopped.
    clock
        The source of time.
    damaged
        ``"raise"``: fail at a block that is not what was recorded; ``"skip"``: leave such out.
    max_bytes, overflow
        How much may wait to be read, and what goes when more would: see :class:`~headrace.live.Threaded`.

    Raises
    ------
    StreamConfigError
        When there is no session, or a parameter is none of these.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from headrace.live import Recorder
    >>> path = tempfile.mkdtemp() + "/monday"
    >>> with Recorder(path) as recorder:
    ...     recorder.write({"timestamp": np.array([10.0, 10.1]), "x": np.array([1, 2])})
    >>> source = ReplaySource(path, speed=float("inf"))
    >>> source.start()
    >>> while source.is_active:
    ...     _ = source.arrived.wait(1.0)
    >>> source.stop()
    >>> source.read()["x"]
    array([1, 2])
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        speed: float = 1.0,
        *,
        loop: bool = False,
        clock: Clock | None = None,
        damaged: Damaged = "raise",
        max_bytes: int = 1 << 26,
        overflow: Overflow = "drop_oldest",
    ) -> None:
        self.replay: Replay = replay(path, speed, damaged=damaged)
        self.loop: bool = loop
        known = opened(self.replay)
        super().__init__(
            rate=known.rate,
            names=known.names(),
            clock=clock,
            max_bytes=max_bytes,
            overflow=overflow,
        )
        self._queued = Queued(max_bytes, overflow, type(self).__name__)
        self.played: Played = Played()
        self._recording: Recording | None = None
        self._ends: Index = np.zeros(0, np.int64)  # rows that had been recorded by the end of each block

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What was marked while it was recorded; ``row`` counts from the first row of the recording."""
        return Session(self.replay.path).marks

    def read(self) -> Block:
        """Return rows that have come since the last read, without waiting; more than one call where they do not join.

        Blocks are as they were recorded, with their columns, types and paces; those that go on from one another are one.
        Rows that are missing in the recording are missing, and count as dropped.

        Returns
        -------
        block
            Columns ``(n, ...)`` and the number of the first row; empty, without columns, when there is none.

        Raises
        ------
        Exception
            What it failed with, once, after the rows before it.
        """
        failed = self._failure is not None  # looked at first, so that the rows before it are in a block
        block = self._queued.take()
        if failed and not block:
            self._raise_failure()
        if failed or self._queued:
            self.arrived.set()  # there is more to come
        return block

    def stats(self) -> dict[str, Any]:
        """Return what it counts: see :meth:`~headrace.live.Threaded.stats`."""
        return {**super().stats(), **self._queued.counts()}

    def opened(self) -> None:
        found = opened(self.replay).again()
        ends, offsets = np.cumsum(found.rows), found.offsets  # with those of blocks that are left out
        try:
            if self.replay.damaged == "skip":
                found.sift()
            else:
                check_sound(found)
        except BaseException:
            found.close()
            raise
        self.played.clear()
        self._recording, self._ends = found, ends[np.isin(offsets, found.offsets)]

    def closed(self) -> None:
        found, self._recording = self._recording, None
        if found is not None:
            found.close()

    def run(self, stopping: threading.Event) -> None:
        found, clock, speed = self._recording, self.clock, self.replay.speed
        assert found is not None
        if isinstance(clock, SystemClock):
            exact_timers()
        began = clock.now()
        while len(found):
            self._queued.again()
            marks = deque(sorted((Mark(**told) for told in found.notes["marks"]), key=lambda mark: mark.row))
            for i in range(len(found)):
                block = found.block(i)
                due = began if speed == inf else began + float(found.arrived[i] - found.arrived[0]) / speed
                if not clock.wait_until(due, stopping):
                    return
                if block:
                    self._come_by(marks, block, int(self._ends[i]), last=i == len(found) - 1)
                    self._queued.put(block)
                    self.arrived.set()
            if not self.loop:
                return
            began = clock.now()

    def _come_by(self, marks: deque[Mark], block: Block, end: int, *, last: bool) -> None:
        """Tell the marks up to the end of a block, which is that of so many recorded rows."""
        first = self._queued.number(block)
        while marks and (last or marks[0].row <= end):
            mark = marks.popleft()
            self.played.add(mark._replace(row=first + min(max(mark.row - (end - block.n), 0), block.n)))

    def __repr__(self) -> str:
        return f"ReplaySource({str(self.replay.path)!r}, speed={self.replay.speed:g})"
