"""A worker process of our own: a fresh interpreter that makes the calls it is asked to make.

It imports nothing of the program's before it is asked, so that a script needs no ``if __name__ == "__main__"``, and it
holds nothing that a fork would have copied. Its main thread makes the calls; another one waits for the program's end.
"""

from __future__ import annotations

import _thread
import os
import select
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from typing import Any, Final, NamedTuple

from headrace.parallel.executors.chunk import Chunk, run
from headrace.parallel.executors.lane import NOTHING, Lane
from headrace.parallel.executors.messages import Gone, receive, send, written
from headrace.parallel.executors.task import Task, forget

__all__ = ["Around", "main", "surroundings"]

_IDLE: Final = 300.0  # seconds without anything to do after which a worker ends, and gives its memory back
_LAST: Final = 1.0  # seconds that a call has to end when the program is gone


class Around(NamedTuple):
    """What a program has around it, which its workers are to have as well."""

    path: list[str]
    folder: str
    environment: dict[str, str]


def surroundings() -> Around:
    """Return what this program has around it now."""
    try:
        folder = os.getcwd()
    except OSError:  # it has been removed
        folder = ""
    return Around(list(sys.path), folder, dict(os.environ))


class _Left(BaseException):
    """The worker has been told to end."""


class _Worker:
    """What the process does."""

    def __init__(self, asked: int, tell: int, life: int, memory: int) -> None:
        self.asked, self.tell, self.life = asked, tell, life
        self.lane = Lane(memory)
        self.words = self.lane.words
        self.leaving = False
        self.task: Task | None = None
        self.main = threading.get_ident()

    def work(self) -> None:
        """Do as asked, until the program ends or has asked nothing for long."""
        inlet = select.poll()
        inlet.register(self.asked, select.POLLIN)
        while not self.leaving and inlet.poll(1000 * _IDLE):
            message = receive(self.asked)
            if isinstance(message, Chunk):
                self.make(message)
            elif message is None or isinstance(message, Task):
                forget()
                self.task = message
            else:
                self.live(*message)

    def make(self, chunk: Chunk) -> None:
        assert self.task is not None
        done = run(self.task, chunk, self.begin)
        self.words[0] = NOTHING
        if self.leaving:
            raise _Left
        for stream in (sys.stdout, sys.stderr):  # what the calls have printed is to be seen now
            with suppress(Exception):
                stream.flush()
        send(self.tell, written(done), self.lane)

    def begin(self, number: int) -> None:
        if self.leaving:
            raise _Left
        self.words[0] = number

    def live(self, path: list[str], folder: str, environment: dict[str, str]) -> None:
        """Take over what the program has around it."""
        sys.path[:] = path
        with suppress(OSError):
            os.chdir(folder)
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)

    def interrupt(self, *_: Any) -> None:
        """Get the main thread out of the call it is in, so that the user's clean-up runs."""
        if not self.leaving:
            self.leaving = True
            raise _Left

    def watch(self) -> None:
        """Wait for the program's end, however it ends, and do not outlive it."""
        with suppress(OSError):
            os.read(self.life, 1)
        signal.pthread_kill(self.main, signal.SIGTERM)
        time.sleep(_LAST)
        os._exit(1)


def main(asked: int, tell: int, life: int, memory: int) -> None:
    """Run in the worker process, with the descriptors of its pipes and of the memory where it marks what it does."""
    worker = _Worker(asked, tell, life, memory)
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C is the program's; what a call starts is not to ignore it
    signal.signal(signal.SIGTERM, worker.interrupt)
    _thread.start_new_thread(worker.watch, ())
    try:
        worker.work()
    except (_Left, Gone):
        pass
    except BaseException:  # a fault of ours: nobody else would ever see it
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    worker.leaving = True
