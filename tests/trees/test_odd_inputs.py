"""What people hand over besides what is documented: taken where its meaning is plain, refused by name where it is not."""

from __future__ import annotations

import copy
import pickle
import threading
from functools import partial
from itertools import count
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.trees import (
    BranchingNode,
    ClassLabelNode,
    Parameter,
    ParameterStore,
    SampleBufferNode,
    SamplingTree,
    TransformNode,
    abrupt,
    batched,
    construct_tree,
    noop,
    stepwise,
)
from support.require import require


def zero(_: Any) -> int:
    return 0


def value(_: Any, a: Any) -> Any:
    return a


def drawn(_: Any, *, rng: Any) -> float:
    return float(rng.random())


def named(x: Any, **more: Any) -> dict[str, Any]:
    return more


@pytest.mark.parametrize(
    "probs",
    [
        (0.0, 1.0),
        np.array([0.0, 1.0]),
        np.array([0, 1], np.float32),
        {"a": 0.0, "b": 1.0},
        {"b": 1, "a": 0},
        {"value": [0, 1], "schedule": [[1, 0]]},
        Parameter("p", [0, 1]),
        abrupt([0, 1], [1, 0], at=100),
        stepwise([[0, 1]]),
    ],
    ids=repr,
)
def test_probabilities_in_any_form(probs: Any) -> None:
    assert SamplingTree([zero, {"a": "a", "b": "b", "probs": probs}]).collect(5) == [(0, "b")] * 5


def test_probabilities_by_a_dict_of_other_branches_are_refused() -> None:
    with pytest.raises(hr.StreamConfigError, match=r"branching 'coin' got probs=(.|\n)*for each of \['a', 'b'\]"):
        SamplingTree([zero, {"name": "coin", "a": "a", "b": "b", "probs": {"a": 0.5, "c": 0.5}}])


def test_labels_and_nodes_in_any_form() -> None:
    assert SamplingTree((zero, "a")).sample() == (0, "a")
    assert SamplingTree([zero, {"x": (noop, "a")}]).sample() == (0, "a")
    assert SamplingTree("a").sample() == (None, "a")
    assert SamplingTree({"a": "a"}).sample() == (None, "a")
    assert SamplingTree([zero, {0: np.int64(5)}]).sample() == (0, 5)
    assert type(SamplingTree([zero, np.int32(5)]).sample()[1]) is int
    assert SamplingTree([zero, {(1, 2): [], None: []}]).sample() == 0
    assert SamplingTree([zero, {"a": []}]).collect(2) == [0, 0]
    assert SamplingTree([zero, str]).sample() == "0"
    assert SamplingTree([zero, np.sqrt]).sample() == 0.0
    assert SamplingTree([lambda _: [3], len]).sample() == 1
    assert SampleBufferNode(num_samples=np.int64(2)).num_samples == 2
    for wrong, hint in ((None, r"is \[\]"), (True, "a text or an integer"), (["a"], "put its nodes in the outer one")):
        with pytest.raises(hr.StreamConfigError, match=hint):
            SamplingTree([zero, wrong])


def test_functions_in_any_form() -> None:
    class Adds:
        def __init__(self) -> None:
            self.__name__ = "adds"

        def __call__(self, x: Any, k: int = 1) -> Any:
            return x + k

        def method(self, x: Any, k: int = 1) -> Any:
            return x + 10 * k

    assert SamplingTree([zero, Adds()], {"adds": {"k": 5}}).sample() == 5
    assert SamplingTree([zero, Adds().method], {"method": {"k": 5}}).sample() == 50
    assert SamplingTree([zero, TransformNode(Adds(), name="plus")], {"plus": {"k": 2}}).sample() == 2
    assert SamplingTree([zero, partial(value, a=3)]).sample() == 3
    assert SamplingTree([zero, partial(value)], {"value": {"a": 4}}).sample() == 4
    assert SamplingTree([zero, lambda x, /, k: k], {"k": 2}).sample() == 2
    assert SamplingTree([zero, named], {"named": {"p": 2, "q": 3}}).sample() == {"p": 2, "q": 3}


