"""The marks of a recording that is played again, carried over into the recording that is made of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Final

from headrace.core.block import Block
from headrace.live.recording.mark import Mark
from headrace.live.recording.recorder import Recorder

KEPT: Final = 1 << 16  # marks, for a recording that begins late


class Played:
    """The marks that a source has come by, at its own rows; the newest 65536.

    Examples
    --------
    >>> played = Played()
    >>> played.add(Mark("key", "a", 7, 0.5, 100.5))
    >>> played.count, [(number, mark.row) for number, mark in played.since(0)], played.since(1)
    (1, [(0, 7)], [])
    """

    def __init__(self) -> None:
        self.count: int = 0
        self._marks: deque[tuple[int, Mark]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def add(self, mark: Mark) -> None:
        """Add a mark, before the rows up to it can be read."""
        with self._lock:
            self._marks.append((self.count, mark))
            self.count += 1

    def clear(self) -> None:
        """Forget them; numbers go on."""
        with self._lock:
            self._marks.clear()

    def since(self, number: int) -> list[tuple[int, Mark]]:
        """Return the marks from one on, each with its number."""
        with self._lock:
            return [each for each in self._marks if each[0] >= number]


class Carried:
    """Writes blocks to a recorder, and the marks that their source came by to their rows.

    A mark keeps its time, as rows keep theirs.

    Parameters
    ----------
    recorder
        Where they are kept.
    played
        The marks of the source.
    """

    def __init__(self, recorder: Recorder, played: Played) -> None:
        self._recorder, self._played = recorder, played
        self._first: int | None = None  # the source's row that is the recording's first
        self._rows = self._next = 0

    def write_all(self, blocks: Sequence[tuple[Block, float]]) -> None:
        """Write blocks and when each came, and their marks; raises as :meth:`Recorder.write_all` does."""
        self._recorder.write_all(blocks)
        for block, came in blocks:
            if self._first is None:
                self._first = block.first
            if self._next < self._played.count:
                self._marks(block, came, self._first)
            self._rows += block.n

    def _marks(self, block: Block, came: float, first: int) -> None:
        for number, mark in self._played.since(self._next):
            if mark.row > block.first + block.n:
                return
            self._next = number + 1
            if mark.row >= first:  # else it was before the recording
                self._recorder.copy_mark(mark, self._rows + max(0, mark.row - block.first), came)
