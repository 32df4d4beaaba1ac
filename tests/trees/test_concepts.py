"""What changes and what does not: concepts whose values are equal are one, and no change is told where nothing differs."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pytest

from headrace.plot import tree_svg
from headrace.trees import (
    SamplingTree,
    Schedule,
    TransformNode,
    abrupt,
    cyclic,
    following,
    gradual,
    incremental,
    recurring,
    stepwise,
)
from support.require import require


def value(_: Any, x: Any) -> Any:
    return x


def tree_of(schedule: Schedule) -> SamplingTree:
    return SamplingTree([value], {"x": schedule})


@pytest.mark.parametrize(
    ("schedule", "due"),
    [
        (stepwise([0, 1, 0], every=2), [0, 0, 1, 1, 0, 0, 0, 0]),
        (stepwise([0, 0, 1], every=2), [0, 0, 0, 0, 1, 1, 1, 1]),
        (stepwise([0, 1, 1], every=1, then="cycle"), [0, 1, 1, 0, 1, 1, 0, 1]),
        (abrupt(0, 1, 0, at=[2, 4]), [0, 0, 1, 1, 0, 0, 0, 0]),
        (abrupt(0, 0.0, at=4), [0, 0, 0, 0, 1, 1, 1, 1]),  # other types: the function sees a difference
        (abrupt(np.zeros(2), np.ones(2), np.zeros(2), at=[2, 4]), [0, 0, 1, 1, 0, 0, 0, 0]),
        (abrupt(float("nan"), -float("nan"), at=4), [0] * 8),
        (abrupt([1, 0], [0, 1], [1, 0], at=[2, 4]), [0, 0, 1, 1, 0, 0, 0, 0]),
        (gradual(0, 1, 0, at=[2, 5], width=2), None),
        (incremental(0.0, 1.0, 0.0, at=[2, 5], width=2), [0, 0, 1, 1, 1, 0, 0, 0]),
        (cyclic(1, 1, 2, every=2), [0, 0, 0, 0, 1, 1, 0, 0]),
        (recurring(3, 3, at=2, length=2, every=4), [0] * 8),
        (following(lambda i: 0, changes=[3]), [0, 0, 0, 1, 1, 1, 1, 1]),  # as the user says
    ],
    ids=repr,
)
def test_a_state_that_returns_has_its_number_again(schedule: Schedule, due: list[int] | None) -> None:
    tree = tree_of(schedule)
    found = tree.concepts(0, 8).tolist()
    if due is None:
        assert found == tree.collect(8), "its values are the numbers"
    else:
        assert found == due


def test_schedules_that_change_together_and_return_apart_are_told_apart() -> None:
    pair = lambda _, x, y: (x, y)  # noqa: E731
    tree = SamplingTree([pair], {"x": abrupt(0, 1, 0, at=[2, 4]), "y": abrupt(0, 1, 2, at=[2, 4])})
    assert len(set(tree.concepts(0, 6).tolist())) == 3
    together = SamplingTree([pair], {"x": abrupt(0, 1, 0, at=[2, 4]), "y": abrupt(5, 6, 5, at=[2, 4])})
    assert together.concepts(0, 6).tolist() == [0, 0, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("schedule", "starts"),
    [
        (abrupt(1, 1, at=2), []),
        (abrupt(1, 1, 2, at=[2, 4]), [4]),
        (gradual(1, 1, 2, at=[4, 10], width=4), [8]),
        (incremental(1, 1, 2, at=[4, 10], width=4), [8]),
        (recurring(1, 1, at=2, length=3, every=5), []),
        (cyclic(1, 1, 2, every=2), [4, 6, 10, 12]),
        (cyclic(1, 1, every=2), []),
        (stepwise([1, 1], every=2, then="cycle"), []),
    ],
    ids=repr,
)
def test_drifts_are_told_where_something_differs(schedule: Schedule, starts: list[int]) -> None:
    require("pandas")
    table = tree_of(schedule).drifts(until=14)
    assert table["start"].tolist() == starts
    assert (table["magnitude"] > 0).all()


@pytest.mark.parametrize(
    "schedule", [cyclic(1, 1, every=2), stepwise([1, 1], then="cycle"), recurring(1, 1, at=0, length=1, every=2)]
)
def test_what_never_changes_has_an_end_of_its_changes(schedule: Schedule) -> None:
    require("pandas")
    assert list(islice(schedule.changes(), 3)) == []
    assert not schedule.endless
    assert len(tree_of(schedule).drifts()) == 0, "without until"
    assert "x" in tree_svg(tree_of(schedule)).data


@pytest.mark.parametrize("width", [1, 2, 40, 41])
def test_the_centre_is_half_way_and_nothing_moves_outside(width: int) -> None:
    line, hand_over = incremental(0.0, 1.0, at=100, width=width), gradual(0, 1, at=100, width=width)
    assert line.at(100) == 0.5
    assert (hand_over.at(100, u=0.499), hand_over.at(100, u=0.501)) == (1, 0)
    (change,) = line.changes()
    assert (change.start, change.centre, change.end) == (100 - width // 2, 100, 100 - width // 2 + width)
    assert line.at(change.start - 1) == 0.0
    assert line.at(change.end) == 1.0
    assert line.at(change.end - 1) < 1.0
    moved = [line.at(i) + line.at(200 - i) for i in range(40, 101)]
    assert np.allclose(moved, 1.0), "as far behind the centre as before it"
    assert hand_over.at(change.start - 1, u=0.0) == 0
    assert hand_over.at(change.end, u=0.999999) == 1


@pytest.mark.parametrize(
    "nodes",
    [
        lambda shared: [{"x": [shared, "x"], "y": [shared, "y"]}],
        lambda shared: [{"x": [shared, "x"], "y": ["y"]}],
        lambda shared: [shared, {"x": "x", "y": "y"}],
    ],
)
def test_a_drawing_says_the_kind_that_drifts_say(nodes: Any) -> None:
    require("pandas")
    shared = TransformNode(lambda _, x: x, name="shared")
    tree = SamplingTree([lambda _: 0, *nodes(shared)], {"shared": {"x": abrupt(0, 1, at=5)}})
    drawing = tree_svg(tree).data
    assert {kind for kind in ("covariate", "concept", "prior") if f"{kind} drift" in drawing} == set(
        tree.drifts()["kind"]
    )
