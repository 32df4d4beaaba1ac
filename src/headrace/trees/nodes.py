"""What a tree consists of: functions, class labels, buffers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, ClassVar, Literal, Protocol, SupportsIndex, runtime_checkable

import numpy as np

from headrace.core.notes import warn
from headrace.core.registry import find, register
from headrace.errors import StreamConfigError
from headrace.trees.batched import needs_of
from headrace.trees.ends import Ends
from headrace.trees.parameter import CHANGES, Parameter, move, step_number
from headrace.trees.schedule import Schedule, whole_number
from headrace.trees.store import ParameterStore


class ArgumentPassingStrategy(StrEnum):
    """How a function is handed its parameters: one by one, or all as a store."""

    DICT = "dict"
    UNPACK = "unpack"


ArgumentPassingStrategyLit = Literal["dict", "unpack"]


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
    shared: ClassVar[bool] = (
        False  # whether trees walk through this very node, whatever it is then; else through copies
    )
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


class TransformNode(Node):
    """A function of the running value.

    Parameters
    ----------
    transform
        Called as ``transform(value, **parameters)``; a parameter named ``rng`` is filled with a generator that belongs
        to this node and this sample alone, and is valid during the call.
    params
        Its parameters. Without them it takes, from the parameters of its tree, the scope that has its name, and those at
        the top that have the names of arguments still missing.
    argument_strategy
        ``"unpack"``: parameters by name. ``"dict"``: ``transform(value, store)``.
    name
        The function's own by default.
    emoji
        What it is drawn with.

    Raises
    ------
    StreamConfigError
        When it cannot be called, or has no name and is given none.

    Examples
    --------
    >>> from headrace.trees import Parameter, SamplingTree, TransformNode
    >>> def add(x, number):
    ...     return x + number
    >>> node = TransformNode(add, Parameter("number", 1))
    >>> print(node)
    ➡️ `add(number=1)`
    >>> SamplingTree([lambda _: 1, node]).sample()
    2
    """

    transform: Callable[..., Any]
    argument_strategy: ArgumentPassingStrategy
    planned: ClassVar[frozenset[str]] = Node.planned | {"transform", "argument_strategy"}

    def __init__(
        self,
        transform: Callable[..., Any],
        params: Parameter | ParameterStore | None = None,
        argument_strategy: ArgumentPassingStrategyLit | ArgumentPassingStrategy = "unpack",
        name: str | None = None,
        emoji: str = "➡️",
    ) -> None:
        if not callable(transform):
            raise StreamConfigError(
                f"TransformNode(transform) got {transform!r}, wanted a function of the value so far."
            )
        if iscoroutinefunction(transform):
            raise StreamConfigError(
                f"TransformNode(transform) got {transform!r}, which is async, wanted a function that returns a value.\n"
                "  Write one that runs it to its end, with asyncio.run."
            )
        super().__init__(_name_of(transform) if name is None else name, emoji, name is not None)
        self.transform = transform
        if isinstance(params, Parameter):
            params = ParameterStore([params])
        elif params is not None and not isinstance(params, ParameterStore):
            raise StreamConfigError(
                f"node {self.name!r} got params={params!r}, wanted a Parameter or a ParameterStore.\n"
                "  ParameterStore({...}) makes one of a dict."
            )
        self.params = params
        self.fetches: bool = params is None  # from its tree's parameters; its own, given here, come first
        try:
            self.argument_strategy = ArgumentPassingStrategy(argument_strategy)
        except ValueError:
            raise StreamConfigError(
                f"node {self.name!r} got argument_strategy={argument_strategy!r}, wanted 'unpack' or 'dict'."
            ) from None

    def fetch_params(self, params: ParameterStore) -> None:
        """Take the scope of this node's name, and top-level parameters for arguments still missing: the very objects."""
        if not self.fetches:
            return
        found: dict[str, Parameter] = dict(params.parameters.get(self.name, {})) if self.name in params.scopes else {}
        for name in needs_of(self.transform).takes:
            shared = params.parameters.get(name)
            if name not in found and isinstance(shared, Parameter):
                found[name] = shared
        self.params = ParameterStore()  # a new one: a copy of this node in another tree may have the last
        self.params.parameters = dict(found)

    def traverse(self, input: Any, rng: np.random.Generator) -> tuple[Any, Node | None]:
        """Return what the function makes of ``input``, and the next node."""
        more = {"rng": rng} if needs_of(self.transform).rng else {}
        if self.params is None:
            return self.transform(input, **more), self._next()
        values = {name: parameter.value for name, parameter in self.params.named()}
        moving = {name: value.at(0) for name, value in values.items() if isinstance(value, Schedule)}
        if self.argument_strategy == "dict":
            store = self.params
            if moving:  # by the number of a sample, and a node alone has none: it is taken for the first
                store = ParameterStore([Parameter(name, value) for name, value in {**values, **moving}.items()])
            return self.transform(input, store, **more), self._next()
        return self.transform(input, **{**values, **moving}, **more), self._next()

    def __str__(self) -> str:
        return f"{self.emoji} `{self.name}{'()' if self.params is None else repr(self.params)}`"


