"""A graph as ``init`` and ``step``: a block goes through its nodes, and where that leaves it is a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from headrace.core.block import Block, Pace, seconds, times_before
from headrace.core.items import same
from headrace.core.recipe import Recipe
from headrace.errors import DataError
from headrace.signals.base import Signal
from headrace.signals.forms import column
from headrace.signals.order import meant, nearest, paces_of
from headrace.signals.turning import as_now


class GraphState(NamedTuple):
    """Where a run of a graph is: a value.

    Attributes
    ----------
    row : int
        How many input rows have been.
    before : float, array or None
        When the last of them was taken; the times of several where rows of slower columns stand further back.
    heads : tuple
        dtype and row shape of each input.
    nodes : tuple
        The state of each node, in the graph's order.
    first : int or None
        The number that the first of the rows had; None before it.
    begun : tuple
        Names of nodes that began later, or anew, each with the number of their first input row.
    missed : int
        How many input rows were left out between blocks, by the numbers of these.
    """

    row: int
    before: Any
    heads: tuple[Any, ...]
    nodes: tuple[Any, ...]
    first: int | None = None
    begun: tuple[tuple[str, int], ...] = ()
    missed: int = 0


class Steps(Recipe):
    """What a graph does with blocks; :class:`headrace.signals.Graph` is the description."""

    nodes: Sequence[Signal[Any]]
    outputs: Sequence[str] | None
    rate: float | None
    timestamp: str
    reads: tuple[str, ...]

    def init(self, head: Mapping[str, Any]) -> GraphState:
        """Return the state before the first row of input with columns like those of ``head``.

        Raises
        ------
        DataError
            When a column that is read is missing (names the nearest), or is no column.
        StreamConfigError
            When a node reads columns of different paces.
        """
        return self.begin(head)[0]

    def begin(self, head: Mapping[str, Any]) -> tuple[GraphState, dict[str, Any]]:
        """Return what :meth:`init` does, and no rows of each column that is read or made, for dtypes and row shapes."""
        for node in self.nodes:
            for name in node.inputs:
                if name in self.reads and name not in head:
                    made = [other.name for other in self.nodes if other is not node]
                    there = f"It has {', '.join(map(repr, head))}." if head else "It has no columns."
                    hint = meant(name, [*head, *made]) or there  # what the graph makes itself is listed nowhere
                    raise DataError(f"{node!r} reads {name!r}, which the block has not.\n  {hint}")
            if node.name in head:
                raise DataError(f"{node!r} has the name of a column of the block.\n  Give it another one.")
        values: dict[str, Any] = {name: column(head[name], f"column {name!r}")[:0] for name in self.reads}
        heads = tuple((values[name].dtype, values[name].shape[1:]) for name in self.reads)
        paces_of(self.nodes, getattr(head, "paces", {}), {})
        states: list[Any] = []
        for node in self.nodes:
            with _named(node):
                rows, now = [values[name] for name in node.inputs], as_now(node)
                state = now.init(*rows)
                values[node.name], _ = now.step(state, *rows)
            states.append((_values(node), state) if node.knobs else state)
        return GraphState(0, None, heads, tuple(states)), values

    def step(self, state: GraphState, block: Mapping[str, Any]) -> tuple[Block, GraphState]:
        """Return the block with what the nodes make of it, and the next state; neither argument is changed.

        Raises
        ------
        DataError
            When a column is missing, or has another dtype or row shape than before; or when a block with columns of
            paces of their own does not follow the one before it.
        """
        heads, states = state[2], state[3]
        values = Block.__new__(Block)  # what is returned, filled from column to column
        values.update(block)
        n = -1
        for name, (dtype, shape) in zip(self.reads, heads, strict=True):
            each = values.get(name)
            if type(each) is not np.ndarray or not each.flags.c_contiguous:
                if each is None:
                    raise DataError(f"the graph reads {name!r}, which the block has not.\n  {nearest(name, block)}")
                each = values[name] = column(each, f"column {name!r}")
            of = each.shape
            if (each.dtype is not dtype and each.dtype != dtype) or (of[1:] != shape if len(of) > 1 else shape):
                raise DataError(
                    f"column {name!r} is now {each.dtype} of row shape {of[1:]}, and was {dtype} of {shape}.\n"
                    "  A run has columns of one kind: convert them where they are made, or start another run."
                )
            if of[0] != n:
                if n >= 0 and not getattr(block, "paces", None):
                    lengths = {name: len(values[name]) for name in self.reads}
                    raise DataError(
                        f"the graph got a block with columns of {lengths} rows, wanted as many of each.\n"
                        "  Cut them to the rows that all have."
                    )
                n = of[0]
        if n >= 0 and len(block) > len(heads) and not getattr(block, "paces", None):
            self._all_of(n, block)
        following: list[Any] = []
        wired = self.__dict__.get("_wired") or self._wire()
        try:
            for (step, names, made, one), known in zip(wired, states, strict=True):
                if one is not None:
                    values[made], after = step(known, values[one])
                else:
                    values[made], after = step(known, *[values[name] for name in names])
                following.append(after)
        except Exception as error:
            _note(error, self.nodes[len(following)])
            raise
        if len(values) != len(block) + len(wired):
            hidden = next(node for node in self.nodes if node.name in block)
            raise DataError(f"{hidden!r} has the name of a column of the block.\n  Give it another one.")
        return self._block(values, block, state, tuple(following))

    def _all_of(self, n: int, block: Mapping[str, Any]) -> None:
        """Raise unless the columns that are not read have as many rows as those that are; what is no array may be anything."""
        for name, each in block.items():
            if type(each) is np.ndarray:
                if not each.ndim or len(each) == n:
                    continue
            elif not isinstance(each, list | tuple) and not getattr(each, "shape", None):
                continue
            if len(each) != n:
                raise DataError(
                    f"the graph got a block with {n} rows of {self.reads[0]!r} and {len(each)} of {name!r}, wanted as many "
                    "of each.\n  Leave it out, or give a Block that says its pace."
                )

    def _wire(self) -> tuple[Any, ...]:
        """Return what a step needs of each node, looked up once."""
        wired = tuple(
            (
                partial(_step, node) if node.knobs else node.step,
                node.inputs,
                node.name,
                node.inputs[0] if len(node.inputs) == 1 else None,
            )
            for node in self.nodes
        )
        self.fix(_wired=wired)
        return wired

    def _block(
        self, values: Block, block: Mapping[str, Any], state: GraphState, states: Any
    ) -> tuple[Block, GraphState]:
        """Say of the columns where they stand, leave out those that are not wanted, and return the next state."""
        row, before, heads, _, first, begun, missed = state
        times, rate = values.get(self.timestamp), self.rate
        if times is not None:
            times = seconds(times)
        if isinstance(block, Block):
            n, given, late, rate = block.n, block.paces, block.latencies, block.rate or rate
            if times is None or first is None:
                times, before = block.times if times is None else times, block.before
            if first is None:
                first = block.first
            elif block.first != first + row + missed:
                missed += _left_out(block, first + row + missed)
        else:
            n = len(values[self.reads[0]]) if self.reads else len(next(iter(values.values()), ()))
            given = late = _PLAIN
        if self.outputs is not None:
            wanted = {name: values[name] for name in self.outputs}
            values.clear()
            values.update(wanted)
        if first is None:
            first = 0
        values.paces, values.latencies = self.paces(given, late, first, begun)
        values.first, values._rows, values.rate, values.times, values.before = first + row, n, rate, times, before
        if times is not None and n:
            before = times_before(before, times, values.paces.values())
        return values, _state((row + n, before, heads, states, first, begun, missed))

    def paces(
        self,
        given: Mapping[str, Pace],
        late: Mapping[str, Fraction],
        first: int = 0,
        begun: tuple[tuple[str, int], ...] = (),
    ) -> tuple[Mapping[str, Pace], Mapping[str, Fraction]]:
        """Return what :func:`headrace.signals.order.paces_of` does for the nodes, which is found out once."""
        key = (tuple(given.items()), tuple(late.items()), first, begun) if given or late or first or begun else ()
        known: dict[Any, Any] = self.__dict__.get("_known_paces") or {}
        if key not in known:
            known = {key: paces_of(self.nodes, given, late, first, begun)}
            if not any(node.knobs for node in self.nodes):
                self.fix(_known_paces=known)
        found: tuple[Mapping[str, Pace], Mapping[str, Fraction]] = known[key]
        return found


_state = partial(tuple.__new__, GraphState)  # without the checks of arguments
_PLAIN: Mapping[str, Any] = {}  # the paces and latencies of a block that names none


def _step(node: Signal[Any], state: Any, *rows: Any) -> Any:
    """Step a node with knobs, whose state has their values beside it: where one was turned, the state is another."""
    (values, state), now, present = state, as_now(node), _values(node)
    if not same(values, present):
        before = node.settled(dict(zip(node.knobs, values, strict=True)))
        state = now.carry(before, state) if now.keeps(before) else now.init(*(each[:0] for each in rows))
    made, state = now.step(state, *rows)
    return made, (present, state)


def _values(node: Signal[Any]) -> tuple[Any, ...]:
    return tuple([knob.value for knob in node.knobs.values()])


def _left_out(block: Block, wanted: int) -> int:
    """Return how many rows lie between two blocks; 0 for blocks that have no numbers, which all begin with 0."""
    if block.paces:
        raise DataError(
            f"the graph got a block that begins with row {block.first}, wanted row {wanted}: it has columns of paces of "
            "their own.\n  Give it whole runs of blocks, one after the other."
        )
    return block.first - wanted if block.first else 0


@contextmanager
def _named(node: Signal[Any]) -> Iterator[None]:
    """Say in errors which node they come from."""
    try:
        yield
    except Exception as error:
        _note(error, node)
        raise


def _note(error: Exception, node: Signal[Any] | None) -> None:
    error.add_note(f"  while computing {node!r}")
