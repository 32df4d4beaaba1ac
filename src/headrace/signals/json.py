"""Signals and graphs as JSON: by registered names, with a version; loading makes nothing that is not registered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from headrace.core.knob import Knob
from headrace.core.registry import components
from headrace.errors import DataError, RegistryError
from headrace.signals.base import class_called, kind_of
from headrace.signals.contents import check_content
from headrace.signals.graph import Graph
from headrace.signals.json_values import Functions, Names, value_from_plain, value_to_plain
from headrace.signals.order import nearest

__all__ = ["VERSION", "from_json", "node_from_plain", "node_to_plain", "to_json", "value_from_plain", "value_to_plain"]

VERSION = 1
_PARTS = ("type", "inputs", "name", "params")
_OF_GRAPH = ("outputs", "inputs", "rate", "timestamp")


def node_to_plain(node: Any, names: Names | None = None) -> dict[str, Any]:
    """Return a signal as JSON values; ``names`` are those of the document it stands in."""
    names = Names() if names is None else names
    names.node = node.name
    inputs = [list(v) if isinstance(v, tuple) else v for v in (getattr(node, role) for role in node.roles)]
    params = {name: value_to_plain(value, names) for name, value in node.stored.items()}
    return {"type": kind_of(node), "inputs": inputs, "name": node.name, "params": params}


def node_from_plain(
    plain: Mapping[str, Any], functions: Functions = None, knobs: dict[int, Knob[Any]] | None = None
) -> Any:
    """Return the signal that :func:`node_to_plain` described.

    Raises
    ------
    RegistryError
        When no signal of that type is registered, or a function is not known.
    DataError
        When it is no description of a signal.
    """
    if not isinstance(plain, Mapping) or not plain.keys() >= set(_PARTS) or not isinstance(plain["params"], Mapping):
        raise DataError(
            f"from_json got {str(plain)[:80]} for a node, wanted type, inputs, name and params.\n"
            "  Write the graph again with to_json."
        )
    kind, inputs, name, params = (plain[part] for part in _PARTS)
    cls = _class_called(kind)
    if not isinstance(inputs, list | tuple) or len(inputs) != len(cls.roles):
        raise DataError(
            f"from_json got inputs {inputs!r} for {kind} {name!r}, wanted a list of {len(cls.roles)}: "
            f"{', '.join(cls.roles) or 'none'}.\n  An input of several columns is a list in it."
        )
    taken = cls.parameter_names()
    _all_there(f"{kind} {name!r}", cls, params, taken)
    known = {} if knobs is None else knobs
    values = {each: value_from_plain(value, functions, known) for each, value in params.items()}
    made = cls.from_params(
        {role: tuple(v) if isinstance(v, list) else v for role, v in zip(cls.roles, inputs, strict=True)}
        | {"name": name}
        | values
    )
    for each, value in made.contents().items():
        if "content" in values:
            check_content(value, values["content"], f"{each} of {kind} {name!r}")
    return made


def _class_called(kind: Any) -> Any:
    try:
        return class_called(kind)
    except (RegistryError, TypeError):
        kinds = [each.name.removeprefix("signals.") for each in components() if each.kind == "signal"]
        raise RegistryError(
            f"from_json got the type {kind!r}, wanted that of a signal that is registered.\n"
            f"  {nearest(str(kind), kinds)} A class of your own is registered when its module is imported."
        ) from None


def _all_there(what: str, cls: Any, params: Mapping[str, Any], taken: tuple[str, ...]) -> None:
    for name in params:
        if name not in taken:
            raise DataError(f"from_json got a parameter {name!r} for {what}, which has none.\n  {nearest(name, taken)}")
    for each in fields(cls):
        if each.name in taken and each.name not in params and each.default is MISSING:
            raise DataError(
                f"from_json got {what} without {each.name!r}, wanted all parameters that have no default.\n"
                "  Add it, or write the graph again with to_json."
            )


def to_json(graph: Graph, *, indent: int | None = None) -> str:
    """Return a graph as JSON, which :func:`from_json` reads.

    Functions and models are written by name: ``module:qualname``, a model by that of its class; where two have one name,
    each has ``@node`` behind it. A knob is written with its value and a number, so that one of two nodes stays one.

    Raises
    ------
    DataError
        When it is no graph, or a parameter has no form in JSON.
    """
    if not isinstance(graph, Graph):
        raise DataError(f"to_json got {graph!r}, wanted a Graph.\n  Make one of signals: Graph([signal]).")
    names = Names()
    for node in graph.nodes:
        node_to_plain(node, names)  # what there is has to be known before it can be told apart
    plain: dict[str, Any] = {"headrace": "signals", "version": VERSION}
    plain["nodes"] = [node_to_plain(node, names) for node in graph.nodes]
    plain.update({k: list(v) if isinstance(v, tuple) else v for k, v in graph.params().items() if k != "nodes"})
    return json.dumps(plain, indent=indent, allow_nan=False)


def from_json(text: str | bytes | Mapping[str, Any], *, functions: Functions = None) -> Graph:
    """Return the graph that :func:`to_json` described.

    It equals the graph that was written: by nodes, inputs, parameters and models. Knobs alone are new ones, of the same
    values, and two knobs are equal only if they are one: ``from_json(to_json(graph)).settled() == graph.settled()``.

    Parameters
    ----------
    text
        What ``to_json`` returned.
    functions
        ``{"module:qualname": object}`` for the functions named in it; for a model that is an object, the name of its
        class. Where the text has ``@node`` behind a name, so have the names here.

    Raises
    ------
    DataError
        When it is no such description, or one of a later version, or a model is another than the one that was written.
    RegistryError
        When it names a signal that is not registered, or a function that is neither registered nor given.

    Examples
    --------
    >>> import headrace.signals as s
    >>> graph = s.Graph([s.Scale("x", name="y", scale_factor=2.0)])
    >>> s.from_json(s.to_json(graph)) == graph
    True
    """
    plain = text if isinstance(text, Mapping) else _read(text)
    if not isinstance(plain, Mapping) or plain.get("headrace") != "signals":
        raise DataError(
            f"from_json got {str(plain)[:80]}, wanted what to_json returned.\n  Give that text, or what json.loads makes of it."
        )
    if plain.get("version") != VERSION:
        raise DataError(f"from_json got version {plain.get('version')!r}, wanted {VERSION}.\n  Use a newer headrace.")
    if not isinstance(plain.get("nodes"), list):
        raise DataError(
            f"from_json got nodes {plain.get('nodes')!r}, wanted a list of them.\n  Write the graph again with to_json."
        )
    knobs: dict[int, Knob[Any]] = {}
    nodes = tuple(node_from_plain(each, functions, knobs) for each in plain["nodes"])
    return Graph(nodes, **{name: plain[name] for name in _OF_GRAPH if name in plain})


def _read(text: Any) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff"))
    except (ValueError, AttributeError) as error:
        what = repr(text)[:80] if isinstance(text, str | bytes) else f"a {type(text).__name__}"
        raise DataError(
            f"from_json got {what}, wanted what to_json returned: {error}.\n  Give the whole text, not the name of its file."
        ) from None
