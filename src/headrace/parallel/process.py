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
from headrace.parallel.supply import Many, One, Supply, number_of, one_on
from headrace.parallel.thread import FAR
from headrace.parallel.undisturbed import undisturbed

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
        self._broken = False  # something may have been lost between the workers and here
        self._careful = False  # a worker died
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
        except BaseException as error:
            if self._recover(error):
                self._next()
                return
            raise
        self.spend(thread_time() - cpu)
        if block is None:
            self._leave()
            self.ended = True

    def spend(self, seconds: float) -> None:
        """Count what delivering took of the processor."""
        self._cpu += seconds

    def _recover(self, error: BaseException) -> bool:
        """See to it that the next call finds what it needs, whatever an error has left behind.

        Returns whether that call is to be made now, since there is more to be found out about the error.
        """
        supply = self._supply
        if supply is None or error is supply.said or not all(hand.mine for hand in supply.hands):
            return False
        gone = next((hand for hand in supply.hands if hand.gone is error), None)
        if gone is None:  # a Ctrl-C, or what a signal's handler raised
            self._broken = True
            supply.doubt()
            return False
        self._careful = True
        self._leave()
        return gone.among

    def _start(self) -> Supply:
        with undisturbed():  # or its workers would be nobody's
            self._supply = supply = self.supply()
        return supply

    def supply(self) -> Supply:
        """Return where blocks are to come from, now that the first is wanted."""
        apart = isinstance(self.base, dict) and is_numbered(self.stream.source)  # a state of items out of order
        kind = Many if self.stream.workers > 1 or apart else One
        return kind(self.stream, self.key, self.base, self.behind, self.count, careful=self._careful)

    def pass_failed(self) -> None:
        if self._broken:
            self._leave()
        if self._supply is None:  # a worker died of it
            self.base, self.behind = one_on(self.source_of_numbers, self.base, self.behind)
        else:
            try:
                self._supply.pass_failed(self.count)
            except BaseException as error:
                self._recover(error)
                raise
        self.restart()

    def leap(self, n: int) -> int:
        source = self.source_of_numbers
        if not is_numbered(source) or (self._supply is not None and n < FAR):
            return 0
        self._leave()
        if isinstance(self.base, dict):
            return 0
        number = number_of(source, self.base, self.behind)
        passed = max(0, min(n, int(min(source.extent(), source.reach)) - number))
        self.base, self.behind = number + passed, 0
        self.count += passed
        self._first = self.count
        self.restart()
        return passed

    @property
    def source_of_numbers(self) -> Any:
        """The stream whose items these are."""
        return self.stream.source

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
        with undisturbed():
            self.base, self.behind = supply.save(self.count)
            self._past, self._supply = self.stats(), None
            try:
                supply.close()
            except BaseException:
                supply.doubt()
                raise

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
