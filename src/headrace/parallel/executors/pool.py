"""Worker processes of our own, kept warm between runs and ended with the program.

Each is a fresh interpreter behind three pipes. Nothing process-wide of anybody else's is touched: no reusable executor
of loky's, no start method of multiprocessing's, no fork.
"""

from __future__ import annotations

import atexit
import os
import select
import signal
import subprocess
import sys
import sysconfig
import weakref
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from threading import Lock
from time import monotonic, time
from typing import Any, Final

from headrace.errors import WorkerError
from headrace.parallel.executors.chunk import Chunk
from headrace.parallel.executors.lane import NOTHING, Lane
from headrace.parallel.executors.messages import Gone, Parts, receive, send, size_of, written
from headrace.parallel.executors.task import Task
from headrace.parallel.executors.worker import Around, surroundings
from headrace.parallel.undisturbed import undisturbed

__all__ = ["Hired", "hire", "let_go", "listened", "shutdown"]

_PATIENCE: Final = 0.15  # seconds that a worker has to end when told to
_SURE: Final = 1 << 15  # bytes that an empty pipe takes without anybody reading
_BLIND: Final = 1.0  # seconds between two looks at workers whose end cannot be waited for
_WIDE: Final = 1 << 20  # bytes that a pipe is asked to hold
_BOOT: Final = "import sys; sys.path[:] = {path!r}; from headrace.parallel.executors.worker import main; main({fds})"


class Hired:
    """One worker process, as its program sees it.

    Attributes
    ----------
    doing
        The chunks it has: the one it works at, and one that waits.
    since
        When it was started.
    """

    doing: deque[Chunk]
    since: float
    tell: int
    watched: int | None

    def __init__(self) -> None:
        with undisturbed():
            self._start()

    def _start(self) -> None:
        self.doing = deque()
        self._held: Parts | None = None  # what the pipe may not take before the worker reads
        self._task: Task | None = None
        self._around: Around | None = None
        self.since = time()
        ends: list[int] = []
        try:
            self.ask: int
            asked, self.ask = _pipe(ends)
            self.tell, tell = _pipe(ends)
            life, self._life = _pipe(ends)
            memory = Lane.file()
            ends.append(memory)
            self._lane = Lane(memory)
            self._lane.words[0] = NOTHING
            theirs = (asked, tell, life, memory)
            boot = _BOOT.format(path=sys.path, fds=", ".join(map(str, theirs)))
            self.process: Any = subprocess.Popen(
                [sys.executable, *_flags(), "-c", boot], pass_fds=theirs, stdin=subprocess.DEVNULL
            )
        except OSError as error:
            for fd in ends:
                os.close(fd)
            raise WorkerError(
                f"parallel= cannot start a worker process: {type(error).__name__}: {error}.\n"
                "  Ask for fewer workers, or use executor='threads'."
            ) from error
        for fd in theirs:
            os.close(fd)
        self._ours = [self.ask, self.tell, self._life]
        self.watched = _watched(self.pid)
        if self.watched is not None:
            self._ours.append(self.watched)
        self._finalizer = weakref.finalize(self, _drop, os.getpid(), self.process, self._ours)
        self._finalizer.atexit = False
        _all.add(self)

    @property
    def pid(self) -> int:
        """Its process."""
        return int(self.process.pid)

    @property
    def ready(self) -> bool:
        """Whether it has nothing to do, and is alive."""
        return not self.doing and self.process.poll() is None

    def serve(self, task: Task) -> None:
        """Have it make calls of ``task`` from now on. Raises Gone when it has ended."""
        if task is self._task:
            return
        if (around := surroundings()) != self._around:
            self._around = around
            send(self.ask, written(tuple(around)))
        send(self.ask, written(task))
        self._task = task

    def rest(self) -> None:
        """Have it forget the function, and what that holds. Raises Gone when it has ended."""
        self._task = None
        send(self.ask, written(None))

    def give(self, chunk: Chunk) -> None:
        """Give it a chunk; at most one may be before this one. Raises Gone when it has ended."""
        parts = written(chunk)
        self.doing.append(chunk)
        if len(self.doing) > 1 and size_of(parts) > _SURE:
            self._held = parts
        else:
            send(self.ask, parts)

    def take(self) -> Any:
        """Return what came of the first chunk; waits for it. Raises Gone when it has ended."""
        if self.process.poll() is not None:  # a process that a call has forked may hold the pipe open
            os.set_blocking(self.tell, False)
        done = receive(self.tell, self._lane)
        self.doing.popleft()
        if self._held is not None:
            parts, self._held = self._held, None
            with suppress(Gone):  # to be noticed when it is listened to
                send(self.ask, parts)
        return done

    @property
    def at(self) -> int:
        """The number of the call that it is running, or was when it died; -1 for none."""
        return self._lane.words[0]

    def death(self) -> str:
        """Return how it died, after seeing to it that it has."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_PATIENCE)
        if self.process.poll() is None:
            return "closed its pipe"
        code = self.process.returncode
        if code >= 0:
            return f"ended with status {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        return f"was killed by {name}"

    def dismiss(self, *, now: bool) -> None:
        """Tell it to end: by closing its pipes, or, ``now``, in the middle of a call."""
        if now:
            with suppress(OSError):
                self.process.terminate()
        self._close()

    def ended(self, until: float) -> None:
        """Wait for its end until that moment, and then kill it."""
        try:
            self.process.wait(max(0.0, until - monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _close(self) -> None:
        while self._ours:
            os.close(self._ours.pop())

    def forget(self) -> None:
        """Let go of it in a fork of the program: it is no child of the fork's."""
        self._close()
        self.process.returncode = 0  # or its finalizer would say that it still runs
        _all.discard(self)


