"""An alarm whose handler raises, and cursors that are drawn from while it strikes."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from typing import Any

import headrace as hr
from parallel.left import HANG


class Alarm:
    """A timer whose handler raises TimeoutError in the main thread, within 20 us to 20 ms from `set`."""

    struck = 0

    def __init__(self) -> None:
        self.chance = random.Random(3)

    def __call__(self, *_: Any) -> None:
        self.struck += 1
        raise TimeoutError

    def set(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 10 ** self.chance.uniform(-4.7, -1.7))

    def off(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)


def numbers() -> Any:
    yield from range(10**9)


def draw(cursor: hr.Cursor[Any], alarm: Alarm, times: int) -> Iterator[tuple[int, int]]:
    """Draw and pass what fails while alarms strike; yield (number of an item, where the cursor is behind it)."""
    end = time.monotonic() + HANG * (1 if times < 100 else 20)
    while alarm.struck < times and time.monotonic() < end:
        try:
            alarm.set()
            while True:
                try:
                    i, array = next(cursor)
                except KeyError:
                    cursor.skip()
                    continue
                finally:
                    alarm.off()
                assert (array == i).all()
                yield i, cursor.position
                alarm.set()
        except TimeoutError:
            pass
    alarm.off()
    assert alarm.struck >= times
