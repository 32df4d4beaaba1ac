"""A sequence of frames in several pieces of memory, none of which changes: what a growing stream is at one moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from headrace.core.indexed import Numbers
from headrace.core.plain import SAMPLE, WHOLE, array_digest, digest
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.layout import Array


class Film:
    """Frames in pieces.

    Parameters
    ----------
    pieces
        Arrays of frames, ``(n, ...)``, one behind the other.
    gone
        How many frames of the first piece do not count.
    count
        How many frames count.

    Examples
    --------
    >>> film = Film((np.arange(3).reshape(3, 1, 1), np.arange(4).reshape(4, 1, 1)), 1, 5)
    >>> film.part(0, 5).ravel().tolist(), film == Film((film.whole(),), 0, 5)
    ([1, 2, 0, 1, 2], True)
    """

    pieces: tuple[Array, ...]
    gone: int
    count: int

    def __init__(self, pieces: tuple[Array, ...], gone: int, count: int) -> None:
        self.pieces, self.gone, self.count = pieces, gone, count
        self._starts = [0]
        for piece in pieces:
            self._starts.append(self._starts[-1] + len(piece))

    def part(self, lo: int, hi: int) -> Array:
        """Return frames ``lo`` to ``hi``: a read-only view where they lie in one piece."""
        found = [*self._parts(lo + self.gone, hi + self.gone)]
        if len(found) != 1:
            return np.concatenate(found) if found else self.pieces[0][:0]
        view = found[0]
        view.flags.writeable = False
        return view

    def _parts(self, lo: int, hi: int) -> Iterator[Array]:
        k = bisect_right(self._starts, lo) - 1
        while lo < hi:
            first, end = self._starts[k], min(hi, self._starts[k + 1])
            yield self.pieces[k][lo - first : end - first]
            lo, k = end, k + 1

    def having(self, at: int, frames: Array) -> Film:
        """Return a film with others in place of the frames from ``at`` on; all but a megabyte around them is shared.

        Examples
        --------
        >>> film = Film((np.zeros((4, 1, 1)),), 0, 4)
        >>> film.having(1, np.ones((2, 1, 1))).whole().ravel().tolist(), film.whole().ravel().tolist()
        ([0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0])
        """
        made: list[Array] = []
        at, end = at + self.gone, at + self.gone + len(frames)
        length = max(1, WHOLE // max(1, self.pieces[0][:1].nbytes))
        for piece, start in zip(self.pieces, self._starts, strict=False):
            if end <= start or start + len(piece) <= at:
                made.append(piece)
                continue
            for first in range(start, start + len(piece), length):  # what is put later copies as little
                part = piece[first - start : first - start + length]
                lo, hi = max(at, first), min(end, first + len(part))
                if lo < hi:
                    part = part.copy()
                    part[lo - first : hi - first] = frames[lo - at : hi - at]
                made.append(part)
        return Film(tuple(made), self.gone, self.count)

    def whole(self) -> Array:
        """Return all frames in one array, which is not the caller's to change."""
        return self.part(0, self.count)

    def __plain__(self) -> Any:
        """Return what makes two of them equal, for fingerprints."""
        first = self.pieces[0]
        shape = [self.count, *first.shape[1:]]
        return {"array": first.dtype.str, "shape": shape, "digest": self._digest()}

    def _digest(self) -> str:
        """Return what :func:`array_digest` of all frames would: of many a strided sample, taken piece by piece."""
        each = prod(self.pieces[0].shape[1:])
        nbytes = self.count * each * self.pieces[0].itemsize
        if nbytes <= WHOLE:
            return array_digest(self.whole())
        step, before, sample = nbytes // SAMPLE | 1, 0, []
        for part in self._parts(self.gone, self.gone + self.count):
            flat = part.reshape(-1) if part.flags.c_contiguous else part.flat  # neither reads it all
            sample.append(flat[-before % step :: step])
            before += len(part) * each
        return digest(np.concatenate(sample).tobytes())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Film) or other.count != self.count:
            return False
        mine, theirs = self.pieces[0], other.pieces[0]
        if (mine.dtype, mine.shape[1:]) != (theirs.dtype, theirs.shape[1:]):
            return False
        step = max(1, WHOLE // max(1, prod(mine.shape[1:]) * mine.itemsize))
        nan = mine.dtype.kind == "f"
        cuts = [(lo, min(lo + step, self.count)) for lo in range(0, self.count, step)]
        return all(np.array_equal(self.part(*cut), other.part(*cut), equal_nan=nan) for cut in cuts)

    def __hash__(self) -> int:
        return hash((self.count, self.pieces[0].shape[1:]))

    def __reduce__(self) -> Any:
        return Film, ((self.whole(),), 0, self.count)

    def __repr__(self) -> str:
        return f"{self.pieces[0].dtype}{(self.count, *self.pieces[0].shape[1:])}"


@register("film", example=lambda: Kept(Film((np.arange(24.0).reshape(12, 1, 2), np.ones((5, 1, 2))), 2, 14)))
@recipe
class Kept(Footage):
    """The recipe of :class:`headrace.frames.SequenceStream`: its frames at one moment."""

    film: Film

    def reader(self) -> FrameReader:
        return _Reader(self.film)


class _Reader(FrameReader):
    def __init__(self, film: Film) -> None:
        self.film = film
        self.header = Header(film.count, film.pieces[0].shape[1:], film.pieces[0].dtype)

    def read(self, lo: int, hi: int) -> Array:
        return self.film.part(lo, hi)

    def pick(self, at: Numbers) -> Array:
        if len(self.film.pieces) == 1:
            return self.film.pieces[0].take(at + self.film.gone, axis=0)
        return super().pick(at)
