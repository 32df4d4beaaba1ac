"""Samples made again where that is hard: neighbours out of one generator, one function at two places, names that clash."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.trees import SamplingTree, abrupt, batched, incremental
from trees import wave

Rng = np.random.Generator


@batched
def noise(x: Any, *, rng: Rng, n: int) -> Any:
    return (0 if x is None else x) + rng.normal(size=n)


@batched
def base(_: Any, *, rng: Rng, n: int) -> Any:
    return rng.uniform(0.5, 50, size=n)


@batched
def counted(x: Any, *, rng: Rng) -> Any:
    return rng.poisson(x)


@batched(per_row="shape")
def waited(_: Any, shape: Any, *, rng: Rng, n: int) -> Any:
    return rng.gamma(shape)


def zero(_: Any) -> float:
    return 0.0


TREES: dict[str, Any] = {
    "one function twice": lambda: SamplingTree([noise, {"a": [noise, "a"], "b": "b"}]),
    "poisson": lambda: SamplingTree([base, counted]),
    "gamma by row": lambda: SamplingTree([waited], {"shape": incremental(0.5, 5.0, at=500, width=1000)}),
    "waves": wave.waves,
    "mixed": wave.mixed,
}


@pytest.mark.parametrize("name", TREES)
def test_samples_are_rebuilt_from_records_and_from_rows_of_columns(name: str) -> None:
    tree = TREES[name]()
    due = [tree[i] for i in range(80)]
    _, records = tree.read(80, records=True)
    columns = records.columns()
    other = TREES[name]().seeded(3)
    assert any(not same(other[i], due[i]) for i in range(80))
    for i in range(80):
        assert same(tree.rebuild(records[i]), due[i])
        assert same(tree.rebuild({title: column[i] for title, column in columns.items()}), due[i])


def test_neighbours_are_made_with_the_parameters_of_the_record() -> None:
    def made() -> SamplingTree:
        return SamplingTree(
            [base, lambda x, by: x * by, counted], {"by": {"schedule": [1.0, 2.0, 3.0]}, "unused": 0}, strict=False
        )

    with pytest.warns(hr.errors.HeadraceWarning, match="'unused'"):
        tree = made()
    tree.update()
    due, record = tree[9], tree.explain(9)
    tree.update()
    assert tree.rebuild(record) == due
    tree.params["by"].value = 5.0
    assert tree.rebuild(record) == due
    tree.params["by"] = 5.0
    with pytest.raises(hr.DataError, match="a record of a tree with other nodes or parameters, at step 1"):
        tree.rebuild(record)


def test_records_share_no_lists() -> None:
    _, records = SamplingTree([zero, {"a": "a", "b": "b", "probs": [0.5, 0.5]}]).read(2, records=True)
    records[0]["probabilities"]["branching_node"].clear()
    records[0]["labels"].clear()
    records[0]["key"].clear()
    assert records[1]["probabilities"] == {"branching_node": [0.5, 0.5]}
    assert records[1]["labels"]
    assert records[1]["key"]


def test_names_given_by_number_leave_those_of_the_user_alone() -> None:
    tree = SamplingTree(
        [zero, {"a": "a", "b": "b"}, {"c": "c", "d": "d"}, {"name": "branching_node_2", "e": "e", "f": "f"}]
    )
    labels = tree.explain(0)["labels"]
    assert list(tree.explain(0)["path"].values()) == labels
    assert all(tree.rebuild(tree.explain(i)) == tree[i] for i in range(50))
    record = tree.explain(0)
    assert record["path"]["branching_node_2"] == labels[2]


@pytest.mark.parametrize("n", [3, 65, 70])
def test_many_moving_parameters_in_one_call(n: int) -> None:
    @batched
    def first(_: Any, *, n: int, **more: float) -> Any:
        return np.full(n, more["p0"])

    changes = {f"p{k}": abrupt(0.0, 1.0, at=100 + k) for k in range(1, n)}
    tree = SamplingTree([first], {"first": {"p0": abrupt(0.0, 1.0, at=700), **changes}})
    assert same(tree[0:1024], (np.arange(1024) >= 700).astype(float))


def test_many_branchings_in_a_row_are_few_calls() -> None:
    calls = [0]

    @batched
    def plus(x: Any) -> Any:
        calls[0] += 1
        return x + 1

    @batched
    def root(_: Any, *, rng: Rng, n: int) -> Any:
        calls[0] += 1
        return rng.normal(size=n)

    choices = [{"name": f"m{k}", "yes": plus, "no": []} for k in range(400)]
    tree = SamplingTree([root, *choices, noise])
    x = tree[0:1024]
    assert calls[0] == 401
    assert np.abs(x - 200).max() < 100
    assert all(x[i] == tree[i] for i in (0, 5, 1023))


def test_rows_that_do_not_stack_are_treated_apart_behind_a_merge() -> None:
    @batched
    def longer(x: Any) -> Any:
        return np.repeat(x, 2, axis=-1).reshape(len(x), -1)

    @batched
    def shaken(x: Any, *, rng: Rng) -> Any:
        return x.reshape(len(x), -1) + rng.normal(size=(len(x), 1))

    tree = SamplingTree([noise, {"a": [longer, longer], "b": []}, shaken])
    found = tree.collect(40)
    assert {len(x) for x in found} == {1, 4}
    draws = {float(x[0]) for x in found}
    assert len(draws) == 40
    assert all(same(np.asarray(tree[i]), np.asarray(found[i])) for i in range(40))


def plus(x: Any, by: float) -> Any:
    return x + by


def doubled(x: Any, times: float) -> Any:
    return x * times


@pytest.mark.parametrize("form", ["record", "row"])
def test_a_record_of_another_tree_is_refused_with_the_difference(form: str) -> None:
    def made(nodes: list[Any], **params: Any) -> tuple[SamplingTree, Any]:
        tree = SamplingTree([zero, *nodes], params)
        if form == "record":
            return tree, tree.explain(0)
        columns = tree.read(5, records=True)[1].columns()
        return tree, {title: column[0] for title, column in columns.items()}

    one = {"name": "one", "a": "low"}
    tree, own = made([plus, one], by=1.0)
    assert tree.rebuild(own) == (1.0, "low")
    others = [
        made([plus, {"name": "one", "a": "high"}], by=1.0)[1],
        made([plus, {"name": "one", "a": []}], by=1.0)[1],
        made([plus, one, {"name": "two", "b": []}], by=1.0)[1],
        made([doubled, one], times=1.0)[1],
        made([one])[1],
    ]
    told = [
        r"labels are \['high'\], and here \['low'\]",
        r"labels are \[\], and",
        "branching 'two'",
        "plus.by",
        "plus.by",
    ]
    if form == "record":
        others.append(made([plus, doubled, one], by=1.0, times=2.0)[1])
        told.append("it has the parameter 'doubled.times'")
    for other, why in zip(others, told, strict=True):
        with pytest.raises(hr.DataError, match=why):
            tree.rebuild(other)


def test_a_record_of_neighbours_under_other_values_names_them() -> None:
    tree = SamplingTree([base, plus], {"by": 1.0})
    record = tree.explain(3)
    assert tree.rebuild(record) == tree[3]
    tree.params["by"] = 2.5
    with pytest.raises(hr.DataError, match=r"plus.by was 1.0 and is 2.5"):
        tree.rebuild(record)
