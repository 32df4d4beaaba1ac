"""Samples many at a time, for trees with functions of columns: rows are grouped by the path they take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from headrace.core.columns import Unlike, as_batches, each_leaf, merged, rows_in
from headrace.core.granular import GRANULE, Granular
from headrace.core.indexed import Numbers, Places, numbers
from headrace.core.items import each_of, same, stack
from headrace.core.key import Key
from headrace.core.notes import told
from headrace.core.owned import owned
from headrace.errors import DataError
from headrace.trees.nodes import pair
from headrace.trees.steps import (
    CONCEPT,
    Branch,
    Buffer,
    Call,
    Draws,
    Label,
    Moving,
    Step,
    in_node,
    steps_of,
    word_of,
    wrong_rows,
)


class Group(NamedTuple):
    """Samples that have taken one path so far."""

    rows: Numbers  # their places among those asked for, in order
    path: str  # the branches taken
    value: Any  # None at the root, a list of items, or columns
    kind: str  # "none", "items" or "columns"


class ByRows(Granular[Any]):
    """A tree bound to a key, some of whose functions treat columns."""

    def __init__(self, stream: Any, key: Key) -> None:
        self.steps: list[Step] = steps_of(stream.plan)
        self.draws: Draws = Draws(key, len(self.steps))
        drawing = any(isinstance(step, Call) and step.per_row is not None and step.rng for step in self.steps)
        super().__init__(stream, key, self.draws.lane if drawing else None)
        self.recorded: dict[str, int] = {}  # group numbers that a record tells
        labels = [step.label for step in self.steps if isinstance(step, Label)]
        texts = bool(labels) and all(isinstance(label, str) for label in labels)
        self.label_dtype: np.dtype[Any] | None = np.dtype(f"U{max(1, *map(len, labels), 1)}") if texts else None

    def make(self, at: Places, rng: Any) -> Any:
        numbered = numbers(at)
        done: list[Group] = []
        whole = Group(np.arange(len(numbered)), "", None, "none")
        self._go(self.steps[0], whole, numbered, done)
        if all(group.kind == "columns" for group in done):
            try:
                if len(done) == 1:
                    return done[0].value
                return merged([as_batches(g.value) for g in done], np.concatenate([g.rows for g in done]))
            except Unlike:
                pass
        items: list[Any] = [None] * len(numbered)
        for group in done:
            for row, item in zip(group.rows.tolist(), self._items(group), strict=True):
                items[row] = item
        return items

    def _rows_at(self, at: Places) -> Any:
        found = super()._rows_at(at)
        return [owned(item) for item in found] if type(found) is list else found

    def walk(self, at: Places) -> Iterator[Any]:
        if self.lane is None or (isinstance(at, range) and at.step == 1):
            yield from super().walk(at)
            return
        for i in at if isinstance(at, range) else at.tolist():
            yield from each_of(self._rows_at(range(i, i + 1)))

    # --- one group ------------------------------------------------------------------------------

    def _go(self, first: Step, group: Group, at: Numbers, done: list[Group]) -> None:
        step: Step | None = first
        while step is not None:
            if isinstance(step, Branch):
                self._divide(step, group, at, done)
                return
            try:
                group = self._through(step, group, at)
            except StopIteration as error:
                wrong = told(error)
                in_node(wrong, step, _which(at[group.rows]))
                raise wrong from error
            except Exception as error:
                in_node(error, step, _which(at[group.rows]))
                raise
            step = step.next
        done.append(group)

    def _divide(self, step: Branch, group: Group, at: Numbers, done: list[Group]) -> None:
        picks = step.choices(at[group.rows], self.draws)
        for k in np.unique(picks).tolist():
            mine = np.flatnonzero(picks == k)
            part = Group(
                group.rows[mine], f"{group.path}/{step.name}:{step.keys[k]!r}", some_of(group, mine), group.kind
            )
            self._go(step.firsts[k], part, at, done)

    def _through(self, step: Step, group: Group, at: Numbers) -> Group:
        if isinstance(step, Call) and step.per_row is not None:
            return group._replace(value=self._columns_of(step, group, at[group.rows]), kind="columns")
        if isinstance(step, Label) and step.function is pair and group.kind == "columns":
            labels = np.full(len(group.rows), step.label, self.label_dtype)
            return group._replace(value=(group.value, labels))
        if isinstance(step, Buffer):
            if self.draws.buffers is not None:
                buffer = self.draws.buffers[step.place]
                keep = len(group.rows) - min(len(group.rows), buffer.maxlen or 0)
                last = np.arange(keep, len(group.rows))
                buffer.extend(self._items(group._replace(rows=group.rows[last], value=some_of(group, last))))
            return group
        if type(step) is Step:
            return group
        return group._replace(value=self._one_by_one(step, group, at[group.rows].tolist()), kind="items")

    def _one_by_one(self, step: Step, group: Group, at: list[int]) -> list[Any]:
        found = []
        i = at[0] if at else 0
        try:
            for i, value in zip(at, self._items(group), strict=True):
                found.append(step.advance(value, i, self.draws)[0])
        except Exception as error:
            in_node(error, step, f"sample {i}")
            raise
        return found

    def _items(self, group: Group) -> Any:
        if group.kind == "none":
            return [None] * len(group.rows)
        return group.value if group.kind == "items" else list(each_of(group.value))

    def _columns_of(self, step: Call, group: Group, at: Numbers) -> Any:
        value = stack(group.value, who=f"node {step.name!r}") if group.kind == "items" else group.value
        rows: dict[str, Any] = {}
        codes = np.zeros(len(at), np.int64)
        if isinstance(step, Moving):
            moved = step.columns(at, self.draws)
            rows = {name: np.array(column) for name, column in moved.items() if name in (step.per_row or ())}
            codes = codes_of({name: column for name, column in moved.items() if name not in rows}, at, step, self.draws)
            alone = {name: column for name, column in moved.items() if name not in rows}
        else:
            alone = {}
        for name in step.per_row or ():
            if name in step.still:
                rows[name] = np.array([step.still[name]] * len(at))
        pieces, order = [], []
        for code in np.unique(codes).tolist():
            mine = np.flatnonzero(codes == code)
            kwargs = {**step.still, **{name: column[mine[0]] for name, column in alone.items()}}
            kwargs.update({name: column[mine] for name, column in rows.items()})
            word = word_of(f"{step.address}|{group.path}|{self.recorded.get(step.name, code)}")
            pieces.append(self._called(step, _some_columns(value, mine, len(at)), kwargs, at[mine], word))
            order.append(mine)
        if len(pieces) == 1:
            return pieces[0]
        try:
            return merged([as_batches(piece) for piece in pieces], np.concatenate(order))
        except Unlike:
            raise DataError(
                f"node {step.name!r} got rows of unlike kinds from calls with different parameter values, wanted one kind."
            ) from None

    def _called(self, step: Call, value: Any, kwargs: dict[str, Any], at: Numbers, word: int) -> Any:
        if "i" in step.offers:
            kwargs["i"] = at
        if "n" in step.offers:
            kwargs["n"] = len(at)
        if step.rng:
            kwargs["rng"] = self.draws.lane.at(int(at[0]) // GRANULE, word)
        made = step.function(value, **step.arguments(kwargs))
        try:
            rows = rows_in(made, step.name)
        except DataError:
            raise wrong_rows(step.name, f"{type(made).__name__} without rows", len(at)) from None
        if rows != len(at):
            raise wrong_rows(step.name, f"{rows} rows", len(at))
        return made


def _which(at: Numbers) -> str:
    if len(at) == 1:
        return f"sample {at[0]}"
    return f"{len(at)} samples of {at.min()} to {at.max()}" if len(at) else "no sample"


def some_of(group: Group, mine: Numbers) -> Any:
    """Return the value of some rows of a group."""
    if group.kind == "none":
        return None
    if group.kind == "items":
        return [group.value[k] for k in mine.tolist()]
    return _some_columns(group.value, mine, len(group.rows))


def replicated(group: Group, n: int) -> Group:
    """Return a group of one row as one of ``n`` alike."""
    value = group.value
    if group.kind == "items":
        value = value * n
    elif group.kind == "columns":
        value = each_leaf(lambda c: c * n if isinstance(c, list) else np.repeat(c, n, axis=0), value)
    return group._replace(rows=np.arange(n), value=value)


def _some_columns(columns: Any, mine: Numbers, n: int) -> Any:
    if columns is None or len(mine) == n:
        return columns
    return each_leaf(lambda c: [c[k] for k in mine.tolist()] if isinstance(c, list) else c[mine], columns)


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
    return np.unique(codes, return_inverse=True)[1]


def _neighbours(level: Numbers) -> tuple[list[int], list[int]]:
    """Return pairs of rows of one level, enough to compare all of a level."""
    order = np.argsort(level, kind="stable")
    alike = np.flatnonzero(level[order][1:] == level[order][:-1])
    return order[alike].tolist(), order[alike + 1].tolist()
