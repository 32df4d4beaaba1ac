"""A sample made again from its record and the functions of a tree.

Where functions make one sample at a time, the record alone tells all that they are given. Functions of columns that draw
make a sample together with its neighbours, out of one generator: there the tree has to be the one that is recorded, at
the step that is recorded, and makes the neighbours again as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.core.items import same
from headrace.core.key import Key
from headrace.errors import DataError, HeadraceError
from headrace.trees.forms import shown_value
from headrace.trees.paths import Way, along
from headrace.trees.plan import Plan
from headrace.trees.recipe import Tree
from headrace.trees.record import Record
from headrace.trees.schedule import Schedule

ABSENT: Any = object()


def rebuilt(tree: Tree, record: Record, at_step: Callable[[int], Tree]) -> Any:
    """Return the sample of a record, or of a row of the columns of records.

    Parameters
    ----------
    tree
        The tree as it is now.
    record
        The record.
    at_step
        Gives the tree at another step.

    Raises
    ------
    DataError
        When the tree has no such way, or other parameters or labels on it; where all of the tree counts, when anything of
        it is another. Other functions of the same names and arguments are not noticed else.
    AddressError
        When its functions draw from generators of their own.
    """
    tree.replayed()
    try:
        asked, record = record, _nested(record)
        plan = _recorded(tree.plan, record)
        _refuse_another(plan, record, row=record is not asked)
        missing = {"key", "index", *(("tree", "step") if tree.grain > 1 else ())} - record.keys()
    except (KeyError, TypeError, AttributeError):
        missing = {"path", "parameters"}
    if missing:
        raise DataError(f"rebuild got {record!r}, wanted a record as explain(i) gives, with its {sorted(missing)}.")
    whole = _of_record(tree, record, at_step) if tree.grain > 1 else tree.with_(plan=plan)
    return next(iter(whole.bind(Key.from_plain(record["key"])).walk(range(record["index"], record["index"] + 1))))


def _of_record(tree: Tree, record: Record, at_step: Callable[[int], Tree]) -> Tree:
    """Return the tree with the parameters that the record was made with."""
    if tree.plan_stamp == record["tree"]:
        return tree
    try:
        there = at_step(record["step"])
    except HeadraceError:  # it has no such step
        there = tree
    if there.plan_stamp != record["tree"]:
        raise DataError(
            f"rebuild got a record of a tree with other nodes or parameters, at step {record['step']}, wanted one of this "
            f"tree{_changed(there.plan, record)}: its functions of columns make a sample together with its neighbours.\n"
            "  Set the parameters to what they were, or build the tree as it was."
        )
    return there


def _changed(plan: Plan, record: Record) -> str:
    """Return which parameters of a record have another value in a plan: those that stand still."""
    found = []
    for entry in plan:
        for name, value in entry.get("values", {}).items():
            told = record["parameters"].get(f"{entry['name']}.{name}", ABSENT)
            if told is not ABSENT and told is not None and not isinstance(value, Schedule) and not same(told, value):
                found.append(f"{entry['name']}.{name} was {shown_value(told)} and is {shown_value(value)}")
    return f" ({', '.join(found)})" if found else ""


def _refuse_another(plan: Plan, record: Record, *, row: bool) -> None:
    """Raise where a record tells of branchings, labels or parameters that its way through this tree does not have."""
    names = {entry["name"] for entry in plan if "of" in entry}
    differ = [
        f"it passed the branching {name!r}, and here that way does not"
        for name, branch in record["path"].items()
        if name not in names and not _is_none(branch)
    ]
    labels = [entry["label"] for entry in plan if "label" in entry]
    told = record.get("labels", labels)
    if row:  # of a table: one label stands alone, and columns of other ways and of the user's own are there too
        one = record["label"]
        told = one if isinstance(one, list) and len(labels) > 1 else [] if _is_none(one) else [one]
    else:
        known = {f"{entry['name']}.{name}" for entry in plan for name in entry.get("values", ())}
        strange = [name for name in record["parameters"] if name not in known]
        differ += [f"it has the parameter {name!r}, and here no node of that way does" for name in strange]
    if len(told) != len(labels) or not all(map(_alike, told, labels)):
        differ.append(f"its labels are {list(told)}, and here {labels}")
    if differ:
        raise DataError(
            f"rebuild got a record of another tree: {'; '.join(differ)}. Wanted one of this tree.\n"
            "  Give it to the tree that it is of."
        )


def _nested(record: Record) -> Record:
    """Return a row of the columns of records as a record."""
    if "path" in record or "label" not in record:
        return record
    path = {name.removeprefix("path."): value for name, value in record.items() if name.startswith("path.")}
    return {**record, "path": path, "parameters": record}


def _recorded(plan: Plan, record: Record) -> Plan:
    """Return the way of a record through a plan, with the values of that record."""
    entries, choices = [], []
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
    return Plan(made)


def _as_json(key: Any, told: Any) -> bool:
    """Whether a branch's name is what JSON made of it."""
    return isinstance(key, tuple) and isinstance(told, list) and list(key) == told


def _is_none(value: Any) -> bool:
    """Whether a cell of a table is empty: None, or what pandas makes of it."""
    return value is None or (isinstance(value, float) and value != value)


def _alike(told: Any, label: Any) -> bool:
    """Whether a label is what a record tells, which a table or JSON may have given another type."""
    return same(told, label) or _as_json(label, told) or (not isinstance(told, np.ndarray) and bool(told == label))
