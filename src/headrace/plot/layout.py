"""Where the boxes of a drawing are, and the lines between them.

A series lies along one line, its branches in bands beside each other, as wide as what is in them. A branch that ends early
goes straight on in its own band and turns only behind the longest. So no two boxes meet, and no line crosses a box or
another line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from headrace.plot.outline import Box, Fork, Series
from headrace.plot.svg import number, width_of

GAP = 30.0  # along the way, between boxes
APART = 16.0  # across it, between branches
MARGIN = 12.0
LABEL = 10.0  # size of the letters at a branch
_ARROW = 6.0

Size = tuple[float, float]  # along the way, across it


class Placed(NamedTuple):
    """A box and its upper left corner, width and height."""

    box: Box
    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """A line from one box to another, by their ids: an SVG path; and what is written at (x, y)."""

    start: int
    end: int
    path: str
    head: str
    label: str
    x: float
    y: float


@dataclass
class _Room:
    """What an item or a series takes: to both sides of its line, and along it."""

    before: float
    after: float
    length: float
    parts: list[_Room]
    lead: float = 0.0  # from a branching to its branches
    at: tuple[float, ...] = ()  # the lines of branches, from that of their branching


class Layout:
    """The places of boxes and lines.

    Parameters
    ----------
    series
        What is drawn.
    size_of
        Gives width and height of a box.
    down
        Whether the way goes down; else it goes to the right.
    """

    width: float
    height: float

    def __init__(self, series: Series, size_of: Callable[[Box], tuple[float, float]], down: bool) -> None:
        self.down: bool = down
        self.size_of: Callable[[Box], tuple[float, float]] = size_of
        self.boxes: list[Placed] = []
        self.lines: list[Line] = []
        room = self._room(series)
        long, across = room.length + 2 * MARGIN, room.before + room.after + 2 * MARGIN
        self.width, self.height = (across, long) if down else (long, across)
        self._place(series, room, MARGIN, MARGIN + room.before, [], "")

    # --- how much room ------------------------------------------------------------------------------

    def _size(self, box: Box) -> Size:
        width, height = self.size_of(box)
        return (height, width) if self.down else (width, height)

    def _label_size(self, label: str) -> Size:
        if not label:
            return 0.0, 0.0
        wide = width_of(label, LABEL) + 6
        return (LABEL + 6, wide) if self.down else (wide, LABEL + 6)

    def _room(self, series: Series) -> _Room:
        parts = [self._room_of_fork(item) if isinstance(item, Fork) else self._room_of_box(item) for item in series]
        length = sum(part.length for part in parts) + sum(self._gap(part) for part in parts[:-1])
        before, after = max(part.before for part in parts), max(part.after for part in parts)
        return _Room(before, after, length, parts)

    def _room_of_box(self, box: Box) -> _Room:
        long, across = self._size(box)
        return _Room(across / 2, across / 2, long, [])

    def _room_of_fork(self, fork: Fork) -> _Room:
        long, across = self._size(fork.box)
        parts = [self._room(branch.series) for branch in fork.branches]
        labels = [self._label_size(branch.label) for branch in fork.branches]
        for part, (_, wide) in zip(parts, labels, strict=True):
            part.before, part.after = max(part.before, wide / 2), max(part.after, wide / 2)
        at = [0.0]
        for one, following in pairwise(parts):
            at.append(at[-1] + one.after + APART + following.before)
        middle = (at[0] + at[-1]) / 2
        lines = tuple(place - middle for place in at)
        room = _Room(
            max(across / 2, parts[0].before - lines[0]),
            max(across / 2, parts[-1].after + lines[-1]),
            0.0,
            parts,
            at=lines,
        )
        room.lead = self._gap(room) + max(along for along, _ in labels)
        room.length = long + room.lead + max(part.length for part in parts)
        return room

    def _gap(self, room: _Room) -> float:
        """Return how far it is to what comes next: farther where lines come from far aside, so that they are not steep."""
        return GAP + min(70.0, 0.06 * (room.at[-1] - room.at[0])) if room.at else GAP

    # --- where ----------------------------------------------------------------------------------------

    def _place(
        self, series: Series, room: _Room, along: float, across: float, ends: list[_End], label: str
    ) -> list[_End]:
        """Place a series whose line is at ``across``, from ``along`` on, and return where it can be left."""
        for item, part in zip(series, room.parts, strict=True):
            box = item.box if isinstance(item, Fork) else item
            long, wide = self._size(box)
            self._put(box, along, across - wide / 2, long, wide)
            for end in ends:
                self._join(end, _End(box.id, along, across), label)
            label = ""
            ends = [_End(box.id, along + long, across)]
            if isinstance(item, Fork):
                inside = along + long + part.lead
                left = [
                    self._place(branch.series, inner, inside, across + line, ends, branch.label)
                    for branch, inner, line in zip(item.branches, part.parts, part.at, strict=True)
                ]
                behind = along + part.length
                ends = [_End(end.id, end.along, end.across, behind) for some in left for end in some]
            along += part.length + self._gap(part)
        return ends

    def _put(self, box: Box, along: float, across: float, long: float, wide: float) -> None:
        x, y, width, height = (across, along, wide, long) if self.down else (along, across, long, wide)
        self.boxes.append(Placed(box, x, y, width, height))

    def _join(self, start: _End, end: _End, label: str) -> None:
        along_label, _ = self._label_size(label)
        turn = max(start.along, start.turn)
        arrive = end.along - _ARROW - along_label
        middle = (turn + arrive) / 2
        path = f"M{self._xy(start.along, start.across)}"
        if turn > start.along:
            path += f"L{self._xy(turn, start.across)}"
        if abs(start.across - end.across) > 0.05:
            controls = f"{self._xy(middle, start.across)} {self._xy(middle, end.across)}"
            path += f"C{controls} {self._xy(arrive, end.across)}"
        tip = end.along - 1
        path += f"L{self._xy(tip - _ARROW + 1, end.across)}"
        wings = [(tip - _ARROW, end.across - 3.5), (tip - _ARROW, end.across + 3.5), (tip, end.across)]
        head = f"M{'L'.join(self._xy(*point) for point in wings)}Z"
        x, y = self._point(end.along - _ARROW - along_label / 2, end.across)
        self.lines.append(Line(start.id, end.id, path, head, label, x, y))

    def _point(self, along: float, across: float) -> tuple[float, float]:
        return (across, along) if self.down else (along, across)

    def _xy(self, along: float, across: float) -> str:
        x, y = self._point(along, across)
        return f"{number(x)} {number(y)}"


class _End(NamedTuple):
    """Where a line leaves or reaches a box, and how far it goes straight on before it may turn."""

    id: int
    along: float
    across: float
    turn: float = 0.0
