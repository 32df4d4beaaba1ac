"""What a tree draws for itself: it goes on from sample to sample, fills buffers, and says where an error came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from types import GeneratorType
from typing import Any

from headrace.core.indexed import ENDLESS, Bound
from headrace.core.items import stack
from headrace.core.key import Key
from headrace.core.notes import explain
from headrace.trees.draws import Draws
from headrace.trees.nodes import Node, SampleBufferNode
from headrace.trees.plan import Plan
from headrace.trees.recipe import OneByOne, Tree


class Run:
    """A tree's own pass, from one sample on; ``nodes`` are what its entries are made of.

    What it makes reaches buffers by :meth:`deliver` only: a sample that fails, or that nobody could be given, is tried
    again.
    """

    def __init__(self, tree: Tree, nodes: Sequence[Node], seed: int, position: int, turn: object = None) -> None:
        self.stream: Tree = tree
        self.plan: Plan = tree.plan
        self.turn: object = turn  # the lock it is made under: another one in a process that was forked
        self.count: int = position
        self.next: int = position
        self.bound: Bound[Any] = tree.bound(Key(seed))
        self.draws: Draws = self.bound.draws  # type: ignore[attr-defined]  # both Bounds of a tree have them
        buffers = {k: node.samples for k, node in enumerate(nodes) if isinstance(node, SampleBufferNode)}
        self.buffered: bool = bool(buffers)
        self.draws.buffers = buffers or None
        self.items: Iterator[Any] = self.bound.walk(range(position, ENDLESS))
        self.failing: int | None = None  # the number of the sample that could not be made

    def goes_on(self, plan: Plan, turn: object, position: int) -> bool:
        """Tell whether the next sample of it is that of a tree: none after an exception, or where parameters changed."""
        return self.next == position and self.plan is plan and self.turn is turn

    def take(self, n: int) -> list[Any]:
        """Return the next ``n`` samples."""
        found = self._walked(self.items, range(self.next, self.next + n))
        self.next += len(found)
        return found

    def take_at(self, at: range) -> list[Any]:
        """Return the samples at some numbers."""
        return self._walked(self.bound.walk(at), at)

    def _walked(self, items: Iterator[Any], at: range) -> list[Any]:
        found: list[Any] = []
        try:
            found.extend(islice(items, len(at)))  # what came before an exception stays in it
        except BaseException:
            self.failing = at[len(found)]
            raise
        return found

    def columns(self, at: range) -> Any:
        """Return samples as columns."""
        one_by_one = isinstance(self.bound, OneByOne)
        columns = stack(self._walked(self.bound.walk(at), at)) if one_by_one else self.bound.columns(at)
        self.next = at.stop
        self.items = self.bound.walk(range(self.next, ENDLESS))
        return columns

    def deliver(self) -> None:
        """Fill the buffers with the samples made, which are handed out now."""
        if self.buffered:
            self.draws.deliver()

    def failed(self, error: BaseException, position: int) -> None:
        """Note where an exception came from, and how to go on behind the sample that could not be made."""
        if isinstance(self.items, GeneratorType) and self.items.gi_running:
            error.add_note(
                "  one of the tree's own functions asked the tree for a sample, which was making one for it.\n"
                "  Draw inside functions from another tree, or by number: tree[i]."
            )
            self.failing = None
            return
        self.count = self.next if self.failing is None else self.failing
        explain(error, self)
        self.next = -1  # no run goes on from there
        wrong: range | None = getattr(self.bound, "wrong", None)
        if wrong is None and self.failing is not None:
            wrong = range(self.failing, self.failing + 1)
        if wrong is None or not isinstance(error, Exception):
            return
        note = _past(wrong, position)
        if note not in getattr(error, "__notes__", ()):
            error.add_note(note)

    def label_of(self, bound: Any) -> str | None:
        return "" if bound is self.bound else None


def _past(wrong: range, position: int) -> str:
    """Return how to go on behind samples that could not be made."""
    first, stop = wrong.start, wrong.stop
    if len(wrong) > 1:
        return f"  samples {first} to {stop - 1} are made in one call, and the tree stays at {position}: seek({stop}) passes them"
    ways = f"skip() or seek({stop}) passes it" if first == position else f"seek({stop}) passes it"
    return f"  sample {first} was not made, and the tree stays at {position}: {ways}"
