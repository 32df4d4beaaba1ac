"""The signals of a system, added, removed and turned while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from headrace.live.running.pump import Pump
from headrace.live.running.warm import warm
from headrace.signals import Graph, Signal


class Derived:
    """What a :class:`~headrace.live.System` computes; every change takes place between two blocks."""

    _pump: Pump

    @property
    def functions(self) -> list[Signal[Any]]:
        """The signals, in the order they are computed in."""
        return list(self._pump.planned.nodes)

    @property
    def graph(self) -> Graph:
        """The signals, as they will be with the next block."""
        return self._pump.planned

    @property
    def removed_signals(self) -> frozenset[str]:
        """The names of signals that were computed, and are no more."""
        return frozenset(self._pump.computed - {node.name for node in self._pump.planned.nodes})

    def add_derived_signal(self, signal: Signal[Any]) -> None:
        """Compute another signal, from the next block on.

        Raises
        ------
        StreamConfigError
            When its name is taken, or it does not fit the others.
        DataError
            When it reads a column that the source, once it has said something, does not have, or cannot use it.
        """
        warm(Graph((signal,)))  # not in the thread that rows wait for
        with self._pump.between:
            graph = self._pump.planned
            wanted = type(graph)(**{**graph.params(), "nodes": (*graph.nodes, signal)})
            head = self._pump.head()
            if head is not None:
                wanted.init(head)
            self._edit(lambda: self._pump.run.add(signal), wanted)

    def remove_derived_signal(self, signal: Signal[Any] | str) -> None:
        """Compute a signal no more, from the next block on.

        Buffers that follow the system have no column of it any more from that block on.

        Raises
        ------
        StreamConfigError
            When there is none of that name, or another reads it.
        """
        name = signal if isinstance(signal, str) else signal.name
        with self._pump.between:
            graph = self.graph
            nodes = tuple(node for node in graph.nodes if node.name != name)
            self._edit(lambda: self._pump.run.remove(name), graph, nodes)

    def set(self, path: str, value: Any) -> None:
        """Give a parameter of a signal, ``"name.parameter"``, another value, from the next block on.

        Raises
        ------
        StreamConfigError
            When there is no such parameter, or the value cannot be used.
        """
        with self._pump.between:
            wanted = self._pump.planned.set_params(**{path: value})
            self._edit(lambda: self._pump.run.set(path, value), wanted)

    def _edit(self, edit: Callable[[], None], graph: Graph, nodes: Any = None) -> None:
        edit()
        self._pump.edited = True
        self._pump.planned = graph if nodes is None else type(graph)(**{**graph.params(), "nodes": nodes})
        self._pump.computed.update(node.name for node in self._pump.planned.nodes)
