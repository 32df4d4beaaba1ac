"""A worker process as its consumer sees it: started, asked, listened to, and ended."""

from __future__ import annotations

import multiprocessing
import multiprocessing.process
import os
import pickle
import select
import weakref
from array import array
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import reduction, util
from time import monotonic, perf_counter, sleep
from typing import Any, Final

from headrace.core.alive import Alive
from headrace.core.key import Key
from headrace.errors import HeadraceError, StreamConfigError, WorkerError
from headrace.parallel import pipes, worker
from headrace.parallel.arena import Reader, anonymous_file
from headrace.parallel.hand import Hand
from headrace.parallel.layout import Layout
from headrace.parallel.pack import items_in
from headrace.parallel.pipes import Ends, Gone, Inlet, Message
from headrace.parallel.undisturbed import undisturbed

_HURRY: Final = 0.002  # seconds that a consumer waits before it asks for a block that is not full
_LOOK: Final = 0.25  # seconds between two looks at whether the worker is alive
_PATIENCE: Final = 0.15  # seconds that a worker has to end when ordered to
_VIRTUAL: Final = 4  # times the bytes that may be in use: addresses that cost nothing until they are used


class ProcessHand(Hand):
    """One worker process.

    Parameters
    ----------
    streams
        What it may open cursors of.
    key
        Of the run it works for.
    limit
        Bytes of blocks that may be in use.
    method
        How it is started: ``"fork"``, ``"spawn"``, ``"forkserver"``.
    bounded
        Whether the worker waits where more would be in use; otherwise what is granted bounds it.
    """

    waits: int
    idle: float
    gone: HeadraceError | None

    def __init__(self, streams: Sequence[Any], key: Key, limit: int, method: str, *, bounded: bool = True) -> None:
        super().__init__(limit)
        with undisturbed():
            self._set_up(streams, key, limit, method, bounded)

    def _set_up(self, streams: Sequence[Any], key: Key, limit: int, method: str, bounded: bool) -> None:
        memory = anonymous_file(_VIRTUAL * limit)
        self.ends: Ends = Ends(memory)
        self.reader: Reader = Reader(memory, limit)
        self.inlet: Inlet = Inlet(self.ends.told)
        self._over = False  # nothing more comes
        self._begun = False  # a block has come
        self._layouts: dict[int, Layout] = {}
        self._left: BaseException | None = None
        self._process: Any = None
        self._until = 0.0  # when a worker that was ordered to end is killed
        try:
            self._start(streams, key, limit if bounded else pipes.ENDLESS, method)
            self.ends.close_workers()
            self._finalizer = weakref.finalize(self, _let_go, self.ends, self._process)
            _at_exit(self)
        except BaseException:  # a Ctrl-C too
            self.ends.close()  # whereupon the worker ends, if there is one
            with suppress(ValueError, AssertionError, AttributeError):
                _end(self._process, _PATIENCE)
            raise

    def works(self, limit: int) -> Any:
        """Return what makes the worker, in its process."""
        return partial(worker.Mapped, limit=limit)

    def _start(self, streams: Sequence[Any], key: Key, limit: int, method: str) -> None:
        context: Any = multiprocessing.get_context(method)
        fds: tuple[Any, ...] = (*self.ends.workers, self.ends.memory)
        task: Any = list(streams)
        if method != "fork":
            task, fds = _pickled(task), (_Descriptors(fds),)
        self._process = context.Process(
            target=_main, args=(self.works(limit), task, key, fds), name="headrace-worker", daemon=False
        )
        try:
            with pipes.keeping((*self.ends.workers, self.ends.memory)):
                self._process.start()
        except AssertionError as error:  # multiprocessing's own rule for its daemons
            raise WorkerError(
                f"background cannot start a worker: {error}.\n"
                "  A daemonic process, as those of torch's DataLoader are, may have none: use 'thread' there."
            ) from None

    # --- asking ---------------------------------------------------------------------------------

    def ask(self, message: Message) -> None:
        """Send a message, reading meanwhile what the worker tells, so that neither waits for the other."""
        self.same_process()
        data = memoryview(pipes.packed(message))
        while data and not self._over and not self.doubtful:  # it may have heard half a word
            try:
                data = data[os.write(self.ends.ask, data) :]
            except BlockingIOError:
                if self.inlet.ready(0.001):
                    self._fetch()
            except BrokenPipeError:
                return  # noticed where its messages are read

    def give_back(self) -> None:
        """Tell the worker which blocks it may use again."""
        died = self.reader.take_back()
        if died:
            self.ask(Message(pipes.FREE, array("q", died).tobytes()))

    # --- listening ------------------------------------------------------------------------------

    def items(self, message: Message) -> list[Any]:
        """Return the items of a block; arrays are views of shared memory, or copies when too much of it is in use."""
        memory = self.reader.view(message.offset, message.nbytes)
        tables = pickle.loads(message.payload) if message.payload else []
        return items_in(self._layouts[message.layout], memory, message.n, message.rows, tables)

    def readable(self, message: Message) -> bool:
        memory = self.reader.peek(message.offset, message.nbytes)
        try:
            items_in(
                self._layouts[message.layout],
                memory,
                message.n,
                message.rows,
                pickle.loads(message.payload) if message.payload else [],
            )
        except Exception:
            return False
        return True

    def drop(self, message: Message) -> None:
        """Give back a block that nobody wants."""
        if message.n:
            self.ask(Message(pipes.FREE, array("q", [message.offset]).tobytes()))

    def listen(self, *, wait: bool) -> None:
        """Take in what the worker tells. Raises WorkerError when there is nothing to wait for: it is dead."""
        self.give_back()
        if self._over:
            if wait:
                self._died()
            return
        if wait and not self.inlet.ready(0):
            self.waits += 1
            began = perf_counter()
            if not self.inlet.ready(_HURRY):
                if self._begun:  # the first block has one item, and is sent at once
                    self.hurry()
                while not self.inlet.ready(_LOOK):
                    self.check()
            self.idle += perf_counter() - began
        if wait or self.inlet.ready(0):
            self._fetch()
            if wait and self._over:
                self._died()

    def hurry(self) -> None:
        """Ask for a block that is not full yet."""
        self._order(pipes.HUNGRY)

    def check(self) -> None:
        """Raise WorkerError when the worker is dead and has told everything."""
        if self._over or (not self._process.is_alive() and not self.inlet.ready(0)):
            self._died()

    def wait_any(self, hands: Sequence[Any]) -> None:
        poll, began = select.poll(), perf_counter()
        for hand in hands:
            poll.register(hand.inlet.fd, select.POLLIN | select.POLLHUP)
        if not poll.poll(1000 * _HURRY):
            for hand in hands:
                hand.hurry()
            poll.poll(1000 * _LOOK)
        self.idle += perf_counter() - began
        for hand in hands:
            hand.check()

    def _fetch(self) -> None:
        try:
            self.inlet.fetch()
        except Gone:
            self._over = True
            return
        for message in self.inlet.messages():
            self.heard(message)

    def heard(self, message: Message) -> None:
        self._begun = True
        if message.kind == pipes.LAYOUT:
            self._layouts[message.layout] = pickle.loads(message.payload)
        elif message.kind == pipes.LEFT:
            self._left = self.error_of(message.payload)
        else:
            super().heard(message)

    def error_of(self, payload: Any) -> BaseException:
        error: BaseException
        error, text = pickle.loads(payload)
        error.__cause__ = WorkerTraceback(text)
        return error

    @property
    def copied(self) -> int:
        return self.reader.copied

    def _died(self) -> None:
        self._over = True
        self._process.join(_PATIENCE)
        code = self._process.exitcode
        how = (
            "is gone" if code is None else f"ended with status {code}" if code >= 0 else f"was killed by signal {-code}"
        )
        hint = (
            "\n  The system kills processes when memory runs out; ahead= bounds only what waits." if code == -9 else ""
        )
        self.gone = WorkerError(
            f"background({self.who!r}) got no more items: its worker (pid {self._process.pid}) {how}.{hint}\n"
            "  The next call starts another, which sends item by item: if it dies too, the cursor stands before the "
            "item that it dies of, and skip() passes that."
        )
        raise self.gone

    # --- ending ---------------------------------------------------------------------------------

    def _order(self, what: bytes) -> None:
        if self._over:
            return
        with suppress(BlockingIOError, BrokenPipeError, OSError):
            os.write(self.ends.order, what)

    def order_stop(self) -> None:
        """Order the worker to end, and do not wait."""
        if self._process is not None and self.mine and not self._until:
            self._order(pipes.STOP)
            self._until = monotonic() + _PATIENCE  # several that are ordered together have the same time

    def stop(self) -> None:
        """End the worker, within 0.2 s whatever it does; raises what its clean-up raised."""
        if self.mine:
            with undisturbed():
                self._stop()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self._order(pipes.STOP)
        until = self._until or monotonic() + _PATIENCE
        with suppress(Gone):
            heeds = not self._over and not self.doubtful
            while heeds and (left := until - monotonic()) > 0 and self.inlet.ready(left):
                self.inlet.fetch()
                for message in self.inlet.messages():
                    if message.kind == pipes.LEFT:
                        self._left = self.error_of(message.payload)
        _end(process, max(0.0, until - monotonic()))
        self._over = True
        self.ends.close()
        self._finalizer.detach()
        self.feeds.clear()
        failed, self._left = self._left, None
        if failed is not None:
            raise failed


