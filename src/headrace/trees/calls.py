"""Steps that call a function: with parameters that stand still or move, as columns of samples or one by one."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from headrace.core.indexed import Numbers
from headrace.trees.batched import needs_of, per_row_of
from headrace.trees.draws import CONCEPT, Draws, word_of
from headrace.trees.lending import is_container, lent
from headrace.trees.nodes import Node
from headrace.trees.parameter import Parameter
from headrace.trees.plan import Entry
from headrace.trees.schedule import Schedule
from headrace.trees.store import ParameterStore


class Step:
    """One node at work."""

    place: int
    name: str
    address: str
    word: int
    next: Step | None

    def __init__(self, place: int, entry: Entry) -> None:
        self.place, self.name, self.address = place, entry["name"], entry["address"]
        self.word = word_of(self.address)
        self.next = None

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        """Return what becomes of ``value`` in sample ``i``, and the step behind this one."""
        return value, self.next


class Call(Step):
    """A function whose parameters stand still."""

    def __init__(self, place: int, entry: Entry) -> None:
        super().__init__(place, entry)
        self.function: Callable[..., Any] = entry["function"]
        values: dict[str, Any] = entry.get("values", {})
        self.moving: tuple[tuple[str, Schedule], ...] = tuple(
            (name, value) for name, value in values.items() if isinstance(value, Schedule)
        )
        self.still: dict[str, Any] = {name: value for name, value in values.items() if not isinstance(value, Schedule)}
        self.by_store: bool = entry.get("how") == "dict"
        needs = needs_of(self.function)
        self.rng: bool = needs.rng and "rng" not in values
        self.per_row: tuple[str, ...] | None = per_row_of(self.function)
        self.offers: tuple[str, ...] = (
            () if self.per_row is None else tuple(n for n in ("i", "n") if n in needs.takes and n not in values)
        )
        self.kwargs: dict[str, Any] = self.arguments(self.still)
        self.copied: tuple[str, ...] = tuple(name for name, value in self.still.items() if is_container(value))
        self.ahead: bool = all(schedule.ahead for _, schedule in self.moving)

    def arguments(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return values as keyword arguments."""
        return values

    def handed(self) -> dict[str, Any]:
        """Return the values that stand still, for one call: containers are its own."""
        return {**self.still, **{name: lent(self.still[name]) for name in self.copied}}

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        return self.function(value, **self.kwargs), self.next


class Plain(Call):
    """A function without parameters."""

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        return self.function(value), self.next


class Drawing(Call):
    """A function that draws, whose parameters stand still."""

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        return self.function(value, **self.kwargs, rng=draws.lane.at(i, self.word)), self.next


class Moving(Call):
    """A function with parameters that move with the sample's number."""

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        kwargs = self.arguments(self.values_at(i, draws))
        if self.rng:
            kwargs["rng"] = draws.lane.at(i, self.word)
        return self.function(value, **kwargs), self.next

    def values_at(self, i: int, draws: Draws) -> dict[str, Any]:
        """Return the values of all parameters in sample ``i``."""
        lo, hi, values = draws.moved[self.place]
        if not lo <= i < hi:
            at = draws.around(i) if self.ahead else np.array([i], np.int64)
            values = self.columns(at, draws)
            lo = int(at[0])
            draws.moved[self.place] = lo, lo + len(at), values
        kwargs = self.handed()
        for name, column in values.items():
            kwargs[name] = lent(column[i - lo])
        return kwargs

    def columns(self, at: Numbers, draws: Draws) -> dict[str, list[Any]]:
        """Return the values of the moving parameters in some samples."""
        u = draws.uniforms(at, CONCEPT)
        return {name: schedule.values(at, u) for name, schedule in self.moving}


class Stored(Moving):
    """A function that is handed its parameters as a store."""

    def arguments(self, values: dict[str, Any]) -> dict[str, Any]:
        return {"store": _store(values)}

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        store = self.arguments(self.values_at(i, draws))["store"]
        more = {"rng": draws.lane.at(i, self.word)} if self.rng else {}
        return self.function(value, store, **more), self.next


class Walked(Moving):
    """A node of a user's class: a copy of it, with parameters that stand as they were when the tree was described."""

    def __init__(self, place: int, entry: Entry) -> None:
        super().__init__(place, entry)
        node: Node = entry["function"].__self__
        self.alone: bool = not node.shared
        self.node: Node = copy(node) if self.alone else node
        if self.alone:
            self.node.behind = [] if entry["next"] is None else [Node("behind", "")]
            self.node.hung = []
            if node.params is not None:
                self.node.params = _store(self.still)

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        if self.alone and (self.moving or self.copied):
            self.node.params = _store(self.values_at(i, draws))
        made, following = self.node.traverse(value, draws.lane.at(i, self.word))
        return made, None if following is None else self.next


def _store(values: dict[str, Any]) -> ParameterStore:
    return ParameterStore([Parameter(name, value) for name, value in values.items()])
