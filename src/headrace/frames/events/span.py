"""When the events of a file are, piece by piece, and how far out they lie: from one look at all of them."""

from __future__ import annotations

import numpy as np

from headrace.core.indexed import Numbers
from headrace.frames.base.layout import Array
from headrace.frames.events.arrays import EVENT
from headrace.frames.events.pieces import EventFile


class Span:
    """What all events of a file have to be looked at for; some bytes a piece are kept of it.

    Parameters
    ----------
    file
        What is known of the file.
    before
        What was found at it before it grew.

    Attributes
    ----------
    file : EventFile or None
        What it was found at, where that is small.
    pieces, first, last : array of int64
        Pieces that have events, by number, and their earliest and latest times, in microseconds.
    corner : array of EVENT
        One event in the last column and row that have any; none where there are no events.
    late : int or None
        The number of the first event that is earlier than the one before it; None where they are in order of time.
    """

    file: EventFile | None
    pieces: Numbers
    first: Numbers
    last: Numbers
    corner: Array
    late: int | None = None

    def __init__(self, file: EventFile, before: Span | None = None) -> None:
        self.file = file if file.lasting else None
        pieces: list[int] = []
        first: list[int] = []
        last: list[int] = []
        corner, begin = (-1, -1), 0
        if before is not None and before._grew_into(file):
            begin = int(before.pieces[-1])  # there may be more in it now
            pieces, first, last = (found[:-1].tolist() for found in (before.pieces, before.first, before.last))
            corner, self.late = (int(before.corner["x"][0]), int(before.corner["y"][0])), before.late
        for k, events in enumerate(file.each(begin), begin):
            if len(events):
                times = np.ascontiguousarray(events["t"])
                if self.late is None:
                    self._look_for_late(int(file.starts[k]), last[-1:], times)
                pieces.append(k)
                first.append(int(times.min()))
                last.append(int(times.max()))
                corner = max(corner[0], int(events["x"].max())), max(corner[1], int(events["y"].max()))
        self.pieces, self.first, self.last = (np.array(found, np.int64) for found in (pieces, first, last))
        self.corner = np.array([(*corner, 0, 0)] if pieces else [], EVENT)

    def _grew_into(self, file: EventFile) -> bool:
        if self.file is None or not len(self.pieces):
            return False
        n = int(self.pieces[-1]) + 1
        return np.array_equal(self.file.starts[:n], file.starts[:n]) and self.file.is_there()

    def _look_for_late(self, first: int, before: list[int], times: Array) -> None:
        if before and times[0] < before[0]:
            self.late = first
        elif (times[1:] < times[:-1]).any():
            self.late = first + int((times[1:] < times[:-1]).argmax()) + 1
