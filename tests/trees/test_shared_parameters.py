"""One parameter in several scopes, under another name in each."""

from __future__ import annotations

from typing import Any

import pytest

import headrace as hr
from headrace.plot import tree_svg
from headrace.trees import Parameter, ParameterStore, SamplingTree, TransformNode
from support.require import require


def ramp(_: Any, height: float) -> float:
    return height


def step(value: float, size: float) -> tuple[float, float]:
    return value, size


def shared() -> tuple[Parameter, SamplingTree]:
    parameter = Parameter("p", schedule=[1, 2])
    return parameter, SamplingTree([ramp, step], {"ramp": {"height": parameter}, "step": {"size": parameter}})


def test_each_scope_has_its_own_name_for_it_and_the_caller_s_stays() -> None:
    require("pandas")
    parameter, tree = shared()
    assert parameter.name == "p"
    due = {"ramp.height", "step.size"}
    params = tree.get_params()
    assert params is not None
    assert set(params.get_params()) == due
    assert set(tree.drifts()["parameter"]) == due
    assert set(tree.explain(0)["parameters"]) == due
    assert repr(tree.params) == "(height=1, size=1)"
    drawing = tree_svg(tree).data
    assert "height" in drawing
    assert "size" in drawing
    assert "`ramp(height=1)`" in str(tree)
    tree.update()
    assert tree.sample() == (2, 2)


def test_a_parameter_without_a_name_takes_that_of_the_dict() -> None:
    parameter = Parameter(value=3)
    store = ParameterStore({"x": parameter, "scope": {"y": parameter}})
    assert parameter.name == "x"
    assert store.get_params() == {"x": 3, "scope.y": 3}
    store["z"] = parameter
    assert store["z"] is parameter
    assert parameter.name == "z", "as documented: what is put under a name takes it"


def test_nodes_of_one_name_may_share_a_parameter_and_no_other() -> None:
    parameter = Parameter("p", 1)
    nodes = [
        TransformNode(step, ParameterStore({"size": p}), name="n") for p in (parameter, parameter, Parameter("p", 2))
    ]
    SamplingTree([lambda _: 0, *nodes[:2]])
    with pytest.raises(hr.StreamConfigError, match="different parameters 'size'"):
        SamplingTree([lambda _: 0, nodes[0], nodes[2]])


def test_a_table_of_a_store_wants_a_number_of_updates() -> None:
    require("pandas")
    store = ParameterStore({"x": {"schedule": [1, 2, 3]}})
    assert store.to_dataframe(2)["x"].tolist() == [1, 2, 3]
    for wrong in (-1, 1.5, True):
        with pytest.raises(hr.StreamConfigError, match="whole number of updates of at least 0"):
            store.to_dataframe(wrong)  # type: ignore[arg-type]  # what it refuses
