"""A state of another tree says what differs: the seed, the step, one parameter, the nodes."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.trees import SamplingTree, abrupt


def noise(_: Any, scale: Any, *, rng: Any) -> Any:
    return rng.normal(size=3)


def lifted(x: Any, height: Any) -> Any:
    return x


def tree_of(height: float = 1.0, rng: int = 42, scale: Any = 0.5, probs: Any = None) -> SamplingTree:
    branches = {"a": "a", "b": [lifted, "b"], "probs": probs}
    params = {"scale": scale, "lifted": {"height": {"value": height, "schedule": [2.0, 3.0]}}}
    return SamplingTree([noise, branches], params, rng=rng)


def state_of(stream: Any) -> Any:
    with stream.open() as cursor:
        cursor.take(3)
        return json.loads(json.dumps(cursor.state()))


def updated() -> SamplingTree:
    tree = tree_of()
    tree.update()
    return tree


@pytest.mark.parametrize(
    ("other", "apart"),
    [
        (tree_of(rng=7), "sampling_tree differs in seed: 42 in the state, 7 here"),
        (tree_of(height=2.0), "sampling_tree differs in lifted.height: 1.0 in the state, 2.0 here"),
        (updated(), "step: 0 in the state, 1 here; lifted.height: 1.0 in the state, 2.0 here"),
        (tree_of(probs=[0.5, 0.5]), r"branching_node.probs: none in the state, \[0.5, 0.5\] here"),
        (tree_of(scale=abrupt(1, 2, at=5)), r"noise.scale: 0.5 in the state, abrupt\(1, 2, at=5\) here"),
        (tree_of(scale=np.zeros(3)), r"noise.scale: 0.5 in the state, array \[3\]#\w+ here"),
        (SamplingTree([noise], {"scale": 0.5}), "nodes: <noise > {a, b}> in the state, <noise> here"),
    ],
)
def test_what_differs_is_named(other: SamplingTree, apart: str) -> None:
    state = state_of(tree_of().__recipe__())
    with pytest.raises(hr.StateMismatchError, match=rf"{apart}(.|\n)*Open the stream as it was saved") as caught:
        other.open(at=state)
    assert len(str(caught.value)) < 250, "the difference, not the tree"
    with pytest.raises(hr.StateMismatchError, match="batch/sampling_tree differs in"):
        (other | hr.batch(2)).open(at=state_of(tree_of() | hr.batch(2)))


def test_arrays_and_long_values_are_told_apart() -> None:
    for one, two in ((np.zeros(3), np.ones(3)), ([0.0] * 50, [0.0] * 49 + [1.0]), (np.zeros((200, 300)), np.zeros(2))):
        with pytest.raises(hr.StateMismatchError, match=r"differs in noise.scale: .* in the state, "):
            tree_of(scale=one).open(at=state_of(tree_of(scale=two).__recipe__()))


def test_a_state_of_an_equal_tree_goes_on_and_stays_small() -> None:
    state = state_of(tree_of().__recipe__())
    due = tree_of().collect(4)[3]
    made = next(tree_of().open(at=state))
    assert (made[0] == due[0]).all()
    many = {"lifted": {f"name{k}": [float(k)] * 40 for k in range(200)}}
    wide = SamplingTree([TransformManyTimes()], many)
    assert len(json.dumps(state_of(wide.__recipe__()))) < 1000
    with pytest.raises(hr.StateMismatchError, match="differs in "):
        tree_of().open(at=state_of(wide.__recipe__()))


class TransformManyTimes:
    __name__ = "lifted"

    def __call__(self, x: Any, **more: Any) -> Any:
        return x


def test_a_state_without_what_it_tells_is_taken_too() -> None:
    state = state_of(tree_of().__recipe__())
    del state["told"]
    assert tree_of().open(at=state).position == 3
    for told in (None, 3, {}, {"sampling_tree": 3}):
        with pytest.raises(
            hr.StateMismatchError, match=r"differs in its parameters; here it has plan=<noise > {a, b}>"
        ):
            tree_of(rng=7).open(at={**state, "told": told})
