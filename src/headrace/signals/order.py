"""Put the nodes of a graph in an order in which each comes behind what it reads, and find the pace of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from headrace.core.block import ROWS, ZERO, Pace
from headrace.errors import StreamConfigError
from headrace.signals.turning import as_now

Paces = dict[str, Pace]


def ordered(nodes: Sequence[Any]) -> tuple[Any, ...]:
    """Return nodes such that each comes behind those it reads, else in the order given.

    Raises
    ------
    StreamConfigError
        When two have one name, or some read each other in a circle.
    """
    by_name: dict[str, Any] = {}
    for node in nodes:
        if node.name in by_name:
            raise StreamConfigError(
                f"Graph got two nodes named {node.name!r}: {by_name[node.name]!r} and {node!r}; names are unique.\n"
                "  Give one of them another name."
            )
        by_name[node.name] = node
    found: dict[str, Any] = {}
    for node in nodes:
        _put(node, by_name, found, [])
    return tuple(found.values())


def _put(node: Any, by_name: dict[str, Any], found: dict[str, Any], above: list[str]) -> None:
    """Add what a node reads, then the node; without recursion, since a chain of nodes may be long."""
    stack = [(node, iter(node.inputs))]
    under_way = {node.name: None}
    if node.name in found:
        return
    while stack:
        current, inputs = stack[-1]
        name = next((name for name in inputs if name in by_name and name not in found), None)
        if name is None:
            found[current.name] = current
            del under_way[current.name]
            stack.pop()
        elif name in under_way:
            circle = [*list(under_way)[list(under_way).index(name) :], name]
            raise StreamConfigError(
                f"Graph got nodes that read each other in a circle: {' <- '.join(circle)}.\n"
                "  A signal depends on earlier rows only by its own state: Delay does not break a circle."
            )
        else:
            under_way[name] = None
            stack.append((by_name[name], iter(by_name[name].inputs)))


def outer_inputs(nodes: Iterable[Any]) -> tuple[str, ...]:
    """Return the names that nodes in order read and none of them makes, in the order of their first use."""
    nodes = tuple(nodes)
    made = {node.name for node in nodes}
    return tuple(dict.fromkeys(name for node in nodes for name in node.inputs if name not in made))


def check_paces(nodes: Iterable[Any]) -> None:
    """Raise a StreamConfigError when a node reads two columns that come from one at different paces."""
    above: dict[str, dict[str, Pace]] = {}  # of each column, its pace in rows of every input that it comes from
    for node in map(without_knobs, nodes):
        merged: dict[str, tuple[Pace, str]] = {}
        for name in node.inputs:
            for root, pace in above.get(name, {name: ROWS}).items():
                known = merged.setdefault(root, (pace, name))
                if known[0] != pace:
                    raise _mixed(node, known[1], known[0], name, pace)
        above[node.name] = {root: pace.then(node.pace) for root, (pace, _) in merged.items()}


def without_knobs(node: Any) -> Any:
    """Return a signal with the values that its knobs have now."""
    return as_now(node)


def pace_below(node: Any, above: Pace, start: int = 0) -> Pace:
    """Return the pace of a node that reads columns of the pace ``above`` and begins with input row ``start``."""
    pace: Pace = node.pace
    if start and pace != ROWS:
        pace = pace.later(above.rows_before(start))
    return above.then(pace)


def paces_of(
    nodes: Iterable[Any],
    given: Mapping[str, Pace],
    late: Mapping[str, Fraction],
    first: int = 0,
    begun: Iterable[tuple[str, int]] = (),
) -> tuple[Paces, dict[str, Fraction]]:
    """Return the paces, and the latencies in input rows, of all columns that have not the plain ones.

    Parameters
    ----------
    nodes
        In order.
    given, late
        Paces and latencies of the columns of the input.
    first
        The number of the input row that the nodes begin with.
    begun
        Names and first input rows of those that began later.

    Raises
    ------
    StreamConfigError
        When a node reads columns of different paces.
    """
    paces, latencies, starts = dict(given), dict(late), dict(begun)
    for node in map(without_knobs, nodes):
        lead = node.inputs[0] if node.inputs else ""
        above = paces.get(lead, ROWS)
        for name in node.inputs[1:]:
            if paces.get(name, ROWS) != above:
                raise _mixed(node, lead, above, name, paces.get(name, ROWS))
        pace = pace_below(node, above, starts.get(node.name, first))
        if pace != ROWS:
            paces[node.name] = pace
        behind = max((latencies.get(name, ZERO) for name in node.inputs), default=ZERO)
        behind += above.every / above.burst * node.latency
        if behind:
            latencies[node.name] = behind
    return paces, latencies


def _mixed(node: Any, a: str, pace_a: Pace, b: str, pace_b: Pace) -> StreamConfigError:
    return StreamConfigError(
        f"{node!r} got inputs at different paces: {a!r} has a row every {pace_a.every} rows from row {pace_a.offset} "
        f"on, {b!r} every {pace_b.every} from {pace_b.offset} on; wanted one pace.\n"
        "  Make the slower one with upsample=True, or bring the faster one down with Resample or the same window."
    )


def meant(name: str, known: Iterable[str]) -> str:
    """Return a hint at which of some names one that is not among them may have been meant to be; nothing for none."""
    close = get_close_matches(name, list(known), 1)
    return f"Did you mean {close[0]!r}?" if close else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return what :func:`meant` does, or else all the names that there are."""
    known = list(known)
    return meant(name, known) or (f"There is {', '.join(map(repr, known))}." if known else "There is none.")
