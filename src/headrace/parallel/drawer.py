"""What a worker does, wherever it runs: it opens the cursors that it is asked for and draws what is granted of each.

How items are sent, and how the consumer is heard, is a subclass's.
"""

from __future__ import annotations

import pickle
import threading
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from math import inf
from time import perf_counter
from typing import Any, ClassVar, Final

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.notes import located
from headrace.errors import DataError, WorkerError
from headrace.parallel import pipes
from headrace.parallel.pipes import Gone, Message
from headrace.parallel.thread import came_back

SLOW: Final = 0.0002  # seconds between items from which on each is sent by itself
ROWS: Final = 256  # items in a block at most: the cheapest take a millisecond, before anyone hurries
_SHARE: Final = 50  # checkpoints take at most one part in this many of the time,
_OFTEN: Final = 0.005  # and are no closer than so many seconds
_FIRST_SAVE: Final = 0.01  # seconds before the first checkpoint
_LONGEST: Final = 2**32 - 1  # microseconds that a message can tell


class Stop(BaseException):
    """The consumer has left: raised in the thread that draws, in the middle of whatever it does."""


class Channel:
    """A cursor that the consumer asked for, and what of it may be drawn."""

    number: int
    stream: Any
    key: Key
    base: Any
    behind: int
    saves: bool
    stop: int | None
    sent: int
    failed: bool
    passes: bool
    save_at: float
    cursor: Cursor[Any] | None

    def __init__(self, number: int, stream: Any, key: Key, base: Any, behind: int, saves: bool) -> None:
        self.number, self.stream, self.key = number, stream, key
        self.base, self.behind, self.saves = base, behind, saves
        self.cursor: Cursor[Any] | None = None
        self.grants: deque[tuple[int, int]] = deque()  # (from the number, or -1; how many)
        self.stop: int | None = None  # the position at which the grant under way ends
        self.sent = 0
        self.failed = self.passes = False
        self.stuck: list[Any] = []  # an item that was drawn and cannot be sent
        self.save_at = perf_counter() + _FIRST_SAVE

    def open(self) -> Cursor[Any]:
        """Return the cursor, where it is to begin."""
        if self.cursor is None:
            cursor: Cursor[Any] = self.stream.open(self.key)
            if self.base is not None:
                cursor.load(self.base)
            self.cursor, self.base = cursor, None
        while self.behind:  # in steps, so that what fails on the way is not passed again
            passed = self.cursor.skip(min(self.behind, 1024))
            if not passed:
                came_back(self.stream, self.behind)
            self.behind -= passed
        return self.cursor


