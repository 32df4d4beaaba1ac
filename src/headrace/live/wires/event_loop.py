"""An event loop of one's own, in a thread of its own: no other loop of the program is looked for, or disturbed."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from headrace.errors import ClosedError, WorkerError

T = TypeVar("T")


class EventLoop:
    """Runs coroutines in a thread, for who is in another.

    Parameters
    ----------
    name
        Of the thread.
    patience
        Seconds that a coroutine which is to end is waited for.

    Examples
    --------
    >>> loop = EventLoop("example")
    >>> loop.call(asyncio.sleep(0, "done"))
    'done'
    >>> loop.close()
    """

    patience: float

    def __init__(self, name: str, patience: float = 5.0) -> None:
        self.patience = patience
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._calls: set[concurrent.futures.Future[Any]] = set()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=f"headrace-{name}", daemon=True)
        try:
            self._thread.start()
        except BaseException:
            self._loop.close()
            raise

    def _work(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            if left:
                self._loop.run_until_complete(asyncio.wait(left, timeout=self.patience))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            asyncio.set_event_loop(None)
            self._loop.close()

    def call(self, coroutine: Coroutine[Any, Any, T], timeout: float | None = None, *, lasts: bool = False) -> T:
        """Return what a coroutine returns; one that ``lasts`` is not cancelled by :meth:`cancel`.

        Raises
        ------
        TimeoutError
            When it takes longer than ``timeout`` seconds; it is cancelled.
        CancelledError
            When :meth:`cancel` was called: that of ``concurrent.futures``.
        ClosedError
            When the loop is closed.
        Exception
            What it raises.
        """
        with self._lock:
            if self._closed:
                coroutine.close()
                raise ClosedError("an EventLoop got a coroutine, and is closed.\n  Make another one.")
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
            if not lasts:
                self._calls.add(future)
        try:
            return future.result(timeout)
        except TimeoutError:
            future.cancel()  # of no effect if it was the coroutine that raised it
            raise
        finally:
            with self._lock:
                self._calls.discard(future)

    def cancel(self) -> None:
        """Cancel what is called now."""
        with self._lock:
            calls = list(self._calls)
        for future in calls:
            future.cancel()

    def close(self) -> None:
        """Cancel what runs, and wait for the thread; twice is fine.

        Raises
        ------
        WorkerError
            When it does not end: a coroutine blocks.
        """
        with self._lock:
            self._closed = True
        if self._thread.is_alive():
            try:
                self._loop.call_soon_threadsafe(self._loop.stop)
            except RuntimeError:  # it has just ended
                pass
            self._thread.join(2 * self.patience)
        if self._thread.is_alive():
            raise WorkerError(
                f"{self._thread.name} did not end within {2 * self.patience} seconds: a coroutine does not return.\n"
                "  Have it await what it waits for."
            )
