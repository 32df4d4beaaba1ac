"""Signals and graphs as JSON: by registered names, with a version; loading makes nothing that is not registered."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.plain import functions_in, where_is
from headrace.core.registry import components
from headrace.errors import DataError, RegistryError
from headrace.signals.base import class_called, kind_of
from headrace.signals.graph import Graph

VERSION = 1
Functions = Mapping[str, Any] | None


def node_to_plain(node: Any) -> dict[str, Any]:
    """Return a signal as JSON values."""
    inputs = [list(v) if isinstance(v, tuple) else v for v in (getattr(node, role) for role in node.roles)]
    params = {name: value_to_plain(value) for name, value in node.stored.items()}
    return {"type": kind_of(node), "inputs": inputs, "name": node.name, "params": params}


def node_from_plain(plain: Mapping[str, Any], functions: Functions = None) -> Any:
    """Return the signal that :func:`node_to_plain` described.

    Raises
    ------
    RegistryError
        When no signal of that type is registered.
    DataError
        When it is no description of a signal.
    """
    if not isinstance(plain, Mapping) or not {"type", "inputs", "name", "params"} <= plain.keys():
        raise DataError(f"from_json got {str(plain)[:80]} for a node, wanted type, inputs, name and params.")
    cls = class_called(plain["type"])
    fields = {role: tuple(v) if isinstance(v, list) else v for role, v in zip(cls.roles, plain["inputs"], strict=True)}
    fields.update(name=plain["name"], **{k: value_from_plain(v, functions) for k, v in plain["params"].items()})
    return cls.from_params(fields)


def value_to_plain(value: Any) -> Any:
    """Return a parameter as JSON values; tuples, arrays, knobs, complex and odd floats are told apart by a mark."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, complex):
        return {"$complex": [value_to_plain(value.real), value_to_plain(value.imag)]}
    if isinstance(value, tuple):
        return [value_to_plain(part) for part in value]
    if isinstance(value, list):
        return {"$list": [value_to_plain(part) for part in value]}
    if isinstance(value, dict):
        return {"$dict": [[value_to_plain(name), value_to_plain(part)] for name, part in value.items()]}
    if isinstance(value, np.ndarray):
        flat = value.ravel()
        data = np.stack([flat.real, flat.imag], -1) if value.dtype.kind == "c" else flat
        return {
            "$array": value.dtype.str,
            "shape": list(value.shape),
            "data": value_to_plain(tuple(data.ravel().tolist())),
        }
    from headrace.core.knob import Knob

    if isinstance(value, Knob):
        return {"$knob": value_to_plain(value.value)}
    from headrace.signals.base import Signal

    if isinstance(value, Signal):
        return {"$signal": node_to_plain(value)}
    if isinstance(value, Path):
        return {"$path": str(value), "sha256": _sha256(value)}
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    if callable(value) or hasattr(value, "__dict__"):
        return {"$function": where_is(value)}
    raise DataError(f"to_json got {value!r} for a parameter, which has no form in JSON.")


def value_from_plain(plain: Any, functions: Functions = None) -> Any:
    """Return the parameter that :func:`value_to_plain` described; a JSON array is a tuple."""
    if isinstance(plain, list):
        return tuple(value_from_plain(part, functions) for part in plain)
    if not isinstance(plain, Mapping):
        return plain
    if "$list" in plain:
        return [value_from_plain(part, functions) for part in plain["$list"]]
    if "$dict" in plain:
        return {name: value_from_plain(part, functions) for name, part in plain["$dict"]}
    if "$float" in plain:
        return float(plain["$float"])
    if "$complex" in plain:
        return complex(*map(value_from_plain, plain["$complex"]))
    if "$array" in plain:
        dtype = np.dtype(plain["$array"])
        data = value_from_plain(plain["data"])
        if dtype.kind == "c":
            real = np.array(data, dtype=np.float64).reshape(-1, 2)
            data = real[:, 0] + 1j * real[:, 1]
        return np.array(data, dtype=dtype).reshape(plain["shape"])
    if "$knob" in plain:
        from headrace.core.knob import Knob

        return Knob(value_from_plain(plain["$knob"], functions))
    if "$signal" in plain:
        return node_from_plain(plain["$signal"], functions)
    if "$path" in plain:
        return _path(Path(plain["$path"]), plain["sha256"])
    if "$bytes" in plain:
        return b64decode(plain["$bytes"])
    if "$function" in plain:
        return _function(plain["$function"], functions or {})
    raise DataError(f"from_json got {str(plain)[:80]} for a parameter, which this version does not know.")


def _sha256(path: Path) -> str | None:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _path(path: Path, digest: str | None) -> Path:
    found = _sha256(path)
    if digest is not None and found is not None and found != digest:
        raise DataError(
            f"from_json got the file {str(path)!r}, and its content is another than when this was written.\n"
            f"  Wanted sha256 {digest}. Put the file back, or write the graph again."
        )
    return path


def _function(name: str, functions: Mapping[str, Any]) -> Any:
    if name in functions:
        return functions[name]
    for component in components():
        if component.kind == "function" and where_is(component.make) == name:
            return component.make
    raise RegistryError(
        f"from_json got {name!r}, which is neither in functions= nor registered.\n"
        f"  Pass from_json(text, functions={{{name!r}: the function or model}})."
    )


def _one_each(graph: Any) -> None:
    """Raise where two functions or models go by one name, so that JSON could not tell them apart."""
    named: dict[str, Any] = {}
    for each in functions_in(graph):
        if named.setdefault(where_is(each), each) is not each and named[where_is(each)] != each:
            raise DataError(
                f"to_json got two things that are called {where_is(each)!r}, wanted a name for each.\n"
                "  Give the functions names in a module, or models as ONNX files."
            )


def to_json(graph: Graph, *, indent: int | None = None) -> str:
    """Return a graph as JSON, which :func:`from_json` reads."""
    _one_each(graph)
    plain: dict[str, Any] = {
        "headrace": "signals",
        "version": VERSION,
        "nodes": [node_to_plain(n) for n in graph.nodes],
    }
    plain.update({k: list(v) if isinstance(v, tuple) else v for k, v in graph.params().items() if k != "nodes"})
    return json.dumps(plain, indent=indent, allow_nan=False)


def from_json(text: str | bytes | Mapping[str, Any], *, functions: Functions = None) -> Graph:
    """Return the graph that :func:`to_json` described.

    Parameters
    ----------
    text
        What ``to_json`` returned.
    functions
        ``{"module:qualname": object}`` for the functions named in it; for a model that is an object, the name of its class.

    Raises
    ------
    DataError
        When it is no such description, or one of a later version.
    RegistryError
        When it names a signal that is not registered, or a function that is neither registered nor given.
    """
    plain = text if isinstance(text, Mapping) else json.loads(text)
    if not isinstance(plain, Mapping) or plain.get("headrace") != "signals":
        raise DataError(f"from_json got {str(plain)[:80]}, wanted what to_json returned.")
    if plain.get("version") != VERSION:
        raise DataError(f"from_json got version {plain.get('version')!r}, wanted {VERSION}. Use a newer headrace.")
    return Graph(
        tuple(node_from_plain(each, functions) for each in plain["nodes"]),
        outputs=plain.get("outputs"),
        inputs=plain.get("inputs"),
        rate=plain.get("rate"),
        timestamp=plain.get("timestamp", "timestamp"),
    )