class Drawer:
    """Draws what is granted, a grant of each channel in turn.

    A subclass writes ``hear``, ``put``, ``flush``, ``say`` and ``at_hand``.

    Attributes
    ----------
    streams
        What cursors may be opened of.
    channel
        The one that is drawn from.
    lock
        Around the block at hand: an order to send it may come at any time.
    leaving, closing
        The consumer has left; and Stop has been raised.
    """

    who: ClassVar[str] = "process"  # as in background('process')

    lock: threading.Lock
    leaving: bool
    closing: bool
    saying: bool
    began: float
    last: float
    waited: float
    unreadable: Exception | None

    def __init__(self) -> None:
        self.streams: list[Any] = []
        self.unreadable: Exception | None = None  # why there are none
        self.lock = threading.Lock()
        self.channels: dict[int, Channel] = {}
        self.channel: Channel | None = None
        self.leaving = self.closing = self.saying = False
        self.began = self.last = perf_counter()  # of the block at hand; when the last item came
        self.waited = 0.0  # seconds that there was no room, since the last block
        self.careful: int = 0  # so many items are sent each by itself: a worker died near here

    # --- for subclasses -------------------------------------------------------------------------

    def hear(self, *, wait: bool) -> None:
        """Take in what the consumer asks, with ``take_in``; ``wait`` for it where there is nothing to do."""
        raise NotImplementedError

    def put(self, item: Any) -> None:
        """Add an item to the block at hand, and send that when it is time."""
        raise NotImplementedError

    def flush(self, last: int = 0) -> None:
        """Send the block at hand; with the lock. ``last`` tells that a grant ends, though nothing may be at hand."""
        raise NotImplementedError

    def say(self, message: Message) -> None:
        """Send a message."""
        raise NotImplementedError

    @property
    def at_hand(self) -> bool:
        """Whether there is a block at hand."""
        raise NotImplementedError

    def told(self, error: BaseException) -> Any:
        """Return what is sent of an error: bytes, where it crosses to another process."""
        return pickled_error(error)

    def attend(self) -> None:
        """Be ready for orders from now on: code of the user's is about to run, or nothing is to be done."""

    def is_slow(self) -> bool:
        """Tell whether the item at hand was so long in coming that it is to be sent at once."""
        now = perf_counter()
        slow, self.last = now - self.last > SLOW, now
        if self.careful:
            self.careful -= 1
            return True
        return slow

    def times(self) -> tuple[int, int]:
        """Return the microseconds that the block at hand took, and that were waited before it; begin the next one."""
        now = perf_counter()
        micros, self.began = min(max(int((now - self.began) * 1e6), 0), _LONGEST), now
        waited, self.waited = min(int(self.waited * 1e6), _LONGEST), 0.0
        return micros, waited

    def waits(self, since: float) -> None:
        """Count a wait for room, which is no work."""
        waited = perf_counter() - since
        self.began += waited
        self.waited += waited

    # --- what is asked --------------------------------------------------------------------------

    def work(self) -> None:
        """Draw what is granted until the consumer leaves: ``hear`` or ``say`` raises Stop or Gone then."""
        while True:
            ready = [channel for channel in self.channels.values() if channel.grants and not channel.failed]
            self.hear(wait=not ready)
            for channel in ready:
                if self.channels.get(channel.number) is channel:
                    self.draw(channel)

    def take_in(self, message: Message) -> None:
        """Do as a message asks."""
        number, kind = message.channel, message.kind
        if kind == pipes.OPEN:
            key, *place, careful = pickle.loads(message.payload)
            self.careful += ROWS * careful  # as many as may have been made and not sent
            stream = self.streams[message.n] if self.streams else None
            self.channels[number] = Channel(number, stream, Key.from_plain(key), *place)
        elif kind == pipes.CLOSE:
            channel = self.channels.pop(number, None)
            if channel is not None:
                self.leave(channel)
        elif (known := self.channels.get(number)) is None:
            pass  # it has been closed
        elif kind == pipes.GRANT:
            known.grants.append((message.offset if message.last else -1, message.n or pipes.ENDLESS))
        else:
            known.failed, known.passes = False, kind == pipes.PASS

    def stop(self) -> None:
        """Raise Stop."""
        self.closing = True
        raise Stop

    # --- drawing --------------------------------------------------------------------------------

    def draw(self, channel: Channel) -> None:
        """Draw a grant of a channel, or what is left of it."""
        self.attend()
        self.channel, self.began = channel, perf_counter()
        try:
            cursor, stop = self.ready(channel)
            for item in self.due(channel, cursor, stop):
                try:
                    self.put(item)
                except Exception as error:
                    if isinstance(error, Gone):
                        raise
                    channel.stuck = [item]
                    raise self.unsent(error) from error
                del item  # the consumer alone decides how long it lives
                if self.leaving:
                    self.stop()
                if channel.saves and not self.at_hand and perf_counter() >= channel.save_at:
                    self.save(channel)
        except (Stop, Gone):
            raise
        except BaseException as error:  # it belongs to the consumer, whatever it is
            if self.closing:  # or it is what the user's clean-up made of Stop
                self.left(error)
                raise Stop from None
            self.fail(channel, error)
            return
        ended = cursor.position < stop
        channel.stop = None
        channel.grants.popleft()
        with self.lock:
            self.flush(last=1)
            if ended:
                self.say(Message(pipes.END, channel=channel.number))
                channel.grants.clear()

    def ready(self, channel: Channel) -> tuple[Cursor[Any], int]:
        """Return the cursor where the grant begins or goes on, and the position where it ends."""
        if self.unreadable is not None:
            raise self.unreadable
        cursor = channel.open()
        if channel.passes:
            channel.passes = False
            if channel.stuck:
                channel.stuck.clear()
            else:
                cursor.skip(1)
            if channel.saves:
                self.save(channel, passed=1)
        if channel.stop is None:
            at, n = channel.grants[0]
            if at > cursor.position:
                cursor.skip(at - cursor.position)
            channel.stop = max(at, cursor.position) + n
        return cursor, channel.stop

    def due(self, channel: Channel, cursor: Cursor[Any], stop: int) -> Iterator[Any]:
        """Yield what is to be put: first what could not be sent, then items up to a position."""
        if channel.stuck:
            yield channel.stuck.pop()
        yield from islice(cursor, stop - cursor.position)

    def fail(self, channel: Channel, error: BaseException) -> None:
        """Tell an error after the items before it."""
        with self.lock:
            self.flush()
            channel.failed = True
            if channel.cursor is not None:
                located(error, channel.cursor)
            if channel.stuck:  # the cursor is behind that already
                place = error.__dict__["_headrace_inside"]
                error.__dict__["_headrace_inside"] = place._replace(number=place.number - 1)
            self.say(Message(pipes.ERROR, self.told(error), channel=channel.number))

    def save(self, channel: Channel, passed: int = 0) -> None:
        """Tell the state of a cursor, as often as it is cheap; ``passed`` answers a PASS."""
        began = perf_counter()
        assert channel.cursor is not None
        state = b""
        try:
            state = pickle.dumps(channel.cursor.save(), 5)
        except Exception:  # it fails again where the user asks for a state, and says so there
            channel.save_at = inf
        now = perf_counter()
        if state:
            channel.save_at = now + max(_SHARE * (now - began), _OFTEN)
        with self.lock:
            self.flush()
            self.say(Message(pipes.STATE, state, channel.number, offset=channel.sent, last=passed))

    def leave(self, channel: Channel) -> None:
        """Close a cursor: the user's own clean-up."""
        try:
            if channel.cursor is not None:
                channel.cursor.close()
        except Stop:
            raise
        except BaseException as error:
            self.left(error)

    def left(self, error: BaseException) -> None:
        """Tell what failed in the user's clean-up."""
        if not self.saying:  # it may have been stopped in the middle of that
            self.say(Message(pipes.LEFT, self.told(error)))

    def close(self) -> None:
        """Close every cursor. What fails there is told last."""
        with suppress(Gone):
            for channel in self.channels.values():
                self.leave(channel)

    def unsent(self, error: Exception) -> Exception:
        """Return what to raise for an item that cannot be sent."""
        if isinstance(error, DataError):  # which says all that there is to say
            return error
        return DataError(
            f"background({self.who!r}) cannot send an item: {type(error).__name__}: {error}.\n"
            "  Make it of arrays and plain data, skip() it, or use background('thread')."
        )


def pickled_error(error: BaseException) -> bytes:
    """Return an error as bytes that can be read: itself where it survives that, and the text of its traceback."""
    text = "".join(traceback.format_exception(error))
    for dumps in (pickle.dumps, _dumps_by_value):
        try:
            made = dumps((error, text))
            pickle.loads(made)  # some exceptions can be written and not be read
            return made
        except Exception:
            continue
    told = WorkerError(f"{type(error).__module__}.{type(error).__qualname__}: {error}")
    told.__dict__.update(
        {name: value for name, value in error.__dict__.items() if name in ("_headrace_inside", "__notes__")}
    )
    return pickle.dumps((told, text))


def _dumps_by_value(error: Any) -> bytes:
    import cloudpickle  # for a class of the main program, or of a function

    made: bytes = cloudpickle.dumps(error)
    return made
