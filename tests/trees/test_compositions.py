"""A tree inside what streams are made of: mixed, in the background, in parts, resumed, copied; drifting as well."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.testing import check_stream, elsewhere
from headrace.trees import SamplingTree, Tree
from support.counts import heavy, soaking
from trees import wave

Make = Callable[..., SamplingTree]
by_tree = pytest.mark.parametrize("make", wave.TREES)


def equal(found: Any, due: Any) -> bool:
    """Whether samples of trees of waves are the same; their signals may be rows of columns."""
    (x, label), (y, its) = found, due
    return same(np.asarray(x), np.asarray(y)) and str(label) == str(its)


def all_equal(found: Iterator[Any] | list[Any], due: list[Any]) -> bool:
    return all(equal(a, b) for a, b in zip(found, due, strict=True))


@by_tree
def test_every_law_holds_behind_any_key(make: Make) -> None:
    check_stream(Tree(make().__recipe__().plan), items=24)


@by_tree
def test_a_weighted_mix_gives_each_tree_its_own_samples(make: Make) -> None:
    mixed = hr.mix({"a": make(rng=1), "b": make(rng=2)}, weights={"a": 3, "b": 1}, seed=5)
    assert mixed.access == "index"
    n = 160
    drawn = [mixed[i] for i in range(n)]
    mine = {name: list(hr.mix({name: make(rng=k)}, seed=5).iterate(n)) for name, k in (("a", 1), ("b", 2))}
    met = {"a": 0, "b": 0}
    for item in drawn:
        (name,) = [name for name in mine if equal(item, mine[name][met[name]])]
        met[name] += 1
    assert 0.6 * n < met["a"] < 0.9 * n
    assert all_equal(list(mixed.iterate(n)), drawn)
    far = 10**9
    assert equal(mixed[far], pickle.loads(pickle.dumps(mixed))[far])


@by_tree
@pytest.mark.parametrize(("where", "workers"), [("thread", 1), ("thread", 2), ("process", 1), ("process", 2), ("process", 4)])  # fmt: skip
def test_the_background_changes_nothing(make: Make, where: Any, workers: int) -> None:
    tree = make()
    due = tree.collect(150)
    mixed = hr.mix({"a": make(), "b": make(rng=3)}, weights={"a": 2, "b": 1}, seed=5)
    for stream, expected in ((tree.seeded(42), due), (mixed, list(mixed.iterate(150)))):
        with (stream | hr.background(where, workers=workers)).open() as cursor:
            first = cursor.take(70)
            state = json.loads(json.dumps(cursor.state()))
        assert all_equal(first, expected[:70])
        with (stream | hr.background(where, workers=workers)).open(at=state) as cursor:
            assert all_equal(cursor.take(80), expected[70:])


@by_tree
@pytest.mark.parametrize("n", [1, 2, 4])
def test_parts_are_the_whole(make: Make, n: int) -> None:
    tree = make()
    due = tree.collect(120)
    parts = [tree.shard(i, n) for i in range(n)]
    for i, part in enumerate(parts):
        mine = due[i::n]
        assert all_equal(list(part.iterate(len(mine))), mine)
        assert equal(part[7], mine[7])
        with part.open() as cursor:
            cursor.take(5)
            state = cursor.state()
        with pickle.loads(pickle.dumps(part)).open(at=state) as cursor:
            assert all_equal(cursor.take(10), mine[5:15])


@by_tree
def test_it_goes_on_anywhere(make: Make) -> None:
    due = make().collect(140)
    for at in (0, 1, 59, 60, 99, 130):
        with make().open(at=at) as cursor:
            found = cursor.take(5)
            state = cursor.state()
        assert all_equal(found, due[at : at + 5])
        assert len(json.dumps(state)) < 1000
        with make().open(at=json.loads(json.dumps(state))) as cursor:
            assert all_equal(cursor.take(5), due[at + 5 : at + 10])


@by_tree
def test_a_state_is_of_one_tree_at_one_step(make: Make) -> None:
    with make().open() as cursor:
        state = cursor.state()
    other = SamplingTree([wave.shifted], rng=42)
    with pytest.raises(hr.StateMismatchError):
        other.open(at=state)


@by_tree
def test_ops_behind_a_tree_keep_its_numbers(make: Make) -> None:
    tree = make()
    batches = tree | hr.batch(8)
    x, y = batches[12]
    due = [tree[i] for i in range(96, 104)]
    assert all_equal(list(zip(x, y, strict=True)), due)
    assert all_equal(list(tree | hr.skip(30) | hr.take(20)), [tree[i] for i in range(30, 50)])
    shuffled = tree | hr.take(64) | hr.permute(seed=1)  # an op that draws has a place of its own in the tree of seeds
    assert len({np.asarray(x).tobytes() for x, _ in shuffled}) == 64


@by_tree
def test_random_numbers_are_answered_alike_by_any_process(make: Make) -> None:
    """10 000 numbers, shared among 1, 2 and 4 processes, each with a copy of the tree."""
    tree, n = make(), heavy(10_000)
    at = np.random.default_rng(3).integers(20_000, size=n).tolist()
    here = [tree[i] for i in at]
    for k in (1, 2, 4) if soaking() else (2,):
        for j in range(k):
            assert all_equal(elsewhere(wave.rows_of, tree, at[j::k]), here[j::k])


@by_tree
def test_balanced_collection_is_of_the_time_it_is_drawn_in(make: Make) -> None:
    tree = make()
    k = len(tree.get_paths())
    first, second = tree.collect(20, "balanced"), tree.collect(20, "balanced")
    assert tree.position == 40 * k
    assert [str(label) for _, label in first] == [str(label) for _, label in second]
    assert len({np.asarray(x).tobytes() for x, _ in first + second}) == 40 * k
    again = make()
    assert all_equal(again.collect(20, "balanced"), first)


def test_ways_take_turns_where_something_moves() -> None:
    def value(_: Any, x: float) -> float:
        return x

    from headrace.trees import abrupt

    tree = SamplingTree([value, {"a": "a", "b": "b"}], {"x": abrupt(0.0, 1.0, at=100)})
    drawn = tree.collect(100, "balanced")
    for label in "ab":
        assert [x for x, its in drawn if its == label] == [0.0] * 50 + [1.0] * 50, "both classes drift at the same time"
