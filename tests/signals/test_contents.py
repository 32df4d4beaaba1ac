"""What no name tells apart has another content: models, functions made in functions, methods of objects."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError
from headrace.signals.contents import CODE, check_content, content_of
from support.require import require


class Model:
    def __init__(self, weights: Any, inner: Any = None) -> None:
        self.weights, self.inner, self._cache = weights, inner, None

    def __call__(self, x: Any) -> Any:
        self._cache = x
        return x * self.weights


def made(k: float) -> Any:
    return lambda x: x * k


@pytest.mark.parametrize(
    "make",
    [
        lambda k: Model(np.array([k])),
        lambda k: Model(1, Model([{"a": (k, "b")}, {3, k}])),
        made,
        lambda k: Model(k).__call__,
        lambda k: partial(np.multiply, k),
        lambda k: Model(np.array([(1, k)], [("a", "i1"), ("b", "f8")])),
    ],
    ids=["array", "nested", "closure", "method", "partial", "fields"],
)
def test_equal_things_have_equal_contents(make: Any) -> None:
    assert content_of(make(2.0)) == content_of(make(2.0)) != content_of(make(3.0))


def test_what_a_model_remembers_privately_is_no_content() -> None:
    model = Model(2.0)
    before = content_of(model)
    model(5.0)
    assert content_of(model) == before


def test_an_object_in_a_circle_has_one() -> None:
    model = Model(1)
    model.inner = [model]
    assert content_of(model)


def test_names_need_none() -> None:
    for thing in (np.mean, made, Model, b"bytes", len):
        assert content_of(thing) == ""


def test_it_is_the_same_in_another_process() -> None:
    code = (
        f"from {__name__} import *; " + "print(content_of(Model(np.arange(9.0), {'a': {1, 2}})), content_of(made(2.0)))"
    )
    here = f"{content_of(Model(np.arange(9.0), {'a': {1, 2}}))} {content_of(made(2.0))}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env={"PYTHONPATH": ".:tests"}
    )
    assert done.stdout.split() == here.split(), done.stderr


@pytest.mark.parametrize("kind", ["LinearRegression", "DecisionTreeRegressor", "KNeighborsRegressor", "make_pipeline"])
def test_estimators_that_learnt_something_else(kind: str) -> None:
    require("sklearn")
    from sklearn.linear_model import LinearRegression
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeRegressor

    def fitted(k: float) -> Any:
        model = {
            "LinearRegression": LinearRegression(),
            "DecisionTreeRegressor": DecisionTreeRegressor(random_state=0),
            "KNeighborsRegressor": KNeighborsRegressor(2),
            "make_pipeline": make_pipeline(StandardScaler(), LinearRegression()),
        }[kind]
        return model.fit(np.arange(8.0)[:, None], k * np.arange(8.0))

    one, again, other = fitted(2.0), fitted(2.0), fitted(3.0)
    assert content_of(one) == content_of(again) != content_of(other)
    one.predict(np.ones((2, 1)))
    assert content_of(one) == content_of(again)


def test_modules_that_differ_in_a_layer_or_a_weight() -> None:
    torch = require("torch")

    def net(seed: int, act: Any, dtype: Any = torch.float32) -> Any:
        torch.manual_seed(seed)
        return torch.nn.Sequential(torch.nn.Linear(2, 2), act(), torch.nn.BatchNorm1d(2)).to(dtype)

    one = content_of(net(0, torch.nn.Tanh))
    assert one == content_of(net(0, torch.nn.Tanh))
    others = [net(1, torch.nn.Tanh), net(0, torch.nn.ReLU), net(0, torch.nn.Tanh, torch.bfloat16)]
    assert len({one, *map(content_of, others)}) == 4


def test_code_may_change_and_a_model_may_not() -> None:
    check_content(made(2.0), CODE + "another", "it")  # bytes of code differ from version to version
    check_content(np.mean, CODE + "another", "it")
    with pytest.raises(DataError, match="it is another model"):
        check_content(Model(2.0), "0123456789abcdef", "it")
