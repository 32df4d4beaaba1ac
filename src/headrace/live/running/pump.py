"""The thread of a system: started, stopped, waited for."""

from __future__ import annotations

import threading
from time import monotonic

from headrace.core.block import Block
from headrace.errors import StreamConfigError, WorkerError
from headrace.live.devices.clock import expect
from headrace.live.running.consumer import Consumer
from headrace.live.running.place import LOOK
from headrace.live.running.rounds import FIRST_PAUSE, Rounds
from headrace.live.running.warm import warm
from headrace.signals import Graph


class Pump(Rounds):
    """What runs while a system runs; see :class:`headrace.live.System`, which alone makes one."""

    failure: BaseException | None
    last_error: BaseException | None
    state: str
    told: bool
    taking: bool
    ended: bool
    early: list[tuple[Block, float]] | None
    began_graph: Graph

    @property
    def running(self) -> bool:
        """Whether blocks come, or the last of them are handed over still."""
        return not self._over.is_set()

    def start(self) -> None:
        """Begin; of no effect while it runs."""
        with self._turn:
            if self.running:
                return
            self._join()
            self._stopping, self._quiet, self._wanted = threading.Event(), threading.Event(), threading.Event()
            self.failure = self._error = None
            self.told, self._ended, self._held, self._pause = True, False, False, FIRST_PAUSE
            self._mute = self.ended = False
            self._rounds = self._done = 0
            if self._warmed is not self.planned:
                self._warmed = self.planned
                warm(self.planned)
            with self.between:
                self.freshen()
                self.began_graph = self.run.graph
                self.early, self._early_bytes, self._began = [], 0, self.clock.now()
            thread = threading.Thread(target=self._work, name="headrace-System", daemon=True)
            relay = getattr(getattr(self.source, "arrived", None), "relay", None)
            if relay is not None:
                relay(self._bell.set)
            self._over.clear()
            try:
                with self.between:
                    self.taking = True
                    self.feeds.begin()
                self._start_source()
                self.state, self._thread = "running", thread
                if self.update_rate is not None:
                    expect(self.clock, thread)
                thread.start()
            except BaseException as error:
                self.state, self._thread, self.early = "failed", None, None
                self._stop_source(error)
                self._take_no_more(error)
                self._let_go()
                self._over.set()
                raise

    def stop(self) -> None:
        """Stop the source, hand over what it said, and wait for that; from a callback, without waiting."""
        me = threading.current_thread()
        if me is self._thread or self.feeds.runs(me):
            self._begin_to_stop()
            return
        with self._turn:
            if self._thread is not None:
                self._begin_to_stop()
                self._join()
            elif self._halt.hangs:  # since the last time
                self._halt()
            self.early = None

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it is over; return False when it is not within ``timeout`` seconds."""
        me = threading.current_thread()
        if me is self._thread or self.feeds.runs(me):
            raise StreamConfigError(
                "join() was called in a callback of the system, wanted another thread: it would wait for itself.\n"
                "  stop() can be called here, and does not wait."
            )
        if not self._over.wait(timeout):
            return False
        with self._turn:
            if self._over.is_set():
                self._join()
                self.early = None
        return True

    def catch_up(self) -> None:
        """Have what the source has said by now computed and handed over, as far as that needs no waiting."""
        if not self.running or threading.current_thread() is self._thread:
            return
        with self._answer:
            enough = self._rounds + 1  # one that has begun already may have looked before
            self._wanted.set()
            self._bell.set()
            self._answer.wait_for(lambda: self._done >= enough or self._held or not self.running, self.patience)

    def add(self, consumer: Consumer, *, from_start: bool = False) -> None:
        """Let a consumer in between two blocks; ``from_start``: with those since the start, while they are kept."""
        with self.between:
            self.feeds.add(consumer)
            early = self.early if from_start else None
            if not self.taking and early is None:
                return
            consumer.begin()
            if self._stopping.is_set():
                consumer.hurry()
            for block, came in early or ():
                consumer.offer(block, came)

    def head(self) -> Block | None:
        """Return a block of no rows, with the source's columns, once they are known."""
        block = self._newest
        if block is None:
            return None
        columns = {name: column[:0] for name, column in block.items()}
        return Block.of(columns, 0, 0, block.rate, block.paces, block.latencies, None, None)

    def freshen(self) -> None:
        """Have the signals begin anew, if they have computed anything."""
        with self.between:
            if not self._fresh:
                self.run.reset()
                self._fresh = True

    # --- ending -----------------------------------------------------------------------------------------

    def _begin_to_stop(self) -> None:
        self._stopping.set()
        self.feeds.hurry()
        self._wanted.set()
        self._stop_source()
        self._bell.set()

    def _join(self) -> None:
        thread = self._thread
        if thread is None:
            return
        seen, until = self._progress(), monotonic() + 2 * self.patience
        while thread.is_alive():
            thread.join(LOOK)
            if (now := self._progress()) != seen:
                seen, until = now, monotonic() + 2 * self.patience
            elif thread.is_alive() and monotonic() > until:
                self.state = "failed"
                who = self._halt.what if self._halt.hangs else "a signal, or the source's read(),"
                raise WorkerError(
                    f"the system did not stop within {2 * self.patience} seconds: {who} does not return.\n"
                    "  Give what it waits for a timeout; stop() again waits for it again."
                )
        self._thread = None

    def _progress(self) -> tuple[int, int, int]:
        return self._rounds, self.blocks, self.feeds.progress

    def _work(self) -> None:
        try:
            while self._round():
                pass
        except BaseException as error:
            self._fail(error)
        self._finish()

    def _finish(self) -> None:
        try:
            self._hold()
            if not self._quiet.is_set():
                self._stop_source()
            self._take_no_more(self.failure)
            for end in self.at_end:
                try:
                    end()
                except Exception as error:
                    self.last_error = error
                    self.untold.append(error)
        finally:
            if self.state == "running":
                self.state = "stopped"
            self._let_go()
            self._over.set()
            with self._answer:
                self._answer.notify_all()

    def _take_no_more(self, failure: BaseException | None) -> None:
        with self.between:  # who is let in after this is not told of the end, and waits for the next start
            self.taking = False
            if not self.ended:  # else a recording that is asked for before anybody knows of the end is given all of it
                self.early = None
            everyone = self.feeds.end(failure, self._is_told)
        for each in everyone:
            each.join()

    def _is_told(self) -> None:
        self.told = True

    def _let_go(self) -> None:
        unrelay = getattr(getattr(self.source, "arrived", None), "unrelay", None)
        if unrelay is not None:
            unrelay(self._bell.set)
