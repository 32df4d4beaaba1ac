"""Signals that read each other by name, run as one: on arrays at once, block by block, or as an op on a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any, ClassVar

from headrace.core.block import Pace
from headrace.core.recipe import recipe
from headrace.core.registry import find, register
from headrace.errors import StreamConfigError
from headrace.signals.base import Signal, positive
from headrace.signals.order import check_paces, nearest, ordered, outer_inputs, without_knobs
from headrace.signals.steps import GraphState, Steps

__all__ = ["Graph", "GraphState"]


@register("graph", example=None, kind="function")
@recipe
class Graph(Steps):
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
        if not isinstance(self.nodes, Signal | Iterable):
            raise StreamConfigError(f"Graph(nodes) got {self.nodes!r}, wanted signals.\n  Give a list of them.")
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
                    raise StreamConfigError(
                        f"Graph(outputs=) got {name!r}, wanted columns that there are.\n  {nearest(name, known)}"
                    )

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
                    raise StreamConfigError(f"{node!r} reads {name!r}, which is not there.\n  {nearest(name, known)}")
            if node.name in given:
                raise StreamConfigError(f"{node!r} has the name of an input.\n  Give it another one.")

    # --- its columns ------------------------------------------------------------------------------

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
            raise StreamConfigError(
                f"the graph has no column {name!r}, wanted one that it has.\n  {nearest(name, known)}"
            )

    # --- as a function, a run, an op ------------------------------------------------------------

    def __call__(self, columns: Any = None, /, **named: Any) -> Any:
        """Return the graph computed for whole columns at once, from a fresh start.

        Parameters
        ----------
        columns
            A mapping of arrays, which gives a :class:`headrace.core.Block`; of tensors, Series or DataArrays, which gives
            a Block of these (of Series those of one number a row); a DataFrame or xarray Dataset, which gives one. Or the
            columns as keyword arguments.
        """
        return self.run()(named if columns is None else columns)  # a run reads the knobs

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
        known = [node.name for node in self.nodes]
        raise StreamConfigError(f"the graph has no node {name!r}, wanted one that it has.\n  {nearest(name, known)}")

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
