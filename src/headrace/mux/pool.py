"""Who enters a free slot: the policy of a working set."""

from __future__ import annotations

from typing import Literal

import numpy as np

from headrace.core.key import Key, Lane
from headrace.mux.base import Dial
from headrace.mux.choose import Slots, Table, order_by_weight

Mode = Literal["with_replacement", "single_active", "exhaustive"]
MODES: tuple[Mode, ...] = ("with_replacement", "single_active", "exhaustive")
AHEAD = 512  # candidates drawn together at most: a cache, since each has a number of its own
TRIES = 64  # candidates refused in a row before choosing among those that are left


class Pool:
    """Chooses members by weight. ``picks`` numbers the choices and is all that it saves.

    Parameters
    ----------
    mode
        Whether a member may be active twice (``with_replacement``), once at a time (``single_active``) or once at all
        (``exhaustive``).
    table
        The table of the weights, when they are fixed.
    """

    mode: Mode
    dial: Dial
    picks: int
    key: Key
    lane: Lane
    table: Table
    barred: set[int]

    def __init__(self, mode: Mode, dial: Dial, table: Table | None, key: Key, part: str) -> None:
        self.mode, self.dial, self.picks = mode, dial, 0
        self.key = key.child("member", part)
        self.lane = self.key.lane()
        self.barred = set()
        self.set_table(table)

    def set_table(self, table: Table | None = None) -> None:
        """Follow weights that have changed, or a state that was loaded: forget all that was made from them."""
        self.table = table or Table(self.dial.weights)
        self._positive = int(np.count_nonzero(self.dial.weights))
        self._drawn: list[int] = []
        self._drawn_from = 0
        self._free: Slots | None = None
        self._order: list[int] | None = None

    def bar(self, member: int) -> None:
        """Choose ``member`` no more."""
        self.barred.add(member)
        if self._free is not None:
            self._free.set(member, 0.0)

    def unbar(self, member: int) -> None:
        """Choose ``member`` again."""
        self.barred.discard(member)
        if self._free is not None:
            self._free.set(member, float(self.dial.weights[member]))

    def first(self, n: int) -> list[int]:
        """Return the members that begin.

        With replacement a systematic sample of the members in random order (Madow 1949): each as often as its weight says, to within one, so that
        ``n_active == n_streams`` with equal weights takes each once. Else the first of an order by weight.
        """
        if self.mode == "with_replacement":
            rng = self.key.child("fill").rng()
            mixed = rng.permutation(len(self.dial.weights))  # or members that stand at equal steps would come together
            edges = self.dial.weights[mixed].cumsum()
            places = (np.arange(n) + rng.random()) / n * edges[-1]
            chosen: list[int] = mixed[edges.searchsorted(places, side="right").clip(max=len(mixed) - 1)].tolist()
            return chosen
        order = self.order() if self.mode == "exhaustive" else self._sample(self.key.child("fill"))
        if self.mode == "exhaustive":
            self.picks = min(n, len(order))
        return order[:n]

    def order(self) -> list[int]:
        """Return the order in which members come in ``exhaustive`` mode."""
        if self._order is None:
            self._order = self._sample(self.key.child("order"))
        return self._order

    def _sample(self, key: Key) -> list[int]:
        weights = self.dial.weights if self.dial.knob is None else np.array(self.dial.log[0][1])
        return order_by_weight(weights, key.rng())

    def next(self) -> int | None:
        """Return the member to enter, by weight among those not barred; None when there are none left."""
        if self.mode == "exhaustive":
            return self._next_in_order()
        for _ in range(0 if self._few_left() else TRIES):
            if not 0 <= self.picks - self._drawn_from < len(self._drawn):
                ahead = min(4 * len(self._drawn) + 4, AHEAD)
                self._drawn_from = self.picks
                self._drawn = self.table.choose(self.lane.uniforms(self.picks, ahead))
            chosen = self._drawn[self.picks - self._drawn_from]
            self.picks += 1
            if chosen not in self.barred:
                return chosen
        free = self._those_left()
        if not free.total:
            return None
        self.picks += 1
        return free.choose(self._uniform(self.picks))

    def _next_in_order(self) -> int | None:
        order = self.order()
        while self.picks < len(order):
            self.picks += 1
            chosen = order[self.picks - 1]
            if chosen not in self.barred and self.dial.weights[chosen]:
                return chosen
        return None

    def _few_left(self) -> bool:
        """Tell whether most members are barred, so that choosing among the others beats choosing again and again."""
        return 2 * len(self.barred) > self._positive

    def _those_left(self) -> Slots:
        """Return the members by weight, those barred weighing nothing; made once, then kept up."""
        if self._free is None:
            weights = np.array(self.dial.weights)
            weights[list(self.barred)] = 0.0
            self._free = Slots(weights.tolist())
        return self._free

    def _uniform(self, pick: int) -> float:
        return float(self.lane.at(pick, 1).random())

    def peek(self, n: int) -> list[int]:
        """Return up to ``n`` members that would be next as things stand, choosing none."""
        if self.mode == "exhaustive":
            return self.order()[self.picks : self.picks + n]
        if self._few_left():
            free = self._those_left()
            return [free.choose(self._uniform(self.picks + 1 + k)) for k in range(n if free.total else 0)]
        likely = self.table.choose(self.lane.uniforms(self.picks, 4 * n + 4))
        return [i for i in dict.fromkeys(likely) if i not in self.barred][:n]
