"""A tree as text."""

from __future__ import annotations

from collections.abc import Sequence

from headrace.trees.build import BranchingNode
from headrace.trees.nodes import Node
from headrace.trees.plan import Plan

MOST = 2000  # lines


def text_of(plan: Plan, nodes: Sequence[Node]) -> str:
    """Return a tree drawn with lines: a node in every branch that leads to it, cut after 2000 lines.

    Examples
    --------
    >>> from headrace.trees import SamplingTree
    >>> print(SamplingTree([abs, {"a": "a", "b": [abs, "b"]}]), end="")
    🌳
    ➡️ `abs()`
    ╰── 🪴 `branching_node()`
        ├── 🏷️ `a`
        ╰── ➡️ `abs()`
            ╰── 🏷️ `b`
    """
    lines = ["🌳"]
    waiting = [(0, "", "")]  # entry, what stands before it, what stands before those below it
    while waiting:
        if len(lines) > MOST:
            lines.append(f"... cut after {MOST} lines")
            break
        k, own, inside = waiting.pop()
        lines.append(f"{own}{nodes[k]}")
        entry = plan[k]
        below = [j for _, j in entry["of"]] if "of" in entry else [] if entry["next"] is None else [entry["next"]]
        for last, j in enumerate(reversed(below)):
            waiting.append((j, inside + ("├── " if last else "╰── "), inside + ("│   " if last else "    ")))
    return "\n".join(lines) + "\n"


def text_of_way(nodes: Sequence[Node]) -> str:
    """Return one way through a tree, drawn with lines: it has no branchings to show.

    Examples
    --------
    >>> from headrace.trees import construct_tree
    >>> print(text_of_way(construct_tree([abs, "a"])), end="")
    🌳
    ➡️ `abs()`
    ╰── 🏷️ `a`
    """
    shown = [node for node in nodes if not isinstance(node, BranchingNode)]
    return text_of(Plan({"next": k + 1 if k + 1 < len(shown) else None} for k in range(len(shown))), shown)
