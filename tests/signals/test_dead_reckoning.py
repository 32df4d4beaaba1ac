"""Whether a sensor is still, against the formulas written out."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.dead_reckoning import (
    DeadReckoning,
    calc_per_t_power,
    combine_power,
    sigmoid,
    zero_velocity_from_linacc_and_gyro,
)
from headrace.signals.design import gaussian_kernel, half_gaussian_kernel

RATE = 100.0


def moving(n: int = 600) -> tuple[Any, Any]:
    """Return (gyroscope, acceleration) of a sensor that is still but for rows 200 to 400."""
    rng = np.random.default_rng(0)
    gyro, acc = rng.normal(size=(n, 3)), 0.01 * rng.normal(size=(n, 3))
    gyro[200:400] *= 100
    acc[200:400] *= 50
    return gyro, acc


def test_the_formulas() -> None:
    gyro, _ = moving()
    assert np.allclose(calc_per_t_power(gyro), np.linalg.norm(gyro, axis=1))
    assert calc_per_t_power([-3, 4]).tolist() == [3, 4]
    assert np.allclose(sigmoid(np.array([-1.0, 0, 1]), 2), 1 / (1 + np.exp([2.0, 0, -2])))
    assert float(sigmoid(-1e9)) == 0
    p, power = combine_power(np.array([60.0]), np.array([0.5]), bias=0.2, c_acc=2.0, c_gyro=0.01, beta=3.0)
    assert np.allclose(power, 1.6)
    assert np.allclose(p, 1 / (1 + np.exp(-3 * 1.4)))


@pytest.mark.parametrize("half", [True, False])
def test_it_is_the_formula_of_smoothed_powers(half: bool) -> None:
    gyro, acc = moving()
    signal = DeadReckoning("g", "a", "y", 0.1, RATE, half=half)
    found = signal(gyro, acc)
    kernel = (half_gaussian_kernel if half else gaussian_kernel)(0.1, RATE)
    smooth = []
    for each in (gyro, acc):
        power = np.linalg.norm(each, axis=1)
        held = np.concatenate([np.full(len(kernel) - 1, power[0]), power])
        smooth.append(np.convolve(held, kernel, "valid"))
    p = 1 / (1 + np.exp(-50 * (smooth[1] + smooth[0] / 300 - 0.11)))
    assert np.array_equal(found, (p < 0.5).astype(float))
    assert found[:200].all()
    assert not found[220:400].any()
    assert found[430:].all()
    assert signal.latency == (0 if half else Fraction(len(kernel) - 1, 2))


def test_the_one_for_recordings_has_no_delay() -> None:
    gyro, acc = moving()
    late = DeadReckoning("g", "a", "y", 0.1, RATE, half=False)
    found = zero_velocity_from_linacc_and_gyro(gyro, acc, sigma=0.1 / 4 * RATE)
    delay = int(late.latency)
    assert np.array_equal(found[20:-20], late(gyro, acc)[20 + delay : len(gyro) - 20 + delay])


@pytest.mark.parametrize(
    "other",
    [
        {"bias": 1.5},
        {"c_acc": 9.0},
        {"c_gyro": 0.0},
        {"threshold": 1e-4},
        {"len_sec": 1.0},
        {"beta": 1e-3, "threshold": 0.501},
    ],
)
def test_every_parameter_counts(other: Any) -> None:
    gyro, acc = moving()
    acc[200:400] /= 5
    plain = {"len_sec": 0.1, "sample_rate": RATE}
    assert not np.array_equal(
        DeadReckoning("g", "a", "y", **{**plain, **other})(gyro, acc),
        DeadReckoning("g", "a", "y", **plain)(gyro, acc),  # type: ignore[arg-type]
    )


def test_what_it_refuses() -> None:
    with pytest.raises(StreamConfigError, match="len_sec="):
        DeadReckoning("g", "a", "y", 0.0, RATE)
    with pytest.raises(StreamConfigError, match="bias="):
        DeadReckoning("g", "a", "y", 0.1, RATE, bias="a")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="complex"):
        DeadReckoning("g", "a", "y", 0.1, RATE)(np.zeros((3, 3)), np.zeros((3, 3), complex))
