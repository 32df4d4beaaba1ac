"""A bounded working set of many streams: each gives a random quota of items, then another takes its place."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import cached_property
from itertools import islice
from typing import Any, ClassVar, Self, TypeVar

import numpy as np

from headrace.core.cursor import Cursor
from headrace.core.key import Key, Seed
from headrace.core.knob import Knob
from headrace.core.notes import warn
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Split
from headrace.errors import StreamConfigError
from headrace.mux.ahead import Ahead
from headrace.mux.base import SPENT, Dial, DrawingCursor, Members, Step, WeightedMux, Weights, close_all
from headrace.mux.choose import Slots, Table
from headrace.mux.pool import MODES, Mode, Pool
from headrace.mux.quotas import BLOCK, DISTS, Dist, quotas

T = TypeVar("T")
AHEAD = 4096  # choices made together at most: a cache, since every choice has a number of its own


@register(
    "stochastic_mux", example=lambda: StochasticMux(["abc", range(50), "", "wxyz", range(9)], 3, 4, [1, 2, 3, 0.5, 1])
)
@recipe
class StochasticMux(WeightedMux[T]):
    """Keep a working set of ``n_active`` members open, each for about ``rate`` items, then let another in.

    Memory is bounded by the working set, however many members there are: a member is opened when its first item is
    wanted and closed when its quota is spent.

    With replacement, members enter by weight and items come from the slots evenly: the expected share of a member is
    its weight, from the first item on, as long as members do not end before their quota. In the other modes a member
    has one slot at most, so slots are chosen by weight instead: shares are the weights whenever all members are active;
    else members of large weight, which cannot have two slots, get less than that.

    Parameters
    ----------
    streams
        Members: a list, or a dict that names them. Whatever makes items will do.
    n_active
        Size of the working set. Where a member can be active only once, more than there are members of positive
        weight are clamped to those, with a warning.
    rate
        Mean number of items that an activation gives, at least 1, at most as many as the member has. None: until the
        member ends.
    weights
        One number for each member (a dict for a dict), none negative; equal by default. A :class:`headrace.Knob` may be
        turned while the stream runs: slots follow at once, by how much the weight of their member has changed.
    mode
        ``"with_replacement"``: any member may enter, also twice at once. ``"single_active"``: one that is not active
        now. ``"exhaustive"``: one that has not been active yet; the stream ends when none is left. With ``rate=None``
        that gives every item of every member once.
    prune_empty_streams
        Never again choose a member that gave nothing on a visit. Otherwise it is tried again; a slot is given up when
        all that could enter it have given nothing in a row.
    dist
        Of the quota around its mean: ``"binomial"`` (variance (rate - 1) / n_active), ``"poisson"`` (rate - 1) or
        ``"constant"``.
    random_state, seed
        Two names for a seed of its own.
    lookahead
        How many of the next members to open in threads before they are needed, so that a slow open does not stall the
        stream. It changes no item. Their first item is made early, also when the stream stops before it.

    Raises
    ------
    StreamConfigError
        For no members, weights that do not fit them, an unknown mode or dist, ``rate`` below 1, ``n_active`` below 1.

    Examples
    --------
    >>> import headrace as hr
    >>> def walk(start):
    ...     while True:
    ...         yield start
    ...         start += 1
    >>> pool = [hr.Streamer(walk, 100 * k) for k in range(50)]
    >>> with hr.StochasticMux(pool, n_active=3, rate=4, seed=7).open() as cursor:
    ...     items = cursor.take(12)
    ...     counts = cursor.counts
    >>> sum(counts.values()), len(counts) >= 3
    (12, True)
    """

    n_active: int
    rate: float | None
    mode: Mode
    prune_empty_streams: bool
    dist: Dist
    lookahead: int

    tuning: ClassVar[tuple[str, ...]] = ("lookahead",)

    def __init__(
        self,
        streams: Members[T],
        n_active: int,
        rate: float | None,
        weights: Weights = None,
        mode: Mode = "with_replacement",
        prune_empty_streams: bool = True,
        dist: Dist = "binomial",
        random_state: Seed | None = None,
        *,
        seed: Seed | None = None,
        lookahead: int = 0,
    ) -> None:
        self.members(streams, random_state if seed is None else seed)
        self.need_members()
        self.weigh(weights)
        if mode not in MODES:
            raise StreamConfigError(f"stochastic_mux(mode=) got {mode!r}, wanted one of {', '.join(MODES)}.")
        if dist not in DISTS:
            raise StreamConfigError(f"stochastic_mux(dist=) got {dist!r}, wanted one of {', '.join(DISTS)}.")
        if rate is not None and not (_is_number(rate) and 1 <= rate < 2**53):
            raise StreamConfigError(
                f"stochastic_mux(rate=) got {rate!r}, wanted None or a mean number of items of at least 1."
            )
        for name, value, least in (("n_active", n_active, 1), ("lookahead", lookahead, 0)):
            if not _is_number(value) or value < least or value != int(value):
                raise StreamConfigError(
                    f"stochastic_mux({name}=) got {value!r}, wanted a whole number of at least {least}."
                )
        self.fix(
            n_active=int(n_active),
            rate=None if rate is None else float(rate),
            mode=mode,
            prune_empty_streams=bool(prune_empty_streams),
            dist=dist,
            lookahead=int(lookahead),
        )
        self._clamp()

    def _clamp(self, tell: bool = True) -> None:
        can = len(self.streams) if isinstance(self.weights, Knob) else int(np.count_nonzero(self.weights))
        if self.mode != "with_replacement" and self.n_active > can:
            if tell:
                warn(
                    f"stochastic_mux(n_active={self.n_active}) has {can} members that can be active, once each in mode "
                    f"{self.mode!r}: n_active is {can}."
                )
            self.fix(n_active=can)

    def shard(self, i: int, n: int) -> Self:
        part = super().shard(i, n)
        part._clamp(tell=False)
        return part

    @property
    def size(self) -> float | None:
        """The sum of its members' when each is run to its end once; endless where members come again."""
        if self.mode != "exhaustive":
            return self.endless()
        if self.rate is not None:
            return None
        sizes = [s.size for s, w in zip(self.streams, Dial(self.weights, self.n_streams, "").weights, strict=True) if w]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @cached_property
    def _table(self) -> Table | None:
        """Shared by all passes, so that an outer mux may open this one again and again."""
        return None if isinstance(self.weights, Knob) else Table(self.weights)

    def split(self) -> Split[T] | None:
        split = super().split()  # whose members are drawn ahead elsewhere: nothing is left to open ahead here
        return None if split is None else Split(split.streams, lambda others: self.with_(streams=others, lookahead=0))

    def start(self, key: Key) -> Cursor[T]:
        return _Stochastic(self, key)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


