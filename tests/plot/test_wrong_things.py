"""What cannot be drawn: told by name, before anything is made."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

import headrace as hr
from headrace import plot
from headrace.trees import ParameterStore, SamplingTree, cyclic


def valued(_: Any, height: Any = 0.0) -> Any:
    return height


def tree() -> SamplingTree:
    return SamplingTree([valued, {"a": "a", "b": "b"}])


@pytest.mark.parametrize(
    ("draw", "told"),
    [
        (lambda: plot.plot_parameter("x"), "plot_parameter got 'x', wanted a Parameter"),  # type: ignore[arg-type]
        (lambda: plot.plot_parameter_store("x"), "plot_parameter_store got 'x', wanted a ParameterStore"),  # type: ignore[arg-type]
        (lambda: plot.plot_parameter_store_widget(3), "store_widget got 3, wanted a ParameterStore"),  # type: ignore[arg-type]
        (lambda: plot.plot_drifts(None), "plot_drifts got None, wanted a SamplingTree"),  # type: ignore[arg-type]
        (lambda: plot.plot_buffer("x", print), "plot_buffer got 'x', wanted a SampleBufferNode"),  # type: ignore[arg-type]
        (lambda: plot.plot(5), r"plot\(values\) got 5"),  # type: ignore[arg-type]
        (lambda: plot.plot(count()), r"plot\(values\) got the count .* no end"),
        (lambda: plot.to_svg(None), "got None, wanted a SamplingTree"),  # type: ignore[arg-type]
        (lambda: plot.to_mermaid("x"), "got 'x', wanted a SamplingTree"),  # type: ignore[arg-type]
        (lambda: tree().to_svg(None), r"to_svg\(file_path=\) got None, wanted the path"),  # type: ignore[arg-type]
        (lambda: tree().to_dotfile(3), r"to_dotfile\(file_path=\) got 3"),  # type: ignore[arg-type]
        (lambda: tree().to_mermaid(""), r"to_mermaid\(file_path=\) got ''"),
    ],
)
def test_what_is_no_such_thing(draw: Any, told: str) -> None:
    with pytest.raises(hr.StreamConfigError, match=told):
        draw()


def test_the_explorer_goes_as_far_as_it_is_asked_to_by_one_clock() -> None:
    from headrace.plot.course import Course

    params = ParameterStore({"height": cyclic(0.0, 1.0, every=10**7), "branching_node": {"p": {"schedule": count()}}})
    course = Course(params, 10**9, "sample")
    assert course.places[-1] == 10**9
    moving = {"height": cyclic(0.0, 1.0, every=10**7), "branching_node": {"probs": {"schedule": lambda k: [0.5, 0.5]}}}
    far = Course(SamplingTree([valued, {"a": "a", "b": "b"}], moving), 10**9, "sample")
    assert [drift.parameter for drift in far.drifts] == ["valued.height"] * 100
