"""What a form to make a signal is told: names, types, defaults, and bounds that are those of the signals themselves."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.core.registry import components
from headrace.errors import StreamConfigError
from headrace.signals.config import plain_type
from support.require import require

require("scipy")
require("onnxruntime")
NODES = [each.example().signal for each in components() if each.kind == "signal" and each.example is not None]
NODES = [node for node in NODES if type(node).__module__.startswith("headrace.signals")]


def args(node: Any) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in s.config_json(type(node))["args"]}


def takes(node: Any, name: str, value: Any) -> bool:
    try:
        node.having({name: value})
    except StreamConfigError:
        return False
    return True


def test_a_filter_in_full() -> None:
    assert s.config_json(s.LowPassFilter) == {
        "sig_name": "LowPassFilter",
        "args": [
            {"name": "x", "type": "str"},
            {"name": "name", "type": "str"},
            {"name": "order", "type": "int", "least": 1},
            {"name": "cutoff_freq", "type": "float", "above": 0, "below": "sample_rate/2"},
            {"name": "sample_rate", "type": "float", "above": 0},
        ],
    }
    assert args(s.BandPassFilter("x", "y", 1, (1, 2), 9))["cutoff_freq"]["type"] == "tuple[float, float]"
    assert args(s.Clip("x", name="y", max_value=1))["max_value"] == {
        "name": "max_value",
        "type": "float",
        "default": None,
    }
    assert plain_type("Turnable[tuple[float, float]]") == "tuple[float, float]"


@pytest.mark.parametrize("node", NODES, ids=lambda node: type(node).__name__)
def test_bounds_are_those_of_the_signal(node: Any) -> None:
    for name, told in args(node).items():
        if name not in node.settings or told["type"] not in ("int", "float") or isinstance(node.settings[name], tuple):
            continue
        step = 1 if told["type"] == "int" else 1e-9
        for bound, least in (("least", True), ("above", False)):
            if bound in told:
                assert not takes(node, name, told[bound] - step), name
                within = told[bound] + (0 if least else 1e-3)
                assert takes(node, name, within) or name in ("sample_rate", "window_size"), name  # others lie below it
        if "most" in told:
            assert takes(node, name, told["most"])
            assert not takes(node, name, told["most"] + 1)
        if told.get("below") == "sample_rate/2":
            assert not takes(node, name, node.sample_rate / 2)
            assert takes(node, name, node.sample_rate / 2.2)
        if told.get("below") == "window_size":
            assert not takes(node, name, node.window_size)
            assert takes(node, name, node.window_size // 2)
        if not {"least", "above"} & told.keys() and told["type"] == "float":
            assert takes(node, name, -1e6) or name in ("max_value", "high", "deviation"), name


@pytest.mark.parametrize("node", NODES, ids=lambda node: type(node).__name__)
def test_types_are_told(node: Any) -> None:
    wanted = {int: "int", float: ("float", "complex"), bool: "bool", str: "str"}
    for name, value in node.settings.items():
        told = args(node).get(name)
        if told is not None and type(value) in wanted and told["type"] != "Any":
            assert told["type"] in wanted[type(value)] or type(value) is int, (name, told)


def test_it_is_plain_json() -> None:
    for node in NODES:
        json.dumps(s.config_json(type(node)), default=lambda value: f"<{type(value).__name__}>")


def test_what_shape_a_model_gives_is_whole_numbers() -> None:
    shape: Any = 0.5
    with pytest.raises(StreamConfigError, match=r"output_shape=\) got 0.5, wanted a whole number"):
        s.WindowedInference("x", name="y", model=np.mean, window_size=4, output_shape=shape)
