"""Formulas and bookkeeping, each against the same worked out by hand."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.trees import BranchingNode, Parameter, SamplingTree, TransformNode, abrupt, batched, gradual
from trees import wave

Rng = np.random.Generator


def value(_: Any, a: Any) -> Any:
    return a


def zero(_: Any) -> float:
    return 0.0


def drawn(_: Any, *, rng: Rng) -> float:
    return float(rng.random())


def test_choices_at_scattered_numbers_are_those_of_a_read() -> None:
    @batched
    def plus(x: Any) -> Any:
        return x + 1

    tree = SamplingTree([zero, {"a": [plus, "a"], "b": "b"}, {"name": "c", "c": "c", "d": "d", "seed": 3}])
    at = [0, 10**6, 5, 10**9, 77, 10**12, 10**4]
    (x, first), second = tree[at]
    for k, i in enumerate(at):
        (one, label), other = tree[i]
        assert (float(one), str(label), str(other)) == (x[k], first[k], second[k])
    far = list(range(0, 10**9, 10**7))
    near = tree.__recipe__().bind(hr.Key(42))
    assert [str(label) for (_, label), _ in near.walk(np.array(far))] == tree[far][0][1].tolist()
    assert [near.columns(range(i, i + 3))[1][1] for i in far] == tree[[i + 1 for i in far]][1].tolist()


def test_one_function_in_two_branches_draws_apart() -> None:
    @batched
    def noise(_: Any, *, rng: Rng, n: int) -> Any:
        return rng.random(n)

    tree = SamplingTree([zero, {"a": [noise, "a"], "b": [noise, "b"]}])
    x, y = tree[0:1024]
    assert len(set(x.tolist())) == 1024
    assert set(y.tolist()) == {"a", "b"}


def test_calls_of_unlike_rows_draw_apart() -> None:
    @batched
    def lengths(_: Any, *, rng: Rng, n: int) -> Any:
        return rng.random((n, 2))

    @batched
    def longer(x: Any) -> Any:
        return np.concatenate([x, x], axis=1)

    @batched
    def noise(x: Any, *, rng: Rng) -> Any:
        return np.concatenate([x, rng.random((len(x), 1))], axis=1)

    found = SamplingTree([lengths, {"a": longer, "b": []}, noise]).collect(1024)
    assert len({float(x[-1]) for x in found}) == 1024


def test_what_is_tested_on_is_not_what_was_learned_from() -> None:
    for task in SamplingTree([drawn, {"a": "a", "b": "b"}], {}).experiences(2, size=30, test=30):
        learned = {x for x, _ in task.train}
        assert len(learned) == 30
        assert not learned & {x for x, _ in task.test}


def test_what_is_tested_on_is_of_the_whole_task() -> None:
    (task,) = SamplingTree([value], {"a": abrupt(0, 1, at=50)}).experiences(1, size=100, test=30)
    assert {*task.test} == {0, 1}


def test_a_reset_goes_back_to_the_first_step() -> None:
    tree = SamplingTree([value], {"a": {"schedule": [1, 2, 3]}})
    tree.update()
    tree.collect(2)
    tree.reset()
    assert (tree.step, tree.position, tree.sample()) == (0, 0, 1)


def test_a_gradual_change_is_a_logistic_curve_of_eight_over_its_width() -> None:
    change = gradual(0, 1, at=500, width=1000)
    tail = 1 / (1 + np.exp(4))  # cut off, so that the change is complete at its ends
    for i in (250, 400, 500, 600, 750):
        share = np.mean([change.at(i, u) for u in np.linspace(0, 1, 4000, endpoint=False)])
        due = (1 / (1 + np.exp(-8 * (i - 500) / 1000)) - tail) / (1 - 2 * tail)
        assert share == pytest.approx(due, abs=0.002)  # steeper or flatter by an eighth would be off by 0.02


def test_the_magnitude_of_a_prior_drift_is_total_variation() -> None:
    shares = abrupt([0.6, 0.2, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4], at=10)
    (found,) = SamplingTree([zero, {"a": "a", "b": "b", "c": "c", "d": "d", "probs": shares}]).drifts()["magnitude"]
    assert found == pytest.approx(0.5), "the largest single difference is 0.5 too: of two that rise, the sum"
    shares = abrupt([0.5, 0.5, 0.0, 0.0], [0.2, 0.2, 0.3, 0.3], at=10)
    (found,) = SamplingTree([zero, {"a": "a", "b": "b", "c": "c", "d": "d", "probs": shares}]).drifts()["magnitude"]
    assert found == pytest.approx(0.6)


def test_a_parameter_out_of_a_pickle_is_noticed() -> None:
    parameter = Parameter("a", 1)
    tree = SamplingTree([TransformNode(value, parameter)])
    assert tree.sample() == 1
    state = parameter.__getstate__()
    assert isinstance(state, dict)
    state["_value"] = 2
    parameter.__setstate__(state)
    assert tree.sample() == tree[0] == 2
    assert pickle.loads(pickle.dumps(tree)).sample() == 2


def test_probabilities_that_sum_to_almost_one_leave_no_gap() -> None:
    shares = [0.5, 0.5 - 9e-8]
    node = BranchingNode({"a": "a", "b": "b"}, probs=shares)
    assert set(SamplingTree([zero, node])[0:2000][1].tolist()) == {"a", "b"}
    from headrace.trees.chances import table_of

    table = table_of("n", shares, 2)
    alone = table.of_one()
    assert alone is not None
    last = np.nextafter(1.0, 0.0)
    assert alone(last) == 1
    assert table.choose(np.array([last]), np.zeros(1, np.int64), np.zeros(1)).tolist() == [1]


def test_a_branching_around_a_taken_node_is_the_trees_own() -> None:
    inside = TransformNode(value, name="inside")
    first = SamplingTree([zero, inside], {"inside": {"a": 1}})
    around = BranchingNode({"x": [inside, "x"]}, name="c")
    second = SamplingTree([zero, around], {"inside": {"a": 2}})
    assert around.branches["x"][0] is inside, "what the user made is not changed"
    assert second.sample() == (2, "x")
    assert first.sample() == 1


def test_errors_of_later_samples_are_numbered_from_where_the_tree_is() -> None:
    def fragile(x: float) -> float:
        if x > 0.9:
            raise KeyError("too large")
        return x

    tree = SamplingTree([drawn, fragile])
    bad = [i for i in range(100) if SamplingTree([drawn])[i] > 0.9]
    for act in (tree.collect, tree.collect, tree.read):
        tree.seek(bad[0] + 1)
        with pytest.raises(KeyError) as caught:
            act(50)
        assert f"  while drawing item {bad[1]} of root/sampling_tree" in caught.value.__notes__
        assert f"  in node 'fragile' of the tree, sample {bad[1]}" in caught.value.__notes__


def test_waves_are_the_same_by_number_and_in_a_row_when_asked_many_ways() -> None:
    tree = wave.drifting()
    due = [tree[i] for i in range(120)]
    assert all(map(same, tree.collect(60), due))
    assert all(map(same, list(tree.shard(1, 3).iterate(20)), due[1:60:3]))
