"""Items that lie in lists in memory, found by number without a step of Python for each, however many lists there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from headrace.core.items import all_flat, each_of, fresh

Held = Callable[[int, range], Sequence[Any]]
PAGE = 64  # items that are looked at and put down together
MOST = 1 << 22  # references on a shelf at most: 32 MiB once all have been wanted
NEAR = 1 << 14  # so many dicts, 5 MB, stay in cache; to copy one that does not costs six times as much
PIECE = 4096  # items taken together: what their references point to should stay in cache, too


class Shelf:
    """References to all items, list behind list, put down page by page as they are wanted: the first waits for few.

    Up to ``NEAR`` items are references to the very items, each copied for its owner. Of more dicts with the same fields
    the values are put down, to make dicts of: only what is handed out is then read from memory.

    Parameters
    ----------
    sizes
        How long each list is; places beyond are later laps. Lists of 0 items are not asked for.

    Examples
    --------
    >>> lists = [[{"a": 0}, {"a": 1}], [{"a": 2}]]
    >>> found = Shelf([2, 1]).items(
    ...     np.array([0, 1, 0, 0]), np.array([0, 0, 1, 2]), lambda k, at: lists[k][at.start : at.stop]
    ... )
    >>> [item for some in found for item in some]
    [{'a': 0}, {'a': 2}, {'a': 1}, {'a': 0}]
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self._sizes = np.array(sizes, np.int64)
        pages = -(-self._sizes // PAGE)
        self._starts = (pages.cumsum() - pages) * PAGE
        self._pages = int(pages.sum())
        self._own: Callable[[Any], Any] = dict.copy  # gives a whole item to its owner
        self._names: list[Any] | None = None  # of the fields whose values are put down, none for whole items

    def items(self, member: Any, local: Any, held: Held) -> Iterator[Iterator[Any]]:
        """Yield the items ``local[i]`` of the lists ``member[i]``, many at a time, in containers of their owner's.

        ``held(k, range(lo, hi))`` gives items of list k, the very ones, to be put down.
        """
        places = self._starts[member] + local % self._sizes[member]
        self._put_down(places // PAGE, held)
        for lo in range(0, len(places), PIECE):
            columns = self._references.take(places[lo : lo + PIECE], axis=0).T.tolist()
            if self._names:
                yield each_of(dict(zip(self._names, columns, strict=True)))
            else:
                yield map(self._own, columns[0])

    def _begin(self, names: list[Any]) -> None:
        self._names = names
        self._down = np.zeros(self._pages, bool)
        self._references = np.empty((self._pages * PAGE, len(names) or 1), object)  # memory is taken when written to

    def _put_down(self, pages: Any, held: Held) -> None:
        if self._names is None:
            some, total = self._items_on(int(pages[0]), held), self._sizes.sum()
            names = list(some[0]) if all_flat(some) else []
            self._begin(names if total > NEAR and total * len(names) <= MOST else [])
        for page in np.unique(pages[~self._down[pages]]).tolist():
            items, first = self._items_on(page, held), page * PAGE
            flat = all_flat(items)
            if self._names and not (flat and all(map(self._names.__eq__, map(list, items)))):
                self._begin([])  # no fields that all have: whole items then
                self._put_down(pages, held)
                return
            if not flat:
                self._own = fresh
            parts = chain.from_iterable(map(dict.values, items)) if self._names else items
            width = self._references.shape[1]
            found = np.fromiter(parts, object, len(items) * width)
            self._references[first : first + len(items)] = found.reshape(len(items), width)
            self._down[page] = True

    def _items_on(self, page: int, held: Held) -> Sequence[Any]:
        first = page * PAGE
        k = int(self._starts.searchsorted(first, side="right")) - 1  # an empty list starts where the next one does
        lo = first - int(self._starts[k])
        return held(k, range(lo, min(lo + PAGE, int(self._sizes[k]))))
