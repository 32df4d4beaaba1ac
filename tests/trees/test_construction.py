"""What is found wrong before the first sample, by node and parameter; merges without copies; balance; labels."""

from __future__ import annotations

import pickle
import tracemalloc
from collections import namedtuple
from functools import partial
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.trees import (
    BranchingNode,
    ClassLabelNode,
    LabelDecoder,
    LabelEncoder,
    MultiLabelDecoder,
    MultiLabelEncoder,
    Parameter,
    ParameterStore,
    SampleBufferNode,
    SamplingTree,
    TransformNode,
    abrupt,
    add_label,
    construct_tree,
    noop,
    operate_on_index,
    operate_on_key,
)
from support.counts import heavy
from trees import wave


def scaled(signal: Any, height: float, length: int = 3) -> Any:
    return signal


async def later(_: Any) -> int:
    return 1


class Nameless:
    def __call__(self, x: Any) -> Any:
        return x


def two(name: str | None = None, **more: Any) -> dict[str, Any]:
    return {**({} if name is None else {"name": name}), "a": "a", "b": "b", **more}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: SamplingTree([scaled], {"scaled": {"heigth": 1}}), r"node 'scaled' .* 'heigth'(.|\n)*Did you mean 'height'"),
        (lambda: SamplingTree([scaled]), r"node 'scaled' got no value for the parameter 'height'"),
        (lambda: SamplingTree([scaled], {"height": 1, "depth": 2}), r"parameter 'depth', which none of its nodes uses"),
        (lambda: SamplingTree([scaled], {"height": 1, "scaledd": {"x": 2}}), r"'scaledd.x'(.|\n)*Did you mean 'scaled'"),
        (lambda: SamplingTree([lambda: 3]), r"node '<lambda>' .* wanted one with a first argument"),
        (lambda: SamplingTree([noop, two(probs=[0.5, 0.6])]), r"branching 'branching_node' got probs=\[0.5, 0.6\], which sum"),
        (lambda: SamplingTree([noop, two("coin", probs=[1.0])]), r"branching 'coin' .* wanted 2 numbers"),
        (lambda: SamplingTree([noop, two("coin", probs=[1.5, -0.5])]), r"branching 'coin' .* at least 0"),
        (lambda: SamplingTree([noop, two("coin", probs="ab")]), r"branching 'coin' .* wanted 2 numbers"),
        (lambda: SamplingTree([noop, two("coin", probs=[0.5, float("nan")])]), r"branching 'coin' .* at least 0"),
        (
            lambda: SamplingTree([noop, two("coin")], {"coin": {"p": {"schedule": [[0.5, 0.5], [0.5, 0.1]]}}}),
            r"branching 'coin' got p=\[0.5, 0.1\]",
        ),
        (lambda: SamplingTree([noop, two("coin", probs=abrupt([1, 0], [1, 1], at=5))]), r"branching 'coin' .* sum to 2"),
        (lambda: SamplingTree([noop, two("coin")], {"coin": {"p": [1, 0], "q": 1}}), r"branching 'coin' .*\['p', 'q'\]"),
        (lambda: SamplingTree([Nameless()]), r"no name(.|\n)*TransformNode\(transform, name='...'\)"),
        (lambda: SamplingTree([noop, two("coin"), two("coin")]), r"two branchings got the name 'coin'"),
        (
            lambda: SamplingTree(
                [
                    lambda _: 0,
                    TransformNode(scaled, Parameter("height", 1), name="s"),
                    TransformNode(scaled, Parameter("height", 2), name="s"),
                ]
            ),
            r"two nodes got the name 's' and different parameters 'height'",
        ),
        (lambda: SamplingTree([noop, two(name=["x"])]), r"a node got the name \['x'\]"),  # type: ignore[arg-type]  # what it refuses
        (lambda: SamplingTree([later]), r"which is async"),
        (lambda: SamplingTree([noop, [noop]]), r"A list in a list"),
        (lambda: SamplingTree([]), r"got no nodes"),
        (lambda: SamplingTree([noop, 3.5]), r"the float 3.5"),
        (lambda: SamplingTree([noop, {}]), r"branches {}"),
        (lambda: SamplingTree([noop], params=3), r"SamplingTree\(params=\) got 3"),
        (lambda: SamplingTree([noop], collate_func=3), r"collate_func=\) got 3"),  # type: ignore[arg-type]  # what it refuses
        (lambda: SamplingTree([noop], rng="seed"), r"a seed got 'seed'"),  # type: ignore[arg-type]  # what it refuses
        (lambda: TransformNode(3), r"TransformNode\(transform\) got 3"),  # type: ignore[arg-type]  # what it refuses
        (lambda: TransformNode(noop, {"a": 1}), r"node 'noop' got params="),  # type: ignore[arg-type]  # what it refuses
        (lambda: TransformNode(noop, None, "splat"), r"argument_strategy='splat'"),  # type: ignore[arg-type]  # what it refuses
        (lambda: SamplingTree([TransformNode(noop, None, "dict")]), r"node 'noop' .*'dict' and no parameters"),
        (lambda: SampleBufferNode(num_samples=0), r"num_samples=0, wanted"),
        (lambda: Parameter("a.b", 1), r"'a.b', wanted a text without a dot"),
        (lambda: Parameter("a", 1, None, "cycle"), r"'a'\) got strategy='cycle' without a schedule"),
        (lambda: Parameter("a", 1, [2], "stop"), r"'a', strategy=\) got 'stop'"),  # type: ignore[arg-type]  # what it refuses
        (lambda: Parameter("a", 1, abrupt(1, 2, at=3)), r"'a'\) got value=1 and a schedule by sample number"),
        (lambda: Parameter("a", schedule=3), r"the schedule of parameter 'a' got 3"),  # type: ignore[arg-type]  # what it refuses
        (lambda: ParameterStore(3), r"ParameterStore got 3"),  # type: ignore[arg-type]  # what it refuses
        (lambda: ParameterStore({"a": {"b": {"c": 1}}}), r"the scope 'b' inside the scope 'a'"),
        (lambda: ParameterStore({"a": {"value": 1, "sched": []}}), r"parameter 'a' got 'sched'"),
        (lambda: SamplingTree([noop]).collect(-1), r"collect\(n\) got -1"),
        (lambda: LabelEncoder(["a", "a"]), r"LabelEncoder got the classes"),
    ],
)  # fmt: skip
def test_errors_name_node_and_parameter(make: Any, told: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=told):
        make()


