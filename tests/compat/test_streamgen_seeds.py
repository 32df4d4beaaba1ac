"""A seed of a branching has no effect, however it is written: choices follow the tree's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import headrace as hr
from headrace.compat.streamgen.samplers.tree import BranchingNode, SamplingTree, construct_tree


def zero(_: Any) -> int:
    return 0


BRANCHES = {"a": "a", "b": "b"}
FORMS: list[Callable[[], Any]] = [
    lambda: {**BRANCHES, "seed": 42},
    lambda: BranchingNode(dict(BRANCHES), seed=42),
    lambda: {"x": [zero, {**BRANCHES, "seed": 42}]},
    lambda: BranchingNode({"x": ({**BRANCHES, "seed": 42},)}),
    lambda: construct_tree([zero, {**BRANCHES, "seed": 42}])[1],
]


@pytest.mark.parametrize("form", FORMS)
def test_choices_follow_the_seed_of_the_tree(form: Callable[[], Any]) -> None:
    first, again, other = ([label for _, label in SamplingTree([zero, form()], rng=r).collect(30)] for r in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_spec_is_not_changed_and_circles_are_refused() -> None:
    spec: dict[str, Any] = {**BRANCHES, "seed": 42}
    SamplingTree([zero, spec])
    assert spec == {**BRANCHES, "seed": 42}
    spec["a"] = [spec]
    with pytest.raises(hr.StreamConfigError, match="in a circle"):
        SamplingTree([zero, spec])
