"""Executors with ``apply_async``: multiprocessing's pools, and ipyparallel's views."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event
from typing import Any

from headrace.errors import WorkerError
from headrace.parallel.executors.chunk import Chunk, run
from headrace.parallel.executors.futures import Submit
from headrace.parallel.executors.task import Task

__all__ = ["Watch", "applied", "apply_of"]


class Pending:
    """A chunk that a pool of multiprocessing's works at, as a future that tells when it is done."""

    def __init__(self) -> None:
        self._event = Event()
        self._tell: Callable[[Any], Any] | None = None
        self._done: Any = None
        self._error: BaseException | None = None

    def finish(self, done: Any) -> None:
        """Take what came of it; in a thread of the pool's."""
        self._done = done
        self._set()

    def fail(self, error: BaseException) -> None:
        """Take what the pool raised; in a thread of the pool's."""
        self._error = error
        self._set()

    def _set(self) -> None:
        self._event.set()
        if self._tell is not None:
            self._tell(self)

    def add_done_callback(self, tell: Callable[[Any], Any]) -> None:
        """Call ``tell`` when it is done; perhaps twice, if that happens now."""
        self._tell = tell
        if self._event.is_set():
            tell(self)

    def done(self) -> bool:
        """Whether it is done."""
        return self._event.is_set()

    def result(self) -> Any:
        """Return what came of it, or raise what the pool raised."""
        self._event.wait()
        if self._error is not None:
            raise self._error
        return self._done


def applied(pool: Any) -> Submit:
    """Return how a chunk is handed to a pool of multiprocessing's."""

    def submit(task: Task, chunk: Chunk) -> Pending:
        pending = Pending()
        pool.apply_async(run, (task, chunk), callback=pending.finish, error_callback=pending.fail)
        return pending

    return submit


def apply_of(view: Any) -> Submit:
    """Return how a chunk is handed to anything else with ``apply_async``: ipyparallel's views."""
    return lambda task, chunk: view.apply_async(run, task, chunk)


class Watch:
    """Notices that a worker of a pool of multiprocessing's has died, which the pool itself keeps to itself.

    The pool starts another one; what the dead one had been given is never heard of again.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._seen: dict[int, Any] = {}
        self()

    def __call__(self) -> WorkerError | None:
        """Return what to raise when one has died since this watch began."""
        with suppress(Exception):  # the pool changes its list meanwhile, in a thread of its own
            for worker in list(getattr(self._pool, "_pool", ())):
                self._seen.setdefault(id(worker), worker)
        for worker in self._seen.values():
            code = getattr(worker, "exitcode", None)
            if code not in (None, 0):
                how = f"was killed by signal {-code}" if code < 0 else f"ended with status {code}"
                return WorkerError(f"a worker of the pool {how}, and the pool does not say which calls it had")
        return None
