"""One endless random sequence of few labels, with an address for every position.

Positions are cut in pieces, and the labels of a piece are counted by a multinomial draw. Below that, think of every
item of a piece as arriving at a uniform random time: the order of arrival of labels with given counts is a uniform
permutation, so a sequence of i.i.d. labels. Time, unlike positions, is cut without tying the labels to each other:
how many items of a label arrive in each eighth of an interval is one multinomial draw per label, and NumPy makes those
of all labels in one call (20 us, where ``multivariate_hypergeometric``, which cuts positions, takes 25 us per half and
stops at 10**9). An interval of about ``LEAF`` items is a leaf: its order is one permutation.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from headrace.core import Key

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]
Labels = np.ndarray[Any, np.dtype[np.uint8]]
Place = tuple[int, int, int]  # deck, piece, node

LEAF = 1 << 12  # items of a leaf, about: its fixed cost is that of 1500 items, and one wanted item draws all
FAN = 8  # parts of an interval: one call for three levels of halves
CUT = LEAF * 3 // 2  # what has at most so many items is a leaf; intervals of LEAF * 2**n items stay clear of it
FIRST, LAST = 21, 39  # log2 of the first and of the largest piece; piece by piece they grow FAN times
CHUNK = 16  # pieces of the largest length whose counts are drawn in one call
MARKS = 128  # sums remembered within a segment
MANY = 8  # positions wanted of one leaf from which on it is worth working out all its local indices
NODE_BYTES, LEAF_BYTES = 9 << 19, 2 << 20  # what the caches of a plan hold, all decks together
NODE_OVERHEAD, LEAF_OVERHEAD = 750, 950  # bytes of the Python objects around the numbers

_EDGES = [sum(1 << power for power in range(FIRST, end, 3)) for end in range(FIRST, LAST + 2, 3)]  # of growing pieces
_ODDS = {parts: np.full(parts, 1 / parts) for parts in (2, 4, FAN)}
_RANKS = np.arange(CUT)
_SEGMENT = 1 << 40  # pieces of segment s have the numbers from s * _SEGMENT


class Node(NamedTuple):
    """An interval, cut in parts: where each starts, and how often each label came before. The last is the end."""

    starts: array[int]  # (parts + 1,)
    before: Ints  # (parts + 1, K)


class Leaf(NamedTuple):
    """An interval's items in order."""

    start: int
    stop: int
    before: Ints  # (K,)
    counts: Ints  # (K,)
    labels: Labels  # (stop - start,)


class Recent:
    """A cache of ``limit`` bytes in two generations, a full young one replacing the old: a cheap kind of LRU."""

    __slots__ = ("_bytes", "_half", "_old", "_young")

    def __init__(self, limit: int) -> None:
        self._half, self._bytes = limit // 2, 0
        self._young: dict[Place, tuple[Any, int]] = {}
        self._old = self._young

    def get(self, place: Place) -> Any:
        """Return what was put at ``place``, or None."""
        if (found := self._young.get(place)) is None:
            if (found := self._old.get(place)) is None:
                return None
            self.put(place, *found)
        return found[0]

    def put(self, place: Place, value: Any, size: int) -> None:
        """Keep ``value``, which takes ``size`` bytes."""
        if self._bytes + size > self._half:
            self._old, self._young, self._bytes = self._young, {}, 0
        self._young[place] = value, size
        self._bytes += size


class Caches:
    """What the decks of one plan share; never part of the meaning."""

    def __init__(self) -> None:
        self.nodes: Recent = Recent(NODE_BYTES)
        self.leaves: Recent = Recent(LEAF_BYTES)
        self.decks: int = 0


