"""A run of a graph that remembers where it is, and whose nodes and parameters may change between two blocks."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import Any, overload

from numpy import ndarray

from headrace.core.block import Block
from headrace.errors import StateMismatchError, StreamConfigError
from headrace.signals.base import Signal
from headrace.signals.changes import Change, Turns, Values, continued, fits, knobs_of, settled
from headrace.signals.graph import Graph, GraphState
from headrace.signals.run_state import Saved, check_known, from_plain, log_to_plain, to_plain

__all__ = ["Change", "Run", "fits"]

Pending = list[tuple[str, str, Any]]  # what, its name, and (the graph then, the value)


class Run:
    """A graph at work: call it with block after block.

    Nodes can be added and removed and parameters set from any thread; each change counts from the next block on, and is
    kept in ``log``. Knobs among the parameters are looked at before each block.

    Parameters
    ----------
    graph
        What to compute.

    Attributes
    ----------
    graph : Graph
        The graph as it is now.
    row : int
        How many input rows have been.
    log : list of Change
        What has been changed while it ran.

    Examples
    --------
    >>> import numpy as np, headrace.signals as s
    >>> run = s.Graph([s.Delay("x", name="late", n=1)]).run()
    >>> run({"x": np.array([1.0, 2.0])})["late"].tolist(), run({"x": np.array([3.0])})["late"].tolist()
    ([0.0, 1.0], [2.0])
    >>> run.add(s.Scale("late", name="more", scale_factor=10.0))
    >>> run({"x": np.array([4.0])})["more"].tolist(), run.log[0].row
    ([30.0], 3)
    """

    graph: Graph
    log: list[Change]

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._lock = RLock()
        self._begin(graph)

    def _begin(self, graph: Graph) -> None:
        self.graph, self.log = graph, []
        self._state: GraphState | None = None
        self._turns: Turns = {}
        self._values: Values = {}  # of knobs, as this run has them
        self._turned: Values = {}  # of knobs that had been turned after the last block when a state was saved
        self._pending: Pending = []
        self._turns, self._values = knobs_of(graph, self._turns, self._values, self._turned)
        self._now: Graph = settled(graph, self._values)  # without knobs

    @property
    def row(self) -> int:
        return self._state.row if self._state is not None else 0

    @property
    def missed(self) -> int:
        """How many input rows were left out between blocks, by the numbers of these."""
        return self._state.missed if self._state is not None else 0

    @overload
    def __call__(self, block: dict[str, Any]) -> Block: ...
    @overload
    def __call__(self, block: Any) -> Any: ...
    def __call__(self, block: Any) -> Any:
        """Return a block of input with the graph's columns; a DataFrame or xarray object gives one, as from a graph.

        An exception leaves the run where it was: the same block can be tried again.

        Raises
        ------
        DataError
            When the block has not the columns that are read, or they are of another kind than before.
        """
        with self._lock:
            reads = self._planned().reads if self._pending else self._now.reads
            if not isinstance(block, dict):
                return self._carried(block)
            for name in reads:  # one of another library decides
                if type(each := block.get(name)) is not ndarray and each is not None:
                    return self._carried(block)
            return self._computed(block)

    def _computed(self, block: Mapping[str, Any]) -> Block:
        if self._pending or self._turned or (self._turns and any(knob.turns != n for knob, n in self._turns.values())):
            return self._changed(block)
        made, self._state = self._now.step(self._state or self._now.init(block), block)
        return made

    def _carried(self, block: Any) -> Any:
        """Return what comes in the form of another library, which is known only then."""
        from headrace.signals.whole import whole

        kept, before = {**self.__dict__, "log": list(self.log)}, self._state
        try:
            return whole(self._planned(), block, self._computed)
        except Exception:
            if self._state is not before:  # it was computed, but has no such form
                self.__dict__.update(kept)
            raise

    # --- changes --------------------------------------------------------------------------------

    def add(self, node: Signal[Any]) -> None:
        """Add a node; its first row is the first of the next block.

        Raises
        ------
        StreamConfigError
            When it does not fit: a name that is taken, a circle, columns of different paces.
        """
        with self._lock:
            graph = self._planned()
            self._plan(Graph(**{**graph.params(), "nodes": (*graph.nodes, node)}), "add", node.name, node)

    def remove(self, name: str) -> None:
        """Remove a node.

        Raises
        ------
        StreamConfigError
            When there is none of that name, or another reads it.
        """
        with self._lock:
            graph = self._planned()
            gone = graph[name]
            readers = [node.name for node in graph.nodes if name in node.inputs]
            if readers or (graph.outputs is not None and name in graph.outputs):
                who = ", ".join(map(repr, readers)) or "the outputs of the graph"
                raise StreamConfigError(f"remove({name!r}): it is read by {who}.\n  Remove that first.")
            nodes = tuple(node for node in graph.nodes if node is not gone)
            self._plan(Graph(**{**graph.params(), "nodes": nodes}), "remove", name, None)

    def set(self, path: str, value: Any) -> None:
        """Give a parameter, ``"node.parameter"``, another value.

        Where the node's state does not fit the new value (another window, another length), the node starts afresh; a filter
        that is turned goes on.

        Raises
        ------
        StreamConfigError
            When there is no such parameter, or the value cannot be used.
        """
        with self._lock:
            self._plan(self._planned().set_params(**{path: value}), "set", path, value)

    def _planned(self) -> Graph:
        return self._pending[-1][2][0] if self._pending else self.graph

    def _plan(self, graph: Graph, what: str, name: str, value: Any) -> None:
        self._pending.append((what, name, (graph, value)))

    def _changed(self, block: Mapping[str, Any]) -> Block:
        """Do what was asked for, and return what the graph then makes of this block.

        Changes that it cannot be computed with are dropped where it can without; then the error tells it once.
        """
        graph, pending = self._planned(), self._pending
        turns, values = knobs_of(graph, self._turns, self._values, self._turned)
        now = settled(graph, values)
        anew = {name for what, name, _ in pending if what != "set"}
        try:
            state = now.init(block) if self._state is None else continued(self._state, self._now, now, block, anew)
            made, state = now.step(state, block)
        except Exception:
            if pending and self._works(self._now, block, self._state):
                self._ask_again(pending, block)
            raise
        same_knobs = [k for k in turns if k in self._turns and self._turns[k][0] is turns[k][0]]
        turned = [k for k in same_knobs if self._turns[k] != turns[k] or k in self._turned]
        row = self.row
        self.log += [Change(row, "set", ".".join(key), values[key]) for key in turned]
        self.log += [Change(row, what, name, value) for what, name, (_, value) in pending]
        self.graph, self._now, self._state, self._pending = graph, now, state, []
        self._turns, self._values, self._turned = turns, values, {}
        return made

    def _works(self, graph: Graph, block: Mapping[str, Any], state: GraphState | None) -> bool:
        try:
            graph.step(graph.init(block) if state is None else state, block)
        except Exception:
            return False
        return True

    def _ask_again(self, pending: Pending, block: Mapping[str, Any]) -> None:
        """Ask again for the changes that a block can be computed with; the others are dropped."""
        self._pending = []
        for what, name, (_, value) in pending:
            before = list(self._pending)
            try:
                self._ask(what, name, value)
                works = self._works(self._planned().settled(), block, None)
            except StreamConfigError:  # it asked for something that is not to be now
                works = False
            if not works:
                self._pending = before

    # --- where it is ----------------------------------------------------------------------------

    def reset(self) -> None:
        """Begin again, with the graph as it is now and no log."""
        with self._lock:
            self._begin(self._planned())

    def state_dict(self) -> dict[str, Any]:
        """Return where the run is, as plain data: numbers, text, arrays, and tuples and dicts of them.

        It goes with the graph as it is now (``run.graph``), in this process or another; knobs have the values there that
        they have now. A node that waits to be added has plain values there in place of knobs.

        Raises
        ------
        StateMismatchError
            When a function of one's own is to be added with the next block, and is not registered.
        """
        with self._lock:
            asked = [(what, name, value) for what, name, (_, value) in self._pending]
            check_known(self.graph, asked)
            return self._plain(asked)

    def _plain(self, asked: list[tuple[str, str, Any]]) -> dict[str, Any]:
        turns, now = knobs_of(self.graph, self._turns, self._values, self._turned)
        turned = {key: now[key] for key in now if key in self._turned or turns[key] != self._turns.get(key)}
        return to_plain(self.graph, Saved(self._state, self._values, self.log, asked, turned))

    def log_plain(self) -> tuple[tuple[Any, ...], ...]:
        """Return the log as plain tuples; a node that was added as its JSON."""
        return log_to_plain(self.log)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another run of the same graph was; an exception leaves this one where it is.

        Raises
        ------
        StateMismatchError
            When it is the state of another graph; names the first node that differs.
        """
        with self._lock:
            saved, kept = from_plain(state, self.graph), dict(self.__dict__)
            try:
                self._begin(self.graph)
                self._values.update(saved.values)
                self._now = settled(self.graph, self._values)
                self.log, self._state, self._turned = saved.log, saved.state, saved.turned
                for what, name, value in saved.pending:
                    self._ask(what, name, value)
            except Exception:
                self.__dict__.update(kept)
                raise

    def _ask(self, what: str, name: str, value: Any) -> None:
        """Ask again for a change that a state had not seen done."""
        if what == "remove":
            self.remove(name)
        elif what == "set":
            self.set(name, value)
        elif isinstance(value, Signal):
            self.add(value)
        else:
            raise StateMismatchError(
                f"load_state_dict got a state before {name!r} is added, and the function it computes is not known here.\n"
                "  Save the state after the next block, or register the function."
            )

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            asked = [(what, name, value) for what, name, (_, value) in self._pending]
            return {"graph": self.graph, "state": self._plain([]), "asked": asked}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(saved["graph"])  # type: ignore[misc]  # as a new one, then where it was
        self.load_state_dict(saved["state"])
        for what, name, value in saved["asked"]:
            self._ask(what, name, value)

    def __repr__(self) -> str:
        return f"Run({self.graph!r}) at row {self.row}"
