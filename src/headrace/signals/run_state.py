"""Where a run is, as plain data, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from headrace.core.fingerprint import fingerprint
from headrace.core.knob import Knob
from headrace.core.owned import owned
from headrace.core.plain import functions_in, where_is
from headrace.errors import HeadraceError, StateMismatchError
from headrace.signals.base import Signal
from headrace.signals.changes import Change, Values
from headrace.signals.graph import Graph, GraphState


class Saved(NamedTuple):
    """What a state says: where the run was, its knobs' values, what had been and what was to be changed."""

    state: GraphState | None
    values: Values
    log: list[Change]
    pending: list[tuple[str, str, Any]]
    turned: Values  # of knobs that were turned after the last block


def to_plain(graph: Graph, saved: Saved) -> dict[str, Any]:
    """Return where a run of a graph is as plain data, which goes with the graph as it is."""
    state = saved.state
    found: dict[str, Any] = {
        "headrace": "signals",
        "version": 1,
        "of": fingerprint(graph),
        "nodes_of": {node.name: fingerprint(node) for node in graph.nodes},
        "log": log_to_plain(saved.log),
        "pending": tuple((what, name, _plain(value)) for what, name, value in saved.pending),
        "knobs": {f"{node}.{name}": value for (node, name), value in saved.values.items()},
        "turned": {f"{node}.{name}": value for (node, name), value in saved.turned.items()},
        "at": None,
    }
    if state is not None:
        found["at"] = {
            "row": state.row,
            "before": state.before,
            "first": state.first,
            "begun": state.begun,
            "missed": state.missed,
            "heads": tuple((dtype.str, tuple(shape)) for dtype, shape in state.heads),
            "nodes": {node.name: each for node, each in zip(graph.nodes, state.nodes, strict=True)},
        }
    made: dict[str, Any] = owned(found)
    return made


def log_to_plain(log: Iterable[Change]) -> tuple[tuple[Any, ...], ...]:
    """Return a log as plain tuples; a node that was added as its JSON."""
    return tuple((row, what, name, _plain(value)) for row, what, name, value in log)


def check_known(graph: Graph, pending: Iterable[tuple[str, str, Any]]) -> None:
    """Raise where a node waits to be added whose function a state could not bring back.

    Raises
    ------
    StateMismatchError
        When there is one; names it.
    """
    for what, name, value in pending:
        if what == "add" and not isinstance(_value(what, _plain(value), graph), Signal):
            raise StateMismatchError(
                f"state_dict got a run that is to add {name!r} with the next block, and plain data cannot tell the function "
                "that it computes.\n  Save the state after the next block, register the function, or pickle the run."
            )


def from_plain(plain: Any, graph: Graph) -> Saved:
    """Return what :func:`to_plain` wrote of a run of this graph.

    Raises
    ------
    StateMismatchError
        When it is the state of another graph (names the first node that differs), or none at all.
    """
    if not isinstance(plain, Mapping) or plain.get("headrace") != "signals" or plain.get("version") != 1:
        raise StateMismatchError(
            f"load_state_dict got {str(plain)[:80]}, wanted what state_dict() returned.\n  Give that of a run of this graph."
        )
    part = "of"
    try:
        if plain["of"] != fingerprint(graph):
            raise StateMismatchError(
                f"load_state_dict got a state of another graph: {_difference(plain, graph)}.\n"
                "  Load it into the graph it was saved with."
            )
        state = owned(dict(plain))
        part = "knobs"
        values = {(node, name): state["knobs"][f"{node}.{name}"] for node, name in _knobs(graph)}
        part, later = "turned", state.get("turned", {})
        turned = {key: later[".".join(key)] for key in _knobs(graph) if ".".join(key) in later}
        part = "log"
        log = [Change(_whole(row), what, name, _value(what, v, graph)) for row, what, name, v in state["log"]]
        part = "pending"
        pending = [(_known(what), name, _value(what, value, graph)) for what, name, value in state.get("pending", ())]
        part = "at"
        return Saved(None if state["at"] is None else _place(state["at"], graph), values, log, pending, turned)
    except HeadraceError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateMismatchError(
            f"load_state_dict got a state with {part}={str(plain.get(part))[:80]}, wanted what state_dict() returned: "
            f"{type(error).__name__} {error}.\n  Load it as it was saved."
        ) from None


def _place(at: Any, graph: Graph) -> GraphState:
    heads = tuple((np.dtype(dtype), tuple(map(_whole, shape))) for dtype, shape in at["heads"])
    if len(heads) != len(graph.reads):
        raise ValueError(f"it has {len(heads)} columns")
    nodes = tuple(at["nodes"][node.name] for node in graph.nodes)
    begun = tuple((str(name), _whole(row)) for name, row in at.get("begun", ()))
    first, before = at.get("first", 0), at["before"]
    return GraphState(
        _whole(at["row"]),
        before if before is None or isinstance(before, np.ndarray) else float(before),
        heads,
        nodes,
        None if first is None else _whole(first),
        begun,
        _whole(at.get("missed", 0)),
    )


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{value!r} is no whole number")
    return int(value)


def _known(what: Any) -> str:
    if what not in ("add", "remove", "set"):
        raise ValueError(f"{what!r} is no change")
    return str(what)


def _knobs(graph: Graph) -> list[tuple[str, str]]:
    return [(node.name, name) for node in graph.nodes for name in node.knobs]


def _difference(plain: Mapping[str, Any], graph: Graph) -> str:
    mine = [node.name for node in graph.nodes]
    of = plain.get("nodes_of")
    if not isinstance(of, Mapping):
        return "it does not say of which"
    for name in (*of, *mine):
        if name not in mine or name not in of:
            return f"node {name!r} is in one of them only"
    other = next((node for node in graph.nodes if of[node.name] != fingerprint(node)), None)
    return "its inputs or outputs differ" if other is None else f"node {other.name!r} was another than {other!r}"


def _plain(value: Any) -> Any:
    """Return what was added or set as plain data."""
    if isinstance(value, Signal):
        from headrace.signals.json import node_to_plain

        return node_to_plain(value)
    return value.value if isinstance(value, Knob) else value


def _value(what: str, plain: Any, graph: Graph) -> Any:
    """Return the node that was added, or what is known of it where it is of a function that is not there any more."""
    from headrace.signals.json import node_from_plain

    if what != "add":
        return plain
    known: list[Any] = functions_in(graph)
    for each in known or [None]:  # two of one name differ in content
        try:
            return node_from_plain(plain, {**{where_is(f): f for f in known}, where_is(each): each})
        except HeadraceError:
            continue
    return plain
