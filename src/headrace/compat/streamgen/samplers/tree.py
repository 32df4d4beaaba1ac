"""The tree, with the arguments and defaults of StreamGen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from headrace.core.key import Seed
from headrace.trees import build as native_build
from headrace.trees import tree as native_tree
from headrace.trees.build import LabelNode, construct_tree
from headrace.trees.nodes import ClassLabelNode
from headrace.trees.store import ParameterStore

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BranchingNode", "SamplingTree", "construct_tree"]


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
        super().__init__(branches, probs, name, None, string_node)


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
        super().__init__(nodes, params, collate_func, string_node, rng, strict=False)