def test_parameters_in_any_form() -> None:
    for params in (
        {"a": 3},
        [Parameter("a", 3)],
        Parameter("a", 3),
        ParameterStore([Parameter("a", 3)]),
        {"value": {"a": 3}},
    ):
        assert SamplingTree([value], params).sample() == 3
    assert np.isnan(SamplingTree([value], {"a": float("nan")}).collect(2)).all()
    with pytest.raises(hr.StreamConfigError, match="a list of Parameters"):
        SamplingTree([value], [3])
    with pytest.raises(hr.StreamConfigError, match="two parameters named 'a'"):
        ParameterStore([Parameter("a", 1), Parameter("a", 2)])
    with pytest.raises(hr.StreamConfigError, match=r"a scope is a dict of its own"):
        ParameterStore({"s.a": 1})


def test_schedules_in_any_form() -> None:
    assert [Parameter("a", schedule=lambda k: k * k)[k] for k in (0, 3, 10**6)] == [0, 9, 10**12]
    x = Parameter("a", 100, lambda k: k * k)
    assert [x.value, x.update(), x.update(), x[0], x[5]] == [100, 1, 4, 100, 25]
    pandas = require("pandas")
    table = pandas.DataFrame({"x": [0.5, 0.1], "y": [0.5, 0.9]})
    assert Parameter("p", schedule=table).update().tolist() == [0.1, 0.9]
    assert stepwise(table).at(1).tolist() == [0.1, 0.9]
    assert Parameter("p", schedule=table["x"]).update() == 0.1
    for wrong in ({0: 1, 10: 2}, {1, 2}, np.array(3), 3):
        with pytest.raises(hr.StreamConfigError, match="the schedule of parameter 'a' got"):
            Parameter("a", schedule=wrong)  # type: ignore[arg-type]  # what it refuses
    with pytest.raises(hr.StreamConfigError, match="in an order"):
        stepwise({1, 2})
    coming = Parameter("a", schedule=[1, 2, 3]).schedule
    assert list(copy.deepcopy(coming) or ()) == list(coming or ()) == [2, 3]
    with pytest.raises(TypeError, match="would move it"):
        list(Parameter("a", schedule=[1, 2, 3]))


def test_steps_in_any_form() -> None:
    tree = SamplingTree([value], {"a": {"schedule": [1, 2, 3]}})
    for step, due in ((10**30, 3), (-5, 1), (np.int64(2), 3), (np.uint8(1), 2), (0, 1)):
        tree.set_update_step(step)
        assert (tree.sample(), tree.step) == (due, max(0, int(step)))
    for act in (
        tree.set_update_step,
        tree.params.set_update_step,
        tree.nodes[0].set_update_step,
        tree.params["a"].__getitem__,
    ):
        for wrong in (1.5, "1", None):
            with pytest.raises(hr.StreamConfigError, match="wanted a whole number of updates"):
                act(wrong)  # type: ignore[arg-type,index]  # what it refuses
    far = SamplingTree([value], {"a": {"schedule": count(0, 3)}})
    far.set_update_step(10**30)
    assert far.sample() == 3 * 10**30


def test_numbers_of_samples_in_any_form() -> None:
    tree = SamplingTree([drawn])
    assert tree[np.int64(3)] == tree[3]
    assert tree.explain(np.int64(3))["index"] == 3
    assert tree.collect(np.int64(2)) == [tree[0], tree[1]]
    assert tree.read(0).shape == (0,)
    assert len(tree.read(0, records=True)[1].to_dataframe()) == 0
    for wrong in (-1, 2**62, 1.5, True, "3"):
        with pytest.raises(hr.AddressError):
            tree.explain(wrong)  # type: ignore[arg-type]  # what it refuses
    for wrong in (-1, 2**62, 1.5, True, "x"):
        with pytest.raises(hr.StreamConfigError):
            tree.seek(wrong)  # type: ignore[arg-type]  # what it refuses
    with pytest.raises(hr.AddressError):
        tree.concepts(-5, 2)
    tree.seek(2**62 - 1)
    assert tree.sample() == tree[2**62 - 1]


