"""A weighted random mix in which every item has a number."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import chain
from math import inf
from typing import Any, TypeVar

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.columns import Unlike, each_leaf, merged, narrowed
from headrace.core.cursor import Cursor
from headrace.core.indexed import (
    AHEAD,
    ENDLESS,
    Bound,
    Indexed,
    IndexedCursor,
    Places,
    numbers,
    reach_of,
    runs,
)
from headrace.core.items import each_of, stack
from headrace.core.key import Key, Seed
from headrace.core.knob import Knob
from headrace.core.places import together
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream, why_not
from headrace.errors import DataError, StreamConfigError
from headrace.mux.base import BaseMux, Name, close_all, normalised
from headrace.mux.choose import Floats
from headrace.mux.plan import Plan
from headrace.mux.shelf import MOST, Shelf
from headrace.mux.shuffled import ShuffledMux
from headrace.mux.weights import Schedule
from headrace.sources.source import Items, source

T = TypeVar("T")
WINDOW = 1 << 16  # rows gathered together at most: each member costs a call for each window,
WINDOW_BYTES = 4 << 20  # and as many bytes
FARTHEST = 1 << 54  # a first question takes 0.1 s there, and twice that for each power of two beyond
START = 32  # of the first window: the batch that a resumed run waits for, mostly


def mix(streams: Any, weights: Any = None, seed: Seed | None = None) -> Stream[Any]:
    """Draw each item from a member chosen at random by weight, and have any of them by its number.

    Items are drawn independently. Every member gives its own items in its own order, from the first; one that ends
    begins again with random numbers of its own. Item i depends on the seed and on i alone: it is found at once,
    however large i is, on any machine, in any part of ``shard(i, n)``.

    Parameters
    ----------
    streams
        Members: a list, or a dict that names them. Arrays, dicts of arrays, lists and whatever else
        :func:`headrace.source` takes are taken as it takes them.
    weights
        One number for each member (a dict for a dict), none negative; equal by default. Shares are kept in the long
        run and on the way. :func:`headrace.schedule` and :func:`headrace.ramp` make weights that change with the
        number of the item, :func:`headrace.temperature` and :func:`headrace.balance` such that follow sizes and labels.
    seed
        A seed of its own.

    Returns
    -------
    Stream
        With items by number when every member has them. Otherwise, or when the weights are a ``Knob``, a
        :class:`headrace.ShuffledMux` of the same meaning; ``print(stream)`` says because of which member.

    Raises
    ------
    StreamConfigError
        For no members, weights that do not fit them, or a schedule when a member has no items by number.
    DataError
        While running, when all members are empty at some point of a schedule.

    Examples
    --------
    >>> import headrace as hr
    >>> both = hr.mix({"a": ["a1", "a2", "a3"], "b": ["b1", "b2"]}, weights={"a": 3, "b": 1}, seed=7)
    >>> list(both(8)) == [both[i] for i in range(8)]
    True
    >>> both[10**12] in ("a1", "a2", "a3", "b1", "b2")
    True
    """
    named = isinstance(streams, Mapping)
    if isinstance(streams, Stream | np.ndarray | str):
        raise StreamConfigError(
            f"mix got {type(streams).__name__} for its members, wanted a list or a dict: mix([stream])."
        )
    try:
        names = list(streams) if named else None
        members = [_member(value) for value in (streams.values() if named else streams)]
    except TypeError:
        raise StreamConfigError(f"mix got {streams!r} for its members, wanted a list or a dict of streams.") from None
    made: Any = dict(zip(names, members, strict=True)) if names is not None else members
    without = next((k for k, member in enumerate(members) if member.access != "index"), None)
    if without is None and not isinstance(weights, Knob):
        return Mix(made, weights, seed)
    if isinstance(weights, Schedule):
        assert without is not None
        label, culprit = why_not(members[without])
        raise StreamConfigError(
            f"mix got a schedule of weights, and member {(names or range(len(members)))[without]!r} has no items by "
            f"number, because of {label}{culprit!r}.\n  A hr.Knob as weights can be turned while the stream runs."
        )
    return ShuffledMux(made, weights, seed=seed)


def _member(value: Any) -> Stream[Any]:
    if isinstance(value, Stream) or hasattr(value, "__recipe__"):
        return as_stream(value)
    if isinstance(value, str):
        return Items(value)
    by_number = hasattr(value, "__getitem__") and hasattr(value, "__len__")
    return source(value) if by_number else as_stream(value)


@register("mix", example=lambda: Mix([range(5), "abc", [7]], [1, 2, 0.5]))
@recipe
class Mix(Indexed[T], BaseMux[T]):
    """The recipe of :func:`mix` when every member has items by number.

    ``weights`` is an array (members,), or (steps, members) for a schedule; ``since`` the numbers from which they hold.
    """

    weights: Floats
    since: tuple[int, ...]

    def __init__(self, streams: Any, weights: Any = None, seed: Seed | None = None, since: Any = None) -> None:
        named = isinstance(streams, Mapping)
        values = [_member(value) for value in (streams.values() if named else streams)]
        self.members(dict(zip(streams, values, strict=True)) if named else values, seed)
        self.need_members()
        if isinstance(weights, Schedule):
            since, weights = zip(*weights.points, strict=True)
        elif since is not None:  # as params() tells them
            since, weights = tuple(since), list(weights)
        else:
            since, weights = (0,), [weights]
        rows = [normalised(self._by_name(row), "mix", len(self.streams)) for row in weights]
        self.fix(since=tuple(since), weights=rows[0] if len(rows) == 1 else np.array(rows))

    def _by_name(self, weights: Any) -> Any:
        if not isinstance(weights, Mapping):
            return weights
        if set(self.names) != set(weights):
            raise StreamConfigError(f"mix got weights for {list(weights)}, wanted one for each of {list(self.names)}.")
        return [weights[name] for name in self.names]

    def params(self) -> dict[str, Any]:
        params = super().params()
        if self.since == (0,):
            del params["since"]
        return params

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> Any:
        """Return the mix of these members, which may have become one without numbers."""
        if all(member.access == "index" for member in params["streams"]):
            return super().from_params(params)
        if "since" in params:
            raise StreamConfigError("mix got a schedule of weights and members without items by number.")
        return ShuffledMux.from_params(params)

    @property
    def size(self) -> float | None:
        """Endless, unless all members are empty."""
        known = self.__dict__.get("_size")
        if known is None:
            known = inf if any(member.size != 0 for member in self.streams) else 0
            self.fix(_size=known)
        return float(known)

    @property
    def spec(self) -> Spec | None:
        """That of its members, where they agree."""
        specs = [member.spec for member in self.streams]
        return specs[0] if specs.count(specs[0]) == len(specs) else None

    @property
    def reach(self) -> int:
        """2**54, or what members reach: beyond that the counts before a number take too long to add up."""
        known: int | None = self.__dict__.get("_reach")
        if known is None:
            known = min(FARTHEST, reach_of(self.streams))
            self.fix(_reach=known)
        return known

    @property
    def draws(self) -> bool:
        return True

    @property
    def gathers(self) -> bool:
        known: bool | None = self.__dict__.get("_gathers")
        if known is None:
            known = self.spec is not None and all(getattr(member, "gathers", False) for member in self.streams)
            self.fix(_gathers=known)
        return known

    @property
    def inert(self) -> bool:
        return all(getattr(member, "inert", False) for member in self.streams)

    def bind(self, key: Key) -> Bound[T]:
        return _Mixed(self, key)

    def start_indexed(self, key: Key) -> Cursor[T]:
        return _MixCursor(self, key)


class _Mixed(Bound[T]):
    """``plan`` says which member each number comes from, and which of its items."""

    stream: Mix[T]
    inner = ()
    _plan: Plan | None = None

    def __init__(self, stream: Mix[T], key: Key) -> None:
        super().__init__(stream, key)
        self.members: list[Bound[T] | None] = [None] * len(stream.streams)
        self.gathers = stream.gathers
        self.ahead = AHEAD if self.gathers else 0
        self._most = 0  # rows in a window, known with the first member
        self._lo = self._hi = self._next = 0
        self._rows: Any = None
        self._where: Any = None

    @property
    def plan(self) -> Plan:
        if self._plan is None:
            stream = self.stream
            members: tuple[Any, ...] = stream.streams
            sizes = [member.size for member in members]
            some = [
                _size(member) != 0 if size is None else size != 0 for member, size in zip(members, sizes, strict=True)
            ]
            weights = np.atleast_2d(stream.weights) * np.array(some)
            if not weights.any(axis=1).all():
                raise DataError("mix got empty members alone where the weights are; leave them out.")
            table = [(at, row / row.sum()) for at, row in zip(stream.since, weights, strict=True)]
            self._plan = Plan(table, self.key.child("plan"))
        return self._plan

    def member(self, k: int) -> Bound[T]:
        """Return member ``k``, bound when first wanted."""
        bound = self.members[k]
        if bound is None:
            stream: Any = self.stream.streams[k]
            bound = self.members[k] = stream.bound(self.key.child(self.stream.names[k], 0))
        return bound

    # --- columns --------------------------------------------------------------------------------

    def columns(self, at: Places) -> Any:
        follow = isinstance(at, range) and at.step == 1
        try:
            if isinstance(at, range) and follow and self.gathers:
                return self._from_window(at.start, at.stop)
            return _taken(*self._gathered(*self._choices(at), follow=follow))
        except Unlike:
            return stack(list(self.walk(at)), who="mix[a:b]")

    def _choices(self, at: Places) -> tuple[Any, Any]:
        if isinstance(at, range) and at.step == 1:
            return self.plan.span(at.start, at.stop)
        return self.plan.at(numbers(at))

    def _from_window(self, lo: int, hi: int) -> Any:
        """Return rows of the window, which grows while reads follow each other: a first one waits for no more."""
        if not self._lo <= lo <= hi <= self._hi:
            n = hi - lo
            grown = min(4 * max(n, self._hi - self._lo), self._limit()) if lo == self._next else n
            self._next = hi
            rows, where = self._gathered(*self.plan.span(lo, lo + max(n, grown)), follow=True)
            if grown <= n:
                return _taken(rows, where)
            self._lo, self._hi, self._rows, self._where = lo, lo + grown, rows, where
        self._next = hi
        return each_leaf(narrowed, _taken(self._rows, self._where[lo - self._lo : hi - self._lo]))

    def _limit(self) -> int:
        if not self._most:
            first = next(k for k, w in enumerate(self.stream.weights.reshape(-1, len(self.members)).sum(0)) if w)
            self._most = max(1, min(WINDOW, WINDOW_BYTES // self.member(first).row_bytes))
        return self._most

    def _gathered(self, member: Any, local: Any, *, follow: bool) -> tuple[Any, Any]:
        """Return the rows of some choices, member by member, and which of them each choice is.

        ``follow`` says that the choices are neighbours: then so are each member's places.
        """
        order = member.argsort(kind="stable")
        chosen, places = member[order], local[order]
        starts = np.concatenate(([0], np.flatnonzero(chosen[1:] != chosen[:-1]) + 1))
        ends = [*starts[1:].tolist(), len(chosen)]
        bounds = [self.member(k) for k in chosen[starts].tolist()]
        wanted: list[Places]
        if follow:
            firsts = places[starts].tolist()
            wanted = [range(a, a + hi - lo) for a, lo, hi in zip(firsts, starts.tolist(), ends, strict=True)]
        else:
            wanted = [places[lo:hi] for lo, hi in zip(starts.tolist(), ends, strict=True)]
        where = np.empty_like(order)
        where[order] = np.arange(len(order))
        return merged(together(bounds, wanted)), where

    # --- items ----------------------------------------------------------------------------------

    def walk(self, at: Places) -> Iterator[T]:
        if len(at) == 1:
            return self._several(at)
        if self._shelf is not None:
            return chain.from_iterable(self._held(self._shelf, at))
        if not isinstance(at, range) or at.step != 1:
            return self._several(at)
        if self.gathers:
            return chain.from_iterable(self._windows(at))
        if self.stream.inert:
            return chain.from_iterable(self._turns(at))
        return self._in_turn(at)

    @cached_property
    def _shelf(self) -> Shelf | None:
        """What finds items of members that all hold theirs, unless these are too many."""
        members: tuple[Any, ...] = self.stream.streams
        if not all(getattr(member, "holds", False) for member in members):
            return None
        sizes = [member.size for member in members]
        return Shelf(sizes) if sum(sizes) <= MOST else None

    def _held(self, shelf: Shelf, at: Places) -> Iterator[Iterator[T]]:
        for run in runs(at, WINDOW, START):
            yield from shelf.items(*self._choices(run), held=lambda k, some: self.member(k).held(some))

    def _windows(self, at: range) -> Iterator[Iterator[T]]:
        """Yield items many at a time, rows of columns that were gathered together."""
        done = at.start
        for run in runs(at, self._limit(), START):
            try:
                rows, where = self._gathered(*self._choices(run), follow=True)
            except Unlike:  # members differ in what rows are
                yield self._in_turn(range(done, at.stop))
                return
            for lo in range(0, len(run), AHEAD):  # in pieces, which stay in cache while they are handed out
                yield each_of(_taken(rows, where[lo : lo + AHEAD]))
            done += len(run)

    def _in_turn(self, at: range) -> Iterator[T]:
        """Yield items by asking members for their next: none makes an item before its turn."""
        for turn in self._turns(at):
            yield from turn  # from here, so that an error passes through this frame and names the member

    def _turns(self, at: range) -> Iterator[Iterator[T]]:
        walks: list[Any] = [None] * len(self.members)
        lo, step = at.start, START
        while lo < at.stop:
            hi = min(lo + step, at.stop)
            member, local = self.plan.span(lo, hi)
            new, where = np.unique(member, return_index=True)
            for k, first in zip(new.tolist(), local[where].tolist(), strict=True):
                if walks[k] is None:
                    walks[k] = self.member(k).walk(range(first, ENDLESS))
            yield builtins.map(next, builtins.map(walks.__getitem__, member.tolist()))
            lo, step = hi, min(4 * step, AHEAD)

    def _several(self, at: Places) -> Iterator[T]:
        for run in runs(at):
            member, local = self._choices(run)
            for k, j in zip(member.tolist(), local.tolist(), strict=True):
                yield from self.member(k).walk(range(j, j + 1))

    def label_of(self, bound: Any) -> str | None:
        return next((f"[{self.stream.names[k]!r}]" for k, mine in enumerate(self.members) if mine is bound), None)

    def close(self) -> None:
        close_all(bound for bound in self.members if bound is not None)


def _taken(rows: Any, where: Any) -> Any:
    """Return some rows in columns of their own: to take rows is quicker than to put each where it belongs."""
    return each_leaf(lambda column: column.take(where, axis=0), rows)


def _size(member: Any) -> float:
    """Return a member's size, from its files where it takes these to know."""
    size = member.size
    return float(member.extent() if size is None else size)


class _MixCursor(IndexedCursor[T]):
    stream: Any

    @property
    def counts(self) -> dict[Name, int]:
        """How many items each member has given up to here, since number 0; those that gave none left out."""
        bound: Any = self.bound()
        counts = bound.plan.before(self.position).tolist()
        return {name: n for name, n in zip(self.stream.names, counts, strict=True) if n}
