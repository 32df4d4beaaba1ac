"""A stream of which a part is drawn in worker processes, while what is above that runs here.

The part is the members of a mux, whose choices are made here: worker j has the members i with i mod k == j. To the mux
each is a stream like any other; what it draws from is told what to make a little ahead of what the mux takes. Or it is
a stream whose items have numbers, below an op that has to see them in order; then every worker has stretches of it.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from time import perf_counter
from typing import Any, ClassVar, Final, TypeVar

from headrace.core.cursor import Cursor, behind
from headrace.core.indexed import is_numbered
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.stream import Stream
from headrace.parallel.hand import Hand
from headrace.parallel.hiring import hire
from headrace.parallel.process import Remote
from headrace.parallel.stats import Stats, added
from headrace.parallel.supply import Many, OneFeed, Supply, close_hands, waiting
from headrace.parallel.thread import came_back

T = TypeVar("T")
_FIRST: Final = 4  # items of a member that are made ahead at first: few, since a mux may leave it soon
_MOST: Final = 1024


class Crew:
    """The workers of one run, started when the first item is wanted."""

    members: tuple[Stream[Any], ...]
    key: Key
    stream: Any
    ahead: int

    def __init__(self, members: tuple[Stream[Any], ...], stream: Any, key: Key) -> None:
        self.members, self.key, self.stream, self.ahead = members, key, stream, stream.ahead
        self.whole: bool = len(members) == 1 and is_numbered(members[0])
        self.k: int = stream.workers if self.whole else min(stream.workers, len(members))
        self.share: int = max(1, stream.ahead // self.k)
        self.hands: dict[int, Hand] = {}
        self.past: Stats = Stats()  # what was done by those that were replaced
        self.cpu: float = 0.0  # seconds of the consumer's processor that delivering took
        self._careful: set[int] = set()
        self._told = threading.Condition()

    def hand(self, member: int) -> Hand:
        """Return the worker of a member."""
        j = member % self.k
        known = self.hands.get(j)
        if known is not None and known.useless:
            if known.gone is not None:
                self._careful.add(j)
            self.past = added(self.past, waiting([known]))
            del self.hands[j]
            known.stop()
        if j not in self.hands:
            # What may wait is bounded by what is granted: a member that is wanted must never wait for room.
            self.hands[j] = hire(
                self.stream,
                self.members,
                self.key,
                j,
                self.share,
                self._told,
                bounded=False,
                careful=j in self._careful,
            )
        return self.hands[j]

    def close(self) -> None:
        """End the workers."""
        hands, self.hands = self.hands, {}
        close_hands(list(hands.values()))


@recipe
class _Apart(Stream[T]):
    """A member as the mux sees it: its items are made elsewhere."""

    member: Stream[T]
    number: int
    crew: Any

    @property
    def children(self) -> tuple[Stream[Any], ...]:
        return (self.member,)

    @property
    def size(self) -> float | None:
        return self.member.size

    @property
    def node_name(self) -> str:
        return self.member.node_name

    def start(self, key: Key) -> Cursor[T]:
        return _Member(self, key)


class _Member(Remote[T]):
    """A pass over a member, in the worker that has it. Its state is that of a pass here."""

    stream: _Apart[T]

    def supply(self) -> Supply:
        stream, crew = self.stream, self.stream.crew
        if crew.whole:
            whole = crew.stream.with_(source=stream.member, ordered=True)
            return Many(whole, self.key, self.base, self.behind, self.count, careful=self._careful)
        hand = crew.hand(stream.number)
        try:
            return _Windowed(hand, stream.number, stream.member, self.key, self.base, self.behind, self.count)
        except BaseException:
            hand.doubtful = True
            raise

    @property
    def source_of_numbers(self) -> Any:
        return self.stream.member

    def spend(self, seconds: float) -> None:
        super().spend(seconds)
        self.stream.crew.cpu += seconds

    def save(self) -> Any:
        base, n = self.place()
        if base is None:
            with self.stream.member.open(self.key) as cursor:
                base = cursor.save()
        return behind(base, n)

    def load(self, saved: Any) -> None:
        with self.stream.member.open(self.key) as cursor:  # which knows how many items that is
            cursor.load(saved)
            count = cursor.position
        super().load({"count": count, "behind": 0, "source": saved})


class _Windowed(OneFeed):
    """A cursor in a worker that others share: it is granted some items ahead, more while they are taken."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.n = _FIRST
        self.weight = 0.0  # bytes of an item, once known

    def grant(self) -> None:
        feed, hand = self.feed, self.hands[0]
        if feed.blocks:
            message = feed.blocks[0]
            self.weight = max(self.weight, message.nbytes / max(1, message.n))
            hand.weight = max(self.weight, hand.weight)
        if feed.granted >= 2 or feed.wanted >= self.n or feed.ended or feed.error is not None:
            return
        weight = self.weight or hand.weight or hand.limit  # of the first of all members nothing is known
        room = hand.limit / weight
        n = int(min(self.n, max(1, room / 2 / len(hand.feeds)), room - hand.wanted))
        if n < 1 and feed.wanted:
            return  # what it has been granted will do
        self.n = max(1, n)
        feed.grant(self.n)
        self.n = min(2 * self.n, _MOST)

    def close(self) -> None:
        self.feed.close()  # the worker has other members


class Spread(Cursor[T]):
    """A pass over a stream that has a mux at its bottom: the mux and what is above it run here, its members do not."""

    stream: Any  # a Background
    inner: ClassVar[tuple[str, ...]] = ("source",)

    crew: Crew
    count: int

    def __init__(self, stream: Any, key: Key) -> None:
        super().__init__(stream, key)
        split: Any = stream.source.split()
        self._began = 0.0
        self.crew = Crew(split.streams, stream, key)
        members = [_Apart(member, i, self.crew) for i, member in enumerate(split.streams)]
        self._over = split.over(tuple(members))
        self.source: Cursor[T] = self._over.open(key)

    def run(self) -> Generator[T, None, None]:
        self._began = self._began or perf_counter()
        for self.count, item in enumerate(self.source.items, self.count + 1):
            yield item

    def save(self) -> Any:
        return {"count": self.count, "behind": 0, "source": self.source.save()}

    def load(self, saved: Any) -> None:
        self.source.close()
        self.source = self._over.open(self.key)
        if saved["source"] is not None:
            self.source.load(saved["source"])
        came_back(self.source.stream, saved["behind"] - self.source.skip(saved["behind"]))
        self.count = saved["count"]
        self.restart()

    def release(self) -> None:
        try:
            self.source.close()
        finally:
            self.crew.close()

    def stats(self) -> Stats:
        """Return what has been done so far, and what waits."""
        made = added(self.crew.past, waiting(list(self.crew.hands.values())))
        return made._replace(
            cpu=self.crew.cpu,
            items=self.count,
            seconds=perf_counter() - self._began if self._began else 0.0,
            workers=self.crew.k,
            ahead=self.stream.ahead,
        )
