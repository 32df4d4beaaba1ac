"""Schedules by step and by sample number, and the ground truth of drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count, cycle
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core.describe import dump
from headrace.trees import (
    Parameter,
    ParameterStore,
    SamplingTree,
    Schedule,
    Tree,
    abrupt,
    cyclic,
    following,
    gradual,
    incremental,
    recurring,
    stepwise,
    to_river,
)
from support.counts import heavy
from support.require import require

SHAPES: list[tuple[Schedule, list[tuple[int, int, int]]]] = [
    (abrupt(0.0, 1.0, at=100), [(100, 100, 100)]),
    (abrupt(0.0, 1.0, 3.0, at=[100, 160]), [(100, 100, 100), (160, 160, 160)]),
    (gradual(0.0, 1.0, at=100, width=40), [(80, 100, 120)]),
    (incremental(0.0, 1.0, at=100, width=41), [(80, 100, 121)]),
    (recurring(0.0, 1.0, at=50, length=20, every=100), [(p, p, p) for p in (50, 70, 150, 170)]),
    (cyclic(0.0, 1.0, 2.0, every=60), [(p, p, p) for p in (60, 120, 180)]),
    (stepwise([0.0, 0.0, 1.0, 2.0], every=30), [(p, p, p) for p in (60, 90)]),
    (following(float, changes=[40]), [(40, 40, 40)]),
]


def value(_: Any, x: float) -> float:
    return x


@pytest.mark.parametrize(("schedule", "due"), SHAPES, ids=repr)
def test_positions_are_those_of_the_values_used(schedule: Schedule, due: list[tuple[int, int, int]]) -> None:
    require("pandas")
    tree = SamplingTree([value], {"x": schedule})
    table = tree.drifts(until=200)
    assert list(zip(table["start"], table["centre"], table["end"], strict=True)) == due
    assert set(table["clock"]) == {"sample"}
    used = np.array(tree.collect(200))
    if repr(schedule).startswith("following"):
        assert used.tolist() == list(range(200))
        return
    moved = set((np.flatnonzero(np.diff(used)) + 1).tolist())
    inside: set[int] = set()
    for start, _, end in due:
        assert used[start - 1] != used[min(end, 199)], "it has not begun before, and is complete then"
        inside |= set(range(start, end + 1))
    assert moved <= inside, "nothing moves but where the table says"
    if all(start == end for start, _, end in due):
        assert moved == {start for start, _, _ in due}


def test_abrupt_before_and_after_are_the_given_objects() -> None:
    before, after = [1.0, 0.0], [0.5, 0.5]
    schedule = abrupt(before, after, at=3)
    assert schedule.at(2) is before
    assert schedule.at(3) is after
    assert incremental(1, 2, at=10, width=4).at(8) == 1
    assert type(incremental(1, 2, at=10, width=4).at(12)) is int


def test_a_gradual_change_hands_over_along_a_logistic_curve() -> None:
    """Over 40 seeds; a deviation of 5 standard errors: 1 in 1.7 million for each of 5 places."""
    n = max(40, heavy(2000))
    schedule = gradual(0, 1, at=500, width=400)
    taken = np.array([SamplingTree([value], {"x": schedule}, rng=seed)[250:750] for seed in range(n)])
    for i in (380, 450, 500, 550, 620):
        z = (i - 500) / 400
        low = 1 / (1 + np.exp(4))
        p = (1 / (1 + np.exp(-8 * z)) - low) / (1 - 2 * low)
        window = taken[:, i - 255 : i - 245]
        assert abs(window.mean() - p) < 5 * np.sqrt(p * (1 - p) / window.size) + 0.005
    assert not taken[:, :50].any()
    assert taken[:, 450:].all()


def test_gradual_changes_at_one_place_hand_over_together() -> None:
    def both(_: Any, x: float, y: float) -> tuple[float, float]:
        return x, y

    params = {"x": gradual(0.0, 1.0, at=500, width=400), "y": gradual(5.0, 6.0, at=500, width=400)}
    tree = SamplingTree([both], params)
    pairs = set(tree.collect(1000))
    assert pairs == {(0.0, 5.0), (1.0, 6.0)}
    concepts = tree.concepts(0, 1000)
    assert all((concept == 1) == (tree[i] == (1.0, 6.0)) for i, concept in enumerate(concepts.tolist()))


def test_concepts_that_return_have_their_number_again() -> None:
    tree = SamplingTree([value], {"x": recurring(0.0, 1.0, at=10, length=5, every=20)})
    assert tree.concepts(0, 40).tolist() == [0] * 10 + [1] * 5 + [0] * 15 + [1] * 5 + [0] * 5
    assert SamplingTree([value], {"x": 1.0}).concepts(0, 3).tolist() == [0, 0, 0]


def test_kinds_follow_from_the_place_in_the_tree() -> None:
    require("pandas")

    def add(x: float, by: float) -> float:
        return x + by

    tree = SamplingTree(
        [value, {"probs": abrupt([1, 0], [0, 1], at=5), "a": [add, "a"], "b": "b"}, lambda pair, last: pair],
        {"x": {"schedule": [0.0, 3.0]}, "add": {"by": abrupt(1.0, 2.0, at=7)}, "last": abrupt(0, 1, at=9)},
    )
    table = tree.drifts()
    found = table[["parameter", "kind", "clock", "start", "magnitude"]].to_numpy().tolist()
    assert found == [
        ["branching_node.probs", "prior", "sample", 5, 1.0],
        ["add.by", "concept", "sample", 7, 1.0],
        ["<lambda>.last", "covariate", "sample", 9, 1.0],
        ["value.x", "covariate", "step", 1, 3.0],
    ]


def test_endless_schedules_ask_how_far_to_look() -> None:
    require("pandas")
    with pytest.raises(hr.StreamConfigError, match=r"value.x = cyclic(.|\n)*drifts\(until="):
        SamplingTree([value], {"x": cyclic(1, 2, every=5)}).drifts()
    with pytest.raises(hr.StreamConfigError, match=r"value.x(.|\n)*drifts\(steps="):
        SamplingTree([value], {"x": {"schedule": [1, 2], "strategy": "cycle"}}).drifts()
    assert len(SamplingTree([value], {"x": {"schedule": [1, 2], "strategy": "cycle"}}).drifts(steps=5)) == 5


def test_both_clocks_at_once() -> None:
    tree = SamplingTree([value], {"x": {"schedule": [abrupt(0, 1, at=2), abrupt(10, 11, at=2)]}})
    assert tree.collect(3) == [0, 0, 1]
    tree.update()
    assert tree[0:3].tolist() == [10, 10, 11]
    assert tree.sample() == 11, "the third sample has been: the clock of samples goes on"


def naturals() -> Iterator[int]:
    yield from range(10**9)


@pytest.mark.parametrize("schedule", [range(10**9), count(), naturals()])
def test_any_iterable_is_a_schedule(schedule: Any) -> None:
    tree = SamplingTree([value], {"x": {"schedule": schedule}})
    tree.set_update_step(1000)
    assert tree.sample() == 1000
    tree.set_update_step(3)
    tree.update()
    assert tree.sample() == 4


def test_a_function_of_the_step_is_a_schedule() -> None:
    require("pandas")
    tree = SamplingTree([value], {"x": {"schedule": lambda step: 10 * (step // 2)}})
    assert [tree.drifts(steps=5)["start"].tolist(), tree.sample()] == [[2, 4], 0]
    tree.set_update_step(10**9)
    assert tree.sample() == 5 * 10**9
    with pytest.raises(hr.StreamConfigError, match=r"drifts\(steps=100\)"):
        tree.drifts()


def test_a_far_step_is_reached_without_counting() -> None:
    params: dict[str, Any] = {"x": {"schedule": count(0, 2)}, "y": {"schedule": [1, 2, 3], "strategy": "cycle"}}
    tree = SamplingTree([lambda _, x, y: (x, y)], params)
    tree.set_update_step(10**15)
    assert tree.sample() == (2 * 10**15, [1, 2, 3][10**15 % 3])


def test_a_running_generator_stays_behind_when_pickled() -> None:
    import pickle

    x = Parameter("x", schedule=cycle([1, 2]))
    x.update()
    twin = pickle.loads(pickle.dumps(x))
    assert (twin.value, twin[0]) == (2, 1)
    with pytest.raises(hr.ResumeError, match="stayed behind when its tree was pickled"):
        twin[5]


def test_a_table_by_sample_number() -> None:
    pandas = require("pandas")
    table = pandas.DataFrame({"value.x": [1.0, 2.0, 5.0]})
    tree = SamplingTree([value], ParameterStore.from_dataframe(table, clock="sample", every=10))
    assert [tree[i] for i in (0, 9, 10, 29, 100)] == [1.0, 1.0, 2.0, 5.0, 5.0]
    assert tree.drifts()["start"].tolist() == [10, 20]


def test_schedules_are_values() -> None:
    for schedule, _ in SHAPES:
        tree = Tree(SamplingTree([value], {"x": schedule}).__recipe__().plan)
        if repr(schedule).startswith("following"):
            continue
        functions = {"trees.test_time:value": value, f"{value.__module__}:value": value}
        assert hr.load(json.loads(json.dumps(dump(tree))), functions) == tree
        other = Tree(SamplingTree([value], {"x": abrupt(0.0, 1.0, at=77)}).__recipe__().plan)
        assert tree.fingerprint != other.fingerprint


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: abrupt(1, 2, at=[5, 3]), r"abrupt got 2 values and 2 changes|sample numbers that rise"),
        (lambda: abrupt(1, 2, 3, at=5), "3 values and 1 changes"),
        (lambda: gradual(1, 2, at=5, width=0), "width=0"),
        (lambda: gradual(1, 2, at=5, width=100), "begins before sample 0"),
        (lambda: incremental("a", "b", at=50, width=2), "wanted numbers"),
        (lambda: abrupt(0, abrupt(1, 2, at=9), at=5), "which is a schedule itself"),
        (lambda: recurring(0, abrupt(1, 2, at=9), at=5, length=2), "which is a schedule itself"),
        (lambda: cyclic(1, every=3), "wanted at least 2"),
        (lambda: recurring(1, 2, at=3, length=5, every=5), "every longer than length"),
        (lambda: stepwise([], every=3), "got 0 values"),
        (lambda: stepwise([1], then="stop"), "'hold' or 'cycle'"),  # type: ignore[arg-type]  # what it refuses
        (lambda: following(3), "wanted a function"),  # type: ignore[arg-type]  # what it refuses
        (lambda: abrupt(1, 2, at=1.5), "whole number"),  # type: ignore[arg-type]  # what it refuses
    ],
)
def test_schedules_that_cannot_be(make: Any, told: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=told):
        make()


# --- tasks ------------------------------------------------------------------------------------------


def test_experiences_are_one_update_apart_and_share_no_sample() -> None:
    def drawn(_: Any, x: int, *, rng: Any) -> float:
        return x + float(rng.random())

    tree = SamplingTree([drawn, "a"], {"x": {"schedule": [0, 10, 20]}})
    tree.collect(7)
    tasks = tree.experiences(3, 20, test=5)
    assert (tree.position, tree.step) == (7, 0)
    assert tree.params["x"].value == 0, "it moves nothing"
    seen = []
    for k, task in enumerate(tasks):
        values = [x for x, _ in task.train] + [x for x, _ in task.test]
        assert len(values) == 25
        assert {int(x) // 10 for x in values} == {k}
        assert (task.number, task.step) == (k, k)
        seen += [x % 1 for x in values]
    assert len(set(seen)) == 75


def test_rows_for_river_know_their_change_points() -> None:
    def point(_: Any, offset: float, *, rng: Any) -> Any:
        return rng.normal(offset, size=2)

    tree = SamplingTree([point, {"a": "a", "b": "b"}], {"offset": abrupt(0.0, 30.0, at=60)})
    tree.collect(10)
    rows = to_river(tree, 100, names=["left", "right"])
    assert rows.change_points == [50]
    first, again = list(rows), list(rows)
    assert first == again
    assert len(first) == len(rows) == 100
    assert [max(x.values()) > 15 for x, _ in first] == [False] * 50 + [True] * 50
    assert set(first[0][0]) == {"left", "right"}
    with pytest.raises(hr.DataError, match="2 features and 1 names"):
        next(iter(to_river(tree, 3, names=["x"])))
