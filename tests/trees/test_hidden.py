"""Which functions draw from generators that nobody handed them."""

from __future__ import annotations

import random
import uuid
from functools import partial
from random import gauss
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.random as npr
import pytest
from numpy.random import default_rng, normal

import headrace as hr
from headrace.trees import SamplingTree, operate_on_index
from headrace.trees.hidden import hidden_generator
from support.require import require

rng = np.random.default_rng(1)


def helper() -> Any:
    return rng.normal()


def through_a_helper(x: Any) -> Any:
    return helper()


def around() -> Any:
    own = np.random.default_rng(0)
    return lambda x: own.normal()


@operate_on_index(0)
def wrapped(x: Any) -> Any:
    return npr.normal()


def by_default(x: Any, gen: Any = np.random.default_rng(0)) -> Any:  # noqa: B008  # what is looked for
    return gen.normal()


class Keeps:
    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.__name__ = "keeps"

    def method(self, x: Any) -> Any:
        return self.rng.normal()

    def __call__(self, x: Any) -> Any:
        return self.rng.normal()

    def handed(self, x: Any, *, rng: Any) -> Any:
        return rng.normal()


def handed(x: Any, *, rng: Any) -> Any:
    assert isinstance(rng, np.random.Generator)
    return rng.normal()


def own_seed(x: Any) -> Any:
    return np.random.default_rng(3).normal()


def attribute(x: Any) -> Any:
    return x.rng.normal


def itself(x: Any) -> Any:
    return itself(x)


def filled(x: Any, rng: Any = rng) -> Any:
    return rng.normal()


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (through_a_helper, "generator 'rng' of its module"),
        (around(), "generator 'own' around it"),
        (wrapped, "behind numpy.random"),
        (by_default, "default of 'gen'"),
        (Keeps(), "generator 'rng' it keeps"),
        (Keeps().method, "generator 'rng' it keeps"),
        (lambda x: normal(), "behind numpy.random"),
        (lambda x: gauss(0, 1), "behind random"),
        (lambda x: [random.random() for _ in range(3)], "behind random"),
        (normal, "behind numpy.random"),
        (partial(lambda gen, x: gen.normal(), rng), "in its partial"),
    ],
)
def test_hidden_generators_are_found(function: Any, told: str) -> None:
    found = hidden_generator(function)
    assert found is not None
    assert told in found


@pytest.mark.parametrize(
    "function",
    [handed, own_seed, attribute, itself, filled, Keeps().handed, len, int, np.abs, partial(handed, rng=rng), lambda x: x],
)  # fmt: skip
def test_what_is_handed_a_generator_or_needs_none_is_left_alone(function: Any) -> None:
    assert hidden_generator(function) is None


def test_a_generator_among_the_parameters_is_hidden_too() -> None:
    tree = SamplingTree([lambda x, gen: gen.normal()], {"gen": np.random.default_rng(0)})
    assert isinstance(tree.sample(), float)
    assert "the generator in its parameter 'gen'" in str(hr.describe(tree))
    with pytest.raises(hr.AddressError):
        tree[0]


def test_a_hidden_tree_makes_tasks() -> None:
    tree = SamplingTree([through_a_helper, {"a": "a", "b": "b"}])
    for test in (5, 20, 45):
        tasks = tree.experiences(2, 20, test=test)
        assert [(len(list(task.train)), len(list(task.test))) for task in tasks] == [(20, test)] * 2


def test_a_hidden_tree_can_be_explained_and_not_rebuilt() -> None:
    tree = SamplingTree([through_a_helper, {"a": "a", "b": "b"}])
    record = tree.explain(3)
    assert set(record["path"]) == {"branching_node"}
    with pytest.raises(hr.AddressError):
        tree.rebuild(record)
    assert len(tree.collect(3)) == len(tree.collect(1, "balanced")) + 1


GENERATORS = {"a": np.random.default_rng(0)}
HELD = SimpleNamespace(generator=np.random.default_rng(0), rate=2.0)


def of_a_dict(_: Any) -> Any:
    return GENERATORS["a"].normal()


def of_an_object(_: Any) -> Any:
    return HELD.generator.normal()


def without_a_seed(_: Any) -> Any:
    return np.random.default_rng().normal()


def without_a_seed_in_a_row(_: Any) -> Any:
    return default_rng().normal()


def new_each_time(_: Any) -> str:
    return str(uuid.uuid4())


def with_a_seed(_: Any) -> Any:
    return np.random.default_rng(3).normal() + HELD.rate


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (of_a_dict, "a generator in 'GENERATORS' of its module"),
        (of_an_object, "the generator 'HELD.generator' of its module"),
        (without_a_seed, "the generator 'np.random.default_rng' without a seed"),
        (without_a_seed_in_a_row, "the generator 'default_rng' without a seed"),
        (new_each_time, "uuid.uuid4, which is new at each call"),
    ],
)
def test_generators_that_stand_a_step_further_are_found(function: Any, what: str) -> None:
    recipe = SamplingTree([function]).__recipe__()
    assert what in recipe.remarks()[0]
    assert recipe.access == "cursor"


def test_what_draws_nothing_hidden_is_left_alone() -> None:
    assert SamplingTree([with_a_seed]).__recipe__().access == "index"


def test_generators_behind_scipy_and_torch_are_found() -> None:
    stats = require("scipy.stats")
    frozen = stats.norm(2.0)
    assert "behind scipy.stats" in SamplingTree([lambda _: stats.norm.rvs()]).__recipe__().remarks()[0]
    assert "behind scipy.stats" in SamplingTree([lambda _: frozen.rvs(size=2)]).__recipe__().remarks()[0]
    assert not SamplingTree([lambda _, *, rng: stats.norm.rvs(size=2, random_state=rng)]).__recipe__().remarks()
    assert not SamplingTree([lambda _: stats.norm.pdf(0.0)]).__recipe__().remarks()
    torch = require("torch")
    assert "behind torch" in SamplingTree([lambda _: torch.randn(2).numpy()]).__recipe__().remarks()[0]
    assert not SamplingTree([lambda _: torch.zeros(2).numpy()]).__recipe__().remarks()
