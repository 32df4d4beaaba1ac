"""A source, the signals computed of it, and everyone who wants them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from headrace.core.block import Block
from headrace.errors import StreamConfigError
from headrace.live.devices.active import Active
from headrace.live.devices.clock import SYSTEM, Clock
from headrace.live.devices.managed import Managed
from headrace.live.running.consumer import Consumer
from headrace.live.running.place import ON_ERROR, OnError
from headrace.live.running.pump import Pump
from headrace.live.running.recorded import Recorded
from headrace.live.running.system_consumers import Fed
from headrace.live.running.system_recording import Recordable
from headrace.live.running.system_signals import Derived
from headrace.signals import Graph, Signal


class System(Fed, Derived, Recordable, Managed):
    """What a source says, with signals computed of it, for any number of consumers.

    A thread computes each block as it comes and gives it to every consumer: to :meth:`read`, to the callbacks of
    :meth:`register_data_feed`, to recordings, to :meth:`add_consumer`. Each has a place of its own, and none takes from
    another or delays it.

    Parameters
    ----------
    source
        A device: what has ``start()``, ``stop()`` and ``read()``, such as a :class:`~headrace.live.Sampler`.
        With ``runs(thread)``, which most have, it tells which thread is its own: that may stop the system.
    functions
        Signals: a :class:`~headrace.signals.Graph`, a list of them in any order, or one.
    update_rate
        How often a second, at most, it looks at the source. By default whenever something has come, at most 500 times.
    on_error
        After an exception of the source or of a signal. ``"fail"``: the system ends, its state is ``"failed"``, and
        :meth:`read`, :meth:`join` and :meth:`stop` raise it. ``"restart"``: the source is started again, after a pause;
        signals begin afresh, with that block. ``"skip"``: the source is read again; the block has no signals, and is
        counted as ``skipped``, and by its consumers as dropped.
    clock
        The source of time; by default the source's.
    patience
        Seconds that stopping waits for the source's ``stop()``, and for a callback that does not come back from a block.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these, or the signals do not fit together.

    Examples
    --------
    >>> import headrace.signals as s
    >>> from headrace.live import Sampler, VirtualClock
    >>> clock = VirtualClock()
    >>> sampler = Sampler({"x": lambda t: t}, sample_rate=10, clock=clock)
    >>> with System(sampler, [s.Scale("x", name="twice", scale_factor=2.0)]) as system:
    ...     clock.advance(0.25)
    ...     print(system.read()["twice"])
    ...     clock.advance(0.1)
    [0.  0.2 0.4]
    >>> system.read()["twice"]  # stopping loses nothing
    array([0.6])
    >>> system.state, system.stats()["rows"]
    ('stopped', 4)
    """

    source: Any
    update_rate: float | None

    def __init__(
        self,
        source: Any,
        functions: Graph | Signal[Any] | Iterable[Signal[Any]] | None = None,
        update_rate: float | None = None,
        *,
        on_error: OnError = "fail",
        clock: Clock | None = None,
        patience: float = 10.0,
    ) -> None:
        for name in ("start", "stop", "read"):
            if not callable(getattr(source, name, None)):
                raise StreamConfigError(
                    f"System got source={source!r}, which has no {name}(), wanted a device.\n"
                    "  Sampler({'x': function}, sample_rate=100) makes one of functions."
                )
        if on_error not in ON_ERROR:
            raise StreamConfigError(
                f"System got on_error={on_error!r}, wanted one of {', '.join(map(repr, ON_ERROR))}.\n"
                "  'fail' ends it, and read(), join() and stop() raise the error."
            )
        if update_rate is not None and not (update_rate > 0 and math.isfinite(update_rate)):
            raise StreamConfigError(
                f"System got update_rate={update_rate!r}, wanted a number of times a second, or None.\n"
                "  None looks at the source whenever something has come."
            )
        if not patience > 0:
            raise StreamConfigError(f"System got patience={patience!r}, wanted seconds, more than 0.\n  10 is usual.")
        self.source, self.update_rate = source, update_rate
        self.clock: Clock = clock or getattr(source, "clock", None) or SYSTEM
        self._pump = Pump(
            source, _graph(functions), clock=self.clock, on_error=on_error, update_rate=update_rate, patience=patience
        )
        self._pull = self._pump.feeds.add(Consumer(name="read", clock=self.clock, patience=patience))
        self._recorded = Recorded(self._pump)
        self._pump.at_end.append(self._recorded.stop)

    # --- running --------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """How it is: ``"idle"``, ``"running"``, ``"stopped"`` or ``"failed"``."""
        return self._pump.state

    @property
    def is_active(self) -> Active:
        """Whether it runs; true or false, and callable."""
        return Active(self._pump.state == "running")

    @property
    def ended(self) -> bool:
        """Whether its source has ended by itself, as a file does."""
        return self._pump.ended

    def start(self) -> None:
        """Start the source and the thread; of no effect while it runs. The signals begin afresh.

        It runs until it is stopped, or its source ends: as any thread, also when nobody holds it any more.

        Raises
        ------
        Exception
            What starting the source raises; the state is then ``"failed"``.
        """
        self._pump.start()

    def stop(self) -> None:
        """Stop the source, compute what it said, and wait until every callback has had it. Twice is fine.

        In a callback it does not wait.

        Raises
        ------
        WorkerError
            When a callback, a signal or the source does not come back.
        Exception
            What failed, if nobody has been told yet.
        """
        self._pump.stop()
        if not self._pump.running:
            self._raise(failure=True)

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it ends: its source ends, something fails, or another thread stops it.

        Parameters
        ----------
        timeout
            Seconds.

        Returns
        -------
        over
            False when it is not over within that time.

        Raises
        ------
        StreamConfigError
            In a callback of its own.
        Exception
            What it failed with.
        """
        over = self._pump.join(timeout)
        if over:
            self._raise(failure=True, always=True)
        return over

    def read(self) -> Block:
        """Return the rows since the last read, without waiting for others to come.

        At most 64 MiB are kept for it; what goes is counted, in ``stats()["consumers"]["read"]``. Rows on both sides of
        a change of columns come with two calls.

        Returns
        -------
        block
            The source's columns and those computed, ``(n, ...)``; empty, without columns, when there are none.

        Raises
        ------
        Exception
            What a callback failed with, once, within one call; what the system failed with, after the rows before it,
            every time.
        """
        if self.update_rate is None:
            self._pump.catch_up()
        self._raise()
        block = self._pull.read()
        if not block:
            self._raise(failure=True, always=True)
        return block

    def _raise(self, *, failure: bool = False, always: bool = False) -> None:
        pump = self._pump
        untold, pump.untold = pump.untold, []
        found = [*untold, *pump.feeds.untold()]
        if failure and pump.failure is not None and (always or not pump.told):
            pump.told = True
            found.insert(0, pump.failure.with_traceback(pump.trace))
        if found:
            for other in found[1:]:
                found[0].add_note(f"  and besides: {other!r}")
            raise found[0]

    # --- what it is -----------------------------------------------------------------------------------

    def stats(self) -> dict[str, Any]:
        """Return what it counts.

        Returns
        -------
        counts
            ``state``; ``rows`` and ``blocks`` that the source gave; rows ``skipped``, of which no signals could be
            computed; ``errors`` and ``restarts``; what the ``source`` counts, and each of the ``consumers``.
        """
        pump = self._pump
        told = getattr(self.source, "stats", None)
        return {
            "state": pump.state, "rows": pump.rows, "blocks": pump.blocks, "skipped": pump.skipped,
            "errors": pump.errors, "restarts": pump.restarts,
            "source": told() if callable(told) else {}, "consumers": pump.feeds.stats(),
        }  # fmt: skip

    @property
    def last_error(self) -> BaseException | None:
        """What the recording has failed with; else the newest exception of the source or of a signal, whatever became of it."""
        return self.recording_failure or self._pump.last_error

    def __repr__(self) -> str:
        return f"System({self.source!r}, {[node.name for node in self._pump.planned.nodes]})"


def _graph(functions: Any) -> Graph:
    if isinstance(functions, Graph):
        return functions
    if functions is None or isinstance(functions, Signal):
        return Graph(() if functions is None else (functions,))
    return Graph(tuple(functions))