def test_references_in_a_circle_are_refused() -> None:
    branches: dict[str, Any] = {"a": "a"}
    branches["b"] = [noop, branches]
    with pytest.raises(hr.StreamConfigError, match="in a circle"):
        SamplingTree([noop, branches])
    node = BranchingNode({"a": "a"})
    node.branches["a"].append(node)
    with pytest.raises(hr.StreamConfigError, match="in a circle"):
        SamplingTree([node])
    first, second = TransformNode(noop), TransformNode(noop)
    second.parent = first
    with pytest.raises(hr.StreamConfigError, match="a cycle"):
        first.parent = second


def test_probabilities_of_an_iterator_are_checked_when_they_come() -> None:
    tree = SamplingTree([noop, two("coin", probs=Parameter("probs", schedule=iter([[1, 0], [1, 1]])))])
    tree.sample()
    tree.update()
    with pytest.raises(hr.StreamConfigError, match="branching 'coin'"):
        tree.sample()


def test_names_that_were_not_chosen_are_numbered() -> None:
    tree = SamplingTree(
        [lambda _: 0, TransformNode(scaled, Parameter("height", 1)), TransformNode(scaled, Parameter("height", 2)), two(), two()],
    )  # fmt: skip
    params = tree.get_params()
    assert params is not None
    assert params.get_params() == {"scaled.height": 1, "scaled_2.height": 2}
    assert set(tree.explain(0)["path"]) == {"branching_node", "branching_node_2"}


def test_a_spec_can_be_used_again() -> None:
    spec = [lambda _: 0, two("coin", seed=5, probs=[0.5, 0.5]), noop]
    first, second = SamplingTree(spec), SamplingTree(spec)
    assert first.collect(20) == second.collect(20)
    assert spec[1] == two("coin", seed=5, probs=[0.5, 0.5])


def test_a_branching_with_a_seed_of_its_own_chooses_alike_in_any_tree() -> None:
    labels = [
        [label for _, label in SamplingTree([lambda _: 0, two(seed=seed)], rng=rng).collect(64)]
        for seed, rng in ((5, 1), (5, 2), (6, 1))
    ]
    assert labels[0] == labels[1] != labels[2]


# --- merges -----------------------------------------------------------------------------------------


def chain(k: int) -> list[Any]:
    def count(x: Any) -> int:
        return (x or 0) + 1

    return [lambda _: 0, *({"name": f"m{j}", "on": count, "off": []} for j in range(k)), "end"]


def test_twenty_branchings_in_a_row_are_no_copies() -> None:
    chain(20)
    tracemalloc.start()
    tree = SamplingTree(chain(20))
    tree.sample()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 1e6
    paths = tree.get_paths()
    assert len(paths) == len(tree.root.leaves) == 2**20
    assert paths[-1].sample() == (0, "end")
    assert paths[0].sample() == (20, "end")
    lines = str(tree).splitlines()
    assert len(lines) <= 2002
    assert "cut after 2000 lines" in lines[-1]
    twin = pickle.loads(pickle.dumps(SamplingTree([abs, *({"name": f"m{j}", "a": abs, "b": []} for j in range(20))])))
    assert len(twin.root.leaves) == 2**20


