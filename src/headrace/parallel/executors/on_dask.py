"""dask.distributed: a Client that is handed over, or the one that is there."""

from __future__ import annotations

from typing import Any, Final

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.parallel.executors.chunk import Chunk, run
from headrace.parallel.executors.futures import Submit
from headrace.parallel.executors.task import Task

__all__ = ["client", "submit_of"]

_LARGE: Final = 1 << 16  # bytes of a function that travel with every chunk at most


def client(n: int | None) -> Any:
    """Return the Client that is current, or else a new one with ``n`` worker processes, which then is current."""
    distributed: Any = optional("distributed", "cluster", "executor='dask'")
    try:
        return distributed.get_client()
    except ValueError:  # there is none
        return distributed.Client(n_workers=n, threads_per_worker=1, dashboard_address=None)


def submit_of(dask: Any) -> Submit:
    """Return how a chunk is handed to a Client: no call is taken for an equal one, and a large function is sent once.

    Raises
    ------
    StreamConfigError
        When the client is asynchronous, and its answers could only be awaited.
    """
    if getattr(dask, "asynchronous", False):
        raise StreamConfigError(
            f"executor= got {dask!r}, which is asynchronous, wanted a Client that can be waited for.\n"
            "  Make it with asynchronous=False."
        )
    sent: dict[str, Any] = {}  # by the task's own mark: another one may have the number that an old one had

    def submit(task: Task, chunk: Chunk) -> Any:
        if task.mark not in sent:
            sent.clear()
            # To every worker: dask would rather run calls one after another where the function is than send it on.
            sent[task.mark] = dask.scatter(task, hash=False, broadcast=True) if _is_large(task) else task
        return dask.submit(run, sent[task.mark], chunk, pure=False)

    return submit


def _is_large(task: Task) -> bool:
    try:
        return len(task.as_bytes()) > _LARGE
    except StreamConfigError:  # a cluster inside this process needs no bytes
        return False
