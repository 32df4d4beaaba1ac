"""Weights from sizes, labels and schedules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import headrace as hr


@pytest.mark.parametrize(
    "points",
    [{}, {1: [1]}, {0: [1], -3: [1]}, [(0, [1]), (5, [1]), (5, [2])], [(0, [1]), (9, [1]), (5, [1])], [(0.5, [1])],
     [0, 1], {False: [1]}, {"a": [1]}],
)  # fmt: skip
def test_a_schedule_begins_at_0_and_goes_up(points: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match=r"schedule\(points\)"):
        hr.schedule(points)


def test_schedules_are_values() -> None:
    assert hr.schedule({0: [1, 2], 7: [3, 4]}) == hr.schedule([(0, [1, 2]), (7, [3, 4])])
    whole: Any = np.int64(7)
    assert hr.schedule([(0, [1, 2]), (whole, [3, 4])]).points[1] == (7, [3, 4])


@pytest.mark.parametrize(
    ("begin", "end", "start", "stop", "steps"),
    [([1], [1, 2], 0, 5, 2), ({"a": 1}, {"b": 1}, 0, 5, 2), ({"a": 1}, [1], 0, 5, 2), ([1, -1], [1, 1], 0, 5, 2),
     ([0, 0], [1, 1], 0, 5, 2), ([1, 1], [1, 1], 5, 5, 2), ([1, 1], [1, 1], -1, 5, 2), ([1, 1], [1, 1], 0, 5, 0),
     ([1, 1], [1, 1], 0.5, 5, 2)],
)  # fmt: skip
def test_a_ramp_that_cannot_be(begin: Any, end: Any, start: Any, stop: Any, steps: Any) -> None:
    with pytest.raises(hr.StreamConfigError, match="ramp"):
        hr.ramp(begin, end, start, stop, steps)


def test_a_ramp_ends_where_it_should() -> None:
    made = hr.ramp({"a": 2, "b": 0}, {"b": 5, "a": 5}, 0, 1000, 10)
    assert [first for first, _ in made.points] == [*range(0, 1000, 100), 1000]
    assert made.points[-1][1] == {"a": 0.5, "b": 0.5}
    assert made.points[0][1]["b"] == pytest.approx(0.025)
    assert len(hr.ramp([1, 0], [0, 1], 10, 13, 64).points) == 5, "no more steps than items"


def test_temperature() -> None:
    assert hr.temperature([900, 100], 1) == pytest.approx([0.9, 0.1])
    assert hr.temperature([900, 100], math.inf) == pytest.approx([0.5, 0.5])
    assert hr.temperature([900, 100, 0], math.inf) == pytest.approx([0.5, 0.5, 0])
    assert hr.temperature({"a": hr.source(range(4)), "b": [1]}, 2) == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    for sizes, t in (([1, 2], 0), ([1, 2], -1), ([0, 0], 1), ([-1, 2], 1), ([math.inf, 2], 1)):
        with pytest.raises(hr.StreamConfigError):
            hr.temperature(sizes, t)
    with pytest.raises(hr.StreamConfigError, match="member 'b' is inf"):
        hr.temperature({"a": [1], "b": hr.functional(lambda i: i)}, 1)
    with pytest.raises(hr.StreamConfigError, match="member 0 is not known"):
        hr.temperature([hr.Streamer(x for x in "abc")], 1)


def test_balance() -> None:
    assert hr.balance(["x", "y", "x", "x"]) == pytest.approx([1 / 6, 1 / 2, 1 / 6, 1 / 6])
    assert hr.balance({"a": "x", "b": "x"}, {"a": range(3), "b": 1}) == {"a": 0.75, "b": 0.25}
    for labels, sizes in ((["x", "y"], [1]), (["x", "y"], [0, 1]), ({"a": 1}, {"b": 1}), ({"a": 1}, [1])):
        with pytest.raises(hr.StreamConfigError, match="balance"):
            hr.balance(labels, sizes)
