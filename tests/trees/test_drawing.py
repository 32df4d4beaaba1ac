"""Drawing is all or nothing: nothing is lost around an exception, and no samples have the columns of some."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.trees import SampleBufferNode, SamplingTree, batched
from trees import wave


def counted(_: Any, *, rng: Any) -> int:
    return int(rng.integers(10**9))


@batched
def many(_: Any, *, rng: Any, n: int) -> Any:
    return rng.integers(10**9, size=n)


def fails_at(tree_of: Any, number: int) -> SamplingTree:
    """Return a tree whose sample of that number fails."""
    wrong = SamplingTree([tree_of])[number]

    def check(x: Any) -> Any:
        if x == wrong:
            raise ValueError("not this one")
        return x

    return SamplingTree([tree_of, check, "a"])


# --- no samples -------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [wave.waves, wave.mixed, lambda: SamplingTree([lambda _: {"x": 1.5, "y": (1, "b")}])])
def test_no_samples_have_the_columns_of_some(make: Any) -> None:
    tree = make()
    tree.skip(3)
    some = tree[3:5]
    for none in (tree.read(0), tree.read(0, records=True)[0], tree[3:3], tree[[]], tree.block(None, 7, 7)):
        assert type(none) is type(some)
        shapes = hr.core.items.map_leaves(lambda column: (column.shape[1:], column.dtype.kind, len(column)), none)
        due = hr.core.items.map_leaves(lambda column: (column.shape[1:], column.dtype.kind, 0), some)
        assert shapes == due
    assert tree.position == 3
    assert same(tree.read(2), some)


def test_no_samples_at_the_end_of_all_numbers() -> None:
    tree = SamplingTree([counted])
    tree.seek(2**62 - 1)
    tree.sample()
    assert tree.read(0).shape == tree[2**62 - 1 : 2**62 - 1].shape == (0,)


def test_reading_none_fills_no_buffer() -> None:
    buffer = SampleBufferNode()
    SamplingTree([counted, buffer]).read(0)
    assert not buffer.samples


# --- exceptions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["stochastic", "balanced"])
def test_a_collate_func_that_raises_loses_no_sample(strategy: Any) -> None:
    fails = [True]

    def collate(column: Any) -> Any:
        if fails.pop() if fails else False:
            raise RuntimeError("full")
        return np.array(column)

    def make(collate_func: Any) -> tuple[SamplingTree, SampleBufferNode]:
        buffer = SampleBufferNode(num_samples=100)
        return SamplingTree([counted, buffer, {"a": "a", "b": "b"}], collate_func=collate_func), buffer

    (tree, buffer), (due, due_buffer) = make(collate), make(np.array)
    with pytest.raises(RuntimeError, match="full"):
        tree.collect(5, strategy)
    assert tree.position == 0
    assert not buffer.samples
    assert same(tree.collect(5, strategy), due.collect(5, strategy))
    assert same(list(buffer.samples), list(due_buffer.samples))
    assert tree.position == due.position


@pytest.mark.parametrize("root", [counted, many])
@pytest.mark.parametrize("act", ["read", "collect"])
def test_the_way_past_a_sample_that_fails_is_told(root: Any, act: str) -> None:
    tree = fails_at(root, 7)
    tree.skip(2)
    with pytest.raises(ValueError, match="not this one") as caught:
        getattr(tree, act)(10)
    assert "  sample 7 was not made, and the tree stays at 2: seek(8) passes it" in caught.value.__notes__
    assert tree.position == 2
    assert len(tree.collect(5)) == 5
    with pytest.raises(ValueError, match="not this one") as caught:
        tree.sample()
    assert "  sample 7 was not made, and the tree stays at 7: skip() or seek(8) passes it" in caught.value.__notes__
    tree.skip()
    assert same(tree.read(10), tree[8:18])


def test_the_way_past_samples_of_one_call_is_told() -> None:
    @batched
    def broken(x: Any, *, rng: Any) -> Any:
        raise ValueError("none of them")

    tree = SamplingTree([many, broken])
    with pytest.raises(ValueError, match="none of them") as caught:
        tree.read(10)
    assert any(
        "samples 0 to 1023 are made in one call" in note and "seek(1024)" in note for note in caught.value.__notes__
    )


def test_samples_that_do_not_stack_are_not_lost_and_none_of_them_is_blamed() -> None:
    tree = SamplingTree([lambda _, *, rng: np.zeros(int(rng.integers(1, 9)))])
    with pytest.raises(hr.DataError) as caught:
        tree.read(20)
    assert not any("was not made" in note for note in caught.value.__notes__)
    assert len(tree.collect(20)) == 20


# --- labels of columns ------------------------------------------------------------------------------


def test_labels_are_texts_of_python_whether_functions_are_batched_or_not() -> None:
    tree = SamplingTree([many, {"a": "a", "b": [lambda x: x, "bb"]}, SampleBufferNode(num_samples=50)])
    items = [*tree.collect(20), tree.sample(), tree[5], *(tree[i] for i in range(10)), *tree.iterate(20)]
    buffer = tree.nodes[-1]
    assert isinstance(buffer, SampleBufferNode)
    items += [*tree.open().take(5), *tree.collect(5, "balanced"), *buffer.samples]
    assert {type(label) for _, label in items} == {str}
    nested = SamplingTree([many, {"a": "a", "b": "b"}, "end"])
    ((_, first), second) = nested.sample()
    assert type(first) is type(second) is str
    assert tree.read(3)[1].dtype.kind == "U"
