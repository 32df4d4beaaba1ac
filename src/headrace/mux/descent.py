"""The way down: intervals of random time in which items arrive, cut in halves, with all positions wanted at once.

A *row* is an interval: how often each label came before, how often it comes within. Rows with positions wanted are cut
in halves together, and again, down to a given size: a step costs a few dozen calls of NumPy for however many rows, and
most of that is their fixed cost. Some rows are kept, so that later questions start from them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from headrace.mux.halves import Ints, Words, halves

Rank = Callable[[Ints], Any]  # how many of the places wanted come before positions, told in the measure of their rows

# Columns of a row: where its interval starts, its number among the halves of its piece (1, then 2 n and 2 n + 1),
# which of the places wanted lie in it, what turns its positions into `Rank`'s measure, the words of its piece, whose
# sequence it is of; then how often each label came before, and how often it comes in the interval.
START, NUMBER, LO, HI, SHIFT, WORDS, DECK, LABELS = 0, 1, 2, 3, 4, 5, 7, 8
APART = 1 << 40  # of the measures of rows that start from different entries: more than any piece is long
OVERHEAD = 350  # bytes of the Python objects around a row that is kept
_NEVER = 1 << 62

F = TypeVar("F", bound=tuple[Any, ...])
Found = tuple[int, Ints, int]  # steps to go, row, where it ends
Entry = tuple[int, Ints, int, int, int]  # steps to go, row, the `LO`, `HI` and `SHIFT` it starts with


class Piece(NamedTuple):
    """Some neighbouring positions, how often each label comes there, and the two words its further numbers hang on."""

    start: int
    length: int
    words: Sequence[int]
    before: Ints  # (K,): how often each label came earlier
    counts: Ints  # (K,)


class Descent:
    """From pieces down to rows of about ``2**smallest`` items, for sequences told apart by whole numbers.

    Parameters
    ----------
    size
        How many labels there are.
    piece
        What gives the piece of a sequence in which a position lies.
    smallest
        log2 of the items of the rows that are wanted, at most and about.
    depths
        How many steps above the smallest rows are kept.
    limit
        How many bytes are kept, about; never part of the meaning.
    """

    def __init__(
        self, size: int, piece: Callable[[int, int], Piece], smallest: int, depths: tuple[int, ...], limit: int
    ) -> None:
        self.size = size
        self.before: slice = slice(LABELS, LABELS + size)
        self.counts: slice = slice(LABELS + size, LABELS + 2 * size)
        self._piece, self._smallest = piece, smallest
        share = limit // (8 * (LABELS + 2 * size) + OVERHEAD) // (1 + len(depths))
        self._kept: dict[int, Kept[Found]] = {depth: Kept(share) for depth in depths}
        self._roots: Kept[Found] = Kept(share)

    def start(self, deck: int, position: int, end: int) -> Found:
        """Return what is kept nearest above a position, and if it is not 0, above all of a range that ends at ``end``.

        The end that comes with it is how far it is good for further positions.
        """
        following = _NEVER
        for kept in self._kept.values():
            found, following = kept.find(deck, position)
            if found is not None and found[2] >= end:
                return found
        found, _ = self._roots.find(deck, position)
        if found is None:
            piece = self._piece(deck, position)
            row = np.empty(LABELS + 2 * self.size, np.int64)
            row[:LABELS] = piece.start, 1, 0, 0, 0, 0, 0, deck
            row.view(np.uint64)[WORDS : WORDS + 2] = piece.words
            row[self.before], row[self.counts] = piece.before, piece.counts
            steps = max(0, (piece.length - 1).bit_length() - self._smallest)
            found = steps, row, piece.start + piece.length
            self._roots.put(deck, piece.start, found)
        return found if end else (found[0], found[1], min(found[2], following))

    def down(self, entries: list[Entry], rank: Rank, keep: tuple[int, ...]) -> Ints:
        """Return the smallest rows that hold places wanted, by place, and keep rows at the depths ``keep``."""
        waiting: dict[int, list[Entry]] = {}
        for entry in entries:
            waiting.setdefault(entry[0], []).append(entry)
        rows = np.empty((0, LABELS + 2 * self.size), np.int64)
        for depth in range(max(waiting), -1, -1):
            if depth in keep and len(rows):
                self._keep(depth, rows)
            if depth in waiting:
                _, some, los, his, shifts = zip(*waiting[depth], strict=True)
                joining = np.array(some)
                joining[:, LO], joining[:, HI], joining[:, SHIFT] = los, his, shifts
                rows = np.concatenate((rows, joining)) if len(rows) else joining
            if depth:
                rows = self._halved(rows, rank)
        return rows[rows[:, LO].argsort()] if len(rows) > 1 else rows

    def _keep(self, depth: int, rows: Ints) -> None:
        kept = self._kept[depth]
        starts = rows[:, START]
        stops = starts + np.add.reduce(rows[:, self.counts], axis=1)
        copies = map(np.copy, rows)  # no views: they would keep all the others
        for deck, start, stop, row in zip(rows[:, DECK].tolist(), starts.tolist(), stops.tolist(), copies, strict=True):
            kept.put(deck, start, (depth, row, stop))

    def _halved(self, rows: Ints, rank: Rank) -> Ints:
        """Return the rows of those halves of some intervals in which there are places wanted."""
        left = halves(rows[:, self.counts], *numbers_and_words(rows))
        middle = rows[:, START] + np.add.reduce(left, axis=1)
        border = rank(middle + rows[:, SHIFT])
        into_first, into_second = border > rows[:, LO], border < rows[:, HI]
        rows[:, NUMBER] *= 2
        if not (into_first & into_second).any():  # one way each, as mostly: where they are, and quicker
            rows[:, NUMBER] += into_second
            rows[:, START] = np.where(into_second, middle, rows[:, START])
            second_way = into_second[:, None]
            rows[:, self.before] += left * second_way
            rows[:, self.counts] = np.where(second_way, rows[:, self.counts] - left, left)
            return rows
        border = np.minimum(np.maximum(border, rows[:, LO]), rows[:, HI])
        some = into_first.nonzero()[0]
        first = rows[some]
        first[:, HI] = border[some]
        first[:, self.counts] = left[some]
        some = into_second.nonzero()[0]
        second, passed = rows[some], left[some]
        second[:, START] = middle[some]
        second[:, NUMBER] += 1
        second[:, LO] = border[some]
        second[:, self.before] += passed
        second[:, self.counts] -= passed
        return np.concatenate((first, second))


class Kept(Generic[F]):
    """What is known of intervals, by sequence and by where they start; forgotten all at once when it is too much.

    What is known is a tuple whose last part is where the interval ends.

    Parameters
    ----------
    limit
        Of how many intervals.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._n = limit, 0
        self._by_deck: dict[int, tuple[list[int], list[F]]] = {}

    def find(self, deck: int, position: int) -> tuple[F | None, int]:
        """Return what is known of an interval that holds a position, and where the next one known starts."""
        if (known := self._by_deck.get(deck)) is None:
            return None, _NEVER
        starts, found = known
        i = bisect_right(starts, position)
        following = starts[i] if i < len(starts) else _NEVER
        return (found[i - 1] if i and position < found[i - 1][-1] else None), following

    def put(self, deck: int, start: int, known: F) -> None:
        """Keep what is known of the interval that begins at ``start``."""
        if self._n >= self._limit:
            self._by_deck, self._n = {}, 0
        starts, found = self._by_deck.setdefault(deck, ([], []))
        i = bisect_left(starts, start)
        if i == len(starts) or starts[i] != start:
            starts.insert(i, start)
            found.insert(i, known)
            self._n += 1


def numbers_and_words(rows: Ints) -> tuple[Words, Words]:
    """Return what the random numbers of rows hang on."""
    found = rows.view(np.uint64)
    return found[:, NUMBER], found[:, WORDS : WORDS + 2]
