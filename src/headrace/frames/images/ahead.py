"""Decoded frames by number: the last ones are kept, and some threads decode ahead of who asks.

``background(where="thread")`` makes items ahead in their order; here frames are asked for by number, and in blocks.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import get_ident

from headrace.frames.base.layout import Array


class Decoded:
    """Frames that a function decodes, each kept until ``most`` others have been asked for.

    Parameters
    ----------
    decode
        Returns the frame with a number; called in threads where there are several.
    count
        How many frames there are.
    threads
        How many are decoded at once; 1 decodes a frame when it is asked for.
    most
        How many are kept.

    Attributes
    ----------
    all_kept : bool
        Whether all frames can be kept: from the second lap on none is decoded.

    Examples
    --------
    >>> import numpy as np
    >>> frames = Decoded(lambda k: np.full(2, k), count=9, threads=2, most=4)
    >>> frames.get(3, 5).tolist()
    [3, 3]
    >>> frames.close()
    """

    all_kept: bool

    def __init__(self, decode: Callable[[int], Array], count: int, threads: int, most: int) -> None:
        self._decode, self._count, self._threads, self._most = decode, count, threads, max(1, most)
        self.all_kept = count <= self._most
        self._kept: OrderedDict[int, Array] = OrderedDict()
        self._coming: dict[int, Future[Array]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._inside: set[int] = set()  # of the threads

    def get(self, k: int, end: int, *, again: bool = True) -> Array:
        """Return frame ``k``; those up to ``end`` will be asked for next.

        It is kept, and not the caller's to change, where it may be wanted ``again``. Raises what decoding it raises; those
        behind it raise when they are asked for.
        """
        known = self._kept.get(k)
        if known is not None:
            self._kept.move_to_end(k)
            if self._threads > 1:
                self._look_ahead(k + 1, end)
            return known
        if self._threads == 1:
            made = self._decode(k)
        else:
            self._look_ahead(k, end)
            made = self._coming.pop(k).result()
        if again:
            self._kept[k] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made

    def _look_ahead(self, k: int, end: int) -> None:
        """Let the threads begin with frame ``k``, and with some behind it."""
        ahead = range(k, min(self._count, max(end, k + 1) + self._threads, k + 2 * self._threads))
        for far in [place for place in self._coming if place not in ahead]:  # a seek has come between
            self._coming.pop(far).cancel()
        if self._pool is None:
            inside = self._inside = set()  # by itself, so that the threads do not keep this
            self._pool = ThreadPoolExecutor(
                self._threads, "headrace-decode", initializer=lambda: inside.add(get_ident())
            )
        for place in ahead:
            if place not in self._coming and place not in self._kept:
                self._coming[place] = self._pool.submit(self._decode, place)

    def close(self) -> None:
        """End the threads; frames that are under way are waited for and dropped."""
        pool, self._pool = self._pool, None
        self._coming.clear()
        self._kept.clear()
        if pool is not None:
            # Python may collect this in one of the threads, which cannot wait for itself.
            pool.shutdown(wait=get_ident() not in self._inside, cancel_futures=True)
