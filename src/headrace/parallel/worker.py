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
from array import array
from contextlib import suppress
from time import perf_counter
from typing import Any, Final

import numpy as np

from headrace.core.key import Key
from headrace.parallel import pipes
from headrace.parallel.arena import Writer
from headrace.parallel.drawer import ROWS, Drawer, Stop
from headrace.parallel.layout import ANYTHING, Layout, Unlike, layout_of, leaf_bytes
from headrace.parallel.pack import Filler
from headrace.parallel.pipes import Gone, Inlet, Message
from headrace.parallel.undisturbed import give_back_signals

_GRAIN: Final = 1 << 20  # bytes of a block of small items at most
_HEAP: Final = 1 << 18  # bytes of the heap in a block of several items
_LAYOUTS: Final = 1000  # kinds of items at most, each of which both sides remember
_LEAST: Final = 1 << 12  # bytes of a block at least: a page
_TURN: Final = 0.02  # seconds until the end of an item, at which a generator of the user's is closed and not torn down
_LAST: Final = 1.0  # seconds that code of the user's has to end when the consumer's process is gone


def main(made: Any, streams: Any, key: Key, ends: Any) -> None:
    """Run in the worker process.

    Parameters
    ----------
    made
        Returns the worker for its descriptors.
    streams
        What cursors may be opened of: a list, or one pickled (by cloudpickle).
    key
        Where the numbers come from that ``random`` and ``numpy.random`` give here.
    ends
        Descriptors: those of ``Ends.workers``, and of the shared memory.
    """
    give_back_signals()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the consumer's, and comes to the whole group
    gc.freeze()  # what a fork has copied is not to be looked through again and again
    pipes.close_in_children(ends)
    compute_alone()
    worker: Piped = made(ends)
    failed = 0
    try:
        signal.signal(signal.SIGTERM, worker.interrupt)
        random.seed(key.bits)
        np.random.seed(random.getrandbits(32))  # a whole number: the first use of ufuncs here would take much longer
        worker.read(streams)
        worker.work()
    except (Stop, Gone):
        worker.closing = True
        worker.close()
    except BaseException:  # a fault of ours: nobody else would ever see it
        traceback.print_exc()
        failed = 1
    finally:
        worker.closing = True
        for stream in (sys.stdout, sys.stderr):  # what the user's code has printed
            with suppress(Exception):
                stream.flush()
        os._exit(failed)  # nothing of the parent's that a fork has copied is to be cleaned up here


def compute_alone() -> None:
    """Have torch compute with one thread where a fork has copied it: its threads stayed in the parent.

    OpenMP would wait for them for ever. A worker among several does better with one thread, too; code of the user's may
    set another number.
    """
    torch: Any = sys.modules.get("torch")
    if hasattr(torch, "set_num_threads"):
        torch.set_num_threads(1)


class Piped(Drawer):
    """A worker that is asked and ordered through pipes."""

    tell: int
    heard: int
    asked: Inlet
    main: int
    attending: bool
    idle: bool

    unreadable: Exception | None
    saying: bool

    def __init__(self, ends: Any) -> None:
        super().__init__()
        self.tell, asked, self.heard = ends[:3]
        self.asked = Inlet(asked)
        self.main = threading.get_ident()
        self.attending = False
        self.idle = False  # it waits for the consumer, so that it can stop at once

    def read(self, streams: Any) -> None:
        """Take over what cursors may be opened of."""
        try:
            if isinstance(streams, bytes):
                self.attend()
                streams = pickle.loads(streams)
            self.streams = streams
        except Exception as error:  # a module that is not there: told to whoever asks for an item
            self.unreadable = error

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

    # --- the drawing thread ---------------------------------------------------------------------

    def hear(self, *, wait: bool) -> None:
        if not self.asked.ready(0):
            if not wait:
                return
            self.attend()
        self.idle = True
        if self.leaving:
            self.stop()
        self.asked.fetch()
        self.idle = False
        for message in self.asked.messages():
            self.take_in(message)

    def say(self, message: Message, before: bytes = b"") -> None:
        self.saying = True
        try:
            pipes.send(self.tell, message, before)
        except BrokenPipeError:
            raise Gone from None
        self.saying = False


class Mapped(Piped):
    """A worker that lays items out in memory that the consumer maps."""

    arena: Writer
    grain: int
    most: int
    offset: int
    rows: int

    def __init__(self, ends: Any, *, limit: int) -> None:
        super().__init__(ends)
        self.arena = Writer(ends[3], limit)
        self.grain = max(_LEAST, min(limit // 8, _GRAIN))
        self.filler: Filler | None = None  # the block at hand
        self.spare: Filler | None = None  # the last one, which is good for the next block
        self.most = 0  # how many items a block of its layout has at most
        self.offset, self.rows = 0, 1
        self.layouts: dict[Layout, int] = {}
        self.recent: Layout | None = None

    @property
    def at_hand(self) -> bool:
        return self.filler is not None

    def take_in(self, message: Message) -> None:
        if message.kind == pipes.FREE:
            for offset in array("q", message.payload):
                self.arena.free(offset)
        else:
            super().take_in(message)

    def put(self, item: Any) -> None:
        """Lay out one item, and send the block when it is full or when items come slowly."""
        slow = self.is_slow()
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
        self.rows = min(4 * filler.rows, ROWS) if filler.n == filler.rows else filler.n
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
            self.most = max(1, self.grain // size if size else ROWS) if layout is not ANYTHING else 1
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
                since = perf_counter()
                while not self.arena.fits(nbytes):
                    self.hear(wait=True)
                self.waits(since)
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
        micros, waited = self.times()
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
