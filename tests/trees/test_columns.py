"""Functions of columns, and where they meet those of one sample."""

from __future__ import annotations

import pickle
from functools import partial
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import same
from headrace.trees import Parameter, SampleBufferNode, SamplingTree, TransformNode, abrupt, batched, incremental
from trees import wave

Rng = np.random.Generator


@batched
def noise(_: Any, scale: float, *, rng: Rng, n: int) -> Any:
    return rng.normal(scale=scale, size=(n, 3))


@batched(per_row="scale")
def noise_by_row(_: Any, scale: Any, *, rng: Rng, n: int) -> Any:
    assert scale.shape == (n,)
    return rng.normal(size=(n, 3)) * scale[:, None]


@batched
def plus(x: Any, by: float = 1.0) -> Any:
    return x + by


def test_columns_equal_items_over_granules() -> None:
    tree = wave.mixed()
    X, y = tree[1000:1100]
    for i in (1000, 1023, 1024, 1099):
        assert same(np.asarray(tree[i][0]), X[i - 1000])
        assert tree[i][1] == y[i - 1000]
    some, labels = tree[[2050, 3, 1025, 3]]
    assert same(some[1], some[3])
    assert same(some[2], X[25])
    assert labels.tolist() == [tree[i][1] for i in (2050, 3, 1025, 3)]


def test_what_comes_from_a_handle_and_from_a_stream_is_the_same() -> None:
    tree = wave.mixed()
    first = tree.collect(30)
    rest = tree.read(1500)[0]
    X = tree[0:1530][0]
    assert all(same(np.asarray(x), X[i]) for i, (x, _) in enumerate(first))
    assert same(rest, X[30:])


def test_a_function_is_called_once_for_the_rows_of_one_path() -> None:
    asked: list[int] = []

    @batched
    def counted(x: Any) -> Any:
        asked.append(len(x))
        return x

    tree = SamplingTree([noise, {"a": "a", "b": [counted, "b"], "probs": [0.5, 0.5]}], {"scale": 1.0})
    tree.read(2048)
    assert len(asked) == 2
    assert sum(asked) == int((tree[0:2048][1] == "b").sum())


def test_the_numbers_of_rows_are_offered() -> None:
    @batched
    def numbered(_: Any, i: Any, n: int) -> Any:
        assert len(i) == n
        return i * 10

    assert SamplingTree([numbered])[7:10].tolist() == [70, 80, 90]


def test_moving_parameters_divide_the_rows_or_come_by_row() -> None:
    for function in (noise, noise_by_row):
        tree = SamplingTree([function], {"scale": abrupt(0.0, 1.0, at=700)})
        X = tree[0:1024]
        assert not X[:700].any()
        assert X[700:].all()
        assert same(X[650:750], tree[650:750])
    tree = SamplingTree([noise], {"scale": incremental(0.0, 1.0, at=600, width=1000)})
    sizes = np.abs(tree[0:1024]).mean(axis=1)
    assert sizes[:100].max() == 0
    assert sizes[900:].mean() > sizes[150:300].mean()


def test_merges_and_choices_behind_them() -> None:
    nodes = [noise, *({"name": f"b{k}", "yes": [plus], "no": []} for k in range(3)), "end"]
    tree = SamplingTree(nodes, {"scale": 0.0})
    X, y = tree.read(1024)
    assert set(np.unique(X).tolist()) == {0.0, 1.0, 2.0, 3.0}
    assert set(y.tolist()) == {"end"}
    assert all(same(np.asarray(tree[i][0]), X[i]) for i in range(0, 1024, 97))


def test_items_that_do_not_stack_come_one_by_one() -> None:
    def ragged(x: Any, *, rng: Rng) -> Any:
        return x[: int(rng.integers(1, 3))]

    tree = SamplingTree([noise, ragged], {"scale": 1.0})
    items = tree.collect(20)
    assert {len(item) for item in items} == {1, 2}
    assert all(same(np.asarray(tree[i]), np.asarray(items[i])) for i in range(20))
    with pytest.raises(hr.DataError):
        tree.read(20)
    assert len(tree.collect(3)) == 3


