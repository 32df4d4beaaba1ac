"""The example with real digits: accuracy falls at each drift, and the detector finds both."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

from support.require import require

EXAMPLE = Path(__file__).parents[2] / "examples" / "drifting_digits.py"


@pytest.fixture(scope="module")
def example() -> Any:
    require("sklearn")
    spec = importlib.util.spec_from_file_location("drifting_digits", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["drifting_digits"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["drifting_digits"]


@pytest.mark.parametrize("seed", [1, 2])
def test_a_classifier_is_surprised_and_a_detector_notices(example: Any, seed: int) -> None:
    require("pandas")
    tree = example.make_tree(seed)
    table = tree.drifts()
    starts = table["start"].tolist()
    assert starts == [5000, 11_700]
    assert table["kind"].tolist() == ["prior", "covariate"]
    alarms, correct = example.watch(tree)
    late, false = example.delays(alarms, starts)
    for start, end in zip(starts, table["end"], strict=True):
        assert correct[start - 500 : start].mean() > 0.95
        behind = correct[start : end + 40].mean()
        assert behind < correct[start - 500 : start].mean() - 0.05
    assert late[0] is not None
    assert late[0] < 500
    assert late[1] is not None
    assert late[1] < 1000
    assert false == 0


def test_new_classes_come_with_the_drift(example: Any) -> None:
    _, y = example.make_tree()[4000:6000]
    assert set(y[:1000].tolist()) == set(range(5))
    assert set(y[1000:].tolist()) == set(range(10))


def test_delays_are_scored_by_the_drift_before_them(example: Any) -> None:
    assert example.delays([5, 110, 130, 300], [100, 200, 400]) == ([10, 100, None], 2)
