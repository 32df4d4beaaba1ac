"""What samples were made with: a record of each, or all of them as columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from headrace.core.optional import optional
from headrace.trees.recipe import Tree
from headrace.trees.telling import Fact, facts_of, frame_of, objects

if TYPE_CHECKING:
    import pandas as pd

Record = dict[str, Any]


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
    >>> records.columns()["path.branching_node"][:3]
    ['b', 'b', 'b']
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
            rows = frame_of(self.tree, self.at) if len(self.at) else []
            for part, name, mine, values, each in self._facts(groups=True):
                for k, place in enumerate(mine.tolist()):
                    value = values[k] if each else values
                    if part == "labels":
                        rows[place]["labels"].append(value)
                    else:  # a list is of one record alone
                        rows[place][part][name] = list(value) if part == "probabilities" else value
            self._rows = rows
        return self._rows

    def columns(self) -> dict[str, list[Any]]:
        """Return a column for every part of the records; None where a sample did not pass the node."""
        if not len(self.at):
            return {}
        n = len(self.at)
        frame = frame_of(self.tree, self.at, whole=False)
        found: dict[str, Any] = {name: frame[name] for name in ("index", "step", "concept")}
        made: dict[str, Any] = {"label": np.full(n, None, object)}
        for part, name, mine, values, each in self._facts(groups=False):
            title = {"labels": "label", "path": f"path.{name}", "parameters": name}.get(part, f"{name}.{part}")
            column = made.setdefault(title, np.full(n, None, object))
            if part == "labels":
                before = column[mine]
                if any(label is not None for label in before):  # several on a way
                    values, each = objects([_one_more(label, values) for label in before]), True
            column[mine] = values if each else objects([values])
        ways = [title for title in made if title.startswith("path.")]
        for title in dict.fromkeys(["label", *ways, *made]):
            found[title] = made[title].tolist()
        return found

    def _facts(self, *, groups: bool) -> list[Fact]:
        return facts_of(self.tree, self.at, groups=groups) if len(self.at) else []

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
