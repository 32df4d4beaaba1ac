"""Walking a plan: one step for each node, which says what becomes of a value and where to go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.core.indexed import Numbers
from headrace.core.notes import told
from headrace.errors import DataError
from headrace.trees.batched import needs_of
from headrace.trees.calls import Call, Drawing, Moving, Plain, Step, Stored, Walked
from headrace.trees.chances import Table, table_of
from headrace.trees.draws import BLOCK, CONCEPT, Draws
from headrace.trees.lending import is_container
from headrace.trees.nodes import pair
from headrace.trees.plan import Entry, Plan
from headrace.trees.schedule import Schedule

__all__ = [
    "BLOCK",
    "CONCEPT",
    "Branch",
    "Buffer",
    "Call",
    "Draws",
    "Label",
    "Moving",
    "Step",
    "in_node",
    "steps_of",
    "walked",
    "wrong_rows",
]


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
