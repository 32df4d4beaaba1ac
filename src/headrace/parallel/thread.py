"""A worker thread that draws ahead of its consumer, and what the two share.

The worker owns the cursor inside while it runs. It leaves items in blocks, a list of which the last is the one it is
filling: the consumer may read that one too, so that no item waits for its block, and most items cost an ``append`` here
and a step of a list iterator there, with no lock. Only a side that waits, and the end of a block, take the lock.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Generator
from itertools import islice
from math import inf
from time import perf_counter, sleep, thread_time
from typing import Any, ClassVar, Final, TypeVar

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.indexed import is_numbered
from headrace.core.items import nbytes
from headrace.core.key import Key
from headrace.core.knob import Knob
from headrace.errors import HeadraceError, ResumeError
from headrace.parallel.stats import Stats, added

T = TypeVar("T")

OVERHEAD: Final = 64  # bytes an item counts besides its arrays, so that small ones are bounded too
_SHARE: Final = 50  # checkpoints take at most one part in this many of the worker's time
_FIRST_SAVE: Final = 0.01  # seconds before the first checkpoint, when its cost is not known yet
_KEPT: Final = 16  # checkpoints ahead of the consumer at most; beyond, every other one goes
_PATIENCE: Final = 0.1  # seconds that close() waits for a worker inside the user's code
_LARGE: Final = 1 << 16  # items from this size on are drawn one at a time as room is made
_BLOCK: Final = 1 << 18  # bytes of a block at most
_SLOW: Final = 0.002  # seconds between items from which on it pays to let the consumer go first
FAR: Final = 10_000  # items that it pays to jump over: workers are started anew
_FIXED: Final = dict.fromkeys((int, float, bool, complex, np.float64, np.int64), OVERHEAD + 8)


class Block:
    """Consecutive items: the number of the first, and the bytes made up to the last once the block is complete."""

    __slots__ = ("first", "items", "upto")

    first: int
    upto: int

    def __init__(self, first: int) -> None:
        self.first, self.upto = first, 0
        self.items: list[Any] = []


class Pipe:
    """What a worker and its consumer share; it keeps neither alive.

    Parameters
    ----------
    limit
        Bytes that may wait.
    first
        Number of the first item.
    base, behind
        The state of the cursor inside when the worker starts, and how many of its items were delivered before.
    saves
        Whether the cursor inside can be saved.
    every
        Save it after every item: running again from a checkpoint would not turn a knob where it was turned.
    """

    limit: int
    grain: int  # bytes between two looks up
    worker_waits: int
    consumer_waits: int
    worker_waited: float  # seconds
    consumer_waited: float
    saved: int  # how many checkpoints were taken

    def __init__(self, limit: int, first: int, base: Any, behind: int, saves: bool, every: bool) -> None:
        self.limit, self.grain = limit, max(1, min(limit // 64, _BLOCK))
        self.condition: threading.Condition = threading.Condition()
        # The first is in the consumer's hand, the last in the worker's.
        self.blocks: deque[Block] = deque([Block(first)])
        self.attend: int = 0  # the worker looks up when it has made this many bytes
        self.made: int = 0  # bytes in complete blocks,
        self.gone: int = 0  # and in those that the consumer has begun
        self.wake_at: float = inf  # what `gone` must reach to wake a worker that waits for room
        self.hungry: bool = False  # the consumer waits for an item
        self.stop: bool = False  # the consumer has left: the worker closes its cursor and ends
        self.closes: bool = False  # the worker does so
        self.done: bool = False
        self.error: BaseException | None = None
        self.behind: int = behind
        self.every: bool = every and saves
        self.checkpoints: list[tuple[int, Any]] = [(first - behind, base)]
        self.reached: int = first
        self.save_at: float = perf_counter() + _FIRST_SAVE if saves else inf
        self.looked: float = perf_counter()
        self.worker_waits = self.consumer_waits = self.saved = 0
        self.worker_waited = self.consumer_waited = 0.0
        self.process: int = os.getpid()
        self.thread: threading.Thread | None = None

    # --- the worker's side ----------------------------------------------------------------------

    def work(self, source: Cursor[Any]) -> None:
        """Draw from ``source`` until it ends, fails, or the consumer leaves."""
        try:
            self._feed(source)
        except BaseException as error:  # it belongs to the consumer, whatever it is
            self.error = error
        with self.condition:
            self.closes = self.stop
            if not self.closes:
                self._finish()
                return
        self.error = None  # of no interest to a consumer that has left
        try:
            source.close()
        except BaseException as error:  # as above
            self.error = error
        with self.condition:
            self._finish()

    def _finish(self) -> None:
        self.done = True
        self.condition.notify_all()

    def _feed(self, source: Cursor[Any]) -> None:
        items = source.items
        for _ in islice(items, self.behind):
            self.behind -= 1
            if self.stop:
                return
        came_back(source.stream, self.behind)
        put, made, fixed = self.blocks[-1].items.append, 0, _FIXED.get
        for item in items:
            put(item)
            size = fixed(type(item)) or weigh(item)
            made += size
            if made >= self.attend:
                del item  # the consumer alone decides how long it lives
                block = self._look_up(source, made, size)
                if block is None:
                    return
                put = block.items.append

    def _look_up(self, source: Cursor[Any], made: int, size: int) -> Block | None:
        """Complete the block, see to the consumer, save, wait for room; return the next block to fill."""
        block = self.blocks[-1]
        block.upto = self.made = made
        following = Block(block.first + len(block.items))
        self.blocks.append(following)  # from here on the block is complete
        with self.condition:
            if self.stop:
                return None
            fed, self.hungry = self.hungry, False
            if fed:
                self.condition.notify_all()
            self.attend = made if self.every else made + self.grain
        now = perf_counter()
        if fed and now - self.looked > _SLOW:
            sleep(0.00005)  # the consumer waits for the interpreter lock, which we would keep for another 5 ms
        self.looked = now
        if self.every or now >= self.save_at:
            self._save(source, following.first)
        if made > self.gone and made - self.gone + max(size, self.grain) > self.limit:
            return self._wait_for_room(made, size, following)
        return following

    def _wait_for_room(self, made: int, size: int, following: Block) -> Block | None:
        # Small items are let run down to half of the queue: waking for each would cost more than they do.
        low = max(0, self.limit - size) if size >= _LARGE else self.limit // 2
        began = perf_counter()
        with self.condition:
            self.wake_at = made - low
            if self.gone < self.wake_at and not self.stop:
                self.worker_waits += 1
            while self.gone < self.wake_at and not self.stop:
                self.condition.wait()
            self.wake_at = inf
            self.looked = perf_counter()
            self.worker_waited += self.looked - began
            return None if self.stop else following

    def _save(self, source: Cursor[Any], number: int) -> None:
        """Keep the state of the cursor inside before item ``number``, as often as it is cheap."""
        began = perf_counter()
        try:
            state = source.save()
        except Exception:  # it fails again where the user asks for a state, and says so there
            self.save_at = inf
            return
        now = perf_counter()
        self.save_at = now + _SHARE * (now - began)
        with self.condition:
            kept = self.checkpoints
            while len(kept) > 1 and kept[1][0] <= self.reached:
                del kept[0]
            kept.append((number, state))
            self.saved += 1
            if len(kept) > _KEPT and not self.every:
                del kept[1:-1:2]

    # --- the consumer's side --------------------------------------------------------------------

    def begin(self, block: Block) -> None:
        """Count a complete block as delivered, and wake a worker that this makes room for."""
        self.reached = block.first
        self.gone = block.upto
        if self.gone >= self.wake_at:
            with self.condition:
                self.condition.notify_all()

    def wait_for_more(self, block: Block, given: int) -> bool:
        """Wait until there is more behind the ``given`` items of the last block; return False when there never is."""
        with self.condition:
            if not self._more(block, given) and not self.done:
                self.consumer_waits += 1
                began = perf_counter()
                while not self._more(block, given) and not self.done:
                    self.hungry, self.attend = True, 0
                    # With a limit, so that Ctrl-C arrives on every system.
                    if not self.condition.wait(1.0) and self.thread is not None and not self.thread.is_alive():
                        self.done = True
                self.hungry = False
                self.consumer_waited += perf_counter() - began
            return self._more(block, given)

    def _more(self, block: Block, given: int) -> bool:
        return len(block.items) > given or len(self.blocks) > 1

    def abandon(self) -> None:
        """Have the worker close its cursor and end. Waits for nothing: the garbage collector may be the caller."""
        if os.getpid() != self.process:
            return  # a child of fork: the thread, and perhaps the holder of the lock, stayed in the parent
        with self.condition:
            self.stop, self.attend = True, 0
            self.condition.notify_all()

    def leave(self) -> bool:
        """Have the worker end; return whether the cursor inside is left to the caller to close.

        A worker inside slow code of the user's is not waited for: it closes its cursor when it comes out.
        """
        if os.getpid() != self.process:
            return False
        self.abandon()
        with self.condition:
            if not self.condition.wait_for(lambda: self.done, _PATIENCE):
                return False
        self.join()
        if self.closes and self.error is not None:
            raise self.error
        return not self.closes

    def join(self) -> None:
        """Wait for the end of a worker that is done."""
        if self.thread is not None and self.thread is not threading.current_thread():
            self.thread.join()

    def checkpoint(self, count: int) -> tuple[int, Any]:
        """Return the last checkpoint at or before ``count`` delivered items: its number, the state."""
        with self.condition:
            usable = [found for found in self.checkpoints if found[0] <= count]
            return usable[-1]


class Threaded(Cursor[T]):
    """Delivers what a worker draws.

    Its state is that of the cursor inside at a checkpoint, and ``behind``, the number of items delivered since then:
    what was drawn ahead is no part of it. While no worker runs, the cursor inside is the consumer's, so that what
    failed can be tried again or passed.
    """

    stream: Any  # a Background, which is defined above this file
    inner: ClassVar[tuple[str, ...]] = ("source",)
    count: int

    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.source: Cursor[T] = stream.source.open(key)
        self.base: Any = None  # where the cursor inside stands: its state, None at the beginning,
        self.behind: int = 0  # and how many of its items were delivered before
        self.moved: bool = False  # it has been run, and stands where it says itself
        self.ended: bool = False
        self._pipe: Pipe | None = None
        self._used: tuple[Pipe, int, tuple[int, Any]] | None = None  # by the last save: saved again, it is the same
        self._past = Stats()
        self._began = 0.0  # when the first item was asked for
        self._cpu = 0.0  # seconds of the consumer's processor that waiting for items took

    def run(self) -> Generator[T, None, None]:
        if self.ended:
            return
        pipe = self._pipe or self._start()
        blocks = pipe.blocks
        # No item is lost or given twice when Ctrl-C strikes anywhere here: `count` and the blocks say it all.
        while True:
            self._same_process(pipe)
            block = blocks[0]
            complete = len(blocks) > 1  # asked before its items are read
            if complete:
                pipe.begin(block)
            given = self.count - block.first
            for self.count, item in enumerate(islice(block.items, given, None), self.count + 1):
                yield item
            if complete:
                blocks.popleft()
                continue
            cpu = thread_time()
            more = pipe.wait_for_more(block, self.count - block.first)
            self._cpu += thread_time() - cpu
            if not more:
                break
        pipe.join()
        error, self.behind, self.moved = pipe.error, pipe.behind, True
        self.ended = error is None
        self._forget()
        if error is not None:
            try:
                raise error  # its traceback goes on through the worker to the user's function
            finally:
                del error

    def _start(self) -> Pipe:
        self._began = self._began or perf_counter()
        saves = self.stream.resume != "none"
        if self.moved:
            self.base, self.moved = self.source.save() if saves else None, False
        every = Knob.within(self.stream)
        pipe = Pipe(self.stream.ahead, self.count, self.base, self.behind, saves, every)
        pipe.thread = threading.Thread(target=pipe.work, args=(self.source,), name="headrace-background", daemon=True)
        self._finalizer = weakref.finalize(self, pipe.abandon)
        self._pipe = pipe  # before the thread is there: Ctrl-C may come while it starts
        try:
            pipe.thread.start()
        except RuntimeError as error:
            pipe.error, pipe.done = error, True
        return pipe

    def _forget(self) -> None:
        """Be without a worker."""
        self._past, self._pipe, self._used = self.stats(), None, None
        self._finalizer.detach()

    def _same_process(self, pipe: Pipe) -> None:
        if os.getpid() != pipe.process:
            raise HeadraceError(
                f"{self.stream.node_name} got a cursor that was opened before a fork, wanted one of this process: its "
                "thread stayed in the parent.\n  Open the stream in the child, with at=state to go on from here."
            )

    def stats(self) -> Stats:
        """Return what has been done so far, and what waits."""
        past, pipe = self._past, self._pipe
        seconds = perf_counter() - self._began if self._began else 0.0
        now = Stats(self.count, seconds=seconds, ahead=self.stream.ahead, cpu=self._cpu)
        if pipe is not None:
            last = pipe.blocks[-1]
            now = now._replace(
                queued=last.first + len(last.items) - self.count,
                bytes=pipe.made - pipe.gone,
                nbytes=pipe.gone,
                checkpoints=pipe.saved,
                worker_waits=pipe.worker_waits,
                consumer_waits=pipe.consumer_waits,
                worker_waited=pipe.worker_waited,
                consumer_waited=pipe.consumer_waited,
            )
        return added(past, now)

    def save(self) -> Any:
        base, behind = self.base, self.behind
        pipe = self._pipe
        if pipe is not None:
            self._same_process(pipe)
            if self._used is None or self._used[:2] != (pipe, self.count):
                self._used = (pipe, self.count, pipe.checkpoint(self.count))
            number, base = self._used[2]
            behind = self.count - number
        elif self.moved:
            base = self.source.save()
        return {"count": self.count, "behind": behind, "source": base}

    def load(self, saved: Any) -> None:
        self._leave()
        self.source = self.stream.source.open(self.key)
        self.count, self.behind, self.base = saved["count"], saved["behind"], saved["source"]
        self.moved = self.ended = False
        if self.base is not None:
            self.source.load(self.base)
        self.restart()

    def leap(self, n: int) -> int:
        if self.ended or not is_numbered(self.stream.source) or (self._pipe is not None and n < FAR):
            return 0
        if self._pipe is not None:
            self.load(self.save())
        came_back(self.source.stream, self.behind - self.source.skip(self.behind))
        self.behind, self.moved = 0, True
        passed = self.source.skip(n)
        self.count += passed
        self.restart()
        return passed

    def _leave(self) -> None:
        """Let go of the worker and of the cursor inside, whoever has to close it."""
        pipe = self._pipe
        if pipe is None:
            self.source.close()
            return
        try:
            mine = pipe.leave()
        finally:
            self._forget()
        if mine:
            self.source.close()

    def close(self) -> None:
        """Close this pass and everything it opened, the thread too; never waits long for code of the user's.

        A worker inside such code ends when it comes out, and closes what it has opened itself.
        """
        if self._closed:
            return
        self._closed = True
        self.restart()
        if self._pipe is not None and self._pipe.process == os.getpid():
            saved = self.save()  # it can still be read, and what is queued need not be kept for that
            self.base, self.behind = saved["source"], saved["behind"]
        self._leave()


def came_back(stream: Any, missing: int) -> None:
    """Raise when a source that was run again ended before the saved place, by so many items."""
    if missing:
        raise ResumeError(
            f"{stream!r} ended {missing} items before the saved place when it was run again.\n"
            "  What it reads has changed, or it draws numbers of its own: take them from a parameter rng."
        )


def weigh(item: Any) -> int:
    """Return the bytes that an item counts in a queue."""
    if type(item) is np.ndarray:
        return OVERHEAD + item.nbytes
    try:
        if isinstance(item, dict):
            total = OVERHEAD
            for part in item.values():
                total += part.nbytes if type(part) is np.ndarray else 8 if type(part) in _FIXED else nbytes(part)
            return total
        return OVERHEAD + nbytes(item)
    except Exception:  # a foreign object whose nbytes is no number
        return OVERHEAD
