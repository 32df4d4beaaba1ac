"""Which member, and which of its items, stands at each position of a random weighted mix: by address, without replay.

The cost of cutting counts grows with the number of labels, so many members are mixed in two or more steps: one deck
deals positions to groups of members by the groups' total weights, and within a group another deals the group's own
positions to its members. In distribution that is the same: a choice in two steps. A single item needs one small deck
of each step instead of one large one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.core import Key
from headrace.mux.counts import Caches, Deck, Floats, Ints

WIDEST = 64  # labels of a deck
FEW = 64  # a span of at most so many positions is looked up, not laid out
AHEAD = 2048  # positions that small spans in order are laid out ahead, at most

Members = np.ndarray[Any, np.dtype[Any]]


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
    ([1, 1, 2, 1, 1, 1, 2, 1], [0, 1, 0, 2, 3, 4, 1, 5])
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
        self._root = _make([(at, np.asarray(w, np.float64)) for at, w in table], key, Caches(), self.dtype)
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
                return self._root.span(lo, hi)
            in_order = self._lo <= lo <= self._hi and self._lo < self._hi
            if not in_order and hi - lo <= FEW:
                self._window = self._root.at(np.arange(lo, hi))
                self._lo, self._hi = lo, hi
            else:
                stop = max(hi, lo + min(AHEAD, 4 * (self._hi - self._lo))) if in_order else hi
                self._window = self._root.span(lo, stop)
                self._lo, self._hi = lo, stop
            for numbers in self._window:
                numbers.flags.writeable = False  # kept, and handed out
        member, local = self._window
        return member[lo - self._lo : hi - self._lo], local[lo - self._lo : hi - self._lo]

    def at(self, index: Ints) -> tuple[Members, Ints]:
        """Return members and local indices of positions (n,), int64, in any order, repeats allowed."""
        order = index.argsort(kind="stable")
        member, local = np.empty(len(index), self.dtype), np.empty(len(index), np.int64)
        member[order], local[order] = self._root.at(index[order])
        return member, local

    def before(self, position: int) -> Ints:
        """Return how many items each member has given before ``position``: (K,) int64."""
        return self._root.before(position)


class _Nest:
    """Groups of members next to each other, and a deck or a nest within each group, made when it is first needed."""

    def __init__(self, table: list[tuple[int, Floats]], key: Key, caches: Caches, dtype: np.dtype[Any]) -> None:
        self._table, self._key, self._caches, self._dtype = table, key, caches, dtype
        size = len(table[0][1])
        steps = 2
        while WIDEST**steps < size:
            steps += 1
        groups = int(np.ceil(size ** (1 / steps)))
        self._edges = np.arange(groups + 1) * size // groups
        self._firsts = self._edges[:-1].astype(dtype)
        totals = [(at, np.add.reduceat(w, self._edges[:-1])) for at, w in table]
        self._outer = Deck(totals, key.child("groups"), caches)
        self._inner: list[Deck | _Nest | None] = [None] * groups

    def span(self, lo: int, hi: int) -> tuple[Members, Ints]:
        group, place = self._outer.span(lo, hi)
        order = group.argsort(kind="stable")
        counts = np.bincount(group, minlength=len(self._inner))
        ends = counts.cumsum()
        present = counts.nonzero()[0]
        parts = []
        for g, n, first in zip(
            present.tolist(), counts[present].tolist(), (ends - counts)[present].tolist(), strict=True
        ):
            start = int(place[order[first]])
            parts.append(self._at(g).span(start, start + n))
        return self._spread(order, counts, parts)

    def at(self, index: Ints) -> tuple[Members, Ints]:
        group, place = self._outer.at(index)
        order = group.argsort(kind="stable")
        counts = np.bincount(group, minlength=len(self._inner))
        place = place[order]
        ends = counts.cumsum().tolist()
        present = counts.nonzero()[0].tolist()
        parts = [self._at(g).at(place[ends[g] - counts[g] : ends[g]]) for g in present]
        return self._spread(order, counts, parts)

    def _spread(self, order: Ints, counts: Ints, parts: list[tuple[Members, Ints]]) -> tuple[Members, Ints]:
        member, local = np.empty(len(order), self._dtype), np.empty(len(order), np.int64)
        if parts:
            member[order] = np.concatenate([part[0] for part in parts]) + np.repeat(self._firsts, counts)
            local[order] = np.concatenate([part[1] for part in parts])
        return member, local

    def before(self, position: int) -> Ints:
        found = []
        for g, place in enumerate(self._outer.before(position).tolist()):
            size = int(self._edges[g + 1] - self._edges[g])
            found.append(self._at(g).before(place) if place else np.zeros(size, np.int64))
        return np.concatenate(found)

    def _at(self, group: int) -> Deck | _Nest:
        if (found := self._inner[group]) is None:
            found = self._inner[group] = _make(
                self._inside(group), self._key.child("group", group), self._caches, self._dtype
            )
        return found

    def _inside(self, group: int) -> list[tuple[int, Floats]]:
        """Return the group's own table. Its positions are the group's items: those of before a change of weights count."""
        cut = slice(self._edges[group], self._edges[group + 1])
        found: list[tuple[int, Floats]] = []
        for at, weights in self._table:
            if weights[cut].any():
                place = int(self._outer.before(at)[group]) if at else 0
                if found and found[-1][0] == place:
                    found.pop()  # no item of the group stood where those weights held
                found.append((place, weights[cut]))
        return found


def _make(table: list[tuple[int, Floats]], key: Key, caches: Caches, dtype: np.dtype[Any]) -> Deck | _Nest:
    if len(table[0][1]) <= WIDEST:
        return Deck(table, key.child("deck"), caches)
    return _Nest(table, key, caches, dtype)
