"""What an export needs to know of a graph: its nodes in order, the columns they see, their first state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import index
from typing import Any, NamedTuple

import numpy as np

from headrace.core.block import ROWS
from headrace.errors import StreamConfigError
from headrace.signals.base import Array
from headrace.signals.export import Exporter, exporter_of
from headrace.signals.order import nearest

NEXT = ".next"  # behind the name of a state that comes out of an ONNX model
PASSED = ".out"  # behind that of an input that is an output as well


class Step(NamedTuple):
    """A node to export: how, what it sees and gives (columns of no row), its first state.

    ``reads_slow`` and ``slow``: whether what it reads, or gives, has not a row for each of the input, and a block may bring none.
    """

    node: Any
    exporter: Exporter
    heads: tuple[Array, ...]
    out: Array
    state: dict[str, Array]
    reads_slow: bool
    slow: bool


class Plan(NamedTuple):
    """A graph to export.

    Attributes
    ----------
    inputs : dict
        Columns of no row, by name.
    outputs : tuple of str
        What comes out.
    steps : tuple of Step
        What is computed, in order.
    """

    inputs: dict[str, Array]
    outputs: tuple[str, ...]
    steps: tuple[Step, ...]

    def state(self) -> dict[str, Array]:
        """Return the state before the first row: ``{"node.part": array}``."""
        return {f"{s.node.name}.{part}": np.asarray(value) for s in self.steps for part, value in s.state.items()}

    def column(self, name: str) -> Array:
        """Return a column of no row, like those of that name."""
        return self.inputs[name] if name in self.inputs else next(s.out for s in self.steps if s.node.name == name)

    def compute(
        self, t: Any, columns: Mapping[str, Any], state: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return (outputs, next state) in the operations ``t``; columns are in the dtypes of their heads."""
        values = dict(columns)
        after: dict[str, Any] = {}
        for step in self.steps:
            name = step.node.name
            mine = {part: state[f"{name}.{part}"] for part in step.state}
            t.heads, t.out, t.slow = step.heads, step.out, step.reads_slow
            t.given = [values[each] for each in step.node.inputs]
            rows = [t.wide(each, head) for each, head in zip(t.given, step.heads, strict=True)]
            made = step.exporter.write(t, step.node, mine, *rows)
            if step.state:
                made, following = made
                after.update({f"{name}.{part}": following[part] for part in step.state})
            values[name] = t.narrow(made, step.out)
        return {name: values[name] for name in self.outputs}, after


def plan(graph: Any, target: str, inputs: Any, outputs: Any, dtype: Any = "float64") -> Plan:
    """Return what there is to export.

    Parameters
    ----------
    graph
        The graph; knobs count with the values that they have.
    target
        ``"torch"`` or ``"onnx"``.
    inputs
        The columns that come in: names; or, by name, the shape of a row or an array like the column. By default all that
        are read, one number a row.
    outputs
        The columns that come out; by default the graph's outputs, or all that it computes.
    dtype
        The dtype of inputs for which no array says it.

    Raises
    ------
    StreamConfigError
        When a node cannot be exported, or an input or output is not there; names it.
    """
    names = [node.name for node in graph.nodes]
    wanted = _outputs(graph, outputs, names)
    needed = _needed(graph, wanted)
    nodes = [flat for node in graph.nodes if node.name in needed for flat in _flat(node, {}, node.name)]
    read = [name for name in graph.reads if name in needed]
    values: dict[str, Array] = _heads(inputs, read, [name for name in wanted if name not in names], dtype)
    lacking = [node for node in nodes if exporter_of(node, target) is None]
    if lacking:
        raise StreamConfigError(
            f"to_{target} cannot export {', '.join(repr(node) for node in lacking)}: there is no exporter for "
            f"{', '.join(sorted({type(node).__name__ for node in lacking}))}.\n"
            "  Leave it out with outputs=, or write one with headrace.signals.export.exports."
        )
    _once(target, [*values, *(node.name for node in nodes)])
    given = dict(values)
    steps: list[Step] = []
    for node in nodes:
        exporter = exporter_of(node, target)
        assert exporter is not None
        heads = tuple(values[name] for name in node.inputs)
        why = exporter.fits(node, *heads) if exporter.fits is not None else None
        if why:
            raise StreamConfigError(
                f"to_{target} cannot export {node!r}: {why}.\n"
                "  Leave it out with outputs=, and compute it from what the export gives."
            )
        out, _ = node.step(node.init(*heads), *heads)
        values[node.name] = out = np.asarray(out)[:0]
        state = {} if exporter.start is None else dict(exporter.start(node, *heads))
        reads_slow = any(step.slow for step in steps if step.node.name in node.inputs)
        first = {part: np.asarray(value) for part, value in state.items()}
        steps.append(Step(node, exporter, heads, out, first, reads_slow, reads_slow or node.pace != ROWS))
    made = Plan(given, wanted, tuple(steps))
    if target == "onnx":  # where states, too, have their place among the names
        states = [part for name in made.state() for part in (name, f"{name}{NEXT}")]
        _once(target, [*given, *(f"{name}{PASSED}" for name in given), *(node.name for node in nodes), *states])
    return made


