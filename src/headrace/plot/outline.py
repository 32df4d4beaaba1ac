"""What is drawn of a tree: boxes one after another, and branches beside each other, cut where there are too many.

The entries of a tree's plan are such a series by construction: what comes behind a branching comes behind all of its
branches. So it is a series again, and is drawn once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import islice
from math import inf
from typing import Any

import numpy as np

from headrace.core.checks import whole_number
from headrace.errors import StreamConfigError
from headrace.plot.svg import shortened
from headrace.trees.drift import kinds_of
from headrace.trees.nodes import Node
from headrace.trees.parameter import Parameter
from headrace.trees.plan import Entry, Plan
from headrace.trees.schedule import Schedule
from headrace.trees.sequence import Drawn
from headrace.trees.tree import SamplingTree

MOST = 200  # boxes of a drawing that can still be looked at
_SHARE = 5  # a branching shows a fifth of them at most, so that one does not take all the room
_VALUE = 32  # columns of a value
_COURSE = 3  # values of a schedule
_DEPTH = 60  # branchings inside branches: deeper than anybody looks, and than Python calls itself


@dataclass
class Line:
    """A parameter of a node, as text; whether it moves, and then what kind of drift that is."""

    name: str
    value: str
    drift: str | None = None
    whole: str = ""  # the value in full, where ``value`` is a summary

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@dataclass
class Box:
    """A node, or what stands for nodes that are left out.

    ``kind`` is that of the plan's entry: ``"call"``, ``"label"``, ``"branch"``, ``"buffer"``, ``"pass"``, ``"node"``; or
    ``"more"``.
    """

    id: int
    kind: str
    name: str
    lines: list[Line] = field(default_factory=list)
    entry: int | None = None  # its place in the plan
    node: Node | None = None
    end: bool = False


@dataclass
class Branch:
    """One branch: what is written at its beginning, and what it consists of."""

    label: str
    series: Series


@dataclass
class Fork:
    """A branching, and its branches."""

    box: Box
    branches: list[Branch] = field(default_factory=list)


Series = list["Box | Fork"]


class Outline:
    """What is drawn of a tree.

    Parameters
    ----------
    tree
        The tree; nothing of it moves.
    most
        How many boxes there are at most, besides those that say how much is left out; None for all.

    Raises
    ------
    StreamConfigError
        For what is no tree, or a number that is none.
    """

    def __init__(self, tree: SamplingTree, most: int | None = MOST) -> None:
        if not isinstance(tree, SamplingTree):
            raise StreamConfigError(f"a drawing got {tree!r}, wanted a SamplingTree.\n  SamplingTree([...]) makes one.")
        moment = tree.moment()
        self.plan: Plan = moment.recipe.plan
        self.nodes: list[Node] = list(moment.nodes)
        self.kinds: dict[str, str] = kinds_of(
            self.plan, {k for k, node in enumerate(self.nodes) if node.own_parameters()}
        )
        self.single: bool = moment.single  # one way has no choice to show, as in its text
        self.left: float = most_of(most)
        self.share: float = max(2, self.left / _SHARE)
        self.boxes: list[Box] = []
        self.series: Series = []
        self._fill()

    def _fill(self) -> None:
        """Lay out level by level, so that what is cut is what lies deep."""
        waiting: deque[tuple[Fork, Entry, int]] = deque()
        self._lay(self.series, 0, None, waiting, 0)
        while waiting:
            fork, entry, depth = waiting.popleft()
            courses = _courses(entry["probs"], fork.box.node)
            branches = entry["of"]
            for j, (key, first) in enumerate(branches):
                hidden = len(branches) - j
                if self.left <= 0 or depth >= _DEPTH or (j >= self.share - 1 and hidden > 1):
                    fork.branches.append(Branch("", [self._more(hidden, "branch", "branches")]))
                    break
                series: Series = []
                self._lay(series, first, entry["next"], waiting, depth + 1)
                fork.branches.append(Branch(self._label(key, series, courses, j), series))

    def _lay(
        self, series: Series, first: int | None, stop: int | None, waiting: deque[tuple[Fork, Entry, int]], depth: int
    ) -> None:
        k = first
        while k is not None and k != stop:
            entry = self.plan[k]
            following = entry["next"]
            if "of" in entry and self.single:
                k = following
                continue
            if self.left <= 0:
                series.append(self._more(self._count(k, stop), "node", "nodes"))
                return
            box = self._box(k, entry)
            if "of" in entry:
                fork = Fork(box)
                series.append(fork)
                waiting.append((fork, entry, depth))
            else:
                series.append(box)
            k = following

    def _count(self, k: int | None, stop: int | None) -> int:
        n = 0
        while k is not None and k != stop:
            n, k = n + 1, self.plan[k]["next"]
        return n

    def _more(self, n: int, one: str, many: str) -> Box:
        box = Box(len(self.boxes), "more", f"… {n} more {one if n == 1 else many}")
        self.boxes.append(box)
        return box

    def _box(self, k: int, entry: Entry) -> Box:
        node = self.nodes[k]
        kind = entry["kind"]
        name = str(entry["label"]) if kind == "label" else entry["name"]
        box = Box(len(self.boxes), kind, name, entry=k, node=node)
        box.end = "of" not in entry and entry["next"] is None
        named = sorted(node.named_parameters(), key=lambda pair: pair[0])
        box.lines = [_line(own, parameter, self.kinds.get(entry["name"])) for own, parameter in named]
        if "of" in entry and _courses(entry["probs"], node):  # the lines to the branches say the values
            box.lines = [_changes(line, parameter) for line, (_, parameter) in zip(box.lines, named, strict=True)]
            box.lines = [line for line in box.lines if line.drift is not None]
        self.boxes.append(box)
        self.left -= 1
        return box

    def _label(self, key: Any, series: Series, courses: list[Any], j: int) -> str:
        """Return what is written at a branch: its name where the first boxes do not say it, and how likely it is."""
        said = {(item.box if isinstance(item, Fork) else item).name for item in series[:2]}
        told = [] if str(key) in said else [shortened(str(key), 18)]
        chances = [f"{float(row[j]):.3g}" for row in courses if np.shape(row) == (len(row),) and j < len(row)]
        return ", ".join([*told, *([" → ".join(chances)] if chances else [])])

    def edges(self) -> list[tuple[int, int, str]]:
        """Return (from, to, what is written there) for each line between boxes, by their ids."""
        found: list[tuple[int, int, str]] = []
        self._edges(self.series, [], "", found)
        return found

    def _edges(self, series: Series, ends: list[int], label: str, found: list[tuple[int, int, str]]) -> list[int]:
        for item in series:
            box = item.box if isinstance(item, Fork) else item
            found += [(end, box.id, label) for end in ends]
            label = ""
            ends = [box.id]
            if isinstance(item, Fork):
                inner = [self._edges(branch.series, [box.id], branch.label, found) for branch in item.branches]
                ends = [end for some in inner for end in some]
        return ends


def _courses(probs: Any, node: Node | None) -> list[Any]:
    """Return the probabilities of branches in the order in which they take hold; none where all are alike or unknown."""
    if probs is None:
        return []
    if isinstance(probs, Schedule):
        return list(probs.known())[:_COURSE]
    parameter = getattr(node, "probs", None)
    return [probs] if parameter is None else _steps(parameter)[0]


def _steps(parameter: Parameter) -> tuple[list[Any], bool]:
    """Return the value now and the next ones, and whether there are more; nothing is moved.

    An iterator is asked for nothing: only what has been drawn of it is told.
    """
    row = parameter.row
    if isinstance(row, Drawn) and row.length is None:
        place = parameter.step + (parameter.first is None)
        return [parameter.value, *row.kept[place : place + _COURSE - 1]], True
    values = [parameter.value, *islice(parameter.schedule or (), _COURSE)]
    return values[:_COURSE], len(values) > _COURSE


def _line(name: str, parameter: Parameter, drift: str | None) -> Line:
    value = parameter.value
    if isinstance(value, Schedule):
        told = [" → ".join(map(shown, value.known()[:_COURSE])), _when(value)]
        return Line(name, ", ".join(part for part in told if part), drift, repr(value))
    values, more = _steps(parameter)
    if len(values) == 1 and not more:
        return Line(name, shown(value))
    return Line(name, " → ".join([*map(shown, values), *(["…"] if more else [])]), drift)


def _when(schedule: Schedule) -> str:
    """Return how and where a schedule changes, as far as it is soon said."""
    changes = list(islice(schedule.changes(), _COURSE))
    if not changes:
        return repr(schedule)
    if len(changes) == _COURSE:
        return f"{changes[0].shape} at {changes[0].centre}, …"
    return f"{changes[0].shape} at {', '.join(str(change.centre) for change in changes)}"


def _changes(line: Line, parameter: Parameter) -> Line:
    """Return what is said of probabilities in their branching's box: when they change."""
    value = parameter.value
    when = _when(value) if isinstance(value, Schedule) else "by step"
    return Line(line.name, when, line.drift, line.whole or line.value)


def shown(value: Any) -> str:
    """Return a value as a short text."""
    if isinstance(value, np.ndarray) and value.size > 4:
        return f"array{value.shape}".replace(",)", ")")
    if isinstance(value, float | np.floating):
        return f"{float(value):.6g}"
    return shortened(repr(value), _VALUE)


def most_of(most: int | None) -> float:
    """Return how many boxes are drawn at most; None for all.

    Raises
    ------
    StreamConfigError
        For a number that is none.
    """
    if most is None:
        return inf
    return whole_number("a drawing", most, 1, name="most", things="boxes")
