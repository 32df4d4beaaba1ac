"""How many workers an executor has, as far as it can be asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Sized
from contextlib import suppress
from typing import Any, Final

from headrace.core.notes import warn

__all__ = ["cpus", "workers_of"]

_GUESS: Final = 64  # chunks under way where nobody says how many are of use


def cpus() -> int:
    """Return how many processors this process may use.

    Examples
    --------
    >>> cpus() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def _attribute(name: str) -> Callable[[Any], Any]:
    return lambda executor: getattr(executor, name, None)


def _of_dask(executor: Any) -> Any:
    return sum(executor.ncores().values()) if hasattr(executor, "ncores") else None


def _of_view(executor: Any) -> Any:
    if not hasattr(executor, "apply_async"):
        return None
    targets = getattr(executor, "targets", None)
    if isinstance(targets, Sized):
        return len(targets)
    return len(executor.client.ids) if hasattr(executor, "client") else None


_ASK: Final = (
    _attribute("_max_workers"),  # concurrent.futures, loky, executorlib
    _attribute("_processes"),  # multiprocessing's pools
    _attribute("num_workers"),  # mpi4py, RayExecutor
    _of_dask,
    _of_view,
)


def workers_of(executor: Any, num_workers: int | None, name: str) -> int:
    """Return how many workers ``executor`` has: what ``num_workers`` says, or what it says itself, or many.

    Warns where neither says anything: too few would leave workers idle, so many are under way.
    """
    if num_workers is not None:
        return num_workers
    for ask in _ASK:
        with suppress(Exception):  # a property of somebody's: it is only a question
            found = ask(executor)
            if isinstance(found, int) and found > 0:
                return found
    warn(
        f"{name} does not say how many workers it has; up to {2 * _GUESS} chunks of calls are handed to it at a time.\n"
        "  Pass num_workers=."
    )
    return _GUESS
