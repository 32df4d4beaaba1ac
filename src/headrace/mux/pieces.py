"""Where weights matter: an endless sequence is cut in pieces of known lengths, and the labels of each are counted.

The counts of a piece are one multinomial draw. Pieces grow with the position, so that little is drawn near the start
and few draws lead far away. Where weights change, pieces begin anew: a *segment* is what one row of weights holds for.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from headrace.core.key import Lane
from headrace.mux.descent import Piece
from headrace.mux.halves import Floats, Ints

FIRST, LAST = 18, 39  # log2 of the first and of the largest piece; piece by piece they grow eightfold
CHUNK = 16  # pieces of the largest length whose counts are drawn in one call
SHARES = 16  # segments whose shares are remembered
MARKS = 128  # sums remembered within a segment
EDGES = [sum(1 << power for power in range(FIRST, end, 3)) for end in range(FIRST, LAST + 2, 3)]  # of growing pieces
_SEGMENT = 1 << 40  # pieces of segment s have the numbers from s * _SEGMENT
_STEP, _ALL = 0xD6E8FEB86659FD93, 2**64 - 1


class Pieces:
    """The pieces of an endless sequence of i.i.d. labels 0 to K - 1.

    Parameters
    ----------
    table
        Pairs (position, weights (K,) float64) by position, the first at 0; each has a positive weight.
    lane
        A lane of random numbers, which may be shared by sequences of other numbers.
    number
        Which of them are this one's.

    Examples
    --------
    >>> from headrace.core import Key
    >>> pieces = Pieces([(0, np.array([1.0, 3.0]))], Key(7).lane(), 0)
    >>> piece = pieces.at(10**12)
    >>> piece.start <= 10**12 < piece.start + piece.length
    True
    >>> int(piece.before.sum()) == piece.start
    True
    """

    def __init__(self, table: Sequence[tuple[int, Floats]], lane: Lane, number: int) -> None:
        self.size: int = len(table[0][1])
        self._froms = [position for position, _ in table]
        self._weights = [weights for _, weights in table]
        self._shares: dict[int, tuple[Ints, Floats]] = {}  # of some segments, as they are drawn
        self._lane, self._number = lane, number
        self._starts = [np.zeros(self.size, np.int64)]  # counts before each segment, as far as they were asked for
        self._marks: tuple[int, int, dict[int, Ints]] = (-1, 1, {})  # of one segment: a stride, sums before chunks

    def at(self, position: int) -> Piece:
        """Return the piece in which a position lies."""
        segment = bisect_right(self._froms, position) - 1
        offset = position - self._froms[segment]
        chunk = _chunk_of(offset)
        while len(self._starts) <= segment:
            self._starts.append(self._sum(len(self._starts) - 1, None))
        edges = self._edges(segment, chunk)
        k = bisect_right(edges, offset) - 1
        words, counts = self._drawn(segment, chunk, edges[: k + 2])
        before = self._sum(segment, chunk) + np.add.reduce(counts[:-1])
        return Piece(self._froms[segment] + edges[k], edges[k + 1] - edges[k], words, before, counts[-1])

    def _edges(self, segment: int, chunk: int) -> list[int]:
        """Return where the pieces of a chunk start and the last one ends, within their segment, which may end earlier."""
        edges = _edges(chunk)
        if segment + 1 < len(self._froms):
            length = self._froms[segment + 1] - self._froms[segment]
            edges = [*(edge for edge in edges if edge < length), length][: len(edges)]
        return edges

    def _drawn(self, segment: int, chunk: int, edges: list[int]) -> tuple[tuple[int, int], Ints]:
        """Return the words of the last of some first pieces of a chunk, and the counts of all of them: (pieces, K)."""
        rng = self._lane.at(segment * _SEGMENT + chunk, self._number)
        first, second = rng.bit_generator.random_raw(2).tolist()
        if (shares := self._shares.get(segment)) is None:
            if len(self._shares) >= SHARES:
                self._shares.clear()
            shares = self._shares[segment] = _drawable(self._weights[segment])
        order, weights = shares
        lengths = np.diff(np.array(edges))
        found = np.zeros((len(lengths), self.size), np.int64)
        found[:, order] = rng.multinomial(lengths, weights)
        return ((first + len(lengths) * _STEP) & _ALL, second), found

    def _sum(self, segment: int, chunk: int | None) -> Ints:
        """Return the counts before a chunk of a segment whose start is known, or (None) before the next segment."""
        if chunk is None:
            chunk = _chunk_of(self._froms[segment + 1] - self._froms[segment] - 1) + 1
        stride, marks = self._marks[1:] if self._marks[0] == segment else (1, {0: self._starts[segment]})
        known = max(mark for mark in marks if mark <= chunk)
        total = marks[known]
        for done in range(known, chunk):
            total = total + self._drawn(segment, done, self._edges(segment, done))[1].sum(axis=0)
            if (done + 1) % stride == 0:
                marks[done + 1] = total
                if len(marks) > MARKS:  # so that marks stay few however far one goes
                    stride *= 2
                    marks = {mark: sums for mark, sums in marks.items() if mark % stride == 0}
        self._marks = segment, stride, marks
        return total


def _drawable(weights: Floats) -> tuple[Ints, Floats]:
    """Return labels of positive weight, light ones first, and their shares.

    ``multinomial`` takes what the others left for the last, and the share left shrinks as they go: a label of no weight
    must not be last, and the heaviest had better be, where rounding in what is left matters least.
    """
    order = np.argsort(weights, kind="stable")[np.count_nonzero(weights == 0) :]
    return order, weights[order] / weights[order].sum()


def _chunk_of(offset: int) -> int:
    """Return which chunk of a segment an offset is in: 0 has the pieces that grow, each later one CHUNK equal ones."""
    return max(0, 1 + (offset - EDGES[-1]) // (CHUNK << LAST))


def _edges(chunk: int) -> list[int]:
    if chunk == 0:
        return EDGES
    start = EDGES[-1] + (chunk - 1) * (CHUNK << LAST)
    return [start + (i << LAST) for i in range(CHUNK + 1)]
