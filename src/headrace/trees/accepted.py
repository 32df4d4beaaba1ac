"""Which functions can be nodes of a tree: those that return a value, and have a name."""

from __future__ import annotations

from functools import partial
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Any

from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.trees.batched import Batched


def check_function(who: str, function: Any) -> None:
    """Raise for what cannot be the function of a node.

    Raises
    ------
    StreamConfigError
        When it cannot be called, is async or a generator function, or is a stream or a tree itself.

    Examples
    --------
    >>> check_function("TransformNode(transform)", abs)
    """
    if not callable(function):
        raise StreamConfigError(f"{who} got {function!r}, wanted a function of the value so far.")
    if is_stream(function):
        raise streams_are_no_nodes(who, function)
    inner = function
    while isinstance(inner, partial | Batched):
        inner = inner.func if isinstance(inner, partial) else inner.function
    kinds = (inner, getattr(inner, "__call__", None))  # noqa: B004  # an object may be called by a method of any kind
    if any(map(iscoroutinefunction, kinds)):
        raise StreamConfigError(
            f"{who} got {function!r}, which is async, wanted a function that returns a value.\n"
            "  Write one that runs it to its end, with asyncio.run."
        )
    if any(map(isgeneratorfunction, kinds)) or any(map(isasyncgenfunction, kinds)):
        raise StreamConfigError(
            f"{who} got {function!r}, which is a generator function, wanted a function that returns a value: every sample "
            "would be a generator that has not run.\n"
            "  Write return in place of yield. What yields items one after another is a stream: hr.Streamer(function)."
        )


def is_stream(thing: Any) -> bool:
    """Tell whether something is a stream, or a handle that has one, as a tree is. Both can be called, and are no functions."""
    return not isinstance(thing, type) and (isinstance(thing, Stream) or hasattr(thing, "__recipe__"))


def streams_are_no_nodes(who: str, found: Any) -> StreamConfigError:
    """Return what to raise for a tree or a stream in the place of a node."""
    if hasattr(found, "nodes"):
        return StreamConfigError(
            f"{who} got the tree {found!r}, wanted a node, a function, a string, an integer or a dict of branches: "
            "a tree has a seed and a clock of its own.\n"
            "  Put its nodes here, as in [*tree.nodes, ...], and the parameters that they need into this tree's. "
            "To mix samples of trees: hr.mix([first, second])."
        )
    return StreamConfigError(
        f"{who} got the stream {found!r}, wanted a node, a function, a string, an integer or a dict of branches: "
        "it gives items of its own.\n"
        "  Write a function that returns an item of it, or mix it with this tree: hr.mix([tree, stream])."
    )


def name_of(transform: Any) -> str:
    """Return what a function is called, whatever has been wrapped around it.

    Raises
    ------
    StreamConfigError
        When it has no name.

    Examples
    --------
    >>> name_of(partial(abs))
    'abs'
    """
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
