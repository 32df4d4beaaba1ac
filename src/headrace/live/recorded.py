"""The recording of a system: a consumer of the source's blocks that loses none, and its recorder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from headrace.core.block import Block
from headrace.errors import StreamConfigError
from headrace.live.consumer import Consumer
from headrace.live.pump import Pump

NAME = "recording"


class Recorded:
    """Starts and ends the recording of one system, of which there is one at a time."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._lock = threading.RLock()
        self._now: tuple[Consumer, Any] | None = None

    def start(self, path: Any, recorder: Any, metadata: Mapping[str, Any]) -> Any:
        """Begin, with the next block or with the first: see ``System.record``."""
        pump = self._pump
        pump.keep += 1  # the rows since the start, while we wait for a block to be computed
        try:
            return self._start(path, recorder, metadata)
        finally:
            pump.keep -= 1

    def _start(self, path: Any, recorder: Any, metadata: Mapping[str, Any]) -> Any:
        pump = self._pump
        with pump.between, self._lock:  # between two blocks, whose row and state are the recorder's first
            if self._now is not None:
                raise StreamConfigError(
                    f"record({str(path)!r}): the system records already, to {self._now[1]!r}.\n"
                    "  Call stop_recording() first, or add_consumer(recorder.write, raw=True, policy='spill')."
                )
            if recorder is None:
                from headrace.live.record import Recorder

                if not pump.taking:
                    pump.freshen()
                run = _FromStart(pump) if pump.early is not None else pump.run
                recorder = Recorder(path, source=pump.source, run=run, metadata=metadata, clock=pump.clock)
                write, timed = recorder.write, True
                if isinstance(run, _FromStart):
                    run.seen = True
            else:
                write, timed = _write(recorder), False
            consumer = Consumer(
                write,
                policy="spill",
                name=pump.feeds.free_name(NAME),
                raw=True,
                timed=timed,
                clock=pump.clock,
                patience=pump.patience,
            )
            self._now = (consumer, recorder)
            pump.add(consumer, from_start=True)
        return recorder

    def stop(self) -> None:
        """End: hand over what waits, then close the recorder; raises what it failed with."""
        with self._pump.between, self._lock:
            now, self._now = self._now, None
            if now is None:
                return
            consumer, recorder = now
            self._pump.feeds.forget(consumer)
        consumer.end()
        consumer.join()
        error: BaseException | None = consumer.untold()
        if consumer.hung and error is not None:  # it has the recorder still, and closing that would wait for it
            raise error
        try:
            close: Callable[[], Any] = getattr(recorder, "close", None) or recorder.stop
            close()
        except Exception as another:
            if error is None:
                raise
            error.add_note(f"  and closing it raised {another!r}")
        if error is not None:
            raise error

    def mark(self, name: str, value: Any) -> Any:
        """Keep a mark."""
        now = self._now
        mark = None if now is None else getattr(now[1], "mark", None)
        if mark is None:
            what = "nothing is recorded" if now is None else f"{now[1]!r} keeps no marks"
            raise StreamConfigError(f"mark({name!r}): {what}.\n  Call system.record(path) first.")
        return mark(name, value)


class _FromStart:
    """A run as it was at the system's start, for a recorder that is given all rows since then, and what changed."""

    row = 0

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self.graph = pump.graph_at_start()
        self.seen = False

    @property
    def log(self) -> Any:
        return self._pump.run.log if self.seen else []


def _write(recorder: Any) -> Callable[[Block], Any]:
    write = getattr(recorder, "write", None)
    if not callable(write) or not callable(getattr(recorder, "close", None) or getattr(recorder, "stop", None)):
        raise StreamConfigError(
            f"start_recording got recorder={recorder!r}, wanted one with write(block) and stop().\n"
            "  None records to a session."
        )
    made: Callable[[Block], Any] = write
    return made
