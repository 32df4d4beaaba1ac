"""Who is told when a buffer changes, and whom it follows: neither keeps the buffer, nor the other, alive."""

from __future__ import annotations

import _thread
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock
from types import MethodType
from typing import Any

from headrace.errors import StreamConfigError


class Watchers:
    """Callbacks in the order they came; a method of an object that is gone is forgotten."""

    def __init__(self) -> None:
        self._refs: tuple[Callable[[], Any], ...] = ()
        self._lock = Lock()

    def __bool__(self) -> bool:
        return bool(self._refs)

    def add(self, callback: Callable[[Any], Any]) -> Callable[[], None]:
        """Keep a callback; return the function that forgets it, which may be called twice."""
        ref: Callable[[], Any] = (
            weakref.WeakMethod(callback, self._forget) if isinstance(callback, MethodType) else lambda: callback
        )
        with self._lock:
            self._refs = (*self._refs, ref)
        return partial(self._forget, ref)

    def tell(self, buffer: Any) -> None:
        """Call all of them, also when one raises; then raise what the first of these raised."""
        failed: BaseException | None = None
        for ref in self._refs:
            callback = ref()
            if callback is not None:
                try:
                    callback(buffer)
                except BaseException as error:
                    failed = failed or error
        if failed is not None:
            raise failed

    def _forget(self, ref: Any) -> None:
        self._refs = tuple(each for each in self._refs if each is not ref)


class Following:
    """The consumer that brings a system's blocks to a buffer until one of the two is done with it."""

    def __init__(self, buffer: Any, system: Any, **options: Any) -> None:
        add = getattr(system, "add_consumer", None)
        if add is None:
            raise StreamConfigError(
                f"DataBuffer.follow got {system!r}, wanted a System: something that has add_consumer.\n"
                "  Wrap a source: System(source); what is read by hand goes into buffer.extend(source.read())."
            )
        self._buffer = weakref.ref(buffer, self._collected)
        self._system = _weakly(system)
        self._names: frozenset[str] = frozenset()  # the columns of the last block
        self._brought: frozenset[str] = frozenset()  # ... of any, but for those of signals that were removed
        self._consumer: Any = None
        self._consumer = add(self._take, **options)
        if self._buffer() is None:  # pragma: no cover - the caller holds it
            self.close()

    def close(self) -> None:
        """Stop; the consumer's failure, if it has one, is raised. Closing twice is fine."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def _take(self, block: Any) -> None:
        buffer = self._buffer()
        if buffer is None:
            return
        if block.keys() != self._names:
            self._names = frozenset(block)
            self._forget(buffer)
        buffer.extend(block)

    def _forget(self, buffer: Any) -> None:
        """Delete the columns of signals that were removed: what else a block does not bring may come again."""
        removed = (self._brought - self._names) & getattr(self._system(), "removed_signals", frozenset())
        self._brought = (self._brought | self._names) - removed
        for name in removed:
            with suppress(KeyError):  # the user was quicker
                del buffer[name]

    def _collected(self, _: Any) -> None:
        # Whoever drops the last reference may hold any lock, or be the consumer's own thread: close it from another. The
        # bare call takes no lock itself, as Thread(...).start() does.
        _thread.start_new_thread(self.close, ())


def _weakly(thing: Any) -> Callable[[], Any]:
    try:
        return weakref.ref(thing)
    except TypeError:  # it has __slots__: what is no System of ours has no signals either
        return lambda: None