def test_a_long_chain_pickles() -> None:
    tree = SamplingTree([lambda_free] * 1 + [TransformNode(noop) for _ in range(3000)])
    assert pickle.loads(pickle.dumps(tree)).sample() == 1


def lambda_free(_: Any) -> int:
    return 1


def test_branches_are_taken_as_often_as_they_should() -> None:
    """Counts of 3 branches over a few seeds against binomial bounds of 5 standard errors (1 in 1.7 million each)."""
    n = heavy(100_000)
    for seed in range(5):
        tree = SamplingTree([lambda _: 0, {"a": "a", "b": "b", "c": "c", "probs": [0.7, 0.0, 0.3]}], rng=seed)
        labels = [label for _, label in tree.collect(n)]
        assert labels.count("b") == 0
        assert abs(labels.count("a") - 0.7 * n) < 5 * np.sqrt(0.21 * n)
        even = SamplingTree([lambda _: 0, {k: str(k) for k in range(4)}], rng=seed).collect(n)
        for k in range(4):
            assert abs([label for _, label in even].count(str(k)) - n / 4) < 5 * np.sqrt(n * 3 / 16)


def test_choices_in_a_row_are_independent() -> None:
    """4 outcomes of 2 branchings, 5 standard errors each."""
    n = heavy(100_000)
    tree = SamplingTree([lambda _: 0, two("x"), two("y")], rng=3)
    pairs = [(x, y) for (_, x), y in tree.collect(n)]
    for pair in {(x, y) for x in "ab" for y in "ab"}:
        assert abs(pairs.count(pair) - n / 4) < 5 * np.sqrt(n * 3 / 16)


# --- balance ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [wave.waves, wave.mixed])
def test_balanced_collection_repeats_nothing_but_with_the_seed(make: Any) -> None:
    n = heavy(10_000) // 3 + 1
    tree = make()
    first, second = tree.collect(n, "balanced"), tree.collect(n, "balanced")
    assert [label for _, label in first] == ["background"] * n + ["ramp"] * n + ["step"] * n
    seen = {np.asarray(x).tobytes() for x, _ in first + second}
    assert len(seen) == 6 * n
    again = make().collect(n, "balanced")
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(first, again, strict=True))
    other = make(rng=7).collect(n, "balanced")
    assert not {np.asarray(x).tobytes() for x, _ in other} & seen
    assert tree.position == 6 * n


# --- labels -----------------------------------------------------------------------------------------


def test_encoders() -> None:
    encode, decode = LabelEncoder(["x", "y"]), LabelDecoder(["x", "y"])
    assert encode("y").dtype == np.int64
    assert encode("y").shape == ()
    assert decode(encode("y")) == "y"
    with pytest.raises(hr.DataError, match="got the label 'z', wanted one of"):
        encode("z")
    many, back = MultiLabelEncoder(["x", "y"]), MultiLabelDecoder(["x", "y"])
    assert many([]).dtype == np.float32
    assert back(many({"y"})) == ["y"]
    tree = SamplingTree([lambda _: "y", encode])
    assert tree.read(2).tolist() == [1, 1]


def test_sets_of_labels_become_vectors() -> None:
    encode = MultiLabelEncoder(["dot", "ring"])
    tree = SamplingTree(
        [
            lambda _: (0.0, frozenset()),
            {"name": "first", "yes": "dot", "no": [], "probs": [0.5, 0.5]},
            {"name": "second", "yes": "ring", "no": [], "probs": [0.5, 0.5]},
            operate_on_index(1)(encode),
        ],
        string_node=partial(ClassLabelNode, label_func=add_label),
    )
    _, y = tree.read(200)
    assert y.shape == (200, 2)
    assert {tuple(row) for row in y.tolist()} == {(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)}


Pair = namedtuple("Pair", "x y")  # the kind that users pass


def test_operating_on_a_part() -> None:
    def double(x: Any, by: int = 2, *, rng: Any) -> Any:
        assert rng is not None
        return by * x

    on_first = operate_on_index(0)(double)
    assert on_first(Pair(1, 2), rng=1) == Pair(2, 2)
    assert on_first([1, 2], by=3, rng=1) == [3, 2]
    assert on_first((1, 2), rng=1) == (2, 2)
    given = np.array([1, 2])
    assert on_first(given, rng=1).tolist() == [2, 2]
    assert given.tolist() == [1, 2]
    sample = {"input": 1, "y": 2}
    assert operate_on_key()(double)(sample, rng=1) == {"input": 2, "y": 2}
    tree = SamplingTree([lambda _: (1, "x"), on_first], {"by": 5})
    assert tree.sample() == (5, "x")


def test_a_row_of_labels_of_numbers() -> None:
    _, y = SamplingTree([lambda _: 0, {"a": 0, "b": 1}]).read(50)
    assert set(y.tolist()) == {0, 1}
    assert construct_tree([noop, 3])[1].name == "label=3"
