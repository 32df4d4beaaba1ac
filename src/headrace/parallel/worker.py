"""A worker process: draws items from streams and lays them out in memory that the consumer maps.

It does as asked until the consumer orders it to stop, or the consumer's process is gone. Its main thread draws; another
one listens, so that an order arrives while code of the user's runs.
"""

from __future__ import annotations

import _thread
import gc
import os
import pickle
import random
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from math import inf
from time import perf_counter
from typing import Any, Final

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.key import Key
from headrace.core.notes import located
from headrace.errors import DataError, WorkerError
from headrace.parallel import pipes
from headrace.parallel.arena import Writer
from headrace.parallel.pack import ANYTHING, Filler, Layout, Unlike, layout_of, leaf_bytes
from headrace.parallel.pipes import Gone, Inlet, Message
from headrace.parallel.thread import came_back

_GRAIN: Final = 1 << 20  # bytes of a block of small items at most
_ROWS: Final = 256  # items in a block at most: the cheapest take a millisecond, before anyone hurries
_HEAP: Final = 1 << 18  # bytes of the heap in a block of several items
_LAYOUTS: Final = 1000  # kinds of items at most, each of which both sides remember
_LEAST: Final = 1 << 12  # bytes of a block at least: a page
_SLOW: Final = 0.0002  # seconds between items from which on each is sent by itself
_SHARE: Final = 50  # checkpoints take at most one part in this many of the time
_OFTEN: Final = 0.005  # and are no closer than so many seconds
_FIRST_SAVE: Final = 0.01  # seconds before the first checkpoint
_LONGEST: Final = 2**32 - 1  # microseconds that a message can tell
_TURN: Final = 0.02  # seconds until the end of an item, at which a generator of the user's is closed and not torn down
_LAST: Final = 1.0  # seconds that code of the user's has to end when the consumer's process is gone


class Stop(BaseException):
    """The consumer has left: raised in the main thread, in the middle of whatever it does."""


