"""A sampler in a process of its own: what runs there. See ``remote.py`` for the other side."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from typing import IO, Any

from headrace.live.remote import COUNTS, receive, send
from headrace.live.sampler import here

PAUSE = 0.002  # seconds between two messages: at kHz rates some rows travel together
LOOK = 0.1  # seconds after which counts are sent although no row has come


def main() -> None:
    """Sample what comes over the standard input, and send the rows over the standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, which then stops this
    sys.setswitchinterval(2e-4)  # the thread that samples must not wait long for the one that sends
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what sources print goes to stderr, and not among the messages
    try:
        _sample(sys.stdin.buffer, out)
    except BrokenPipeError:  # the parent is gone
        pass
    sys.stdout.flush()
    os._exit(0)  # the thread below may still wait for its input


def _sample(into: IO[bytes], out: IO[bytes]) -> None:
    try:
        sources, options, anchor = receive(into)
        sampler = here(sources, options, anchor)
        sampler.start()
    except Exception as error:
        _fail(out, error)
        return
    send(out, ("started", None))
    told = threading.Event()

    def wait() -> None:
        into.read(1)  # a byte to stop, or the end of a parent that died
        told.set()
        sampler.arrived.set()

    threading.Thread(target=wait, daemon=True).start()
    try:
        while not told.is_set():
            sampler.arrived.wait(LOOK)
            _rows(out, sampler)
            time.sleep(PAUSE)
        sampler.stop()
        while _rows(out, sampler):
            pass
    except BrokenPipeError:
        raise
    except Exception as error:
        _fail(out, error)
        return
    send(out, ("ended", None))


def _rows(out: IO[bytes], sampler: Any) -> bool:
    columns = dict(sampler.read())
    stats = sampler.stats()
    send(out, ("rows", (columns, {name: stats[name] for name in COUNTS})))
    return bool(columns)


def _fail(out: IO[bytes], error: Exception) -> None:
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # it cannot travel as it is
        told: Exception = RuntimeError(f"{type(error).__name__}: {error}")
        for note in getattr(error, "__notes__", ()):
            told.add_note(note)
        error = told
    send(out, ("failed", error))
