"""Results on their way to a ledger: kept in batches, none of them waiting for long."""

from __future__ import annotations

import _thread
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Final

from headrace.store.ledger import Point
from headrace.store.shielded import shielded

EVERY: Final = 1.0  # seconds that a result waits at most,
SOON: Final = 0.5  # unless one comes after this,
MOST: Final = 4 << 20  # or so many bytes are waiting


class Keeper:
    """Takes results, and has a ledger keep them: at least once a second, also while the next call takes hours.

    Parameters
    ----------
    pack
        Makes a point into what cannot change any more; its ``size`` is in bytes.
    put
        Keeps some of these; when it returns they are safe.
    kept
        Told how many were, after each batch.
    soon
        Seconds after which a result that comes takes all that wait along.
    """

    def __init__(
        self,
        pack: Callable[[Point], Any],
        put: Callable[[list[Any]], object],
        kept: Callable[[list[Any]], object],
        soon: float = SOON,
    ) -> None:
        self._pack, self._put, self._kept, self._soon = pack, put, kept, soon
        self._waiting: list[Any] = []
        self._bytes = 0
        self._since = self._last = monotonic()
        # Plain locks and queues: Ctrl-C can leave a Condition or an Event locked for ever.
        self._commit, self._change = threading.Lock(), threading.Lock()
        self._bell: SimpleQueue[bool] = SimpleQueue()
        self._watched = False
        self._failed: BaseException | None = None

    def add(self, point: Point) -> Any:
        """Take a result; return it as it will be kept.

        Raises
        ------
        SinkError, DataError
            When it cannot be kept, or those before it could not.
        """
        if self._failed is not None:
            self.flush()
        packed = self._pack(point)
        now = monotonic()
        with self._change:
            first = not self._waiting
            if first:
                self._since = now
            self._waiting.append(packed)
            self._bytes += packed.size
        if first:
            if not self._watched:
                self._watched = True
                _thread.start_new_thread(self._watch, ())
            self._bell.put(True)
        if now - self._last >= self._soon or self._bytes >= MOST:
            self.flush()
        return packed

    def flush(self) -> None:
        """Keep all that was taken; Ctrl-C waits for it."""
        self._failed = None
        shielded(self._flush)

    def _flush(self) -> None:
        with self._commit:
            with self._change:
                batch, self._waiting = self._waiting, []
                size, self._bytes = self._bytes, 0
            if not batch:
                return
            try:
                self._put(batch)
            except BaseException:
                with self._change:
                    self._waiting = batch + self._waiting  # perhaps there is room later
                    self._bytes += size
                raise
            self._last = monotonic()
            self._kept(batch)

    def _watch(self) -> None:
        """Keep what has waited for a second, until the bell says that it is over."""
        while self._bell.get():
            while self._failed is None:
                with self._change:
                    left = self._since + EVERY - monotonic() if self._waiting else -1.0
                    waiting = bool(self._waiting)
                if not waiting:
                    break
                if left > 0:
                    try:
                        if not self._bell.get(timeout=left):
                            return
                    except Empty:
                        pass
                    continue
                try:
                    self._flush()
                except BaseException as error:
                    self._failed = error  # told to whoever brings the next one

    def close(self) -> None:
        """Keep all that was taken, and end.

        Raises
        ------
        SinkError
            When the disk takes no more.
        """
        try:
            self.flush()
        finally:
            self._bell.put(False)
