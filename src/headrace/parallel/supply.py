"""Where the blocks of a run come from: one cursor in one worker, or stretches of numbers from several."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Final

from headrace.core.indexed import is_numbered
from headrace.core.key import Key
from headrace.errors import DataError, ResumeError
from headrace.parallel.hand import Feed, Hand
from headrace.parallel.hiring import hire
from headrace.parallel.stats import Stats

_STRETCH: Final = 0.01  # seconds of work in a stretch at most
_STRETCHES: Final = 64  # a worker has at most so many before it
_LONGEST: Final = 1024  # items of a stretch, or the grain where that is more


def one_on(source: Any, base: Any, behind: int) -> tuple[Any, int]:
    """Return the place behind the next item of a stream from a saved place; nothing is run for it."""
    if not (isinstance(base, dict) and is_numbered(source)):
        return base, behind + 1
    (at, stop), *others = base["left"]
    left = [*([[at + 1, stop]] if at + 1 < stop else []), *others]
    return ({**base, "left": left} if left else base["from"]), 0


def number_of(source: Any, base: Any, behind: int) -> int:
    """Return the number of the next item of an indexed source from a saved place."""
    if isinstance(base, dict):
        raise ResumeError(
            f"{source.node_name} got a state that was saved between items out of order, wanted several workers to go on.\n"
            "  Give background as many workers as you like, of at least 2, and ordered=False."
        )
    return (base or 0) + behind


class Supply:
    """Blocks of items, for a run that has delivered ``given`` items when it asks."""

    hands: list[Hand]
    said: BaseException | None = None  # what the source raised last, to the consumer: nothing else is to be done for it

    @property
    def dead(self) -> bool:
        """Whether a worker is useless, so that others have to be started."""
        return any(hand.useless for hand in self.hands)

    def doubt(self) -> None:
        """Note that something struck in the middle of a word with the workers: some of it may be lost."""
        for hand in self.hands:
            hand.doubtful = True

    def next(self, given: int) -> list[Any] | None:
        """Return the next items, waiting for them; None at the end. Raises what the source raised."""
        raise NotImplementedError

    def pass_failed(self, given: int) -> None:
        """Have what failed passed."""
        raise NotImplementedError

    def save(self, given: int) -> tuple[Any, int]:
        """Return (state of the cursor inside, how many of its items were delivered since)."""
        raise NotImplementedError

    def stats(self) -> Stats:
        """Return what is known here: nothing of what was delivered."""
        return waiting(self.hands)

    def close(self) -> None:
        """End the workers; raises the first error of their clean-up."""
        close_hands(self.hands)


def waiting(hands: list[Hand]) -> Stats:
    """Return what waits in some workers and has been saved there."""
    feeds = [feed for hand in hands for feed in hand.feeds.values()]
    return Stats(
        queued=sum(feed.items for feed in feeds),
        bytes=sum(feed.bytes for feed in feeds),
        checkpoints=sum(hand.saved for hand in hands),
        worker_waits=sum(hand.pauses for hand in hands),
        consumer_waits=sum(hand.waits for hand in hands),
        copied=sum(hand.copied for hand in hands),
        nbytes=sum(hand.taken for hand in hands),
        consumer_waited=sum(hand.idle for hand in hands),
        worker_waited=sum(hand.waited for hand in hands),
        worked=sum(hand.worked for hand in hands),
    )


def close_hands(hands: list[Hand]) -> None:
    """End workers, all at once; raises the first error of their clean-up."""
    error: BaseException | None = None
    for hand in hands:
        hand.order_stop()
    for hand in hands:
        try:
            hand.stop()
        except BaseException as raised:
            error = error or raised
    if error is not None:
        raise error


class OneFeed(Supply):
    """One cursor in one worker. A subclass grants what may be drawn."""

    hands: list[Hand]
    said: BaseException | None

    def __init__(self, hand: Hand, which: int, source: Any, key: Key, base: Any, behind: int, given: int) -> None:
        self.hands = [hand]
        self.start: int = given
        self.numbered: bool = is_numbered(source)
        self.number: int = number_of(source, base, behind) if self.numbered else 0
        place = (self.number, 0) if self.numbered else (base, behind)
        self.feed: Feed = hand.open(which, key, *place, saves=not self.numbered)
        self._failed = False

    def grant(self) -> None:
        """Let the worker draw more, where it has not enough before it."""

    def next(self, given: int) -> list[Any] | None:
        feed, hand = self.feed, self.hands[0]
        if self._failed:
            self._failed = False
            feed.go_on(passing=False)
        if feed.blocks:
            hand.listen(wait=False)
        while True:
            self.grant()
            if feed.blocks:
                items = feed.take()
                if items:
                    return items
            elif feed.error is not None:
                self._failed, self.said = True, feed.error
                raise feed.error
            elif feed.ended:
                return None
            else:
                hand.listen(wait=True)

    def pass_failed(self, given: int) -> None:
        self._failed = False
        self.feed.go_on(passing=True)
        if self.numbered:
            self.number += 1
            return
        while not self.feed.passed and self.feed.error is None:  # the state behind it has to be known
            self.hands[0].listen(wait=True)
        if self.feed.error is not None:
            self._failed, self.said = True, self.feed.error
            raise self.feed.error

    def save(self, given: int) -> tuple[Any, int]:
        if self.numbered:
            return self.number + given - self.start, 0
        return self.feed.state_at(given - self.start)


class One(OneFeed):
    """One cursor in a worker of its own, which draws to the end."""

    def __init__(self, stream: Any, key: Key, base: Any, behind: int, given: int, *, careful: bool = False) -> None:
        hand = hire(stream, [stream.source], key, 0, stream.ahead, threading.Condition(), careful=careful)
        try:
            super().__init__(hand, 0, stream.source, key, base, behind, given)
            self.feed.grant()
        except BaseException:
            hand.stop()
            raise


class _Stretch:
    """Numbers from ``at`` to ``stop``, asked of one worker; ``at`` moves with what is delivered."""

    __slots__ = ("at", "feed", "stop")

    def __init__(self, feed: Feed, at: int, stop: int) -> None:
        self.feed, self.at, self.stop = feed, at, stop


class Many(Supply):
    """Stretches of an indexed stream from several workers, each of which has some before it.

    How long they are follows from what items cost and weigh; it changes none of them.
    """

    hands: list[Hand]
    said: BaseException | None
    feeds: list[Feed]
    cost: float
    weight: float

    def __init__(self, stream: Any, key: Key, base: Any, behind: int, given: int, *, careful: bool = False) -> None:
        source = stream.source
        self.source = source
        self.ordered: bool = stream.ordered
        self.grain: int = source.grain
        self.end: float = min(source.extent(), source.reach)
        left = [(at, stop) for at, stop in base["left"]] if isinstance(base, dict) else []
        first = base["from"] if isinstance(base, dict) else number_of(source, base, behind)
        self.asked: int = first  # numbers up to here have been asked for, but for those left,
        self.left: deque[tuple[int, int]] = deque(left)  # which come first
        lowest = min([first, *(at for at, _ in left)])
        k = int(min(stream.workers, max(1, self.end - lowest)))  # more would have nothing to do
        self.share: int = max(1, stream.ahead // k)
        self.hands, self.feeds = [], []
        told = threading.Condition()
        try:
            for j in range(k):
                self.hands.append(hire(stream, [source], key, j, self.share, told, careful=careful))
            for hand in self.hands:
                self.feeds.append(hand.open(0, key, lowest, 0, saves=False))
        except BaseException:  # a Ctrl-C too
            close_hands(self.hands)
            raise
        self.stretches: deque[_Stretch] = deque()
        self._at_hand: _Stretch | None = None  # whose block was taken last,
        self._from, self._given = 0, given  # where it began, and what had been delivered before that block
        self._failed: _Stretch | None = None
        self.cost = self.weight = 0.0  # seconds and bytes of an item, once known
        self._length = 1

    # --- asking ---------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Give every worker enough to do to fill its share of the memory."""
        length = self._stretch()
        while True:
            feed = min(self.feeds, key=lambda feed: feed.wanted)
            enough = self.share / self.weight if self.weight else 1
            if feed.granted >= _STRETCHES or (feed.granted >= 2 and feed.wanted >= enough):
                return
            if self.left:
                at, stop = self.left[0]
                until = min(stop, at + length)
                self.stretches.append(_Stretch(feed, at, until))  # first: a Ctrl-C between here and there loses nothing
                self.left[0] = (until, stop)
                if until == stop:
                    self.left.popleft()
            else:
                at, until = self.asked, int(min(self.end, self.asked - self.asked % self.grain + length))
                if at >= self.end:
                    return
                self.stretches.append(_Stretch(feed, at, until))
                self.asked = until
            feed.grant(until - at, at)

    def _stretch(self) -> int:
        """Return how many numbers to ask for together: up to four times more than last time."""
        if self.weight:
            most = min(self.share / 4 / self.weight, _STRETCH / max(self.cost, 1e-7), _LONGEST, 4 * self._length)
            self._length = max(1, int(most))
        return max(1, -(-self._length // self.grain)) * self.grain

    # --- taking ---------------------------------------------------------------------------------

    def next(self, given: int) -> list[Any] | None:
        self._settle(given)
        if self._failed is not None:
            self._failed.feed.go_on(passing=False)
            self._failed = None
        for hand in self.hands:
            hand.listen(wait=False)
        while True:
            self._ask()
            stretch = self._ready()
            if stretch is None:
                if not self.stretches:
                    return None
                self._check_ends()
                self._wait()
                continue
            feed = stretch.feed
            if not feed.blocks:
                assert feed.error is not None
                self._failed, self.said = stretch, feed.error
                raise feed.error
            message = feed.blocks[0]
            items = feed.take()
            if message.n:
                self._learn(message.micros / 1e6 / message.n, message.nbytes / message.n)
            self._at_hand, self._from, self._given = stretch, stretch.at, given
            if message.last:
                self.stretches.remove(stretch)
            if items:
                return items
            self._settle(given)

    def _settle(self, given: int) -> None:
        """Count what was delivered of the block at hand."""
        if self._at_hand is not None:
            self._at_hand.at = self._from + given - self._given

    def _ready(self) -> _Stretch | None:
        """Return a stretch of which there is something; in order the first alone will do."""
        seen: set[int] = set()
        for stretch in self.stretches:
            feed = stretch.feed
            if id(feed) not in seen:  # of the stretches of one worker the first is the one under way
                if feed.blocks or feed.error is not None:
                    return stretch
                seen.add(id(feed))
            if self.ordered or len(seen) == len(self.feeds):
                return None
        return None

    def _check_ends(self) -> None:
        """Raise where a worker has come to the end of a stream that has more by its size."""
        for stretch in self.stretches:
            if stretch.feed.ended:
                self.said = DataError(f"{self.source!r} has no item {stretch.at}, wanted as many as its size says.")
                raise self.said

    def _wait(self) -> None:
        if self.ordered:
            self.stretches[0].feed.hand.listen(wait=True)
            return
        self.hands[0].wait_any(self.hands)
        for hand in self.hands:
            hand.listen(wait=False)

    def _learn(self, cost: float, weight: float) -> None:
        """Follow what items cost and weigh: fast when they turn out heavier."""
        self.cost = cost if not self.cost else self.cost + (cost - self.cost) / 4
        self.weight = max(weight, self.weight + (weight - self.weight) / 4, 1.0)

    def pass_failed(self, given: int) -> None:
        failed, self._failed = self._failed, None
        if failed is not None:
            self._settle(given)
            self._at_hand = None
            failed.at += 1
            failed.feed.wanted -= 1
            failed.feed.go_on(passing=True)

    def save(self, given: int) -> tuple[Any, int]:
        self._settle(given)
        under_way = [*self.stretches] if self._at_hand is None else [self._at_hand, *self.stretches]
        pieces = {(stretch.at, stretch.stop) for stretch in under_way} | {*self.left}
        joined: list[list[int]] = []
        for at, stop in sorted(piece for piece in pieces if piece[0] < piece[1]):
            if joined and joined[-1][1] >= at:  # more where a Ctrl-C struck between asking and noting
                joined[-1][1] = max(stop, joined[-1][1])
            else:
                joined.append([at, stop])
        if not joined:
            return self.asked, 0
        asked = max(self.asked, joined[-1][1])
        if len(joined) == 1 and joined[0][1] == asked:
            return joined[0][0], 0
        return {"from": asked, "left": joined}, 0
