"""The consumer's side of a stream that runs in worker processes."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from time import perf_counter, thread_time
from typing import Any, ClassVar, TypeVar

from headrace.core.cursor import Cursor
from headrace.core.indexed import is_numbered
from headrace.core.key import Key
from headrace.parallel.stats import Stats, added
from headrace.parallel.supply import Many, One, Supply

T = TypeVar("T")


class Remote(Cursor[T]):
    """Delivers what workers draw.

    Its state is that of the cursor inside at a checkpoint, and ``behind``, the number of items delivered since then:
    what was drawn ahead is no part of it. Where items have numbers, it is the number. After an error the workers wait
    for what is to be done about it; after a Ctrl-C that may have lost something they are started again from the state.
    """

    stream: Any  # a Background, which is defined above this file
    inner: ClassVar[tuple[str, ...]] = ()
    count: int

    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        self.base: Any = None  # where the cursor inside begins: its state, None at the beginning,
        self.behind: int = 0  # and how many of its items were delivered before
        self.ended: bool = False
        self._supply: Supply | None = None
        self._broken = False
        self._first = 0  # `count` when the block at hand was taken
        self._block: list[T] = []
        self._past = Stats()
        self._began = self._cpu = 0.0

    def run(self) -> Generator[T, None, None]:
        if self._broken:
            self._leave()
        item: Any = None
        while not self.ended:
            for self.count, item in enumerate(islice(self._block, self.count - self._first, None), self.count + 1):
                yield item
            item = None  # what is not kept by the consumer is to be used again
            self._next()

    def _next(self) -> None:
        """Take the next block."""
        cpu = thread_time()
        self._began = self._began or perf_counter()
        self._first, self._block = self.count, []
        try:
            if self._supply is not None and self._supply.dead:  # which was said, perhaps to another member of a mux
                self._leave()
            supply = self._supply or self._start()
            block = supply.next(self.count)
            self._first, self._block = self.count, block or []
        except Exception:
            if self._supply is not None and self._supply.dead:
                self._leave()
            raise
        except BaseException:
            self._broken = True  # something may be lost between there and here
            raise
        self._cpu += thread_time() - cpu
        if block is None:
            self._leave()
            self.ended = True

    def _start(self) -> Supply:
        self._supply = self.supply()
        return self._supply

    def supply(self) -> Supply:
        """Return where blocks are to come from, now that the first is wanted."""
        apart = isinstance(self.base, dict) and is_numbered(self.stream.source)  # a state of items out of order
        kind = Many if self.stream.workers > 1 or apart else One
        return kind(self.stream, self.key, self.base, self.behind, self.count)

    def pass_failed(self) -> None:
        if self._supply is None:  # a worker died, and no item is to blame: the next is passed like any other
            next(self.items, None)
            return
        self._supply.pass_failed(self.count)
        self.restart()

    def save(self) -> Any:
        base, behind = self.place()
        return {"count": self.count, "behind": behind, "source": base}

    def place(self) -> tuple[Any, int]:
        """Return (state of the cursor inside, how many of its items were delivered since)."""
        return (self.base, self.behind) if self._supply is None else self._supply.save(self.count)

    def load(self, saved: Any) -> None:
        self._leave()
        self.count, self.behind, self.base = saved["count"], saved["behind"], saved["source"]
        self._first = self.count
        self.ended = False
        self.restart()

    def _leave(self) -> None:
        """Let go of the workers; the place is kept."""
        supply = self._supply
        self._first, self._block, self._broken = self.count, [], False
        if supply is None:
            return
        self.base, self.behind = supply.save(self.count)
        self._past, self._supply = self.stats(), None
        supply.close()

    def close(self) -> None:
        """Close this pass: the workers end within 0.2 s, whatever they do."""
        if self._closed:
            return
        self._closed = True
        self.restart()
        self._leave()

    def stats(self) -> Stats:
        """Return what has been done so far, and what waits."""
        supply, waiting = self._supply, len(self._block) - (self.count - self._first)
        more = Stats() if supply is None else supply.stats()
        return added(self._past, more)._replace(
            items=self.count,
            queued=more.queued + waiting,
            seconds=perf_counter() - self._began if self._began else 0.0,
            cpu=self._cpu,
            workers=getattr(self.stream, "workers", 1),
            ahead=getattr(self.stream, "ahead", 0),
        )