def test_what_is_handed_out_is_the_callers() -> None:
    def listed(x: Any) -> Any:
        return {"x": x, "tags": ["new"]}

    tree = SamplingTree([noise, listed], {"scale": 1.0})
    tree[3]["tags"].clear()
    assert tree[3]["tags"] == ["new"]


def test_wrong_rows_are_named() -> None:
    @batched
    def short(x: Any) -> Any:
        return x[1:]

    @batched
    def scalar(x: Any) -> Any:
        return 3.0

    for function in (short, scalar):
        with pytest.raises(hr.DataError, match=f"node '{function.__name__}' got .* wanted 1024 rows"):
            SamplingTree([noise, function], {"scale": 1.0})[5]


def test_an_error_in_a_function_of_columns_names_the_node() -> None:
    @batched
    def broken(x: Any) -> Any:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError) as caught:
        SamplingTree([noise, broken], {"scale": 1.0}).sample()
    assert "  in node 'broken' of the tree, 1024 samples of 0 to 1023" in caught.value.__notes__


def test_balanced_collection_with_functions_of_columns() -> None:
    tree = wave.mixed()
    drawn = tree.collect(40, "balanced")
    assert [label for _, label in drawn] == ["background"] * 40 + ["ramp"] * 40 + ["step"] * 40
    assert len({np.asarray(x).tobytes() for x, _ in drawn}) == 120


def test_buffers_among_functions_of_columns() -> None:
    buffer = SampleBufferNode(num_samples=4)
    tree = SamplingTree([noise, buffer], {"scale": 1.0})
    X = tree.read(1024)
    assert same(np.array(buffer.samples), X[-4:])


def test_per_row_names_a_parameter() -> None:
    with pytest.raises(hr.StreamConfigError, match="got 'sacle', wanted names of parameters"):
        batched(per_row="sacle")(lambda x, scale: x)


def test_batched_leaves_the_function_as_it_is() -> None:
    def doubled(x: Any) -> Any:
        return 2 * x

    made = batched(doubled)
    assert made(3) == 6
    assert (made.__name__, made) == ("doubled", batched(doubled))
    assert SamplingTree([noise, made], {"scale": 1.0}).__recipe__().by_rows
    assert not SamplingTree([lambda _: 1.0, doubled]).__recipe__().by_rows
    assert not SamplingTree([lambda _: -1.0, np.abs]).__recipe__().by_rows
    assert batched(np.abs) is not np.abs
    assert (SamplingTree([noise, batched(np.abs)], {"scale": 1.0})[0:50] >= 0).all()


def plus_plain(x: Any, by: float) -> Any:
    return x + by


class Scaled:
    def __init__(self, by: float) -> None:
        self.by = by

    @batched
    def rows(self, _: Any, n: int) -> Any:
        return np.full(n, self.by)

    def plain(self, x: Any, n: int) -> Any:
        return np.full(n, self.by) + x


def test_methods_and_partials_are_functions_of_columns_too() -> None:
    nodes = [Scaled(2.0).rows, batched(Scaled(1.0).plain), partial(plus, by=3.0), batched(partial(plus_plain, by=4.0))]
    tree = SamplingTree(nodes)
    assert tree[0:3].tolist() == [10.0] * 3
    assert pickle.loads(pickle.dumps(tree))[2] == 10.0
    assert pickle.loads(pickle.dumps(plus)) is plus


def test_a_function_of_columns_may_want_a_store() -> None:
    @batched
    def stored(_: Any, params: Any, *, rng: Rng, n: int) -> Any:
        return rng.random(n) + params["a"].value

    tree = SamplingTree([TransformNode(stored, Parameter("a", abrupt(2.0, 5.0, at=3)), "dict")])
    assert np.floor(tree.read(6)).tolist() == [2, 2, 2, 5, 5, 5]


def test_parameters_by_row_have_one_shape() -> None:
    @batched(per_row="v")
    def f(_: Any, v: Any, *, rng: Rng, n: int) -> Any:
        return v

    with pytest.raises(
        hr.DataError, match=r"node 'f' got values of the shapes \[\(2,\), \(3,\)\] for its parameter 'v'"
    ):
        SamplingTree([f], {"v": abrupt([1, 2], [1, 2, 3], at=5)}).read(10)
