"""Tasks in the hands of continuum and avalanche: of the real ones where they are installed, of strict stand-ins anywhere."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import MissingExtraError
from headrace.trees import SamplingTree, task_arrays, to_avalanche, to_continuum
from support.require import require
from trees.learners import stand_in

KINDS = ["stand-in", "real"]
# What the real packages say while they are imported is theirs.
quiet = pytest.mark.filterwarnings("ignore")


def point(_: Any, offset: float, *, rng: Any) -> Any:
    return rng.normal(offset, 0.1, size=3)


def steps() -> SamplingTree:
    return SamplingTree([point, {"b": "b", "a": "a"}], {"offset": {"schedule": [0.0, 5.0, 10.0]}})


def have(monkeypatch: pytest.MonkeyPatch, name: str, kind: str) -> None:
    if kind == "real":
        require(name)
    else:
        stand_in(monkeypatch, name)


@quiet
@pytest.mark.parametrize("kind", KINDS)
def test_continuum_is_given_a_task_set_for_each_task(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, "continuum", kind)
    tasks = steps().experiences(3, 20, test=4)
    for part, size in (("train", 20), ("test", 4)):
        scenario = to_continuum(tasks, part)
        x, y, _ = task_arrays(tasks, part)
        assert len(scenario) == 3
        for k, task_set in enumerate(scenario):
            assert len(task_set) == size
            for j in range(size):
                row, label, task = task_set[j]
                assert np.array_equal(np.asarray(row), x[k * size + j]), "as numbers, not as a picture"
                assert ("a", "b")[int(label)] == y[k * size + j], "classes in their order: a, b"
                assert int(task) == k


@quiet
@pytest.mark.parametrize("kind", KINDS)
def test_continuum_is_given_some_of_the_tasks(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    have(monkeypatch, "continuum", kind)
    scenario = to_continuum(steps().experiences(3, 5)[1:], classes=["b", "a"])
    assert [{int(task_set[j][2]) for j in range(5)} for task_set in scenario] == [{0}, {1}]
    assert [round(float(np.asarray(task_set[0][0]).mean())) for task_set in scenario] == [5, 10]
    with pytest.raises(hr.DataError, match=r"to_continuum got the label 'b', wanted one of the classes \['a'\]"):
        to_continuum(steps().experiences(3, 20), classes=["a"])
    with pytest.raises(hr.StreamConfigError, match="without test samples"):
        to_continuum(steps().experiences(3, 5), "test")


@quiet
@pytest.mark.parametrize("kind", KINDS)
def test_avalanche_is_given_two_streams(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch: Any = require("torch")
    have(monkeypatch, "avalanche", kind)
    tasks = steps().experiences(3, 20, test=6)
    benchmark = to_avalanche(tasks)
    for part, stream, size in (("train", benchmark.train_stream, 20), ("test", benchmark.test_stream, 6)):
        x, y, _ = task_arrays(tasks, part)
        for k, experience in enumerate(stream):
            assert (experience.current_experience, experience.task_label, len(experience.dataset)) == (k, k, size)
            for j in range(size):
                row, label, task = experience.dataset[j]
                assert isinstance(row, torch.Tensor)
                assert np.array_equal(row.numpy(), x[k * size + j])
                assert ("a", "b")[int(label)] == y[k * size + j]
                assert int(task) == k
    told_nothing = to_avalanche(tasks[:2], task_labels=[0, 0])
    assert [experience.task_label for experience in told_nothing.test_stream] == [0, 0]


@quiet
def test_what_avalanche_cannot_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    require("torch")
    stand_in(monkeypatch, "avalanche")
    with pytest.raises(hr.StreamConfigError, match="without test samples"):
        to_avalanche(steps().experiences(2, 5))
    with pytest.raises(hr.StreamConfigError, match=r"got 1 for 2 tasks, wanted(.|\n)*Leave it out"):
        to_avalanche(steps().experiences(2, 5, test=2), task_labels=[0])
    with pytest.raises(hr.DataError, match=r"to_avalanche got the label 'b', wanted"):
        to_avalanche(steps().experiences(2, 9, test=9), classes=["a"])


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "continuum", None)
    with pytest.raises(MissingExtraError, match="pip install continuum"):
        to_continuum(steps().experiences(1, 5))
    monkeypatch.setitem(sys.modules, "avalanche", None)
    monkeypatch.delitem(sys.modules, "avalanche.benchmarks", raising=False)
    with pytest.raises(MissingExtraError, match="pip install avalanche-lib"):
        to_avalanche(steps().experiences(2, 5, test=2))
