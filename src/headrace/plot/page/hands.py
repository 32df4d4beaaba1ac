"""Does what a page is asked for, one after the other, in a thread that keeps nobody from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
LATEST: Final = 5.0  # seconds that the end waits for what is being done


class Hands(Executor):
    """An executor with one thread, which is left alone where what it does has no end.

    Examples
    --------
    >>> hands = Hands()
    >>> hands.submit(sum, [1, 2]).result()
    3
    >>> hands.shutdown()
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Have a function called."""
        if self._over.is_set():
            raise RuntimeError("a page that has been stopped was asked to do something")
        future: Future[T] = Future()
        self._asked.put((future, lambda: fn(*args, **kwargs)))
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="headrace-page", daemon=True)
            self._thread.start()
        return future

    def _work(self) -> None:
        while (asked := self._asked.get()) is not None:
            future, call = asked
            if self._over.is_set() or not future.set_running_or_notify_cancel():
                future.cancel()
                continue
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Do no more; wait for what is being done, for 5 seconds at most."""
        self._over.set()
        self._asked.put(None)
        if wait and self._thread is not None:
            self._thread.join(LATEST)
