"""What a tree draws for itself: it goes on from sample to sample, fills buffers, and says where an error came from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from headrace.core.indexed import ENDLESS, Bound
from headrace.core.key import Key
from headrace.core.notes import explain
from headrace.trees.nodes import Node, SampleBufferNode
from headrace.trees.recipe import Tree
from headrace.trees.steps import Draws


class Run:
    """A tree's own pass, from one sample on; ``nodes`` are what its entries are made of."""

    def __init__(self, tree: Tree, nodes: Sequence[Node], seed: int, position: int) -> None:
        self.stream: Tree = tree
        self.count: int = position
        self.next: int = position
        self.bound: Bound[Any] = tree.bound(Key(seed))
        self.draws: Draws = self.bound.draws  # type: ignore[attr-defined]  # both Bounds of a tree have them
        buffers = {k: node.samples for k, node in enumerate(nodes) if isinstance(node, SampleBufferNode)}
        self.buffered: bool = bool(buffers)
        self.draws.buffers = buffers or None
        self.items: Iterator[Any] = self._items()

    def _items(self) -> Iterator[Any]:
        for item in self.bound.walk(range(self.next, ENDLESS)):
            self.next += 1
            yield item

    def one(self) -> Any:
        """Return the next sample."""
        item = next(self.items)
        if self.buffered:
            self.draws.deliver()
        return item

    def take(self, n: int) -> list[Any]:
        """Return the next ``n`` samples."""
        self.count = self.next
        found: list[Any] = self._delivered([next(self.items) for _ in range(n)])
        return found

    def _delivered(self, found: Any) -> Any:
        """Return samples, all of which are made: only now do buffers get them, for one that fails is tried again."""
        if self.buffered:
            self.draws.deliver()
        return found

    def take_at(self, at: range) -> list[Any]:
        """Return the samples at some numbers."""
        found = []
        self.next = at.start
        for item in self.bound.walk(at):
            found.append(item)
            self.next += at.step
        samples: list[Any] = self._delivered(found)
        return samples

    def columns(self, at: range) -> Any:
        """Return samples as columns."""
        try:
            columns = self.bound.columns(at)
        except BaseException as error:
            self.failed(error)
            raise
        self.next = at.stop
        self.items = self._items()
        return self._delivered(columns)

    def failed(self, error: BaseException) -> None:
        """Note where an exception came from: the sample that would have been next."""
        self.count = self.next
        explain(error, self)
        self.next = -1  # no run goes on from there

    def label_of(self, bound: Any) -> str | None:
        return "" if bound is self.bound else None
