"""A tree as a stream: what streams can do, without moving; and what a stream takes of it, as it is at that moment."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.trees import BranchingNode, ClassLabelNode, SamplingTree, TransformNode
from trees import wave


def noise(_: Any, *, rng: Any) -> float:
    return float(rng.random())


def test_a_tree_can_what_streams_can() -> None:
    tree, stream = wave.waves(), hr.as_stream(wave.waves())
    due = list(stream.iterate(5))
    assert same(list(tree.iterate(5)), due)
    assert same(list(tree(5)), due)
    assert same(list(tree(5, cycle=True)), list(stream.cycle(5)))
    assert same(list(tree.cycle(5)), list(stream.cycle(5)))
    for name in ("size", "access", "resume", "spec", "children", "fingerprint"):
        assert getattr(tree, name) == getattr(stream, name), name
    assert tree.position == 0


def test_a_pass_over_a_tree_is_of_the_tree_as_it_was() -> None:
    tree = SamplingTree([lambda _, x: x], {"x": {"schedule": [1, 2, 3]}})
    items = tree.iterate(3)
    tree.update()
    assert list(items) == [1, 1, 1]
    assert list(tree.iterate(2)) == [2, 2]


def test_access_of_a_tree_that_cannot_be_replayed() -> None:
    own = np.random.default_rng(1)
    tree = SamplingTree([lambda _: own.random()])
    assert (tree.access, tree.resume) == ("cursor", "none")


def test_another_seed_is_followed_by_what_comes_next() -> None:
    tree, other = SamplingTree([noise]), SamplingTree([noise], rng=7)
    before = [tree.sample(), tree.sample()]
    tree.seed = 7
    assert tree.position == 2
    assert tree.sample() == other[2]
    assert tree[0] == other[0] != before[0]
    assert tree.fingerprint == other.fingerprint
    assert pickle.loads(pickle.dumps(tree)).seed == 7
    with pytest.raises(hr.StreamConfigError):
        tree.seed = "x"  # type: ignore[assignment]  # what it refuses


def one(_: Any) -> int:
    return 1


def two(_: Any, by: int = 2) -> int:
    return by


def loud(value: Any, label: Any) -> Any:
    return value, str(label).upper()


def test_a_node_that_is_changed_is_followed() -> None:
    tree = SamplingTree([one, "a"])
    function, label = tree.nodes
    assert isinstance(function, TransformNode)
    assert isinstance(label, ClassLabelNode)
    stream = tree | hr.take(1)
    assert tree.sample() == (1, "a")
    function.transform = two
    assert tree.sample() == tree[0] == (2, "a")
    label.label = "z"
    assert tree.sample() == tree[0] == (2, "z")
    label.label_func = loud
    assert tree.sample() == tree[0] == (2, "Z")
    function.name = "doubled"
    assert tree.explain(0)["path"] == SamplingTree([TransformNode(two, name="doubled"), label]).explain(0)["path"]
    assert "doubled" in str(tree | hr.take(1))
    assert list(stream) == [(1, "a")], "a stream that was made before keeps what it was made of"


def test_a_changed_node_in_a_branch_and_its_seed_are_followed() -> None:
    tree = SamplingTree([one, {"a": "a", "b": "b"}])
    branching = tree.nodes[1]
    assert isinstance(branching, BranchingNode)
    tree.sample()
    (leaf,) = branching.branches["a"]
    assert isinstance(leaf, ClassLabelNode)
    leaf.label = "z"
    assert {label for _, label in tree.collect(30)} == {"z", "b"}
    drawn = tree[0:50][1].tolist()
    branching.seed = 5
    assert tree[0:50][1].tolist() != drawn


def test_another_function_takes_the_parameters_of_its_own() -> None:
    tree = SamplingTree([TransformNode(two, name="n")], {"n": {"by": 9}})
    assert tree.sample() == 9
    node = tree.nodes[0]
    assert isinstance(node, TransformNode)
    node.transform = lambda _, by: -by
    assert tree.sample() == -9
    node.transform = lambda _, other: other
    with pytest.raises(hr.StreamConfigError, match="'n'"):
        tree.sample()
