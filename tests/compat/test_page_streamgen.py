"""What StreamGen documents, in our own words: each feature as its pages show it, run through the door."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any, get_args

import numpy as np
import pytest

import headrace as hr
from headrace.compat.streamgen.enums import (
    ArgumentPassingStrategy,
    ParameterOutOfRangeStrategy,
    SamplingStrategy,
    SamplingStrategyLit,
)
from headrace.compat.streamgen.exceptions import ParameterOutOfRangeError
from headrace.compat.streamgen.nodes import ClassLabelNode, SampleBufferNode, TransformNode, Traverse, contains_kwarg
from headrace.compat.streamgen.parameter import Parameter, is_parameter
from headrace.compat.streamgen.parameter.store import ParameterStore
from headrace.compat.streamgen.samplers import Sampler
from headrace.compat.streamgen.samplers.tree import BranchingNode, SamplingTree, construct_tree
from headrace.compat.streamgen.transforms import MultiLabelEncoder, noop, operate_on_index
from headrace.errors import HeadraceWarning, ResumeError
from support.require import require

rng = np.random.default_rng(42)  # as on the page: functions draw from a generator of their module


def background(signal: Any, signal_length: int = 256, offset: float = 0.0, strength: float = 0.1) -> Any:
    return rng.normal(offset, strength, signal_length)


def ramp(signal: Any, length: int, height: float = 1.0) -> Any:
    start = int(rng.integers(len(signal) - length))
    made = np.array(signal)
    made[start : start + length] += np.linspace(0.0, height, length)
    return made


def step(signal: Any, length: int, kernel_size: int = 10) -> Any:
    start = int(rng.integers(len(signal) - length))
    made = np.zeros(len(signal))
    made[start : start + length] = 1.0
    return signal + np.convolve(made, np.ones(kernel_size) / kernel_size, mode="same")


def spec() -> list[Any]:
    return [background, {"background": "background", "ramp": [ramp, "ramp"], "step": [step, "step"]}]


def drifting() -> dict[str, Any]:
    return {
        "background": {
            "offset": {"schedule": [0.0, 0.2, 0.5]},
            "strength": {"value": 0.1, "schedule": [0.2, 0.4]},
        },
        "branching_node": {"probs": {"value": [0.5, 0.5, 0.0], "schedule": [[0.1, 0.9, 0.0], [0.0, 0.1, 0.9]]}},
        "ramp": {"height": {"value": 1.0, "schedule": [1.25, 1.5]}, "length": {"value": 128, "schedule": [64, 32]}},
        "step": {"length": 128, "kernel_size": 10},
    }


# --- the page ---------------------------------------------------------------------------------------


def test_the_page_runs_as_printed() -> None:
    tree = SamplingTree(spec(), {"length": 128})
    signal, label = tree.sample()
    assert signal.shape == (256,)
    assert label in {"background", "ramp", "step"}
    assert isinstance(tree, Sampler)
    assert iter(tree) is tree
    assert len(next(tree)) == 2
    assert len(tree.collect(16)) == 16


def test_a_tree_that_draws_from_a_generator_of_its_module_says_that_it_cannot_be_replayed() -> None:
    tree = SamplingTree(spec(), {"length": 128})
    told = str(hr.describe(tree.__recipe__()))
    assert "background draws from the generator 'rng' of its module" in told
    assert "cannot be replayed" in told
    with pytest.raises(hr.AddressError):
        tree[3]
    cursor = tree.open()
    next(cursor)
    with pytest.raises(ResumeError, match="Give these functions a parameter rng"):
        cursor.state()


def test_the_tree_prints_as_documented() -> None:
    assert str(SamplingTree(spec(), {"length": 128})) == (
        "🌳\n"
        "➡️ `background()`\n"
        "╰── 🪴 `branching_node()`\n"
        "    ├── 🏷️ `background`\n"
        "    ├── ➡️ `ramp(length=128)`\n"
        "    │   ╰── 🏷️ `ramp`\n"
        "    ╰── ➡️ `step(length=128)`\n"
        "        ╰── 🏷️ `step`\n"
    )


def test_parameters_print_sorted_by_name() -> None:
    node = TransformNode(noop, ParameterStore([Parameter("b", 2), Parameter("a", 1)]))
    assert str(node) == "➡️ `noop(a=1, b=2)`"
    assert repr(Parameter("x", 5)) == "x=5"
    store = ParameterStore({"var2": 0.0, "var1": 1})
    assert str(store) == "{'var1': 1, 'var2': 0.0}"
    assert repr(store) == "(var1=1, var2=0.0)"


def test_covariate_prior_and_concept_shift() -> None:
    tree = SamplingTree(spec(), drifting())
    seen, strengths = [], []
    for _ in range(3):
        experience = tree.collect(60)
        seen.append({label for _, label in experience})
        strengths.append(tree.nodes[0].params["strength"].value)  # type: ignore[index]
        tree.update()
    assert "step" not in seen[0]
    assert "background" not in seen[2]
    assert "step" in seen[2]
    assert strengths == [0.1, 0.2, 0.4]
    tree.set_update_step(0)
    assert tree.nodes[1].probs.value == [0.5, 0.5, 0.0]  # type: ignore[attr-defined]
    assert {label for _, label in tree.collect(60)} == {"background", "ramp"}


def test_collate_transposes_samples() -> None:
    X, y = SamplingTree(spec(), {"length": 128}, collate_func=np.array).collect(12)
    assert X.shape == (12, 256)
    assert y.shape == (12,)
    assert SamplingTree(spec(), {"length": 128}, collate_func=np.array).collect(0) == ()


def test_an_unlabelled_array_is_not_transposed() -> None:
    X = SamplingTree([background], collate_func=np.array).collect(5)
    assert X.shape == (5, 256)


@pytest.mark.parametrize("strategy", ["balanced", SamplingStrategy.BALANCED])
def test_balanced_collects_so_many_of_each_path(strategy: Any) -> None:
    labels = [label for _, label in SamplingTree(spec(), {"length": 128}).collect(10, strategy=strategy)]
    assert labels == ["background"] * 10 + ["ramp"] * 10 + ["step"] * 10


def test_balanced_pruned_leaves_out_what_cannot_come() -> None:
    tree = SamplingTree(spec(), drifting())
    assert [label for _, label in tree.collect(2, "balanced pruned")] == ["background"] * 2 + ["ramp"] * 2
    assert len(SamplingTree(spec(), {"length": 128}).collect(2, "balanced pruned")) == 6


def test_an_unknown_strategy_is_refused_by_name() -> None:
    with pytest.raises(hr.StreamConfigError, match="got 'fair', wanted one of 'stochastic', 'balanced'"):
        SamplingTree(spec(), {"length": 128}).collect(2, "fair")  # type: ignore[arg-type]  # what it refuses


def test_paths() -> None:
    paths = SamplingTree(spec(), {"length": 128}).get_paths()
    assert [len(path.nodes) for path in paths] == [2, 3, 3]
    assert [path.sample()[1] for path in paths] == ["background", "ramp", "step"]
    assert [len(path.nodes) for path in SamplingTree(spec(), drifting()).get_paths(prune=True)] == [2, 3]


# --- parameters -------------------------------------------------------------------------------------


def test_schedules() -> None:
    x = Parameter("x", 5, [1, 2], "cycle")
    assert [x.value, *(x.update() for _ in range(4))] == [5, 1, 2, 1, 2]
    x = Parameter("x", schedule=[1, 2], strategy="cycle")
    assert [x.value, *(x.update() for _ in range(3))] == [1, 2, 1, 2]
    x = Parameter("x", schedule=np.arange(4).reshape(2, 2))
    assert x.value.tolist() == [0, 1]
    assert x.update().tolist() == [2, 3]
    assert x.update().tolist() == [2, 3], "hold"
    x = Parameter("x", 1, [2], "raise exception")
    x.update()
    with pytest.raises(ParameterOutOfRangeError):
        x.update()
    assert Parameter("x", 3).update() == 3


def test_moving_to_a_step_and_on() -> None:
    x = Parameter("x", 0, [1, 2, 3])
    assert (x[2], x.update(), x[0], x.update(), x[-4]) == (2, 3, 0, 1, 0)
    with pytest.raises(ParameterOutOfRangeError):
        Parameter("x", 0, [1], "raise exception")[2]


def test_a_schedule_can_be_looked_at_without_moving() -> None:
    x = Parameter("x", 0, [1, 2])
    assert list(x.schedule or ()) == [1, 2]
    assert x.update() == 1
    assert list(x.schedule or ()) == [2]
    assert Parameter("x", 0).schedule is None


def squares() -> Iterator[int]:
    k = 0
    while True:
        yield k * k
        k += 1


def test_generators_and_counts_are_schedules() -> None:
    from itertools import count, cycle

    for schedule, expected in ((squares(), [0, 1, 4, 9]), (count(0, 3), [0, 3, 6, 9]), (cycle([0, 7]), [0, 7, 0, 7])):
        x = Parameter("x", schedule=schedule)
        assert [x.value, *(x.update() for _ in range(3))] == expected
        assert (x[1], x[0], x[3]) == (expected[1], expected[0], expected[3])


def test_stores() -> None:
    given = {"a": 1, "s": {"b": {"name": "ignored", "value": 2, "schedule": [3]}, "c": 4}}
    store = ParameterStore(given)
    assert store.parameter_names == {"a", "s.b", "s.c"}
    assert store.scopes == {"s"}
    assert store["s.b"].value == 2
    assert store.update() == {"a": 1, "s.b": 3, "s.c": 4}
    store.set_update_step(0)
    assert store["s.b"].value == 2
    assert given["s"] == {"b": {"name": "ignored", "value": 2, "schedule": [3]}, "c": 4}, "a spec is never changed"
    store["t.d"] = 5
    assert store.scopes == {"s", "t"}
    scope = store.get_scope("s")
    assert scope is not None
    assert scope["b"] is store["s.b"]
    assert store.get_scope("nowhere") is None
    with pytest.raises(KeyError):
        store["s.z"]
    assert ParameterStore().parameters == {}
    assert (ParameterStore([]).scopes, ParameterStore(None).parameter_names) == (set(), set())
    assert is_parameter({"value": 1})
    assert not is_parameter({"b": 1})


def test_stores_merge_in_place_and_the_other_wins() -> None:
    a = ParameterStore({"x": 1, "s": {"y": 2}})
    b = ParameterStore({"x": 3, "s": {"z": 4}})
    assert (a | b) is a
    assert a.get_params() == {"s.y": 2, "s.z": 4, "x": 3}
    assert (Parameter("p", 1) | Parameter("q", 2)).get_params() == {"p": 1, "q": 2}


def test_stores_and_tables() -> None:
    pandas = require("pandas")
    store = ParameterStore({"a": {"schedule": [1, 2]}, "n": {"probs": {"schedule": [[0.5, 0.5], [0.1, 0.9]]}}})
    table = store.to_dataframe(1)
    assert table["a"].tolist() == [1, 2]
    assert store["a"].value == 2, "the store is left advanced"
    again = ParameterStore.from_dataframe(pandas.DataFrame(table))
    assert again["n.probs"].value == [0.5, 0.5]
    assert again.update() == {"a": 2, "n.probs": [0.1, 0.9]}
    tree = SamplingTree([lambda _, a: a, {"name": "n", "x": "x", "y": "y"}], table)
    assert tree.params["a"].value == 1


def test_update_goes_through_the_parameters_own_method_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    update = Parameter.update

    def counted(self: Parameter) -> Any:
        called.append(self.name)
        return update(self)

    monkeypatch.setattr(Parameter, "update", counted)
    tree = SamplingTree(spec(), {"length": {"schedule": [128, 64, 32]}, "ramp": {"height": 2.0}})
    tree.update()
    assert sorted(called) == ["height", "length"], "length is read by two nodes, and moves once"
    assert tree.params["length"] is tree.nodes[1].branches["ramp"][0].params["length"]  # type: ignore[attr-defined]


def test_the_scope_comes_before_the_top_level() -> None:
    tree = SamplingTree(spec(), {"length": 128, "ramp": {"length": 16}})
    params = tree.get_params()
    assert params is not None
    assert params.get_params() == {"ramp.length": 16, "step.length": 128}
    assert SamplingTree([noop]).get_params() is None


def test_a_parameter_that_no_node_uses_is_warned_of_in_the_door_and_refused_in_the_room() -> None:
    from headrace import trees

    with pytest.warns(HeadraceWarning, match=r"'rmap.length', which none of its nodes uses(.|\n)*Did you mean 'ramp'"):
        SamplingTree(spec(), {"length": 128, "rmap": {"length": 2}})
    with pytest.raises(hr.StreamConfigError, match="none of its nodes uses"):
        trees.SamplingTree(spec(), {"length": 128, "rmap": {"length": 2}})


def test_a_name_added_to_the_parameters_of_a_tree_is_warned_of_in_the_door_and_refused_in_the_room() -> None:
    from headrace import trees

    tree = SamplingTree(spec(), {"length": 128})
    tree.params["lenght"] = 64
    with pytest.warns(HeadraceWarning, match="'lenght', which none of its nodes uses"):
        tree.sample()
    tree = SamplingTree(spec(), {"length": 128})
    tree.params["ramp.height"] = 5.0  # one that a node has an argument for is read from then on
    assert tree.get_paths()[1].nodes[1].params["height"].value == 5.0  # type: ignore[index]
    with pytest.raises(hr.StreamConfigError, match=r"ParameterStore\['lenght'\] got (.|\n)*Did you mean 'length'"):
        trees.SamplingTree(spec(), {"length": 128}).params["lenght"] = 64


# --- nodes ------------------------------------------------------------------------------------------


def test_traversing_by_hand() -> None:
    first, second = TransformNode(noop), TransformNode(lambda x, a: x + a, Parameter("a", 2))
    second.parent = first
    assert first.traverse(1, rng) == (1, second)
    assert second.traverse(1, rng) == (3, None)
    assert isinstance(first, Traverse)
    assert first.children == (second,)
    assert second.ancestors == (first,)
    assert second.root is first
    assert SamplingTree([lambda _: 1, first]).sample() == 3, "what hangs behind a node by hand comes behind it"


def test_arguments_as_a_store() -> None:
    def f(x: Any, params: Any, *, rng: Any) -> Any:
        return params["a"].value + rng.random() * 0

    node = TransformNode(f, Parameter("a", 1, [5]), argument_strategy="dict")
    tree = SamplingTree([node])
    assert tree.sample() == 1
    tree.update()
    assert tree.sample() == 5


def test_labels_nest_and_their_function_can_be_chosen() -> None:
    assert SamplingTree([lambda _: 1, "a", "b"]).sample() == ((1, "a"), "b")

    def listed(sample: Any, label: Any) -> Any:
        return sample[0], [*sample[1], label]

    tree = SamplingTree(
        [
            lambda _: (0, []),
            {"name": "first", "yes": "scratch", "no": [], "probs": [1.0, 0.0]},
            {"name": "second", "yes": "dot", "no": noop, "probs": [0.0, 1.0]},
            operate_on_index(1)(MultiLabelEncoder(["scratch", "dot"])),
        ],
        string_node=partial(ClassLabelNode, label_func=listed),
    )
    value, labels = tree.sample()
    assert value == 0
    assert labels.tolist() == [1.0, 0.0]


def test_a_buffer_fills_wherever_it_stands() -> None:
    buffer = SampleBufferNode(num_samples=3)
    tree = SamplingTree([lambda _: 1, {"a": "a", "b": "b"}, buffer])
    tree.collect(2, "balanced")
    assert list(buffer.samples) == [(1, "a"), (1, "b"), (1, "b")]


def test_construction_rules() -> None:
    given = {"name": "which", "seed": 3, "probs": [0.5, 0.5], "a": [noop, "a"], "b": "b"}
    nodes = construct_tree([noop, given, noop])
    assert [type(node) for node in nodes] == [TransformNode, type(nodes[1]), TransformNode]
    assert nodes[1].name == "which"
    assert nodes[1].probs.value == [0.5, 0.5]  # type: ignore[attr-defined]
    assert set(given) == {"name", "seed", "probs", "a", "b"}, "a spec is never changed"
    assert len(nodes[0].leaves) == 2
    assert set(nodes[0].leaves) == {nodes[2]}, "merged by reference"
    assert construct_tree(noop)[0].name == "noop"
    assert construct_tree("label")[0].name == "label=label"
    assert contains_kwarg(lambda x, *, rng: x, "rng")
    branching = BranchingNode({"a": "a"}, seed=1)
    assert (branching.name, branching.probs) == ("branching_node", None)


# --- the door ---------------------------------------------------------------------------------------

NAMES = {
    "enums": "ParameterOutOfRangeStrategy ArgumentPassingStrategy SamplingStrategy ParameterOutOfRangeStrategyLit "
    "ArgumentPassingStrategyLit SamplingStrategyLit",
    "exceptions": "ParameterOutOfRangeError",
    "parameter": "Parameter ParameterDict ScopedParameterDict is_parameter ParameterOutOfRangeError "
    "ParameterOutOfRangeStrategy ParameterStore",
    "parameter.store": "ParameterStore Parameter is_parameter",
    "nodes": "TransformNode ClassLabelNode SampleBufferNode Traverse contains_kwarg ArgumentPassingStrategy Parameter "
    "ParameterStore noop",
    "samplers": "Sampler",
    "samplers.tree": "SamplingTree BranchingNode construct_tree ClassLabelNode Parameter ParameterStore SampleBufferNode "
    "Sampler SamplingStrategy TransformNode noop",
    "transforms": "LabelEncoder LabelDecoder MultiLabelEncoder MultiLabelDecoder noop set_value_in_dict operate_on_key "
    "operate_on_index",
    "visualizations": "plot plot_parameter Parameter ParameterStore SamplingTree",
}


@pytest.mark.parametrize("module", NAMES)
def test_every_module_has_its_names(module: str) -> None:
    import headrace.compat.streamgen as streamgen

    found: Any = streamgen
    for part in module.split("."):
        found = getattr(found, part)
    assert importlib.import_module(f"headrace.compat.streamgen.{module}") is found
    assert set(NAMES[module].split()) <= set(found.__all__)
    assert all(hasattr(found, name) for name in found.__all__)
    for name in NAMES[module].split():  # wherever it stands, it is one thing
        mine = [n for n, told in NAMES.items() if name in told.split()]
        things = [getattr(importlib.import_module(f"headrace.compat.streamgen.{n}"), name) for n in mine]
        assert all(thing is things[0] for thing in things)


def test_strategies_equal_their_strings() -> None:
    assert [kind.value for kind in ParameterOutOfRangeStrategy] == ["hold", "cycle", "raise exception"]
    assert str(SamplingStrategy.BALANCED_PRUNED) == "balanced pruned"
    assert ArgumentPassingStrategy("dict") is ArgumentPassingStrategy.DICT
    assert set(get_args(SamplingStrategyLit)) == set(SamplingStrategy)
    assert issubclass(ParameterOutOfRangeError, RuntimeError)


def test_argument_orders_and_defaults() -> None:
    def told(thing: Any) -> list[tuple[str, Any]]:
        return [(p.name, p.default) for p in inspect.signature(thing).parameters.values() if p.name not in ("self",)]

    empty = inspect.Parameter.empty
    assert told(Parameter) == [("name", "param"), ("value", None), ("schedule", None), ("strategy", "hold")]
    assert told(TransformNode)[:5] == [
        ("transform", empty), ("params", None), ("argument_strategy", "unpack"), ("name", None), ("emoji", "➡️")
    ]  # fmt: skip
    assert [name for name, _ in told(ClassLabelNode)] == ["label", "label_func"]
    assert told(SampleBufferNode) == [("name", None), ("num_samples", 4)]
    assert told(BranchingNode) == [
        ("branches", empty), ("probs", None), ("name", None), ("seed", 42), ("string_node", ClassLabelNode)
    ]  # fmt: skip
    assert told(construct_tree) == [("nodes", empty), ("string_node", ClassLabelNode)]
    assert told(SamplingTree) == [
        ("nodes", empty), ("params", None), ("collate_func", None), ("string_node", ClassLabelNode), ("rng", 42)
    ]  # fmt: skip
    assert told(SamplingTree.collect)[:2] == [("num_samples", empty), ("strategy", "stochastic")]
    assert told(SamplingTree.get_paths) == [("prune", False)]
    assert told(SamplingTree.set_update_step) == [("idx", empty)]
    assert told(ParameterStore.to_dataframe) == [("number_of_update_steps", 0)]
    assert told(ParameterStore) == [("parameters", None)]


def test_the_seed_of_a_branching_has_no_effect_in_the_door() -> None:
    one, other = (SamplingTree([lambda _: 0, BranchingNode({"a": "a", "b": "b"}, seed=k)]).collect(50) for k in (1, 2))
    assert one == other


def test_trees_built_alike_draw_alike() -> None:
    def noise(_: Any, *, rng: Any) -> Any:
        return rng.normal(size=3)

    first, second = (SamplingTree([noise, {"a": "a", "b": "b"}], collate_func=np.array) for _ in range(2))
    assert np.array_equal(first.collect(5)[0], second.collect(5)[0])
    assert not np.array_equal(first.collect(5)[0], first.collect(5)[0])


def test_nested_merges_and_nodes_in_a_row_behind_them() -> None:
    def one(x: int) -> int:
        return x + 1

    inner = {"name": "inner", "c": one, "d": []}
    tree = SamplingTree([lambda _: 0, {"name": "outer", "a": [inner, one], "b": "b"}, noop, noop, "end"])
    assert len(tree.root.leaves) == 3
    assert sorted(map(str, {path.sample() for path in tree.get_paths()})) == [
        "((0, 'b'), 'end')",
        "(1, 'end')",
        "(2, 'end')",
    ]
    assert [len(path.nodes) for path in tree.get_paths()] == [6, 6, 5]
    lines = str(tree).splitlines()
    assert sum("`end`" in line for line in lines) == 3
    assert tree.nodes[1].probs is None  # type: ignore[attr-defined]  # it is the branching
    assert [type(node) for node in tree.nodes[2:]] == [TransformNode, TransformNode, ClassLabelNode]
