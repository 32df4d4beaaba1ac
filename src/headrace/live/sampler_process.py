"""A sampler in a process of its own: what runs there. See ``sampler_remote.py`` for the other side."""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import IO, Any, Final

from headrace.live.devices.priority import come_first
from headrace.live.devices.wake import Wake
from headrace.live.sampler import Sampler
from headrace.live.sampler_remote import COUNTS, LENGTH, receive

PAUSE: Final = 0.002  # seconds between two messages: at kHz rates some rows travel together
LOOK: Final = 0.1  # seconds after which counts are sent although no row has come
AT_ONCE: Final = 4096  # bytes that a pipe which can be written to takes without waiting
SMALL: Final = AT_ONCE // 2  # bytes of rows whose message is no longer than that


class _Sending(Sampler):
    """A sampler that sends its rows itself, between two moments, as long as they are small.

    Another thread would have to be given the interpreter for it, and might be held up while it has it: then a moment
    would pass. It sends only what might have to wait until somebody reads.
    """

    def __init__(self, out: IO[bytes], sources: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        super().__init__(sources, **options)
        self.large = Wake()  # set when there is something for the other thread
        self._out, self._turn_to_send, self._sent = out.fileno(), threading.Lock(), 0.0
        self._poll: Any = select.poll() if hasattr(select, "poll") else None
        if self._poll is not None:
            self._poll.register(self._out, select.POLLOUT)

    def put(self, row: Mapping[str, Any]) -> None:
        self._pending.row(row)
        self.noted()

    def run(self, stopping: threading.Event) -> None:
        come_first()
        super().run(stopping)

    def noted(self) -> None:
        now = time.perf_counter()
        if now < self._sent + PAUSE:
            return
        few = self._poll is not None and self._pending.counts()["pending_bytes"] <= SMALL
        if few and self._poll.poll(0) and self._turn_to_send.acquire(blocking=False):
            try:
                self._sent = now
                self.send_rows()
            finally:
                self._turn_to_send.release()
            return
        self.large.set()

    def send_all(self) -> None:
        """Send what there is, however long that takes, and what was counted."""
        with self._turn_to_send:
            self.send_rows()

    def send_rows(self) -> None:
        columns = dict(self._pending.take())
        stats = self.stats()
        self.send("rows", (columns, {name: stats[name] for name in COUNTS}))

    def send(self, kind: str, told: Any) -> None:
        data = pickle.dumps((kind, told), protocol=5)
        view = memoryview(LENGTH.pack(len(data)) + data)
        while view:
            view = view[os.write(self._out, view) :]

    def fail(self, error: BaseException) -> None:
        """Send an error, as it is where it can travel."""
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            told: BaseException = RuntimeError(f"{type(error).__name__}: {error}")
            for note in getattr(error, "__notes__", ()):
                told.add_note(note)
            error = told
        self.send("failed", error)


def main() -> None:
    """Sample what comes over the standard input, and send the rows over the standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, which then stops this
    sys.setswitchinterval(2e-4)  # the thread that samples must not wait long for the other
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what sources print goes to stderr, and not among the messages
    try:
        _sample(sys.stdin.buffer, out)
    except BrokenPipeError:  # the parent is gone
        pass
    sys.stdout.flush()
    os._exit(0)  # the thread below may still wait for its input


def _sample(into: IO[bytes], out: IO[bytes]) -> None:
    failing = _Sending(out, {}, {"sample_rate": 1.0})  # says what goes wrong before there is the other
    try:
        sources, options, anchor = receive(into)
        sampler = _Sending(out, sources, options)
        sampler.fixed_anchor = anchor
        with sampler._turn_to_send:  # rows come after this
            sampler.start()
            sampler.send("started", None)
    except BrokenPipeError:
        raise
    except Exception as error:
        failing.fail(error)
        return
    gc.freeze()  # else it goes through all that was imported now and then, for longer than a millisecond
    told = threading.Event()

    def wait() -> None:
        into.read(1)  # a byte to stop, or the end of a parent that died
        told.set()
        sampler.large.set()

    threading.Thread(target=wait, daemon=True).start()
    sampler.arrived.relay(sampler.large.set)  # rung by a failure, and by the end
    while not told.is_set() and sampler.is_active:
        sampler.large.wait(LOOK)
        sampler.send_all()
    try:
        sampler.stop()
    except BrokenPipeError:
        raise
    except Exception as error:
        sampler.send_all()
        sampler.fail(error)
    else:
        sampler.send_all()
        sampler.send("ended", None)
