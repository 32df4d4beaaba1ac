"""A source, the signals computed of it, and everyone who wants them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from headrace.core.block import Block
from headrace.errors import StreamConfigError
from headrace.live.active import Active
from headrace.live.clock import SYSTEM, Clock
from headrace.live.consumer import ON_ERROR, Consumer, OnError
from headrace.live.pump import Pump
from headrace.live.recorded import Recorded
from headrace.live.waiting import Policy
from headrace.live.warm import warm
from headrace.signals import Graph, Signal


class System:
    """What a source says, with signals computed of it, for any number of consumers.

    A thread computes each block as it comes and gives it to every consumer: to :meth:`read`, to the callbacks of
    :meth:`register_data_feed`, to recordings, to :meth:`add_consumer`. Each has a place of its own, and none takes from
    another or delays it.

    Parameters
    ----------
    source
        A device: what has ``start()``, ``stop()`` and ``read()``, such as a :class:`~headrace.live.sampler.Sampler`.
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
        Seconds that stopping waits for a callback that does not come back from a block.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these, or the signals do not fit together.

    Examples
    --------
    >>> import headrace.signals as s
    >>> from headrace.live.clock import VirtualClock
    >>> from headrace.live.sampler import Sampler
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

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        except Exception as failure:
            if error is None:
                raise
            if failure is not error:
                error.add_note(f"  and the system failed meanwhile: {failure!r}")

    # --- consumers ------------------------------------------------------------------------------------

    def add_consumer(
        self,
        callback: Callable[..., Any] | None = None,
        *,
        policy: Policy = "drop_oldest",
        limit: int | str | None = None,
        name: str | None = None,
        on_error: OnError = "fail",
        raw: bool = False,
        timed: bool = False,
        deadline: float = 1.0,
    ) -> Consumer:
        """Return a new place in the blocks: the parameters are those of :class:`~headrace.live.consumer.Consumer`.

        It is given the blocks from now on. One with a callback stays until its ``close()``; one without ends also when
        nobody holds it any more.

        Raises
        ------
        StreamConfigError
            When a parameter is wrong, or the name is taken.
        """
        with self._pump.between:
            made = Consumer(
                callback, policy=policy, limit=limit, on_error=on_error, raw=raw, timed=timed, deadline=deadline,
                name=self._pump.feeds.free_name("consumer") if name is None else name,
                clock=self.clock, patience=self._pump.patience,
            )  # fmt: skip
            self._pump.add(made)
        return made

    def register_data_feed(self, id: Any, callback: Callable[[Block], Any], **options: Any) -> None:
        """Have ``callback(block)`` called with all rows from now on, in a thread of its own.

        Parameters
        ----------
        id
            What it is called.
        callback
            A slow one delays nobody: it is given longer blocks.
        **options
            Of :meth:`add_consumer`.

        Raises
        ------
        StreamConfigError
            When ``id`` is taken, or it is no function.
        """
        if not callable(callback):
            raise StreamConfigError(
                f"register_data_feed({id!r}) got {callback!r}, wanted a function of a block.\n"
                "  add_consumer() returns something to read from."
            )
        self.add_consumer(callback, name=_feed(id), **options)

    def deregister_data_feed(self, id: Any) -> None:
        """Have the feed called no more; when this returns, its last call is over, unless it is made in that call.

        Raises
        ------
        RegistryError
            When there is no such feed.
        Exception
            What it failed with, if nobody has been told yet.
        """
        self._pump.feeds.named(_feed(id)).close()

    # --- signals --------------------------------------------------------------------------------------

    @property
    def functions(self) -> list[Signal[Any]]:
        """The signals, in the order they are computed in."""
        return list(self._pump.planned.nodes)

    @property
    def graph(self) -> Graph:
        """The signals, as they will be with the next block."""
        return self._pump.planned

    def add_derived_signal(self, signal: Signal[Any]) -> None:
        """Compute another signal, from the next block on.

        Raises
        ------
        StreamConfigError
            When its name is taken, or it does not fit the others.
        DataError
            When it reads a column that the source, once it has said something, does not have, or cannot use it.
        """
        warm(Graph((signal,)))  # not in the thread that rows wait for
        with self._pump.between:
            graph = self._pump.planned
            wanted = type(graph)(**{**graph.params(), "nodes": (*graph.nodes, signal)})
            head = self._pump.head()
            if head is not None:
                wanted.init(head)
            self._edit(lambda: self._pump.run.add(signal), wanted)

    def remove_derived_signal(self, signal: Signal[Any] | str) -> None:
        """Compute a signal no more, from the next block on.

        Raises
        ------
        StreamConfigError
            When there is none of that name, or another reads it.
        """
        name = signal if isinstance(signal, str) else signal.name
        with self._pump.between:
            graph = self.graph
            nodes = tuple(node for node in graph.nodes if node.name != name)
            self._edit(lambda: self._pump.run.remove(name), graph, nodes)

    def set(self, path: str, value: Any) -> None:
        """Give a parameter of a signal, ``"name.parameter"``, another value, from the next block on.

        Raises
        ------
        StreamConfigError
            When there is no such parameter, or the value cannot be used.
        """
        with self._pump.between:
            wanted = self._pump.planned.set_params(**{path: value})
            self._edit(lambda: self._pump.run.set(path, value), wanted)

    def _edit(self, edit: Callable[[], None], graph: Graph, nodes: Any = None) -> None:
        edit()
        self._pump.edited = True
        self._pump.planned = graph if nodes is None else type(graph)(**{**graph.params(), "nodes": nodes})

    # --- recording ------------------------------------------------------------------------------------

    def record(self, path: Any, **metadata: Any) -> Any:
        """Record what the source says to a new session, until :meth:`stop_recording` or the end.

        Within the first second after the start, it begins with the first row; later, with the signals' state at the
        next. Nothing is lost when the disk is slow: what waits goes to a temporary file.

        Parameters
        ----------
        path
            The folder of the session; it must not exist.
        **metadata
            What is to be known of it: JSON values.

        Returns
        -------
        recorder
            A :class:`~headrace.live.record.Recorder`.

        Raises
        ------
        StreamConfigError
            When it records already.
        HeadraceError
            When there is something at ``path``, or metadata is no JSON.
        """
        return self.start_recording(path, None, **metadata)

    def start_recording(self, path: Any, recorder: Any = None, **metadata: Any) -> Any:
        """As :meth:`record`; ``recorder`` takes the blocks instead: what has ``write(block)`` and ``stop()``.

        With a recorder of one's own, ``path`` is not used, and metadata are not kept.
        """
        return self._recorded.start(path, recorder, metadata)

    def stop_recording(self) -> None:
        """End the recording, with all rows that came by now; of no effect when there is none.

        Raises
        ------
        Exception
            What the recorder failed with, if nobody has been told yet.
        """
        if self.update_rate is None:
            self._pump.catch_up()
        self._recorded.stop()

    def mark(self, name: str, value: Any = None) -> Any:
        """Keep in the recording that something happened now.

        Raises
        ------
        StreamConfigError
            When nothing is recorded, or the recorder keeps no marks.
        """
        return self._recorded.mark(name, value)

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
        """The newest exception of the source or of a signal, whatever became of it."""
        return self._pump.last_error

    def __repr__(self) -> str:
        return f"System({self.source!r}, {[node.name for node in self._pump.planned.nodes]})"


def _graph(functions: Any) -> Graph:
    if isinstance(functions, Graph):
        return functions
    if functions is None or isinstance(functions, Signal):
        return Graph(() if functions is None else (functions,))
    return Graph(tuple(functions))


def _feed(id: Any) -> str:
    return id if isinstance(id, str) else repr(id)
