"""Which member, and which of its items, stands at each position of a random weighted mix: by address, without replay.

The cost of an item grows with the number of labels that are cut apart, so many members are mixed in two or more steps: a
first sequence deals positions to groups of members, and for each group another deals the group's own positions to its
members. In distribution that is the same: a choice in two steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from headrace.core import Key
from headrace.core.key import Lane
from headrace.mux.counts import Decks
from headrace.mux.descent import Piece
from headrace.mux.halves import Floats, Ints
from headrace.mux.pieces import Pieces
from headrace.mux.stretches import Stretches

WIDEST = 64  # labels of a step
WHOLE = 4096  # members, or groups of them, whose counts in a stretch are drawn at once
FEW = 64  # a span of at most so many positions is looked up, not laid out
AHEAD = 1 << 15  # positions that small spans in order are laid out ahead, at most
MANY = 512  # positions looked up together
CACHES = 5 << 20  # bytes that a plan keeps to answer faster, about

Members = np.ndarray[Any, np.dtype[Any]]
_EVERY = np.arange(AHEAD)


class Plan:
    """An endless sequence of i.i.d. members, and of each member's items in their own order.

    Local indices of each member are 0, 1, 2, ... by position. All is a pure function of (table, key, position).
    For one thread.

    Parameters
    ----------
    table
        Weights by position, [(0, w0), (p1, w1), ...] with 0 < p1 < p2 ...: ``w`` of shape (K,), float64, none negative
        and one positive at least, holds from its position on up to the next one's. Not checked.
    key
        Where its random numbers are.

    Examples
    --------
    >>> plan = Plan([(0, np.array([1.0, 2.0, 1.0]))], Key(7))
    >>> member, local = plan.span(0, 8)
    >>> member.tolist(), local.tolist()
    ([0, 1, 0, 1, 2, 1, 0, 1], [0, 0, 1, 1, 0, 2, 2, 3])
    >>> member, local = plan.at(np.array([10**9, 3]))
    >>> bool(member[1] == plan.span(3, 4)[0][0])
    True
    >>> int(plan.before(10**9).sum())
    1000000000
    """

    def __init__(self, table: Sequence[tuple[int, Floats]], key: Key) -> None:
        self.size: int = len(table[0][1])
        kind = np.uint8 if self.size <= 1 << 8 else np.uint16 if self.size <= 1 << 16 else np.uint32
        self.dtype: np.dtype[Any] = np.dtype(kind)
        steps = next(n for n in range(1, 65) if WIDEST**n >= self.size)
        labels = next(n for n in range(1, WIDEST + 1) if n**steps >= self.size)
        whole = max(n for n in range(1, steps + 1) if n == 1 or labels**n <= WHOLE)
        froms = [at for at, _ in table]
        weights = np.zeros((len(table), labels**steps))
        weights[:, : self.size] = [row for _, row in table]
        totals = weights.reshape(len(table), labels**whole, -1).sum(axis=2)
        rows = list(zip(froms, totals, strict=True))
        self._stretches = Stretches(rows, labels, whole, key.child("stretches").lane(), CACHES // 6)
        limit = CACHES * 5 // 6 // steps
        self._steps: list[_Step] = [_Step(step, labels, self._stretches, limit) for step in range(whole)]
        for step in range(whole, steps):
            totals = weights.reshape(len(table), labels**step, labels, -1).sum(axis=3)
            lane = key.child("step", step).lane()
            self._steps.append(_Further(froms, totals, self._steps[:], lane, limit))
        self._lo = self._hi = 0  # of the window laid out last
        self._window: tuple[Members, Ints] = np.zeros(0, self.dtype), np.zeros(0, np.int64)

    def span(self, lo: int, hi: int) -> tuple[Members, Ints]:
        """Return members and local indices of positions [lo, hi).

        Returns
        -------
        member, local
            (hi - lo,) of uint8, uint16 or uint32 as K needs, and of int64; they may be read-only.
        """
        if not self._lo <= lo <= hi <= self._hi:
            if hi - lo >= AHEAD:
                parts = [self._laid(a, min(a + AHEAD, hi)) for a in range(lo, hi, AHEAD)]
                if len(parts) == 1:
                    return parts[0]
                return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
            in_order = self._lo <= lo <= self._hi and self._lo < self._hi
            stop = max(hi, lo + min(AHEAD, 4 * (self._hi - self._lo))) if in_order else hi
            self._window = self.at(np.arange(lo, stop)) if stop - lo <= FEW else self._laid(lo, stop)
            self._lo, self._hi = lo, stop
            for numbers in self._window:
                numbers.flags.writeable = False  # kept, and handed out
        member, local = self._window
        return member[lo - self._lo : hi - self._lo], local[lo - self._lo : hi - self._lo]

    def at(self, index: Ints) -> tuple[Members, Ints]:
        """Return members and local indices of positions (n,), int64, in any order, repeats allowed."""
        order = index.argsort(kind="stable")
        member, local = np.empty(len(index), self.dtype), np.empty(len(index), np.int64)
        for first in range(0, len(index), MANY):
            some = order[first : first + MANY]
            group, place = np.zeros(len(some), np.int64), index[some]
            self._stretches.over(place)
            for step in self._steps:
                if step is not self._steps[0]:
                    order_here = np.lexsort((place, group))
                    some, group, place = some[order_here], group[order_here], place[order_here]
                label, place = step.decks.at(group, place)
                group = group * step.labels + label
            member[some], local[some] = group, place
        return member, local

    def before(self, position: int) -> Ints:
        """Return how many items each member has given before ``position``: (K,) int64."""
        return _before(self._steps, position)[: self.size]

    def _laid(self, lo: int, hi: int) -> tuple[Members, Ints]:
        n = hi - lo
        self._stretches.over_all(lo, hi)
        present, first, counts = (np.array([value]) for value in (0, lo, n))
        group = np.zeros(0, self.dtype)
        order = np.zeros(0, np.int64)
        for step in self._steps:
            label, before = step.decks.laid(present, first, first + counts)
            if not len(group):
                group = label.astype(self.dtype)
            else:
                dealt = group[order]  # never beyond the number of members: their kind of integers will do
                dealt *= self.dtype.type(step.labels)
                dealt += label
                group[order] = dealt
            order = group.argsort(kind="stable")
            dealt = group[order]
            heads = np.concatenate(([0], (dealt[1:] != dealt[:-1]).nonzero()[0] + 1))
            counts = np.diff(heads, append=n)
            above, present = present, dealt[heads].astype(np.int64)
            first = before[above.searchsorted(present // step.labels), present % step.labels]
        ranks, local = (first - heads).repeat(counts), np.empty(n, np.int64)
        ranks += _EVERY[:n]
        local[order] = ranks
        return group, local


class _Step:
    """Sequences by the number of their group, each of which deals its positions to ``labels`` groups or members."""

    def __init__(self, number: int, labels: int, stretches: Stretches, limit: int) -> None:
        self.number, self.labels, self.stretches = number, labels, stretches
        self.decks = Decks(labels, self.piece, limit)

    def piece(self, group: int, position: int) -> Piece:
        """Return the piece of a group's sequence in which a position lies: what it gets of a stretch."""
        return self.stretches.piece(self.number, group, position)

    def before(self, places: Ints) -> Ints:
        """Return how often each label came before a place in each sequence, places in one stretch: (sequences, labels)."""
        before, counts = self.stretches.known(self.number)
        found = np.add(*self.stretches.known(self.number + 1)).reshape(len(places), -1)  # where all has come
        return self.tallied(found, places, (places < before + counts).nonzero()[0])

    def tallied(self, found: Ints, places: Ints, some: Ints) -> Ints:
        """Write how often each label came before places of some sequences into what is found."""
        for first in range(0, len(some), MANY):
            part = some[first : first + MANY]
            found[part] = self.decks.before(part, places[part])
        return found


