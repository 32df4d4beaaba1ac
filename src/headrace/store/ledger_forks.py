"""Forks of a program whose threads use databases: none of them is inside SQLite at that moment."""

from __future__ import annotations

import os
import threading
from time import monotonic
from typing import Any, Final

from headrace.core.alive import Alive

_PAUSE: Final = 2.0  # seconds that a fork waits for threads that are in a database
_databases: Alive[Any] = Alive()
_held_back = threading.local()


def hold_at_fork(database: Any) -> None:
    """Have forks wait while a thread holds ``database.thread``, the lock that is taken for whatever SQLite does."""
    _databases.add(database)


def _before_fork() -> None:
    """Take all these locks: those of SQLite itself would be held for ever in the child, which lacks that thread."""
    _held_back.threads = found = []
    until = monotonic() + _PAUSE
    for database in list(_databases):
        lock = database.thread
        if lock.acquire(timeout=max(0.0, until - monotonic())):
            found.append(lock)


def _after_fork() -> None:
    while _held_back.threads:
        _held_back.threads.pop().release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
