"""Samples that go through a tree together: divided where it branches, joined where branches meet again."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from headrace.core.columns import Unlike, as_batches, each_leaf, merged
from headrace.core.indexed import Numbers
from headrace.core.items import each_of, same, stack
from headrace.errors import DataError
from headrace.trees.steps import CONCEPT, Draws, Moving


class Group(NamedTuple):
    """Samples that stand at one node."""

    rows: Numbers  # their places among those asked for, in order
    value: Any  # None at the root, a list of items, or columns
    kind: str  # "none", "items" or "columns"
    apart: str = ""  # which of several groups at one node it is, where their rows do not stack

    def items(self) -> Any:
        """Return the values one by one."""
        if self.kind == "none":
            return [None] * len(self.rows)
        return self.value if self.kind == "items" else [as_texts(item) for item in each_of(self.value)]

    def some(self, mine: Numbers) -> Group:
        """Return the group of some of its rows."""
        if len(mine) == len(self.rows):
            return self
        value = self.value
        if self.kind == "items":
            value = [value[k] for k in mine.tolist()]
        elif self.kind == "columns":
            value = some_columns(value, mine, len(self.rows))
        return self._replace(rows=self.rows[mine], value=value)


def as_texts(item: Any) -> Any:
    """Return an item of columns with its texts as a function of one sample has them: ``str``, not ``numpy.str_``.

    Examples
    --------
    >>> [type(part) for part in as_texts((1.5, np.str_("low")))]
    [<class 'float'>, <class 'str'>]
    """
    kind = type(item)
    if kind is np.str_:
        return str(item)
    if kind is tuple:
        return tuple([as_texts(part) if type(part) in _WITH_TEXTS else part for part in item])
    if kind is dict:
        return {name: as_texts(part) if type(part) in _WITH_TEXTS else part for name, part in item.items()}
    return item


_WITH_TEXTS = (np.str_, tuple, dict)


def some_columns(columns: Any, mine: Numbers, n: int) -> Any:
    """Return some rows of columns of ``n`` rows."""
    if columns is None or len(mine) == n:
        return columns
    return each_leaf(lambda c: [c[k] for k in mine.tolist()] if isinstance(c, list) else c[mine], columns)


def joined(groups: list[Group], *, columns: bool) -> list[Group]:
    """Return groups that have come to one node as one; as they are, with names, where their rows do not stack.

    Parameters
    ----------
    groups
        At least one.
    columns
        Whether the node wants columns.
    """
    if len(groups) == 1:
        return groups
    rows = np.concatenate([group.rows for group in groups])
    order = np.argsort(rows, kind="stable")
    if all(group.kind == "none" for group in groups):
        return [Group(rows[order], None, "none")]
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    apart = [group._replace(apart=f"{group.apart}/{k}") for k, group in enumerate(groups)]
    if all(group.kind == "columns" for group in groups):
        try:
            return [Group(rows[order], merged([as_batches(group.value) for group in groups], place), "columns")]
        except Unlike:
            if columns:
                return apart
    items = [item for group in groups for item in group.items()]
    found = [items[k] for k in order.tolist()]
    if not columns:
        return [Group(rows[order], found, "items")]
    try:
        return [Group(rows[order], stack(found), "columns")]
    except DataError:
        return apart


def codes_of(moved: dict[str, list[Any]], at: Numbers, step: Moving, draws: Draws) -> Numbers:
    """Return a number for each row, the same where all parameters that have one value in a call are the same.

    It depends on the values alone, so that the numbers drawn for a group do not depend on which rows are asked for.
    """
    codes = np.zeros(len(at), np.int64)
    u = draws.uniforms(at, CONCEPT)
    for name, schedule in step.moving:
        if name not in moved:
            continue
        column = moved[name]
        level = schedule.concept(at, u)
        values = np.array(column) if all(type(value) in (int, float) for value in column) else None
        if values is not None:
            own = np.unique(values, return_inverse=True)[1]
        elif all(same(column[k], column[j]) for k, j in zip(*_neighbours(level), strict=True)):
            own = level
        else:
            own = np.arange(len(at))
        codes = codes * (int(own.max(initial=0)) + 1) + own
        codes = np.unique(codes, return_inverse=True)[1]  # at once: numbers of many parameters together overflow
    return codes


def _neighbours(level: Numbers) -> tuple[list[int], list[int]]:
    """Return pairs of rows of one level, enough to compare all of a level."""
    order = np.argsort(level, kind="stable")
    alike = np.flatnonzero(level[order][1:] == level[order][:-1])
    return order[alike].tolist(), order[alike + 1].tolist()
