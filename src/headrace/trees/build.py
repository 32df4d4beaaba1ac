"""The shorthand: lists, functions, strings and dicts become nodes, and these know their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from headrace.core.key import Seed, seed_integer
from headrace.errors import StreamConfigError
from headrace.trees.nodes import ClassLabelNode, Node, TransformNode
from headrace.trees.parameter import Parameter
from headrace.trees.schedule import Schedule
from headrace.trees.store import ParameterStore

RESERVED = ("name", "probs", "seed")
_DEFAULT = "branching_node"
LabelNode = Callable[..., Node]


class BranchingNode(Node):
    """Goes on in one of several branches, chosen at random for each sample.

    Parameters
    ----------
    branches
        What to do by name: each a list of nodes, or one, as :func:`construct_tree` takes them.
    probs
        How likely each is: a list, an array, a schedule, or a Parameter; all alike by default.
    name
        ``"branching_node"`` by default.
    seed
        A root for its choices alone; by default they come from the tree's.
    string_node
        Makes the nodes of bare strings.

    Raises
    ------
    StreamConfigError
        Without branches.

    Examples
    --------
    >>> from headrace.trees import BranchingNode, SamplingTree
    >>> coin = BranchingNode({"heads": "heads", "tails": "tails"}, probs=[1.0, 0.0])
    >>> SamplingTree([lambda _: 0, coin]).collect(2)
    [(0, 'heads'), (0, 'heads')]
    """

    branches: dict[Any, list[Node]]
    probs: Parameter | None

    def __init__(
        self,
        branches: dict[Any, Any],
        probs: Any = None,
        name: str | None = None,
        seed: Seed | None = None,
        string_node: LabelNode = ClassLabelNode,
    ) -> None:
        super().__init__(_DEFAULT if name is None else name, "🪴", name is not None)
        if not isinstance(branches, dict) or not branches:
            raise StreamConfigError(
                f"branching {self.name!r} got the branches {branches!r}, wanted a dict of at least one."
            )
        self.seed: int | None = None if seed is None else seed_integer(seed)
        self.probs = _probs(probs)
        self.branches = {key: _spine(branch, string_node, self.name, key) for key, branch in branches.items()}

    @property
    def children(self) -> tuple[Node, ...]:
        """The first node of each branch."""
        return tuple(spine[0] for spine in self.branches.values())

    def own_parameters(self) -> list[Parameter]:
        """Return its probabilities, where it has any."""
        return [] if self.probs is None else [self.probs]

    def get_params(self) -> ParameterStore | None:
        """Return its probabilities and the parameters of all nodes in its branches; None when there are none."""
        store = ParameterStore()
        if self.probs is not None:
            store.parameters[self.name] = {self.probs.name: self.probs}
        for spine in self.branches.values():
            for node in spine:
                inside = node.get_params()
                if inside is not None:
                    store |= inside
        return store if store.parameters else None

    def fetch_params(self, params: ParameterStore) -> None:
        """Take probabilities from the scope of its name, and let all nodes in its branches take theirs."""
        if self.probs is None and self.name in params.scopes:
            inside = params.parameters[self.name]
            if len(inside) != 1:
                raise StreamConfigError(
                    f"branching {self.name!r} got the parameters {sorted(inside)} in the scope of its name, wanted one: "
                    "the probabilities of its branches."
                )
            (self.probs,) = inside.values()
        for spine in self.branches.values():
            for node in spine:
                node.fetch_params(params)

    def update(self) -> None:
        """Advance its probabilities and the parameters of all nodes in its branches, each once."""
        for parameter in parameters_of([self]):
            parameter.update()

    def set_update_step(self, idx: int) -> None:
        """Move its probabilities and the parameters of all nodes in its branches to a step."""
        for parameter in parameters_of([self]):
            parameter[idx]

    def traverse(self, input: Any, rng: np.random.Generator) -> tuple[Any, Node | None]:
        """Return ``input`` and the first node of a branch, drawn from ``rng``."""
        spines = list(self.branches.values())
        probs = None if self.probs is None else self.probs.value
        if isinstance(probs, Schedule):
            probs = probs.at(0)
        return input, spines[int(rng.choice(len(spines), p=probs))][0]

    def __str__(self) -> str:
        return f"{self.emoji} `{self.name}()`"


def _probs(probs: Any) -> Parameter | None:
    if probs is None or isinstance(probs, Parameter):
        return probs
    if isinstance(probs, dict):
        return Parameter("probs", **{name: part for name, part in probs.items() if name != "name"})
    return Parameter("probs", probs)


def construct_tree(nodes: Any, string_node: LabelNode = ClassLabelNode) -> list[Node]:
    """Return the nodes of a path, each linked to its neighbours.

    Parameters
    ----------
    nodes
        A list, or one thing: nodes as they are; functions, which become :class:`TransformNode`; strings, which become
        labels; dicts of branches, with ``name``, ``probs`` and ``seed`` beside them if wanted, which become
        :class:`BranchingNode`. What comes behind a branching comes behind each of its branches: the same nodes, not
        copies.
    string_node
        Makes the nodes of bare strings.

    Raises
    ------
    StreamConfigError
        For lists inside lists, references in a circle, and what is none of these.

    Examples
    --------
    >>> from headrace.trees import construct_tree
    >>> start, branching, end = construct_tree([abs, {"a": "a", "b": [abs, "b"]}, abs])
    >>> start.children == (branching,), len(start.leaves)
    (True, 2)
    """
    _refuse_circles(nodes)
    spine = _spine(nodes, string_node)
    for node in everything(spine):
        node.before, node.behind = [], []
    link(spine, None)
    return spine


def _spine(nodes: Any, string_node: LabelNode, where: str | None = None, key: Any = None) -> list[Node]:
    """Return the nodes of one path in order; one that does nothing for an empty branch."""
    there = "" if where is None else f" in branch {key!r} of {where!r}"
    items = nodes if isinstance(nodes, list) else [nodes]
    if not items:
        if where is None:
            raise StreamConfigError("a tree got no nodes, wanted at least one.")
        return [Node("noop", "➡️", named=False)]
    spine = [_node(item, string_node, there) for item in items]
    seen = set(map(id, spine))
    while spine[-1].hung:  # by hand, through ``parent``
        following = spine[-1]._next()
        if following is None or id(following) in seen:
            break
        spine.append(following)
        seen.add(id(following))
    return spine


def _node(item: Any, string_node: LabelNode, there: str) -> Node:
    if isinstance(item, Node):
        return item
    if isinstance(item, str) or (isinstance(item, int) and not isinstance(item, bool)):
        made = string_node(item)
        if not isinstance(made, Node):
            raise StreamConfigError(f"string_node({item!r}) gave {made!r}, wanted a node.")
        return made
    if isinstance(item, dict):
        branches = {key: branch for key, branch in item.items() if key not in RESERVED}
        given = {key: item[key] for key in RESERVED if item.get(key) is not None}
        return BranchingNode(branches, string_node=string_node, **given)
    if callable(item):
        return TransformNode(item)
    kind = f"the {type(item).__name__} {item!r}"
    raise StreamConfigError(
        f"a tree got {kind}{there}, wanted a node, a function, a string or a dict of branches.\n"
        + ("  A list in a list: put its nodes in the outer one." if isinstance(item, list) else "  See construct_tree.")
    )


def _refuse_circles(item: Any, above: tuple[int, ...] = ()) -> None:
    """Raise for a dict or list that holds itself: it would be walked for ever."""
    if id(item) in above:
        raise StreamConfigError(
            "a tree got branches that hold themselves: a reference in a circle.\n"
            "  A tree ends. What repeats goes into a function, or into nodes one after another."
        )
    parts: Iterable[Any] = ()
    if isinstance(item, dict):
        parts = (part for key, part in item.items() if key not in RESERVED)
    elif isinstance(item, list):
        parts = item
    elif isinstance(item, BranchingNode):
        parts = item.branches.values()
    for part in parts:
        _refuse_circles(part, (*above, id(item)))


def link(spine: list[Node], after: Node | None) -> None:
    """Tell the nodes of a path who their neighbours are; ``after`` is where it goes on behind its last."""
    for node, following in [*pairwise(spine), *([(spine[-1], after)] if after is not None else [])]:
        if isinstance(node, BranchingNode):
            for branch in node.branches.values():
                link(branch, following)
        else:
            node.behind = [following]
            following.before.append(node)
    if after is None and isinstance(spine[-1], BranchingNode):
        for branch in spine[-1].branches.values():
            link(branch, None)
    for node in spine:
        if isinstance(node, BranchingNode):
            for child in node.children:
                child.before.insert(0, node)


def everything(spine: Iterable[Node]) -> list[Node]:
    """Return all nodes of a path and of the branches on it, each once, in the order of the path."""
    found: dict[int, Node] = {}
    waiting = list(spine)[::-1]
    while waiting:
        node = waiting.pop()
        if id(node) in found:
            continue
        found[id(node)] = node
        if isinstance(node, BranchingNode):
            waiting.extend(node_ for branch in reversed(list(node.branches.values())) for node_ in reversed(branch))
    return list(found.values())


def parameters_of(spine: Iterable[Node]) -> list[Parameter]:
    """Return the parameters that nodes of a path read, each object once."""
    return list(dict.fromkeys(parameter for node in everything(spine) for parameter in node.own_parameters()))
