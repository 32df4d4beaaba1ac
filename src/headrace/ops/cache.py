"""Give costly items more than once."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from math import inf
from typing import Any, TypeVar

import numpy as np

from headrace.core.batch import Batch
from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor
from headrace.core.items import branches, rebuilt
from headrace.core.key import Key, Seed, seed_integer
from headrace.core.op import Op
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.ops.base import END, OpCursor, one_seed, uniforms_from
from headrace.ops.select import count_of

T = TypeVar("T")


def cache(n_cache: int, prob: float = 0.5, *, seed: Seed | None = None, random_state: Seed | None = None) -> Op[T, T]:
    """Give items of a cache of ``n_cache`` again and again, renewing one of them now and then.

    The first ``n_cache`` items pass straight through and fill the cache. After that each step picks a place of the
    cache, every one with the same chance; with probability ``prob`` a new item of the source takes that place; the
    item in that place is given. The stream ends when a new item is wanted and there is none. An item is so given
    about ``1 / prob`` times.

    Parameters
    ----------
    n_cache
        How many items are kept. They are part of the state, which is JSON values and arrays as long as the items are.
    prob
        Share of steps that draw a new item, above 0 and at most 1.
    seed, random_state
        A root of its own for this stream and all below it: an integer, ``SeedSequence`` or NumPy generator.

    Returns
    -------
    Op
        Its items have containers of their own, and arrays that are read-only, since they may come again.

    Raises
    ------
    StreamConfigError
        When ``n_cache`` is not a whole number of at least 1, or ``prob`` or the seed is none.

    Examples
    --------
    >>> import headrace as hr
    >>> echoed = list(hr.Streamer(range(100)) | hr.cache(10, prob=0.25, seed=7))
    >>> echoed[:10] == list(range(10)), 250 < len(echoed) < 550
    (True, True)
    """
    return Op(Cache, n_cache, prob, seed=one_seed("cache", seed, random_state))


@register("cache", example=lambda: Cache(as_stream(range(28)), 8, 0.5))
@recipe
class Cache(Stream[T]):
    """The recipe of :func:`cache`."""

    source: Stream[T]
    n_cache: int
    prob: float

    def __init__(self, source: Stream[T], n_cache: int, prob: float = 0.5, seed: Seed | None = None) -> None:
        self.fix(source=source, n_cache=count_of("cache(n_cache)", n_cache), prob=_share(prob))
        if seed is not None:
            self.fix(seed=seed_integer(seed))

    @property
    def size(self) -> float | None:
        """That of the source, where nothing is given twice; it is not known otherwise."""
        size = self.source.size
        return size if size is not None and (self.prob == 1 or size <= self.n_cache or size == inf) else None

    def start(self, key: Key) -> Cursor[T]:
        return _Caching(self, key)


class _Caching(OpCursor[T]):
    """``held`` is the cache, and behind it at first one new item: a source that only just fills the cache has ended."""

    stream: Cache[T]

    def __init__(self, stream: Cache[T], key: Key) -> None:
        super().__init__(stream, key, inside=key.child("in"))

    def run(self) -> Generator[T, None, None]:
        held, n, prob, source = self.held, self.stream.n_cache, self.stream.prob, self.source
        for item in islice(source.items, max(0, n - len(held))):
            held.append(item)
            self.count += 1
            yield again(item)
        if self.count <= n and len(held) <= n:
            held.extend(islice(source.items, 1))
            if len(held) <= n:
                return
        chances = uniforms_from(self.lane("cache"), 2 * (self.count - n))
        for chance, where in zip(chances, chances, strict=True):  # two for each step
            place = int(where * n)
            if chance < prob:
                new = held.pop() if len(held) > n else next(source.items, END)
                if new is END:
                    return
                held[place] = new
            self.count += 1
            yield again(held[place])


def again(item: Any) -> Any:
    """Return an item that may be given again: fresh containers, and arrays that cannot be written to."""
    if isinstance(item, np.ndarray):
        view = item.view()
        view.flags.writeable = False
        return view
    if isinstance(item, list):
        return list(item)
    parts = branches(item)
    if parts is None:
        return item
    fresh = {name: again(part) for name, part in parts}
    return Batch.of(fresh) if isinstance(item, Batch) else rebuilt(item, fresh)


def _share(prob: Any) -> float:
    try:
        share = float(prob)
    except (TypeError, ValueError):
        share = 0.0
    if not 0 < share <= 1:
        raise StreamConfigError(f"cache(prob=) got {prob!r}, wanted a share above 0 and at most 1.")
    return share
