"""A serial port that a test plugs in and out: a pair of pseudo terminals, so that the real driver talks to a real tty."""

from __future__ import annotations

import os
import pty
import select
import threading
import tty
from pathlib import Path


class Tty:
    """The device's side of a serial port that is found at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ends: tuple[int, int] | None = None
        self._lock = threading.Lock()  # a number that was closed may be another file's by the next moment
        self.plug()

    def plug(self) -> None:
        """Be there, as another pair of terminals."""
        mine, other = pty.openpty()
        tty.setraw(mine)
        tty.setraw(other)
        os.set_blocking(mine, False)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(other))
        self._ends = mine, other

    def unplug(self) -> None:
        """Be gone: who reads is told by the driver, and nobody can open it."""
        with self._lock:
            ends, self._ends = self._ends, None
            for end in ends or ():
                os.close(end)
            if ends is not None:
                self.path.unlink(missing_ok=True)

    def say(self, data: bytes) -> None:
        """Send; what does not fit because nobody reads is gone, as it is with a real port."""
        with self._lock:
            if self._ends is not None:
                try:
                    os.write(self._ends[0], data)
                except BlockingIOError:
                    pass

    def heard(self, seconds: float = 0.0) -> bytes:
        """What was sent to it."""
        with self._lock:
            if self._ends is None or not select.select([self._ends[0]], [], [], seconds)[0]:
                return b""
            return os.read(self._ends[0], 1 << 16)
