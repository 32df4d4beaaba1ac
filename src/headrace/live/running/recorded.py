"""The recording of a system: a consumer of the source's blocks that loses none, and its recorder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from headrace.core.block import Block
from headrace.errors import SinkError, StreamConfigError, WorkerError
from headrace.live.recording.carried import Carried, Played
from headrace.live.recording.recorder import Recorder
from headrace.live.running.consumer import Consumer
from headrace.live.running.pump import Pump

NAME = "recording"


@dataclass(eq=False)
class _Now:
    """What is recorded: who takes the blocks, where they go, and which row of the system was its first."""

    consumer: Consumer
    recorder: Any
    first: int
    ended_by: threading.Thread | None = None
    over: threading.Event = field(default_factory=threading.Event)  # set when the recorder is closed


class Recorded:
    """Starts and ends the recording of one system, of which there is one at a time."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._lock = threading.RLock()
        self._now: _Now | None = None
        self._before: _Now | None = None  # what is being ended
        self._failure: BaseException | None = None  # of the last one

    @property
    def failure(self) -> BaseException | None:
        """What the recording has failed with, or the last one, when it is over."""
        now = self._now
        return self._failure if now is None else now.consumer.failure

    def start(self, path: Any, recorder: Any, metadata: Mapping[str, Any]) -> Any:
        """Begin, with the next block or with the first: see ``System.record``."""
        pump = self._pump
        pump.keep += 1  # the rows since the start, while we wait for a block to be computed
        try:
            now, over = self._start(path, recorder, metadata)
        finally:
            pump.keep -= 1
        if over:
            self.stop(now)
        return now.recorder

    def _start(self, path: Any, recorder: Any, metadata: Mapping[str, Any]) -> tuple[_Now, bool]:
        """Begin; return what is recorded, and whether that has all that will come, of a source that was faster than we."""
        pump = self._pump
        with pump.between, self._lock:  # between two blocks, whose row and state are the recorder's first
            if self._now is not None and self._now.consumer.failure is None:
                raise StreamConfigError(
                    f"record({str(path)!r}): the system records already, to {self._now.recorder!r}.\n"
                    "  Call stop_recording() first, or add_consumer(recorder.write, raw=True, policy='spill')."
                )
            self._replace_failed()
            several = timed = False
            if recorder is None:
                if not pump.taking and pump.early is None:
                    pump.freshen()
                run = _FromStart(pump) if pump.early is not None else pump.run
                recorder = Recorder(path, source=pump.source, run=run, metadata=metadata, clock=pump.clock)
                write, several, timed = _to_ours(recorder, pump.source), True, True
                if isinstance(run, _FromStart):
                    run.seen = True
            else:
                write = _write(recorder)
            consumer = Consumer(
                write,
                policy="spill",
                name=pump.feeds.free_name(NAME),
                raw=True,
                timed=timed,
                clock=pump.clock,
                patience=pump.patience,
            )
            consumer.several = several
            early = pump.early or []
            self._failure = None
            self._now = now = _Now(consumer, recorder, pump.rows - sum(block.n for block, _ in early))
            pump.add(consumer, from_start=True)
            return now, not pump.taking and pump.early is not None

    def _replace_failed(self) -> None:
        """End a recording that has failed, so that another can begin; what nobody was told is told by the system."""
        failed, self._now = self._now, None
        if failed is None:
            return
        self._pump.feeds.forget(failed.consumer)
        try:
            self._end(failed)
        except Exception as error:
            self._pump.untold.append(error)

    def stop(self, which: _Now | None = None) -> None:
        """End: hand over what waits, then close the recorder; raises what it failed with.

        When another thread does that already, wait for it: the system's own, at the end, or one that was quicker.
        """
        me = threading.current_thread()
        with self._pump.between, self._lock:
            now = which or self._now or self._before
            if now is None:
                return
            mine = now is self._now
            if mine:
                self._now, self._before, now.ended_by = None, now, me
                self._pump.feeds.forget(now.consumer)
        if mine:
            self._end(now)
        elif now.ended_by is not me and not now.consumer.runs(me):  # a recorder that calls us would wait for itself
            self._wait_for(now)

    def _wait_for(self, now: _Now) -> None:
        patience, seen = self._pump.patience, now.consumer.progress
        while not now.over.wait(min(patience, threading.TIMEOUT_MAX)):
            if now.consumer.progress == seen:
                raise WorkerError(
                    f"another thread ends the recording, and {now.recorder!r} is not closed within {patience} seconds.\n"
                    "  See to its disk; stop_recording() again waits for it again."
                )
            seen = now.consumer.progress

    def _end(self, now: _Now) -> None:
        try:
            self._finish(now.consumer, now.recorder)
        finally:
            now.over.set()
            with self._lock:
                if self._before is now:
                    self._before = None

    def _finish(self, consumer: Consumer, recorder: Any) -> None:
        consumer.end()
        consumer.join()
        error: BaseException | None = consumer.untold()
        self._failure = consumer.failure
        if consumer.hung and error is not None:  # it has the recorder still, and closing that would wait for it
            raise error
        if consumer.failure is not None and isinstance(recorder, Recorder):
            recorder.fail(consumer.failure)
        try:
            close: Callable[[], Any] = getattr(recorder, "close", None) or recorder.stop
            close()
        except Exception as another:
            if error is None:
                self._failure = self._failure or another
                raise
            error.add_note(f"  and closing it raised {another!r}")
        if error is not None:
            raise error

    def mark(self, name: str, value: Any) -> Any:
        """Keep a mark, with how many rows had come."""
        rows = self._pump.rows
        now = self._now
        mark = None if now is None else getattr(now.recorder, "mark", None)
        if now is None or mark is None:
            what = "nothing is recorded" if now is None else f"{now.recorder!r} keeps no marks"
            raise StreamConfigError(f"mark({name!r}): {what}.\n  Call system.record(path) first.")
        failure = now.consumer.failure
        if failure is not None:
            raise SinkError(
                f"mark({name!r}): {now.recorder!r} has failed, and keeps no more: {failure}.\n"
                "  Record to another path: system.record(path) begins anew."
            ) from failure
        ours = isinstance(now.recorder, Recorder)
        return mark(name, value, row=max(0, rows - now.first)) if ours else mark(name, value)


class _FromStart:
    """A run as it was at the system's start, for a recorder that is given all rows since then, and what changed."""

    row = 0

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self.graph = pump.began_graph
        self.seen = False

    @property
    def log(self) -> Any:
        return self._pump.run.log if self.seen else []


def _to_ours(recorder: Recorder, source: Any) -> Callable[..., None]:
    played = getattr(source, "played", None)
    return Carried(recorder, played).write_all if isinstance(played, Played) else recorder.write_all


def _write(recorder: Any) -> Callable[[Block], Any]:
    write = getattr(recorder, "write", None)
    if not callable(write) or not callable(getattr(recorder, "close", None) or getattr(recorder, "stop", None)):
        raise StreamConfigError(
            f"start_recording got recorder={recorder!r}, wanted one with write(block) and stop().\n"
            "  None records to a session."
        )
    made: Callable[[Block], Any] = write
    return made
