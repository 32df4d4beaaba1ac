"""The ways through a tree, unrolled one at a time: with merges there can be more than fit anywhere."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from headrace.trees.plan import Plan
from headrace.trees.steps import Branch, steps_of


class Way(NamedTuple):
    """One way from the root to an end: the entries passed, and (branching, branch) of each choice."""

    entries: tuple[int, ...]
    choices: tuple[tuple[int, int], ...]


class Ways(Sequence[Way]):
    """All ways through a plan, in the order of its branches.

    Parameters
    ----------
    plan
        The plan.
    open_branches
        For an entry of a branching, the branches that can be taken; all by default.
    """

    def __init__(self, plan: Plan, open_branches: dict[int, list[int]] | None = None) -> None:
        self.plan: Plan = plan
        self.open: dict[int, list[int]] = open_branches or {}
        self.counts: dict[int, int] = self._counted()
        self._sums: dict[int, list[int]] = {}  # of the ways behind the branches of an entry, up to each

    def behind(self, k: int) -> list[tuple[int, int]]:
        """Return (branch, entry) of what can come behind an entry; branch -1 where there is no choice."""
        entry = self.plan[k]
        if "of" in entry:
            taken = self.open.get(k, range(len(entry["of"])))
            return [(j, entry["of"][j][1]) for j in taken]
        return [] if entry["next"] is None else [(-1, entry["next"])]

    def _counted(self) -> dict[int, int]:
        counts: dict[int, int] = {}
        waiting = [0]
        while waiting:
            k = waiting[-1]
            below = [entry for _, entry in self.behind(k)]
            todo = [entry for entry in below if entry not in counts]
            if todo:
                waiting.extend(todo)
                continue
            counts[k] = sum(counts[entry] for entry in below) if below else int("of" not in self.plan[k])
            waiting.pop()
        return counts

    def reaching(self) -> dict[int, int]:
        """Return how many ways pass each entry."""
        into = dict.fromkeys(self.counts, 0)
        into[0] = 1
        for k in self.in_order():
            for _, entry in self.behind(k):
                into[entry] += into[k]
        return {k: into[k] * self.counts[k] for k in into}

    def avoiding(self, entries: set[int]) -> int:
        """Return how many ways pass none of some entries."""
        counts: dict[int, int] = {}
        for k in reversed(self.in_order()):
            below = [entry for _, entry in self.behind(k)]
            inside = sum(counts[entry] for entry in below) if below else int("of" not in self.plan[k])
            counts[k] = 0 if k in entries else inside
        return counts[0]

    def in_order(self) -> list[int]:
        """Return the entries, each behind all that lead to it."""
        order: list[int] = []
        seen: set[int] = set()
        waiting: list[tuple[int, bool]] = [(0, False)]
        while waiting:
            k, done = waiting.pop()
            if done:
                order.append(k)
            elif k not in seen:
                seen.add(k)
                waiting.append((k, True))
                waiting.extend((entry, False) for _, entry in self.behind(k))
        return order[::-1]

    @property
    def total(self) -> int:
        """How many there are; :func:`len` says so as well, up to ``sys.maxsize``."""
        return self.counts[0]

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in _numbers(index, self.total)]
        left = index + self.total if index < 0 else index
        if not 0 <= left < self.total:
            raise IndexError(index)
        k, entries, choices = 0, [0], []
        while below := self.behind(k):
            place = 0
            if len(below) > 1:
                if k not in self._sums:
                    self._sums[k] = list(accumulate(self.counts[entry] for _, entry in below))
                place = bisect_right(self._sums[k], left)
                left -= self._sums[k][place - 1] if place else 0
            branch, following = below[place]
            if branch >= 0:
                choices.append((k, branch))
            k = following
            entries.append(k)
        return Way(tuple(entries), tuple(choices))

    def __iter__(self) -> Iterator[Way]:
        """Yield all ways, in one walk through the plan."""
        entries, choices = [0], list[tuple[int, int]]()
        waiting = [iter(self.behind(0))]
        if self.total and not self.behind(0):
            yield Way((0,), ())
        while waiting:
            branch, k = next(waiting[-1], (0, -1))
            if k < 0:  # all behind it is done
                waiting.pop()
                entries.pop()
                if entries and "of" in self.plan[entries[-1]]:
                    choices.pop()
            elif self.counts[k]:
                if branch >= 0:
                    choices.append((entries[-1], branch))
                entries.append(k)
                below = self.behind(k)
                if not below:
                    yield Way(tuple(entries), tuple(choices))
                waiting.append(iter(below))


def _numbers(index: slice, total: int) -> Iterator[int]:
    """Return the numbers of a slice of ``total`` things, which may be more than a range can hold."""
    start, stop, step = index.indices(total)
    while (stop - start) * step > 0:
        yield start
        start += step


def along(plan: Plan, way: Way) -> Plan:
    """Return a plan of one way alone, at the addresses that its nodes have in the whole."""
    taken = dict(way.choices)
    entries = []
    for n, k in enumerate(way.entries):
        entry = dict(plan[k])
        following = n + 1 if n + 1 < len(way.entries) else None
        if "of" in entry:
            entry["of"] = ((entry["of"][taken[k]][0], following),)
            entry["probs"] = None
        entry["next"] = following
        entries.append(entry)
    return Plan(entries)


def open_branches(plan: Plan, position: int) -> dict[int, list[int]]:
    """Return which branches have a chance above 0 at a sample's number, by the entry of their branching."""
    u = np.linspace(0, np.nextafter(1, 0), 257)  # in a gradual change, samples of one place are of several concepts
    at = np.full(len(u), position)
    found = {}
    for step in steps_of(plan):
        if isinstance(step, Branch):
            rows = slice(None) if step.table.schedule is not None and step.table.schedule.ahead else slice(1)
            chances = step.table.probabilities(at[rows], u[rows])
            found[step.place] = np.flatnonzero((chances > 0).any(axis=0)).tolist()
    return found


class Paths(Sequence[Any]):
    """The trees without branches that are the ways through a tree, each made when looked at."""

    def __init__(self, tree: Any, ways: Ways) -> None:
        self.tree: Any = tree
        self.ways: Ways = ways

    def __len__(self) -> int:
        return len(self.ways)

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return [self[i] for i in _numbers(k, self.ways.total)]
        return self.tree.of_way(self.ways[k])

    def __iter__(self) -> Iterator[Any]:
        return map(self.tree.of_way, self.ways)
