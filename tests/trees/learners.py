"""Stand-ins for continuum and avalanche that refuse what the real ones refuse, and are read as they are.

The signatures and checks are those of continuum 1.2.7 (``datasets/base.py``, ``scenarios/continual_scenario.py``) and of
avalanche-lib 0.6.0 (``benchmarks/scenarios/deprecated/generic_benchmark_creation.py``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import Any

import numpy as np
import pytest


class TaskType(Enum):
    IMAGE_ARRAY = 1
    TENSOR = 4


class InMemoryDataset:
    def __init__(
        self,
        x: Any,
        y: Any,
        t: Any = None,
        data_type: TaskType = TaskType.IMAGE_ARRAY,
        train: bool = True,
        download: bool = True,
    ) -> None:
        if not isinstance(data_type, TaskType):
            raise NotImplementedError(f"Dataset's data_type ({data_type}) is not supported.")
        if len(x) != len(y) or (t is not None and len(t) != len(x)):
            raise ValueError("Number of datapoints")
        self.data, self.data_type, self.train = (x, y, t), data_type, train


class TaskSet:
    """Samples of one task, handed out as torch's collating makes tensors of them: numbers alone."""

    def __init__(self, x: Any, y: Any, t: Any) -> None:
        assert all(isinstance(part, np.ndarray) for part in (x, y, t))
        assert x.dtype.kind in "biuf", f"torch has no tensors of {x.dtype}"
        assert y.dtype.kind in "iu"
        assert t.dtype.kind in "iu"
        assert y.shape == t.shape == (len(x),)
        self._x, self._y, self._t = x, y, t

    def __len__(self) -> int:
        return len(self._y)

    def __getitem__(self, k: int) -> tuple[Any, int, int]:
        return self._x[k], int(self._y[k]), int(self._t[k])


class ContinualScenario:
    def __init__(self, cl_dataset: InMemoryDataset, transformations: Any = None) -> None:
        x, y, t = cl_dataset.data
        assert cl_dataset.data_type is TaskType.TENSOR, "or rows of numbers would be taken for images"
        assert t is not None
        unique = np.unique(t)
        assert np.array_equal(unique, np.arange(len(unique))), "there should be a data point for each task from 0 on"
        self.tasks = [TaskSet(x[t == k], y[t == k], t[t == k]) for k in unique]

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[TaskSet]:
        return iter(self.tasks)


@dataclass
class CLExperience:
    current_experience: int
    task_label: int
    dataset: list[list[Any]]


@dataclass
class Benchmark:
    train_stream: list[CLExperience]
    test_stream: list[CLExperience]


def tensors_benchmark(train_tensors: Any, test_tensors: Any, *, task_labels: Any) -> Benchmark:
    torch: Any = sys.modules["torch"]
    streams = []
    for parts in (train_tensors, test_tensors):
        stream = []
        for k, tensors in enumerate(parts):
            assert len(tensors) == 2, "x, and y for the targets"
            assert all(isinstance(tensor, torch.Tensor) for tensor in tensors)
            assert len({len(tensor) for tensor in tensors}) == 1, "Size mismatch between tensors"
            assert not tensors[1].is_floating_point(), "targets are numbers of classes"
            assert type(task_labels[k]) is int
            rows = [[x, int(y), task_labels[k]] for x, y in zip(*tensors, strict=True)]
            stream.append(CLExperience(k, task_labels[k], rows))
        streams.append(stream)
    return Benchmark(*streams)


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Put a stand-in where the package ``name`` would be imported from."""
    packages: dict[str, dict[str, dict[str, Any]]] = {
        "continuum": {
            "continuum": {"ContinualScenario": ContinualScenario},
            "continuum.datasets": {"InMemoryDataset": InMemoryDataset},
            "continuum.tasks": {"TaskType": TaskType},
        },
        "avalanche": {"avalanche": {}, "avalanche.benchmarks": {"tensors_benchmark": tensors_benchmark}},
    }
    for module, members in packages[name].items():
        made = ModuleType(module)
        vars(made).update(members)
        monkeypatch.setitem(sys.modules, module, made)
