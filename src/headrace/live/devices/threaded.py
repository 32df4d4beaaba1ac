"""The base of devices that run in a thread of their own."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from headrace.core.block import Block
from headrace.errors import StreamConfigError, WorkerError
from headrace.live.devices.active import Active
from headrace.live.devices.clock import SYSTEM, Anchor, Clock, expect
from headrace.live.devices.managed import Managed
from headrace.live.devices.pending import Overflow, Pending
from headrace.live.devices.protocol import State
from headrace.live.devices.wake import Wake

FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0  # seconds before a device that failed is opened again


class Threaded(Managed):
    """A device that runs in a thread of its own.

    Subclasses write :meth:`run`, which calls :meth:`put` for rows or blocks until ``stopping`` is set, and where
    needed :meth:`opened`, :meth:`closed` and :meth:`unblock`.

    Parameters
    ----------
    rate
        Rows a second, where they come evenly.
    names
        The columns, where they are known before the first row.
    timestamp_key
        Which of them has the times.
    clock
        The source of time.
    max_bytes
        How much may wait to be read.
    overflow
        What goes when more would wait: ``"drop_oldest"``, ``"drop_newest"``; or ``"fail"``.
    on_error
        After an exception: ``"fail"``, or ``"restart"``: open it again, after a pause.
    patience
        Seconds that :meth:`stop` waits for the thread.

    Attributes
    ----------
    anchor : Anchor
        The moment that its times are counted from, on both clocks: that of the start.
    fixed_anchor : Anchor or None
        The anchor to take instead, where several devices of one session have one.
    last_error : Exception or None
        The newest, whatever became of it.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> class Counter(Threaded):
    ...     def run(self, stopping):
    ...         for i in range(3):
    ...             self.put({"timestamp": self.timestamp(), "i": i})
    ...         stopping.wait()
    >>> with Counter() as counter:
    ...     while counter.stats()["pending"] < 3:
    ...         _ = counter.arrived.wait(1.0)
    >>> counter.read()["i"]
    array([0, 1, 2])
    >>> counter.state, counter.stats()["delivered"], counter.is_active()
    ('stopped', 3, False)
    """

    policies: tuple[str, ...] = ("fail", "restart")
    on_error: str
    patience: float

    def __init__(
        self,
        *,
        rate: float | None = None,
        names: tuple[str, ...] = (),
        timestamp_key: str = "timestamp",
        clock: Clock | None = None,
        max_bytes: int = 1 << 26,
        overflow: Overflow = "drop_oldest",
        on_error: str = "fail",
        patience: float = 5.0,
    ) -> None:
        who = type(self).__name__
        if on_error not in self.policies:
            raise StreamConfigError(
                f"{who} got on_error={on_error!r}, wanted one of {', '.join(self.policies)}.\n"
                "  'fail' ends it, and read() raises the error."
            )
        self.clock: Clock = SYSTEM if clock is None else clock
        self.arrived: Wake = Wake()
        self.anchor: Anchor = Anchor.of(self.clock)
        self.fixed_anchor: Anchor | None = None
        self.on_error, self.patience = on_error, patience
        self.last_error: BaseException | None = None
        self.timestamp_key: str = timestamp_key
        self._rate, self._names = rate, names
        self._pending = Pending(max_bytes, overflow, who)
        self._state: State = "idle"
        self._failure: BaseException | None = None  # not raised yet
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._turn = threading.RLock()  # one start or stop at a time
        self._late = self._errors = self._restarts = 0

    # --- what subclasses write ----------------------------------------------------------------------

    def opened(self) -> None:
        """Open what is read; called in :meth:`start`, whose caller gets what it raises."""

    def run(self, stopping: threading.Event) -> None:
        """Put what comes, until ``stopping`` is set; returning earlier is the end of a device that has one."""
        raise NotImplementedError

    def closed(self) -> None:
        """Close what :meth:`opened` opened; called once for each, in the thread, when :meth:`run` is over."""

    def unblock(self) -> None:
        """Have :meth:`run` look at ``stopping`` if it waits for something else; called in :meth:`stop`."""

    # --- what they call -----------------------------------------------------------------------------

    def put(self, row: Mapping[str, Any]) -> None:
        """Add one row, a number or an array for each column, and wake up who waits."""
        self._pending.row(row)
        self.arrived.set()

    def put_block(self, columns: Mapping[str, Any]) -> None:
        """Add rows, an array ``(n, ...)`` for each column, and wake up who waits."""
        self._pending.block(columns)
        self.arrived.set()

    def timestamp(self, now: float | None = None) -> float:
        """Return Unix seconds of a moment of the clock, by default the present one; no step of the time is in it."""
        return self.anchor.unix(self.clock.now() if now is None else now)

    # --- the device ---------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """How it is: ``"idle"``, ``"running"``, ``"stopped"`` or ``"failed"``."""
        return self._state

    @property
    def is_active(self) -> Active:
        """Whether it runs; true or false, and callable."""
        return Active(self._state == "running")

    @property
    def rate(self) -> float | None:
        """Rows a second, where they come evenly."""
        return self._rate

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns, as far as they are known."""
        return self._pending.names or self._names

    def start(self) -> None:
        """Begin; of no effect while it runs. Rows of an earlier run that nobody has read are still there.

        Raises
        ------
        Exception
            What opening the device raises.
        """
        with self._turn:
            if self._state == "running":
                return
            if self._thread is not None:  # of a run that has ended by itself, or is about to
                self._join()
            self._stopping, self._failure = threading.Event(), None
            self.anchor = self.fixed_anchor or Anchor.of(self.clock)
            self.opened()
            name = f"headrace-{type(self).__name__}"
            thread = threading.Thread(target=self._work, args=(self._stopping,), name=name, daemon=True)
            expect(self.clock, thread)
            self._state, self._thread = "running", thread
            try:
                thread.start()
            except BaseException:
                self._state, self._thread = "failed", None
                self.closed()
                raise

    def _work(self, stopping: threading.Event) -> None:
        pause, open_ = FIRST_PAUSE, True
        while True:
            try:
                try:
                    if not open_:
                        self.opened()
                        open_ = True
                    self.run(stopping)
                finally:
                    if open_:
                        open_ = False
                        self.closed()
            except BaseException as error:
                self._errors += 1
                self.last_error = error
                if self.on_error == "restart" and isinstance(error, Exception):
                    if self.clock.wait_until(self.clock.now() + pause, stopping):
                        pause = min(LONGEST_PAUSE, 2 * pause)
                        self._restarts += 1
                        continue
                else:
                    self._failure, self._state = error, "failed"
            break
        if self._state == "running":
            self._state = "stopped"
        self.arrived.set()

    def stop(self) -> None:
        """End, and wait for the thread; what was not read yet still can be. Twice is fine.

        Raises
        ------
        WorkerError
            When the thread does not end within ``patience`` seconds.
        Exception
            The device's failure, if :meth:`read` has not raised it.
        """
        if threading.current_thread() is self._thread:  # a source that stops its own device
            self._stopping.set()
            return
        with self._turn:
            self._join()
            self._raise_failure()

    def runs(self, thread: threading.Thread) -> bool:
        """Return whether that is the thread it runs in, for which :meth:`stop` does not wait when called there."""
        return thread is self._thread

    def _join(self) -> None:
        thread = self._thread
        if thread is None:
            return
        self._stopping.set()
        self.unblock()
        thread.join(self.patience)
        if thread.is_alive():
            self._state = "failed"
            raise WorkerError(
                f"{self!r} did not stop within {self.patience} seconds: what it reads does not return.\n"
                "  Give that a timeout of its own; stop() again waits for it again."
            )
        self._thread = None

    def read(self) -> Block:
        """Return the rows that came since the last read, without waiting.

        Returns
        -------
        block
            Columns ``(n, ...)`` and the number of the first row; empty, without columns, when there is none.

        Raises
        ------
        Exception
            What the device failed with, once, after the rows before it.
        """
        failed = self._failure is not None  # looked at first, so that the rows before it are in the block
        block = self._pending.take(self._rate, self.timestamp_key)
        if failed:
            if not block:
                self._raise_failure()
            self.arrived.set()  # there is more to come: the failure
        return block

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def stats(self) -> dict[str, Any]:
        """Return what it counts.

        Returns
        -------
        counts
            Rows ``produced``, ``delivered``, ``dropped`` and ``pending`` (the first is the sum of the others), bytes
            ``pending_bytes``; ``late``, ``errors``, ``restarts``.
        """
        return {
            **self._pending.counts(), "late": self._late, "errors": self._errors, "restarts": self._restarts
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
