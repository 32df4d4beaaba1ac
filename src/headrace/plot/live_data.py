"""The newest data of a figure, read from a buffer when somebody looks."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any

from headrace.plot.marks import Shown

Reader = Callable[[Any], tuple[Shown, ...]]


class LiveData:
    """What a buffer gives for each mark of a figure, read at most once for each change of the buffer.

    It is told of changes, and reads nothing then: that a buffer is plotted costs who fills it next to nothing. The buffer
    does not keep it alive; it keeps the buffer.

    Parameters
    ----------
    buffer
        A :class:`~headrace.live.DataBuffer`.
    read
        Makes the data of a buffer that does not change.

    Raises
    ------
    Exception
        What the first reading raises; the buffer does not know of it then.
    """

    buffer: Any
    _shown: tuple[Shown, ...] | None

    def __init__(self, buffer: Any, read: Reader) -> None:
        self.buffer = buffer
        self._read = read
        self._lock = Lock()
        self._change = object()  # another one for each change
        self._of, self._shown = self._change, None
        read(buffer.copy())
        self._screens: tuple[weakref.WeakMethod[Callable[[], None]], ...] = ()
        self._unwatch: Callable[[], None] | None = buffer.watch(self._changed)

    def now(self) -> tuple[Shown, ...]:
        """Return what each mark shows, all of one moment; raises what the buffer's content cannot be shown for."""
        with self._lock:
            change, shown = self._change, self._shown
            if shown is None or self._of is not change:
                shown = self._read(self.buffer.copy())
                self._shown, self._of = shown, change
            return shown

    def tell(self, changed: Callable[[], None]) -> None:
        """Have a method called after each change, as long as its object lives."""
        self._screens = (*(each for each in self._screens if each() is not None), weakref.WeakMethod(changed))
        changed()

    def close(self) -> None:
        """Stay as it is now. Twice is fine."""
        unwatch, self._unwatch = self._unwatch, None
        if unwatch is not None:
            unwatch()
            with suppress(Exception):  # what the buffer holds by now may be nothing to show
                self.now()

    def _changed(self, _: Any) -> None:
        self._change = object()
        self._shown = None  # views of rows that the buffer could not write over as long as somebody has them
        for each in self._screens:
            changed = each()
            if changed is not None:
                changed()
