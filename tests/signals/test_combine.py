"""Several signals as one."""

from __future__ import annotations

import numpy as np
import pytest

import headrace as hr
from headrace.errors import StreamConfigError
from headrace.signals.arithmetic import Scale, Sum
from headrace.signals.combine import Combine
from headrace.signals.differentiate import Integrate
from headrace.signals.graph import Graph
from headrace.signals.resample import Resample

RNG = np.random.default_rng(0)


def test_combine_runs_in_its_order_and_reads_outer_names_in_the_order_of_their_first_use() -> None:
    both = Combine([Sum("b", "a", name="s"), Scale("s", "s2", 10.0), Sum("s2", "outer", name="z")], name="y")
    assert both.inputs == ("b", "a", "outer")
    assert both([1.0], [2.0], [5.0]).tolist() == [35.0]
    # A name made only later is read from outside.
    late = Combine([Scale("z", "y", 2.0), Scale("y", "z", 3.0)], name="out")
    assert late.inputs == ("z",)
    assert late([1.0]).tolist() == [6.0]
    block = Graph([both])({"a": [1.0], "b": [2.0], "outer": [5.0]})
    assert list(block) == ["a", "b", "outer", "y"]


def test_combine_keeps_state_pace_and_latency() -> None:
    half = Combine([Integrate("x", None, name="t"), Resample("t", "u", 1, 2)], name="y")
    assert [half.every, half.offset, half.latency] == [2, 0, 20]
    run = Graph([half]).run()
    x = RNG.normal(size=101)
    found = np.concatenate([run({"x": x[i : i + 7]})["y"] for i in range(0, 101, 7)])
    assert np.array_equal(found, half(x))
    twin = half.with_(name="z")
    assert (twin.every, twin.inputs) == (2, ("x",))


def test_what_combine_refuses() -> None:
    with pytest.raises(StreamConfigError, match="one signal or more"):
        Combine([], name="y")
    with pytest.raises(StreamConfigError, match="wanted signals"):
        Combine([len], name="y")
    with pytest.raises(StreamConfigError, match="two functions named 's'"):
        Combine([Scale("a", "s", 1.0), Scale("s", "s", 1.0)], name="y")
    with pytest.raises(StreamConfigError, match="knob"):
        Combine([Scale("a", "s", hr.Knob(1.0))], name="y")
    with pytest.raises(StreamConfigError, match="different paces"):
        Combine([Resample("a", "s", 1, 2), Sum("s", "a", name="t")], name="y")
