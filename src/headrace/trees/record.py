"""What a sample was made with, and the sample made again from that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.core.granular import GRANULE
from headrace.core.indexed import Numbers
from headrace.core.items import same
from headrace.core.key import Key
from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.trees.drift import concepts_of
from headrace.trees.paths import Way, along
from headrace.trees.plan import Plan
from headrace.trees.recipe import Tree
from headrace.trees.rows import ByRows, Group, codes_of, replicated, some_of
from headrace.trees.steps import CONCEPT, Branch, Call, Draws, Label, Moving, Step, steps_of, walked

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]
ABSENT: Any = object()


class Records(Sequence[Record]):
    """What each of some samples is made with: nothing of it is drawn again, all follows from the tree and the number.

    A record is a dict: ``index``, ``step``, ``concept``, ``key`` (the seed, as ``Key.plain()``), ``path`` (the branch
    taken at each branching), ``labels``, ``parameters`` (every value used, by ``node.name``), ``probabilities`` (those of
    all branches, at each branching passed), and for functions of columns that draw ``groups`` (row, number of rows and
    number of the call).

    Examples
    --------
    >>> from headrace.trees import SamplingTree
    >>> tree = SamplingTree([lambda _: 0, {"a": "low", "b": [abs, "high"], "probs": [0.0, 1.0]}])
    >>> _, records = tree.read(10, records=True)
    >>> records[3]["index"], records[3]["path"], records[3]["labels"]
    (3, {'branching_node': 'b'}, ['high'])
    """

    def __init__(self, tree: Tree, at: range) -> None:
        self.tree: Tree = tree
        self.at: range = at
        self._rows: list[Record] | None = None

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, k: Any) -> Any:
        return self.rows()[k]

    def rows(self) -> list[Record]:
        """Return all records."""
        if self._rows is None:
            self._rows = _told(self.tree, self.at) if len(self.at) else []
        return self._rows

    def columns(self) -> dict[str, list[Any]]:
        """Return a column for every part of the records; None where a sample did not pass the node."""
        found: dict[str, list[Any]] = {}
        flat = [_flat(record) for record in self.rows()]
        for name in dict.fromkeys(name for row in flat for name in row):
            found[name] = [row.get(name) for row in flat]
        return found

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row for each sample."""
        pandas = optional("pandas", "trees", "Records.to_dataframe")
        made = {}
        for name, values in self.columns().items():
            column = pandas.Series([None] * len(values), dtype=object)
            for k, value in enumerate(values):
                column.iat[k] = value
            made[name] = column.infer_objects()
        return pandas.DataFrame(made).set_index("index")

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table`` with a row for each sample."""
        arrow = optional("pyarrow", "store", "Records.to_arrow")
        return arrow.table({name: list(map(_for_arrow, values)) for name, values in self.columns().items()})

    def to_xarray(self) -> Any:
        """Return an ``xarray.Dataset`` along the dimension ``sample``."""
        xarray = optional("xarray", "trees", "Records.to_xarray")
        columns = self.columns()
        index = columns.pop("index")
        made: dict[str, Any] = {}
        for name, values in columns.items():
            column = np.empty(len(values), object)
            for k, value in enumerate(values):
                column[k] = value
            kinds = {type(value) for value in values}
            made[name] = ("sample", np.array(values) if kinds <= {int, float} or kinds == {str} else column)
        return xarray.Dataset(made, coords={"sample": index})

    def __repr__(self) -> str:
        return f"<Records of samples {self.at.start} to {self.at.stop}>"


def _flat(record: Record) -> dict[str, Any]:
    found = {name: record[name] for name in ("index", "step", "concept")}
    labels = record["labels"]
    found["label"] = None if not labels else labels[0] if len(labels) == 1 else labels
    found |= {f"path.{name}": key for name, key in record["path"].items()}
    found |= record["parameters"]
    return found | {f"{name}.probabilities": chances for name, chances in record["probabilities"].items()}


def _for_arrow(value: Any) -> Any:
    return (
        value.tolist()
        if isinstance(value, np.ndarray | np.generic)
        else list(value)
        if isinstance(value, tuple)
        else value
    )


def _told(tree: Tree, asked: range) -> list[Record]:
    """Return the records of some samples, worked out for all of them together."""
    lo, hi = asked.start, asked.stop
    if tree.grain > 1:  # rows of one call are counted over a granule
        lo, hi = lo - lo % GRANULE, -(-hi // GRANULE) * GRANULE
    at = np.arange(lo, hi, dtype=np.int64)
    steps = steps_of(tree.plan)
    key = Key(tree.seed or 0)
    draws = Draws(key, len(steps))
    plain, concepts = key.plain(), concepts_of(tree, at).tolist()
    found: list[Record] = [
        {
            "index": i,
            "step": tree.step,
            "concept": concept,
            "key": plain,
            "path": {},
            "labels": [],
            "parameters": {},
            "probabilities": {},
            "groups": {},
        }
        for i, concept in zip(at.tolist(), concepts, strict=True)
    ]
    waiting: list[tuple[Step | None, Numbers]] = [(steps[0], np.arange(len(at)))]
    while waiting:
        step, rows = waiting.pop()
        while step is not None:
            mine = [found[k] for k in rows.tolist()]
            if isinstance(step, Branch):
                waiting += _branched(step, rows, at[rows], draws, mine)
                break
            if isinstance(step, Label):
                for record in mine:
                    record["labels"].append(step.label)
            elif isinstance(step, Call):
                _called(step, at[rows], draws, mine)
            step = step.next
    return found[asked.start - lo : asked.stop - lo]


def _branched(
    step: Branch, rows: Numbers, at: Numbers, draws: Draws, mine: list[Record]
) -> list[tuple[Step | None, Numbers]]:
    picks = step.choices(at, draws)
    chances = step.table.probabilities(at, draws.uniforms(at, CONCEPT)).tolist()
    for record, pick, row in zip(mine, picks.tolist(), chances, strict=True):
        record["path"][step.name] = step.keys[pick]
        record["probabilities"][step.name] = row
    return [(step.firsts[k], rows[picks == k]) for k in np.unique(picks).tolist()]


def _called(step: Call, at: Numbers, draws: Draws, mine: list[Record]) -> None:
    moved = step.columns(at, draws) if isinstance(step, Moving) else {}
    for name, value in step.still.items():
        for record in mine:
            record["parameters"][f"{step.name}.{name}"] = value
    for name, column in moved.items():
        for record, value in zip(mine, column, strict=True):
            record["parameters"][f"{step.name}.{name}"] = value
    if step.per_row is None or not step.rng:
        return
    granules = at // GRANULE
    for granule in np.unique(granules).tolist():
        here = np.flatnonzero(granules == granule)
        codes = np.zeros(len(here), np.int64)
        if isinstance(step, Moving):
            alone = {name: [column[k] for k in here] for name, column in moved.items() if name not in step.per_row}
            codes = codes_of(alone, at[here], step, draws)
        for code in np.unique(codes).tolist():
            group = here[codes == code].tolist()
            for row, k in enumerate(group):
                mine[k]["groups"][step.name] = [row, len(group), code]


# --- made again ---------------------------------------------------------------------------------


def rebuilt(tree: Tree, record: Record) -> Any:
    """Return the sample of a record, with the functions of a tree and nothing else of it.

    Raises
    ------
    DataError
        When the tree has no such way.
    """
    plan, path = _recorded(tree.plan, record)
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
    k: int | None = 0
    while k is not None:
        entry = plan[k]
        entries.append(k)
        if "of" not in entry:
            k = entry["next"]
            continue
        name = entry["name"]
        keys = [key for key, _ in entry["of"]]
        taken = next(
            (j for j, key in enumerate(keys) if name in record["path"] and same(key, record["path"][name])), None
        )
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
    return Plan(made), record["path"]
