"""The ground truth of drift: every change of every parameter, and which concept a sample is of."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from math import inf, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headrace.core.indexed import Numbers
from headrace.core.items import same
from headrace.core.key import Key
from headrace.core.optional import optional
from headrace.errors import ParameterOutOfRangeError, StreamConfigError
from headrace.trees.parameter import Parameter
from headrace.trees.paths import Ways
from headrace.trees.recipe import Tree
from headrace.trees.schedule import Schedule
from headrace.trees.steps import CONCEPT, Draws

if TYPE_CHECKING:
    import pandas as pd

    from headrace.trees.tree import SamplingTree


class Drift(NamedTuple):
    """One change of one parameter.

    It has not begun before ``start`` and is complete from ``end`` on, in samples or in steps as ``clock`` says.
    """

    parameter: str
    kind: str
    clock: str
    shape: str
    start: int
    centre: int
    end: int
    magnitude: float
    before: Any
    after: Any


def drifts_of(tree: SamplingTree, until: float | None = None, steps: int | None = None) -> list[Drift]:
    """Return the drifts of a tree, those by sample first, each kind in order of its beginning.

    Raises
    ------
    StreamConfigError
        When a schedule has no end and it is not said how far to look.
    """
    recipe, nodes = tree._now()
    ways = Ways(recipe.plan)
    reaching = ways.reaching()
    places: dict[str, list[int]] = {}  # a node can stand in several
    for k, entry in enumerate(recipe.plan):
        if k in reaching:
            places.setdefault(entry["name"], []).append(k)
    found: list[Drift] = []
    for title, standing in places.items():
        entry, node = recipe.plan[standing[0]], nodes[standing[0]]
        if not node.own_parameters():
            continue
        if len(standing) == 1:
            always = reaching[standing[0]] == ways.total
        else:
            always = ways.avoiding(set(standing)) == 0
        kind = "prior" if "of" in entry else "covariate" if always else "concept"
        for parameter in node.own_parameters():
            name = f"{title}.{parameter.name}"
            found += [Drift(name, kind, *rest) for rest in _changes(name, parameter, until, steps)]
    return sorted(found, key=lambda drift: (drift.clock, drift.start))


def _changes(name: str, parameter: Parameter, until: float | None, steps: int | None) -> Iterator[tuple[Any, ...]]:
    value = parameter.value
    if isinstance(value, Schedule):
        if value.endless and until is None:
            raise StreamConfigError(
                f"drifts() got {name} = {value!r}, which changes for ever, wanted to be told how far to look.\n"
                "  Write drifts(until=100_000)."
            )
        for change in value.changes(inf if until is None else until):
            yield "sample", *change[:4], _magnitude(change.before, change.after), change.before, change.after
    if parameter.row is None:
        return
    if steps is None:
        length = parameter.row.length
        if length is None or parameter.strategy == "cycle":
            raise StreamConfigError(
                f"drifts() got the schedule of {name}, which has no known end, wanted to be told how far to look.\n"
                "  Write drifts(steps=100)."
            )
        steps = length
    before = parameter.value_at(0)
    for step in range(1, steps + 1):
        try:
            after = parameter.value_at(step)
        except ParameterOutOfRangeError:
            return
        if not (after == before if isinstance(after, Schedule) else same(before, after)):
            yield "step", "step", step, step, step, _magnitude(before, after), before, after
        before = after


def _magnitude(before: Any, after: Any) -> float:
    """Return how far apart two values are: total variation of probabilities, Euclidean distance of other numbers.

    Total variation is half the sum of the absolute differences: the largest difference that an event can have.
    """
    if isinstance(before, Schedule) or isinstance(after, Schedule):
        return nan
    try:
        a, b = np.asarray(before, np.float64), np.asarray(after, np.float64)
        if a.shape != b.shape:
            return nan
    except (TypeError, ValueError):
        return nan
    apart = np.abs(a - b)
    if a.ndim == 1 and len(a) and all((x >= 0).all() and abs(x.sum() - 1) < 1e-7 for x in (a, b)):
        return float(apart.sum() / 2)
    return float(np.sqrt((apart**2).sum())) if a.ndim else float(apart)


def drift_table(tree: SamplingTree, until: float | None, steps: int | None) -> pd.DataFrame:
    """Return the drifts of a tree as a table."""
    pandas = optional("pandas", "trees", "SamplingTree.drifts")
    rows = drifts_of(tree, until, steps)
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in Drift._fields}
    for name in ("before", "after"):
        column = pandas.Series([None] * len(rows), dtype=object)
        for k, value in enumerate(columns[name]):
            column.iat[k] = value
        columns[name] = column
    return pandas.DataFrame(columns)


def concepts_of(recipe: Tree, at: Numbers) -> Numbers:
    """Return a number for the state of all schedules together, those that change at one time counting once."""
    schedules: dict[Any, Schedule] = {}
    for entry in recipe.plan:
        for value in [*entry.get("values", {}).values(), entry.get("probs")]:
            if isinstance(value, Schedule):
                schedules.setdefault(value.timing(), value)
    found = np.zeros(len(at), np.int64)
    if not schedules:
        return found
    u = Draws(Key(recipe.seed or 0), 0).uniforms(at, CONCEPT)
    size = 1
    for schedule in schedules.values():
        if size * schedule.concepts >= 1 << 62:  # more states than there are numbers: those so far, as a digest
            found, size = _digests(found), 1 << 32
        found += size * schedule.concept(at, u)
        size *= schedule.concepts
    return found


def _digests(states: Numbers) -> Numbers:
    """Return a number below 2**32 for each state: two states share one with a chance of 1 in 4 thousand million."""
    each, place = np.unique(states, return_inverse=True)
    made = [int.from_bytes(blake2b(b"%d" % state, digest_size=4).digest(), "little") for state in each.tolist()]
    return np.array(made, np.int64)[place]
