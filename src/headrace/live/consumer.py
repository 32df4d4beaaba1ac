"""Who is given a system's blocks: a place in them of its own, so that no consumer takes from another or delays it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic
from types import TracebackType
from typing import Any, Final, Literal, Self, get_args

from headrace.core.block import Block
from headrace.errors import ClosedError, StreamConfigError, WorkerError
from headrace.live.clock import SYSTEM, Clock
from headrace.live.pieces import again, joined
from headrace.live.waiting import Policy, Queue

OnError = Literal["fail", "restart", "skip"]
ON_ERROR: Final[tuple[str, ...]] = get_args(OnError)
PAUSE: Final = 0.05  # seconds before a callback that failed is tried again
LOOK: Final = 0.25  # seconds between two looks at a thread that is waited for


class Consumer:
    """A place in a system's blocks; made by :meth:`System.add_consumer <headrace.live.system.System.add_consumer>`.

    With a callback, a thread of its own calls it with all that waits, as one block; a slow one gets longer blocks, and
    fewer. Without, :meth:`read`, :meth:`take` or a ``for`` loop fetch them.

    Parameters
    ----------
    callback
        Called as ``callback(block)``.
    policy
        What happens to blocks when ``limit`` bytes wait already. ``"drop_oldest"`` and ``"drop_newest"``: some go, and
        are counted. ``"latest"``: only the newest block ever waits. ``"grow"``: it takes more, up to the limit if there
        is one, and then fails. ``"spill"``: the rest waits on disk. ``"block"``: the system waits, and the source with
        it, which counts what it drops.
    limit
        Bytes that may wait in memory, a number or such as ``"8MB"``; by default 64 MiB, without end for ``"grow"``.
    name
        What it is called in ``system.stats()`` and in errors.
    on_error
        After an exception of the callback: ``"fail"``: it gets no more, and the system's ``read``, ``join`` and
        ``stop`` raise it; ``"skip"`` that block; ``"restart"``: call it again with the same block after a pause, and
        skip the block when it fails again.
    raw
        Whether it is given the source's blocks, before signals are computed.
    timed
        Whether the callback is called as ``callback(block, came)``, with each block as it came and the moment on the
        clock, for who keeps that, too.
    deadline
        Seconds after which rows that are handed over count as ``late``.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> import numpy as np
    >>> consumer = Consumer(name="by hand")
    >>> consumer.begin()
    >>> consumer.offer(Block({"x": np.array([1, 2])}), came=0.0)
    >>> consumer.offer(Block({"x": np.array([3])}, first=2), came=0.0)
    >>> consumer.read()["x"], consumer.read()
    (array([1, 2, 3]), {})
    >>> {name: consumer.stats()[name] for name in ("produced", "delivered", "dropped", "pending")}
    {'produced': 3, 'delivered': 3, 'dropped': 0, 'pending': 0}
    """

    callback: Callable[..., Any] | None
    name: str
    on_error: OnError
    raw: bool
    timed: bool
    clock: Clock
    patience: float
    deadline: float
    hung: bool

    def __init__(
        self,
        callback: Callable[..., Any] | None = None,
        *,
        policy: Policy = "drop_oldest",
        limit: int | str | None = None,
        name: str = "consumer",
        on_error: OnError = "fail",
        raw: bool = False,
        timed: bool = False,
        deadline: float = 1.0,
        clock: Clock = SYSTEM,
        patience: float = 10.0,
    ) -> None:
        if callback is not None and not callable(callback):
            raise StreamConfigError(
                f"a consumer got callback={callback!r}, wanted a function of a block, or None.\n"
                "  Without one, read() fetches the blocks."
            )
        if on_error not in ON_ERROR:
            raise StreamConfigError(
                f"a consumer got on_error={on_error!r}, wanted one of {', '.join(map(repr, ON_ERROR))}.\n"
                "  'fail' gives it no more, and the system raises the error."
            )
        self.callback, self.name, self.on_error, self.raw, self.timed = callback, name, on_error, raw, timed
        self.clock, self.patience, self.deadline = clock, patience, deadline
        self.left: Callable[[Consumer], object] | None = None  # who is told that it is closed
        self.last_error: BaseException | None = None
        self.hung = False  # whether its callback was given up
        self._queue = Queue(policy, limit, timed=timed)
        self._queue.deadline = deadline
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._idle, self._over, self._closed, self._hurried = True, True, False, False
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
    def state(self) -> str:
        """How it is: ``"idle"`` before the system's start, ``"running"``, ``"stopped"`` or ``"failed"``."""
        if self._failure is not None or self._ended_by is not None:
            return "failed"
        return "idle" if self._idle and not self._closed else "stopped" if self._closed or self._over else "running"

    # --- the system's side ----------------------------------------------------------------------------

    def begin(self) -> None:
        """Take blocks from now on."""
        with self._changed:
            if self._closed:
                return
            self._idle = self._over = self._hurried = self.hung = False
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
            except Exception as error:
                self._fail(error)
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
            block = joined([each for each, _ in found])
            given = (found[0][1],) if self.timed else ()
            try:
                self.callback(again(block), *given)
            except BaseException as error:
                self._failed(error, block, given)
            with self._changed:
                self._calls += 1
                self._in_hand = None

    def _next(self, me: threading.Thread) -> list[tuple[Block, float]]:
        with self._changed:
            while self._thread is me and not self._shut():
                self._in_hand = self._queue.oldest()
                try:
                    found = self._queue.get(self.clock.now(), one=self.timed)
                except Exception as error:  # what had spilled cannot be read
                    self._fail(error)
                    continue
                if found:
                    self._changed.notify_all()
                    return found
                if self._over:
                    break
                self._changed.wait()
            return []

    def _failed(self, error: BaseException, block: Block, given: tuple[float, ...]) -> None:
        self._errors += 1
        self.last_error = error
        if self.on_error == "restart" and isinstance(error, Exception):
            assert self.callback is not None
            with self._changed:
                self._changed.wait_for(self._shut, PAUSE)
                shut = self._shut()
            if not shut:
                try:
                    self.callback(again(block), *given)
                except Exception as another:
                    self._errors += 1
                    self.last_error = another
            return
        if self.on_error == "fail" or not isinstance(error, Exception):
            error.add_note(f"  while {self!r} was called with rows {block.first} to {block.first + block.n}")
            with self._changed:
                self._fail(error)

    def _fail(self, error: BaseException) -> None:
        """End with a failure; the lock is held."""
        if self._failure is None:
            self._failure = self._untold = self.last_error = error
            self._trace = error.__traceback__
        if self.callback is not None:
            self._queue.clear()
        self._changed.notify_all()

    def _shut(self) -> bool:
        return self._closed or self._failure is not None

    # --- the reader's side ----------------------------------------------------------------------------

    def read(self) -> Block:
        """Return all rows that wait, without waiting; an empty block, without columns, when there are none.

        Rows on both sides of a gap, or of a change of columns, come with two calls.

        Raises
        ------
        ClosedError
            After :meth:`close`.
        Exception
            What the consumer or the system failed with, when all rows before it have been read; every time.
        """
        blocks = self._fetch(one=False)
        return joined(blocks) if blocks else Block({})

    def take(self) -> Block | None:
        """Return the oldest block that waits, without waiting; None when there is none. Raises as :meth:`read`.

        Where hundreds of small ones wait, some have been joined.
        """
        blocks = self._fetch(one=True)
        return again(blocks[0]) if blocks else None

    def _fetch(self, one: bool) -> list[Block]:
        if self.callback is not None:
            raise StreamConfigError(
                f"{self!r} has a callback, which is given its blocks: there is nothing to read.\n"
                "  Add another consumer without a callback."
            )
        with self._changed:
            if self._closed:
                raise ClosedError(f"{self!r} is closed; add another consumer.")
            blocks = self._queue.get(self.clock.now(), one=one)
            if blocks:
                self._changed.notify_all()
                return [block for block, _ in blocks]
            error = self._failure or self._ended_by
            if error is not None:
                self._untold = None
                if error is self._ended_by and self._tell is not None:
                    self._tell()
                raise error.with_traceback(self._trace)  # which does not grow from call to call
            return []

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until there is something to read, or nothing more to come; return False after ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._queue) > 0 or self._over or self._shut(), timeout)

    def __iter__(self) -> Iterator[Block]:
        """Yield block after block until the system ends; raises what it failed with."""
        while self.wait():
            try:
                block = self.take()
            except ClosedError:
                return
            if block is not None:
                yield block
            elif self._over:
                return

    def close(self) -> None:
        """Take no more, drop what waits, and wait for the callback to come back. Closing twice is fine.

        Raises
        ------
        WorkerError
            When the callback does not come back within the system's ``patience``.
        Exception
            What it failed with, if nobody has been told yet.
        """
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify_all()
        if self.left is not None:
            self.left(self)
        self.join()
        error = self.untold()
        if error is not None:
            raise error

    def stats(self) -> dict[str, Any]:
        """Return what it counts.

        Returns
        -------
        counts
            Rows ``produced`` by the system for it, ``delivered``, ``dropped`` and ``pending`` (the first is the sum of
            the others), ``late``; bytes ``pending_bytes`` and ``spilled_bytes``; ``errors`` of the callback; ``lag``,
            how many seconds ago the oldest block came that is not done with; ``policy`` and ``state``.
        """
        with self._changed:
            oldest = self._queue.oldest() if self._in_hand is None else self._in_hand
            lag = 0.0 if oldest is None else max(0.0, self.clock.now() - oldest)
            return {
                **self._queue.counts(), "errors": self._errors, "lag": lag, "policy": self.policy, "state": self.state
            }  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except Exception as failure:
            if error is None:
                raise
            error.add_note(f"  and {self!r} failed meanwhile: {failure!r}")

    def __repr__(self) -> str:
        return f"Consumer({self.name!r})"