class _Slot:
    """Who is in, on which visit, for how many items, since which setting of the weights."""

    __slots__ = ("cursor", "member", "quota", "since", "visit")

    def __init__(self, member: int, visit: int, quota: int | None, since: int) -> None:
        self.member, self.visit, self.quota, self.since = member, visit, quota, since
        self.cursor: Cursor[Any] | None = None  # opened when its first item is wanted


class _Stochastic(DrawingCursor[T]):
    """Four counters address every random choice: ``draws`` of a slot, ``picks`` of a member, ``activations`` for the
    quota, and a visit number for each member's key. ``lost`` draws gave nothing, because they cost their slot.
    """

    stream: StochasticMux[T]
    lost = activations = 0

    def __init__(self, stream: StochasticMux[T], key: Key) -> None:
        super().__init__(stream, key)
        self.lane = key.child("slot", stream.part).lane()
        self.quota_lane = None if stream.rate is None else key.child("quota", stream.part).lane()
        self.dial = Dial(stream.weights, len(stream.streams), stream.node_name)
        self.pool = Pool(stream.mode, self.dial, stream._table, key, stream.part)
        self.empty: set[int] = set()  # gave nothing on a visit, and are not tried again
        self.idle: set[int] = set()  # gave nothing in the present search for a member
        self.failed: int | None = None  # the slot of a draw that failed: it is tried again
        self.visits: dict[int, int] = {}
        self.slots: list[_Slot] | None = None  # filled with the first item
        self._quotas_of = -1
        self.ahead = Ahead(self, stream.lookahead) if stream.lookahead else None

    @property
    def count(self) -> int:  # type: ignore[override]  # computed here, counted elsewhere
        return self.draws - self.lost

    @property
    def last(self) -> Any:
        """The name of the member that gave the last item; None before the first, or when its slot is gone."""
        slot = self._slot_of(self.draws - 1) if self.count else None
        return None if slot is None else self.stream.names[slot.member]

    # --- drawing --------------------------------------------------------------------------------

    def run(self) -> Generator[T, None, None]:
        if self.slots is None:
            self.slots = [self._admit(i) for i in self.pool.first(self.stream.n_active)]
        slots = self.slots
        steps = self._steps = [self._step(s, slot) for s, slot in enumerate(slots)]
        self._slot_weights = self._weighted()
        if self.ahead is not None:
            self.ahead.prepare()
        block = 16
        while slots:
            if self.dial.turn(self.draws):
                self._follow_knob()
            if self.failed is not None:
                item = self._retry(self.failed)
                if item is not SPENT:
                    yield item
                continue
            lost, weighted = self.lost, self._slot_weights
            while lost == self.lost and not self.dial.turned():
                uniform = self.lane.uniforms(self.draws, block)
                block = min(4 * block, AHEAD)
                choices: Iterator[int]
                if weighted is None:
                    choices = self.choose_ahead((uniform * len(steps)).astype(np.int64).tolist())
                else:
                    choices = map(weighted.choose, self.choose_ahead(uniform.tolist()))
                if self.dial.knob is not None:
                    choices = self.dial.watched(choices)
                for s in choices:
                    try:
                        try:
                            item = next(steps[s])
                        except StopIteration:
                            if (item := self._replace(s)) is SPENT:
                                break
                    except BaseException:
                        self.back_to(self.draws - 1)
                        self.failed = s  # the choice stands; what it chose is tried again
                        raise
                    yield item

    def _retry(self, s: int) -> Any:
        """Finish the draw that failed: its slot stands, whatever has changed since it was chosen."""
        self.back_to(self.draws + 1)
        try:
            try:
                item = next(self._steps[s])
            except StopIteration:
                item = self._replace(s)
        except BaseException:
            self.back_to(self.draws - 1)
            raise
        self.failed = None
        self._end_search()
        return item

    def pass_failed(self) -> None:
        """Give up the member that could not be opened: it counts as left."""
        if self.failed is not None and self.slots is not None and self.slots[self.failed].cursor is None:
            self.slots[self.failed].quota = 0
        self.restart()

    def _slot_of(self, draw: int) -> _Slot | None:
        """Return the slot that a draw chooses as things stand."""
        if not self.slots:
            return None
        uniform = float(self.lane.uniforms(draw, 1)[0])
        weighted = self._weighted()
        return self.slots[int(uniform * len(self.slots)) if weighted is None else weighted.choose(uniform)]

    def _weighted(self) -> Slots | None:
        """Return the slots by weight, or None when all weigh the same."""
        even = len(self.dial.log) <= 1 if self.stream.mode == "with_replacement" else self.pool.table.even
        return None if even or not self.slots else Slots([self._weight(slot) for slot in self.slots])

    def _weight(self, slot: _Slot) -> float:
        """Return how eagerly a slot is chosen: by its member's weight, or by how that has changed since it entered."""
        if slot.since < 0:  # to be replaced at once, see _follow_knob
            return 1.0 if self.stream.mode == "with_replacement" else 1 / self.stream.n_streams
        if self.stream.mode != "with_replacement":
            return float(self.dial.weights[slot.member])
        if len(self.dial.log) <= 1:
            return 1.0
        return float(self.dial.weights[slot.member]) / self.dial.log[slot.since][1][slot.member]

    def _follow_knob(self) -> None:
        """Choose by the new weights; members that now weigh nothing are replaced when next drawn."""
        assert self.slots is not None
        self.pool.set_table()
        for slot in self.slots:
            if not self.dial.weights[slot.member]:
                slot.quota, slot.since = 0 if slot.cursor is None else slot.cursor.count, -1
        self._steps[:] = [self._step(s, slot) for s, slot in enumerate(self.slots)]
        self._slot_weights = self._weighted()

    def _step(self, s: int, slot: _Slot) -> Step:
        """Return what gives the next item of a slot; it ends with the member or with its quota, never one too late."""
        if slot.cursor is None:
            return map(self._open, (s,))
        items = slot.cursor.items
        return items if slot.quota is None else islice(items, max(0, slot.quota - slot.cursor.count))

    # --- activation -----------------------------------------------------------------------------

    def _admit(self, member: int) -> _Slot:
        """Return a slot for a member's next visit, not opened yet."""
        visits = self.visits
        visit = visits[member] = visits.get(member, -1) + 1
        log = self.dial.log
        slot = _Slot(member, visit, self._quota(), len(log) - 1 if log else 0)
        if self.stream.mode != "with_replacement":
            self.pool.bar(member)
        return slot

    def _quota(self) -> int | None:
        lane, stream = self.quota_lane, self.stream
        if lane is None or stream.rate is None:
            return None
        n = self.activations
        self.activations = n + 1
        block, at = n // BLOCK, n % BLOCK
        if block != self._quotas_of:
            self._quotas_of = block
            self._quotas = quotas(stream.rate, stream.dist, stream.n_active, lane.at(block), BLOCK)
        return self._quotas[at]

    def cursor_for(self, member: int, visit: int) -> Cursor[T]:
        """Return a member's cursor for a visit."""
        stream = self.stream
        return stream.streams[member].open(self.key.child(stream.names[member], visit))

    def _open(self, s: int) -> Any:
        """Open the member in slot ``s`` and return its first item."""
        assert self.slots is not None
        slot = self.slots[s]
        if slot.quota == 0:  # its weight was turned to nothing before it was opened
            raise StopIteration
        if self.ahead is not None:
            ready = self.ahead.take(slot.member, slot.visit)
            if ready is not None:
                slot.cursor, item = ready
                self._steps[s] = self._step(s, slot)
                return item
        slot.cursor = cursor = self.cursor_for(slot.member, slot.visit)
        items, quota = cursor.items, slot.quota
        self._steps[s] = step = items if quota is None else islice(items, quota)
        return next(step)

    def _replace(self, s: int) -> Any:
        """Let the next member into slot ``s`` and return its first item, or give the slot up."""
        assert self.slots is not None
        slots = self.slots
        self._leave(slots[s])
        while (member := self.pool.next()) is not None:
            slots[s] = self._admit(member)
            if self._slot_weights is not None:
                self._slot_weights.set(s, self._weight(slots[s]))
            try:
                item = self._open(s)
            except StopIteration:
                self._leave(slots[s])
            else:
                self._end_search()
                if self.ahead is not None:
                    self.ahead.prepare()
                return item
        self._end_search()
        last = slots.pop()
        self._steps.pop()
        weighted = self._slot_weights
        if weighted is not None:
            weight = weighted.weights[len(slots)]
            weighted.set(len(slots), 0.0)
        if s < len(slots):
            slots[s], self._steps[s] = last, self._step(s, last)
            if weighted is not None:
                weighted.set(s, weight)
        self.lost += 1
        return SPENT

    def _leave(self, slot: _Slot) -> None:
        """Close the member in a slot; one that gave nothing is not tried again, or not in this search."""
        member, cursor = slot.member, slot.cursor
        gave = 0
        if cursor is not None:
            gave = cursor.count
            self.given[member] = self.given.get(member, 0) + gave
        if not gave and slot.quota != 0:
            (self.empty if self.stream.prune_empty_streams else self.idle).add(member)
            self.pool.bar(member)
        elif self.stream.mode != "with_replacement" and member not in self.empty and member not in self.idle:
            self.pool.unbar(member)
        if cursor is not None:  # last, and left already: the user's code may raise here
            slot.cursor, slot.quota = None, 0
            cursor.close()

    def _end_search(self) -> None:
        """Let the members that gave nothing be tried again."""
        if self.idle:
            for member in self.idle:
                self.pool.unbar(member)
            self.idle.clear()

    # --- state ----------------------------------------------------------------------------------

    def open_cursors(self) -> Iterator[tuple[int, Cursor[T]]]:
        for slot in self.slots or ():
            if slot.cursor is not None:
                yield slot.member, slot.cursor

    def save(self) -> Any:
        saved: dict[str, Any] = {
            "at": [self.draws, self.lost, self.pool.picks, self.activations],
            "empty": sorted(self.empty),
            "visits": [[i, visit] for i, visit in self.visits.items()],
            "slots": None
            if self.slots is None
            else [
                [slot.member, slot.visit, slot.quota, slot.since, None if slot.cursor is None else slot.cursor.save()]
                for slot in self.slots
            ],
        }
        if self.failed is not None:
            saved["failed"] = [self.failed, sorted(self.idle)]
        return saved if self.dial.knob is None else {**saved, "knob": self.dial.save()}

    def load(self, saved: Any) -> None:
        self.restart()
        self._close_members()
        if "knob" in saved:
            self.dial.load(saved["knob"])
        draws, self.lost, self.pool.picks, self.activations = saved["at"]
        self.back_to(draws)
        self.failed, idle = saved.get("failed", (None, ()))
        self.empty, self.idle = set(saved["empty"]), set(idle)
        self.pool.barred = self.empty | self.idle
        self.visits = dict(saved["visits"])
        self.slots = None if saved["slots"] is None else [self._reopened(*slot) for slot in saved["slots"]]
        self.pool.set_table(self.stream._table)
        self.forget_counts()

    def _reopened(self, member: int, visit: int, quota: int | None, since: int, inside: Any) -> _Slot:
        slot = _Slot(member, visit, quota, since)
        if inside is not None:
            slot.cursor = self.cursor_for(member, visit)
            slot.cursor.come_to(inside)
        if self.stream.mode != "with_replacement":
            self.pool.barred.add(member)
        return slot

    def _close_members(self) -> None:
        close_all(cursor for _, cursor in self.open_cursors())

    def release(self) -> None:
        try:
            if self.ahead is not None:
                self.ahead.close()
        finally:
            self._close_members()
