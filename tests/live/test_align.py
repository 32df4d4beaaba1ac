"""Device clocks on the host's: drift and jitter simulated, and what is left of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.align import ClockFit, fit_pairs
from support.counts import heavy


def arrivals(
    seed: int, ppm: float, *, rate: float = 100, seconds: float = 60, jitter: float = 0.005, bursts: float = 0.05
) -> tuple[Any, Any, Any]:
    """Device times, the true host times, and when each arrived: normal jitter, and bursts that come late together."""
    rng = np.random.default_rng(seed)
    device = np.arange(int(rate * seconds)) / rate
    true = 5000.0 + device * (1 + ppm * 1e-6)
    host = true + rng.normal(0.0, jitter, len(device))
    length = int(rate * 0.1)  # a tenth of a second is held up, and comes at once
    for start in rng.integers(0, len(device), int(bursts * len(device) / length)):
        stop = min(len(device), start + length)
        host[start:stop] = np.maximum(host[start:stop], true[stop - 1] + rng.uniform(0.0, 0.05))
    return device, true, host


def residuals(device: Any, true: Any, host: Any, after: float = 30.0) -> tuple[Any, Any]:
    """What the online fit tells of each sample when it comes, less the truth; and all that it tells."""
    fit, told = ClockFit(), []
    for lo in range(0, len(device), 10):
        fit.update(device[lo : lo + 10], host[lo : lo + 10])
        told.append(fit.to_host(device[lo : lo + 10]))
    found = np.concatenate(told)
    return np.abs(found - true)[device >= after], found


@pytest.mark.parametrize("ppm", [-100.0, 0.0, 100.0])
def test_drift_and_jitter_leave_less_than_a_millisecond_after_30_seconds(ppm: float) -> None:
    for seed in range(max(2, heavy(50))):
        left, found = residuals(*arrivals(seed, ppm))
        assert np.percentile(left, 99) <= 0.001, f"seed {seed}"
        assert np.all(np.diff(found) >= 0)


def test_the_rate_is_found() -> None:
    device, true, host = arrivals(3, 80.0, seconds=120)
    fit = ClockFit()
    fit.update(device, host)
    assert fit.ppm == pytest.approx(80, abs=10)
    assert fit.jitter == pytest.approx(0.005, rel=0.2)
    assert fit.offset == pytest.approx(5000.0, abs=0.001)
    assert fit.slope == 1 + fit.ppm * 1e-6
    np.testing.assert_allclose(fit.to_host(device[:3]), true[:3], atol=0.001)


def test_few_pairs_are_believed_for_what_they_are() -> None:
    fit = ClockFit()
    with pytest.raises(DataError, match="no pair yet"):
        fit.to_host(0.0)
    fit.update(10.0, 500.0)
    assert fit.to_host(11.0) == 501.0
    rng = np.random.default_rng(0)
    fit = ClockFit()
    for t in np.arange(0, 1, 0.01):
        fit.update(t, 100 + t + rng.normal(0, 0.005))
    assert abs(fit.to_host(2.0) - 102) < 0.01  # and not a slope of thousands of ppm


def test_time_never_goes_back_when_the_line_moves() -> None:
    fit = ClockFit()
    fit.update([0.0, 1.0], [100.5, 101.5])
    first = fit.to_host(1.0)
    fit.update(np.arange(2.0, 60.0), 100 + np.arange(2.0, 60.0))
    assert fit.to_host(1.0) == first
    assert fit.to_host(np.array([1.1, 50.0]))[1] > first


def test_a_device_that_begins_again_gets_a_new_line() -> None:
    fit = ClockFit()
    device = np.arange(0, 30, 0.01)
    fit.update(device, 100 + device)
    fit.update(np.concatenate([device + 30, device]), np.concatenate([130 + device, 300 + device]))
    assert fit.resets == 1
    assert fit.to_host(5.0) == pytest.approx(305, abs=1e-3)
    fit.update(device + 5000, 330 + device)  # its clock has jumped ahead
    assert fit.resets == 2
    assert fit.to_host(5000.0) == pytest.approx(330, abs=1e-3)


def test_a_long_stream_is_bounded_and_follows_a_drift_that_changes() -> None:
    fit = ClockFit(window=60.0, keep=False)
    device = np.arange(0, 600, 0.002)
    ppm = np.where(device < 300, 50.0, -50.0)
    true = 1000 + np.cumsum(0.002 * (1 + ppm * 1e-6))
    host = true + np.random.default_rng(1).normal(0, 0.002, len(device))
    for lo in range(0, len(device), 5000):
        fit.update(device[lo : lo + 5000], host[lo : lo + 5000])
    assert fit.ppm == pytest.approx(-50, abs=10)
    assert abs(fit.to_host(device[-1]) - true[-1]) < 0.001
    assert len(fit.pairs()) == 0
    assert int(repr(fit).split()[0].removeprefix("ClockFit(")) <= 4096


def test_recorded_pairs_are_fitted_again() -> None:
    device, true, host = arrivals(5, -70.0)
    fit = ClockFit()
    for lo in range(0, len(device), 7):
        fit.update(device[lo : lo + 7], host[lo : lo + 7])
    pairs = fit.pairs()
    np.testing.assert_array_equal(pairs, np.stack([device, host], axis=1))
    again = fit_pairs(pairs)
    assert np.abs(again.to_host(device) - true).max() < 0.001


def test_what_it_does_not_take() -> None:
    with pytest.raises(StreamConfigError, match="window=0"):
        ClockFit(window=0)
    fit = ClockFit()
    for device, host in (([1.0], [1.0, 2.0]), ([np.nan], [1.0])):
        with pytest.raises(DataError, match="wanted as many finite ones"):
            fit.update(device, host)
    fit.update([], [])
    assert fit.pairs().shape == (0, 2)
