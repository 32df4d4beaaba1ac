"""What samples were made with: a record of each, or all of them as columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.core.optional import optional
from headrace.trees.lending import lent
from headrace.trees.recipe import Tree
from headrace.trees.telling import Fact, facts_of, frame_of, objects

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]
_LENT = (np.ndarray, list, dict, set)  # what a reader of a record could change


class Records(Sequence[Record]):
    """What each of some samples is made with: worked out at once, and kept as columns.

    A record is a dict: ``index``, ``step``, ``concept``, ``key`` (the seed, as ``Key.plain()``), ``path`` (the branch
    taken at each branching), ``labels``, ``parameters`` (every value used, by ``node.name``), ``probabilities`` (those of
    all branches, at each branching passed), and in trees with functions of columns that draw ``tree`` (its fingerprint).
    :meth:`headrace.trees.SamplingTree.rebuild` makes the sample again of one, or of a row of :meth:`columns`.

    Examples
    --------
    >>> from headrace.trees import SamplingTree
    >>> tree = SamplingTree([lambda _: 0, {"a": "low", "b": [abs, "high"], "probs": [0.0, 1.0]}])
    >>> _, records = tree.read(10, records=True)
    >>> records[3]["index"], records[3]["path"], records[3]["labels"]
    (3, {'branching_node': 'b'}, ['high'])
    >>> records.columns()["path.branching_node"][:3]
    ['b', 'b', 'b']
    """

    def __init__(self, tree: Tree, at: range) -> None:
        self.at: range = at
        self._frame: dict[str, list[Any]] = frame_of(tree, at) if len(at) else {}
        self._facts: list[Fact] = facts_of(tree, at) if len(at) else []
        self._rows: list[Record] | None = None

    def __len__(self) -> int:
        return len(self.at)

    def __getitem__(self, k: Any) -> Any:
        return self.rows()[k]

    def rows(self) -> list[Record]:
        """Return all records."""
        if self._rows is None:
            n = len(self.at)
            common: dict[str, dict[str, Any]] = {"parameters": {}, "probabilities": {}}
            for part, name, mine, values, each in self._facts:  # most parameters are those of all samples
                if part == "parameters" and not each and len(mine) == n and type(values) not in _LENT:
                    common[part][name] = values
            of_part: dict[str, list[Any]] = {"path": [{} for _ in self.at], "labels": [[] for _ in self.at]}
            of_part |= {part: [{**all_have} for _ in self.at] for part, all_have in common.items()}
            for part, name, mine, values, each in self._facts:
                if name in common.get(part, ()):
                    continue
                into, copies = of_part[part], [*values] if each else None
                for k, place in enumerate(mine.tolist()):
                    value = values if copies is None else copies[k]
                    if part == "labels":
                        into[place].append(value)
                    else:
                        into[place][name] = lent(value) if type(value) in _LENT else value
            names = (*self._frame, *of_part)
            rows: list[Record] = [
                dict(zip(names, values, strict=True))
                for values in zip(*self._frame.values(), *of_part.values(), strict=True)
            ]
            for row in rows:
                row["key"] = [*row["key"]]  # a list is of one record alone
            self._rows = rows
        return self._rows

    def columns(self) -> dict[str, list[Any]]:
        """Return a column for every part of the records; None where a sample did not pass the node.

        A row of them, a dict of the values at one place, rebuilds its sample as a record does.
        """
        if not len(self.at):
            return {}
        n = len(self.at)
        made: dict[str, Any] = {"label": np.full(n, None, object)}
        for part, name, mine, values, each in self._facts:
            title = {"labels": "label", "path": f"path.{name}", "parameters": name}.get(part, f"{name}.{part}")
            column = made.setdefault(title, np.full(n, None, object))
            if part == "labels":
                before = column[mine]
                if any(label is not None for label in before):  # several on a way
                    values, each = objects([_one_more(label, values) for label in before]), True
            column[mine] = values if each else objects([values])
        ways = [title for title in made if title.startswith("path.")]
        found = {name: list(column) for name, column in self._frame.items()}
        for title in dict.fromkeys(["label", *ways, *made]):
            found[title] = made[title].tolist()
        return found

    # --- tables ---------------------------------------------------------------------------------

    def to_dataframe(self) -> pd.DataFrame:
        """Return a row for each sample.

        Raises
        ------
        MissingExtraError
            When pandas is not installed.
        """
        pandas = optional("pandas", "trees", "Records.to_dataframe")
        made = {}
        for name, values in self.columns().items():
            made[name] = pandas.Series(objects(values), dtype=object).infer_objects()
        table = pandas.DataFrame(made)
        return table.set_index("index") if len(table) else table

    def to_arrow(self) -> Any:
        """Return a ``pyarrow.Table`` with a row for each sample; values that Arrow has no type for are texts.

        Raises
        ------
        MissingExtraError
            When pyarrow is not installed.
        """
        arrow = optional("pyarrow", "store", "Records.to_arrow")
        made = {}
        for name, values in self.columns().items():
            plain = [_for_arrow(value) for value in values]
            try:
                made[name] = arrow.array(plain)
            except (arrow.ArrowInvalid, arrow.ArrowTypeError):
                made[name] = arrow.array([None if value is None else str(value) for value in values])
        return arrow.table(made)

    def to_xarray(self) -> Any:
        """Return an ``xarray.Dataset`` along the dimension ``sample``; values of parameters that are arrays stay objects.

        Raises
        ------
        MissingExtraError
            When xarray is not installed.
        """
        xarray = optional("xarray", "trees", "Records.to_xarray")
        columns = self.columns()
        index = columns.pop("index", [])
        made: dict[str, Any] = {}
        for name, values in columns.items():
            kinds = {type(value) for value in values}
            made[name] = ("sample", np.array(values) if kinds <= {int, float} or kinds == {str} else objects(values))
        return xarray.Dataset(made, coords={"sample": index})

    def __repr__(self) -> str:
        return f"<Records of samples {self.at.start} to {self.at.stop}>"


def _one_more(labels: Any, label: Any) -> Any:
    """Return a sample's label, or the list of several."""
    if labels is None:
        return label
    return [*labels, label] if isinstance(labels, list) else [labels, label]


def _for_arrow(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
