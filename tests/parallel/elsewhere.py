"""Streams that run in a process, sources that fail there, and a Ctrl-C at any moment."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import headrace as hr

SOURCES: dict[str, Callable[[], Any]] = {
    "generator": lambda: hr.Streamer(range(40)),
    "numbers": lambda: hr.source(np.arange(40)) | hr.map(int),
}
KINDS = [("generator", 1), ("numbers", 1), ("numbers", 2)]


def elsewhere(stream: Any, **more: Any) -> Any:
    return stream | hr.background("process", **more)


class Own(ValueError):
    """An error of a user's."""


def raising(error: Callable[[], BaseException], at: int = 20) -> Callable[[int], int]:
    def user(i: int) -> int:
        if i == at:
            raise error()
        return i

    return user


def sleeps() -> Any:
    yield 1
    time.sleep(100)


class Late(TimeoutError):
    """What the handler of an alarm raises, to bound a call."""


class CtrlC:
    """Raises KeyboardInterrupt, or what else it is told, in the main thread, at any moment while `armed`."""

    armed = False
    struck = 0
    error: type[BaseException] = KeyboardInterrupt

    def __call__(self, *_: Any) -> None:
        if self.armed:
            self.armed = False
            self.struck += 1
            raise self.error


def caught(number: int) -> Iterator[CtrlC]:
    """Give what a signal calls; for fixtures."""
    handler = CtrlC()
    before = signal.signal(number, handler)
    yield handler
    handler.armed = False
    signal.signal(number, before)
