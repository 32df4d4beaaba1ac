"""Sample i depends on the tree, its seed and i: not on what failed, was drawn, edited or built elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.errors import ParameterOutOfRangeError
from headrace.trees import (
    BranchingNode,
    Parameter,
    Records,
    SampleBufferNode,
    SamplingTree,
    TransformNode,
    abrupt,
    batched,
    following,
    gradual,
    incremental,
)

Rng = np.random.Generator


def zero(_: Any) -> int:
    return 0


def value(_: Any, a: Any) -> Any:
    return a


@batched
def uniform(_: Any, *, rng: Rng, n: int) -> Any:
    return rng.random(n)


# --- one bad sample ---------------------------------------------------------------------------------


def test_one_bad_sample_loses_no_other_of_its_granule() -> None:
    due = SamplingTree([uniform])[0:1024]
    bad = [True]

    def fragile(x: float) -> float:
        if x == due[700] and bad[0]:
            raise ValueError("bad sample")
        return x

    tree = SamplingTree([uniform, fragile])
    assert tree[3] == due[3]
    assert same(tree[0:700], due[:700])
    with pytest.raises(ValueError, match="bad sample"):
        tree[690:710]
    assert tree.collect(700) == due[:700].tolist()
    for _ in range(2):
        with pytest.raises(ValueError, match="bad sample") as caught:
            tree.sample()
        assert "  in node 'fragile' of the tree, sample 700" in caught.value.__notes__
        assert "  while drawing item 700 of root/sampling_tree" in caught.value.__notes__
    assert tree.skip() == 1
    assert [tree.sample() for _ in range(323)] == due[701:].tolist()
    with pytest.raises(ValueError, match="bad sample"):
        tree[700]
    tree.seek(700)
    bad[0] = False
    assert tree[700] == due[700]
    assert tree.sample() == due[700], "the next call tries again"


def test_the_end_of_an_iterator_in_one_sample_is_told() -> None:
    def ends(x: float) -> float:
        return next(iter([])) if x > 0.5 else x

    with pytest.raises(RuntimeError, match="StopIteration"):
        SamplingTree([uniform, ends]).collect(50)


# --- buffers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [uniform, lambda _, *, rng: float(rng.random())])
def test_buffers_hold_what_was_delivered_last(first: Any) -> None:
    buffer = SampleBufferNode(num_samples=4)
    tree = SamplingTree([first, {"a": [buffer, "a"], "b": "b"}])

    def last(position: int) -> list[float]:
        return [x for x, label in (tree[i] for i in range(position)) if label == "a"][-4:]

    for act in (tree.sample, tree.sample, lambda: tree.read(7), lambda: tree.collect(5), lambda: tree.read(1100)):
        act()
        assert list(buffer.samples) == last(tree.position)


def test_what_fails_and_is_tried_again_is_in_a_buffer_once() -> None:
    for first in (uniform, lambda _, *, rng: float(rng.random())):
        failing = [7]

        def fragile(x: float, i: list[int] = failing) -> float:
            i[0] -= 1
            if i[0] == 0:
                raise KeyError("once")
            return x

        buffer = SampleBufferNode(num_samples=50)
        tree = SamplingTree([first, buffer, fragile])
        with pytest.raises(KeyError):
            tree.collect(10)
        assert not buffer.samples, "nothing was delivered"
        assert list(buffer.samples) == [] != tree.collect(10) == list(buffer.samples)


# --- functions of the number ------------------------------------------------------------------------


def test_a_function_of_the_number_is_called_for_numbers_asked_for() -> None:
    table, shares = list(range(300)), [[0.5, 0.5]] * 300
    asked: list[int] = []

    def looked_up(i: int) -> int:
        asked.append(i)
        return table[i]

    tree = SamplingTree(
        [value, {"x": "x", "y": "y", "probs": following(lambda i: shares[i])}], {"a": following(looked_up)}
    )
    assert [x for x, _ in tree.collect(300)] == table
    assert asked == table
    assert tree[0:300][0].tolist() == table
    with pytest.raises(IndexError) as caught:
        tree.sample()
    assert "  while drawing item 300 of root/sampling_tree" in caught.value.__notes__


# --- nodes of a user's class ------------------------------------------------------------------------


class Mine(TransformNode):
    def traverse(self, input: Any, rng: Rng) -> tuple[Any, Any]:
        return super().traverse(input, rng)


class Plain(TransformNode):
    pass


class Ends(TransformNode):
    def traverse(self, input: Any, rng: Rng) -> tuple[Any, Any]:
        return input, None if input > 0 else self.children[0]


def test_a_users_node_is_frozen_in_what_is_composed() -> None:
    tree = SamplingTree([Mine(value, name="m")], {"m": {"a": {"schedule": [1, 2, 3]}}})
    stream, recipe, seen = tree | hr.take(3), tree.__recipe__(), tree.fingerprint
    record = tree.explain(0)
    assert record["parameters"] == {"m.a": 1}
    tree.update()
    assert (list(stream), recipe[0], tree.sample()) == ([1, 1, 1], 1, 2)
    assert tree.fingerprint != seen
    assert tree.rebuild(record) == 1


def test_parameters_of_a_users_node_move_with_the_sample() -> None:
    tree = SamplingTree([Mine(value, name="m"), zero], {"m": {"a": abrupt(1, 2, at=3)}})
    part = SamplingTree([Mine(value, name="m")], {"m": {"a": abrupt(1, 2, at=3)}})
    assert (tree.collect(2), part.collect(5)) == ([0, 0], [1, 1, 1, 2, 2])
    assert [record["parameters"]["m.a"] for record in part.read(2, records=True)[1]] == [2, 2]


def test_a_second_tree_of_a_users_node_leaves_the_first_as_it_was() -> None:
    class Coin(BranchingNode):
        pass

    for kind in (Mine, Plain):
        node = kind(value, name="n")
        first = SamplingTree([zero, node], {"n": {"a": 1}})
        SamplingTree([zero, node], {"n": {"a": 2}})
        assert first.sample() == first[0] == 1
    coin = Coin({"x": "x", "y": "y"}, name="c")
    first = SamplingTree([zero, coin], {"c": {"p": [1.0, 0.0]}})
    SamplingTree([zero, coin], {"c": {"p": [0.0, 1.0]}})
    assert first.collect(3) == [(0, "x")] * 3


def test_a_users_node_may_end_the_walk() -> None:
    for first in (lambda _, *, rng: int(rng.integers(2)), batched(lambda _, *, rng, n: rng.integers(2, size=n))):
        tree = SamplingTree([TransformNode(first, name="coin"), Ends(abs, name="e"), lambda x: x + 100])
        assert set(tree.collect(50)) == {1, 100}
        assert same(np.array(SamplingTree(tree.nodes).collect(50)), tree[0:50])


# --- who changes what -------------------------------------------------------------------------------


def test_no_one_changes_a_tree_through_what_it_gives() -> None:
    mask, bank, table = np.zeros(3), np.zeros((2000, 2)), [1, [2]]

    @batched
    def rows(_: Any, bank: Any, n: int) -> Any:
        return bank[:n]

    def edit(found: Any) -> None:
        if isinstance(found, list):
            found[1].append(3)
        else:
            try:
                found[...] = 7
            except ValueError:  # a view that is only read
                assert not found.flags.writeable

    for function, parameters in (
        (value, {"a": mask}),
        (rows, {"bank": bank}),
        (value, {"a": table}),
        (value, {"a": incremental(np.zeros(2), np.ones(2), at=5, width=4)}),
        (value, {"a": abrupt([1, [2]], [3, [4]], at=100)}),
    ):
        tree = SamplingTree([function], parameters)
        due = repr(tree[5])
        for found in (tree.sample(), tree[5], *tree.collect(2), *tree.explain(0)["parameters"].values()):
            if function is not rows or len(found) == 2:
                edit(found)
        for column in Records(tree.__recipe__(), range(2)).columns().values():
            if isinstance(column[0], list | np.ndarray) and len(column[0]) == 3:
                edit(column[0])
        assert repr(tree[5]) == due
        tree.seek(5)
        assert repr(tree.sample()) == due
    assert not mask.any()
    assert not bank.any()
    assert table == [1, [2]]


def test_a_list_edited_later_changes_nothing_built_before() -> None:
    shares, kernel = [1.0, 0.0], [1]
    tree = SamplingTree([value, {"x": "x", "y": "y", "probs": shares}], {"a": kernel})
    stream = tree | hr.take(3)
    shares[:], kernel[:] = [0.0, 1.0], [2]
    assert list(stream) == [([1], "x")] * 3


def test_a_knob_is_refused_by_name() -> None:
    with pytest.raises(hr.StreamConfigError, match="parameter 'a' got the knob"):
        SamplingTree([value], {"a": hr.Knob(1)})
    with pytest.raises(hr.StreamConfigError, match="parameter 'a' got the knob"):
        Parameter("a", 1).value = hr.Knob(1)


def test_a_node_alone_hands_out_values() -> None:
    for how in ("unpack", "dict"):
        node = TransformNode(
            (lambda x, a: a) if how == "unpack" else (lambda x, store: store["a"].value),
            Parameter("a", abrupt(1, 2, at=3)),
            how,
            name="n",
        )
        assert node.traverse(0, np.random.default_rng())[0] == 1


# --- schedules by steps -----------------------------------------------------------------------------


def test_a_schedule_that_raises_does_so_for_ever() -> None:
    def given() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("disk")

    tree = SamplingTree([value], {"a": {"schedule": given()}})
    tree.update()
    for _ in range(3):
        with pytest.raises(OSError, match="disk") as caught:
            tree.update()
        assert caught.value.__notes__.count("  in the schedule of parameter 'a', value 2") == 1
        assert (tree.step, tree.sample()) == (1, 2)


def test_an_update_moves_all_parameters_or_none() -> None:
    def both(_: Any, a: int, b: int) -> tuple[int, int]:
        return a, b

    params = {"a": {"schedule": [1, 2, 3, 4]}, "b": {"schedule": [1, 2], "strategy": "raise exception"}}
    tree = SamplingTree([both], params)
    tree.update()
    for act in (
        tree.update,
        lambda: tree.set_update_step(3),
        tree.nodes[0].update,
        lambda: tree.nodes[0].set_update_step(3),
    ):
        with pytest.raises(ParameterOutOfRangeError):
            act()
        assert (tree.step, tree.sample()) == (1, (2, 2))


def test_the_step_follows_the_parameters_however_they_are_moved() -> None:
    def made() -> SamplingTree:
        return SamplingTree([value], {"value": {"a": {"schedule": [0, 10, 20]}}})

    acts: list[Any] = [
        lambda t: t.update(),
        lambda t: t.params.update(),
        lambda t: t.nodes[0].update(),
        lambda t: t.get_paths()[0].update(),
        lambda t: t.set_update_step(1),
    ]
    for act in acts:
        tree = made()
        act(tree)
        assert (tree.step, tree.explain(0)["step"], tree.sample()) == (1, 1, 10)
        assert tree.fingerprint == SamplingTree([value], {"value": {"a": 10}}).fingerprint
        tree.reset()
        assert (tree.step, tree.sample()) == (0, 0)
    still = SamplingTree([zero])
    still.update()
    assert (still.step, still.explain(0)["step"]) == (1, 1)
    constant = SamplingTree([value], {"a": 1})
    assert constant.sample() == 1
    constant.update()
    assert (constant.step, constant.explain(0)["step"], constant.sample()) == (1, 1, 1)


def test_pruning_does_not_depend_on_one_draw() -> None:
    tree = SamplingTree([zero, {"a": "a", "b": "b", "probs": gradual([1, 0], [0, 1], at=100, width=100)}])
    for position, ways in ((0, "a"), (90, "ab"), (100, "ab"), (110, "ab"), (200, "b")):
        tree.seek(position)
        assert [path.sample()[1] for path in tree.get_paths(prune=True)] == list(ways)
        assert {label for _, label in tree.collect(3, "balanced pruned")} == set(ways)
