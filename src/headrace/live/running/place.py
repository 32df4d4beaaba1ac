"""A place in the blocks of a system, as the system sees it: what it hands over there, and the thread that passes it on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, Final, Literal, get_args

from headrace.core.block import Block
from headrace.errors import WorkerError
from headrace.live.devices.clock import Clock
from headrace.live.devices.pieces import again, joined
from headrace.live.running.waiting import Policy, Queue

OnError = Literal["fail", "restart", "skip"]
ON_ERROR: Final[tuple[str, ...]] = get_args(OnError)
PAUSE: Final = 0.05  # seconds before a callback that failed is tried again
LOOK: Final = 0.25  # seconds between two looks at a thread that is waited for


class Place:
    """What the system does with a :class:`~headrace.live.Consumer`, which alone is made."""

    callback: Callable[..., Any] | None
    name: str
    on_error: OnError
    raw: bool
    timed: bool
    several: bool
    clock: Clock
    patience: float
    deadline: float
    hung: bool

    def __init__(
        self,
        callback: Callable[..., Any] | None,
        queue: Queue,
        name: str,
        on_error: OnError,
        clock: Clock,
        *,
        raw: bool,
        timed: bool,
        deadline: float,
        patience: float,
    ) -> None:
        self.callback, self.name, self.on_error, self.raw, self.timed = callback, name, on_error, raw, timed
        self.clock, self.patience, self.deadline = clock, patience, deadline
        self.several = False  # whether the callback is given all blocks that wait, as [(block, came), ...]
        self.left: Callable[[Any], object] | None = None  # who is told that it is closed
        self.last_error: BaseException | None = None
        self.hung = False  # whether its callback was given up
        self._queue = queue
        self._queue.deadline = deadline
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._idle, self._over, self._closed, self._hurried = True, True, False, False
        self._rest = False  # whether it has failed, and is given what waited before that
        self._failure: BaseException | None = None  # of its own
        self._ended_by: BaseException | None = None  # of the system
        self._untold: BaseException | None = None
        self._trace: TracebackType | None = None
        self._tell: Callable[[], object] | None = None  # called when somebody is told of the system's failure
        self._in_hand: float | None = None
        self._errors = self._calls = 0

    @property
    def policy(self) -> Policy:
        """What happens to blocks for which there is no room."""
        return self._queue.policy

    @property
    def failure(self) -> BaseException | None:
        """What it has failed with, and is given no more since; None while it is well, or when the system failed."""
        return self._failure

    @property
    def state(self) -> str:
        """How it is: ``"idle"`` before the system's start, ``"running"``, ``"stopped"`` or ``"failed"``."""
        if self._failure is not None or self._ended_by is not None:
            return "failed"
        return "idle" if self._idle and not self._closed else "stopped" if self._closed or self._over else "running"

    def begin(self) -> None:
        """Take blocks from now on."""
        with self._changed:
            if self._closed:
                return
            self._idle = self._over = self._hurried = self._rest = self.hung = False
            self._failure = self._ended_by = self._untold = None
            if self.callback is None or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._work, name=f"headrace-{self.name}", daemon=True)
        self._thread.start()

    def offer(self, block: Block, came: float) -> None:
        """Take a block that came at ``came``; only with the policy ``"block"`` this waits for anything."""
        with self._changed:
            if self.policy == "block":
                while not (self._queue.room(block) or self._hurried or self._shut()):
                    self._changed.wait()
            if self._shut() or self._over:  # taken out while this block was under way
                self._queue.miss(block.n)
                return
            try:
                self._queue.put(block, came, anyhow=self._hurried)
            except Exception as error:  # of the queue, a full disk: what waits in it is handed over all the same
                self._fail(error, rest=True)
            self._changed.notify_all()

    def miss(self, n: int) -> None:
        """Count rows that it should have been given, and that could not be computed."""
        with self._changed:
            self._queue.miss(n)

    def hurry(self) -> None:
        """Wait for room no more: the system stops, and what comes now is the rest."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()

    def end(self, failure: BaseException | None = None, told: Callable[[], object] | None = None) -> None:
        """Say that this run of the system is over; what waits still is handed over, then ``failure`` is raised."""
        with self._changed:
            self._tell = told
            self._over, self._ended_by = True, failure
            if failure is not None and self._failure is None:
                self._trace = failure.__traceback__
            self._changed.notify_all()

    def join(self) -> None:
        """Wait until the callback has had all that waits, as long as it comes back from a block now and then."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        calls, until = self._calls, monotonic() + self.patience
        while thread.is_alive():
            thread.join(min(LOOK, self.patience))
            if calls != self._calls:
                calls, until = self._calls, monotonic() + self.patience
            elif thread.is_alive() and monotonic() > until:
                self._give_up()
                return
        self._thread = None

    def _give_up(self) -> None:
        with self._changed:
            self._calls += 1
            self.hung = True
            self._thread = None  # which tells it to end when it comes back
            self._fail(
                WorkerError(
                    f"{self!r} has not come back from a block within {self.patience} seconds, at the end.\n"
                    "  Give what its callback waits for a timeout of its own."
                )
            )

    def untold(self) -> BaseException | None:
        """Return a failure of its own that nobody has been told yet, once."""
        with self._changed:
            error, self._untold = self._untold, None
            return error

    def runs(self, thread: threading.Thread) -> bool:
        """Return whether that is the thread that calls the callback."""
        return thread is self._thread

    @property
    def progress(self) -> int:
        """Grows with every block that the callback has come back from."""
        return self._calls

    # --- its thread -----------------------------------------------------------------------------------

    def _work(self) -> None:
        me = threading.current_thread()
        assert self.callback is not None
        while found := self._next(me):
            call = self._call(self.callback, found)
            try:
                call()
            except BaseException as error:
                self._failed(error, found, call)
            with self._changed:
                self._calls += 1
                self._in_hand = None

    def _call(self, callback: Callable[..., Any], found: list[tuple[Block, float]]) -> Callable[[], object]:
        if self.several:
            return lambda: callback([(again(block), came) for block, came in found])
        block = joined([each for each, _ in found])
        given = (found[0][1],) if self.timed else ()
        return lambda: callback(again(block), *given)

    def _next(self, me: threading.Thread) -> list[tuple[Block, float]]:
        with self._changed:
            while self._thread is me and (self._rest or not self._shut()):
                self._in_hand = self._queue.oldest()
                try:
                    found = self._queue.get(self.clock.now(), one=self.timed, apart=self.several)
                except Exception as error:  # what had spilled cannot be read
                    self._fail(error)
                    continue
                if found:
                    self._changed.notify_all()
                    return found
                if self._over or self._rest:
                    break
                self._changed.wait()
            return []

    def _failed(self, error: BaseException, found: list[tuple[Block, float]], call: Callable[[], object]) -> None:
        self._errors += 1
        self.last_error = error
        if self.on_error == "restart" and isinstance(error, Exception):
            with self._changed:
                self._changed.wait_for(self._shut, PAUSE)
                shut = self._shut()
            if not shut:
                try:
                    call()
                except Exception as another:
                    self._errors += 1
                    self.last_error = another
            return
        if self.on_error == "fail" or not isinstance(error, Exception):
            first, last = found[0][0], found[-1][0]
            error.add_note(f"  while {self!r} was called with rows {first.first} to {last.first + last.n}")
            with self._changed:
                self._fail(error)

    def _fail(self, error: BaseException, *, rest: bool = False) -> None:
        """End with a failure, at once or when the ``rest`` that waits was handed over; the lock is held."""
        if self._failure is None:
            self._failure = self._untold = self.last_error = error
            self._trace = error.__traceback__
        self._rest = rest
        if self.callback is not None and not rest:
            self._queue.clear()
        self._changed.notify_all()

    def _shut(self) -> bool:
        return self._closed or self._failure is not None