def _end(process: Any, seconds: float) -> None:
    """Wait so long for a worker that has been told to end; then kill it."""
    process.join(seconds)
    if process.is_alive():
        process.kill()
        process.join()
    until = monotonic() + _PATIENCE
    while monotonic() < until:
        try:
            process.close()
        except ValueError:  # another thread has asked the system for its end, and is about to note it
            sleep(0.0005)
        else:
            return


def _let_go(ends: Ends, process: Any) -> None:
    """End the worker of a consumer that was dropped without being closed."""
    if os.getpid() == ends.process:
        with undisturbed():
            ends.close()  # whereupon it ends
            with suppress(ValueError):  # it has been ended
                _end(process, _PATIENCE)


class _Descriptors:
    """Descriptors on their way to a process that is not a fork of this one."""

    def __init__(self, fds: tuple[int, ...]) -> None:
        self.fds = fds

    def __reduce__(self) -> Any:
        return _detached, ([reduction.DupFd(fd) for fd in self.fds],)


def _detached(doubles: list[Any]) -> list[int]:
    return [double.detach() for double in doubles]


def _main(made: Any, task: Any, key: Key, fds: Any) -> None:
    worker.main(made, task, key, fds[0] if len(fds) == 1 else fds)


def _pickled(streams: list[Any]) -> bytes:
    import cloudpickle  # which takes lambdas, and functions of the main program by value

    try:
        made: bytes = cloudpickle.dumps(streams)
        return made
    except Exception as error:
        raise StreamConfigError(
            f"background('process') cannot send the stream to a process: {type(error).__name__}: {error}.\n"
            "  Open what it holds inside the function that makes its items, or use start_method='fork'."
        ) from error


class WorkerTraceback(HeadraceError):
    """The traceback of an error, as text, from the process where it was raised."""

    def __str__(self) -> str:
        return f"\n{self.args[0].rstrip()}"


# --- when the interpreter ends ----------------------------------------------------------------------

_hands: Alive[ProcessHand] = Alive()
_registered = -1


def _at_exit(hand: ProcessHand) -> None:
    """See to it that ``hand`` is stopped before multiprocessing waits for its processes at the end of this one."""
    global _registered
    _hands.add(hand)
    if _registered != os.getpid():
        _registered = os.getpid()
        util.Finalize(None, _stop_all, exitpriority=100)


def _stop_all() -> None:
    for hand in list(_hands):
        with suppress(Exception):  # nobody is left to be told
            hand.stop()
    pipes.close_all()  # of hands that were dropped while a signal struck


def _after_fork() -> None:
    """Have multiprocessing forget our workers in a child of the user's, or it would wait for them at the child's end."""
    known: set[Any] = getattr(multiprocessing.process, "_children", set())
    for hand in _hands:
        known.discard(hand._process)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
