"""A run of a graph that remembers where it is, and whose nodes and parameters may change between two blocks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from threading import RLock
from typing import Any, NamedTuple

from numpy import ndarray

from headrace.core.block import ROWS, Block
from headrace.core.fingerprint import fingerprint
from headrace.core.knob import Knob
from headrace.core.owned import owned
from headrace.core.plain import functions_in, where_is
from headrace.errors import RegistryError, StateMismatchError, StreamConfigError
from headrace.signals.base import Signal
from headrace.signals.forms import tensors_back
from headrace.signals.graph import Graph, GraphState
from headrace.signals.order import pace_below


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
        self._turns: _Turns = {}
        self._values: dict[tuple[str, str], Any] = {}  # of knobs, as this run has them
        self._pending: list[tuple[str, str, Any]] = []
        self._turns, self._values = self._knobs_of(graph)
        self._now: Graph = _settled(graph, self._values)  # without knobs

    @property
    def row(self) -> int:
        return self._state.row if self._state is not None else 0

    @property
    def missed(self) -> int:
        """How many input rows were left out between blocks, by the numbers of these."""
        return self._state.missed if self._state is not None else 0

    def __call__(self, block: Mapping[str, Any]) -> Block:
        """Return a block of input with the graph's columns.

        An exception leaves the run where it was: the same block can be tried again.

        Raises
        ------
        DataError
            When the block has not the columns that are read, or they are of another kind than before.
        """
        with self._lock:
            if self._pending or (self._turns and any(knob.turns != n for knob, n in self._turns.values())):
                made = self._changed(block)
            else:
                made, self._state = self._now.step(self._state or self._now.init(block), block)
            reads = self._now.reads
            if reads and type(block[reads[0]]) is not ndarray:
                tensors_back(made, block, reads)
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

    def _changed(self, block: Mapping[str, Any]) -> Block:
        """Do what was asked for since the last block, and return what the graph then makes of this one.

        A change that this block cannot be computed with is dropped where it can without; then the error tells it once.
        """
        graph, pending = self._planned(), self._pending
        turns, values = self._knobs_of(graph)
        now = _settled(graph, values)
        anew = {name for what, name, _ in pending if what != "set"}
        try:
            state = now.init(block) if self._state is None else self._continued(self._state, now, block, anew)
            made, state = now.step(state, block)
        except Exception:
            if pending and self._works(block):
                self._pending = []
            raise
        turned = [
            k for k in turns if k in self._turns and self._turns[k][0] is turns[k][0] and self._turns[k] != turns[k]
        ]
        row = self.row
        self.log += [Change(row, "set", ".".join(key), values[key]) for key in turned]
        self.log += [Change(row, what, name, value) for what, name, (_, value) in pending]
        self.graph, self._now, self._state, self._pending = graph, now, state, []
        self._turns, self._values = turns, values
        return made

    def _works(self, block: Mapping[str, Any]) -> bool:
        try:
            self._now.step(self._now.init(block) if self._state is None else self._state, block)
        except Exception:
            return False
        return True

    def _continued(self, state: GraphState, now: Graph, block: Mapping[str, Any], anew: Collection[str]) -> GraphState:
        """Return the state to go on with; nodes that are the same, or were tuned only, keep theirs.

        One begins anew that reads a column which now has another dtype, row shape or pace.
        """
        before = self._now
        fresh, columns = now.begin(block)
        columns_before = before.begin(block)[1]
        given, late = getattr(block, "paces", {}), getattr(block, "latencies", {})
        first = 0 if state.first is None else state.first
        at, begun = first + state.row, dict(state.begun)
        paces_before, _ = before.paces(given, late, first, state.begun)
        paces = dict(given)
        old = {node.name: (node, each) for node, each in zip(before.nodes, state.nodes, strict=True)}
        nodes, starts = [], []
        for node, each in zip(now.nodes, fresh.nodes, strict=True):
            start = at
            if (
                node.name in old
                and node.name not in anew
                and fits(old[node.name][0], node)
                and all(
                    paces.get(name, ROWS) == paces_before.get(name, ROWS)
                    and _alike(columns[name], columns_before[name])
                    for name in node.inputs
                )
            ):
                start, each = begun.get(node.name, first), old[node.name][1]
            if start != first:
                starts.append((node.name, start))
            nodes.append(each)
            paces[node.name] = pace_below(node, paces.get(node.inputs[0], ROWS) if node.inputs else ROWS, start)
        heads = dict(zip(before.reads, state.heads, strict=True))
        kept = tuple(heads.get(name, head) for name, head in zip(now.reads, fresh.heads, strict=True))
        return state._replace(heads=kept, nodes=tuple(nodes), begun=tuple(starts))

    # --- knobs ----------------------------------------------------------------------------------

    def _knobs_of(self, graph: Graph) -> tuple[_Turns, dict[tuple[str, str], Any]]:
        """Return how often each knob has been turned, and its value; that of a state, if it was not turned since."""
        turns: _Turns = {}
        values: dict[tuple[str, str], Any] = {}
        for node in graph.nodes:
            for name, knob in node.knobs.items():
                key = (node.name, name)
                n, values[key] = knob.now()
                turns[key] = (knob, n)
                if self._turns.get(key) == turns[key]:
                    values[key] = self._values[key]
        return turns, values

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
                "nodes_of": {node.name: fingerprint(node) for node in self.graph.nodes},
                "log": self.log_plain(),
                "pending": tuple((what, name, _plain(value)) for what, name, (_, value) in self._pending),
            }
            found["knobs"] = {f"{node}.{name}": value for (node, name), value in self._values.items()}
            found["at"] = None
            if state is not None:
                found["at"] = {
                    "row": state.row,
                    "before": state.before,
                    "first": state.first,
                    "begun": state.begun,
                    "missed": state.missed,
                    "heads": tuple((dtype.str, tuple(shape)) for dtype, shape in state.heads),
                    "nodes": {node.name: each for node, each in zip(self.graph.nodes, state.nodes, strict=True)},
                }
            made: dict[str, Any] = owned(found)
            return made

    def log_plain(self) -> tuple[tuple[Any, ...], ...]:
        """Return the log as plain tuples; a node that was added as its JSON."""
        return tuple((row, what, name, _plain(value)) for row, what, name, value in self.log)

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
                of = state.get("nodes_of", {})
                theirs = list(of or (state["at"] or {"nodes": ()})["nodes"])
                differs = next((name for name in (*theirs, *mine) if name not in mine or name not in theirs), None)
                what = f"node {differs!r} is in one of them only" if differs else "a node has other parameters"
                other = [node for node in self.graph.nodes if node.name in of and of[node.name] != fingerprint(node)]
                if not differs:
                    what = f"node {other[0].name!r} was another than {other[0]!r}" if other else "its inputs or outputs"
                raise StateMismatchError(
                    f"load_state_dict got a state of another graph: {what}.\n  Load it into the graph it was saved with."
                )
            self._begin(self.graph)
            for path, value in state["knobs"].items():
                node, _, name = path.rpartition(".")
                self._values[node, name] = value
            self._now = _settled(self.graph, self._values)
            self.log = [
                Change(row, what, name, _node(v, self.graph) if what == "add" else v)
                for row, what, name, v in state["log"]
            ]
            at = state["at"]
            if at is not None:
                heads = tuple((np.dtype(dtype), tuple(shape)) for dtype, shape in at["heads"])
                nodes = tuple(at["nodes"][node.name] for node in self.graph.nodes)
                begun = tuple((name, row) for name, row in at.get("begun", ()))
                self._state = GraphState(
                    at["row"], at["before"], heads, nodes, at.get("first", 0), begun, at.get("missed", 0)
                )
            for what, name, value in state.get("pending", ()):
                self._ask(what, name, _node(value, self.graph) if what == "add" else value)

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
        asked = [(what, name, value) for what, name, (_, value) in self._pending]
        return {"graph": self.graph, "state": {**self.state_dict(), "pending": ()}, "asked": asked}

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(saved["graph"])  # type: ignore[misc]  # as a new one, then where it was
        self.load_state_dict(saved["state"])
        for what, name, value in saved["asked"]:
            self._ask(what, name, value)

    def __repr__(self) -> str:
        return f"Run({self.graph!r}) at row {self.row}"


_Turns = dict[tuple[str, str], tuple[Knob[Any], int]]  # of each knob, and how often it had been turned


def _settled(graph: Graph, values: Mapping[tuple[str, str], Any]) -> Graph:
    """Return a graph whose knobs have some values."""
    if not any(node.knobs for node in graph.nodes):
        return graph
    nodes = [node.settled({name: values[node.name, name] for name in node.knobs}) for node in graph.nodes]
    return Graph(**{**graph.params(), "nodes": tuple(nodes)})


def _alike(a: Any, b: Any) -> bool:
    return bool(a.dtype == b.dtype and a.shape == b.shape)


def _plain(value: Any) -> Any:
    """Return what was added or set as plain data."""
    if isinstance(value, Signal):
        from headrace.signals.json import node_to_plain

        return node_to_plain(value)
    return value.value if isinstance(value, Knob) else value


def fits(old: Signal[Any], new: Signal[Any]) -> bool:
    """Tell whether the state of one node is one of another, too."""
    if type(old) is not type(new) or old.inputs != new.inputs:
        return False
    if getattr(old, "kind", None) != getattr(new, "kind", None):  # of a user's own
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