class Deck:
    """An endless sequence of i.i.d. labels 0 to K - 1.

    Parameters
    ----------
    table
        Pairs (position, weights (K,) float64) by position, the first at 0; each has a positive weight. K <= 64.
    key, caches
        Where its random numbers are; what it shares with the other decks of a plan.

    Examples
    --------
    >>> deck = Deck([(0, np.array([1.0, 3.0]))], Key(7), Caches())
    >>> labels, local = deck.span(10**12, 10**12 + 5)
    >>> labels.tolist(), (local - deck.before(10**12)[labels]).tolist()
    ([1, 1, 1, 1, 1], [0, 1, 2, 3, 4])
    """

    def __init__(self, table: Sequence[tuple[int, Floats]], key: Key, caches: Caches) -> None:
        self.size: int = len(table[0][1])
        self._froms = [position for position, _ in table]
        self._weights = [_drawable(weights) for _, weights in table]
        self._lane = key.lane()
        self._bits = self._lane.rng.bit_generator
        self._names = np.arange(self.size, dtype=np.uint32)
        self._low = np.uint32((1 << max(1, (self.size - 1).bit_length())) - 1)  # bits of a key that hold a label
        self._caches, self._number = caches, caches.decks
        caches.decks += 1
        nothing = np.zeros(self.size, np.int64)
        self._starts = [nothing]  # counts before each segment, as far as they have been asked for
        self._marks: tuple[int, int, dict[int, Ints]] = (-1, 1, {})  # of one segment: a stride, sums before chunks
        self._parent: tuple[Node, int, int] | None = None  # of the last leaf: mostly the next one's, too
        self._leaf = Leaf(0, 0, nothing, nothing, np.zeros(0, np.uint8))
        self._local: tuple[Leaf, Ints] = (self._leaf, nothing)

    def span(self, lo: int, hi: int) -> tuple[Labels, Ints]:
        """Return labels and local indices of positions [lo, hi)."""
        labels, local = [], []
        while lo < hi:
            leaf = self._leaf_at(lo)
            labels.append(leaf.labels[lo - leaf.start : hi - leaf.start])
            local.append(self._local_of(leaf)[lo - leaf.start : hi - leaf.start])
            lo = leaf.stop
        if len(labels) == 1:
            return labels[0], local[0]
        return np.concatenate(labels or [self._leaf.labels[:0]]), np.concatenate(local or [self._starts[0][:0]])

    def at(self, index: Ints) -> tuple[Labels, Ints]:
        """Return labels and local indices of positions (n,), which ascend and may repeat."""
        labels, local = np.empty(len(index), np.uint8), np.empty(len(index), np.int64)
        places: list[int] = index.tolist()
        i = 0
        while i < len(places):
            leaf = self._leaf_at(places[i])
            j = bisect_left(places, leaf.stop, i)
            if j - i >= MANY:
                inside = index[i:j] - leaf.start
                labels[i:j], local[i:j] = leaf.labels[inside], self._local_of(leaf)[inside]
            else:
                for i in range(i, j):
                    earlier = leaf.labels[: places[i] - leaf.start]
                    labels[i] = label = leaf.labels[len(earlier)]
                    local[i] = leaf.before[label] + np.count_nonzero(earlier == label)
            i = j
        return labels, local

    def before(self, position: int) -> Ints:
        """Return how often each label came before ``position``: (K,)."""
        leaf = self._leaf_at(position)
        return leaf.before + np.bincount(leaf.labels[: position - leaf.start], minlength=self.size)

    def _leaf_at(self, position: int) -> Leaf:
        leaf = self._leaf
        if leaf.start <= position < leaf.stop:
            return leaf
        parent = self._parent
        if parent is None or not parent[0].starts[0] <= position < parent[0].starts[-1]:
            parent = self._chunk_at(position)
        while True:
            node, piece, number = parent
            part = bisect_right(node.starts, position) - 1
            piece, number = (piece, number * FAN + part) if number else (piece + part, 1)
            start, stop = node.starts[part], node.starts[part + 1]
            if stop - start <= CUT:
                break
            place = self._number, piece, number
            if (below := self._caches.nodes.get(place)) is None:
                below = self._cut(piece, number, node.before[part], node.before[part + 1], stop - start)
                self._caches.nodes.put(place, below, below.before.nbytes + NODE_OVERHEAD)
            parent = below, piece, number
        self._parent = parent
        place = self._number, piece, number
        if (leaf := self._caches.leaves.get(place)) is None:
            before = node.before[part].copy()  # no view: it would keep the whole node
            counts = node.before[part + 1] - before
            leaf = Leaf(start, stop, before, counts, self._shuffled(piece, number, counts, stop - start))
            self._caches.leaves.put(place, leaf, len(leaf.labels) + 2 * before.nbytes + LEAF_OVERHEAD)
        self._leaf = leaf
        return leaf

    def _cut(self, piece: int, number: int, before: Ints, after: Ints, n: int) -> Node:
        """Cut an interval of n items in parts of equal length, to which every item belongs with equal odds."""
        odds = _ODDS[2 if n <= 2 * CUT else 4 if n <= 4 * CUT else 8]
        found = np.empty((len(odds) + 1, self.size), np.int64)
        found[0] = before
        found[1:] = self._lane.at(piece, number).multinomial(after - before, odds).T
        np.add.accumulate(found, axis=0, out=found)
        return _node(found)

    def _shuffled(self, piece: int, number: int, counts: Ints, n: int) -> Labels:
        """Return the labels sorted by random numbers (drawn again if two are equal) that hold them in their low bits.

        13 ns an item, where ``Generator.permutation`` takes 33.
        """
        self._lane.at(piece, number)
        names = np.repeat(self._names, counts)
        while True:
            keys = self._bits.random_raw(n // 2 + 1).astype("<u8", copy=False).view("<u4")[:n]
            keys &= ~self._low
            keys |= names
            keys.sort()
            if not ((keys[1:] ^ keys[:-1]) <= self._low).any():
                keys &= self._low
                labels = keys.astype(np.uint8)
                labels.flags.writeable = False  # kept, and handed out
                return labels

    def _local_of(self, leaf: Leaf) -> Ints:
        """Return the local indices of a leaf's items."""
        if self._local[0] is not leaf:
            local = np.empty(len(leaf.labels), np.int64)
            gaps = leaf.before - leaf.counts.cumsum() + leaf.counts
            local[leaf.labels.argsort(kind="stable")] = _RANKS[: len(local)] + np.repeat(gaps, leaf.counts)
            local.flags.writeable = False
            self._local = leaf, local
        return self._local[1]

    def _chunk_at(self, position: int) -> tuple[Node, int, int]:
        """Return the node whose parts are pieces: how a segment is cut at the top. It has number 0."""
        segment = bisect_right(self._froms, position) - 1
        chunk = _chunk_of(position - self._froms[segment])
        piece = segment * _SEGMENT + _chunk(chunk)[0]
        place = self._number, piece, 0
        if (node := self._caches.nodes.get(place)) is None:
            while len(self._starts) <= segment:
                self._starts.append(self._sum(len(self._starts) - 1, None))
            start = self._sum(segment, chunk)
            node = _node(np.vstack([start[None], start + self._pieces(segment, chunk).cumsum(axis=0)]))
            self._caches.nodes.put(place, node, node.before.nbytes + NODE_OVERHEAD)
        return node, piece, 0

    def _pieces(self, segment: int, chunk: int) -> Ints:
        """Return the counts of the pieces of a chunk: (pieces, K)."""
        piece, edges = _chunk(chunk)
        if segment + 1 < len(self._froms):
            length = self._froms[segment + 1] - self._froms[segment]
            edges = [*(edge for edge in edges if edge < length), length][: len(edges)]
        order, weights = self._weights[segment]
        found, rng = np.zeros((len(edges) - 1, self.size), np.int64), self._lane.at(segment * _SEGMENT + piece, 0)
        found[:, order] = rng.multinomial(np.diff(np.array(edges)), weights)
        return found

    def _sum(self, segment: int, chunk: int | None) -> Ints:
        """Return the counts before a chunk of a segment whose start is known, or (None) before the next segment."""
        if chunk is None:
            chunk = _chunk_of(self._froms[segment + 1] - self._froms[segment] - 1) + 1
        stride, marks = self._marks[1:] if self._marks[0] == segment else (1, {0: self._starts[segment]})
        known = max(mark for mark in marks if mark <= chunk)
        total = marks[known]
        for done in range(known, chunk):
            total = total + self._pieces(segment, done).sum(axis=0)
            if (done + 1) % stride == 0:
                marks[done + 1] = total
                if len(marks) > MARKS:  # so that marks stay few however far one goes
                    stride *= 2
                    marks = {mark: sums for mark, sums in marks.items() if mark % stride == 0}
        self._marks = segment, stride, marks
        return total


def _node(before: Ints) -> Node:
    """Every position before a part holds one label: their counts say where the part starts."""
    return Node(array("q", np.add.reduce(before, axis=1).tobytes()), before)


def _drawable(weights: Floats) -> tuple[Ints, Floats]:
    """Return labels of positive weight, light ones first, and their shares.

    ``multinomial`` takes what the others left for the last, and the share left shrinks as they go: a label of no weight
    must not be last, and the heaviest had better be, where rounding in what is left matters least.
    """
    order = np.argsort(weights, kind="stable")[np.count_nonzero(weights == 0) :]
    return order, weights[order] / weights[order].sum()


def _chunk_of(offset: int) -> int:
    """Return which chunk of a segment an offset is in: 0 has the pieces that grow, each later one CHUNK equal ones."""
    return max(0, 1 + (offset - _EDGES[-1]) // (CHUNK << LAST))


def _chunk(chunk: int) -> tuple[int, list[int]]:
    """Return the number of a chunk's first piece, and where its pieces start and the last one ends."""
    if chunk == 0:
        return 0, _EDGES
    start = _EDGES[-1] + (chunk - 1) * (CHUNK << LAST)
    return len(_EDGES) - 1 + (chunk - 1) * CHUNK, [start + (i << LAST) for i in range(CHUNK + 1)]
