"""Graphs as JSON: knobs and models keep who they are, and what is no graph is refused with what to do."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.core.fingerprint import fingerprint
from headrace.errors import DataError, HeadraceError, RegistryError, StateMismatchError
from support.require import require

X = np.arange(6.0)
GRAPH = s.Graph([s.Scale("x", "y", 2.0)])


# --- knobs --------------------------------------------------------------------------------------------


def test_one_knob_of_two_nodes_comes_back_as_one() -> None:
    both, other = hr.Knob(2.0), hr.Knob(2.0)
    graph = s.Graph([s.Scale("x", "a", both), s.Scale("x", "b", both), s.Scale("x", "c", other)])
    back = s.from_json(s.to_json(graph))
    knob = back["a"].knobs["scale_factor"]
    assert back["b"].knobs["scale_factor"] is knob
    assert back["c"].knobs["scale_factor"] is not knob
    knob.set(5.0)
    assert [back({"x": X[:2]})[name].tolist() for name in "abc"] == [[0, 5], [0, 5], [0, 2]]


def test_a_knob_comes_back_as_it_was_turned() -> None:
    knob = hr.Knob(2.0)
    graph = s.Graph([s.Scale("x", "y", knob)])
    run = graph.run()
    run({"x": X})
    knob.set(3.0)
    back = s.from_json(s.to_json(graph))
    assert back.settled() == graph.settled()
    assert back != graph  # turning one does not turn the other
    assert fingerprint(back) == fingerprint(graph)
    twin = back.run()
    twin.load_state_dict(run.state_dict())
    assert twin.row == 6


def test_knobs_of_older_documents_are_one_each() -> None:
    plain = json.loads(s.to_json(s.Graph([s.Scale("x", "a", 1.0), s.Scale("x", "b", 1.0)])))
    for node in plain["nodes"]:
        node["params"]["scale_factor"] = {"$knob": 4.0}
    back = s.from_json(plain)
    assert back["a"].knobs["scale_factor"] is not back["b"].knobs["scale_factor"]


# --- models -------------------------------------------------------------------------------------------


def linear(seed: int) -> Any:
    torch = require("torch")
    torch.manual_seed(seed)
    return torch.nn.Linear(1, 1).double()


def models() -> tuple[Any, Any]:
    return linear(0), linear(1)


def test_two_models_of_one_class_keep_apart() -> None:
    one, two = models()
    graph = s.Graph([s.Inference("x", "a", one), s.Inference("x", "b", two), s.Inference("x", "c", one)])
    text = s.to_json(graph)
    keys = [node["params"]["model"]["$function"] for node in json.loads(text)["nodes"]]
    name = "torch.nn.modules.linear:Linear"
    assert keys == [f"{name}@a", f"{name}@b", f"{name}@a"]
    back = s.from_json(text, functions={keys[0]: one, keys[1]: two})
    assert back == graph
    with pytest.raises(RegistryError, match=re.escape(repr(keys[0]))):
        s.from_json(text, functions={name: one})
    with pytest.raises(DataError, match="it is another model"):
        s.from_json(text, functions={keys[0]: two, keys[1]: one})


def test_one_model_has_the_name_of_its_class() -> None:
    one, two = models()
    text = s.to_json(s.Graph([s.Inference("x", "a", one)]))
    assert s.from_json(text, functions={"torch.nn.modules.linear:Linear": one})["a"].settings["model"] is one
    with pytest.raises(DataError, match=r"for model of Inference 'a' .* it is another model\.\n  Hand over"):
        s.from_json(text, functions={"torch.nn.modules.linear:Linear": two})


def weigh(k: int) -> Any:
    return lambda x: x * k


class Weigh:
    def __init__(self, k: int) -> None:
        self.k = np.array([k])

    def __call__(self, x: Any) -> Any:
        return x * self.k


@pytest.mark.parametrize("kind", ["torch", "lambda", "object", "estimator", "custom"])
def test_the_state_of_one_model_is_not_that_of_another(kind: str) -> None:
    def node(k: int) -> Any:
        if kind == "custom":
            return s.signal(weigh(k))("x", name="y")
        if kind == "estimator":
            dummy = require("sklearn.dummy")
            return s.Inference("x", "y", dummy.DummyRegressor(strategy="constant", constant=k).fit([[1.0]], [k]))
        return s.Inference("x", "y", {"torch": linear, "lambda": weigh, "object": Weigh}[kind](k))

    runs = [s.Graph([node(k)]).run() for k in (1, 2, 1)]
    for run in runs:
        run({"x": X})
    with pytest.raises(StateMismatchError, match="node 'y' was another"):
        runs[1].load_state_dict(runs[0].state_dict())
    runs[2].load_state_dict(runs[0].state_dict())
    one, two, again = (s.Function(node(k)) for k in (1, 2, 1))
    one(X)
    with pytest.raises(StateMismatchError):
        two.load_state_dict(one.state_dict())
    again.load_state_dict(one.state_dict())


def test_lambdas_of_one_place_are_written_apart() -> None:
    nodes = [s.Inference("x", f"y{k}", weigh(k)) for k in range(2)] + [s.signal(weigh(2))("x", name="z")]
    text = s.to_json(s.Graph(nodes))
    named = [node["params"].get("model", node["params"].get("kind"))["$function"] for node in json.loads(text)["nodes"]]
    assert len(set(named)) == 3
    back = s.from_json(
        text,
        functions=dict(
            zip(named, [*(node.settings["model"] for node in nodes[:2]), nodes[2].params()["kind"]], strict=True)
        ),
    )
    assert back == s.Graph(nodes)


def test_functions_with_a_name_of_their_own_have_no_content() -> None:
    assert s.Inference("x", "y", np.square).content == ""
    assert "content" not in json.loads(s.to_json(s.Graph([s.Inference("x", "y", np.square)])))["nodes"][0]["params"]
    assert "y.content" not in s.Graph([s.Inference("x", "y", weigh(1))]).get_params()


# --- what is no graph ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "{", "\ufeff", "nothing", b"\xff\xff", 5, None, [], "[]", "null", "{}", '{"headrace": "signals"}',
     '{"headrace": "signals", "version": 1}', '{"headrace": "signals", "version": 1, "nodes": [1]}',
     '{"headrace": "signals", "version": 1, "nodes": {"a": 1}}', '{"headrace": "signals", "version": 9, "nodes": []}'],
)  # fmt: skip
def test_what_is_no_graph_is_refused(text: Any) -> None:
    with pytest.raises(DataError, match=r"from_json got .*, wanted [\s\S]*\n  "):
        s.from_json(text)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert s.from_json("\ufeff" + s.to_json(GRAPH)) == s.from_json(s.to_json(GRAPH).encode("utf-8-sig")) == GRAPH


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"type": "Scal"}, "Did you mean 'Scale'?"),
        ({"type": 3}, "wanted that of a signal"),
        ({"params": {"scale_facto": 2}}, "Did you mean 'scale_factor'?"),
        ({"params": {}}, "without 'scale_factor'"),
        ({"params": [1]}, "for a node"),
        ({"inputs": ["x", "z"]}, "wanted a list of 1: x"),
        ({"inputs": "x"}, "wanted a list of 1: x"),
        ({"inputs": [None]}, "wanted the name of a signal"),
        ({"name": 3}, "wanted what to call its output"),
        ({"params": {"scale_factor": {"$float": "zz"}}}, "not in the form of its mark"),
        ({"params": {"scale_factor": {"$array": "f8", "shape": [3], "data": [1]}}}, "not in the form of its mark"),
        ({"params": {"scale_factor": {"$nothing": 1}}}, "a mark that this version knows"),
        ({"params": {"scale_factor": {"$function": "os:system"}}}, "neither in functions= nor registered"),
    ],
)
def test_a_spoilt_node_is_refused(change: dict[str, Any], says: str) -> None:
    plain = json.loads(s.to_json(GRAPH))
    plain["nodes"][0].update(change)
    with pytest.raises(HeadraceError, match=re.escape(says)) as caught:
        s.from_json(json.dumps(plain))
    assert "\n  " in str(caught.value)


def test_a_signal_alone_is_no_graph() -> None:
    node: Any = s.Scale("x", "y", 2.0)
    with pytest.raises(DataError, match=r"Make one of signals: Graph\(\[signal\]\)"):
        s.to_json(node)


# --- states that are spoilt ---------------------------------------------------------------------------


def saved() -> dict[str, Any]:
    run = GRAPH.run()
    run({"x": X})
    state: dict[str, Any] = run.state_dict()
    return state


PLACES = [(), ("at",)]


@pytest.mark.parametrize("within", PLACES, ids=str)
def test_a_spoilt_state_is_refused_and_changes_nothing(within: tuple[str, ...]) -> None:
    for junk in ("junk", None, 5, [1, 2], ...):
        for name in saved() if not within else saved()["at"]:
            state = saved()
            part = state["at"] if within else state
            if junk is ...:
                del part[name]
            else:
                part[name] = junk
            run = GRAPH.run()
            run({"x": X[:2]})
            with suppress(StateMismatchError):
                run.load_state_dict(state)
                assert run.row in (0, 5, 6)
            assert run.row in (0, 2, 5, 6)
            assert run({"x": X})["y"].tolist() == (2 * X).tolist()


def test_the_state_of_a_function_that_is_spoilt() -> None:
    one = s.Function(s.Integrate("x", None, name="y"))
    one(X)
    state = one.state_dict()
    for name in ("heads", "state", "rows", "begun"):
        with pytest.raises(StateMismatchError, match="\n  "):
            one.load_state_dict({key: value for key, value in state.items() if key != name})
    junk: Any = {**state, "heads": "junk"}
    with pytest.raises(StateMismatchError, match="\n  "):
        one.load_state_dict(junk)
