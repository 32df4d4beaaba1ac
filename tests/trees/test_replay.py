"""Sample i is a pure function of (tree, seed, i), however it is asked for."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.testing import check_stream, elsewhere
from headrace.trees import SampleBufferNode, SamplingTree, Tree, abrupt, gradual
from support.counts import heavy
from trees import wave


def unseeded(tree: SamplingTree) -> Tree:
    """The recipe below whatever key comes."""
    return Tree(tree.__recipe__().plan)


@pytest.mark.parametrize("make", [wave.waves, wave.mixed])
def test_random_indices_equal_the_sequential_read(make: Any) -> None:
    n = heavy(10_000)
    tree = make()
    X, y = make().read(n)
    for i in np.random.default_rng(1).permutation(n).tolist():
        x, label = tree[i]
        assert same(np.asarray(x), X[i])
        assert label == y[i]
    assert tree.position == 0, "asking by number moves nothing"
    assert all(same(np.asarray(tree.sample()[0]), X[i]) for i in range(min(n, 300)))
    drawn = make().collect(n)
    assert all(same(np.asarray(x), X[i]) for i, (x, _) in enumerate(drawn))


@pytest.mark.parametrize("make", [wave.waves, wave.mixed])
def test_trees_keep_every_law(make: Any) -> None:
    report = check_stream(unseeded(make()), items=24)
    for law in ("items by number", "columns by number", "shards", "the same in another process", "resume"):
        assert law in report.held


@pytest.mark.parametrize("make", [wave.waves, wave.mixed])
def test_workers_and_copies_give_the_same(make: Any) -> None:
    tree = make()
    at = [5, 1023, 1024, 3000, 7, 10**12]
    here = wave.rows_of(tree, at)
    assert all(map(same, wave.rows_of(pickle.loads(pickle.dumps(tree)), at), here))
    assert all(map(same, elsewhere(wave.rows_of, tree, at), here))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_tree_in_background_processes_gives_its_samples_in_order(workers: int) -> None:
    tree = wave.waves()
    expected = tree.collect(60)
    with (tree | hr.background("process", workers=workers)).open() as cursor:
        for (x, label), (found, its) in zip(expected, cursor.take(60), strict=True):
            assert same(np.asarray(found), x)
            assert its == label


def test_parts_are_the_whole() -> None:
    tree = wave.waves()
    parts = [list(tree.shard(i, 3).iterate(5)) for i in range(3)]
    assert all(same(parts[k % 3][k // 3], tree[k]) for k in range(15))


def test_a_node_more_in_one_branch_changes_no_other_branch() -> None:
    for make, more in ((wave.waves, wave.shifted), (wave.mixed, wave.shifted)):
        before = make()
        after = make()
        longer = SamplingTree(
            [
                after.nodes[0],
                {
                    key: [*nodes[:-1], more, nodes[-1]] if key == "ramp" else nodes
                    for key, nodes in after.nodes[1].branches.items()  # type: ignore[attr-defined]
                },
            ],
            after.params,
        )
        same_label = 0
        for i in range(200):
            x, label = before[i]
            changed = longer[i] if label != "ramp" else (x, label)
            assert same(np.asarray(changed[0]), np.asarray(x))
            same_label += label != "ramp"
        assert 50 < same_label < 200


def test_a_seed_is_all_that_differs() -> None:
    assert same(wave.waves(rng=1)[3], wave.waves(rng=np.int64(1))[3])
    assert not same(wave.waves(rng=1)[3], wave.waves(rng=2)[3])
    generator = np.random.default_rng(5)
    assert same(wave.waves(rng=generator)[3], wave.waves(rng=generator)[3]), "a generator is read, never advanced"
    assert not same(wave.waves(rng=None)[3], wave.waves(rng=None)[3])


def test_a_tree_is_a_member_of_a_mix_and_is_resumed_there() -> None:
    tree = wave.waves()
    mixed = hr.mix({"tree": tree, "other": wave.waves(rng=7)}, weights={"tree": 3, "other": 1}, seed=1) | hr.batch(4)
    with mixed.open() as cursor:
        cursor.take(3)
        state = cursor.state()
        rest = cursor.take(2)
    with mixed.open(at=state) as cursor:
        assert all(map(same, cursor.take(2), rest))


def test_what_is_composed_keeps_the_tree_as_it_was() -> None:
    tree = SamplingTree([lambda _, a: a], {"a": {"schedule": [1, 2]}})
    stream = tree | hr.take(3)
    tree.update()
    assert list(stream) == [1, 1, 1]
    assert list(tree | hr.take(3)) == [2, 2, 2]
    tree.params["a"].value = 9
    assert tree.sample() == tree[0] == 9


def test_the_handle_moves_and_is_pickled_where_it_is() -> None:
    tree = wave.waves()
    tree.collect(3)
    twin = pickle.loads(pickle.dumps(tree))
    assert twin.position == tree.position == 3
    assert same(twin.sample(), tree.sample())
    assert tree.seek(0) == 0
    assert same(tree.sample(), tree[0])
    assert tree.skip(5) == 5
    assert tree.position == 6
    tree.reset()
    assert (tree.position, tree.step) == (0, 0)


def test_an_error_names_node_and_sample_and_the_tree_stands_before_it() -> None:
    failing = [True]

    def fragile(x: float) -> float:
        if x > 0.9 and failing[0]:
            raise KeyError("too large")
        return x

    def drawn(_: Any, *, rng: Any) -> float:
        return float(rng.random())

    tree = SamplingTree([drawn, fragile])
    with pytest.raises(KeyError) as caught:
        all(tree.sample() is not None for _ in range(500))
    notes = "\n".join(caught.value.__notes__)
    assert "in node 'fragile' of the tree" in notes
    assert f"while drawing item {tree.position} of root/sampling_tree" in notes
    assert "your function: fragile at test_replay.py" in notes
    at = tree.position
    with pytest.raises(KeyError):
        tree.collect(1)
    assert tree.position == at
    failing[0] = False
    assert tree.sample() > 0.9
    assert tree.position == at + 1


def test_buffers_fill_by_what_the_tree_draws_and_by_nothing_else() -> None:
    buffer = SampleBufferNode(num_samples=2)
    tree = SamplingTree([lambda _, *, rng: float(rng.random()), buffer, "a"])
    tree[5], tree[0:9]
    list(tree | hr.take(3))
    assert not buffer.samples
    drawn = tree.collect(5)
    assert list(buffer.samples) == [x for x, _ in drawn[-2:]]


def test_time_varying_trees_are_cut_anywhere() -> None:
    params = {
        "background": {"signal_length": 64, "offset": 0.0, "strength": abrupt(0.1, 5.0, at=50)},
        "branching_node": {"probs": gradual([1, 0, 0], [0.2, 0.4, 0.4], at=60, width=40)},
        "ramp": {"height": 1.0},
        "step": {"kernel_size": 3},
        "length": 32,
    }
    tree = wave.waves(params)
    X, y = tree[0:120]
    assert all(same(np.asarray(tree[i][0]), X[i]) for i in range(120))
    assert X[:50].std() < 1 < X[50:].std()
    assert set(y[:40].tolist()) == {"background"}
