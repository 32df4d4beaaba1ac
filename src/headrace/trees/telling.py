"""Work out what samples are made with, for all of them together: which way each takes, with which values.

Nothing of the user's is called. Where several branches go on at one node, their samples are taken together, so that many
branchings in a row cost no more than their number.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from headrace.core.granular import GRANULE
from headrace.core.indexed import Numbers
from headrace.core.key import Key
from headrace.trees.drift import concepts_of
from headrace.trees.paths import Ways
from headrace.trees.recipe import Tree
from headrace.trees.rows import codes_of
from headrace.trees.steps import CONCEPT, Branch, Call, Draws, Label, Moving, Step, steps_of


class Fact(NamedTuple):
    """One thing known of some of the samples."""

    part: str  # of the record: path, labels, parameters, probabilities, groups
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


def frame_of(tree: Tree, asked: range, *, whole: bool = True) -> Any:
    """Return records that tell the number, step, concept and key; or the columns of the first three."""
    key = Key(tree.seed or 0).plain()
    concepts = concepts_of(tree, np.arange(asked.start, asked.stop, dtype=np.int64)).tolist()
    if not whole:
        return {"index": list(asked), "step": [tree.step] * len(asked), "concept": concepts}
    return [
        {
            "index": i,
            "step": tree.step,
            "concept": concept,
            "key": [*key],
            "path": {},
            "labels": [],
            "parameters": {},
            "probabilities": {},
            "groups": {},
        }
        for i, concept in zip(asked, concepts, strict=True)
    ]


def facts_of(tree: Tree, asked: range, *, groups: bool) -> list[Fact]:
    """Return what is known of some samples, in the order in which they pass the nodes.

    ``groups`` asks for their places in the calls of functions of columns as well: only rebuilding needs those.
    """
    lo, hi = asked.start, asked.stop
    by_path = groups and tree.grain > 1
    if by_path:  # rows of one call are counted over a granule
        lo, hi = lo - lo % GRANULE, -(-hi // GRANULE) * GRANULE
    at = np.arange(lo, hi, dtype=np.int64)
    steps = steps_of(tree.plan)
    draws = Draws(Key(tree.seed or 0), len(steps))
    turn = {k: n for n, k in enumerate(Ways(tree.plan).in_order())}
    found: list[Fact] = []
    waiting: dict[tuple[int, str], list[Numbers]] = {(0, ""): [np.arange(len(at))]}
    heap: list[tuple[int, int, str]] = [(0, 0, "")]

    def on(step: Step | None, path: str, rows: Numbers) -> None:
        if step is not None:
            where = (step.place, path if by_path else "")
            if where not in waiting:
                heappush(heap, (turn[step.place], *where))
            waiting.setdefault(where, []).append(rows)

    while heap:
        _, place, path = heappop(heap)
        step, parts = steps[place], waiting.pop((place, path))
        rows = parts[0] if len(parts) == 1 else np.sort(np.concatenate(parts))
        if isinstance(step, Branch):
            picks = step.choices(at[rows], draws)
            found.append(Fact("path", step.name, rows, objects(step.keys)[picks], each=True))
            found.append(_chances(step, rows, at, draws))
            for k in np.unique(picks).tolist():
                on(step.firsts[k], f"{path}/{place}:{k}", rows[picks == k])
            continue
        if isinstance(step, Label):
            found.append(Fact("labels", step.name, rows, step.label, each=False))
        elif isinstance(step, Call):
            found += _called(step, rows, at, draws, groups=groups)
        on(step.next, path, rows)
    return _of_asked(found, asked.start - lo, len(asked)) if by_path else found


def _chances(step: Branch, rows: Numbers, at: Numbers, draws: Draws) -> Fact:
    if step.table.schedule is None:
        (row,) = step.table.probabilities(at[rows[:1]], np.zeros(1)).tolist()
        return Fact("probabilities", step.name, rows, row, each=False)
    chances = step.table.probabilities(at[rows], draws.uniforms(at[rows], CONCEPT)).tolist()
    return Fact("probabilities", step.name, rows, objects(chances), each=True)


def _called(step: Call, rows: Numbers, at: Numbers, draws: Draws, *, groups: bool) -> list[Fact]:
    found = [Fact("parameters", f"{step.name}.{name}", rows, value, each=False) for name, value in step.still.items()]
    moved = step.columns(at[rows], draws) if isinstance(step, Moving) else {}
    for name, column in moved.items():
        found.append(Fact("parameters", f"{step.name}.{name}", rows, objects(column), each=True))
    if groups and step.per_row is not None and step.rng:
        found.append(Fact("groups", step.name, rows, objects(_groups(step, rows, at, moved, draws)), each=True))
    return found


def _groups(step: Call, rows: Numbers, at: Numbers, moved: dict[str, list[Any]], draws: Draws) -> list[list[int]]:
    """Return (row, number of rows, number of the call) of each sample in the calls of a function of columns."""
    assert step.per_row is not None
    made: list[list[int]] = [[]] * len(rows)
    granules = at[rows] // GRANULE
    for granule in np.unique(granules).tolist():
        here = np.flatnonzero(granules == granule)
        codes = np.zeros(len(here), np.int64)
        if isinstance(step, Moving):
            alone = {name: [column[k] for k in here] for name, column in moved.items() if name not in step.per_row}
            codes = codes_of(alone, at[rows[here]], step, draws)
        for code in np.unique(codes).tolist():
            group = here[codes == code].tolist()
            for row, k in enumerate(group):
                made[k] = [row, len(group), code]
    return made


def _of_asked(facts: list[Fact], first: int, n: int) -> list[Fact]:
    """Return what is known of ``n`` samples from one on, of more that were looked at."""
    found = []
    for fact in facts:
        inside = np.flatnonzero((fact.rows >= first) & (fact.rows < first + n))
        values = fact.values[inside] if fact.each else fact.values
        if len(inside):
            found.append(fact._replace(rows=fact.rows[inside] - first, values=values))
    return found
