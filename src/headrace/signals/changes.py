"""Changes of a graph while it runs: what is written down of them, and which nodes keep their state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from headrace.core.block import ROWS
from headrace.core.knob import Knob
from headrace.signals.base import Signal
from headrace.signals.graph import Graph, GraphState
from headrace.signals.order import pace_below

Turns = dict[tuple[str, str], tuple[Knob[Any], int]]  # of each knob, and how often it had been turned
Values = dict[tuple[str, str], Any]  # of knobs, by node and parameter


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


def settled(graph: Graph, values: Mapping[tuple[str, str], Any]) -> Graph:
    """Return a graph whose knobs have some values."""
    if not any(node.knobs for node in graph.nodes):
        return graph
    nodes = [node.settled({name: values[node.name, name] for name in node.knobs}) for node in graph.nodes]
    return Graph(**{**graph.params(), "nodes": tuple(nodes)})


def knobs_of(graph: Graph, turns: Turns, values: Values, turned: Values) -> tuple[Turns, Values]:
    """Return how often each knob of a graph has been turned, and its value; what a run has of it, if not turned since.

    Parameters
    ----------
    graph
        The graph with its knobs.
    turns, values
        What the run has seen of them with its last block.
    turned
        The values of those that had been turned after it when the run's state was saved, which it does not know yet.
    """
    now: Turns = {}
    found: Values = {}
    for node in graph.nodes:
        for name, knob in node.knobs.items():
            key = (node.name, name)
            n, found[key] = knob.now()
            now[key] = (knob, n)
            if turns.get(key) == now[key]:
                found[key] = turned.get(key, values[key])
    return now, found


def fits(old: Signal[Any], new: Signal[Any]) -> bool:
    """Tell whether the state of one node is one of another, too."""
    if type(old) is not type(new) or old.inputs != new.inputs:
        return False
    if getattr(old, "kind", None) != getattr(new, "kind", None):  # of a user's own
        return False
    return new.keeps(old)


def continued(
    state: GraphState, before: Graph, now: Graph, block: Mapping[str, Any], anew: Collection[str]
) -> GraphState:
    """Return the state that another graph goes on with; nodes that are the same, or were tuned only, keep theirs.

    One begins anew that reads a column which now has another dtype, row shape or pace.

    Parameters
    ----------
    state
        Where the run is.
    before, now
        The graph until now and from now on, without knobs.
    block
        What comes next.
    anew
        The names of nodes that begin anew in any case.
    """
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
                paces.get(name, ROWS) == paces_before.get(name, ROWS) and _alike(columns[name], columns_before[name])
                for name in node.inputs
            )
        ):
            start, each = begun.get(node.name, first), node.carry(*old[node.name])
        if start != first:
            starts.append((node.name, start))
        nodes.append(each)
        paces[node.name] = pace_below(node, paces.get(node.inputs[0], ROWS) if node.inputs else ROWS, start)
    heads = dict(zip(before.reads, state.heads, strict=True))
    kept = tuple(heads.get(name, head) for name, head in zip(now.reads, fresh.heads, strict=True))
    return state._replace(heads=kept, nodes=tuple(nodes), begun=tuple(starts))


def _alike(a: Any, b: Any) -> bool:
    return bool(a.dtype == b.dtype and a.shape == b.shape)
