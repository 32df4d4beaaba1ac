"""What an export needs to know: the nodes in order, the columns they see, and how each kind is written in tensors.

A kind of signal is written once, in the operations of :class:`headrace.signals.tensors.Tensors`, and comes out as torch and
as ONNX. Kinds that have not been written so are refused by name, before anything is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple, TypeVar

import numpy as np

from headrace.core.block import ROWS
from headrace.errors import StreamConfigError
from headrace.signals.base import Array
from headrace.signals.order import nearest

F = TypeVar("F", bound=Callable[..., Any])
State = dict[str, Any]
Start = Callable[..., Mapping[str, Any]]


class Exporter(NamedTuple):
    """How a kind of signal is written in tensors.

    Attributes
    ----------
    write : callable
        ``write(t, node, state, *columns)``, with ``t`` the operations and columns in double precision, gives the output
        column, or (output column, next state) where there is a state.
    start : callable or None
        ``start(node, *heads)`` gives the state before the first row, arrays by name; ``heads`` are columns of no row.
    targets : tuple of str
        What it can be written for.
    fits : callable or None
        ``fits(node, *heads)`` says why this one cannot be written, or gives None.
    """

    write: Callable[..., Any]
    start: Start | None
    targets: tuple[str, ...]
    fits: Callable[..., str | None] | None


_known: dict[tuple[Any, str], Exporter] = {}
TARGETS = ("torch", "onnx")
_BUILT_IN = (
    "exports",
    "exports_correlate",
    "exports_events",
    "exports_filters",
    "exports_geometry",
    "exports_gyroscope",
    "exports_models",
    "exports_modulation",
    "exports_moving",
    "exports_orientation",
    "exports_resample",
    "exports_shape",
    "exports_wavelets",
    "exports_windows",
)


def exports(
    kind: Any,
    *,
    start: Start | None = None,
    targets: tuple[str, ...] = TARGETS,
    fits: Callable[..., str | None] | None = None,
) -> Callable[[F], F]:
    """Return a decorator that makes a function the way in which a kind of signal is exported.

    Parameters
    ----------
    kind
        The class.
    start, targets, fits
        As in :class:`Exporter`.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.signals.base import Signal, signal_class
    >>> @signal_class(lambda: Half("x", "y"), name="docs.Half")
    ... class Half(Signal):
    ...     x: str
    ...     name: str
    ...
    ...     def step(self, state, *rows):
    ...         return rows[0] / 2, None
    >>> @exports(Half)
    ... def half(t, node, state, x):
    ...     return t.div(x, t.const(2.0))
    """

    def known(write: F) -> F:
        for target in targets:
            _known[kind, target] = Exporter(write, start, targets, fits)
        return write

    return known


def exporter_of(node: Any, target: str) -> Exporter | None:
    """Return how a signal is exported, or None when nobody has said it."""
    for module in _BUILT_IN:  # which fill the registry
        import_module(f"headrace.signals.{module}")
    return next((_known[kind, target] for kind in type(node).__mro__ if (kind, target) in _known), None)


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
    given = dict(values)
    steps: list[Step] = []
    for node in nodes:
        exporter = exporter_of(node, target)
        assert exporter is not None
        heads = tuple(values[name] for name in node.inputs)
        why = exporter.fits(node, *heads) if exporter.fits is not None else None
        if why:
            raise StreamConfigError(f"to_{target} cannot export {node!r}: {why}.")
        out, _ = node.step(node.init(*heads), *heads)
        values[node.name] = out = np.asarray(out)[:0]
        state = {} if exporter.start is None else dict(exporter.start(node, *heads))
        reads_slow = any(step.slow for step in steps if step.node.name in node.inputs)
        first = {part: np.asarray(value) for part, value in state.items()}
        steps.append(Step(node, exporter, heads, out, first, reads_slow, reads_slow or node.pace != ROWS))
    return Plan(given, wanted, tuple(steps))


def _outputs(graph: Any, outputs: Any, names: Sequence[str]) -> tuple[str, ...]:
    if outputs is None:
        outputs = graph.outputs if graph.outputs is not None else names
    wanted = (outputs,) if isinstance(outputs, str) else tuple(outputs)
    known = [*graph.reads, *names]
    for name in wanted:
        if name not in known:
            raise StreamConfigError(f"an export got outputs={name!r}, which the graph has not. {nearest(name, known)}")
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
    shape = (given,) if isinstance(given, int) else tuple(given)
    return np.empty((0, *shape), dtype)
