"""The published schema: what is written fits it, what is not a graph does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

import headrace as hr
import headrace.signals as s
from headrace.core.registry import components
from support.require import require

jsonschema = require("jsonschema")
NODES = [each.example().signal for each in components() if each.kind == "signal" and each.example is not None]


def errors(graph: Any) -> list[str]:
    schema = s.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(graph)]


@pytest.mark.parametrize("node", NODES, ids=lambda node: type(node).__name__)
def test_every_signal_fits(node: Any) -> None:
    assert errors(json.loads(s.to_json(s.Graph([node], rate=10.0)))) == []


def test_the_schema_is_plain_json() -> None:
    assert json.loads(json.dumps(s.json_schema(), allow_nan=False)) == s.json_schema()


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Summ"},
        {"name": ""},
        {"inputs": []},
        {"inputs": ["x", "y"]},
        {"inputs": [None]},
        {"params": {"scale_facto": 1}},
        {"params": {}},
        {"state": 1},
    ],
)
def test_what_is_no_node_does_not(change: dict[str, Any]) -> None:
    graph = json.loads(s.to_json(s.Graph([s.Scale("x", name="y", scale_factor=2.0)])))
    graph["nodes"][0].update(change)
    assert errors(graph)


def test_parameters_are_of_their_types() -> None:
    graph = json.loads(s.to_json(s.Graph([s.Delay("x", 1, "y")])))
    graph["nodes"][0]["params"]["n"] = "seven"
    assert errors(graph)
    turned: Any = hr.Knob(1)
    knobbed = s.Graph([s.Delay("x", turned, "y")])
    assert not errors(json.loads(s.to_json(knobbed)))
