"""All members open, each item from one chosen by weight."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.key import Key, Seed
from headrace.core.knob import Knob
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import why_not
from headrace.mux.base import SPENT, Dial, DrawingCursor, Members, Step, WeightedMux, Weights, close_all
from headrace.mux.choose import Floats, Table

T = TypeVar("T")
AHEAD = 4096  # choices made together at most: a cache, since every choice has a number of its own


@register("shuffled_mux", example=lambda: ShuffledMux(["abc", range(5), "", "wxyz"], [1, 2, 3, 0.5]))
@recipe
class ShuffledMux(WeightedMux[T]):
    """Every member stays open, and each item comes from one chosen at random by ``weights``.

    A member that ends is opened again when it is next chosen, with numbers of its own; one that then gives nothing
    leaves the mix. The stream ends when all have. A member's long-run share of the items is its weight, and members of
    weight 0 are never opened.

    Parameters
    ----------
    streams
        Members: a list, or a dict that names them. Whatever makes items will do.
    weights
        One number for each member (a dict for a dict), none negative; equal by default. A :class:`headrace.Knob` may be
        turned while the stream runs.
    random_state, seed
        Two names for a seed of its own.

    Raises
    ------
    StreamConfigError
        For no members, weights that do not fit them, or something that is no seed.

    Examples
    --------
    >>> import headrace as hr
    >>> mux = hr.ShuffledMux({"a": "aaa", "b": "bbb"}, weights={"a": 3, "b": 1}, seed=7)
    >>> "".join(mux.iterate(10))
    'aaaabaaaba'
    """

    def __init__(
        self,
        streams: Members[T],
        weights: Weights = None,
        random_state: Seed | None = None,
        *,
        seed: Seed | None = None,
    ) -> None:
        self.members(streams, random_state if seed is None else seed)
        self.need_members()
        self.weigh(weights)

    @property
    def size(self) -> float | None:
        """Endless as soon as a member is known to give anything."""
        return self.endless()

    def remarks(self) -> tuple[str, ...]:
        """Say what keeps its items from having numbers, as those of :func:`headrace.mix` have."""
        if isinstance(self.weights, Knob):
            return ("its items have no numbers, because its weights are a knob",)
        for label, member in zip(self.child_labels(), self.streams, strict=True):
            if member.access == "cursor":
                inside, culprit = why_not(member)
                return (f"its items have no numbers, because of {label} {inside}{culprit!r}",)
        return ("every member has items by number: hr.mix of them has, too",)

    @cached_property
    def _table(self) -> Table | None:
        """Shared by all passes, so that an outer mux may open this one again and again."""
        return None if isinstance(self.weights, Knob) else Table(self.weights)

    def start(self, key: Key) -> Cursor[T]:
        return _Shuffled(self, key)


class _Shuffled(DrawingCursor[T]):
    """``draws`` counts the choices made; each is a function of its number, of the weights and of who has retired."""

    stream: ShuffledMux[T]
    _left = _half = 0.0  # weight of those not retired, and half of the table's
    _stale = False  # too many have retired: time for another table

    def __init__(self, stream: ShuffledMux[T], key: Key) -> None:
        super().__init__(stream, key)
        self.lane = key.child("choose", stream.part).lane()
        self.dial = Dial(stream.weights, len(stream.streams), stream.node_name)
        self.retired: list[int] = []
        self.lost = 0  # draws that gave nothing, because they chose who had retired or did so then
        self.visits: dict[int, int] = {}
        self.cursors: dict[int, Cursor[T]] = {}

    @property
    def count(self) -> int:  # type: ignore[override]  # computed here, counted elsewhere
        return self.draws - self.lost

    @property
    def last(self) -> Any:
        """The name of the member that gave the last item; None before the first."""
        for draw in range(self.draws - 1, -1, -1):  # the last draw, but for the few that chose who had retired
            chosen = self._chosen(draw)
            if chosen is None:
                return None
            if chosen not in self.retired:
                return self.stream.names[chosen]
        return None

    def _chosen(self, draw: int) -> int | None:
        """Return the member that a draw chooses as things stand."""
        table = self._table()
        return None if table is None else table.choose(self.lane.uniforms(draw, 1))[0]

    def pass_failed(self) -> None:
        """Retire the member that could not be opened."""
        chosen = self._chosen(self.draws)
        if chosen is not None and chosen not in self.cursors:
            self.retired.append(chosen)
            self.lost += 1
            self.back_to(self.draws + 1)
        self.restart()

    def _table(self) -> Table | None:
        """Return what choices are made by, None when all members have retired.

        Those who retire stay in the table, and draws that choose them are lost, until half of its weight is gone: so
        that many retirements cost few tables. Which have left it follows from the order in which they retired.
        """
        table = self.stream._table
        if table is not None and not self.retired:
            return table
        weights: Floats = np.array(self.dial.weights)
        total = left = float(weights.sum())
        gone = 0
        for k, i in enumerate(self.retired, 1):
            left -= float(self.dial.weights[i])
            if left <= total / 2:
                weights[self.retired[gone:k]] = 0.0
                gone, total = k, float(weights.sum())
                left = total
        self._half = total / 2
        self._left = left
        if len(self.retired) >= np.count_nonzero(self.dial.weights):
            return None
        return table if table is not None and not gone else Table(weights)

    def run(self) -> Generator[T, None, None]:
        steps: list[Step] = [map(self._first, (i,)) for i in range(len(self.stream.streams))]
        for i in self.retired:
            steps[i] = iter(())
        for i, cursor in self.cursors.items():
            steps[i] = cursor.items
        self._steps = steps
        ahead = 16
        while True:
            self.dial.turn(self.draws)
            table = self._table()
            if table is None:
                return
            self._stale = False
            while not self._stale and not self.dial.turned():
                choices = self.choose_ahead(table.choose(self.lane.uniforms(self.draws, ahead)))
                if self.dial.knob is not None:
                    choices = self.dial.watched(choices)
                ahead = min(4 * ahead, AHEAD)
                for i in choices:
                    try:
                        try:
                            item = next(steps[i])
                        except StopIteration:
                            if (item := self._renew(i)) is SPENT:
                                self.lost += 1
                                if self._stale:
                                    break
                                continue
                    except BaseException:
                        self.back_to(self.draws - 1)  # the choice stands; what it chose is tried again
                        raise
                    yield item

    def _open(self, i: int) -> Cursor[T]:
        member = self.stream.streams[i]
        self.cursors[i] = cursor = member.open(self.key.child(self.stream.names[i], self.visits.get(i, 0)))
        return cursor

    def _first(self, i: int) -> T:
        self._steps[i] = items = self._open(i).items
        return next(items)

    def _renew(self, i: int) -> Any:
        """Return the first item of the next visit, or retire a member that has nothing to give."""
        if i not in self.cursors:  # retired, and still in the table
            return SPENT
        gave = self.cursors[i].count
        self.cursors[i].close()
        if gave:
            self.given[i] = self.given.get(i, 0) + gave
            self.visits[i] = self.visits.get(i, 0) + 1
            self._steps[i] = items = self._open(i).items
            try:
                return next(items)
            except StopIteration:
                self.cursors[i].close()
        del self.cursors[i]
        self.retired.append(i)
        self._steps[i] = iter(())
        if len(self.retired) == 1:
            self._left = float(self.dial.weights.sum())
            self._half = self._left / 2
        self._left -= float(self.dial.weights[i])
        self._stale = self._left <= self._half
        return SPENT

    def open_cursors(self) -> Iterator[tuple[int, Cursor[T]]]:
        return iter(list(self.cursors.items()))

    def save(self) -> Any:
        members = [[i, self.visits.get(i, 0), cursor.save()] for i, cursor in self.cursors.items()]
        saved = {"draws": self.draws, "lost": self.lost, "retired": list(self.retired), "open": members}
        return saved if self.dial.knob is None else {**saved, "knob": self.dial.save()}

    def load(self, saved: Any) -> None:
        self._close_members()
        self.back_to(saved["draws"])
        self.lost, self.retired = saved["lost"], list(saved["retired"])
        self.visits = {i: visit for i, visit, _ in saved["open"]}
        for i, _, inside in saved["open"]:
            self._open(i).come_to(inside)
        if "knob" in saved:
            self.dial.load(saved["knob"])
        self.forget_counts()
        self.restart()

    def _close_members(self) -> None:
        cursors, self.cursors = self.cursors, {}
        close_all(cursors.values())

    def release(self) -> None:
        close_all(self.cursors.values())
