"""Orientation filters against a rotation that is known, imufusion and ahrs; the offset of a gyroscope."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.geometry import Gravity
from headrace.signals.gyroscope import OffsetGyro
from headrace.signals.orientation import FusionOrientation, MadgwickOrientation, level
from headrace.signals.rotations import product
from support.require import require

RATE = 100.0


def turning(n: int, noise: float = 0.02, bias: float = 0.0) -> tuple[Any, Any, Any]:
    """Return (gyroscope, accelerometer, true orientation) of a sensor that turns about all axes."""
    rng, t = np.random.default_rng(0), np.arange(n) / RATE
    gyro = np.stack([60 * np.sin(0.7 * t), 40 * np.cos(0.5 * t + 0.3), 30 * np.sin(0.3 * t)], axis=1)
    q, truth = (1.0, 0.0, 0.0, 0.0), []
    for turn in np.radians(gyro) / RATE:
        angle = float(np.linalg.norm(turn))
        q = product(q, (np.cos(angle / 2), *(turn * np.sinc(angle / 2 / np.pi) / 2)))  # type: ignore[assignment]
        truth.append(q)
    true = np.array(truth)
    acc = Gravity("q", "g")(true) + noise * rng.normal(size=(n, 3))
    return gyro + bias, acc, true


def apart(p: Any, q: Any) -> Any:
    """Return the angle between orientations, in degrees."""
    p, q = (each / np.linalg.norm(each, axis=1)[:, None] for each in (p, q))
    near = np.minimum(np.linalg.norm(p - q, axis=1), np.linalg.norm(p + q, axis=1))
    return np.degrees(4 * np.arcsin(np.clip(near / 2, 0, 1)))


def tilt_apart(p: Any, q: Any) -> Any:
    """Return the angle between where up is."""
    a, b = Gravity("q", "g")(p), Gravity("q", "g")(q)
    return np.degrees(np.arccos(np.clip((a * b).sum(axis=1), -1, 1)))


@pytest.mark.parametrize(
    ("settings", "theirs"),
    [
        ({}, {}),
        ({"gain": 1.0}, {"gain": 1.0}),
        ({"gain": 0.0}, {"gain": 0.0}),
        ({"acceleration_rejection": 10.0}, {"acceleration_rejection": 10.0}),
        ({"acceleration_rejection": 0.0}, {"acceleration_rejection": 0.0}),
        (
            {"acceleration_rejection": 10.0, "rejection_timeout": 0.5},
            {"acceleration_rejection": 10.0, "rejection_timeout": 0.5},
        ),
        (
            {"acceleration_rejection": 10.0, "rejection_timeout": 0.0},
            {"acceleration_rejection": 10.0, "rejection_timeout": 0.0},
        ),
        ({"gyroscope_range": 58.0}, {"gyroscope_range": 58.0}),
    ],
)
def test_fusion_is_imufusion(settings: Any, theirs: Any) -> None:
    imufusion = require("imufusion")
    if not hasattr(imufusion, "AhrsSettings"):
        pytest.skip("another interface than that of imufusion 1.3")
    gyro, acc, _ = turning(3000)
    acc[1200:2200] += [3, 0, 1]
    mine = FusionOrientation("g", "a", RATE, "q", use_offset=False, **settings)(gyro, acc)
    about = imufusion.AhrsSettings()
    about.sample_rate, about.gain, about.acceleration_rejection, about.rejection_timeout = RATE, 0.5, 90.0, 3.0
    for name, value in theirs.items():
        setattr(about, name, value)
    ahrs = imufusion.Ahrs()
    ahrs.set_settings(about)
    found = []
    for turn, pull in zip(gyro.astype(np.float32), acc.astype(np.float32), strict=True):
        ahrs.update_no_magnetometer(turn, pull)
        found.append(ahrs.get_quaternion().copy())
    assert apart(mine, np.array(found)).max() < 0.002  # it computes in single precision


def test_madgwick_is_that_of_ahrs() -> None:
    ahrs = require("ahrs")
    gyro, acc, _ = turning(1000)
    filter_ = ahrs.filters.Madgwick(frequency=RATE, gain=0.033)
    q, found = np.array([1.0, 0, 0, 0]), []
    for turn, pull in zip(np.radians(OffsetGyro("g", "o", RATE)(gyro)), acc, strict=True):
        q = filter_.updateIMU(q, turn, 9.8 * pull)
        found.append(q)
    mine = MadgwickOrientation("g", "a", RATE, "q", q0=(1, 0, 0, 0))(gyro, acc)
    assert np.abs(mine - np.array(found)).max() < 1e-12


@pytest.mark.parametrize("gain", [0.0, 0.033, 0.3])
def test_madgwick_knows_where_it_is(gain: float) -> None:
    gyro, acc, true = turning(3000)
    found = MadgwickOrientation("g", "a", RATE, "q", gain)(gyro, acc)
    assert apart(found, true).max() < 5
    assert np.allclose(np.linalg.norm(found, axis=1), 1)


def test_both_find_up_from_anywhere() -> None:
    gyro, acc, true = turning(3000)
    start = (0.0, 1.0, 0.0, 0.0)  # upside down
    found = MadgwickOrientation("g", "a", RATE, "q", 0.5, start)(gyro, acc)
    assert tilt_apart(found[:5], true[:5]).min() > 90
    assert tilt_apart(found[1000:], true[1000:]).max() < 5
    turned = acc @ np.diag([1, -1, -1])  # imufusion begins without a turn
    other = FusionOrientation("g", "a", RATE, "q", use_offset=False)(gyro @ np.diag([1, -1, -1]), turned)
    up = Gravity("q", "g")(other)[1000:]
    assert (up * turned[1000:]).sum(axis=1).min() > 0.9


def test_gain_and_q0_count() -> None:
    gyro, acc, _ = turning(50)
    plain = MadgwickOrientation("g", "a", RATE, "q")(gyro, acc)
    assert not np.array_equal(MadgwickOrientation("g", "a", RATE, "q", 0.3)(gyro, acc), plain)
    twice = MadgwickOrientation("g", "a", RATE, "q", q0=(2, 0, 0, 0))(gyro, acc)
    assert np.array_equal(twice, MadgwickOrientation("g", "a", RATE, "q", q0=[1, 0, 0, 0])(gyro, acc))


def test_an_accelerometer_without_a_value_is_left_out() -> None:
    gyro = np.zeros((300, 3))
    nothing = np.zeros((300, 3))
    assert MadgwickOrientation("g", "a", RATE, "q")(gyro, nothing).tolist() == [[1, 0, 0, 0]] * 300
    assert FusionOrientation("g", "a", RATE, "q")(gyro, nothing).tolist() == [[1, 0, 0, 0]] * 300


@pytest.mark.parametrize("acc", [(0, 0, 2.0), (0, 0, -1.0), (1.0, 2.0, -3.0), (0, 1.0, 0)])
def test_level_is_the_turn_that_measures_this(acc: Any) -> None:
    q = np.array([level(*acc)])
    assert np.allclose(Gravity("q", "g")(q)[0], np.array(acc) / np.linalg.norm(acc))


def test_fusion_learns_the_offset_only_when_asked() -> None:
    n = 3000
    gyro, acc = np.full((n, 3), 1.0), np.tile([0.0, 0.0, 1.0], (n, 1))
    kept = FusionOrientation("g", "a", RATE, "q", use_offset=False)(gyro, acc)
    learnt = FusionOrientation("g", "a", RATE, "q")(gyro, acc)
    drift = [np.degrees(2 * np.arctan2(q[-1, 3], q[-1, 0])) for q in (kept, learnt)]
    assert drift[0] == pytest.approx(27, abs=1)  # 1 degree a second, behind the start of 3 seconds
    assert drift[1] < 12


def test_the_offset_is_learnt_by_a_low_pass_behind_quiet_seconds() -> None:
    gyro = np.full((1000, 3), 2.0)
    found = OffsetGyro("x", "y", RATE, cutoff_freq=0.5, timeout_const=2.0)(gyro)
    weight = 2 * np.pi * 0.5 / RATE
    wanted = 2.0 * (1 - weight) ** np.maximum(np.arange(1000) - 200, 0)
    assert np.allclose(found, wanted[:, None], rtol=1e-9)


def test_motion_of_one_axis_starts_the_wait_again() -> None:
    gyro = np.full((1000, 2), 1.0)
    gyro[300, 1] = 10.0
    found = OffsetGyro("x", "y", RATE, cutoff_freq=0.5, timeout_const=1.0)(gyro)
    assert found[300, 0] == found[301, 0] == found[400, 0]
    assert found[402, 0] < found[400, 0]
    quick = OffsetGyro("x", "y", RATE, cutoff_freq=0.5, timeout_const=1.0, threshold=11.0)(gyro)
    assert quick[310, 0] < quick[301, 0]
    never = OffsetGyro("x", "y", RATE, threshold=0.5)(gyro)
    assert np.array_equal(never, gyro)


def test_one_axis_will_do() -> None:
    assert OffsetGyro("x", "y", 1.0, timeout_const=0)(np.ones(5, np.float32)).shape == (5,)


@pytest.mark.parametrize("kind", [MadgwickOrientation, FusionOrientation])
def test_what_they_refuse(kind: Any) -> None:
    with pytest.raises(StreamConfigError, match="sample_rate="):
        kind("g", "a", 0.0, "q")
    with pytest.raises(StreamConfigError, match="gain="):
        kind("g", "a", RATE, "q", -1.0)
    with pytest.raises(DataError, match="3 numbers a row"):
        kind("g", "a", RATE, "q")(np.zeros((5, 3)), np.zeros((5, 4)))
    with pytest.raises(DataError, match="3 numbers a row"):
        kind("g", "a", RATE, "q")(np.zeros(5), np.zeros(5))


@pytest.mark.parametrize("q0", [(1, 2, 3), (0, 0, 0, 0), "abcd", (1, 0, 0, np.nan)])
def test_what_is_no_orientation(q0: Any) -> None:
    with pytest.raises(StreamConfigError, match="q0="):
        MadgwickOrientation("g", "a", RATE, "q", q0=q0)


def test_offsets_refuse_what_is_no_number() -> None:
    with pytest.raises(StreamConfigError, match="threshold="):
        OffsetGyro("x", "y", RATE, threshold=0.0)
