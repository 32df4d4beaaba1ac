"""A worker that is a thread of this process: nothing is copied, and what is drawn ahead waits in a list."""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Sequence
from time import perf_counter
from typing import Any, ClassVar, Final

from headrace.parallel import pipes
from headrace.parallel.drawer import ROWS, Drawer, Stop
from headrace.parallel.hand import Hand
from headrace.parallel.pipes import Message
from headrace.parallel.thread import weigh

_GRAIN: Final = 1 << 18  # bytes of a block at most
_PATIENCE: Final = 0.1  # seconds that stop() waits for code of the user's


class Box:
    """What a thread and its consumer share; it keeps neither alive. Several threads may share a condition."""

    condition: threading.Condition
    limit: int

    def __init__(self, condition: threading.Condition, limit: int) -> None:
        self.condition, self.limit = condition, limit
        self.asked: deque[Message] = deque()
        self.told: deque[Message] = deque()
        self.in_use: int = 0  # bytes of the blocks that were not taken
        self.stop: bool = False
        self.done: bool = False
        self.hungry: bool = False  # the consumer waits
        self.failed: BaseException | None = None  # of the user's clean-up
        self.process: int = os.getpid()

    def abandon(self) -> None:
        """Have the thread end. Waits for nothing: the garbage collector may be the caller."""
        if os.getpid() != self.process:
            return  # a child of fork: the thread, and perhaps the holder of the lock, stayed in the parent
        with self.condition:
            self.stop = True
            self.condition.notify_all()


class ThreadHand(Hand):
    """One worker thread."""

    who: ClassVar[str] = "thread"

    waits: int
    idle: float

    def __init__(
        self, streams: Sequence[Any], limit: int, condition: threading.Condition, *, bounded: bool = True
    ) -> None:
        super().__init__(limit)
        self.box: Box = Box(condition, limit if bounded else pipes.ENDLESS)
        self._drawer = _Thread(self.box, list(streams))
        self._thread = threading.Thread(target=self._drawer.run, name="headrace-background", daemon=True)
        weakref.finalize(self, self.box.abandon)
        self._thread.start()

    def ask(self, message: Message) -> None:
        self.same_process()
        box = self.box
        with box.condition:
            box.asked.append(message)
            box.condition.notify_all()

    def items(self, message: Message) -> list[Any]:
        box = self.box
        with box.condition:
            box.in_use -= message.nbytes
            box.condition.notify_all()
        items: Any = message.payload
        return list(items)

    def readable(self, message: Message) -> bool:
        return True

    def drop(self, message: Message) -> None:
        self.items(message)

    def error_of(self, payload: Any) -> BaseException:
        error: BaseException = payload
        return error

    def listen(self, *, wait: bool) -> None:
        self.same_process()
        box = self.box
        if wait and not box.told:
            self.hurry()
        with box.condition:
            if wait and not box.told:
                self.waits += 1
                began = perf_counter()
                box.hungry = True
                while not box.told and not box.done:
                    box.condition.wait(1.0)  # with a limit, so that Ctrl-C arrives on every system
                box.hungry = False
                self.idle += perf_counter() - began
            told = list(box.told)
            box.told.clear()
        for message in told:
            self.heard(message)

    def hurry(self) -> None:
        with self._drawer.lock:
            self._drawer.flush()

    def wait_any(self, hands: Sequence[Any]) -> None:
        condition = self.box.condition
        for hand in hands:
            hand.hurry()
        with condition:
            if not any(hand.box.told for hand in hands):
                began = perf_counter()
                for hand in hands:
                    hand.box.hungry = True
                condition.wait(1.0)
                for hand in hands:
                    hand.box.hungry = False
                self.idle += perf_counter() - began

    def order_stop(self) -> None:
        if self.mine:
            self.box.abandon()

    def stop(self) -> None:
        """End the thread; one that is inside slow code of the user's ends when it comes out."""
        if not self.mine:
            return
        self.box.abandon()
        with self.box.condition:
            done = self.box.condition.wait_for(lambda: self.box.done, _PATIENCE)
        if done and self._thread is not threading.current_thread():
            self._thread.join()
        self.feeds.clear()
        failed, self.box.failed = self.box.failed, None
        if failed is not None:
            raise failed


class _Thread(Drawer):
    """Draws in a thread."""

    def __init__(self, box: Box, streams: list[Any]) -> None:
        super().__init__()
        self.streams, self.box = streams, box
        self.items: list[Any] = []
        self.bytes = 0
        self.grain = max(1, min(box.limit // 8, _GRAIN))

    def run(self) -> None:
        try:
            self.work()
        except Stop:
            for channel in self.channels.values():
                self.leave(channel)
        finally:
            with self.box.condition:
                self.box.done = True
                self.box.condition.notify_all()

    def left(self, error: BaseException) -> None:
        self.box.failed = error

    def told(self, error: BaseException) -> Any:
        return error

    @property
    def at_hand(self) -> bool:
        return bool(self.items)

    def hear(self, *, wait: bool) -> None:
        box = self.box
        with box.condition:
            while wait and not box.asked and not box.stop:
                box.condition.wait()
            if box.stop:
                self.stop()
            asked = list(box.asked)
            box.asked.clear()
        for message in asked:
            self.take_in(message)

    def put(self, item: Any) -> None:
        box, size = self.box, weigh(item)
        if box.stop:
            self.stop()
        if self.bytes + size + box.in_use > box.limit and (box.in_use or self.items):
            self._make_room(size)
        slow = self.is_slow()
        with self.lock:
            self.items.append(item)
            self.bytes += size
            if slow or box.hungry or self.bytes >= self.grain or len(self.items) >= ROWS:
                self.flush()

    def _make_room(self, size: int) -> None:
        with self.lock:
            self.flush()
        box, began = self.box, perf_counter()
        with box.condition:
            while box.in_use and box.in_use + size > box.limit and not box.stop:
                box.condition.wait()
        if box.stop:
            self.stop()
        self.waits(began)

    def flush(self, last: int = 0) -> None:
        channel = self.channel
        if channel is None or not (self.items or last):
            return
        items, nbytes = self.items, self.bytes
        self.items, self.bytes = [], 0
        micros, waited = self.times()
        payload: Any = items
        with self.box.condition:
            self.box.in_use += nbytes
        self.say(
            Message(
                pipes.BLOCK,
                payload,
                channel.number,
                n=len(items),
                rows=len(items),
                nbytes=nbytes,
                micros=micros,
                last=last,
                waited=waited,
            )
        )
        channel.sent += len(items)

    def say(self, message: Message) -> None:
        with self.box.condition:
            self.box.told.append(message)
            self.box.condition.notify_all()