def _drop(program: int, process: Any, ours: list[int]) -> None:
    """End a worker that nobody holds any more, and that nobody has let go."""
    if os.getpid() != program:
        return
    while ours:
        os.close(ours.pop())
    if process.poll() is None:
        process.kill()
        process.wait()


def _watched(pid: int) -> int | None:
    """Return a descriptor that can be read when a process has ended; None where the system has none."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:  # of an old kernel
        return None


def _pipe(ends: list[int]) -> tuple[int, int]:
    pair = os.pipe()
    ends.extend(pair)
    with suppress(ImportError, OSError, AttributeError):  # of Linux, and up to a limit of the user's
        import fcntl

        fcntl.fcntl(pair[1], fcntl.F_SETPIPE_SZ, _WIDE)
    return pair


def _flags() -> list[str]:
    """Return the options with which this interpreter was started: -O, -W, -X and the like."""
    find = getattr(subprocess, "_args_from_interpreter_flags", list)  # what multiprocessing asks, too
    return list(find())


# --- those that wait for the next run -----------------------------------------------------------------

_all: weakref.WeakSet[Hired] = weakref.WeakSet()
_idle: list[Hired] = []
_keep = 0  # how many may be idle: as many as one run had at most
_INSTALLED: Final = tuple({f"{folder}{os.sep}" for folder in sysconfig.get_paths().values()})
_lock = Lock()


def hire() -> Hired:
    """Return a worker: a warm one where there is one that has what this program's modules are now."""
    with undisturbed():
        with _lock:
            changed = _changed() if _idle else 0.0
            while _idle:
                worker = _idle.pop()
                if worker.ready and worker.since > changed:
                    return worker
                _end([worker], now=False)  # it was idle for long, or killed, or knows what is no longer so
        return Hired()


def _changed() -> float:
    """Return when the newest of the user's own modules was written: a warm worker may know it as it was before."""
    newest = 0.0
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and not file.startswith(_INSTALLED):
            with suppress(OSError):
                newest = max(newest, os.stat(file).st_mtime)
    return newest


def let_go(workers: Iterable[Hired]) -> None:
    """Take back workers after a run: the idle ones wait for the next, the others are ended within 0.2 s."""
    global _keep
    with _lock:
        busy: list[Hired] = []
        workers = list(workers)
        _keep = max(_keep, len(workers))
        for worker in workers:
            keep = worker.ready and len(_idle) < _keep
            if keep:
                try:
                    worker.rest()
                except Gone:
                    keep = False
            (_idle if keep else busy).append(worker)
    _end(busy, now=True)


def shutdown() -> None:
    """End the worker processes that are kept warm. The next run starts fresh ones.

    At the end of the program this happens by itself.

    Examples
    --------
    >>> shutdown()
    """
    with undisturbed():
        with _lock:
            workers, _idle[:] = list(_idle), []
        _end(workers, now=False)


def _end(workers: list[Hired], *, now: bool) -> None:
    for worker in workers:
        worker.dismiss(now=now)
    until = monotonic() + _PATIENCE
    for worker in workers:
        worker.ended(until)
        _all.discard(worker)


def listened(workers: Iterable[Hired], seconds: float) -> list[Hired]:
    """Return those of ``workers`` that have something to tell, their end included; waits for the first."""
    inlets = select.poll()
    known = {worker.tell: worker for worker in workers}
    # Their pipe's end is not enough: what a call has forked holds it open, however long that lives.
    known |= {worker.watched: worker for worker in known.values() if worker.watched is not None}
    for fd in known:
        inlets.register(fd, select.POLLIN | select.POLLHUP)
    until = monotonic() + seconds
    while True:
        blind = any(worker.watched is None for worker in known.values())
        found = inlets.poll(1000 * min(max(0.0, until - monotonic()), _BLIND if blind else seconds))
        ready = list(dict.fromkeys(known[fd] for fd, _ in found))
        if not ready and blind:
            ready = [worker for worker in dict.fromkeys(known.values()) if worker.process.poll() is not None]
        if ready or monotonic() >= until:
            return ready


def _at_exit() -> None:
    shutdown()
    _end(list(_all), now=True)  # those of runs that nobody has closed


def _after_fork() -> None:
    global _lock
    _lock = Lock()
    for worker in list(_all):
        worker.forget()
    _idle.clear()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
