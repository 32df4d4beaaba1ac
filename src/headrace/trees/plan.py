"""What a tree is at one moment: its nodes and the values of their parameters, frozen.

A plan is plain data, so that it prints, pickles, compares and has a fingerprint like any description: a row of nodes,
each with the number of the node behind it. Several branches may go on at one node.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from headrace.trees.build import BranchingNode
from headrace.trees.lending import lent
from headrace.trees.links import everything
from headrace.trees.nodes import ClassLabelNode, Node, SampleBufferNode, TransformNode, pair
from headrace.trees.parameter import Parameter

Entry = dict[str, Any]


class Plan(tuple[Entry, ...]):
    """The nodes of a tree, the root first.

    ``kind`` says what an entry is; ``name`` is unique among them; ``address`` is where its random numbers come from: the
    names on the way to it, each with its number among those of its name, so that a node more changes those of none but of
    nodes behind it that share its name; ``next`` is the number of the node behind it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        inner = {k for entry in self for _, k in entry.get("of", ())}
        shown: list[str] = []
        k: int | None = 0 if self else None
        while k is not None and len(shown) < 6:
            entry = self[k]
            shown.append("{" + ", ".join(str(key) for key, _ in entry["of"]) + "}" if "of" in entry else entry["name"])
            k = entry["next"] if "next" in entry and entry["next"] not in inner else None
        return f"<{' > '.join(shown)}>"

    def __told__(self) -> dict[str, Any]:
        """Return the values of all parameters by full name, and the nodes: what a state tells, to say what differs."""
        told: dict[str, Any] = {}
        for entry in self:
            told |= {f"{entry['name']}.{name}": value for name, value in entry.get("values", {}).items()}
            if entry.get("probs") is not None:
                told[f"{entry['name']}.{entry['by']}"] = entry["probs"]
        return {"nodes": repr(self), **told}


def titles_of(spine: Iterable[Node]) -> dict[int, str]:
    """Return a unique name for each node by its id: its own, numbered where nodes with parameters of their own share it."""
    titles: dict[int, str] = {}
    owners: dict[str, tuple[int, ...]] = {}
    seen: Counter[str] = Counter()
    nodes = everything(spine)
    taken = {node.name for node in nodes}  # the users' own come first
    for node in nodes:
        own = tuple(sorted(map(id, node.own_parameters()))) if not isinstance(node, BranchingNode) else (id(node),)
        if node.name not in owners:
            owners[node.name] = own
            seen[node.name] = 1
        if owners[node.name] == own:
            titles[id(node)] = node.name
        else:
            title = node.name
            while title in taken:
                seen[node.name] += 1
                title = f"{node.name}_{seen[node.name]}"
            taken.add(title)
            titles[id(node)] = title
    return titles


def plan_of(
    spine: list[Node], titles: dict[int, str], values: Mapping[int, Any] | None = None
) -> tuple[Plan, list[Node]]:
    """Return the plan of a path with its branches, and the node that each entry is made of.

    ``values`` takes the place of what parameters have now, by their ids.
    """
    entries: list[Entry] = []
    made_of: list[Node] = []

    def lay(nodes: list[Node], above: str, after: int | None) -> int:
        first = len(entries)
        seen: Counter[str] = Counter()
        for k, node in enumerate(nodes):
            seen[node.name] += 1
            entry = _entry(node, values or {})
            entry["name"] = titles[id(node)]
            entry["address"] = f"{above}/{node.name!r}{seen[node.name] if seen[node.name] > 1 else ''}"
            entry["next"] = first + k + 1 if k + 1 < len(nodes) else after
            entries.append(entry)
            made_of.append(node)
        for k, node in enumerate(nodes):
            if isinstance(node, BranchingNode):
                entry = entries[first + k]
                entry["of"] = tuple(
                    (key, lay(branch, f"{entry['address']}[{key!r}]", entry["next"]))
                    for key, branch in node.branches.items()
                )
        return first

    lay(spine, "", None)
    return Plan(entries), made_of


def moved_plan(plan: Plan, made_of: Sequence[Node], changed: set[Parameter]) -> Plan:
    """Return a plan with what some parameters are now; ``made_of`` are the nodes of its entries."""
    return Plan(
        entry if changed.isdisjoint(node.own_parameters()) else {**entry, **_entry(node, {})}
        for entry, node in zip(plan, made_of, strict=True)
    )


def _entry(node: Node, other: Mapping[int, Any]) -> Entry:
    def value_of(parameter: Parameter) -> Any:
        return lent(other.get(id(parameter), parameter.value))

    if isinstance(node, BranchingNode):
        probs = None if node.probs is None else value_of(node.probs)
        return {
            "kind": "branch",
            "probs": probs,
            "by": None if node.probs is None else node.probs.name,
            "seed": node.seed,
        }
    own = {} if node.params is None else {name: value_of(parameter) for name, parameter in node.params.named()}
    if not _is_ours(node):
        return {"kind": "node", "function": node.traverse, "values": own}
    if isinstance(node, ClassLabelNode):
        function = None if node.label_func is pair else node.label_func
        return {"kind": "label", "label": node.label, "function": function}
    if isinstance(node, SampleBufferNode):
        return {"kind": "buffer"}
    if isinstance(node, TransformNode):
        how = "dict" if node.argument_strategy == "dict" and node.params is not None else "unpack"
        return {"kind": "call", "function": node.transform, "values": own, "how": how}
    return {"kind": "pass"}


def _is_ours(node: Node) -> bool:
    """Tell whether a node is walked as its class in this package is: a user's may have a way of its own."""
    return type(node).traverse in (
        Node.traverse,
        ClassLabelNode.traverse,
        SampleBufferNode.traverse,
        TransformNode.traverse,
    )


def functions_of(plan: Plan) -> list[Callable[..., Any]]:
    """Return the functions of a plan, each once, in its order."""
    return list(dict.fromkeys(entry["function"] for entry in plan if entry.get("function") is not None))
