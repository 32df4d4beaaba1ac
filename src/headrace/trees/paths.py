"""The ways through a tree, unrolled one at a time: with merges there can be more than fit anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from headrace.trees.plan import Plan


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
            while left >= self.counts[below[place][1]]:
                left -= self.counts[below[place][1]]
                place += 1
            branch, following = below[place]
            if branch >= 0:
                choices.append((k, branch))
            k = following
            entries.append(k)
        return Way(tuple(entries), tuple(choices))

    def __iter__(self) -> Iterator[Way]:
        return map(self.__getitem__, _numbers(slice(None), self.total))


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
