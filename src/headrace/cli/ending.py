"""How a command that runs for long is asked to end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def ended_by_signals(told: str = "") -> Iterator[list[int]]:
    """Give a list that the first Ctrl-C or SIGTERM is put in; a second one raises KeyboardInterrupt.

    An interrupt in the middle of an item would lose that item from the state.

    Parameters
    ----------
    told
        What the first one is answered with, on standard error.
    """
    asked: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        # Not print: the signal may have come in the middle of one.
        os.write(2, f"\n{told}".encode())

    before: dict[Any, Any] = {}
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, handle)
    except ValueError:  # not in the main thread: whoever is there has its own way
        pass
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
