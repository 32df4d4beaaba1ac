"""What a tree consists of: functions, class labels, buffers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any, ClassVar, Literal, SupportsIndex

import numpy as np

from headrace.core.checks import whole_number
from headrace.core.registry import find, register
from headrace.errors import StreamConfigError
from headrace.trees.accepted import check_function, name_of
from headrace.trees.batched import needs_of
from headrace.trees.node import Node, Traverse
from headrace.trees.parameter import Parameter
from headrace.trees.schedule import Schedule
from headrace.trees.store import ParameterStore

__all__ = [
    "ArgumentPassingStrategy",
    "ArgumentPassingStrategyLit",
    "ClassLabelNode",
    "Node",
    "SampleBufferNode",
    "TransformNode",
    "Traverse",
    "pair",
]


class ArgumentPassingStrategy(StrEnum):
    """How a function is handed its parameters: one by one, or all as a store."""

    DICT = "dict"
    UNPACK = "unpack"


ArgumentPassingStrategyLit = Literal["dict", "unpack"]


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
        check_function("TransformNode(transform)", transform)
        super().__init__(name_of(transform) if name is None else name, emoji, name is not None)
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
        self.num_samples: int = whole_number("SampleBufferNode", num_samples, 1, name="num_samples", things="samples")
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
