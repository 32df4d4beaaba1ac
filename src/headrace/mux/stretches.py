"""Stretches of a mix: neighbouring positions in which it is known how often each member comes.

The whole mix is cut in stretches for all members at once. Below that, a stretch is dealt out in steps, first to groups of
members and then within each group, by sequences of few labels: then one item takes numbers of its own group alone.
What a group gets of a stretch is a piece of that group's sequence, and its counts are known from the stretch.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from headrace.core.key import Lane
from headrace.mux.descent import APART, START, Descent, Entry, Kept, Piece, numbers_and_words
from headrace.mux.halves import Floats, Ints, spread
from headrace.mux.pieces import Pieces

STRETCH = 27  # log2 of its positions, at most and about


class Stretch:
    """What is known of a stretch.

    ``before[s]`` and ``counts[s]`` say how often each group of step s - 1 came before and comes within, for s from 1
    on; ``before[0]`` is the start and ``counts[0]`` the length.
    """

    __slots__ = ("before", "counts", "start", "words")

    def __init__(self, before: list[Ints], counts: list[Ints], words: list[int]) -> None:
        self.before: list[Ints] = before
        self.counts: list[Ints] = counts
        self.words: list[int] = words
        self.start: int = int(before[0][0])

    def piece(self, step: int, group: int) -> Piece:
        """Return what a group of a step gets of the stretch."""
        labels = len(self.counts[step + 1]) // len(self.counts[step])
        inside = slice(group * labels, (group + 1) * labels)
        number = 2 * (sum(map(len, self.counts[:step])) + group)
        return Piece(
            int(self.before[step][group]),
            int(self.counts[step][group]),
            self.words[number : number + 2],
            self.before[step + 1][inside],
            self.counts[step + 1][inside],
        )


class Stretches:
    """The stretches of an endless sequence of i.i.d. labels.

    Parameters
    ----------
    table
        Weights by position, as :class:`Pieces` takes them, of ``labels ** steps`` labels.
    labels, steps
        Into how many groups each step divides, and in how many steps.
    lane
        A lane of random numbers.
    limit
        How many bytes may be kept to answer faster; never part of the meaning.
    """

    def __init__(self, table: list[tuple[int, Floats]], labels: int, steps: int, lane: Lane, limit: int) -> None:
        pieces = Pieces(table, lane, 0)
        self._groups = [labels**step for step in range(steps + 1)]
        self._descent = Descent(self._groups[-1], lambda _, position: pieces.at(position), STRETCH, (), limit // 4)
        self._now: list[Stretch] = []
        self._kept: Kept[tuple[Stretch, int]] = Kept(limit // (40 * self._groups[-1] + 2000))

    def over(self, places: Ints) -> None:
        """Find the stretches in which positions lie, which ascend: the next questions are about these."""
        now: dict[int, Stretch] = {}
        entries: list[Entry] = []
        measure = places.copy()
        i = 0
        while i < len(places):
            known, following = self._kept.find(0, place := int(places[i]))
            if known is not None:
                stretch, stop = known
                now[stretch.start] = stretch
                j = int(places.searchsorted(stop))
                measure[i:j] = len(entries) * APART - 1  # of no row, and in order
                i = j
                continue
            depth, row, stop = self._descent.start(0, place, 0)
            j = int(places.searchsorted(min(stop, following)))
            shift = len(entries) * APART - int(row[START])
            entries.append((depth, row, i, j, shift))
            measure[i:j] += shift
            i = j
        if entries:
            for stretch in self._made(self._descent.down(entries, measure.searchsorted, ())):
                self._kept.put(0, stretch.start, (stretch, stretch.start + int(stretch.counts[0][0])))
                now[stretch.start] = stretch
        self._now = [now[start] for start in sorted(now)]

    def over_all(self, lo: int, hi: int) -> None:
        """Find the stretches of positions [lo, hi)."""
        known, _ = self._kept.find(0, lo)
        if known is not None and hi <= known[1]:
            self._now = [known[0]]
        else:
            self.over(np.arange(lo, hi))

    def piece(self, step: int, group: int, position: int) -> Piece:
        """Return the piece of a group's sequence in which a position of it lies: its part of one of the stretches."""
        i = bisect_right(self._now, position, key=lambda stretch: stretch.before[step][group]) - 1
        return self._now[i].piece(step, group)

    def known(self, step: int) -> tuple[Ints, Ints]:
        """Return ``before`` and ``counts`` of the only stretch."""
        return self._now[0].before[step], self._now[0].counts[step]

    def _made(self, rows: Ints) -> list[Stretch]:
        number, words = numbers_and_words(rows)
        below = spread(number, words[:, 0], 2 * sum(self._groups[:-1])).tolist()
        before, counts = (
            [np.add.reduce(rows[:, part].reshape(len(rows), groups, -1), axis=2) for groups in self._groups]
            for part in (self._descent.before, self._descent.counts)
        )
        return [
            Stretch([b[i].copy() for b in before], [c[i].copy() for c in counts], below[i]) for i in range(len(rows))
        ]
