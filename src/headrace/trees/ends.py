"""The ends of all paths from a node: with merges there can be more than fit anywhere, so they are counted, not listed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.trees.nodes import Node


class Ends(Sequence["Node"]):
    """The ends of all paths from a node, counted without walking them."""

    def __init__(self, node: Node) -> None:
        self.node: Node = node
        self._counts: dict[int, int] = {}

    def _count(self, node: Node) -> int:
        waiting = [node]
        while waiting:
            top = waiting[-1]
            todo = [child for child in top.children if id(child) not in self._counts]
            if todo:
                waiting.extend(todo)
            else:
                self._counts[id(top)] = sum(self._counts[id(child)] for child in top.children) or 1
                waiting.pop()
        return self._counts[id(node)]

    def __len__(self) -> int:
        return self._count(self.node)

    def __getitem__(self, k: Any) -> Any:
        if isinstance(k, slice):
            return tuple(self[i] for i in range(*k.indices(len(self))))
        total = self._count(self.node)
        left = k + total if k < 0 else k
        if not 0 <= left < total:
            raise IndexError(k)
        node = self.node
        while node.children:
            for child in node.children:
                if left < self._count(child):
                    node = child
                    break
                left -= self._count(child)
        return node

    def __iter__(self) -> Iterator[Node]:
        waiting = [self.node]
        while waiting:
            node = waiting.pop()
            if node.children:
                waiting.extend(reversed(node.children))
            else:
                yield node

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Sequence)
            and self._count(self.node) == len(other)
            and all(a is b for a, b in zip(self, other, strict=True))
        )

    def __hash__(self) -> int:
        return hash(id(self.node))

    def __repr__(self) -> str:
        shown = ", ".join(map(repr, islice(self, 4)))
        return f"({shown}{', ...' if self._count(self.node) > 4 else ''})"