def test_names_of_stores_in_any_form() -> None:
    store = ParameterStore({"a": {"schedule": [1, 2, 3]}, "s": {"x": 1}})
    for missing in ("b", "a.1", "s", "s.y", 3):
        with pytest.raises(KeyError):
            store[missing]  # type: ignore[index]  # what it refuses
    assert store["a"].value == 1, "looking for 'a.1' has not moved it"
    with pytest.raises(hr.StreamConfigError, match="the scope 'a', which is a parameter"):
        store["a.b"] = 3
    assert (Parameter("p", 1) | ParameterStore({"q": 2})).get_params() == {"p": 1, "q": 2}
    with pytest.raises(TypeError):
        store | 3  # type: ignore[operator]  # what it refuses


def test_a_seed_can_be_set_again() -> None:
    tree = SamplingTree([drawn])
    tree.rng = 7
    assert tree.sample() == SamplingTree([drawn], rng=7).sample()


def test_large_values_print_short() -> None:
    text = str(SamplingTree([value], {"a": np.zeros((100, 100))}))
    assert "a=<float64 of shape (100, 100)>" in text
    assert len(str(SamplingTree([value], {"a": list(range(1000))})).splitlines()[1]) < 120
    assert "a=[1, 2, 3]" in str(SamplingTree([value], {"a": [1, 2, 3]}))


# --- shared and copied ------------------------------------------------------------------------------


def test_two_trees_of_one_node_are_apart() -> None:
    node = TransformNode(value)
    first, second = SamplingTree([node], {"a": 1}), SamplingTree([node], {"a": 2})
    assert (first.sample(), second.sample()) == (1, 2)
    assert first.nodes[0] is node
    spec = [value, BranchingNode({"x": "x", "y": "y"}), "z"]
    one = SamplingTree(spec, {"a": 1, "branching_node": {"probs": [1, 0]}})
    two = SamplingTree(spec, {"a": 2, "branching_node": {"probs": [0, 1]}})
    assert (one.sample(), two.sample()) == (((1, "x"), "z"), ((2, "y"), "z"))
    longer = SamplingTree([*one.nodes, "more"], {"a": 3})
    assert len(one.get_paths()[0].nodes) == 3
    assert str(one).count("more") == 0
    assert str(longer).count("more") == 2
    assert one.root.leaves[0] is one.nodes[2]


def test_two_trees_share_a_buffer_and_a_store() -> None:
    buffer = SampleBufferNode(num_samples=3)
    store = ParameterStore({"a": {"schedule": [1, 2, 3]}})
    first, second = SamplingTree([value, buffer], store), SamplingTree([value, buffer], store)
    first.sample()
    first.update()
    second.sample()
    assert list(buffer.samples) == [1, 2]
    assert (first.step, second.step) == (1, 1), "it tells what the parameters that they share are at"
    assert first.params is second.params is store


def test_nodes_of_a_users_class_stay_what_they_are_where_it_says_so() -> None:
    class Counting(TransformNode):
        shared = True
        calls = 0

        def traverse(self, input: Any, rng: Any) -> tuple[Any, Any]:
            self.calls += 1
            return super().traverse(input, rng)

    node = Counting(noop, name="counted")
    SamplingTree([zero, node]).collect(2)
    SamplingTree([zero, node, "a"]).collect(3)
    assert node.calls == 5


def test_copies_are_apart() -> None:
    tree = SamplingTree([value, {"x": "x", "y": "y"}, noop], {"a": {"schedule": iter([1, 2, 3])}})
    for twin in (copy.deepcopy(tree), pickle.loads(pickle.dumps(SamplingTree([drawn, {"x": "x"}, noop])))):
        before = tree.position
        twin.sample()
        assert tree.position == before
    twin = copy.deepcopy(tree)
    twin.update()
    assert (tree.sample()[0], twin.sample()[0]) == (1, 2)
    flat = copy.copy(tree)
    assert flat.nodes[2].before == tree.nodes[2].before
    assert len(flat.nodes[2].before) == 2
    path = tree.get_paths()[1]
    assert [len(path.get_paths()), path.get_paths()[0].sample()[1]] == [1, "y"]


def test_threads_may_look_at_one_tree() -> None:
    tree = SamplingTree([drawn, {"a": "a", "b": "b"}])
    due = [tree[i] for i in range(200)]
    wrong: list[int] = []

    def look() -> None:
        wrong.extend(i for i in range(200) if tree[i] != due[i])
        Parameter("elsewhere", 3)

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_a_parameter_of_another_tree_changes_nothing_here() -> None:
    tree = SamplingTree([drawn], rng=5)
    first = tree.__recipe__()
    Parameter("elsewhere", 3).value = 4
    assert tree.__recipe__() is first