def _name_of(transform: Any) -> str:
    function = transform
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__name__", None)
    if name is None:
        raise StreamConfigError(
            f"TransformNode got {transform!r}, which has no name, wanted one: scopes and records go by it.\n"
            f"  Write TransformNode(transform, name='...'), or give {type(function).__name__} an attribute __name__."
        )
    return str(name)


@register("tree_pair", example=None, kind="function")
def pair(input: Any, label: Any) -> tuple[Any, Any]:
    """Return a value with its label.

    Examples
    --------
    >>> pair(1.5, "low")
    (1.5, 'low')
    """
    return input, label


class ClassLabelNode(Node):
    """Puts a class label to the value: what a bare string in a tree becomes.

    Parameters
    ----------
    label
        The label.
    label_func
        How: ``label_func(value, label)``; by default ``(value, label)``.

    Examples
    --------
    >>> from headrace.trees import ClassLabelNode, SamplingTree
    >>> SamplingTree([lambda _: 1, "one"]).sample()
    (1, 'one')
    """

    label: str | int
    label_func: Callable[[Any, Any], Any]
    planned: ClassVar[frozenset[str]] = Node.planned | {"label", "label_func"}

    def __init__(self, label: str | int, label_func: Callable[[Any, Any], Any] = pair) -> None:
        super().__init__(f"label={label}", "🏷️")
        self.label = label
        self.label_func = label_func

    def traverse(self, input: Any, rng: np.random.Generator) -> tuple[Any, Node | None]:
        """Return the value with its label, and the next node."""
        return self.label_func(input, self.label), self._next()

    def __str__(self) -> str:
        return f"{self.emoji} `{self.label}`"


class SampleBufferNode(Node):
    """Keeps the last values that came by, and passes them on as they are.

    Filled by what the tree itself draws (``sample``, ``collect``, ``read``); a stream made of the tree fills none.

    Parameters
    ----------
    name
        ``"sample buffer"`` by default.
    num_samples
        How many values are kept, at least 1.

    Attributes
    ----------
    samples : deque
        The values, the latest last.

    Raises
    ------
    StreamConfigError
        For another number.

    Examples
    --------
    >>> from headrace.trees import SampleBufferNode, SamplingTree
    >>> buffer = SampleBufferNode(num_samples=2)
    >>> _ = SamplingTree([lambda _: 1, buffer, "one"]).collect(5)
    >>> list(buffer.samples)
    [1, 1]
    """

    samples: deque[Any]

    def __init__(self, name: str | None = None, num_samples: SupportsIndex = 4) -> None:
        super().__init__("sample buffer" if name is None else name, "🗃️", name is not None)
        self.num_samples: int = whole_number("SampleBufferNode", "num_samples", num_samples, 1)
        self.samples = deque(maxlen=self.num_samples)

    def traverse(self, input: Any, rng: np.random.Generator) -> tuple[Any, Node | None]:
        """Keep ``input`` and return it, and the next node."""
        self.samples.append(input)
        return input, self._next()

    def plot(self, plotting_func: Callable[[Any, Any], Any], display: bool = True) -> Any:
        """Return what it holds as an animation; None while it is empty.

        Parameters
        ----------
        plotting_func
            Draws a sample: called as ``plotting_func(sample, axes)`` with matplotlib's axes, for samples that are a pair
            with the first of it.
        display
            Whether to return a player for a notebook; else matplotlib's ``FuncAnimation``, whose figure is yours to close.

        Raises
        ------
        MissingExtraError
            When matplotlib is not installed.
        """
        return find("plot.buffer").make(self, plotting_func, display)

    def __str__(self) -> str:
        return f"{self.emoji} `{self.name}()`"
