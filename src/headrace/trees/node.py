"""A place in a tree: its name, its neighbours, its parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol, SupportsIndex, runtime_checkable

import numpy as np

from headrace.core.notes import warn
from headrace.errors import StreamConfigError
from headrace.trees.counting import step_number
from headrace.trees.ends import Ends
from headrace.trees.parameter import CHANGES, Parameter, move
from headrace.trees.store import ParameterStore


@runtime_checkable
class Traverse(Protocol):
    """What can be walked through: gives a value and the node behind it."""

    def traverse(self, input: Any, rng: np.random.Generator) -> tuple[Any, Any]:
        """Return what becomes of ``input``, and where to go on; None at a leaf."""
        ...


class Node:
    """A place in a tree.

    Attributes
    ----------
    name : str
        What it is called in scopes, records and drawings.
    named : bool
        Whether the user chose that name.
    emoji : str
        What it is drawn with.
    """

    name: str
    named: bool
    emoji: str
    params: ParameterStore | None
    takes_children: ClassVar[bool] = True  # through their ``parent``
    shared: ClassVar[bool] = False  # whether trees walk through this very node, as it is then; else through copies
    taken: bool = False  # whether a tree has it: the next one takes a copy
    planned: ClassVar[frozenset[str]] = frozenset({"name"})  # what recipes hold of it, besides parameters

    def __init__(self, name: str, emoji: str, named: bool = True) -> None:
        if not isinstance(name, str):
            raise StreamConfigError(f"a node got the name {name!r}, wanted a text.")
        self.name, self.emoji, self.named = name, emoji, named
        self.params = None
        self.before: list[Node] = []  # in the tree that was built last
        self.behind: list[Node] = []
        self.hung: list[Node] = []  # by hand, through ``parent``

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        if name in self.planned and self.taken:
            CHANGES.node_changed()

    # --- views of the tree it is in: a node that several branches lead to has a place in each ----

    @property
    def children(self) -> tuple[Node, ...]:
        """The nodes right behind this one."""
        return tuple(self.behind or self.hung)

    @property
    def parent(self) -> Node | None:
        """The node before this one, the first where several branches lead here. Setting it hangs this node there.

        Raises
        ------
        StreamConfigError
            When set to a branching, to itself, or to a node below it.
        """
        return self.before[0] if self.before else None

    @parent.setter
    def parent(self, node: Node | None) -> None:
        above = node
        while above is not None:
            if above is self:
                raise StreamConfigError(f"node {self.name!r} got a parent that is itself or below it: a cycle.")
            above = above.parent
        if node is not None and not node.takes_children:
            raise StreamConfigError(
                f"node {self.name!r} got the branching {node.name!r} for its parent, wanted another node: a branching goes "
                "on in its branches.\n  Put it into a branch, or behind the branching in the list of the tree."
            )
        for old in self.before:
            old.hung = [child for child in old.hung if child is not self]
            old.behind = [child for child in old.behind if child is not self]
        self.before = [] if node is None else [node]
        if node is not None:
            node.hung = [*node.children, self]
            node.behind = []

    @property
    def ancestors(self) -> tuple[Node, ...]:
        """The nodes on the way here, from the root."""
        found: list[Node] = []
        node = self.parent
        while node is not None:
            found.append(node)
            node = node.parent
        return tuple(reversed(found))

    @property
    def root(self) -> Node:
        """Where the tree begins."""
        return (*self.ancestors, self)[0]

    @property
    def leaves(self) -> Sequence[Node]:
        """The ends of all paths from here, one for each path; made when looked at."""
        return Ends(self)

    @property
    def spines(self) -> list[list[Node]]:
        """The nodes of each branch, where this is a choice."""
        return []

    # --- parameters -----------------------------------------------------------------------------

    def own_parameters(self) -> list[Parameter]:
        """Return the parameters that this node reads."""
        return [] if self.params is None else self.params.each()

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        """Return (name, parameter) of those: the name that this node has for it, which one in several scopes cannot have."""
        if self.params is None:
            return [(parameter.name, parameter) for parameter in self.own_parameters()]
        return list(self.params.named())

    def fetch_params(self, params: ParameterStore) -> None:
        """Take what this node needs from a tree's parameters; nothing, by default."""

    def get_params(self) -> ParameterStore | None:
        """Return this node's parameters in a scope of its name, the very objects; None when it has none."""
        if self.params is None:
            return None
        store = ParameterStore()
        store.parameters[self.name] = dict(self.params.named())
        return store

    def update(self) -> None:
        """Advance this node's parameters once: all of them, or none where one cannot.

        Raises
        ------
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        move(self.own_parameters())

    def set_update_step(self, idx: SupportsIndex) -> None:
        """Move this node's parameters to a step, counted from their first value: all of them, or none.

        Raises
        ------
        StreamConfigError
            When it is no whole number.
        ParameterOutOfRangeError
            Behind the last value of a schedule whose strategy says so.
        """
        move(self.own_parameters(), step_number(f"set_update_step of node {self.name!r}", idx))

    # --- doing ----------------------------------------------------------------------------------

    def traverse(self, input: Any, rng: np.random.Generator) -> tuple[Any, Node | None]:
        """Return what becomes of ``input``, and the next node; None at a leaf."""
        return input, self._next()

    def _next(self) -> Node | None:
        children = self.children
        if len(children) > 1:
            warn(f"node {self.name!r} has {len(children)} children and no branches: the first is used.")
        return children[0] if children else None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "before": [], "behind": []}  # the tree links them again: no depth of nodes to descend

    def __str__(self) -> str:
        return f"{self.emoji} `{self.name}()`"

    def __repr__(self) -> str:
        return str(self)
