"""Lengths that no memory holds: refused where they are said, before anything is allocated."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.errors import DataError, StreamConfigError
from headrace.signals import design
from headrace.signals.checks import LONGEST, a_length
from support.require import require

HUGE = 10**9
MADE: dict[str, Any] = {
    "MovingAverage": lambda n: s.MovingAverage("x", "y", n),
    "MovingMax": lambda n: s.MovingMax("x", "y", n),
    "MovingStd": lambda n: s.MovingStd("x", "y", n),
    "Delay": lambda n: s.Delay("x", n, "y"),
    "CrossCorrelation": lambda n: s.CrossCorrelation("x", "x", "y", n, 2),
    "max_lag": lambda n: s.CrossCorrelation("x", "x", "y", 5, n),
    "Windows": lambda n: s.Windows("x", "y", n),
    "FourierTransform": lambda n: s.FourierTransform("x", "y", n),
    "InverseFourierTransform": lambda n: s.InverseFourierTransform("x", "y", n),
    "WindowedInference": lambda n: s.WindowedInference("x", "y", np.mean, n),
    "HilbertEnvelope": lambda n: s.HilbertEnvelope("x", "y", n + 1),
    "AmplitudeDemodulation": lambda n: s.AmplitudeDemodulation("x", "y", 20.0, 100.0, 5.0, n),
    "up": lambda n: s.Resample("x", "y", n, 1),
    "down": lambda n: s.Resample("x", "y", 1, n),
}


@pytest.mark.parametrize("length", [HUGE, 10**20])
@pytest.mark.parametrize("name", MADE)
def test_lengths_that_no_memory_holds(name: str, length: int) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(StreamConfigError, match=rf"{name}.*got 1\d+, wanted at most {LONGEST} rows"):
            MADE[name](length)
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "make",
    [
        lambda: design.gaussian_kernel(1e9, 100.0),
        lambda: design.half_gaussian_kernel(1e9, 100.0),
        lambda: design.moving_average_kernel(1e9, 100.0),
        lambda: design.windowed_fir(10**10, 5.0, 100.0),
        lambda: s.GaussianSmooth("x", "y", 1e9, 100.0)([1.0]),
        lambda: s.DeadReckoning("g", "a", "y", 1e9, 100.0)(np.ones((1, 3)), np.ones((1, 3))),
    ],
    ids=["bell", "half a bell", "mean", "fir", "GaussianSmooth", "DeadReckoning"],
)
def test_kernels_that_no_memory_holds(make: Any) -> None:
    with pytest.raises(StreamConfigError, match="rows: as many are kept"):
        make()


def test_wavelets_that_no_memory_holds() -> None:
    require("pywt")
    with pytest.raises(StreamConfigError, match=r"WaveletBank\(scales=\), as rows, got 1600000000"):
        s.WaveletBank("x", "y", (1e8,))([1.0])


@pytest.mark.parametrize("order", [1000, 10**6])
def test_orders_whose_coefficients_are_no_numbers(order: int) -> None:
    require("scipy")
    with pytest.raises(StreamConfigError, match=rf"butterworth\(order=\) got {order}, wanted one for which"):
        s.LowPassFilter("x", "y", order, 10.0, 100.0)([1.0])


@pytest.mark.parametrize(
    "signal",
    [
        s.MovingAverage("x", "y", 10**8),
        s.MovingMin("x", "y", 10**8),
        s.Delay("x", 10**8, "y"),
        s.CrossCorrelation("x", "x", "y", 10**8, 2),
    ],
    ids=lambda signal: type(signal).__name__,
)
def test_rows_of_many_channels_that_no_memory_holds(signal: Any) -> None:
    with pytest.raises(DataError, match=r"rows of shape \(30,\), 22.4 GiB; wanted at most 4 GiB"):
        signal(*[np.ones((3, 30))] * len(signal.inputs))


def test_what_memory_holds_is_taken() -> None:
    assert a_length("who", LONGEST) == LONGEST
    assert a_length("who", 0, zero=True) == 0
    assert s.Graph([s.Windows("x", "y", LONGEST)])({"x": np.ones(3)})["y"].shape == (0, LONGEST)
