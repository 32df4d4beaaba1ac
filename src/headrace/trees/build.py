"""The shorthand: lists, functions, strings and dicts become nodes, and these know their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, SupportsIndex

import numpy as np

from headrace.core.key import Seed, seed_integer
from headrace.errors import StreamConfigError
from headrace.trees.accepted import is_stream, streams_are_no_nodes
from headrace.trees.counting import step_number
from headrace.trees.links import parameters_of, relink
from headrace.trees.misspelt import refuse_misspelt
from headrace.trees.nodes import ClassLabelNode, Node, TransformNode
from headrace.trees.parameter import Parameter, is_parameter, move
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
        How likely each is: a list, an array, a dict by branch, a schedule, or a Parameter; all alike by default.
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
    takes_children: ClassVar[bool] = False
    planned: ClassVar[frozenset[str]] = Node.planned | {"seed"}

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
        given = {"name": name, "probs": probs, "seed": seed}
        refuse_misspelt(self.name, branches, (word for word, value in given.items() if value is not None))
        self.seed: int | None = None if seed is None else seed_integer(seed)
        self.probs = _probs(self.name, probs, list(branches))
        self.fetches: bool = self.probs is None  # from its tree's parameters
        self.branches = {key: _spine(branch, string_node, self.name, key) for key, branch in branches.items()}

    @property
    def children(self) -> tuple[Node, ...]:
        """The first node of each branch."""
        return tuple(spine[0] for spine in self.branches.values())

    @property
    def spines(self) -> list[list[Node]]:
        """The nodes of each branch."""
        return list(self.branches.values())

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
        """Take probabilities from the scope of its name, and let all nodes in its branches take theirs.

        Raises
        ------
        StreamConfigError
            When that scope has another count of parameters than one.
        """
        if self.fetches:
            self.probs = None
        if self.fetches and self.name in params.scopes:
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
        """Advance its probabilities and the parameters of all nodes in its branches, each once.

        Raises
        ------
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        move(parameters_of([self]))

    def set_update_step(self, idx: SupportsIndex) -> None:
        """Move its probabilities and the parameters of all nodes in its branches to a step.

        Raises
        ------
        StreamConfigError
            When it is no whole number.
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        move(parameters_of([self]), step_number(f"set_update_step of branching {self.name!r}", idx))

    def traverse(self, input: Any, rng: np.random.Generator) -> tuple[Any, Node | None]:
        """Return ``input`` and the first node of a branch, drawn from ``rng``."""
        spines = list(self.branches.values())
        probs = None if self.probs is None else self.probs.value
        if isinstance(probs, Schedule):
            probs = probs.at(0)
        return input, spines[int(rng.choice(len(spines), p=probs))][0]

    def __str__(self) -> str:
        return f"{self.emoji} `{self.name}()`"


def _probs(name: str, probs: Any, keys: list[Any]) -> Parameter | None:
    if probs is None or isinstance(probs, Parameter):
        return probs
    if not isinstance(probs, dict):
        return Parameter("probs", probs)
    if probs.keys() == set(keys):  # by branch
        return Parameter("probs", [probs[key] for key in keys])
    if is_parameter(probs) and probs.keys() <= {"name", "value", "schedule", "strategy"}:
        return Parameter("probs", **{part: value for part, value in probs.items() if part != "name"})
    raise StreamConfigError(
        f"branching {name!r} got probs={probs!r}, wanted a probability for each of {keys}, or a value and a schedule.\n"
        "  Write [0.5, 0.5], {'a': 0.5, 'b': 0.5} or {'value': [0.5, 0.5], 'schedule': [[0.1, 0.9]]}."
    )


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
        For lists inside lists, references in a circle, trees and streams in the place of nodes, and what is none of these.

    Examples
    --------
    >>> from headrace.trees import construct_tree
    >>> start, branching, end = construct_tree([abs, {"a": "a", "b": [abs, "b"]}, abs])
    >>> start.children == (branching,), len(start.leaves)
    (True, 2)
    """
    spine = spine_of(nodes, string_node)
    relink(spine)
    return spine


def spine_of(nodes: Any, string_node: LabelNode) -> list[Node]:
    """Return the nodes of a path, with the links that they have.

    Raises
    ------
    StreamConfigError
        As :func:`construct_tree` does.
    """
    _refuse_circles(nodes)
    return _spine(nodes, string_node)


def _spine(nodes: Any, string_node: LabelNode, where: str | None = None, key: Any = None) -> list[Node]:
    """Return the nodes of one path in order; one that does nothing for an empty branch."""
    there = "" if where is None else f" in branch {key!r} of {where!r}"
    items = list(nodes) if isinstance(nodes, list | tuple) else [nodes]
    if not items:
        if where is None:
            raise StreamConfigError(
                "a tree got no nodes, wanted at least one.\n  Begin with a function of None, which makes the first value."
            )
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
    if isinstance(item, str | int | np.integer) and not isinstance(item, bool):
        made = string_node(int(item) if isinstance(item, np.integer) else item)
        if not isinstance(made, Node):
            raise StreamConfigError(f"string_node({item!r}) gave {made!r}, wanted a node.")
        return made
    if isinstance(item, dict):
        branches = {key: branch for key, branch in item.items() if key not in RESERVED}
        given = {key: item[key] for key in RESERVED if item.get(key) is not None}
        return BranchingNode(branches, string_node=string_node, **given)
    if is_stream(item):
        raise streams_are_no_nodes(f"a tree{there}", item)
    if callable(item):
        return TransformNode(item)
    hint = "See construct_tree."
    if isinstance(item, list | tuple):
        hint = "A list in a list: put its nodes in the outer one."
    elif item is None:
        hint = "A branch in which nothing happens is []."
    elif isinstance(item, bool):
        hint = "A label is a text or an integer: 0 or 1, perhaps."
    raise StreamConfigError(
        f"a tree got the {type(item).__name__} {item!r}{there}, wanted a node, a function, a string, an integer or a dict of "
        f"branches.\n  {hint}"
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
    elif isinstance(item, list | tuple):
        parts = item
    elif isinstance(item, BranchingNode):
        parts = item.branches.values()
    for part in parts:
        _refuse_circles(part, (*above, id(item)))
