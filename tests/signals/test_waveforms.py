"""Waves of a time signal: the formulas of sources.waves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import StreamConfigError
from headrace.signals.graph import Graph
from headrace.signals.waveforms import SineWave, SquareWave, TriangleWave
from headrace.sources import waves

T = np.linspace(0, 3, 500)


@pytest.mark.parametrize(
    ("kind", "formula"), [(SineWave, waves.sine), (SquareWave, waves.square), (TriangleWave, waves.triangle)]
)
def test_they_are_the_waves(kind: Any, formula: Any) -> None:
    assert np.array_equal(kind("t", "y")(T), formula(T))
    assert np.array_equal(kind("t", "y", 2, 3, 0.5)(T), formula(T, 2, 3, 0.5))
    single = T.astype(np.float32)
    found = kind("t", "y", 2, 3, 0.5)(single)
    assert found.dtype == np.float32
    assert np.array_equal(found, formula(single.astype(np.float64), 2, 3, 0.5).astype(np.float32))
    assert kind("t", "y")(np.arange(3)).dtype == np.float64


def test_a_parameter_may_be_turned() -> None:
    knob = hr.Knob(1.0)
    run = Graph([SineWave("t", "y", amplitude=knob)]).run()
    assert run({"t": np.array([0.25])})["y"].round(9).tolist() == [1.0]
    knob.set(3.0)
    assert run({"t": np.array([0.25])})["y"].round(9).tolist() == [3.0]


@pytest.mark.parametrize("bad", ["a", None, np.nan, [1.0], 1j, True])
def test_what_is_no_number_is_refused(bad: Any) -> None:
    with pytest.raises(StreamConfigError, match="SineWave\\(frequency=\\)"):
        SineWave("t", "y", frequency=bad)
