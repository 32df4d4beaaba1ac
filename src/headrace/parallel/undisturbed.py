"""Stretches of code that no signal's handler breaks off: a Ctrl-C, or what else a handler raises, strikes behind them."""

from __future__ import annotations

import signal
import sys
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, Final

__all__ = ["give_back_signals", "undisturbed"]

_SIGNALS: Final = sorted(map(int, signal.valid_signals()))
# The function below signal.getsignal, which makes no enum of what it finds: 62 of those cost 30 us, and these 1.5 us.
_handler: Final[Callable[[int], Any]] = getattr(getattr(signal, "_signal", signal), "getsignal", signal.getsignal)
_put_off: list[tuple[int, Any]] = []  # handlers that wait; a child that is forked meanwhile has them back


class undisturbed:  # noqa: N801  # used as contextlib.suppress is
    """Let signals whose handlers are Python's strike at the end of a ``with`` block, and not inside.

    A handler runs between any two steps of the main thread, and may raise: between taking a message from a socket and
    noting that it came, for one. pyzmq runs handlers in its calls, too, and forgets what it has just received when one
    raises. Other threads run no handlers: there this does nothing, as it does inside another such block.

    Keep the block short, and wait for nothing inside.

    Examples
    --------
    >>> def handler(*told):
    ...     print("struck")
    >>> before = signal.signal(signal.SIGINT, handler)
    >>> with undisturbed():
    ...     signal.raise_signal(signal.SIGINT)
    ...     print("done")
    done
    struck
    >>> _ = signal.signal(signal.SIGINT, before)
    """

    def __enter__(self) -> None:
        self._struck: deque[int] = deque()
        self._known: dict[int, Any] = {}
        if _put_off or threading.current_thread() is not threading.main_thread():
            return
        found = [(number, handler) for number in _SIGNALS if callable(handler := _handler(number))]

        def later(number: int, _: Any) -> None:
            self._struck.append(number)  # and not the frame, which would keep what is to die inside

        try:
            _put_off[:] = found
            self._known = dict(found)
            for number, _ in found:
                signal.signal(number, later)
        except BaseException:  # one has struck just before its turn
            give_back_signals()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._known:
            try:
                give_back_signals()
            finally:
                self._deliver()

    def _deliver(self) -> None:
        """Call the handlers of what has struck, whatever they raise."""
        try:
            while self._struck:
                number = self._struck.popleft()
                self._known[number](number, sys._getframe(2))
        finally:
            if self._struck:
                self._deliver()


def give_back_signals() -> None:
    """Put every handler in its place again, whatever those raise that are there already."""
    try:
        while _put_off:
            signal.signal(*_put_off[-1])
            _put_off.pop()
    finally:
        if _put_off:
            give_back_signals()
