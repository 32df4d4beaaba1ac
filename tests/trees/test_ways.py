"""The ways through a tree, walked and looked up; tasks made when they are looked at."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

import headrace as hr
from headrace.errors import ParameterOutOfRangeError
from headrace.trees import SamplingTree, TransformNode, abrupt, task_arrays
from headrace.trees.paths import Ways


def zero(_: Any) -> int:
    return 0


def plus(x: int) -> int:
    return x + 1


def value(_: Any, x: Any) -> Any:
    return x


def work(act: Callable[[], Any]) -> int:
    """Count the steps of Python's machine that something takes."""
    count = 0

    def tracer(frame: Any, event: str, _: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        act()
    finally:
        sys.settrace(before)
    return count


def wide(n: int) -> SamplingTree:
    return SamplingTree([zero, {str(k): str(k) for k in range(n)}])


@pytest.mark.parametrize(
    "act",
    [
        lambda tree: tree.collect(1, "balanced"),
        lambda tree: list(tree.get_paths()),
        lambda tree: [*Ways(tree.__recipe__().plan)],
    ],
)
def test_the_work_of_all_ways_grows_as_their_number(act: Any) -> None:
    first, second = wide(300), wide(600)
    for tree in (first, second):
        tree.sample()
    assert work(lambda: act(second)) < 2.6 * work(lambda: act(first))


def test_ways_walked_are_those_looked_up() -> None:
    twice = {"name": "one", "a": [plus, {"name": "in", "x": plus, "y": []}], "b": [], "c": plus}
    for nodes in ([zero], [zero, twice, plus, {"name": "two", "d": "d", "e": "e"}], [zero, twice, "end"], [twice]):
        plan = SamplingTree(nodes).__recipe__().plan
        for ways in (Ways(plan), Ways(plan, {k: [0] for k, entry in enumerate(plan) if entry["name"] == "one"})):
            walked = list(ways)
            assert walked == [ways[k] for k in range(len(ways))]
            assert len(set(walked)) == len(walked) == len(ways)
            assert ways[-1] == walked[-1]
    closed = Ways(plan, {0: []})
    assert (list(closed), len(closed)) == ([], 0)


def test_paths_iterated_are_those_looked_up() -> None:
    tree = SamplingTree([zero, {"name": "one", "a": "a", "b": [plus, "b"]}, {"name": "two", "c": "c", "d": "d"}])
    paths = tree.get_paths()
    assert [path.sample() for path in paths] == [paths[k].sample() for k in range(4)]


# --- tasks ------------------------------------------------------------------------------------------


def test_a_million_tasks_cost_what_is_looked_at() -> None:
    tree = SamplingTree([value, "a"], {"x": {"schedule": lambda step: step * 10}})
    tree.experiences(10, 5)  # which imports what it needs
    assert work(lambda: tree.experiences(10**6, 5)) < 2 * work(lambda: tree.experiences(10, 5))
    tasks = tree.experiences(10**6, size=5, test=2)
    assert len(tasks) == 10**6
    assert tasks[-1].number == 10**6 - 1
    assert next(iter(tasks[-1].train)) == (10 * (10**6 - 1), "a")
    assert [task.step for task in tasks[3:6]] == [3, 4, 5]
    with pytest.raises(IndexError, match="10000"):
        tasks[10**6]
    assert tree.step == 0


def test_tasks_are_of_the_tree_as_it_was_when_they_were_asked_for() -> None:
    def made() -> SamplingTree:
        nodes = [TransformNode(value, name="v"), {"name": "coin", "a": "a", "b": "b"}]
        params = {"v": {"x": {"schedule": iter(range(20))}}, "coin": {"p": {"schedule": [[1, 0], [0, 1], [0.5, 0.5]]}}}
        return SamplingTree(nodes, params)

    tree = made()
    tree.update()
    tree.skip(4)
    tasks, due = tree.experiences(5, 10), made()
    node = tree.nodes[0]
    assert isinstance(node, TransformNode)
    tree.update()
    tree.seek(0)
    tree.params["v.x"] = -1
    node.transform = lambda _, x: None
    due.update()
    due.seek(4)
    for k, task in enumerate(tasks):
        assert list(task.train) == due.collect(10)
        assert task.step == due.step == k + 1
        due.update()


def test_tasks_of_a_way_and_of_values_that_move_with_the_sample() -> None:
    params = {"x": {"schedule": [abrupt(0, 1, at=5), abrupt(10, 11, at=5)]}}
    tree = SamplingTree([value, {"a": "a", "b": "b", "probs": [0.5, 0.5]}], params)
    tasks = tree.get_paths()[1].experiences(2, 4)
    assert [list(task.train) for task in tasks] == [[(0, "b")] * 4, [(10, "b"), *[(11, "b")] * 3]]


def test_tasks_behind_the_end_of_a_schedule_are_refused_at_once() -> None:
    tree = SamplingTree([value], {"x": {"schedule": [1, 2], "strategy": "raise exception"}})
    assert len(tree.experiences(2, 5)) == 2
    with pytest.raises(ParameterOutOfRangeError):
        tree.experiences(3, 5)


@pytest.mark.parametrize("wrong", [SamplingTree([zero, "a"]), 3, [3]])
def test_arrays_are_made_of_tasks_alone(wrong: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match=r"task_arrays\(experiences\) got .*(.|\n)*tree.experiences"):
        task_arrays(wrong)
