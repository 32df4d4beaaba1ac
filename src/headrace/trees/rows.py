"""Samples many at a time, for trees with functions of columns: those that stand at one node go through it together."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import Any

import numpy as np

from headrace.core.columns import Unlike, as_batches, merged, rows_in
from headrace.core.granular import GRANULE, Granular
from headrace.core.indexed import Numbers, Places, numbers, runs
from headrace.core.items import each_of, stack
from headrace.core.key import Key
from headrace.core.notes import told
from headrace.core.owned import owned
from headrace.errors import DataError
from headrace.trees.draws import word_of
from headrace.trees.groups import Group, as_texts, codes_of, joined, some_columns
from headrace.trees.lending import lent
from headrace.trees.nodes import pair
from headrace.trees.paths import Ways
from headrace.trees.steps import (
    Branch,
    Buffer,
    Call,
    Draws,
    Label,
    Moving,
    Step,
    in_node,
    steps_of,
    wrong_rows,
)

SEEN = 4 * GRANULE  # samples whose values at buffers are kept until they are delivered


class Failed:
    """Stands for a sample that could not be made, until it is asked for: its neighbours in the granule are good."""

    def __init__(self, error: BaseException) -> None:
        self.error: BaseException = error


class ByRows(Granular[Any]):
    """A tree bound to a key, some of whose functions treat columns."""

    def __init__(self, stream: Any, key: Key) -> None:
        self.steps: list[Step] = steps_of(stream.plan)
        self.draws: Draws = Draws(key, len(self.steps))
        drawing = any(isinstance(step, Call) and step.per_row is not None and step.rng for step in self.steps)
        super().__init__(stream, key, self.draws.lane if drawing else None)
        self.turn: dict[int, int] = {k: n for n, k in enumerate(Ways(stream.plan).in_order())}
        self.seen: dict[int, list[tuple[int, Any]]] = {}  # what buffers get when a sample is delivered
        self.wrong: range | None = None  # the samples that could not be made
        labels = [step.label for step in self.steps if isinstance(step, Label)]
        texts = bool(labels) and all(isinstance(label, str) for label in labels)
        self.label_dtype: np.dtype[Any] | None = np.dtype(f"U{max(1, *map(len, labels), 1)}") if texts else None

    def make(self, at: Places, rng: Any) -> Any:
        numbered = numbers(at)
        if self.seen:
            for old in [*numbered.tolist(), *list(self.seen)[: max(0, len(self.seen) - SEEN)]]:
                self.seen.pop(old, None)  # made before, and perhaps not delivered
        failed: list[tuple[int, Failed]] = []
        try:
            done = self._gone(numbered, failed)
        except BaseException:
            self.wrong = range(int(numbered.min()), int(numbered.max()) + 1)
            raise
        if not failed and len(done) == 1 and done[0].kind == "columns":
            return done[0].value
        if not failed and all(group.kind == "columns" for group in done):
            try:
                return merged([as_batches(g.value) for g in done], np.concatenate([g.rows for g in done]))
            except Unlike:
                pass
        items: list[Any] = [None] * len(numbered)
        for group in done:
            for row, item in zip(group.rows.tolist(), group.items(), strict=True):
                items[row] = item
        for row, mark in failed:
            items[row] = mark
        return items

    # --- asked for ------------------------------------------------------------------------------

    def _rows_at(self, at: Places) -> Any:
        found = super()._rows_at(at)
        if type(found) is not list:
            return found
        return [self._good(item, i) for i, item in zip(numbers(at).tolist(), found, strict=True)]

    def _good(self, item: Any, i: int) -> Any:
        """Return item ``i`` as the caller's own; raise where it could not be made."""
        if type(item) is Failed:
            self._made.clear()  # the next call tries again
            self.wrong = range(i, i + 1)
            raise item.error
        return owned(item)

    def columns(self, at: Places) -> Any:
        found = super().columns(at)
        if self.draws.buffers is not None:
            for number in numbers(at).tolist():
                self._pass(number)
        return found

    def walk(self, at: Places) -> Iterator[Any]:
        if self.lane is None:
            for number, item in zip(at if isinstance(at, range) else at.tolist(), super().walk(at), strict=False):
                self._pass(number)
                yield as_texts(item)
            return
        for run in self._granules_of(at) if isinstance(at, range) and at.step == 1 else runs(at, 1, 1):
            rows = super()._rows_at(run)
            own = type(rows) is list
            for number, item in zip(numbers(run).tolist(), rows if own else each_of(rows), strict=True):
                made = self._good(item, number) if own else as_texts(item)
                self._pass(number)
                yield made

    def _pass(self, number: int) -> None:
        """Tell buffers the values of a sample that is delivered."""
        for place, value in self.seen.pop(number, ()):
            self.draws.passes(place, value)

    # --- through the tree -----------------------------------------------------------------------

    def _gone(self, at: Numbers, failed: list[tuple[int, Failed]]) -> list[Group]:
        """Return samples at the ends of their ways, each node passed once by all that come to it."""
        done: list[Group] = []
        waiting: dict[int, list[Group]] = {0: [Group(np.arange(len(at)), None, "none")]}
        heap = [(self.turn[0], 0)]

        def on(step: Step | None, group: Group) -> None:
            if step is None:
                done.append(group)
                return
            if step.place not in waiting:
                heappush(heap, (self.turn[step.place], step.place))
            waiting.setdefault(step.place, []).append(group)

        while heap:
            _, place = heappop(heap)
            step = self.steps[place]
            for group in joined(waiting.pop(place), columns=isinstance(step, Call) and step.per_row is not None):
                if isinstance(step, Branch):
                    picks = step.choices(at[group.rows], self.draws)
                    for k in np.unique(picks).tolist():
                        on(step.firsts[k], group.some(np.flatnonzero(picks == k)))
                    continue
                for part, following in self._through(step, group, at, failed):
                    if len(part.rows):
                        on(following, part)
        return done

    def _through(
        self, step: Step, group: Group, at: Numbers, failed: list[tuple[int, Failed]]
    ) -> list[tuple[Group, Step | None]]:
        """Return what a node makes of a group, and where it goes on."""
        if isinstance(step, Call) and step.per_row is not None:
            try:
                value = self._columns_of(step, group, at[group.rows])
            except StopIteration as error:
                wrong = told(error)
                in_node(wrong, step, _which(at[group.rows]))
                raise wrong from error
            except Exception as error:
                in_node(error, step, _which(at[group.rows]))
                raise
            return [(group._replace(value=value, kind="columns"), step.next)]
        if isinstance(step, Label) and step.function is pair and group.kind == "columns":
            labels = np.full(len(group.rows), step.label, self.label_dtype)
            return [(group._replace(value=(group.value, labels)), step.next)]
        if isinstance(step, Buffer):
            if self.draws.buffers is not None:
                for number, value in zip(at[group.rows].tolist(), group.items(), strict=True):
                    self.seen.setdefault(number, []).append((step.place, value))
            return [(group, step.next)]
        if type(step) is Step:
            return [(group, step.next)]
        return self._one_by_one(step, group, at, failed)

    def _one_by_one(
        self, step: Step, group: Group, at: Numbers, failed: list[tuple[int, Failed]]
    ) -> list[tuple[Group, Step | None]]:
        ended: dict[Step | None, tuple[list[int], list[Any]]] = {}
        for row, number, value in zip(group.rows.tolist(), at[group.rows].tolist(), group.items(), strict=True):
            try:
                made, following = step.advance(value, number, self.draws)
            except Exception as error:
                wrong: Exception = error
                if isinstance(error, StopIteration):
                    wrong = told(error)
                    wrong.__cause__ = error
                in_node(wrong, step, f"sample {number}")
                failed.append((row, Failed(wrong)))
                continue
            rows, values = ended.setdefault(following, ([], []))
            rows.append(row)
            values.append(made)
        return [
            (group._replace(rows=np.array(rows), value=values, kind="items"), following)
            for following, (rows, values) in ended.items()
        ]

    def _columns_of(self, step: Call, group: Group, at: Numbers) -> Any:
        value = stack(group.value, who=f"node {step.name!r}") if group.kind == "items" else group.value
        rows: dict[str, Any] = {}
        codes = np.zeros(len(at), np.int64)
        if isinstance(step, Moving):
            moved = step.columns(at, self.draws)
            rows = {name: _by_row(step, name, c) for name, c in moved.items() if name in (step.per_row or ())}
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
            kwargs = {**step.handed(), **{name: lent(column[mine[0]]) for name, column in alone.items()}}
            kwargs.update({name: column[mine] for name, column in rows.items()})
            word = word_of(f"{step.address}|{group.apart}|{code}")
            pieces.append(self._called(step, some_columns(value, mine, len(at)), kwargs, at[mine], word))
            order.append(mine)
        if len(pieces) == 1:
            return pieces[0]
        try:
            return merged([as_batches(piece) for piece in pieces], np.concatenate(order))
        except Unlike:
            raise DataError(
                f"node {step.name!r} got rows of unlike kinds from calls with different parameter values, wanted one kind.\n"
                "  Return rows of one dtype and shape whatever the parameters are, or drop @batched."
            ) from None

    def _called(self, step: Call, value: Any, kwargs: dict[str, Any], at: Numbers, word: int) -> Any:
        more: dict[str, Any] = {}
        if "i" in step.offers:
            more["i"] = at
        if "n" in step.offers:
            more["n"] = len(at)
        if step.rng:
            more["rng"] = self.draws.lane.at(int(at[0]) // GRANULE, word)
        if step.by_store:
            made = step.function(value, *step.arguments(kwargs).values(), **more)
        else:
            made = step.function(value, **kwargs, **more)
        try:
            rows = rows_in(made, step.name)
        except DataError:
            raise wrong_rows(step.name, f"{type(made).__name__} without rows", len(at)) from None
        if rows != len(at):
            raise wrong_rows(step.name, f"{rows} rows", len(at))
        return made


def _by_row(step: Call, name: str, values: list[Any]) -> Any:
    """Return the values of a parameter that comes by row."""
    try:
        return np.array(values)
    except ValueError:
        shapes = sorted({np.shape(value) for value in values})
        raise DataError(
            f"node {step.name!r} got values of the shapes {shapes} for its parameter {name!r}, wanted one shape: it comes by "
            "row.\n  Give values of one shape, or take it out of per_row."
        ) from None


def _which(at: Numbers) -> str:
    if len(at) == 1:
        return f"sample {at[0]}"
    return f"{len(at)} samples of {at.min()} to {at.max()}" if len(at) else "no sample"
