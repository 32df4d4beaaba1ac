"""Plain filters through the door."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.compat.genki_signals.filters import BaParams, ButterFilter, Filter, FirFilter, SosParams, is_odd
from support.require import require

scipy_signal = require("scipy.signal")
X = np.random.default_rng(0).normal(size=(300, 2))


def test_filters_of_their_parameters() -> None:
    sos = scipy_signal.butter(4, 10, fs=100, output="sos")
    b, a = scipy_signal.butter(2, 10, fs=100)
    for filter, (num, den) in (
        (Filter(SosParams(sos), 2), scipy_signal.sos2tf(sos)),
        (Filter(BaParams(b, a), 2), (b, a)),
    ):
        start = np.concatenate([filter.process(X[:7]), filter.process(X[7:])])
        zi = scipy_signal.lfilter_zi(num, den)[:, None] * X[0]
        assert np.allclose(start, scipy_signal.lfilter(num, den, X, axis=0, zi=zi)[0])
        assert np.allclose(filter.as_ba()[0], num)
        filter.reset()
        assert np.array_equal(filter.process(X), start)


def test_one_sample_at_a_time() -> None:
    one, whole = ButterFilter(4, 10, "lowpass", 100, 2), ButterFilter(4, 10, "lowpass", 100, 2)
    assert np.array_equal(np.stack([one.process(row) for row in X]), whole.process(X))
    single, column = ButterFilter(4, 10, "lowpass", 100), ButterFilter(4, 10, "lowpass", 100)
    assert np.array_equal([single.process(float(v)) for v in X[:, 0]], column.process(X[:, 0]))
    w, db, phase = one.response()
    assert len(w) == len(db) == len(phase)
    assert abs(db[0]) < 1e-6


@pytest.mark.parametrize(
    "make", [FirFilter.create_moving_average, FirFilter.create_gaussian, FirFilter.create_half_gaussian]
)
@pytest.mark.parametrize("width", [0.05, 0.1, 0.12, 0.33, 1.0])
def test_kernels_of_every_width(make: object, width: float) -> None:
    filter = make(width, 100)  # type: ignore[operator]
    assert np.isclose(filter.kernel.sum(), 1)
    assert np.allclose(filter.process(np.ones(50)), 1)
    if make != FirFilter.create_half_gaussian:
        assert is_odd(len(filter.kernel))


def test_a_kernel_that_changes_levels_is_told() -> None:
    with pytest.warns(UserWarning, match="sums up to 2"):
        FirFilter([1.0, 1.0], 100)
