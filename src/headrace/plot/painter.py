"""When figures are painted: soon after they change, not more often than a page can show, and in nobody's way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import Condition, ExceptHookArgs, Thread
from time import monotonic, sleep
from typing import Final

PERIOD: Final = 0.05  # seconds from one painting to the next
REST: Final = 4  # times as long as painting has taken, it rests: large figures come less often, and do not take a core
LINGER: Final = 0.25  # seconds without a change after which the thread ends


class Painter:
    """Calls what wants to paint, once for any number of changes within a period, in a thread of its own.

    The thread begins with the first change and ends soon after the last one: a figure that does not change costs nothing.

    Parameters
    ----------
    period
        Seconds.

    Examples
    --------
    >>> from threading import Event
    >>> painted = Event()
    >>> def paint() -> bool:
    ...     painted.set()
    ...     return True
    >>> Painter(period=0.01).want(paint)
    >>> painted.wait(10)
    True
    """

    def __init__(self, period: float = PERIOD) -> None:
        self.period: float = period
        self._wanting: dict[Callable[[], bool], None] = {}
        self._changed = Condition()
        self._thread: Thread | None = None

    def want(self, paint: Callable[[], bool]) -> None:
        """Have ``paint()`` called soon; when it returns False, again after a period."""
        with self._changed:
            self._wanting[paint] = None
            if self._thread is None or not self._thread.is_alive():
                self._thread = Thread(target=self._work, name="headrace-painter", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._changed.wait_for(lambda: self._wanting, LINGER):
                    self._thread = None
                    return
                wanting, self._wanting = self._wanting, {}
            began = monotonic()
            again = [paint for paint in wanting if not _painted(paint)]
            took = monotonic() - began
            del wanting
            if again:
                with self._changed:
                    self._wanting.update(dict.fromkeys(again))
            del again  # not to be kept alive while this waits
            sleep(max(self.period, REST * took))


def _painted(paint: Callable[[], bool]) -> bool:
    """Paint, and return whether that is done; one that fails is told as a thread's end is, and keeps no other from it."""
    try:
        return paint()
    except Exception as error:
        threading.excepthook(ExceptHookArgs((type(error), error, error.__traceback__, None)))
        return True


PAINTER: Final = Painter()
