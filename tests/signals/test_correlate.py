"""Correlation over the last rows, row by row against numpy."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.correlate import CrossCorrelation

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(("length", "lags"), [(2, 0), (40, 5), (7, 20), (500, 1)])
def test_it_is_pearsons_of_the_rows_that_have_been(length: int, lags: int) -> None:
    a, b = RNG.normal(size=200) + 100, RNG.normal(size=200) - 5
    b[3:] += a[:-3]
    found = CrossCorrelation("a", "b", "y", length, lags)(a, b)
    assert found.shape == (200, 2 * lags + 1)
    for i in range(0, 200, 7):
        for lag in range(-lags, lags + 1):
            at = np.arange(max(abs(lag), i - length + 1), i + 1)
            here = found[i, lags + lag]
            if len(at) < 2:
                assert np.isnan(here)
            else:
                wanted = np.corrcoef(a[at - max(0, -lag)], b[at - max(0, lag)])[0, 1]
                assert abs(here - wanted) < 1e-9


def test_the_lag_of_a_delayed_signal_is_found() -> None:
    b = RNG.normal(size=300)
    a = np.concatenate([np.zeros(4), b[:-4]])
    assert CrossCorrelation("a", "b", "y", 100, 8)(a, b)[-1].argmax() - 8 == 4
    assert CrossCorrelation("a", "b", "y", 100, 8)(b, a)[-1].argmax() - 8 == -4


def test_channels_are_compared_each_with_its_own() -> None:
    a, b = RNG.normal(size=(50, 2, 3)), RNG.normal(size=(50, 2, 3))
    signal = CrossCorrelation("a", "b", "y", 10, 2)
    found = signal(a, b)
    assert found.shape == (50, 2, 3, 5)
    assert np.array_equal(found[:, 1, 2], signal(a[:, 1, 2], b[:, 1, 2]), equal_nan=True)


def test_a_constant_goes_with_nothing() -> None:
    found = CrossCorrelation("a", "b", "y", 10)(np.full(30, 0.1), RNG.normal(size=30))
    assert np.isnan(found).all()


def test_what_it_refuses() -> None:
    for bad in ((1,), (0,), (5, -1), (2.5,)):
        with pytest.raises(StreamConfigError, match="CrossCorrelation"):
            CrossCorrelation("a", "b", "y", *bad)
    with pytest.raises(DataError, match="shape"):
        CrossCorrelation("a", "b", "y", 5)(np.zeros(3), np.zeros((3, 1)))
    with pytest.raises(DataError, match="complex"):
        CrossCorrelation("a", "b", "y", 5)(np.zeros(3, complex), np.zeros(3))


@pytest.mark.parametrize(
    ("first", "level", "noise"), [(0.0, 1e4, 1e-3), (0.0, 1e9, 1.0), (np.nan, 3.0, 1.0), (-5.0, 0.0, 1e-9)]
)
def test_rows_that_are_far_from_the_first(first: float, level: float, noise: float) -> None:
    a, b = (np.r_[first, level + noise * RNG.normal(size=300)] for _ in range(2))
    found = CrossCorrelation("a", "b", "y", 50, 2)(a, b)[-1]
    for lag, here in zip(range(-2, 3), found, strict=True):
        late_a, late_b = max(0, -lag), max(0, lag)
        wanted = np.corrcoef(a[-50 - late_a : len(a) - late_a], b[-50 - late_b : len(b) - late_b])[0, 1]
        assert abs(here - wanted) < 1e-6
    assert abs(CrossCorrelation("a", "b", "y", 50)(a, a)[-1, 0] - 1) < 1e-12


@pytest.mark.parametrize("level", [0.1, 1e9 / 3, -1e-12])
@pytest.mark.parametrize("length", [2, 7, 100])
def test_a_constant_of_any_size_goes_with_nothing(level: float, length: int) -> None:
    found = CrossCorrelation("a", "b", "y", length, 3)(np.full(150, level), RNG.normal(size=150))
    assert np.isnan(found).all()


def test_rows_one_by_one_and_many_lags_take_no_more_room_than_they_need() -> None:
    a, b = RNG.normal(size=(2, 100))
    signal = CrossCorrelation("a", "b", "y", 5000, 500)
    tracemalloc.start()
    whole = signal(a, b)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40e6
    state = signal.init(a[:0], b[:0])
    found, state = signal.step(state, a[:99], b[:99])
    last, state = signal.step(state, a[99:], b[99:])
    assert np.array_equal(np.concatenate([found, last]), whole, equal_nan=True)
