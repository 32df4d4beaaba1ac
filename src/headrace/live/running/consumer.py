"""Who is given a system's blocks: a place in them of its own, so that no consumer takes from another or delays it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

from headrace.core.block import Block
from headrace.errors import ClosedError, StreamConfigError
from headrace.live.devices.clock import SYSTEM, Clock
from headrace.live.devices.managed import leave
from headrace.live.devices.pieces import again, joined
from headrace.live.running.place import ON_ERROR, OnError, Place
from headrace.live.running.waiting import Policy, Queue


class Consumer(Place):
    """A place in a system's blocks; made by :meth:`System.add_consumer <headrace.live.System.add_consumer>`.

    With a callback, a thread of its own calls it with all that waits, as one block; a slow one gets longer blocks, and
    fewer. Without, :meth:`read`, :meth:`take` or a ``for`` loop fetch them.

    Parameters
    ----------
    callback
        Called as ``callback(block)``.
    policy
        What happens to blocks when ``limit`` bytes wait already. ``"drop_oldest"`` and ``"drop_newest"``: some go, and
        are counted. ``"latest"``: only the newest block ever waits, or ``newest`` rows. ``"grow"``: it takes more, up to
        the limit if there is one, and then fails. ``"spill"``: the rest waits on disk. ``"block"``: the system waits,
        and the source with it, which counts what it drops.
    limit
        Bytes that may wait in memory, a number or such as ``"8MB"``; by default 64 MiB, without end for ``"grow"``.
    newest
        With ``"latest"``, how many rows of each column are kept, in whole blocks, as long as they fit in ``limit``.
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

    def __init__(
        self,
        callback: Callable[..., Any] | None = None,
        *,
        policy: Policy = "drop_oldest",
        limit: int | str | None = None,
        newest: float | None = None,
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
        super().__init__(
            callback, Queue(policy, limit, newest=newest, timed=timed), name, on_error, clock,
            raw=raw, timed=timed, deadline=deadline, patience=patience,
        )  # fmt: skip

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
            Rows ``produced`` by the system for it, ``delivered`` (whether or not the callback failed with them),
            ``dropped`` and ``pending`` (the first is the sum of the others), ``late``; bytes ``pending_bytes`` and
            ``spilled_bytes``; ``errors`` of the callback; ``lag``, how many seconds ago the oldest block came that is not
            done with; ``policy`` and ``state``.
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
        leave(self.close, self, error)

    def __repr__(self) -> str:
        return f"Consumer({self.name!r})"
