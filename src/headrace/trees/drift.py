"""The ground truth of drift: every change of every parameter, and which concept a sample is of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from hashlib import blake2b
from math import inf, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from headrace.core.checks import whole_number
from headrace.core.indexed import Numbers
from headrace.core.items import same
from headrace.core.key import Key
from headrace.core.optional import optional
from headrace.errors import ParameterOutOfRangeError, StreamConfigError
from headrace.trees.draws import CONCEPT, Draws
from headrace.trees.parameter import Parameter
from headrace.trees.paths import Ways
from headrace.trees.plan import Plan
from headrace.trees.recipe import Tree
from headrace.trees.schedule import Schedule

if TYPE_CHECKING:
    import pandas as pd

    from headrace.trees.tree import SamplingTree


MOST = 1_000_000  # changes of one parameter: of a schedule without an end no one would come to it


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

    Parameters
    ----------
    tree
        The tree.
    until
        Changes that begin before this sample.
    steps
        Changes up to this step.

    Raises
    ------
    StreamConfigError
        When a schedule has no end and it is not said how far to look; when that is no whole number, or so far that there
        are more changes than a table holds.
    """
    last = None if until is None else whole_number("drifts", until, 0, name="until", things="samples")
    if steps is not None:
        steps = whole_number("drifts", steps, 0, name="steps", things="steps")
    recipe, nodes, _ = tree.moment()
    kinds = kinds_of(recipe.plan, {k for k, node in enumerate(nodes) if node.own_parameters()})
    found: list[Drift] = []
    told: set[str] = set()  # a node can stand in several places
    for entry, node in zip(recipe.plan, nodes, strict=True):
        title = entry["name"]
        if title in told or title not in kinds:
            continue
        told.add(title)
        for own, parameter in node.named_parameters():
            name = f"{title}.{own}"
            found += [Drift(name, kinds[title], *rest) for rest in _changes(name, parameter, last, steps)]
    return sorted(found, key=lambda drift: (drift.clock, drift.start))


def kinds_of(plan: Plan, moving: Collection[int]) -> dict[str, str]:
    """Return which kind of drift parameters of some entries make, by the entries' names.

    ``"prior"`` for the probabilities of branches, ``"covariate"`` for a node that all samples pass, wherever it stands,
    ``"concept"`` for one that some do not pass.

    Parameters
    ----------
    plan
        The plan.
    moving
        Numbers of the entries that are asked for.
    """
    ways = Ways(plan)
    reaching = ways.reaching()
    places: dict[str, list[int]] = {}  # a node can stand in several
    for k in moving:
        if k in reaching:
            places.setdefault(plan[k]["name"], []).append(k)
    kinds = {}
    for name, standing in places.items():
        if "of" in plan[standing[0]]:
            kinds[name] = "prior"
            continue
        alone = len(standing) == 1
        always = reaching[standing[0]] == ways.total if alone else ways.avoiding(set(standing)) == 0
        kinds[name] = "covariate" if always else "concept"
    return kinds


def _changes(name: str, parameter: Parameter, until: int | None, steps: int | None) -> Iterator[tuple[Any, ...]]:
    value = parameter.value
    if isinstance(value, Schedule):
        if value.endless and until is None:
            raise StreamConfigError(
                f"drifts() got {name} = {value!r}, which changes for ever, wanted to be told how far to look.\n"
                "  Write drifts(until=100_000)."
            )
        for k, change in enumerate(value.changes(inf if until is None else until)):
            if k >= MOST:
                raise _too_many(name, f"before sample {until}", f"until={change.start}")
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
    elif parameter.row.length is not None and parameter.strategy != "cycle":
        steps = min(steps, parameter.row.length)  # behind its end it stays
    if steps > MOST:
        raise _too_many(name, f"up to step {steps}", f"steps={MOST}")
    before = parameter.value_at(0)
    for step in range(1, steps + 1):
        try:
            after = parameter.value_at(step)
        except ParameterOutOfRangeError:
            return
        if not (after == before if isinstance(after, Schedule) else same(before, after)):
            yield "step", "step", step, step, step, _magnitude(before, after), before, after
        before = after


def _too_many(name: str, where: str, less: str) -> StreamConfigError:
    return StreamConfigError(
        f"drifts() got {name}, which has more than {MOST} changes {where}, wanted fewer.\n  Look less far: drifts({less})."
    )


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
    """Return a number for the state of all schedules together, those that change together counting once."""
    schedules: dict[Any, tuple[Schedule, Numbers]] = {}
    for entry in recipe.plan:
        for value in [*entry.get("values", {}).values(), entry.get("probs")]:
            if isinstance(value, Schedule):
                states = _states(value)
                schedules.setdefault((value.timing(), states.tobytes()), (value, states))
    found = np.zeros(len(at), np.int64)
    if not schedules:
        return found
    u = Draws(Key(recipe.seed or 0), 0).uniforms(at, CONCEPT)
    size = 1
    for schedule, states in schedules.values():
        n = int(states.max()) + 1
        if size * n >= 1 << 62:  # more states than there are numbers: those so far, as a digest
            found, size = _digests(found), 1 << 32
        found += size * states[schedule.concept(at, u)]
        size *= n
    return found


def _states(schedule: Schedule) -> Numbers:
    """Return a number for each concept of a schedule, the same for those with the same value."""
    levels = schedule.known()
    if len(levels) != schedule.concepts:  # those of a function are what the user said
        return np.arange(schedule.concepts, dtype=np.int64)
    alike: dict[Any, list[int]] = {}  # by what equal values share: most are told apart by it alone
    states: list[int] = []
    firsts: list[Any] = []
    for level in levels:
        some = alike.setdefault(_trait(level), [])
        state = next((k for k in some if same(firsts[k], level)), None)
        if state is None:
            state = len(firsts)
            firsts.append(level)
            some.append(state)
        states.append(state)
    return np.array(states, np.int64)


def _trait(value: Any) -> Any:
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.dtype, value.shape, value.tobytes()
    if isinstance(value, np.generic):
        return type(value), value.tobytes()
    exact = isinstance(value, str | int | float | bytes) and value == value  # NaN has a hash for each object
    return (type(value), value) if exact else type(value)


def _digests(states: Numbers) -> Numbers:
    """Return a number below 2**32 for each state: two states share one with a chance of 1 in 4 thousand million."""
    each, place = np.unique(states, return_inverse=True)
    made = [int.from_bytes(blake2b(b"%d" % state, digest_size=4).digest(), "little") for state in each.tolist()]
    return np.array(made, np.int64)[place]