def test_a_branching_is_nobodys_parent() -> None:
    with pytest.raises(hr.StreamConfigError, match="goes on in its branches"):
        TransformNode(noop).parent = BranchingNode({"a": "a"})


def test_many_schedules_have_a_concept_number() -> None:
    params = {f"p{k}": abrupt(0, 1, at=k + 1) for k in range(80)}
    tree = SamplingTree([lambda _, **more: sum(more.values())], {"<lambda>": params})
    concepts = tree.concepts(0, 100)
    assert len(set(concepts.tolist())) == 81
    assert len(set(concepts[80:].tolist())) == 1


# --- what goes wrong in a node ----------------------------------------------------------------------


def fails_at(number: int) -> Any:
    calls = count()

    def fragile(x: Any) -> Any:
        if next(calls) == number:
            raise KeyError("no")
        return x

    return fragile


@batched
def many(_: Any, *, rng: Any, n: int) -> Any:
    return rng.random(n)


@pytest.mark.parametrize(
    ("act", "which"),
    [
        (lambda tree: tree.collect(10), 7),
        (lambda tree: tree.read(10), 7),
        (lambda tree: [tree[i] for i in range(100, 110)], 107),
        (lambda tree: list(tree | hr.skip(50) | hr.take(10)), 57),
        (lambda tree: tree.collect(10, "balanced"), 7),
    ],
)
def test_an_error_names_node_and_sample(act: Any, which: int) -> None:
    tree = SamplingTree([drawn, TransformNode(fails_at(7), name="weak"), "a"])
    with pytest.raises(KeyError) as caught:
        act(tree)
    assert f"  in node 'weak' of the tree, sample {which}" in caught.value.__notes__
    assert tree.position == 0
    mixed = SamplingTree([many, TransformNode(fails_at(1030), name="weak"), "a"])
    with pytest.raises(KeyError) as caught:
        mixed.read(2000)
    assert "  in node 'weak' of the tree, sample 1030" in caught.value.__notes__


def test_the_end_of_a_users_iterator_is_no_end_of_the_tree() -> None:
    tree = SamplingTree([zero, lambda x: next(iter(()))])
    with pytest.raises(RuntimeError, match="your function raised StopIteration") as caught:
        list(tree | hr.take(3))
    assert "  in node '<lambda>' of the tree, sample 0" in caught.value.__notes__


def test_string_nodes_that_make_no_node_are_refused() -> None:
    with pytest.raises(hr.StreamConfigError, match="string_node"):
        construct_tree([noop, "a"], string_node=lambda label: label)
    assert construct_tree("a", string_node=ClassLabelNode)[0].name == "label=a"


def test_more_ways_than_can_be_counted_on_fingers() -> None:
    tree = SamplingTree(
        [drawn, *({"name": f"m{k}", "yes": partial(value, a=k), "no": []} for k in range(200)), "end"],
        {"m199": {"probs": abrupt([0.5, 0.5], [1, 0], at=5)}},
    )
    paths = tree.get_paths()
    assert paths[-1].sample()[1] == "end"
    assert paths[-1].nodes[0] is tree.nodes[0]
    assert len(paths[:3]) == 3
    assert tree.root.leaves[-1] is tree.nodes[-1]
    assert tree.drifts()["parameter"].tolist() == ["m199.probs"]
    assert len(tree.explain(0)["path"]) == 200
    with pytest.raises(hr.StreamConfigError, match=r"collect\(n\) got"):
        tree.collect(1, "balanced")


def test_nodes_in_several_places_and_the_kind_of_their_drift() -> None:
    shared = TransformNode(value, Parameter("a", abrupt(0, 1, at=5)), name="shared")
    everywhere = SamplingTree([zero, {"x": [shared, "x"], "y": [shared, "y"]}])
    assert everywhere.drifts()["kind"].tolist() == ["covariate"]
    twice = SamplingTree([zero, {"x": [shared, {"name": "in", "p": shared, "q": []}], "y": "y"}])
    assert twice.drifts()["kind"].tolist() == ["concept"]
