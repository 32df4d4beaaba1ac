"""What can be found wrong with a tree before its first sample: every message names the node and the parameter."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from headrace.core.notes import warn
from headrace.errors import StreamConfigError
from headrace.trees.accepted import check_function
from headrace.trees.batched import needs_of, per_row_of
from headrace.trees.build import BranchingNode
from headrace.trees.chances import checked, table_of
from headrace.trees.links import everything
from headrace.trees.nodes import Node, TransformNode
from headrace.trees.parameter import Parameter
from headrace.trees.schedule import Schedule
from headrace.trees.sequence import Listed
from headrace.trees.store import ParameterStore


def check_tree(spine: Iterable[Node], params: ParameterStore, *, strict: bool) -> None:
    """Raise for what cannot work in a tree; for parameters that no node uses too, or only warn of them.

    Raises
    ------
    StreamConfigError
        Naming node and parameter.
    """
    nodes = everything(spine)
    for node in nodes:
        if isinstance(node, TransformNode):
            _fits(node)
        elif isinstance(node, BranchingNode):
            _probabilities(node)
    _names(nodes)
    _unused(nodes, params, strict=strict)


def _fits(node: TransformNode) -> None:
    check_function(f"node {node.name!r}", node.transform)  # again: its function may be another than it was made with
    needs = needs_of(node.transform)
    if not needs.known:
        return
    call = f"{node.name}{needs.signature}"
    if not needs.first:
        raise StreamConfigError(
            f"node {node.name!r} got the function {call}, wanted one with a first argument: the value so far.\n"
            "  The first node of a tree gets None."
        )
    given = set() if node.params is None else {name for name, _ in node.params.named()}
    if node.argument_strategy == "dict":
        if node.params is None or not given:
            raise StreamConfigError(
                f"node {node.name!r} got argument_strategy='dict' and no parameters, wanted some to make a store of."
            )
        return
    unknown = sorted(given - set(needs.takes) - {"rng"}) if not needs.any_name else []
    if unknown:
        near = get_close_matches(unknown[0], needs.takes, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise StreamConfigError(
            f"node {node.name!r} got the parameter {unknown[0]!r}, which {call} does not take.\n"
            f"  {hint}It takes {', '.join(map(repr, needs.takes)) or 'none'}."
        )
    offered = {"i", "n"} if per_row_of(node.transform) is not None else set()
    missing = [name for name in needs.required if name not in given and name not in offered]
    if missing:
        raise StreamConfigError(
            f"node {node.name!r} got no value for the parameter {missing[0]!r} of {call}, wanted one.\n"
            f"  Put it in the tree's parameters, as {{{node.name!r}: {{{missing[0]!r}: ...}}}} or {{{missing[0]!r}: ...}}."
        )


def _probabilities(node: BranchingNode) -> None:
    if node.probs is None:
        return
    n, what = len(node.branches), node.probs.name
    for value in [node.probs.value, *_coming(node.probs)]:
        if isinstance(value, Schedule):
            table_of(node.name, value, n)
        elif value is not None:
            checked(node.name, value, n, what)


def _coming(parameter: Parameter) -> list[object]:
    """Return the values of a schedule that are there already."""
    return list(parameter.row.values) if isinstance(parameter.row, Listed) else []


def _names(nodes: list[Node]) -> None:
    """Raise where two nodes that were named alike would have parameters of one name, and they are others."""
    seen: dict[str, Node] = {}
    for node in nodes:
        if "." in node.name and node.own_parameters():
            raise StreamConfigError(
                f"node {node.name!r} got a name with a dot and parameters, wanted one without: in the name of a parameter a "
                f"dot parts the node from the argument.\n  Call it {node.name.replace('.', '_')!r}, as with name=."
            )
        if not node.named:
            continue
        other = seen.setdefault(node.name, node)
        if other is node:
            continue
        if isinstance(node, BranchingNode) and isinstance(other, BranchingNode):
            raise StreamConfigError(
                f"two branchings got the name {node.name!r}, wanted names of their own: records and parameters go by them."
                "\n  Name each, as in {'name': 'first', ...}."
            )
        mine = dict(node.named_parameters())
        for own, parameter in other.named_parameters():
            if mine.get(own, parameter) is not parameter:
                raise StreamConfigError(
                    f"two nodes got the name {node.name!r} and different parameters {own!r}, wanted names of "
                    "their own or parameters in common.\n  Give each a name, or both the same Parameter."
                )


def _unused(nodes: list[Node], params: ParameterStore, *, strict: bool) -> None:
    used = {id(parameter) for node in nodes for parameter in node.own_parameters()}
    for name, parameter in params.named():
        if id(parameter) not in used:
            text = _given_twice(nodes, name) or _for_nobody(nodes, name)
            if strict:
                raise StreamConfigError(text)
            warn(text)


def _given_twice(nodes: list[Node], name: str) -> str | None:
    """Return what to say of a parameter for a node that was made with parameters of its own."""
    scope, dot, _ = name.partition(".")
    for node in nodes if dot else ():
        if node.name != scope or getattr(node, "fetches", True) or not isinstance(node, BranchingNode | TransformNode):
            continue
        own, place = (
            ("probs", "beside its branches")
            if isinstance(node, BranchingNode)
            else ("params", "to the TransformNode itself")
        )
        return (
            f"node {scope!r} got {own} twice, {place} and as {name!r} in the tree's parameters, wanted them in one place: "
            f"those given {place} are used.\n  Drop one of the two."
        )
    return None


def _for_nobody(nodes: list[Node], name: str) -> str:
    scope, dot, _ = name.partition(".")
    names = sorted({node.name for node in nodes if isinstance(node, TransformNode | BranchingNode)})
    near = get_close_matches(scope, names, 1) if dot else []
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return (
        f"the tree got the parameter {name!r}, which none of its nodes uses.\n"
        f"  {hint}Its nodes are {', '.join(names)}; a parameter goes to the node named by its scope, or by argument."
    )