class _Further(_Step):
    """Sequences of groups too many for a stretch to know their members: they have pieces of their own.

    ``weights`` is (rows of the table, sequences, labels).
    """

    def __init__(self, froms: list[int], weights: Floats, above: list[_Step], lane: Lane, limit: int) -> None:
        super().__init__(len(above), weights.shape[2], above[0].stretches, limit)
        self._froms, self._weights, self._above, self._lane = froms, weights, above, lane
        self._pieces: dict[int, Pieces] = {}

    def piece(self, group: int, position: int) -> Piece:
        """Return the piece of a group's sequence in which a position lies."""
        if (pieces := self._pieces.get(group)) is None:
            pieces = self._pieces[group] = Pieces(self._table(group), self._lane, group)
        return pieces.at(position)

    def before(self, places: Ints) -> Ints:
        """Return how often each label came before a place in each sequence: (sequences, labels)."""
        return self.tallied(np.zeros((len(places), self.labels), np.int64), places, places.nonzero()[0])

    @cached_property
    def _places(self) -> list[Ints]:
        """How many positions each group was given before each change of weights."""
        return [_before(self._above, at) for at in self._froms]

    def _table(self, group: int) -> list[tuple[int, Floats]]:
        """Return the group's own table. Its positions are the group's items: those of before a change of weights count."""
        found: list[tuple[int, Floats]] = []
        for places, weights in zip(self._places, self._weights, strict=True):
            if weights[group].any():
                if found and found[-1][0] == places[group]:
                    found.pop()  # no item of the group stood where those weights held
                found.append((int(places[group]), weights[group]))
        return found


def _before(steps: list[_Step], position: int) -> Ints:
    """Return how often the last of some steps has dealt to each of its groups or members before a position."""
    found = np.array([position])
    steps[0].stretches.over(found)
    for step in steps:
        found = step.before(found).ravel()
    return found
