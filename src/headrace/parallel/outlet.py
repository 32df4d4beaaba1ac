"""A cursor whose items wait, taken apart and bounded in bytes, for whoever sends them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from math import inf
from time import sleep
from typing import Any, Final, NamedTuple

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.stream import Stream
from headrace.errors import HeadraceError, ResumeError
from headrace.parallel.flatten import Flattened, Flattener
from headrace.parallel.thread import came_back

BLOCK: Final = 1 << 16  # bytes of small items that travel as one message
_MANY: Final = 4096  # items of a message at most
_LARGE: Final = 1 << 16  # items from this size on are drawn one at a time as room is made
_STEP: Final = 1024  # items that are passed between two looks at whether the consumer has left
_END: Final = object()


class Taken(NamedTuple):
    """Items on their way: numbers from ``first`` on, the bytes they count."""

    first: int
    items: list[Flattened]
    weight: int


class Outlet:
    """Draws from a cursor in a thread of its own, so far ahead as bytes allow.

    Parameters
    ----------
    opens
        Returns the cursor; called in the thread, with a function that tells whether the consumer has left.
    flatten
        Takes items apart.
    limit
        Bytes that may wait.
    wake
        Called when more than ``want`` bytes wait, or something else has happened.
    """

    want: float
    waiting: int

    def __init__(
        self,
        opens: Callable[[Callable[[], bool]], Cursor[Any]],
        flatten: Flattener,
        limit: int,
        wake: Callable[[], None],
    ) -> None:
        self.opens: Callable[[Callable[[], bool]], Cursor[Any]] = opens
        self.flatten: Flattener = flatten
        self.limit: int = limit
        self.wake: Callable[[], None] = wake
        self.condition: threading.Condition = threading.Condition()
        self.ready: deque[tuple[int, Flattened]] = deque()
        self.waiting = 0
        self.want = 0
        self.blocked: bool = False  # the thread waits for room
        self.ended: int | None = None  # number behind the last item
        self.failures: int = 0
        self.failure: BaseException | None = None
        self.heard: int = 0  # the last failure that a consumer was told
        self.passed: tuple[int, int] | None = None  # a failure, and the number of the item behind it
        self.stop: bool = False
        self._command: str = ""
        self._kept: Any = _END  # an item that cannot be sent
        self.thread: threading.Thread = threading.Thread(target=self._work, name="headrace-serve-draw", daemon=True)

    # --- the thread -----------------------------------------------------------------------------

    def _work(self) -> None:
        cursor: Cursor[Any] | None = None
        while not self.stop:
            try:
                if cursor is None:
                    cursor = self.opens(lambda: self.stop)
                if self._feed(cursor):
                    break
            except BaseException as error:  # it belongs to the consumer, whatever it is
                if not self._failed(error, cursor):
                    break
        self._kept = _END
        if cursor is None:
            return
        ended, failure = None if self.stop else cursor.position, None
        try:
            cursor.close()
        except BaseException as error:  # the last that comes of it; there is nothing to try again
            failure = error
        with self.condition:
            if ended is not None and failure is not None:
                self.failures, self.failure = self.failures + 1, failure
            self.ended = ended
        self.wake()

    def _feed(self, cursor: Cursor[Any]) -> bool:
        """Draw until the end, or until the consumer has left; return True then."""
        low = self.limit // 2
        while not self.stop:
            number = cursor.position
            if self._kept is _END:
                item = next(cursor, _END)
                if item is _END:
                    return True
                self._kept = item
            else:
                number -= 1
            flat = self.flatten(self._kept)
            self._kept = item = _END
            woken = False
            with self.condition:
                if self.waiting + flat.size > self.limit and self.ready:
                    room = max(0, self.limit - flat.size) if flat.size >= _LARGE else low
                    self.blocked = True
                    while self.waiting > room and self.ready and not self.stop:
                        self.condition.wait()
                    self.blocked = False
                self.ready.append((number, flat))
                self.waiting += flat.size
                if self.waiting >= self.want:
                    self.want, woken = inf, True
            if woken:
                self.wake()
                sleep(0.00002)  # whoever sends waits for the interpreter lock, which we would keep for another 5 ms
        return True

    def _failed(self, error: BaseException, cursor: Cursor[Any] | None) -> bool:
        """Leave an exception for the consumer and do what it says; return False when it leaves."""
        with self.condition:
            self.failures, self.failure, self._command = self.failures + 1, error, ""
        self.wake()
        with self.condition:
            while not self._command and not self.stop:
                self.condition.wait()
            passes, failure = self._command == "pass", self.failures
            if not passes:
                self.failure = None
        if self.stop or not passes:
            return not self.stop
        try:
            if self._kept is not _END:
                self._kept = _END
            elif cursor is None:
                raise HeadraceError("serve cannot pass what failed: the stream could not be opened.")
            else:
                cursor.skip()
        except BaseException as again:
            return self._failed(again, cursor)
        with self.condition:
            assert cursor is not None
            self.failure, self.passed = None, (failure, cursor.position)
        self.wake()
        return True

    # --- whoever sends --------------------------------------------------------------------------

    def take(self, most: int, room: float) -> Taken | None:
        """Return the next items, up to ``most`` bytes or one; None when the first takes more than ``room``."""
        with self.condition:
            ready = self.ready
            if not ready or ready[0][1].size > room:
                return None
            first, flat = ready.popleft()
            items, weight = [flat], flat.size
            while ready and len(items) < _MANY:
                number, flat = ready[0]
                if weight + flat.size > min(most, room) or number != first + len(items):
                    break
                ready.popleft()
                items.append(flat)
                weight += flat.size
            self.waiting -= weight
            if self.blocked:
                self.condition.notify_all()
            return Taken(first, items, weight)

    def put_back(self, items: list[Flattened]) -> None:
        """Give items to the next that asks: who had them left without giving them to its user."""
        with self.condition:
            first = self.ready[0][0] if self.ready else 0
            for k, flat in enumerate(reversed(items), 1):
                self.ready.appendleft((first - k, flat))
                self.waiting += flat.size

    def say(self, command: str, failure: int) -> None:
        """Have the item of a failure tried again, or passed: ``"again"`` or ``"pass"``."""
        with self.condition:
            if self.failure is None or failure != self.failures:
                return
            if self.ended is not None:  # closing has failed, and the thread is no more
                self.failure, self.passed = None, (failure, self.ended) if command == "pass" else self.passed
            self._command = command
            self.condition.notify_all()

    def leave(self) -> None:
        """Have the thread close the cursor and end. Waits for nothing."""
        with self.condition:
            self.stop = True
            self.ready.clear()
            self.waiting = 0
            self.condition.notify_all()


def opened(
    stream: Stream[Any], key: Key, at: int, passed: list[int], left: Callable[[], bool] = lambda: False
) -> Cursor[Any]:
    """Return a cursor of ``stream`` at item ``at``, the failed items at the places ``passed`` passed before that.

    Anywhere, when ``left()`` says that nobody wants it any more: where items have no numbers the way may be long.

    Raises
    ------
    ResumeError
        When the stream does not come there again.
    """
    cursor = stream.open(key)
    try:
        for place in passed:
            _come(cursor, place, left)
            if left():
                return cursor
            try:
                next(cursor)
            except Exception:
                cursor.skip()
            else:
                raise ResumeError(
                    f"{stream!r} got run again and did not fail at item {place}, wanted a failure as before.\n"
                    "  What it reads has changed: begin again."
                )
        missing = _come(cursor, at, left)
        if not left():
            came_back(stream, missing)
    except BaseException:
        cursor.close()
        raise
    return cursor


def _come(cursor: Cursor[Any], at: int, left: Callable[[], bool]) -> int:
    """Pass items up to number ``at``; return how many there were too few."""
    missing = max(0, at - cursor.position)
    step = missing if cursor.stream.access == "index" else _STEP
    while missing and not left():
        passed = cursor.skip(min(missing, step))
        if not passed:
            break
        missing -= passed
    return missing
