"""The published schema: what is written fits it, what is not a graph does not."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

import headrace as hr
import headrace.signals as s
from headrace.core.registry import components
from support.require import require

jsonschema = require("jsonschema")
NODES = [each.example().signal for each in components() if each.kind == "signal" and each.example is not None]


@cache
def validator() -> Any:
    schema = s.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def errors(graph: Any) -> list[str]:
    return [error.message for error in validator().iter_errors(graph)]


def test_every_signal_fits() -> None:
    for node in NODES:
        assert errors(json.loads(s.to_json(s.Graph([node], rate=10.0)))) == [], node


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
    for n in ("seven", -1, 1.5, None, [1], {"$knob": "seven"}, {"$knob": -1}, {"n": 1}):
        graph = json.loads(s.to_json(s.Graph([s.Delay("x", 1, "y")])))
        graph["nodes"][0]["params"]["n"] = n
        assert errors(graph), n
    band = json.loads(s.to_json(s.Graph([s.BandPassFilter("x", "y", 2, (5, 20), 100)])))
    for each in ([5], [5, 20, 30], [-5, 20], 5, ["a", "b"]):
        band["nodes"][0]["params"]["cutoff_freq"] = each
        assert errors(band), each
    knob = hr.Knob(1)
    knobbed = s.Graph([s.Delay("x", knob, "y"), s.Clip("x", name="c", max_value=float("inf"))])
    assert not errors(json.loads(s.to_json(knobbed)))
    knob.set(3)
    assert not errors(json.loads(s.to_json(knobbed)))
