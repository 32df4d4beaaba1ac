"""The thread of a system: brings what a source says, and the signals computed of it, to consumers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, Final

from headrace.core.block import Block
from headrace.errors import StreamConfigError, WorkerError
from headrace.live.clock import Clock, expect
from headrace.live.consumer import LOOK, Consumer, OnError
from headrace.live.feeds import Feeds, hand
from headrace.live.pieces import as_block, has_rows, sealed, size_of
from headrace.live.wake import Wake
from headrace.signals import Graph, Run

CALM: Final = 0.002  # seconds between two looks at a source that says something all the time: else each row is a block
POLL: Final = 0.01  # ... at a source that does not ring when it has something
LONGEST: Final = 0.5  # ... at one that does, in case it has ended without
EARLY: Final = (
    1.0,
    1 << 24,
)  # seconds, and bytes, that are kept for a recording that is asked for just after the start
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # before a source that failed is started again


class Pump:
    """What runs while a system runs; see :class:`headrace.live.system.System`, which alone makes one.

    The thread alone reads the source. It goes through blocks one by one: compute, then hand over.
    """

    def __init__(
        self, source: Any, graph: Graph, *, clock: Clock, on_error: OnError, update_rate: float | None, patience: float
    ) -> None:
        self.source, self.clock, self.on_error = source, clock, on_error
        self.update_rate, self.patience = update_rate, patience
        self.feeds = Feeds()
        self.run = Run(graph)
        self.planned = graph  # what it will be with the next block
        self._fresh = True  # whether the run has had no block
        self.between = threading.RLock()  # held while a block is computed: who has it is between two blocks
        self.edited = False  # whether the graph was changed since the last block
        self.early: list[tuple[Block, float]] | None = None
        self.head: Block | None = None  # a block of no rows, with the source's columns
        self.at_end: list[Callable[[], object]] = []  # called when a run is over
        self.state = "idle"
        self.failure: BaseException | None = None
        self.last_error: BaseException | None = None
        self.told = True  # whether somebody knows of it
        self.trace: TracebackType | None = None
        self.untold: list[BaseException] = []  # of edits that do not fit
        self.rows = self.blocks = self.skipped = self.errors = self.restarts = 0
        self._began_graph, self._blocks_before = graph, 0
        self._turn = threading.RLock()  # one start or stop at a time
        self._bell = Wake()
        self._answer = threading.Condition()
        self._rounds = self._done = 0
        self._held = False  # whether a round takes longer than a reader should wait for
        self._thread: threading.Thread | None = None
        self._stopping, self._quiet = threading.Event(), threading.Event()
        self._over, self._wanted = threading.Event(), threading.Event()
        self._over.set()
        self._error: BaseException | None = None  # of the source, to be dealt with
        self._ended, self._pause, self._last, self._early_bytes = False, FIRST_PAUSE, 0.0, 0
        self._began = 0.0

    # --- from outside ---------------------------------------------------------------------------------

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
            self._rounds = self._done = 0
            self._blocks_before = self.blocks
            with self.between:
                self.freshen()
                self._began_graph = self.run.graph
                self.early, self._early_bytes, self._began = [], 0, self.clock.now()
            thread = threading.Thread(target=self._work, name="headrace-System", daemon=True)
            relay = getattr(getattr(self.source, "arrived", None), "relay", None)
            if relay is not None:
                relay(self._bell.set)
            self._over.clear()
            try:
                self.feeds.begin()
                self.source.start()
                self.state, self._thread = "running", thread
                if self.update_rate is not None:
                    expect(self.clock, thread)
                thread.start()
            except BaseException as error:
                self.state, self._thread, self.early = "failed", None, None
                self._stop_source(error)
                self.feeds.finish(error)
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

    def add(self, consumer: Consumer, *, from_start: bool = False) -> bool:
        """Let a consumer in between two blocks; return whether it is given all blocks since the start."""
        with self.between:
            self.feeds.add(consumer)
            if not self.running:
                return True
            consumer.begin()
            early = self.early if from_start and self.early is not None else []
            for block, came in early:
                consumer.offer(block, came)
            return len(early) == self.blocks_of_run

    @property
    def blocks_of_run(self) -> int:
        """How many blocks came since the start."""
        return self.blocks - self._blocks_before

    def freshen(self) -> None:
        """Have the signals begin anew, if they have computed anything."""
        with self.between:
            if not self._fresh:
                self.run.reset()
                self._fresh = True

    def graph_at_start(self) -> Graph:
        """Return what the graph was at the start."""
        return self._began_graph

    # --- ending -----------------------------------------------------------------------------------------

    def _begin_to_stop(self) -> None:
        self._stopping.set()
        self.feeds.hurry()
        self._wanted.set()
        self._stop_source()
        self._bell.set()

    def _stop_source(self, because: BaseException | None = None) -> None:
        try:
            self.source.stop()
        except Exception as error:
            if because is not None:
                because.add_note(f"  and stopping the source raised {error!r}")
            elif error is not self.failure:
                error.add_note(f"  while stopping {self.source!r}")
                self._fail(error)
        finally:
            self._quiet.set()

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
                raise WorkerError(
                    f"the system did not stop within {2 * self.patience} seconds: a signal, or the source's read(), "
                    "does not return.\n  Give what it waits for a timeout; stop() again waits for it again."
                )
        self._thread = None

    def _progress(self) -> tuple[int, int, int]:
        return self._rounds, self.blocks, self.feeds.progress

    def _fail(self, error: BaseException) -> None:
        self.errors += 1
        self.last_error = error
        if self.failure is None:
            self.failure, self.state, self.told, self.trace = error, "failed", False, error.__traceback__
        elif error is not self.failure:
            self.failure.add_note(f"  and then: {error!r}")

    def _finish(self) -> None:
        self._hold()
        if not self._quiet.is_set():
            self._stop_source()
        self.feeds.finish(self.failure)
        for end in self.at_end:
            try:
                end()
            except Exception as error:
                self._fail(error)
        if self.state == "running":
            self.state = "stopped"
        self.early = None
        self._let_go()
        self._over.set()
        with self._answer:
            self._answer.notify_all()

    def _let_go(self) -> None:
        unrelay = getattr(getattr(self.source, "arrived", None), "unrelay", None)
        if unrelay is not None:
            unrelay(self._bell.set)

    # --- the thread -------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while self._round():
                pass
        except BaseException as error:
            self._fail(error)
        self._finish()

    def _round(self) -> bool:
        """Bring what the source has said by now; return False when that was all."""
        quiet = self._quiet.is_set()  # looked at first: what is read after that is the rest
        with self._answer:
            self._rounds += 1
            self._wanted.clear()
        came = self._bring()
        with self._answer:
            self._done = self._rounds
            self._held = False
            self._answer.notify_all()
        if self._error is not None:
            return self._recover(quiet)
        if self.failure is not None and not quiet:  # of a signal
            self._hold()
            self._stop_source()
            return True
        if came:
            self._pause = FIRST_PAUSE
            self._rest()
            return True
        if quiet or self._ended:
            return False
        self._wait()
        return True

    def _rest(self) -> None:
        if self.update_rate is not None:
            self.clock.wait_until(self._last + 1 / self.update_rate, self._stopping)
            self._last = self.clock.now()
            return
        left = self._last + CALM - monotonic()
        if left > 0:
            self._wanted.wait(left)
        self._last = monotonic()

    def _wait(self) -> None:
        if self.update_rate is not None:
            self.clock.wait_until(self.clock.now())  # tells a clock that is turned by hand that nothing is at work here
        arrived = getattr(self.source, "arrived", None)
        if hasattr(arrived, "relay"):
            self._bell.wait(LONGEST)
        else:
            self._bell.wait(POLL if self.update_rate is None else min(LONGEST, 1 / self.update_rate))

    def _hold(self) -> None:
        with self._answer:
            self._held = True
            self._answer.notify_all()

    def _bring(self) -> bool:
        active = self._active()
        try:
            rate = getattr(self.source, "rate", None) or getattr(self.source, "sample_rate", None)
            block = as_block(self.source.read(), self.rows, rate)
        except Exception as error:
            error.add_note(f"  while reading {self.source!r}")
            self._error = error
            return False
        if not has_rows(block):
            self._ended = not active
            return False
        came, made = self.clock.now(), None
        with self.between:
            self.rows += block.n
            self.blocks += 1
            self._keep_early(block, came)
            consumers = self.feeds.all()
            if self.failure is None:
                made = self._computed(block)
            if made is None:
                self.skipped += block.n
        hand(block, came, [each for each in consumers if each.raw], self._hold)
        rest = [each for each in consumers if not each.raw]
        if made is not None:
            hand(made, came, rest, self._hold)
        else:
            for each in rest:
                each.miss(block.n)
        return True

    def _active(self) -> bool:
        active = getattr(self.source, "is_active", True)
        return bool(active() if callable(active) else active)

    def _keep_early(self, block: Block, came: float) -> None:
        self.head = sealed(Block.of(
            {name: column[:0] for name, column in block.items()},
            0, 0, block.rate, block.paces, block.latencies, None, None,
        ))  # fmt: skip
        if self.early is not None:
            self.early.append((block, came))
            self._early_bytes += size_of(block)
            if came - self._began > EARLY[0] or self._early_bytes > EARLY[1]:
                self.early = None

    def _computed(self, block: Block) -> Block | None:
        """Return the block with its signals; None when they cannot be computed, and that is told or counted."""
        again = self.on_error == "restart"
        while True:
            edited, self.edited, self._fresh = self.edited, False, False
            try:
                return sealed(self.run(block))
            except Exception as error:
                if edited:  # what was asked for does not fit: it is told, and the signals go on without
                    self.untold.append(error)
                    self.planned = self.run.graph
                    continue
                if self.on_error == "fail":
                    error.add_note(f"  while computing rows {block.first} to {block.first + block.n}")
                    self._fail(error)
                    return None
                self.errors += 1
                self.last_error = error
                if not again:
                    return None
                again = False
                self.restarts += 1
                self.run.reset()

    def _recover(self, quiet: bool) -> bool:
        """Deal with an exception of the source; return False when nothing more can come."""
        error, self._error = self._error, None
        assert error is not None
        self._hold()
        if quiet:  # it has been stopped: what it failed with is told, whatever the policy
            if error is not self.failure:
                self._fail(error)
            return False
        if self.on_error == "fail" or (self.on_error == "skip" and not self._active()):
            self._fail(error)
            self._stop_source()
            return True
        self.errors += 1
        self.last_error = error
        pause, self._pause = self._pause, min(LONGEST_PAUSE, 2 * self._pause)
        if not self.clock.wait_until(self.clock.now() + pause, self._stopping):
            return True
        if self.on_error == "restart":
            self.restarts += 1
            try:
                try:
                    self.source.stop()
                except Exception as another:  # the same, most likely
                    self.last_error = another
                self.source.start()
            except Exception as another:
                another.add_note(f"  while starting {self.source!r} again")
                self._error = another  # for the next round
            else:
                if self._stopping.is_set():  # meanwhile, by another thread, which found nothing to stop
                    self._stop_source()
        return True
