"""The JSON Schema of graphs as :func:`headrace.signals.to_json` writes them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from headrace.core.registry import components
from headrace.signals.function import config_json
from headrace.signals.json import VERSION, value_to_plain

_NAME = {"type": "string", "minLength": 1}
_INPUT = {"anyOf": [_NAME, {"type": "array", "items": _NAME}, {"type": "null"}]}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a graph: every signal that is registered, with its parameters.

    Examples
    --------
    >>> json_schema()["properties"]["headrace"]
    {'const': 'signals'}
    """
    kinds = {each.name.removeprefix("signals."): each.make for each in components() if each.kind == "signal"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"headrace signals, version {VERSION}",
        "type": "object",
        "required": ["headrace", "version", "nodes"],
        "properties": {
            "headrace": {"const": "signals"},
            "version": {"const": VERSION},
            "nodes": {"type": "array", "items": {"$ref": "#/$defs/node"}},
            "outputs": {"anyOf": [{"type": "array", "items": _NAME}, {"type": "null"}]},
            "inputs": {"anyOf": [{"type": "array", "items": _NAME}, {"type": "null"}]},
            "rate": {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "null"}]},
            "timestamp": _NAME,
        },
        "additionalProperties": False,
        "$defs": {
            "node": {
                "type": "object",
                "required": ["type", "inputs", "name", "params"],
                "properties": {
                    "type": {"enum": sorted(kinds)},
                    "inputs": {"type": "array", "items": _INPUT},
                    "name": _NAME,
                    "params": {"type": "object"},
                },
                "additionalProperties": False,
                "oneOf": [_of(kind, make) for kind, make in sorted(kinds.items())],
            }
        },
    }


def _of(kind: str, make: Any) -> dict[str, Any]:
    """Return what is special to nodes of one kind: how many inputs, and which parameters."""
    types = {each.name: str(each.type) for each in fields(make)}
    names: dict[str, dict[str, Any]] = {name: _type(types[name]) for name in make.parameter_names()}
    inputs: dict[str, Any] = {"minItems": len(make.roles), "maxItems": len(make.roles)}
    if make.roles:
        inputs["prefixItems"] = [{} if "None" in types[role] else {"not": {"type": "null"}} for role in make.roles]
    told = {arg["name"]: arg for arg in config_json(make)["args"]}
    needed = [name for name in names if name in told and "default" not in told[name]]
    for name in names:
        if told.get(name, {}).get("default") is not None:
            names[name] = {**names[name], "default": value_to_plain(told[name]["default"])}
    return {
        "properties": {
            "type": {"const": kind},
            "inputs": inputs,
            "params": {"properties": names, "required": needed, "additionalProperties": False},
        }
    }


_TYPES = {"int": "integer", "float": "number", "complex": "number", "bool": "boolean", "str": "string", "None": "null"}


def _type(told: str) -> dict[str, Any]:
    """Return what fits a parameter's annotation, where this is of plain types; a knob or an odd number is an object."""
    parts = [part.strip() for part in told.split("|")]
    if any(part not in _TYPES for part in parts):
        return {}
    return {"type": sorted({_TYPES[part] for part in parts} | {"object"})}
