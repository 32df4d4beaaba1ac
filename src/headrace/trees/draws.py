"""The random numbers of a tree, and what was made of them last.

Every random number has an address, (node, sample), reached by repositioning one generator. So a node more, or a draw more
in one, changes no number of another; and the choices of a branching can be drawn for many samples at once.
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

from headrace.core.indexed import Numbers
from headrace.core.key import Key, Lane
from headrace.trees.schedule import Floats

BLOCK = 256  # samples whose choices and moving values are made at once, where samples are walked in a row


@lru_cache(4096)  # a tree is walked anew after each update
def word_of(address: str) -> int:
    """Return the 64-bit number of an address: one counter word of the generator."""
    return int.from_bytes(blake2b(address.encode(), digest_size=8).digest(), "little")


CONCEPT = word_of("concept")


class Draws:
    """The random numbers of one binding of a tree to a key, and what was made of them last. Owned by one thread."""

    def __init__(self, key: Key, size: int) -> None:
        self.key: Key = key.child("tree")
        self.lane: Lane = self.key.lane()
        self.block: int = BLOCK
        self.picks: list[tuple[int, int, list[int]]] = [(0, 0, [])] * size  # (first sample, end, choices) by place
        self.moved: list[tuple[int, int, dict[str, list[Any]]]] = [(0, 0, {})] * size
        self.buffers: dict[int, deque[Any]] | None = None
        self.passed: dict[int, deque[Any]] = {}  # what buffers get with the samples made, once these are delivered
        self._own: dict[int, Lane] = {}

    def uniforms(self, at: Numbers, word: int, seed: int | None = None) -> Floats:
        """Return a number on [0, 1) for each sample."""
        lane = self.lane
        if seed is not None:
            if seed not in self._own:
                self._own[seed] = Key(seed).child(*self.key.path).lane()
            lane = self._own[seed]
        if not len(at):
            return np.empty(0)
        first, last = int(at[0]), int(at[-1])
        if last - first + 1 == len(at):  # samples in a row, which rows of one path need not be
            return lane.uniforms(first, len(at), word)
        lowest, highest = int(at.min()), int(at.max())
        if highest - lowest < 8 * len(at) + 64:
            return lane.uniforms(lowest, highest - lowest + 1, word)[at - lowest]
        return np.array([lane.uniforms(i, 1, word)[0] for i in at.tolist()])

    def passes(self, place: int, value: Any) -> None:
        """Have a value in store for a buffer."""
        assert self.buffers is not None
        if place not in self.passed:
            self.passed[place] = deque(maxlen=self.buffers[place].maxlen)
        self.passed[place].append(value)

    def deliver(self) -> None:
        """Fill the buffers with what has passed them."""
        assert self.buffers is not None
        for place, values in self.passed.items():
            self.buffers[place].extend(values)
        self.passed.clear()

    def around(self, i: int) -> Numbers:
        """Return the samples to make ready together with ``i``."""
        lo = i - i % self.block
        return np.arange(lo, lo + self.block, dtype=np.int64)
