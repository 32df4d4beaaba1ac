"""Compute a recorded graph again as it was computed live: from the state it began in, changed where it was changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from headrace.core.block import Block
from headrace.core.fingerprint import fingerprint
from headrace.errors import StreamConfigError
from headrace.live.recording.recording import Recording
from headrace.signals import Graph
from headrace.signals.base import Signal
from headrace.signals.json import node_from_plain, value_from_plain


def starts(
    graph: Any, recording: Recording | None, functions: Mapping[str, Any] | None
) -> Callable[[], Callable[[Block], Block | None]]:
    """Return what begins a run of a graph as it ran beside a recording; None is made of blocks that were left out."""
    changes = [] if recording is None else recording.notes["changes"]
    states = [] if recording is None else recording.states

    def start() -> Callable[[Block], Block | None]:
        run = graph.run()
        if states:
            run.load_state_dict(
                {**states[0], "of": fingerprint(graph)}
            )  # knobs in it are where they were, not at first
        return _Relived(run, changes, functions) if changes else run

    return start


class _Relived:
    """A run whose changes take place before the rows that they did."""

    def __init__(self, run: Any, changes: list[dict[str, Any]], functions: Mapping[str, Any] | None) -> None:
        self.run, self.changes, self.functions = run, changes, functions
        self.done = self.row = self.left_out = 0

    def __call__(self, block: Block) -> Block | None:
        while self.done < len(self.changes) and self.changes[self.done]["row"] <= self.row and block.n:
            told = self.changes[self.done]
            if told["what"] == "skip":
                self.left_out += int(told["value"])
            elif told["what"] == "reset":
                self.run.reset()
            elif told["what"] == "add":
                self.run.add(node_from_plain(told["value"], self.functions))
            elif told["what"] == "remove":
                self.run.remove(told["name"])
            else:
                self.run.set(told["name"], value_from_plain(told["value"], self.functions))
            self.done += 1
            if self.left_out:
                break  # what comes after it in the log counts for the next block
        if self.left_out and block.n:
            self.left_out = max(0, self.left_out - block.n)
            return None
        made: Block = self.run(block)
        self.row += block.n
        return made


def gone(recording: Recording | None) -> set[str]:
    """Return the nodes that were removed while it was recorded."""
    changes = [] if recording is None else recording.notes["changes"]
    return {told["name"] for told in changes if told["what"] == "remove"}


def left_out(recording: Recording | None) -> int:
    """Return how many rows were recorded whose signals could not be computed."""
    changes = [] if recording is None else recording.notes["changes"]
    return sum(int(told["value"]) for told in changes if told["what"] == "skip")


def as_graph(graph: Any) -> Any:
    """Return a graph; of a list of signals, one of these.

    Raises
    ------
    StreamConfigError
        When it is neither.
    """
    if isinstance(graph, Graph):
        return graph
    if isinstance(graph, list | tuple) and all(isinstance(each, Signal) for each in graph):
        return Graph(list(graph))
    raise StreamConfigError(
        f"a session got graph={graph!r}, wanted a Graph or a list of signals.\n  Leave it out for the one that was recorded."
    )
