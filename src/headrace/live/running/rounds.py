"""What the thread of a system does, again and again: read the source, compute the signals, hand over the blocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, Final
from weakref import WeakSet

from headrace.core.block import Block
from headrace.live.devices.active import is_running
from headrace.live.devices.clock import Clock
from headrace.live.devices.pieces import as_block, begins, has_rows, sealed, size_of
from headrace.live.devices.wake import Wake
from headrace.live.running.bounded import Bounded
from headrace.live.running.feeds import Feeds
from headrace.live.running.live_run import LiveRun
from headrace.live.running.place import OnError
from headrace.signals import Graph

CALM: Final = 0.002  # seconds between two looks at a source that says something all the time: else each row is a block
POLL: Final = 0.01  # ... at a source that does not ring when it has something
LONGEST: Final = 0.5  # ... at one that does, in case it has ended without
EARLY: Final = (1.0, 1 << 24)  # seconds, and bytes, kept for a recording that is asked for just after the start
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # before a source that failed is started again


class Rounds:
    """What a system is, and the rounds that its thread goes; see :class:`headrace.live.running.pump.Pump`.

    The thread alone reads the source. It goes through blocks one by one: compute, then hand over.
    """

    source: Any
    clock: Clock
    on_error: OnError
    update_rate: float | None
    patience: float
    rows: int
    blocks: int
    skipped: int
    errors: int
    restarts: int

    def __init__(
        self, source: Any, graph: Graph, *, clock: Clock, on_error: OnError, update_rate: float | None, patience: float
    ) -> None:
        self.source, self.clock, self.on_error = source, clock, on_error
        self.update_rate, self.patience = update_rate, patience
        self.feeds: Feeds = Feeds()
        self._halt = Bounded(lambda: self.source.stop(), f"stop() of {source!r}", patience)
        self._of_source: WeakSet[threading.Thread] = WeakSet()  # threads that came while it was started
        self.run: LiveRun = LiveRun(graph)
        self.planned: Graph = graph  # what it will be with the next block
        self.computed: set[str] = {node.name for node in graph.nodes}  # names of signals that there ever were
        self._fresh = True  # whether the run has had no block
        # Held while a block is computed: who has it is between two blocks.
        self.between: threading.RLock = threading.RLock()
        self.edited: bool = False  # whether the graph was changed since the last block
        self.keep: int = 0  # how many recordings are about to be started
        self.early: list[tuple[Block, float]] | None = None
        self._newest: Block | None = None
        self.at_end: list[Callable[[], object]] = []  # called when a run is over
        self.state: str = "idle"
        self.failure: BaseException | None = None
        self.last_error: BaseException | None = None
        self.told: bool = True  # whether somebody knows of it
        self.trace: TracebackType | None = None
        self.taking: bool = False  # whether consumers are given blocks: from the start until the last of them
        self.ended: bool = False  # whether the source has ended by itself
        self.untold: list[BaseException] = []  # of edits that do not fit
        self.rows = self.blocks = self.skipped = self.errors = self.restarts = 0
        self.began_graph: Graph = graph  # what it was at the start
        self._warmed: Graph | None = None
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
        self._mute = False  # whether a signal has failed, and none is computed any more
        self._ended, self._pause, self._last, self._early_bytes = False, FIRST_PAUSE, 0.0, 0
        self._began = 0.0

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
            if not quiet and self._stopping.is_set():  # it has not ended by itself, and may say something to the end
                self._hold()
                if self._quiet.wait(min(self.patience, threading.TIMEOUT_MAX)):
                    return True
            self.ended = not (quiet or self._stopping.is_set())
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
            if not self._mute:
                made = self._computed(block)
            if made is None:
                self.skipped += block.n
                self.run.pass_over(block.n)
        for each in consumers:
            if each.policy == "block":  # one of the last: who reads need not wait with us
                self._hold()
            given = block if each.raw else made
            if given is None:
                each.miss(block.n)
            else:
                each.offer(given, came)
        return True

    def _active(self) -> bool:
        return is_running(self.source, True)

    def _keep_early(self, block: Block, came: float) -> None:
        self._newest = block
        if self.early is not None:
            self.early.append((block, came))
            self._early_bytes += size_of(block)
            if not self.keep and (came - self._began > EARLY[0] or self._early_bytes > EARLY[1]):
                self.early = None

    def _computed(self, block: Block) -> Block | None:
        """Return the block with its signals; None when they cannot be computed, and that is told or counted."""
        again = self.on_error == "restart"
        while True:
            edited, self.edited, first = self.edited, False, self.run.fresh
            self._fresh = False
            try:
                made = sealed(self.run(block))
                return begins(made) if first else made
            except Exception as error:
                if edited:  # what was asked for does not fit: it is told, and the signals go on without
                    self.untold.append(error)
                    self.planned = self.run.graph
                    continue
                if self.on_error == "fail":
                    error.add_note(f"  while computing rows {block.first} to {block.first + block.n}")
                    self._fail(error)
                    self._mute = True
                    return None
                self.errors += 1
                self.last_error = error
                if not again:
                    return None
                again = False
                self.restarts += 1
                self.run.restart()

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
                    self._halt()
                except Exception as another:  # the same, most likely
                    self.last_error = another
                self._start_source()
            except Exception as another:
                another.add_note(f"  while starting {self.source!r} again")
                self._error = another  # for the next round
            else:
                if self._stopping.is_set():  # meanwhile, by another thread, which found nothing to stop
                    self._stop_source()
        return True

    # --- what goes wrong ------------------------------------------------------------------------------

    def _fail(self, error: BaseException) -> None:
        self.errors += 1
        self.last_error = error
        if self.failure is None:
            self.failure, self.state, self.told, self.trace = error, "failed", False, error.__traceback__
        elif error is not self.failure:
            self.failure.add_note(f"  and then: {error!r}")

    def _start_source(self) -> None:
        self._halt.check()
        before = set(threading.enumerate())
        self.source.start()
        self._of_source.update(set(threading.enumerate()) - before)

    def _stop_source(self, because: BaseException | None = None) -> None:
        try:
            if self._runs(threading.current_thread()):  # its stop() knows that, and does not wait for it
                self.source.stop()
            else:
                self._halt()
        except Exception as error:
            if because is not None:
                because.add_note(f"  and stopping the source raised {error!r}")
            elif error is not self.failure:
                error.add_note(f"  while stopping {self.source!r}")
                self._fail(error)
        finally:
            self._quiet.set()

    def _runs(self, thread: threading.Thread) -> bool:
        """Return whether a thread is the source's; of one that cannot tell, each that came at its start may be."""
        runs = getattr(self.source, "runs", None)
        return bool(runs(thread)) if callable(runs) else thread in self._of_source
