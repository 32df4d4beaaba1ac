"""The JSON Schema of graphs as :func:`headrace.signals.to_json` writes them."""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from typing import Any

from headrace.core.registry import components
from headrace.signals.config import config_json, plain_type
from headrace.signals.json import VERSION, value_to_plain
from headrace.signals.ranges import RANGES, Range

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
    bounds = {**RANGES, **make.ranges}
    names = {name: _parameter(types[name], bounds.get(name, Range())) for name in make.parameter_names()}
    inputs: dict[str, Any] = {"minItems": len(make.roles), "maxItems": len(make.roles)}
    if make.roles:
        inputs["prefixItems"] = [{} if "None" in types[role] else {"not": {"type": "null"}} for role in make.roles]
    told = {arg["name"]: arg for arg in config_json(make)["args"]}
    needed = [each.name for each in fields(make) if each.name in names and each.default is MISSING]
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


def _parameter(told: str, bounds: Range) -> dict[str, Any]:
    """Return what fits a parameter of some annotation: a value, or a knob of one where it may be turned."""
    plain = plain_type(told)
    found = _value(plain, bounds)
    if plain == told or not found:
        return found
    knob = {
        "type": "object",
        "required": ["$knob"],
        "properties": {"$knob": found, "now": found, "id": {"type": "integer"}},
        "additionalProperties": False,
    }
    return {"anyOf": [found, knob]}


_TYPES = {"int": "integer", "float": "number", "complex": "number", "bool": "boolean", "str": "string", "None": "null"}


def _value(told: str, bounds: Range) -> dict[str, Any]:
    """Return what fits an annotation, and nothing of it where this is of no plain types."""
    parts = re.split(r" \| (?![^\[]*\])", told)
    found = [_one(part, bounds) for part in parts]
    if not all(found):
        return {}
    return found[0] if len(found) == 1 else {"anyOf": found}


def _one(told: str, bounds: Range) -> dict[str, Any]:
    items = re.fullmatch(r"tuple\[(.*)\]", told)
    if items:
        each = items[1].split(", ")
        count = {} if "..." in each else {"minItems": len(each), "maxItems": len(each)}
        return {"type": "array", "items": _one(each[0], bounds), **count}
    if told not in _TYPES:
        return {}
    if told not in ("int", "float", "complex"):
        return {"type": _TYPES[told]}
    number = {"type": _TYPES[told], **_limits(bounds)}
    marks = {"int": [], "float": ["$float"], "complex": ["$float", "$complex"]}[told]
    others = [{"type": "object", "required": [mark], "maxProperties": 1} for mark in marks]
    return {"anyOf": [number, *others]} if others else number


def _limits(bounds: Range) -> dict[str, Any]:
    told = {"minimum": bounds.least, "maximum": bounds.most, "exclusiveMinimum": bounds.above}
    if not isinstance(bounds.below, str):  # another parameter: JSON Schema cannot compare two
        told["exclusiveMaximum"] = bounds.below
    return {name: value for name, value in told.items() if value is not None}
