"""A worker as its consumer sees it, and the cursors that the worker has open."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

from headrace.core.key import Key
from headrace.errors import DataError, HeadraceError
from headrace.parallel import pipes
from headrace.parallel.pipes import Message


class Feed:
    """One cursor in a worker, and what has come of it.

    Attributes
    ----------
    blocks
        Blocks that have come and were not taken.
    error
        What the cursor failed with, behind those blocks.
    ended : bool
        Whether it has ended, behind those blocks.
    granted, wanted : int
        GRANTs that have not come to their end, and items granted that were not taken.
    passed : bool
        What failed has been passed, and the state behind it is known.
    """

    hand: Hand
    number: int

    def __init__(self, hand: Hand, number: int, base: Any, behind: int) -> None:
        self.hand, self.number = hand, number
        self.blocks: deque[Message] = deque()
        self.error: BaseException | None = None
        self.ended: bool = False
        self.passed: bool = False
        self.granted: int = 0
        self.wanted: int = 0
        self.bytes: int = 0  # of the blocks,
        self.items: int = 0  # and items in them
        self._checkpoints: list[tuple[int, Any]] = [(-behind, base)]  # (items given before, state)

    def grant(self, n: int = 0, at: int | None = None) -> None:
        """Let the worker draw ``n`` items (0: all), from number ``at`` on."""
        self.granted += 1
        self.wanted += n
        self.hand.wanted += n
        self.hand.ask(Message(pipes.GRANT, channel=self.number, n=n, offset=at or 0, last=int(at is not None)))

    def go_on(self, *, passing: bool) -> None:
        """Have what failed tried again, or passed."""
        self.error, self.passed = None, False
        self.hand.ask(Message(pipes.PASS if passing else pipes.AGAIN, channel=self.number))

    def take(self) -> list[Any]:
        """Return the items of the next block; none when it only marks the end of a grant.

        Raises
        ------
        DataError
            When they cannot be made again here. The worker is of no more use; another sends item by item.
        """
        message = self.blocks[0]
        try:
            items = self.hand.items(message) if message.n else []
        except Exception as error:
            if self.hand.readable(message):
                raise  # a signal's handler raised it
            self.hand.among = message.n > 1
            self.hand.gone = DataError(
                f"background({self.hand.who!r}) cannot read an item that was sent: {type(error).__name__}: {error}.\n"
                "  Make it of arrays and plain data, skip() it, or use background('thread')."
            )
            raise self.hand.gone from error
        self.blocks.popleft()
        self.bytes -= message.nbytes
        self.items -= message.n
        self.wanted -= message.n
        self.hand.wanted -= message.n
        self.hand.taken += message.nbytes * message.n // max(message.rows, 1)
        return items

    def state_at(self, given: int) -> tuple[Any, int]:
        """Return the last checkpoint at or before so many items, and how many were given since."""
        kept = self._checkpoints
        while len(kept) > 1 and kept[1][0] <= given:
            del kept[0]
        number, state = kept[0]
        return (pickle.loads(state) if isinstance(state, bytes) else state), given - number

    def hear(self, message: Message) -> None:
        """Take in what the worker tells of this cursor."""
        kind = message.kind
        if kind == pipes.BLOCK:
            self.blocks.append(message)
            self.bytes += message.nbytes
            self.items += message.n
            self.granted -= message.last
            self.hand.worked += message.micros / 1e6
            self.hand.waited += message.waited / 1e6
            self.hand.pauses += message.waited > 0
        elif kind == pipes.STATE:
            self.passed = bool(message.last)
            if message.payload:
                self.hand.saved += 1
                self._checkpoints.append((message.offset, message.payload))
        elif kind == pipes.END:
            self.ended = True
        elif kind == pipes.ERROR:
            self.error = self.hand.error_of(message.payload)

    def close(self) -> None:
        """Have the worker close the cursor; what comes of it is thrown away."""
        if self.hand.mine and self.hand.feeds.pop(self.number, None) is not None:
            self.hand.wanted -= self.wanted
            for message in self.blocks:
                self.hand.drop(message)
            self.blocks.clear()
            self.hand.ask(Message(pipes.CLOSE, channel=self.number))


class Hand:
    """One worker.

    A subclass starts it, and writes ``ask``, ``items``, ``readable``, ``drop``, ``error_of``, ``listen``, ``wait_any``,
    ``order_stop`` and ``stop``.

    Parameters
    ----------
    limit
        Bytes of blocks that may be in use.
    """

    who: ClassVar[str] = "process"  # as in background('process')

    def __init__(self, limit: int) -> None:
        self.limit: int = limit
        self.process: int = os.getpid()
        self.feeds: dict[int, Feed] = {}
        self.gone: HeadraceError | None = None  # said to the consumer: it is dead, or what it sent cannot be read
        self.among: bool = False  # what cannot be read is one of several items, nobody knows which
        self.doubtful: bool = False  # something has struck in the middle of a word with it: some may be lost
        self.careful: bool = False  # it comes after one that died, and sends item by item where that happened
        self.weight: float = 0.0  # bytes of the heaviest item seen
        self.wanted: int = 0  # items granted that were not taken, of all cursors
        self.waits: int = 0  # how often its consumer waited for it,
        self.idle: float = 0.0  # and for how many seconds
        self.pauses: int = 0  # how often it waited for room,
        self.waited: float = 0.0  # and for how many seconds
        self.worked: float = 0.0  # seconds that making items took
        self.saved: int = 0  # checkpoints that came
        self.taken: int = 0  # bytes of blocks that were delivered
        self._opened = 0

    # --- for subclasses -------------------------------------------------------------------------

    def ask(self, message: Message) -> None:
        """Send a message to the worker."""
        raise NotImplementedError

    def items(self, message: Message) -> list[Any]:
        """Return the items of a block, and let the worker have its room again when they are done with."""
        raise NotImplementedError

    def readable(self, message: Message) -> bool:
        """Tell whether the items of a block can be made here, giving nothing back."""
        raise NotImplementedError

    def drop(self, message: Message) -> None:
        """Give back a block that nobody wants."""
        raise NotImplementedError

    def error_of(self, payload: Any) -> BaseException:
        """Return the error that a message tells."""
        raise NotImplementedError

    def listen(self, *, wait: bool) -> None:
        """Take in what the worker tells. Raises WorkerError when there is nothing to wait for: it is dead."""
        raise NotImplementedError

    def wait_any(self, hands: Sequence[Any]) -> None:
        """Wait a little until one of several workers of this kind tells something."""
        raise NotImplementedError

    def order_stop(self) -> None:
        """Order the worker to end, and do not wait."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the worker, within 0.2 s whatever it does; raises what its clean-up raised."""
        raise NotImplementedError

    @property
    def copied(self) -> int:
        """Blocks handed out as copies, because the consumer keeps what came before."""
        return 0

    # --- for everyone ---------------------------------------------------------------------------

    def open(self, which: int, key: Key, base: Any, behind: int, *, saves: bool) -> Feed:
        """Have the worker open a cursor of one of its streams; ``saves`` says whether to tell its states."""
        number, self._opened = self._opened, self._opened + 1
        feed = self.feeds[number] = Feed(self, number, base, behind)
        asked = (key.plain(), base, behind, saves, self.careful)
        self.ask(Message(pipes.OPEN, pickle.dumps(asked, 5), number, which))
        return feed

    def heard(self, message: Message) -> None:
        """Take in a message about a cursor."""
        feed = self.feeds.get(message.channel)
        if feed is not None:
            feed.hear(message)
        elif message.kind == pipes.BLOCK:
            self.drop(message)

    @property
    def useless(self) -> bool:
        """Whether another has to be hired in its place."""
        return self.doubtful or self.gone is not None

    @property
    def mine(self) -> bool:
        """Whether this process started the worker: a child of a fork has nothing to do with it."""
        return os.getpid() == self.process

    def same_process(self) -> None:
        """Raise in a child of a fork."""
        if not self.mine:
            raise HeadraceError(
                f"background({self.who!r}) got a cursor that was opened before a fork, wanted one of this process: its "
                "worker is the parent's.\n  Open the stream in the child, with at=state to go on from here."
            )
