"""A run of a graph that remembers where it is, and whose nodes and parameters may change between two blocks."""

from __future__ import annotations

from collections.abc import Mapping
from threading import RLock
from typing import Any, NamedTuple

from headrace.core.block import Block
from headrace.core.fingerprint import fingerprint
from headrace.core.owned import owned
from headrace.core.plain import functions_in, where_is
from headrace.errors import RegistryError, StateMismatchError, StreamConfigError
from headrace.signals.base import Signal
from headrace.signals.graph import Graph, GraphState


class Change(NamedTuple):
    """What was changed in a run, and before which input row.

    Attributes
    ----------
    row : int
        The first input row that it counts for.
    what : str
        ``"add"``, ``"remove"`` or ``"set"``.
    name : str
        The node, or ``"node.parameter"``.
    value : object
        The node that was added, or the parameter's new value.
    """

    row: int
    what: str
    name: str
    value: Any


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
        self._now: Graph = graph  # without knobs
        self._turns: dict[tuple[str, str], int] = {}
        self._values: dict[tuple[str, str], Any] = {}  # of knobs, as this run has them
        self._pending: list[tuple[str, str, Any]] = []
        self._look_at_knobs(first=True)

    @property
    def row(self) -> int:
        return self._state.row if self._state is not None else 0

    def __call__(self, block: Mapping[str, Any]) -> Block:
        """Return a block of input with the graph's columns.

        An exception leaves the run where it was: the same block can be tried again.

        Raises
        ------
        DataError
            When the block has not the columns that are read, or they are of another kind than before.
        """
        with self._lock:
            if self._turns:
                self._look_at_knobs()
            if self._state is None:
                self._state = self._now.init(block)
            if self._pending:
                self._change(block)
            made, self._state = self._now.step(self._state, block)
            return made

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

        Where the node's state does not fit the new value (another window, another order), the node starts afresh.

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

    def _change(self, head: Mapping[str, Any]) -> None:
        """Do what was asked for since the last block."""
        pending, self._pending = self._pending, []
        try:
            self._become(pending[-1][2][0], head)
        except BaseException:
            self._pending = []  # what does not fit the columns there are is told once, and not done
            raise
        self.log += [Change(self.row, what, name, value) for what, name, (_, value) in pending]

    def _become(self, graph: Graph, head: Mapping[str, Any]) -> None:
        """Go on with another graph; nodes that are the same, or were tuned only, keep their state."""
        assert self._state is not None
        now = self._settled(graph)
        old = {node.name: (node, state) for node, state in zip(self._now.nodes, self._state.nodes, strict=True)}
        fresh = now.init(head)
        states = tuple(
            old[node.name][1] if node.name in old and _fits(old[node.name][0], node) else state
            for node, state in zip(now.nodes, fresh.nodes, strict=True)
        )
        self._state = fresh._replace(row=self._state.row, before=self._state.before, nodes=states)
        self.graph, self._now = graph, now

    # --- knobs ----------------------------------------------------------------------------------

    def _settled(self, graph: Graph) -> Graph:
        if not any(node.knobs for node in graph.nodes):
            return graph
        nodes = []
        for node in graph.nodes:
            for name, knob in node.knobs.items():
                if (node.name, name) not in self._turns:
                    self._turns[node.name, name], self._values[node.name, name] = knob.now()
            nodes.append(node.settled({name: self._values[node.name, name] for name in node.knobs}))
        return Graph(**{**graph.params(), "nodes": tuple(nodes)})

    def _look_at_knobs(self, *, first: bool = False) -> None:
        turned = []
        for node in self.graph.nodes:
            for name, knob in node.knobs.items():
                turns, value = knob.now()
                if self._turns.get((node.name, name)) != turns:
                    self._turns[node.name, name], self._values[node.name, name] = turns, value
                    turned.append((f"{node.name}.{name}", value))
        if not turned:
            return
        now, before = self._settled(self.graph), self._now
        self._now = now
        if self._state is None or first:
            return
        states = []
        for node, old, state in zip(now.nodes, before.nodes, self._state.nodes, strict=True):
            states.append(state if _fits(old, node) else None)
        self._now = before
        self._restart(now, states)
        self.log += [Change(self.row, "set", path, value) for path, value in turned]

    def _restart(self, now: Graph, states: list[Any]) -> None:
        """Go on with other parameters; a node without a state begins afresh with columns as the input's have been."""
        import numpy as np

        assert self._state is not None
        head = {
            name: np.empty((0, *shape), dtype)
            for name, (dtype, shape) in zip(now.reads, self._state.heads, strict=True)
        }
        fresh = now.init(head)
        kept = tuple(new if old is None else old for old, new in zip(states, fresh.nodes, strict=True))
        self._now, self._state = now, self._state._replace(nodes=kept)

    # --- where it is ----------------------------------------------------------------------------

    def reset(self) -> None:
        """Begin again, with the graph as it is now and no log."""
        with self._lock:
            self._begin(self._planned())

    def state_dict(self) -> dict[str, Any]:
        """Return where the run is, as plain data: numbers, text, arrays, and tuples and dicts of them.

        It goes with the graph as it is now (``run.graph``), in this process or another.
        """
        with self._lock:
            state = self._state
            found: dict[str, Any] = {
                "headrace": "signals",
                "version": 1,
                "of": fingerprint(self.graph),
                "log": self.log_plain(),
            }
            found["knobs"] = {f"{node}.{name}": value for (node, name), value in self._values.items()}
            found["at"] = None
            if state is not None:
                found["at"] = {
                    "row": state.row,
                    "before": state.before,
                    "heads": tuple((dtype.str, tuple(shape)) for dtype, shape in state.heads),
                    "nodes": {node.name: each for node, each in zip(self.graph.nodes, state.nodes, strict=True)},
                }
            made: dict[str, Any] = owned(found)
            return made

    def log_plain(self) -> tuple[tuple[Any, ...], ...]:
        """Return the log as plain tuples; a node that was added as its JSON."""
        from headrace.signals.json import node_to_plain

        return tuple(
            (row, what, name, node_to_plain(v) if isinstance(v, Signal) else v) for row, what, name, v in self.log
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where another run of the same graph was.

        Raises
        ------
        StateMismatchError
            When it is the state of another graph; names the first node that differs.
        """
        import numpy as np

        if not isinstance(state, Mapping) or state.get("headrace") != "signals" or state.get("version") != 1:
            raise StateMismatchError(f"load_state_dict got {str(state)[:80]}, wanted what state_dict() returned.")
        state = owned(dict(state))
        with self._lock:
            if state["of"] != fingerprint(self.graph):
                mine = [node.name for node in self.graph.nodes]
                theirs = list((state["at"] or {"nodes": ()})["nodes"])
                differs = next((name for name in (*theirs, *mine) if name not in mine or name not in theirs), None)
                what = f"node {differs!r} is in one of them only" if differs else "a node has other parameters"
                raise StateMismatchError(
                    f"load_state_dict got a state of another graph: {what}.\n  Load it into the graph it was saved with."
                )
            self._begin(self.graph)
            for path, value in state["knobs"].items():
                node, _, name = path.rpartition(".")
                self._values[node, name] = value
            self._now = self._settled(self.graph)
            self.log = [
                Change(row, what, name, _node(v, self.graph) if what == "add" else v)
                for row, what, name, v in state["log"]
            ]
            at = state["at"]
            if at is not None:
                heads = tuple((np.dtype(dtype), tuple(shape)) for dtype, shape in at["heads"])
                nodes = tuple(at["nodes"][node.name] for node in self.graph.nodes)
                self._state = GraphState(at["row"], at["before"], heads, nodes)

    def __getstate__(self) -> dict[str, Any]:
        return {"graph": self.graph, "state": self.state_dict()}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(saved["graph"])  # type: ignore[misc]  # as a new one, then where it was
        self.load_state_dict(saved["state"])

    def __repr__(self) -> str:
        return f"Run({self.graph!r}) at row {self.row}"


def _fits(old: Signal[Any], new: Signal[Any]) -> bool:
    """Tell whether the state of one node is one of another, too."""
    if type(old) is not type(new) or old.inputs != new.inputs:
        return False
    a, b = old.settings, new.settings
    return all(name in new.tunable or _same(a[name], b[name]) for name in a)


def _node(plain: Any, graph: Graph) -> Any:
    """Return the node that was added, or what is known of it where it is of a function that is not there any more."""
    from headrace.signals.json import node_from_plain

    try:
        return node_from_plain(plain, {where_is(each): each for each in functions_in(graph)})
    except RegistryError:
        return plain


def _same(a: Any, b: Any) -> bool:
    from headrace.core.items import same

    return a is b or bool(same(a, b))
