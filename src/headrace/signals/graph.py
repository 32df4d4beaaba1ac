"""Signals that read each other by name, run as one: on arrays at once, block by block, or as an op on a stream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import partial
from typing import Any, ClassVar, NamedTuple

import numpy as np

from headrace.core.block import Block, Pace, seconds
from headrace.core.recipe import Recipe, recipe
from headrace.core.registry import find, register
from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Signal, positive
from headrace.signals.forms import column
from headrace.signals.order import check_paces, nearest, ordered, outer_inputs, paces_of, without_knobs


class GraphState(NamedTuple):
    """Where a run of a graph is: a value.

    Attributes
    ----------
    row : int
        How many input rows have been.
    before : float or None
        When the last of them was taken.
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
    before: float | None
    heads: tuple[Any, ...]
    nodes: tuple[Any, ...]
    first: int | None = None
    begun: tuple[tuple[str, int], ...] = ()
    missed: int = 0


@register("graph", example=None, kind="function")
@recipe
class Graph(Recipe):
    """Signals by name, each computed from columns of the input or from others among them.

    Parameters
    ----------
    nodes
        The signals, in any order.
    outputs
        Which columns the result holds; by default those of the input, then all that are computed.
    inputs
        The names there will be, if they are to be checked now and not with the first block.
    rate
        Rows a second, where the input does not say it.
    timestamp
        The input that says when a row was taken, in seconds; it may be missing.

    Attributes
    ----------
    reads : tuple of str
        The columns of the input that are read, in the order of their first use.

    Raises
    ------
    StreamConfigError
        For two nodes of one name, a circle, a name that is not there (with the nearest one), or a node that reads
        columns of different paces.

    Examples
    --------
    >>> import numpy as np, headrace as hr, headrace.signals as s
    >>> graph = s.Graph(
    ...     [
    ...         s.Scale("sum", name="twice", scale_factor=2.0),
    ...         s.Sum("a", "b", name="sum"),
    ...     ]
    ... )
    >>> block = graph({"a": np.array([1.0, 2.0]), "b": np.array([10.0, 20.0])})
    >>> {name: column.tolist() for name, column in block.items()}
    {'a': [1.0, 2.0], 'b': [10.0, 20.0], 'sum': [11.0, 22.0], 'twice': [22.0, 44.0]}
    >>> blocks = [{"a": np.ones(2), "b": np.ones(2)}, {"a": np.ones(1), "b": np.ones(1)}]
    >>> [block["twice"].tolist() for block in hr.Streamer(blocks) | graph]
    [[4.0, 4.0], [4.0]]
    """

    valued: ClassVar[bool] = True
    nodes: Sequence[Signal[Any]]
    outputs: Sequence[str] | None = None
    inputs: Sequence[str] | None = None
    rate: float | None = None
    timestamp: str = "timestamp"

    def __post_init__(self) -> None:
        nodes = (self.nodes,) if isinstance(self.nodes, Signal) else tuple(self.nodes)
        for node in nodes:
            if not isinstance(node, Signal):
                raise StreamConfigError(
                    f"Graph got {node!r} among its nodes, wanted signals.\n  Make one of a function with s.signal."
                )
        if self.rate is not None:
            positive("Graph(rate=)", self.rate)
        nodes = ordered(nodes)
        check_paces(nodes)
        self.fix(nodes=nodes, reads=outer_inputs(nodes))
        if self.inputs is not None:
            self.fix(inputs=(self.inputs,) if isinstance(self.inputs, str) else tuple(self.inputs))
            self._check_names(self.inputs)
        if self.outputs is not None:
            outputs = (self.outputs,) if isinstance(self.outputs, str) else tuple(self.outputs)
            self.fix(outputs=outputs)
            known = [*(self.inputs or self.reads), *(node.name for node in nodes)]
            for name in outputs:
                if name not in known and (self.inputs is not None or name != self.timestamp):
                    raise StreamConfigError(f"Graph(outputs=) got {name!r}. {nearest(name, known)}")

    reads: tuple[str, ...] = ()

    def params(self) -> dict[str, Any]:
        found = super().params()
        del found["reads"]
        return found

    def _check_names(self, given: Sequence[str]) -> None:
        for node in self.nodes:
            for name in node.inputs:
                if name in self.reads and name not in given:
                    known = [*given, *(other.name for other in self.nodes if other is not node)]
                    raise StreamConfigError(f"{node!r} reads {name!r}, which is not there. {nearest(name, known)}")
            if node.name in given:
                raise StreamConfigError(f"{node!r} has the name of an input. Give it another one.")

    # --- as init and step -----------------------------------------------------------------------

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
                    known = [*head, *(other.name for other in self.nodes if other is not node)]
                    raise DataError(f"{node!r} reads {name!r}, which the block has not. {nearest(name, known)}")
            if node.name in head:
                raise DataError(f"{node!r} has the name of a column of the block. Give it another one.")
        values: dict[str, Any] = {name: column(head[name], name)[:0] for name in self.reads}
        heads = tuple((values[name].dtype, values[name].shape[1:]) for name in self.reads)
        paces_of(self.nodes, getattr(head, "paces", {}), {})
        states: list[Any] = []
        for node in map(without_knobs, self.nodes):
            with _named(node):
                rows = [values[name] for name in node.inputs]
                state = node.init(*rows)
                values[node.name], _ = node.step(state, *rows)
            states.append(state)
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
                    raise DataError(f"the graph reads {name!r}, which the block has not. {nearest(name, block)}")
                each = values[name] = column(each, name)
            of = each.shape
            if (each.dtype is not dtype and each.dtype != dtype) or (of[1:] != shape if len(of) > 1 else shape):
                raise DataError(
                    f"column {name!r} is now {each.dtype} of row shape {of[1:]}, and was {dtype} of {shape}.\n"
                    "  A run has columns of one kind: convert them where they are made, or start another run."
                )
            if of[0] != n:
                if n >= 0 and not getattr(block, "paces", None):
                    lengths = {name: len(values[name]) for name in self.reads}
                    raise DataError(f"the graph got a block with columns of {lengths} rows, wanted as many of each.")
                n = of[0]
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
            raise DataError(f"{hidden!r} has the name of a column of the block. Give it another one.")
        return self._block(values, block, state, tuple(following))

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
        if times is not None and (type(times) is not np.ndarray or times.dtype.kind != "f" or times.ndim != 1):
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
            before = float(times[-1])
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

    def pace(self, name: str) -> Pace:
        """Return the pace of a column, in rows of the input.

        Examples
        --------
        >>> import headrace.signals as s
        >>> s.Graph([s.Sum("a", "b", name="sum")]).pace("sum").every
        Fraction(1, 1)
        """
        self._must_have(name)
        return self.paces({}, {})[0].get(name, Pace())

    def latency(self, name: str) -> Fraction:
        """Return how many input rows the values of a column lie behind the row they are given with."""
        self._must_have(name)
        return self.paces({}, {})[1].get(name, Fraction(0))

    def _must_have(self, name: str) -> None:
        known = [*self.reads, *(node.name for node in self.nodes)]
        if name not in known:
            raise StreamConfigError(f"the graph has no column {name!r}. {nearest(name, known)}")

    # --- as a function, a run, an op ------------------------------------------------------------

    def __call__(self, columns: Any = None, /, **named: Any) -> Any:
        """Return the graph computed for whole columns at once, from a fresh start.

        Parameters
        ----------
        columns
            A mapping of arrays or tensors, which gives a :class:`headrace.core.Block`; a DataFrame or xarray Dataset,
            which gives one. Or the columns as keyword arguments.
        """
        from headrace.signals.whole import whole  # which knows other libraries

        return whole(self, named if columns is None else columns)

    def run(self) -> Any:
        """Return a run of its own, which remembers where it is: see :class:`headrace.signals.Run`."""
        from headrace.signals.run import Run

        return Run(self)

    def apply(self, source: Any) -> Any:
        """Return a stream of blocks with the graph's columns added: ``stream | graph``."""
        from headrace.signals.derived import Derived

        return Derived(source, self)

    def __ror__(self, source: Any) -> Any:
        return self.apply(source)

    def __getitem__(self, name: str) -> Signal[Any]:
        """Return the node of that name."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise StreamConfigError(f"the graph has no node {name!r}. {nearest(name, [n.name for n in self.nodes])}")

    def __iter__(self) -> Iterator[Signal[Any]]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    # --- as something else ------------------------------------------------------------------------

    def to_torch(self, inputs: Any = None, outputs: Any = None, **options: Any) -> Any:
        """Return a ``torch.nn.Module``: see :func:`headrace.signals.export_torch.to_torch`."""
        from headrace.signals.export_torch import to_torch

        return to_torch(self, inputs, outputs, **options)

    def to_onnx(self, path: Any = None, inputs: Any = None, outputs: Any = None, **options: Any) -> Any:
        """Return an ONNX model and write it to a file: see :func:`headrace.signals.export_onnx.to_onnx`."""
        from headrace.signals.export_onnx import to_onnx

        return to_onnx(self, path, inputs, outputs, **options)

    def to_sklearn(self, inputs: Any = None, outputs: Any = None, **options: Any) -> Any:
        """Return a transformer over windows: see :func:`headrace.signals.export_sklearn.to_sklearn`."""
        from headrace.signals.export_sklearn import to_sklearn

        return to_sklearn(self.settled(), inputs, outputs, **options)

    def to_svg(self, file_path: Any = None) -> Any:
        """Return a drawing of the graph, and write it to a file where one is named; needs no program."""
        return find("plot.graph_svg").make(self, file_path)

    def to_mermaid(self, file_path: Any = None) -> str:
        """Return the graph as the text of a mermaid flow chart, and write it to a file where one is named."""
        return str(find("plot.graph_mermaid").make(self, file_path))

    def _repr_svg_(self) -> str:
        return str(self.to_svg())

    def __sklearn_clone__(self) -> Graph:
        return self  # frozen: scikit-learn need not take it apart

    def settled(self) -> Graph:
        """Return a graph without knobs: with the values they have now."""
        if not any(node.knobs for node in self.nodes):
            return self
        return type(self)(**{**self.params(), "nodes": tuple(map(without_knobs, self.nodes))})

    # --- its parameters -------------------------------------------------------------------------

    def get_params(self) -> dict[str, Any]:
        """Return every parameter, as ``{"node.parameter": value}``."""
        return {f"{node.name}.{name}": value for node in self.nodes for name, value in node.settings.items()}

    def set_params(self, **values: Any) -> Graph:
        """Return a graph with other parameters, given as ``{"node.parameter": value}`` by ``**``.

        Examples
        --------
        >>> import headrace.signals as s
        >>> graph = s.Graph([s.Scale("x", name="y", scale_factor=1.0)])
        >>> graph.set_params(**{"y.scale_factor": 3.0}).get_params()
        {'y.scale_factor': 3.0}
        """
        changed: dict[str, dict[str, Any]] = {}
        for path, value in values.items():
            node, _, name = path.rpartition(".")
            changed.setdefault(self[node].name if node else path, {})[name] = value
        nodes = [node.having(changed[node.name]) if node.name in changed else node for node in self.nodes]
        return type(self)(**{**self.params(), "nodes": nodes})

    def __repr__(self) -> str:
        told = [f"[{', '.join(map(repr, self.nodes))}]"]
        told += [f"{k}={v!r}" for k, v in self.params().items() if k != "nodes" and v not in (None, "timestamp")]
        return f"Graph({', '.join(told)})"


_state = partial(tuple.__new__, GraphState)  # without the checks of arguments
_PLAIN: Mapping[str, Any] = {}  # the paces and latencies of a block that names none


def _step(node: Signal[Any], state: Any, *rows: Any) -> Any:
    return node.settled().step(state, *rows)


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
