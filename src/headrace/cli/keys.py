"""Keys that are pressed in a terminal, one by one, without Return."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from types import TracebackType
from typing import Any, Final, Self

NAMES: Final = {
    " ": "space", "\r": "enter", "\n": "enter", "\t": "tab", "\x1b": "escape", "\x7f": "backspace", "\x08": "backspace",
    "\x04": "ctrl-d", "\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left", "\x1b[H": "home",
    "\x1b[F": "end", "\x1b[5~": "page_up", "\x1b[6~": "page_down", "\x1b[3~": "delete",
}  # fmt: skip


class Keys:
    """The keys of the terminal at the standard input, while a ``with`` block runs; none where there is no terminal.

    Ctrl-C stays Ctrl-C. The terminal is given back as it was.
    """

    def __init__(self) -> None:
        self._fd: int | None = None
        self._before: Any = None
        self._left = b""  # the beginning of a character, or of what a key sends

    @property
    def there(self) -> bool:
        """Whether keys can be read."""
        return self._before is not None

    def __enter__(self) -> Self:
        try:
            import termios
            import tty

            fd = sys.stdin.fileno()
            if os.isatty(fd):
                self._fd, self._before = fd, termios.tcgetattr(fd)
                tty.setcbreak(fd, termios.TCSANOW)
        except (ImportError, OSError, ValueError, AttributeError):  # another system, or no standard input at all
            pass
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            import termios

            with contextlib.suppress(termios.error, OSError):  # the terminal is gone
                termios.tcsetattr(self._fd, termios.TCSANOW, self._before)  # type: ignore[arg-type]
            self._before = None

    def read(self, seconds: float) -> list[str]:
        """Return the names of the keys that are pressed, waiting for the first at most so long."""
        if not self.there:
            time.sleep(seconds)
            return []
        assert self._fd is not None
        if not select.select([self._fd], [], [], seconds)[0]:
            return []
        try:
            data = os.read(self._fd, 1024)
        except OSError:  # the terminal is gone
            data = b""
        if not data:
            self.__exit__(None, None, None)
            return []
        data = self._left + data
        text = data.decode("utf-8", "ignore") if _whole(data) else ""
        self._left = b"" if text else data
        return names(text)


def _whole(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.reason != "unexpected end of data"
    return True


def names(text: str) -> list[str]:
    r"""Return what the keys are called that send a text.

    Examples
    --------
    >>> names("a \x1b[A\x1b\x01")
    ['a', 'space', 'up', 'escape', 'ctrl-a']
    """
    found = []
    at = 0
    while at < len(text):
        end = at + 1
        if text[at] == "\x1b" and text[at + 1 : at + 2] in ("[", "O"):
            end = at + 2
            while end < len(text) and not text[end].isalpha() and text[end] != "~":
                end += 1
            end = min(end + 1, len(text))
        key = text[at:end]
        control = len(key) == 1 and key < " " and key not in NAMES
        found.append(f"ctrl-{chr(ord(key) + 96)}" if control and "\x01" <= key <= "\x1a" else NAMES.get(key, key))
        at = end
    return found
