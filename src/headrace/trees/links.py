"""Who stands behind whom: the nodes of a tree, their neighbours, and the parameters that they read."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from itertools import pairwise
from typing import Any

from headrace.trees.nodes import Node
from headrace.trees.parameter import Parameter


def everything(spine: Iterable[Node]) -> list[Node]:
    """Return all nodes of a path and of the branches on it, each once, in the order of the path."""
    found: dict[int, Node] = {}
    waiting = list(spine)[::-1]
    while waiting:
        node = waiting.pop()
        if id(node) in found:
            continue
        found[id(node)] = node
        waiting.extend(inside for branch in reversed(node.spines) for inside in reversed(branch))
    return list(found.values())


def parameters_of(spine: Iterable[Node]) -> list[Parameter]:
    """Return the parameters that nodes of a path read, each object once."""
    return list(dict.fromkeys(parameter for node in everything(spine) for parameter in node.own_parameters()))


def relink(spine: list[Node]) -> None:
    """Tell the nodes of a tree who their neighbours are, and nothing of other trees."""
    for node in everything(spine):
        node.before, node.behind = [], []
    _link(spine, None)


def _link(spine: list[Node], after: Node | None) -> None:
    """Link the nodes of a path; ``after`` is where it goes on behind its last."""
    for node, following in [*pairwise(spine), *([(spine[-1], after)] if after is not None else [])]:
        if node.spines:
            for branch in node.spines:
                _link(branch, following)
        else:
            node.behind = [following]
            following.before.append(node)
    if after is None:
        for branch in spine[-1].spines:
            _link(branch, None)
    for node in spine:
        for branch in node.spines:
            branch[0].before.insert(0, node)


def owned(spine: list[Node]) -> list[Node]:
    """Return a path of nodes that no other tree has: copies in place of those that one has already.

    What a node fetches is of one tree, and so are its neighbours. A copy of a buffer keeps the same samples. Nodes of a
    user's class are copied by ``copy.copy``, unless their class says that they are ``shared``.
    """
    known: dict[int, Node] = {}

    def own(node: Node) -> Node:
        if id(node) not in known:
            twin: Any = node
            branches = [[own(inside) for inside in branch] for branch in node.spines]
            if (node.taken or _differ(branches, node.spines)) and not node.shared:
                twin = copy(node)
                if branches:
                    twin.branches = dict(zip(twin.branches, branches, strict=True))
            known[id(node)] = twin
        return known[id(node)]

    return [own(node) for node in spine]


def _differ(mine: list[list[Node]], theirs: list[list[Node]]) -> bool:
    return any(a is not b for one, other in zip(mine, theirs, strict=True) for a, b in zip(one, other, strict=True))