def _once(target: str, names: Sequence[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise StreamConfigError(
            f"to_{target} got two things that would be called {twice!r}, wanted a name for each.\n"
            "  node.part is the state of a node, and node/inner a signal inside a Combine: give a node another name."
        )


def _outputs(graph: Any, outputs: Any, names: Sequence[str]) -> tuple[str, ...]:
    if outputs is None:
        outputs = graph.outputs if graph.outputs is not None else names
    wanted = (outputs,) if isinstance(outputs, str) else tuple(outputs)
    known = [*graph.reads, *names]
    for name in wanted:
        if name not in known:
            raise StreamConfigError(f"an export got outputs={name!r}, which the graph has not. {nearest(name, known)}")
        if wanted.count(name) > 1:
            raise StreamConfigError(f"an export got outputs={wanted!r}, and {name!r} is there twice.\n  Name it once.")
    return wanted


def _needed(graph: Any, wanted: Sequence[str]) -> set[str]:
    needed = set(wanted)
    for node in reversed(graph.nodes):
        if node.name in needed:
            needed.update(node.inputs)
    return needed


def _flat(node: Any, names: Mapping[str, str], name: str) -> Iterator[Any]:
    """Yield a node, called ``name`` and reading by other ``names``; of one that combines several, those inside."""
    from headrace.signals.combine import Combine

    if isinstance(node, Combine):
        inside = dict(names)
        for each in node.functions:
            called = name if each is node.functions[-1] else f"{name}/{each.name}"
            yield from _flat(each, inside, called)
            inside[each.name] = called
        return
    node = node.settled() if node.knobs else node
    if name == node.name and not names:
        yield node
        return
    read = {role: getattr(node, role) for role in node.roles}
    read = {
        role: tuple(names.get(n, n) for n in value) if isinstance(value, tuple) else names.get(value, value)
        for role, value in read.items()
    }
    yield node.with_(name=name, **read)


def _heads(inputs: Any, read: Sequence[str], passed: Sequence[str], dtype: Any) -> dict[str, Array]:
    try:
        dtype = np.dtype(dtype)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "biufc":
        raise StreamConfigError(
            "an export got a dtype= of no numbers, wanted one such as 'float64' or 'float32'.\n  Name one."
        )
    if inputs is None:
        inputs = dict.fromkeys(dict.fromkeys([*read, *passed]), ())
    elif isinstance(inputs, str):
        inputs = {inputs: ()}
    elif not isinstance(inputs, Mapping):
        inputs = dict.fromkeys(inputs, ())
    for name in [*read, *passed]:
        if name not in inputs:
            raise StreamConfigError(f"an export got no input {name!r}, which is read. {nearest(name, inputs)}")
    return {str(name): _head(given, dtype) for name, given in inputs.items()}


def _head(given: Any, dtype: Any) -> Array:
    if hasattr(given, "dtype") and hasattr(given, "shape"):
        array: Array = np.asarray(given.detach().cpu() if hasattr(given, "detach") else given)
        return array[:0]
    try:
        shape = (index(given),) if hasattr(given, "__index__") else tuple(map(index, given))
        return np.empty((0, *shape), dtype)
    except (TypeError, ValueError):
        raise StreamConfigError(
            f"an export got {given!r} for the rows of an input, wanted their shape, or an array like the column.\n"
            "  Give (3,) for three channels, () for one number a row."
        ) from None
