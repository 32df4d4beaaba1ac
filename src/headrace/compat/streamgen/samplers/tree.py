"""The tree, with the arguments and defaults of StreamGen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headrace.compat.streamgen.samplers.protocol import Sampler
from headrace.core.key import Seed
from headrace.trees import build as native_build
from headrace.trees import tree as native_tree
from headrace.trees.build import LabelNode
from headrace.trees.collect import SamplingStrategy
from headrace.trees.labels import noop
from headrace.trees.nodes import ClassLabelNode, Node, SampleBufferNode, TransformNode
from headrace.trees.parameter import Parameter
from headrace.trees.store import ParameterStore

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "BranchingNode",
    "ClassLabelNode",
    "Parameter",
    "ParameterStore",
    "SampleBufferNode",
    "Sampler",
    "SamplingStrategy",
    "SamplingTree",
    "TransformNode",
    "construct_tree",
    "noop",
]


class BranchingNode(native_build.BranchingNode):
    """A choice among branches. ``seed`` is taken and has no effect, as ever: choices come from the tree's seed.

    See Also
    --------
    headrace.trees.BranchingNode : where a seed is a root of its own.
    """

    def __init__(
        self,
        branches: dict[Any, Any],
        probs: Any = None,
        name: str | None = None,
        seed: int = 42,
        string_node: LabelNode = ClassLabelNode,
    ) -> None:
        super().__init__(_without_seeds(branches), probs, name, None, string_node)


def construct_tree(nodes: Any, string_node: LabelNode = ClassLabelNode) -> list[Node]:
    """Return the nodes of a path, each linked to its neighbours; a ``seed`` in a dict of branches has no effect, as ever.

    Parameters
    ----------
    nodes, string_node
        As :func:`headrace.trees.construct_tree` takes them.

    Raises
    ------
    StreamConfigError
        For lists inside lists, references in a circle, and what is no node.
    """
    return native_build.construct_tree(_without_seeds(nodes), string_node)


def _without_seeds(item: Any, above: tuple[int, ...] = ()) -> Any:
    """Return the shorthand without the seeds in its dicts, which is left as it is: nodes in it stay the very objects."""
    if id(item) in above:
        return item  # in a circle: refused by name where the nodes are made
    above = (*above, id(item))
    if isinstance(item, dict):
        reserved = native_build.RESERVED
        return {k: v if k in reserved else _without_seeds(v, above) for k, v in item.items() if k != "seed"}
    if isinstance(item, list | tuple):
        return [_without_seeds(part, above) for part in item]
    return item


class SamplingTree(native_tree.SamplingTree):
    """A sampling tree. Parameters that no node uses are warned of, not refused.

    See Also
    --------
    headrace.trees.SamplingTree : what it does.

    Examples
    --------
    >>> from headrace.compat.streamgen.samplers.tree import SamplingTree
    >>> tree = SamplingTree([lambda _: 0, {"a": "a", "b": "b"}])
    >>> len(tree.collect(3, strategy="balanced"))
    6
    """

    def __init__(
        self,
        nodes: Any,
        params: ParameterStore | dict[str, Any] | pd.DataFrame | None = None,
        collate_func: Callable[[Any], Any] | None = None,
        string_node: LabelNode = ClassLabelNode,
        rng: Seed | None = 42,
    ) -> None:
        super().__init__(_without_seeds(nodes), params, collate_func, string_node, rng, strict=False)
