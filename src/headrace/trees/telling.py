"""Work out what samples are made with, for all of them together: which way each takes, with which values.

Nothing of the user's is called. Where several branches go on at one node, their samples are taken together, so that many
branchings in a row cost no more than their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from headrace.core.indexed import Numbers
from headrace.core.key import Key
from headrace.trees.drift import concepts_of
from headrace.trees.paths import Ways
from headrace.trees.recipe import Tree
from headrace.trees.steps import CONCEPT, Branch, Call, Draws, Label, Moving, Step, steps_of


class Fact(NamedTuple):
    """One thing known of some of the samples."""

    part: str  # of the record: path, labels, parameters, probabilities
    name: str
    rows: Numbers  # which of the samples
    values: Any  # an array of objects, one for each of them; or one value for all
    each: bool  # whether it is one for each


def objects(values: Sequence[Any]) -> Any:
    """Return values as an array of objects, shape (n,), whatever they are themselves."""
    made = np.empty(len(values), object)
    if any(isinstance(value, list | tuple | np.ndarray) for value in values):
        for k, value in enumerate(values):
            made[k] = value
    else:
        made[:] = values
    return made


def frame_of(tree: Tree, asked: range) -> dict[str, list[Any]]:
    """Return what is known of each sample before its way: number, step, concept and key, and of which tree it is."""
    n = len(asked)
    found: dict[str, list[Any]] = {
        "index": list(asked),
        "step": [tree.step] * n,
        "concept": concepts_of(tree, np.arange(asked.start, asked.stop, dtype=np.int64)).tolist(),
        "key": [Key(tree.seed or 0).plain()] * n,
    }
    if tree.grain > 1:  # its neighbours are made with it: all that they are made with counts
        found["tree"] = [tree.plan_stamp] * n
    return found


def facts_of(tree: Tree, asked: range) -> list[Fact]:
    """Return what is known of some samples, in the order in which they pass the nodes."""
    at = np.arange(asked.start, asked.stop, dtype=np.int64)
    steps = steps_of(tree.plan)
    draws = Draws(Key(tree.seed or 0), len(steps))
    turn = {k: n for n, k in enumerate(Ways(tree.plan).in_order())}
    found: list[Fact] = []
    waiting: dict[int, list[Numbers]] = {0: [np.arange(len(at))]}
    heap: list[tuple[int, int]] = [(0, 0)]

    def on(step: Step | None, rows: Numbers) -> None:
        if step is not None:
            if step.place not in waiting:
                heappush(heap, (turn[step.place], step.place))
            waiting.setdefault(step.place, []).append(rows)

    while heap:
        _, place = heappop(heap)
        step, parts = steps[place], waiting.pop(place)
        rows = parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
        if isinstance(step, Branch):
            picks = step.choices(at[rows], draws)
            found.append(Fact("path", step.name, rows, objects(step.keys)[picks], each=True))
            found.append(_chances(step, rows, at, draws))
            for k in np.unique(picks).tolist():
                on(step.firsts[k], rows[picks == k])
            continue
        if isinstance(step, Label):
            found.append(Fact("labels", step.name, rows, step.label, each=False))
        elif isinstance(step, Call):
            found += _called(step, rows, at, draws)
        on(step.next, rows)
    return found


def _chances(step: Branch, rows: Numbers, at: Numbers, draws: Draws) -> Fact:
    if step.table.schedule is None:
        (row,) = step.table.probabilities(at[rows[:1]], np.zeros(1)).tolist()
        return Fact("probabilities", step.name, rows, row, each=False)
    chances = step.table.probabilities(at[rows], draws.uniforms(at[rows], CONCEPT)).tolist()
    return Fact("probabilities", step.name, rows, objects(chances), each=True)


def _called(step: Call, rows: Numbers, at: Numbers, draws: Draws) -> list[Fact]:
    found = [Fact("parameters", f"{step.name}.{name}", rows, value, each=False) for name, value in step.still.items()]
    for name, column in (step.columns(at[rows], draws) if isinstance(step, Moving) else {}).items():
        found.append(Fact("parameters", f"{step.name}.{name}", rows, objects(column), each=True))
    return found
