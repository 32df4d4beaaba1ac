"""What a new user gets wrong: told by name, at once, and with what to do."""

from __future__ import annotations

import gc
import pickle
import re
from collections.abc import Callable, Iterator
from itertools import chain, count, cycle, repeat
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.trees import (
    BranchingNode,
    Parameter,
    ParameterStore,
    SamplingTree,
    Schedule,
    abrupt,
    cyclic,
    drift,
    following,
    gradual,
    incremental,
    stepwise,
)
from support.counts import soaking
from support.require import require


def shown(value: object) -> str:
    """Return a test's name, the same in every process: workers that share tests compare them."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def zero(_: Any) -> int:
    return 0


def lifted(_: Any, height: Any = 0.0) -> Any:
    return height


# --- keys beside branches ---------------------------------------------------------------------------

CHANCES: list[Any] = [
    [0.5, 0.5],
    [0, 1],
    np.array([0.5, 0.5]),
    {"a": 0, "b": 1},
    {"value": [1, 0], "schedule": [[0, 1]]},
    {"schedule": [[0.5, 0.5]]},
    abrupt([1, 0], [0, 1], at=3),
    Parameter("p", [0.5, 0.5]),
]


@pytest.mark.parametrize("key", ["prob", "porbs", "Probs", "probabilities", "weights"])
@pytest.mark.parametrize("value", CHANCES, ids=shown)
def test_chances_under_a_misspelt_key_are_no_branch(key: str, value: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match=rf"'coin' got the branch '{key}' with (.|\n)*Write 'probs': "):
        SamplingTree([zero, {"name": "coin", "a": "a", "b": "b", key: value}])


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("nmae", "coin", "Write 'name': 'coin'"),
        ("Name", "coin", "Write 'name': 'coin'"),
        ("sed", 42, "Write 'seed': 42"),
        ("schedule", [[0.1, 0.9]], r"inside probs, as schedule(.|\n)*'probs': {'value': \[...\], 'schedule': "),
        ("schedul", [[0.1, 0.9]], "inside probs, as schedule"),
        ("strategy", "cycle", "inside probs, as strategy"),
    ],
)
def test_other_misspelt_keys_beside_branches(key: str, value: Any, told: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=told):
        SamplingTree([zero, {"a": "a", "b": "b", key: value}])
    with pytest.raises(hr.StreamConfigError, match=told):
        BranchingNode({"a": "a", "b": "b", key: value})


@pytest.mark.parametrize(
    "more",
    [
        {"game": "video"},
        {"same": "other"},
        {"names": "names"},
        {"speed": lifted},
        {"probe": [3]},
        {"probe": ["a", 0]},
        {"probe": [lifted, 3]},
        {"p": "p", "seek": 1, "hide": 0},
        {"prob": {"x": "x", "y": 0}},
        {"value": "v", "schedule": "s", "strategy": "greedy"},
        {"name": "coin", "names": "several"},
        {"name1": "one", "name2": "two", "seed1": 1},
        {1: "one", None: "none"},
    ],
    ids=shown,
)
def test_branches_that_are_called_much_like_it_are_branches(more: dict[Any, Any]) -> None:
    branches = SamplingTree([zero, {"a": "a", "b": "b", **more}]).nodes[1].branches  # type: ignore[attr-defined]
    assert set(branches) == {"a", "b", *more} - {"name"}


# --- schedules that are none ------------------------------------------------------------------------


def letters() -> Iterator[str]:
    yield from "abc"


@pytest.mark.parametrize("empty", [[], (), range(0), np.zeros((0, 2)), iter([]), "table"], ids=shown)
def test_a_schedule_without_values_is_refused(empty: Any) -> None:
    if isinstance(empty, str):
        empty = require("pandas").DataFrame({"x": []})
    with pytest.raises(hr.StreamConfigError, match="the schedule of parameter 'x' got no values"):
        Parameter("x", schedule=empty)
    assert Parameter("x", 5, []).update() == 5, "where there is a value, it stays"
    with pytest.raises(hr.StreamConfigError, match="no values, wanted at least one to cycle through"):
        Parameter("x", 5, [], "cycle")


def test_a_table_without_rows_is_refused() -> None:
    table = require("pandas").DataFrame({"a": [1, 2], "s.b": [3, 4]})
    for clock in ("step", "sample"):
        with pytest.raises(hr.StreamConfigError, match=r"a table without rows, with the columns 'a', 's.b'"):
            ParameterStore.from_dataframe(table.iloc[:0], clock)
    with pytest.raises(hr.StreamConfigError, match="without rows"):
        SamplingTree([lifted], table.iloc[:0])
    with pytest.raises(hr.StreamConfigError, match="two columns named 'a'"):
        ParameterStore.from_dataframe(table.rename(columns={"s.b": "a"}))
    for wrong in (3, None, {"a": [1]}):
        with pytest.raises(hr.StreamConfigError, match=r"from_dataframe got (.|\n)*wanted a DataFrame"):
            ParameterStore.from_dataframe(wrong)
    with pytest.raises(hr.StreamConfigError, match="every=0"):
        ParameterStore.from_dataframe(table, "sample", 0)


@pytest.mark.parametrize("wrong", [4, "abc", b"abc", "", {1: 2}, {1, 2}, np.array(3)], ids=shown)
def test_a_schedule_that_is_none_names_the_parameter(wrong: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match="the schedule of parameter 'height' got"):
        Parameter("height", schedule=wrong)
    with pytest.raises(hr.StreamConfigError, match="the schedule of parameter 'height' got") as caught:
        SamplingTree([lifted], {"lifted": {"height": {"value": 1, "schedule": wrong}}})
    assert caught.value.__notes__ == ["  in the scope 'lifted' of the parameters"]
    with pytest.raises(hr.StreamConfigError, match="stepwise"):
        stepwise(wrong)


@pytest.mark.parametrize("make", [letters, lambda: iter([1, 2]), lambda: map(str, [1, 2]), count], ids=shown)
def test_what_gives_other_values_each_time_is_no_value(make: Callable[[], Any]) -> None:
    for build in (
        lambda: Parameter("height", make()),
        lambda: SamplingTree([lifted], {"height": make()}),
        lambda: setattr(Parameter("height", 1), "value", make()),
    ):
        with pytest.raises(hr.StreamConfigError, match=r"parameter 'height' got the (.|\n)*schedule="):
            build()
    with pytest.raises(hr.StreamConfigError, match="abrupt got the"):
        abrupt(1, make(), at=3)
    assert Parameter("height", "same").value == "same", "a text is a value"


@pytest.mark.parametrize(
    "make", [letters, lambda: iter([1, 2, 3]), lambda: map(str, range(3)), count, lambda: chain([1], [2])], ids=shown
)
def test_two_parameters_do_not_draw_from_one_iterator(make: Callable[[], Any]) -> None:
    shared = make()
    first = Parameter("first", schedule=shared)
    with pytest.raises(hr.StreamConfigError, match=r"'second' got (.|\n)*the schedule of parameter 'first' draws from"):
        Parameter("second", schedule=shared)
    assert first.update() == next(iter([x for k, x in zip(range(2), make(), strict=False) if k == 1]))
    own = [Parameter(f"p{k}", schedule=make()) for k in range(50)]  # others may come to lie where it was
    del first, shared
    gc.collect()
    assert len([Parameter(f"q{k}", schedule=make()) for k in range(50)]) == len(own)


def test_one_spec_with_a_generator_makes_one_tree() -> None:
    params = {"height": {"schedule": letters()}}
    assert SamplingTree([lifted], params).sample() == "a"
    gc.collect()
    with pytest.raises(hr.StreamConfigError, match="wanted one of its own"):
        SamplingTree([lifted], params)


def test_parameters_of_iterators_pickle_with_what_was_drawn() -> None:
    for schedule in (letters(), count(3)):
        parameter = Parameter("x", schedule=schedule)
        parameter.update()
        assert pickle.loads(pickle.dumps(parameter))[0] == parameter[0]


# --- what never ends --------------------------------------------------------------------------------


@pytest.mark.parametrize("endless", [count(), cycle([1, 2]), repeat(1), (k for k in count())], ids=shown)
def test_schedules_by_sample_end(endless: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match=r"stepwise\(values\) got the \w+ .* which has no end"):
        stepwise(endless)
    with pytest.raises(hr.StreamConfigError, match=r"following\(changes=\) got the \w+ .* which has no end"):
        following(abs, changes=endless)


def test_how_far_drifts_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    if not soaking():  # to come to the millionth takes seconds
        monkeypatch.setattr("headrace.trees.drift.MOST", 10_000)
    most = drift.MOST
    tree = SamplingTree([lifted], {"height": cyclic(0, 1, every=10)})
    for wrong in (float("inf"), float("nan"), "x", 1.5, -1, True):
        with pytest.raises(hr.StreamConfigError, match="drifts got until="):
            tree.drifts(until=wrong)  # type: ignore[arg-type]  # what it refuses
        with pytest.raises(hr.StreamConfigError, match="drifts got steps="):
            tree.drifts(steps=wrong)  # type: ignore[arg-type]  # what it refuses
    require("pandas")
    assert tree.drifts(until=35)["start"].tolist() == [10, 20, 30]
    with pytest.raises(
        hr.StreamConfigError, match=rf"more than {most} changes before sample(.|\n)*until={10 * most + 10}"
    ):
        tree.drifts(until=10**15)
    held, round_and_round = ({"height": {"schedule": [1, 2, 3], "strategy": s}} for s in ("hold", "cycle"))
    assert SamplingTree([lifted], held).drifts(steps=10**15)["start"].tolist() == [1, 2]
    with pytest.raises(hr.StreamConfigError, match=f"more than {most} changes up to step"):
        SamplingTree([lifted], round_and_round).drifts(steps=10**15)


# --- bare errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [stepwise, lambda x: following(abs, changes=x)])
def test_values_that_are_none(make: Callable[[Any], Schedule]) -> None:
    for wrong in (5, None, 2.5):
        with pytest.raises(hr.StreamConfigError, match="wanted values in an order"):
            make(wrong)


def test_an_iterables_own_error_passes_through() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        stepwise(broken())


@pytest.mark.parametrize(
    "schedule", [abrupt(1, 2, at=3), gradual(1, 2, at=9, width=4), cyclic(1, 2, every=2)], ids=shown
)
def test_a_schedules_value_at_what_is_no_sample(schedule: Schedule) -> None:
    for wrong in ("x", -1, 1.5, None, True, 2**62):
        with pytest.raises(hr.HeadraceError, match=r"\(\.\.\.\)\.at got"):
            schedule.at(wrong)  # type: ignore[arg-type]  # what it refuses
    for draw in (1.0, -0.1, "x", None, float("nan")):
        with pytest.raises(hr.StreamConfigError, match="got u="):
            schedule.at(0, draw)  # type: ignore[arg-type]  # what it refuses
    assert schedule.at(np.int64(0)) == 1  # type: ignore[arg-type]  # it counts as one


@pytest.mark.parametrize(
    "make",
    [
        lambda: abrupt(at=[]),
        lambda: abrupt(1, at=[]),
        lambda: gradual(1, at=[], width=2),
        lambda: incremental(1, at=(), width=2),
        lambda: abrupt(1, at=np.array([], np.int64)),  # type: ignore[arg-type]  # an array is taken as a list is
    ],
)
def test_changes_at_no_place_are_refused(make: Callable[[], Schedule]) -> None:
    with pytest.raises(hr.StreamConfigError, match=r"got at=\[\], wanted the number of a sample"):
        make()


# --- names of parameters ----------------------------------------------------------------------------


def test_a_name_that_no_parameter_has() -> None:
    store = ParameterStore({"offset": 1, "ramp": {"height": {"schedule": [1, 2]}}})
    for name, told in (
        ("ofset", "Did you mean 'offset'?"),
        ("height", "Did you mean 'ramp.height'?"),
        ("ramp.hieght", "Did you mean 'ramp.height'?"),
        ("ramp", r"It is a scope: get_scope\('ramp'\)"),
        ("nope", "wanted one of 'offset', 'ramp.height'"),
        (3, "wanted one of"),
    ):
        with pytest.raises(KeyError, match=told) as caught:
            store[name]  # type: ignore[index]  # what it refuses
        assert isinstance(caught.value, hr.HeadraceError)
        assert str(caught.value).startswith(f"ParameterStore[{name!r}] got a name that no parameter has"), "as it is"
    with pytest.raises(KeyError, match="there is none"):
        ParameterStore()["x"]


def test_what_is_in_a_store() -> None:
    store = ParameterStore({"offset": 1, "ramp": {"height": 2}})
    assert list(store) == ["offset", "ramp.height"]
    assert [store[name].value for name in store] == [1, 2]
    assert "offset" in store
    assert "ramp.height" in store
    assert all(name not in store for name in ("ramp", "height", "ramp.width", 0, None, ("offset",)))
    assert list(ParameterStore()) == []
    assert bool(ParameterStore()), "a store is one, also without parameters"


def test_the_parameters_of_a_tree_take_no_name_that_its_nodes_do_not_read() -> None:
    store = ParameterStore({"other": 1})
    store["more"] = 2  # before a tree has it, it grows
    assert list(store) == ["other", "more"]
    tree = SamplingTree([lifted], {"lifted": {"height": 1}})
    for name in ("hieght", "lifted.hieght", "height"):
        with pytest.raises(
            hr.StreamConfigError, match=r"no parameter of its tree has(.|\n)*Did you mean 'lifted.height'"
        ):
            tree.params[name] = 3
        with pytest.raises(hr.StreamConfigError, match="no parameter of its tree has"):
            tree.params | ParameterStore({"x": 1})
    assert tree.params.parameters.keys() == {"lifted"}, "nothing of it has been added"
    assert tree.params.parameter_names == {"lifted.height"}
    with pytest.raises(hr.StreamConfigError, match=r"got 3 for a scope(.|\n)*'lifted.height'"):
        tree.params["lifted"] = 3
    tree.params["lifted.height"] = 3
    assert tree.sample() == 3


def test_another_parameter_in_the_place_of_one_reaches_the_nodes() -> None:
    tree = SamplingTree([lifted], {"height": 1})
    assert tree.sample() == 1
    tree.params["height"] = Parameter("height", schedule=[5, 6])
    assert tree.sample() == 5
    tree.update()
    assert (tree.sample(), tree.params["height"].value) == (6, 6)
    tree.params |= ParameterStore({"height": 9})
    assert tree.sample() == 9
