"""Workers end with the process that they work for."""

from __future__ import annotations

import os
from threading import Thread
from time import sleep

_watched: set[int] = set()  # processes that have a watch: a fork inherits the set and has another number


def end_with_parent(every: float = 0.5) -> None:
    """Let this process, a worker, end within ``every`` seconds of its parent, however that ended.

    PyTorch's workers look for their parent between two items, and one that waits inside (to send an item that nobody
    receives any more) stays for good.
    """
    if os.getpid() in _watched:
        return
    _watched.add(os.getpid())
    Thread(target=_watch, args=(os.getppid(), every), name="headrace-orphan-watch", daemon=True).start()


def _watch(parent: int, every: float) -> None:
    while os.getppid() == parent:
        sleep(every)
    os._exit(1)
