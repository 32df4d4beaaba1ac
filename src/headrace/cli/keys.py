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
    "\x1b[F": "end", "\x1b[5~": "page_up", "\x1b[6~": "page_down", "\x1b[3~": "delete", "\x1b[2~": "insert",
    "\x1bOA": "up", "\x1bOB": "down", "\x1bOC": "right", "\x1bOD": "left", "\x1bOH": "home", "\x1bOF": "end",
    "\x1b[1~": "home", "\x1b[4~": "end", "\x1b[Z": "shift-tab", "\x00": "ctrl-space",
    "\x1c": "ctrl-\\", "\x1d": "ctrl-]", "\x1e": "ctrl-^", "\x1f": "ctrl-_",
    **{f"\x1bO{letter}": f"f{k + 1}" for k, letter in enumerate("PQRS")},
    **{f"\x1b[[{letter}": f"f{k + 1}" for k, letter in enumerate("ABCDE")},  # without a window system
    **{
        f"\x1b[{number}~": f"f{k + 1}"
        for k, number in enumerate((11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24))
    },
}  # fmt: skip
HELD: Final = {2: "shift", 3: "alt", 4: "alt-shift", 5: "ctrl", 6: "ctrl-shift", 7: "ctrl-alt", 8: "ctrl-alt-shift"}


class Keys:
    """The keys of the terminal at the standard input, while a ``with`` block runs; none where there is no terminal.

    Ctrl-C stays Ctrl-C. The terminal is given back as it was.
    """

    def __init__(self) -> None:
        self._fd = -1
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
                termios.tcsetattr(self._fd, termios.TCSANOW, self._before)
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
    >>> names("\x1bOP\x1b[1;5C\x1b[99~")
    ['f1', 'ctrl-right', 'key [99~']
    """
    found = []
    at = 0
    while at < len(text):
        end = at + 1
        if text[at] == "\x1b" and text[at + 1 : at + 2] in ("[", "O"):
            end = at + (3 if text[at + 1 : at + 3] == "[[" else 2)
            while end < len(text) and not text[end].isalpha() and text[end] != "~":
                end += 1
            end = min(end + 1, len(text))
        key = text[at:end]
        found.append(NAMES.get(key) or _other(key))
        at = end
    return found


def _other(key: str) -> str:
    """Return what a key is called that is in no table; never what a terminal would obey."""
    if "\x01" <= key <= "\x1a":
        return f"ctrl-{chr(ord(key) + 96)}"
    if not key.startswith("\x1b"):
        return key if key.isprintable() else ascii(key)[1:-1]
    start, semicolon, end = key.partition(";")  # such as ESC [ 1 ; 5 C: with others held
    if semicolon and end[:-1].isdecimal() and int(end[:-1]) in HELD:
        plain = [start.removesuffix("1") + end[-1], "\x1bO" + end[-1]] if end[-1] != "~" else [start + "~"]
        known = next((NAMES[each] for each in plain if each in NAMES), None)
        if known is not None:
            return f"{HELD[int(end[:-1])]}-{known}"
    rest = key[1:] if key[1:].isprintable() else ascii(key[1:])[1:-1]
    return f"key {rest}"
