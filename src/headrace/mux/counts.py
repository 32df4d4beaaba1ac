"""Endless random sequences of few labels, many side by side, with an address for every position.

A piece of a sequence has known counts of labels. Think of every item in it as arriving at a uniform random time: the
order of arrival of labels with given counts is a uniform permutation, so a sequence of i.i.d. labels. Time, unlike
positions, is cut without tying the labels to each other: how many items of a label arrive in the first half of an
interval is one binomial draw. Halves are cut in halves down to *leaves* of about 2**LEAF items, which are put in
order outright.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.mux.descent import APART, HI, LABELS, LO, SHIFT, START, Descent, Entry, Piece, numbers_and_words
from headrace.mux.halves import Ints, spread

Labels = np.ndarray[Any, np.dtype[np.uint8]]

LEAF = 9  # log2 of the items of a leaf, at most and about: one item wanted sorts them all
DEPTHS = (3, 7, 12)  # steps above the leaves at which rows are kept, the first where few positions are wanted
BLOCK = 16  # leaves that are ordered together: their arrays should stay in cache


class Decks:
    """Endless sequences of i.i.d. labels 0 to K - 1, told apart by whole numbers.

    Parameters
    ----------
    size
        K, at most 64.
    piece
        What gives the piece of a sequence in which a position lies.
    limit
        How many bytes may be kept to answer faster; never part of the meaning.

    Examples
    --------
    >>> from headrace.core import Key
    >>> from headrace.mux.pieces import Pieces
    >>> pieces = Pieces([(0, np.array([1.0, 3.0]))], Key(7).lane(), 0)
    >>> decks = Decks(2, lambda deck, position: pieces.at(position), 1 << 20)
    >>> labels, local = decks.at(np.array([0, 0]), np.array([10**12, 10**12 + 1]))
    >>> labels.tolist(), (local - decks.before(np.array([0]), np.array([10**12]))[0, labels]).tolist()
    ([1, 1], [0, 1])
    """

    def __init__(self, size: int, piece: Callable[[int, int], Piece], limit: int) -> None:
        self.size = size
        self._descent = Descent(size, piece, LEAF, DEPTHS, limit)
        self._names = np.append(np.arange(size, dtype=np.uint64), np.uint64(2**64 - 1))  # of labels, and of none
        self._low = np.uint64((1 << max(1, (size - 1).bit_length())) - 1)  # bits of a hash that hold a label

    def at(self, deck: Ints, place: Ints) -> tuple[Labels, Ints]:
        """Return labels and local indices of positions (n,), which ascend within decks that ascend, and may repeat."""
        rows, labels, offsets = self._asked(deck, place)
        every = np.arange(len(place))
        label = labels[every, offsets]
        earlier = labels == label[:, None]
        earlier &= np.arange(labels.shape[1]) < offsets[:, None]
        return label, rows[every, label + np.int64(LABELS)] + np.add.reduce(earlier, axis=1, dtype=np.int64)

    def before(self, deck: Ints, place: Ints) -> Ints:
        """Return how often each label came before positions (n,), sorted as above: (n, K)."""
        return self._tallied(*self._asked(deck, place))

    def laid(self, deck: Ints, lo: Ints, hi: Ints) -> tuple[Labels, Ints]:
        """Return the labels of [lo, hi) of each of some decks, one behind the other, and what is before each ``lo``."""
        firsts = np.add.accumulate(hi - lo) - hi + lo
        entries: list[Entry] = []
        for d, x, end, first in zip(deck.tolist(), lo.tolist(), hi.tolist(), firsts.tolist(), strict=True):
            shift = first - x
            while x < end:
                depth, row, stop = self._descent.start(d, x, end)
                entries.append((depth, row, x + shift, min(stop, end) + shift, shift))
                x = stop
        rows = self._descent.down(entries, lambda position: position, DEPTHS[1:])
        labels = self._ordered(rows)
        start = rows[:, START] + rows[:, SHIFT]
        offsets, column = rows[:, LO] - start, np.arange(labels.shape[1])
        inside = column >= offsets[:, None]
        inside &= column < (rows[:, HI] - start)[:, None]
        head = rows[:, LO].searchsorted(firsts)
        return labels[inside], self._tallied(rows[head], labels[head], offsets[head])

    def _asked(self, deck: Ints, place: Ints) -> tuple[Ints, Labels, Ints]:
        """Return for each position its leaf's row, the leaf's labels in order, and where among them it is."""
        decks, places = deck.tolist(), place.tolist()
        measure = place.copy()
        entries: list[Entry] = []
        i = 0
        while i < len(places):
            depth, row, stop = self._descent.start(decks[i], places[i], 0)
            j = bisect_left(places, stop, i, bisect_right(decks, decks[i], i))
            shift = len(entries) * APART - int(row[START])
            entries.append((depth, row, i, j, shift))
            measure[i:j] += shift
            i = j
        rows = self._descent.down(entries, measure.searchsorted, DEPTHS)
        labels = self._ordered(rows)
        which = np.arange(len(rows)).repeat(rows[:, HI] - rows[:, LO])
        rows = rows[which]
        return rows, labels[which], place - rows[:, START]

    def _tallied(self, rows: Ints, labels: Labels, offsets: Ints) -> Ints:
        """Return how often each label came before some offsets in leaves."""
        found = rows[:, self._descent.before].copy()
        which, column = (np.arange(labels.shape[1]) < offsets[:, None]).nonzero()
        number = which * self.size + labels[which, column]
        found += np.bincount(number, minlength=found.size).reshape(found.shape)
        return found

    def _ordered(self, rows: Ints) -> Labels:
        """Return the labels of leaves in order, (leaves, widest), sorted by hashes that hold them in their low bits.

        What is left of a hash, 58 bits at least, agrees for two items of a leaf once in 2**40 leaves.
        """
        counts = rows[:, self._descent.counts]
        n = np.add.reduce(counts, axis=1)
        width = int(n.max())
        often = np.concatenate((counts, width - n[:, None]), axis=1)  # each label, and what fills up the line
        number, words = numbers_and_words(rows)
        found = np.empty((len(rows), width), np.uint8)
        for lo in range(0, len(rows), BLOCK):
            some = slice(lo, lo + BLOCK)
            keys = spread(number[some], words[some, 0], width)
            keys &= ~self._low
            keys |= np.tile(self._names, len(keys)).repeat(often[some].ravel()).reshape(keys.shape)
            keys.sort(axis=1)
            keys &= self._low
            found[some] = keys
        return found
