"""Every item once, in a random order, without a buffer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from headrace.core.indexed import AHEAD, ENDLESS, Bound, Places, numbers, runs
from headrace.core.key import Key, Seed, seed_integer
from headrace.core.op import Nothing, Op
from headrace.core.places import Moved, Rearranged, together
from headrace.core.recipe import recipe
from headrace.core.registry import find, register
from headrace.core.stream import Stream, part_of, why_not
from headrace.errors import StreamConfigError
from headrace.ops.base import one_seed
from headrace.ops.cipher import permuted

T = TypeVar("T")


def permute(*, seed: Seed | None = None, random_state: Seed | None = None) -> Op[T, T]:
    """Give every item once, in an order drawn from the key: exact, with nothing kept and nothing run ahead.

    Item i is one item of the source, found at once; so a permuted stream keeps its numbers, and is shuffled as well at
    its first item as at its billionth. Each lap of ``permute() | repeat()`` has an order of its own.

    Parameters
    ----------
    seed, random_state
        Two names for a seed of its own.

    Raises
    ------
    StreamConfigError
        When the source has no items by number (``hr.shuffle(buffer)`` needs none), or no end: permute first, then
        repeat.

    Examples
    --------
    >>> import headrace as hr
    >>> stream = (hr.source(range(6)) | hr.permute() | hr.repeat()).seeded(7)
    >>> epochs = list(stream(12))
    >>> sorted(epochs[:6]) == sorted(epochs[6:]) == list(range(6))
    True
    >>> stream[10**12] in range(6)
    True
    """
    chosen = one_seed("permute", seed, random_state)
    return Op(Permute) if chosen is None else Op(_seeded, seed_integer(chosen))


def _seeded(source: Stream[T], seed: int) -> Stream[T]:
    return Permute(source).seeded(seed)


@register("permute", example=lambda: Permute(find("functional").make(_square, (), {}, 60)))
@recipe
class Permute(Rearranged[T]):
    """The recipe of :func:`permute`."""

    source: Stream[T]

    def __post_init__(self) -> None:
        if isinstance(self.source, Nothing):
            return
        if self.source.access != "index":
            label, culprit = why_not(self.source)
            raise StreamConfigError(
                f"permute() got {self.source!r}, whose items have no numbers, because of {label}{culprit!r}.\n"
                "  Use hr.shuffle(buffer), or put hr.source(...) over what has a length and [i]."
            )
        size = self.source.size
        if size is not None and size > ENDLESS:
            raise StreamConfigError(
                f"permute() got {self.source!r} of size {size}, wanted an end, at most 2**62 items away.\n"
                "  Write permute() | repeat(), or take(n) before it."
            )

    @property
    def size(self) -> float | None:
        return self.source.size

    @property
    def draws(self) -> bool:
        return True

    def bind(self, key: Key) -> Bound[T]:
        source: Any = self.source
        return _Permuted(self, key, source.bound(key.child("in")))


class _Permuted(Moved[T]):
    def __init__(self, stream: Permute[T], key: Key, source: Bound[T]) -> None:
        super().__init__(stream, key, source)
        part = part_of(stream)
        self.words = (key.child("permute", part) if part else key.child("permute")).words
        self.n = int(self.size)
        self._lo = self._hi = 0  # of the places found last
        self._found: Places = range(0)

    def place(self, at: Places) -> Places:
        return permuted(self.words, self.n, numbers(at))

    def walk(self, at: Places) -> Iterator[T]:
        for run in runs(at):
            yield from self.source.walk(self.place(run))

    def columns(self, at: Places) -> Any:
        return self.source.columns(self._ahead(at) if isinstance(at, range) and at.step == 1 else self.place(at))

    def _ahead(self, at: range) -> Places:
        """Return ``place(at)``, found for more at a time while questions follow each other: many cost little more."""
        lo, hi = at.start, at.stop
        if not self._lo <= lo <= hi <= self._hi:
            more = 8 * max(hi - lo, self._hi - self._lo) if lo == self._hi else 0
            lap = (lo // self.n + 1) * self.n
            self._hi = max(hi, min(lo + min(more, AHEAD), lap))
            self._lo, self._found = lo, self.place(range(lo, self._hi))
        return self._found[lo - self._lo : hi - self._lo]

    @classmethod
    def together(cls, bounds: list[Any], places: list[Places]) -> list[Any]:
        """Answer for several permutations with one call of the cipher."""
        counts = [len(at) for at in places]
        words = np.repeat(np.array([bound.words for bound in bounds]).T, counts, axis=1)
        sizes = np.repeat(np.array([bound.n for bound in bounds]), counts)
        found = permuted(words, sizes, np.concatenate([numbers(at) for at in places]))
        ends = np.cumsum(counts).tolist()
        inside = [found[end - n : end] for end, n in zip(ends, counts, strict=True)]
        return together([bound.source for bound in bounds], inside)


def _square(i: int) -> int:
    return i * i
