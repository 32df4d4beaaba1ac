"""A sample made again from its record and the functions of a tree, and nothing else of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.items import same
from headrace.core.key import Key
from headrace.core.stream import no_numbers
from headrace.errors import DataError
from headrace.trees.paths import Way, along
from headrace.trees.plan import Plan
from headrace.trees.recipe import Tree
from headrace.trees.record import Record
from headrace.trees.rows import ByRows, Group, replicated, some_of
from headrace.trees.steps import Branch, Draws, steps_of, walked

ABSENT: Any = object()


def rebuilt(tree: Tree, record: Record) -> Any:
    """Return the sample of a record, with the functions of a tree and nothing else of it.

    Raises
    ------
    DataError
        When the tree has no such way.
    AddressError
        When its functions draw from generators of their own.
    """
    if tree.access != "index":
        raise no_numbers(tree)
    try:
        plan, path = _recorded(tree.plan, record)
        missing = {"key", "index", "groups"} - record.keys()
    except (KeyError, TypeError, AttributeError):
        missing = {"path", "parameters"}
    if missing:
        raise DataError(f"rebuild got {record!r}, wanted a record as explain(i) gives, with its {sorted(missing)}.")
    key, i = Key.from_plain(record["key"]), record["index"]
    if not tree.by_rows:
        steps = steps_of(plan)
        draws = Draws(key, len(steps))
        draws.block = 1
        return walked(steps[0], i, draws)
    bound = ByRows(tree.with_(plan=plan), key)
    bound.recorded = {name: code for name, (_, _, code) in record["groups"].items()}
    if bound.label_dtype is not None:
        bound.label_dtype = None  # of one label alone
    group = Group(np.arange(1), "", None, "none")
    for step in bound.steps:
        if isinstance(step, Branch):
            group = group._replace(path=f"{group.path}/{step.name}:{path[step.name]!r}")
            continue
        row, n, _ = record["groups"].get(step.name, (0, 1, 0))
        group = bound._through(step, replicated(group, n), np.full(n, i))
        group = group._replace(rows=np.arange(1), value=some_of(group, np.array([row])))
    return next(iter(bound._items(group)))


def _recorded(plan: Plan, record: Record) -> tuple[Plan, dict[str, Any]]:
    """Return the way of a record through a plan, with the values of that record."""
    entries, choices = [], []
    path: dict[str, Any] = {}
    k: int | None = 0
    while k is not None:
        entry = plan[k]
        entries.append(k)
        if "of" not in entry:
            k = entry["next"]
            continue
        name = entry["name"]
        keys = [key for key, _ in entry["of"]]
        told = record["path"].get(name, ABSENT)
        taken = next((j for j, key in enumerate(keys) if same(key, told) or _as_json(key, told)), None)
        if taken is None:
            raise DataError(
                f"rebuild got a record with the path {record['path']}, and branching {name!r} has the branches {keys}.\n"
                "  Give it to the tree that it is of."
            )
        path[name] = keys[taken]
        choices.append((k, taken))
        k = entry["of"][taken][1]
    made = []
    for entry in along(plan, Way(tuple(entries), tuple(choices))):
        if "values" in entry:
            values = {name: record["parameters"].get(f"{entry['name']}.{name}", ABSENT) for name in entry["values"]}
            absent = [name for name, value in values.items() if value is ABSENT]
            if absent:
                raise DataError(
                    f"rebuild got a record without the parameter {entry['name']}.{absent[0]}.\n"
                    "  Give it to the tree that it is of."
                )
            entry = {**entry, "values": values}
        made.append(entry)
    return Plan(made), path


def _as_json(key: Any, told: Any) -> bool:
    """Whether a branch's name is what JSON made of it."""
    return isinstance(key, tuple) and isinstance(told, list) and list(key) == told
