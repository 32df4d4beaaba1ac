"""Parameters of a user's own signals: turned, swept, written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.signals as s
from headrace.errors import StreamConfigError


@s.signal
def weighted(a: Any, *, weight: Any = 0.5, offset: float = 0.0) -> Any:
    return np.max(weight) * a + offset


@s.signal(state=0.0)
def summed(total: Any, x: Any, *, factor: float = 1.0) -> Any:
    sums = np.add.accumulate(np.concatenate([[total], factor * x]))
    return sums[1:], sums[-1]


def test_parameters_by_path() -> None:
    graph = s.Graph([weighted("x", name="y", weight=2.0)])
    assert graph.get_params() == {"y.weight": 2.0, "y.offset": 0.0}
    other = graph.set_params(**{"y.weight": 3.0, "y.offset": 1.0})
    assert other({"x": np.ones(1)})["y"].tolist() == [4.0]
    with pytest.raises(StreamConfigError, match="wait"):
        graph.set_params(**{"y.wait": 3.0})


def test_a_knob_is_followed_and_the_state_goes_on() -> None:
    knob = hr.Knob(2.0)
    assert weighted("x", name="y", weight=knob)(np.ones(1)).tolist() == [2.0]
    run = s.Graph([summed("x", name="y", factor=knob)]).run()
    assert run({"x": np.ones(2)})["y"].tolist() == [2.0, 4.0]
    knob.set(10.0)
    assert run({"x": np.ones(2)})["y"].tolist() == [14.0, 24.0]
    run.set("y.factor", 1.0)
    assert run({"x": np.ones(1)})["y"].tolist() == [25.0]


def test_lists_and_dicts_are_written() -> None:
    for weight in ([1, 2], {"a": 1.0}, (1.0, [2.0, np.inf])):
        graph = s.Graph([weighted("x", name="y", weight=weight)])
        twin = s.from_json(
            s.to_json(graph), functions={"test_custom:weighted": weighted, f"{__name__}:weighted": weighted}
        )
        assert twin == graph
