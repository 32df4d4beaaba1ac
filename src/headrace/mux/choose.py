"""Choose by weight: many at a time from fixed weights, one at a time from weights that move."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from math import nextafter
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
GROUP = 64  # slots summed together: one replacement adds up one group and the totals of all


class Table:
    """Turn uniform numbers into members by weight, many at a time.

    A guide table (Chen & Asau, "On generating random variates from an empirical distribution", AIIE Transactions 6,
    1974) lands at or just before the answer: equal to ``edges.searchsorted(uniform, side="right")``, and several times
    faster once there are many members. Equal weights need no table.
    """

    n: int
    even: bool
    edges: Floats
    cells: int
    guide: np.ndarray[Any, np.dtype[np.intp]]

    def __init__(self, weights: Floats) -> None:
        self.n = len(weights)
        self.even = bool((weights == weights[0]).all())
        if self.even:
            return
        self.edges = weights.cumsum()
        self.edges /= self.edges[-1]
        self.edges[np.flatnonzero(weights)[-1] :] = 2.0  # the last that can be chosen is above every uniform number
        self.cells = 2 << self.n.bit_length()
        self.guide = self.edges.searchsorted(np.arange(self.cells) / self.cells, side="right")

    def choose(self, uniform: Floats) -> list[int]:
        """Return a member for each number on [0, 1)."""
        chosen: list[int]
        if self.even:
            chosen = (uniform * self.n).astype(np.int64).tolist()
            return chosen
        found = self.guide[(uniform * self.cells).astype(np.int64)]
        for _ in range(3):
            behind = self.edges[found] <= uniform
            found += behind
        if behind.any():
            found[behind] = self.edges.searchsorted(uniform[behind], side="right")
        chosen = found.tolist()
        return chosen


def order_by_weight(weights: Floats, rng: np.random.Generator) -> list[int]:
    """Return all members of positive weight in a random order, as drawn one after another by weight.

    Efraimidis & Spirakis, "Weighted random sampling with a reservoir", Information Processing Letters 97 (2006): the
    order of exponential waiting times with the weights as rates.
    """
    wait = rng.exponential(size=len(weights))
    with np.errstate(divide="ignore"):
        wait /= weights
    order: list[int] = wait.argsort(kind="stable")[: np.count_nonzero(weights)].tolist()
    return order


class Slots:
    """Turn uniform numbers into slots whose weights change one at a time.

    Sums are made anew from the weights, never added to, so that a resumed run has them to the bit.
    """

    weights: list[float]
    total: float

    def __init__(self, weights: list[float]) -> None:
        self.weights = weights
        self._inside = [list(accumulate(weights[a : a + GROUP])) for a in range(0, len(weights), GROUP)]
        self._add_up()

    def _add_up(self) -> None:
        self._totals = list(accumulate(group[-1] for group in self._inside))
        self.total = self._totals[-1]

    def set(self, slot: int, weight: float) -> None:
        """Change the weight of one slot."""
        if self.weights[slot] == weight:
            return
        self.weights[slot] = weight
        group = slot // GROUP
        self._inside[group] = list(accumulate(self.weights[group * GROUP : (group + 1) * GROUP]))
        self._add_up()

    def choose(self, uniform: float) -> int:
        """Return the slot for a number on [0, 1), never one of weight 0."""
        at = uniform * self.total
        if at >= self.total:  # rounded up
            at = nextafter(self.total, 0.0)
        group = bisect_right(self._totals, at)
        inside = self._inside[group]
        within = bisect_right(inside, at - (self._totals[group - 1] if group else 0.0))
        if within == len(inside):  # sums are rounded: take the last slot of the group that can be chosen
            within = bisect_left(inside, inside[-1])
        return group * GROUP + within
