"""Walking a plan: one step for each node, which says what becomes of a value and where to go on.

Every random number has an address, (node, sample), reached by repositioning one generator. So a node more, or a draw more
in one, changes no number of another; and the choices of a branching can be drawn for many samples at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

from headrace.core.indexed import Numbers
from headrace.core.key import Key, Lane
from headrace.core.notes import told
from headrace.errors import DataError
from headrace.trees.batched import needs_of, per_row_of
from headrace.trees.chances import Table, table_of
from headrace.trees.lending import is_container, lent
from headrace.trees.nodes import Node, pair
from headrace.trees.parameter import Parameter
from headrace.trees.plan import Entry, Plan
from headrace.trees.schedule import Floats, Schedule
from headrace.trees.store import ParameterStore

BLOCK = 256  # samples whose choices and moving values are made at once, where samples are walked in a row


@lru_cache(4096)  # a tree is walked anew after each update
def word_of(address: str) -> int:
    """Return the 64-bit number of an address: one counter word of the generator."""
    return int.from_bytes(blake2b(address.encode(), digest_size=8).digest(), "little")


CONCEPT = word_of("concept")


class Draws:
    """The random numbers of one binding of a tree to a key, and what was made of them last. Owned by one thread."""

    def __init__(self, key: Key, size: int) -> None:
        self.key: Key = key.child("tree")
        self.lane: Lane = self.key.lane()
        self.block: int = BLOCK
        self.picks: list[tuple[int, int, list[int]]] = [(0, 0, [])] * size  # (first sample, end, choices) by place
        self.moved: list[tuple[int, int, dict[str, list[Any]]]] = [(0, 0, {})] * size
        self.buffers: dict[int, deque[Any]] | None = None
        self.passed: dict[int, deque[Any]] = {}  # what buffers get with the samples made, once these are delivered
        self._own: dict[int, Lane] = {}

    def uniforms(self, at: Numbers, word: int, seed: int | None = None) -> Floats:
        """Return a number on [0, 1) for each sample."""
        lane = self.lane
        if seed is not None:
            if seed not in self._own:
                self._own[seed] = Key(seed).child(*self.key.path).lane()
            lane = self._own[seed]
        if not len(at):
            return np.empty(0)
        first, last = int(at[0]), int(at[-1])
        if last - first + 1 == len(at):  # samples in a row, which rows of one path need not be
            return lane.uniforms(first, len(at), word)
        lowest, highest = int(at.min()), int(at.max())
        if highest - lowest < 8 * len(at) + 64:
            return lane.uniforms(lowest, highest - lowest + 1, word)[at - lowest]
        return np.array([lane.uniforms(i, 1, word)[0] for i in at.tolist()])

    def passes(self, place: int, value: Any) -> None:
        """Have a value in store for a buffer."""
        assert self.buffers is not None
        if place not in self.passed:
            self.passed[place] = deque(maxlen=self.buffers[place].maxlen)
        self.passed[place].append(value)

    def deliver(self) -> None:
        """Fill the buffers with what has passed them."""
        assert self.buffers is not None
        for place, values in self.passed.items():
            self.buffers[place].extend(values)
        self.passed.clear()

    def around(self, i: int) -> Numbers:
        """Return the samples to make ready together with ``i``."""
        lo = i - i % self.block
        return np.arange(lo, lo + self.block, dtype=np.int64)


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


class Label(Step):
    """A class label."""

    def __init__(self, place: int, entry: Entry) -> None:
        super().__init__(place, entry)
        self.function: Callable[[Any, Any], Any] = entry["function"] or pair
        self.label: Any = entry["label"]

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        return self.function(value, self.label), self.next


class Buffer(Step):
    """A buffer: it fills where the tree draws for itself."""

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        if draws.buffers is not None:
            draws.passes(self.place, value)
        return value, self.next


class Branch(Step):
    """A choice."""

    firsts: list[Step]

    def __init__(self, place: int, entry: Entry) -> None:
        super().__init__(place, entry)
        self.keys: list[Any] = [key for key, _ in entry["of"]]
        self.firsts = []
        self.seed: int | None = entry["seed"]
        self.table: Table = table_of(entry["name"], entry["probs"], len(self.keys))
        self.alone: Callable[[float], int] | None = None if self.seed is not None else self.table.of_one()

    def advance(self, value: Any, i: int, draws: Draws) -> tuple[Any, Step | None]:
        lo, hi, picks = draws.picks[self.place]
        if not lo <= i < hi:
            if draws.block == 1 and self.alone is not None:
                return value, self.firsts[self.alone(draws.lane.uniforms(i, 1, self.word).item())]
            ahead = self.table.schedule is None or self.table.schedule.ahead
            at = draws.around(i) if ahead else np.array([i], np.int64)
            lo = int(at[0])
            picks = self.choices(at, draws).tolist()
            draws.picks[self.place] = lo, lo + len(at), picks
        return value, self.firsts[picks[i - lo]]

    def choices(self, at: Numbers, draws: Draws) -> Numbers:
        """Return the number of the branch that each sample takes."""
        if len(self.keys) == 1:
            return np.zeros(len(at), np.int64)
        u = draws.uniforms(at, self.word, self.seed)
        moving = self.table.schedule is not None
        return self.table.choose(u, at, draws.uniforms(at, CONCEPT) if moving else u)


def steps_of(plan: Plan) -> list[Step]:
    """Return the steps of a plan, each knowing where to go on; the first is the root's."""
    steps = [_step(place, entry) for place, entry in enumerate(plan)]
    for step, entry in zip(steps, plan, strict=True):
        if isinstance(step, Branch):
            step.firsts = [steps[k] for _, k in entry["of"]]
        else:
            step.next = None if entry["next"] is None else steps[entry["next"]]
    return steps


def _step(place: int, entry: Entry) -> Step:
    kind = entry["kind"]
    if kind != "call":
        return {"branch": Branch, "label": Label, "buffer": Buffer, "node": Walked, "pass": Step}[kind](place, entry)
    if entry["how"] == "dict":
        return Stored(place, entry)
    values: dict[str, Any] = entry["values"]
    if any(isinstance(value, Schedule) or is_container(value) for value in values.values()):
        return Moving(place, entry)
    if "rng" not in values and needs_of(entry["function"]).rng:
        return Drawing(place, entry)
    return (Call if values else Plain)(place, entry)


def walked(first: Step, i: int, draws: Draws) -> Any:
    """Return sample ``i``; an exception of a user's function says which node it came from."""
    value: Any = None
    step: Step | None = first
    try:
        while step is not None:
            value, step = step.advance(value, i, draws)
    except StopIteration as error:
        wrong = told(error)
        in_node(wrong, step, f"sample {i}")
        raise wrong from error
    except Exception as error:
        in_node(error, step, f"sample {i}")
        raise
    return value


def in_node(error: BaseException, step: Step | None, which: str) -> None:
    """Note the node that an exception came from, and the sample."""
    if step is not None:
        node = f"  in node {step.name!r} of the tree"
        if not any(note.startswith(node) for note in getattr(error, "__notes__", ())):  # the innermost knows best
            error.add_note(f"{node}, {which}")


def wrong_rows(name: str, got: Any, wanted: int) -> DataError:
    """Return what to raise for a function of columns that gives another number of rows."""
    return DataError(
        f"node {name!r} got {got} back from its batched function, wanted {wanted} rows: one for each it was given.\n"
        "  Drop @batched if it is a function of one sample."
    )