def main(streams: Any, key: Key, ends: Any, limit: int) -> None:
    """Run in the worker process.

    Parameters
    ----------
    streams
        What cursors may be opened of: a list, or one pickled (by cloudpickle).
    key
        Where the numbers come from that ``random`` and ``numpy.random`` give here.
    ends
        Descriptors: those of ``Ends.workers``, and of the shared memory.
    limit
        Bytes that may be in use.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the consumer's, and comes to the whole group
    gc.freeze()  # what a fork has copied is not to be looked through again and again
    tell, asked, listen, memory = ends
    pipes.close_in_children(ends)
    worker = _Worker(tell, asked, listen, Writer(memory, limit))
    try:
        signal.signal(signal.SIGTERM, worker.interrupt)
        random.seed(key.bits)
        # As by np.random.seed, whose first use of ufuncs here would cost a third of a millisecond.
        words = np.array(random.Random(key.bits + b"numpy").getstate()[1][:-1], np.uint32)
        np.random.set_state(("MT19937", words, 624, 0, 0.0))
        worker.work(streams)
    except (Stop, Gone):
        worker.closing = True
        worker.close()
    finally:
        worker.closing = True
        for stream in (sys.stdout, sys.stderr):  # what the user's code has printed
            with suppress(Exception):
                stream.flush()
        os._exit(0)  # nothing of the parent's that a fork has copied is to be cleaned up here


class _Channel:
    """A cursor that the consumer asked for, and what of it may be drawn."""

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


class _Worker:
    def __init__(self, tell: int, asked: int, listen: int, arena: Writer) -> None:
        self.tell, self.asked, self.heard, self.arena = tell, Inlet(asked), listen, arena
        self.grain = max(_LEAST, min(arena.limit // 8, _GRAIN))
        self.lock = threading.Lock()  # around the block at hand: an order to send it may come at any time
        self.main = threading.get_ident()
        self.closing = self.saying = self.attending = False
        self.leaving = False  # it has been ordered to stop,
        self.idle = False  # and waits for the consumer, so that it can at once
        self.streams: list[Any] = []
        self.unreadable: Exception | None = None
        self.channels: dict[int, _Channel] = {}
        self.channel: _Channel | None = None  # whose block is at hand
        self.filler: Filler | None = None
        self.spare: Filler | None = None  # the last one, which is good for the next block
        self.most = 0  # how many items a block of its layout has at most
        self.offset, self.rows = 0, 1
        self.layouts: dict[Layout, int] = {}
        self.recent: Layout | None = None
        self.began = self.last = perf_counter()
        self.waited = 0.0  # seconds, since the last block

    # --- the listening thread -------------------------------------------------------------------

    def attend(self) -> None:
        """Have the thread listen from now on: it is to do so whenever this one waits, or runs code of the user's.

        It is started no sooner, and by `_thread`, since the first item need not wait until it runs.
        """
        if not self.attending:
            self.attending = True
            _thread.start_new_thread(self.listen, ())

    def listen(self) -> None:
        """Do as ordered until the consumer has left; then see to it that this process ends."""
        while True:
            heard = os.read(self.heard, 1 << 12)
            if not heard or pipes.STOP in heard:
                break
            with self.lock:
                try:
                    self.flush()
                except Gone:
                    break
        self.leaving = True
        until = time.monotonic() + _TURN
        while not (self.closing or self.idle) and time.monotonic() < until:
            time.sleep(0.001)
        if not self.closing:
            signal.pthread_kill(self.main, signal.SIGTERM)
        time.sleep(_LAST)
        os._exit(1)

    def interrupt(self, *_: Any) -> None:
        """Get the main thread out of what it does."""
        if not self.closing:
            self.stop()

    def stop(self) -> None:
        """Raise Stop."""
        self.closing = True
        raise Stop

    # --- the drawing thread ---------------------------------------------------------------------

    def work(self, streams: Any) -> None:
        """Draw what is granted, a grant of each channel in turn."""
        try:
            if isinstance(streams, bytes):
                self.attend()
                streams = pickle.loads(streams)
            self.streams = streams
        except Exception as error:  # a module that is not there: told to whoever asks for an item
            self.unreadable = error
        while True:
            ready = [channel for channel in self.channels.values() if channel.grants and not channel.failed]
            if not ready and not self.asked.ready(0):
                self.attend()
            self.hear(wait=not ready)
            for channel in ready:
                if self.channels.get(channel.number) is channel:
                    self.draw(channel)

    def hear(self, *, wait: bool) -> None:
        """Take in what the consumer asks."""
        if not wait and not self.asked.ready(0):
            return
        self.idle = True
        if self.leaving:
            self.stop()
        self.asked.fetch()
        self.idle = False
        for message in self.asked.messages():
            number = message.channel
            if message.kind == pipes.FREE:
                for offset in np.frombuffer(message.payload, np.int64).tolist():
                    self.arena.free(offset)
            elif message.kind == pipes.OPEN:
                key, *place = pickle.loads(message.payload)
                self.channels[number] = _Channel(number, self.streams[message.n] if self.streams else None, Key.from_plain(key), *place)
            elif message.kind == pipes.CLOSE:
                channel = self.channels.pop(number, None)
                if channel is not None:
                    self.leave(channel)
            elif (channel := self.channels.get(number)) is not None:
                if message.kind == pipes.GRANT:
                    channel.grants.append((message.offset if message.last else -1, message.n or pipes.ENDLESS))
                else:
                    channel.failed, channel.passes = False, message.kind == pipes.PASS

    def draw(self, channel: _Channel) -> None:
        """Draw a grant of a channel, or what is left of it."""
        self.attend()
        self.channel, self.began = channel, perf_counter()
        try:
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
            for item in self.due(channel, cursor, channel.stop):
                try:
                    self.put(item)
                except Exception as error:
                    if isinstance(error, Gone):
                        raise
                    channel.stuck = [item]
                    raise unsent(error) from error
                del item  # the consumer alone decides how long it lives
                if self.leaving:
                    self.stop()
                if channel.saves and self.filler is None and perf_counter() >= channel.save_at:
                    self.save(channel)
        except (Stop, Gone):
            raise
        except BaseException as error:  # it belongs to the consumer, whatever it is
            if self.closing:  # or it is what the user's clean-up made of Stop
                self.left(error)
                raise Stop from None
            self.fail(channel, error)
            return
        ended = cursor.position < channel.stop
        channel.stop = None
        channel.grants.popleft()
        with self.lock:
            self.flush(last=1)
            if ended:
                self.say(Message(pipes.END, channel=channel.number))
                channel.grants.clear()

    def due(self, channel: _Channel, cursor: Cursor[Any], stop: int) -> Iterator[Any]:
        """Yield what is to be put: first what could not be sent, then items up to a position."""
        if channel.stuck:
            yield channel.stuck.pop()
        yield from islice(cursor, stop - cursor.position)

    def fail(self, channel: _Channel, error: BaseException) -> None:
        """Tell an error after the items before it."""
        with self.lock:
            self.flush()
            channel.failed = True
            if channel.cursor is not None:
                located(error, channel.cursor)
            if channel.stuck:  # the cursor is behind that already
                place = error.__dict__["_headrace_inside"]
                error.__dict__["_headrace_inside"] = place._replace(number=place.number - 1)
            self.say(Message(pipes.ERROR, pickled_error(error), channel=channel.number))

    def put(self, item: Any) -> None:
        """Lay out one item, and send the block when it is full or when items come slowly."""
        now = perf_counter()
        slow, self.last = now - self.last > _SLOW, now
        with self.lock:
            filler = self.filler
            if filler is not None:
                try:
                    done = filler.put(item)
                except Unlike:
                    done = False
                if done:
                    if slow or filler.n == filler.rows:
                        self.send(filler)
                    return
                self.flush()
        self.begin(item)
        with self.lock:
            if (filler := self.filler) is not None and (slow or filler.n == filler.rows):
                self.send(filler)

    def send(self, filler: Filler) -> None:
        """Send the block at hand, with the lock; the next one is larger when this one is full."""
        self.rows = min(4 * filler.rows, _ROWS) if filler.n == filler.rows else filler.n
        self.flush()

    def begin(self, item: Any) -> None:
        """Put an item into a block of its own kind, which is mostly the last one's."""
        if self.recent is not None and self.fill(self.recent, item):
            return
        layout = layout_of(item)
        if self.recent is not None:
            layout = self.recent.ragged(layout) or layout
        if len(self.layouts) < _LAYOUTS or layout in self.layouts:
            self.recent = layout
            if self.fill(layout, item):
                return
        self.fill(ANYTHING, item)  # where no two are alike, or one is not what it looks like

    def fill(self, layout: Layout, item: Any) -> bool:
        """Make a block that has room for an item and put it there; return False when it does not fit the layout."""
        filler = self.spare
        if filler is None or filler.layout is not layout:
            filler, size = None, layout.row_bytes
            self.most = max(1, self.grain // size if size else _ROWS) if layout is not ANYTHING else 1
        rows = min(self.rows, self.most)
        if filler is None or filler.rows != rows:
            filler = self.spare = Filler(layout, None, rows)
        nbytes = max(filler.columns_end, 1)
        if filler.has_heap:
            try:
                nbytes += leaf_bytes(layout, item) + (_LEAST if rows == 1 else min(self.grain, _HEAP))
            except Unlike:
                return False
        if self.arena.in_use:
            self.hear(wait=False)  # what was given back last is still in the processor's cache
        while True:
            if not self.arena.fits(nbytes):
                waited = perf_counter()
                while not self.arena.fits(nbytes):
                    self.hear(wait=True)
                waited = perf_counter() - waited
                self.began += waited  # which is no work
                self.waited += waited
            offset, memory = self.arena.allocate(nbytes)
            filler.use(memory)
            try:
                done = filler.put(item)
            except BaseException as error:  # Unlike, or what objects raise when they are pickled
                self.arena.free(offset)
                if isinstance(error, Unlike):
                    return False
                raise
            if done:
                with self.lock:
                    self.offset, self.filler = offset, filler
                return True
            self.arena.free(offset)  # what objects take is known once they are pickled
            nbytes = max(nbytes, filler.needed)

    def flush(self, last: int = 0) -> None:
        """Send the block at hand; with the lock. ``last`` tells that a grant ends, though nothing may be at hand."""
        filler, self.filler = self.filler, None
        channel = self.channel
        assert channel is not None or filler is None
        if channel is None:
            return
        if filler is None:
            if last:
                self.say(Message(pipes.BLOCK, channel=channel.number, last=1))
            return
        now = perf_counter()
        micros, self.began = min(max(int((now - self.began) * 1e6), 0), _LONGEST), now
        waited, self.waited = min(int(self.waited * 1e6), _LONGEST), 0.0
        layout, before = self.layouts.get(filler.layout), b""
        if layout is None:
            layout = self.layouts[filler.layout] = len(self.layouts)
            before = pipes.packed(Message(pipes.LAYOUT, pickle.dumps(filler.layout), layout=layout))
        tables = pickle.dumps(filler.tables) if filler.tables else b""
        self.say(
            Message(
                pipes.BLOCK,
                tables,
                channel.number,
                filler.n,
                filler.rows,
                layout,
                self.offset,
                len(filler.memory),
                micros,
                last,
                waited,
            ),
            before,
        )
        channel.sent += filler.n

    def say(self, message: Message, before: bytes = b"") -> None:
        self.saying = True
        try:
            pipes.send(self.tell, message, before)
        except BrokenPipeError:
            raise Gone from None
        self.saying = False

    def save(self, channel: _Channel, passed: int = 0) -> None:
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

    def leave(self, channel: _Channel) -> None:
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
            self.say(Message(pipes.LEFT, pickled_error(error)))

    def close(self) -> None:
        """Close every cursor. What fails there is told last."""
        with suppress(Gone):
            for channel in self.channels.values():
                self.leave(channel)


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
    told.__dict__.update({name: value for name, value in error.__dict__.items() if name in ("_headrace_inside", "__notes__")})
    return pickle.dumps((told, text))


def _dumps_by_value(error: Any) -> bytes:
    import cloudpickle  # for a class of the main program, or of a function

    made: bytes = cloudpickle.dumps(error)
    return made


def unsent(error: Exception) -> DataError:
    """Return what to raise for an item that cannot be sent."""
    return DataError(
        f"background('process') cannot send an item: {type(error).__name__}: {error}.\n"
        "  Make it of arrays and plain data, skip() it, or use background('thread')."
    )
