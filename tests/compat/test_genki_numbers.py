"""The numbers, shapes and errors that Genki Signals documents for its functions, filters and plain modules; time is axis 0."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import headrace.compat.genki_signals.functions as f
from headrace.compat.genki_signals import dead_reckoning, filters, fusion
from headrace.compat.genki_signals.models.letter_detection_model import SimpleGruModel
from headrace.errors import DataError
from support.require import require

signal = require("scipy.signal")
RNG = np.random.default_rng(0)
X, XYZ = RNG.normal(size=2000), RNG.normal(size=(2000, 3))
T = np.arange(2000) / 1000


# --- 5.1 to 5.6 -------------------------------------------------------------------------------------


def test_arithmetic() -> None:
    assert np.array_equal(f.Scale("x", "y", 3.0)(XYZ), XYZ * 3.0)
    assert np.array_equal(f.Difference("a", "b", name="y")(XYZ, XYZ[::-1]), XYZ - XYZ[::-1])
    assert np.array_equal(f.Multiply("a", "b", name="y")(X, X), X * X)
    assert np.allclose(f.Pow("x", "y")(X), X**2.0)
    assert np.allclose(f.Exp("x", "y", base=2.0)(X), 2.0**X)
    assert np.allclose(f.Exp("x", "y")(X), np.exp(X))
    assert np.allclose(f.Logarithm("x", "y", base=10.0)(np.abs(X)), np.log10(np.abs(X)))
    assert np.array_equal(f.Clip("x", "y", -0.5, 0.5)(X), np.clip(X, -0.5, 0.5))
    with pytest.raises(ValueError, match="rows"):
        f.Sum("a", "b", name="y")(X, X[:5])


def test_derivatives() -> None:
    slope = f.Differentiate("a", "b", "y")(X, T)
    assert slope[0] == 0
    assert np.allclose(slope[1:], np.diff(X) / np.diff(T))
    assert np.array_equal(f.Differentiate("a", None, "y")(XYZ)[1:], np.diff(XYZ, axis=0)), "no channel is blanked"
    assert f.Differentiate("a", "b", "y")([1.0, 2.0], [3.0, 3.0]).tolist() == [0, 0]


def test_the_rate_of_samples_begins_at_a_time_of_0() -> None:
    times = 1.7e9 + np.array([0.0, 0.5, 1.0, 1.0])
    with np.errstate(divide="ignore"):
        found = f.SampleRate()(times)
    assert found[0] == 1 / 1.7e9
    assert found[1:3].tolist() == [2.0, 2.0]
    assert np.isinf(found[3])
    assert f.SampleRate("timestamp", name="khz", unit_multiplier=1e-3)(times[:2])[1] == 2e-3


def test_a_mean_of_as_many_as_there_are() -> None:
    assert f.MovingAverage("x", name="y", length=3)([3.0, 6.0, 9.0, 0.0]).tolist() == [3.0, 4.5, 6.0, 5.0]


def test_spectra_of_a_recording() -> None:
    found = f.FourierTransform("x", "y", 256, 128)(X)
    assert found.shape == (14, 129)
    first = signal.detrend(X[:256]) * signal.windows.hann(256)
    assert np.allclose(found[0], np.fft.rfft(first) / 256)
    assert f.FourierTransform("x", "y", 256, 128)(XYZ).shape == (14, 3, 129)
    assert f.FourierTransform("x", "y", 256, 128, upsample=True)(X).shape == (2000, 129)
    with pytest.raises(ValueError, match="hann"):
        f.FourierTransform("x", "y", window_type="hamming")


def test_a_delay() -> None:
    assert f.Delay("x", 3, "y")(XYZ)[:4].tolist() == [[0.0] * 3] * 3 + [XYZ[0].tolist()]


# --- 5.7 to 5.10 ------------------------------------------------------------------------------------


def test_shapes() -> None:
    assert np.array_equal(f.ExtractDimension("x", "y", 1)(XYZ), XYZ[:, 1])
    assert f.Concatenate("a", "b", name="y")(X, XYZ).shape == (2000, 4)
    assert f.Stack("a", "b", name="y")(XYZ, XYZ).shape == (2000, 2, 3)
    assert f.Reshape("x", (3, -1), "y")(XYZ).shape == (2000, 3, 1)
    for function, rows in (
        (f.ExtractDimension("x", "y", (0, 0)), (XYZ,)),
        (f.Reshape("x", (2,), "y"), (XYZ,)),
        (f.Concatenate("a", "b", name="y", axis=1), (XYZ, XYZ)),
    ):
        with pytest.raises(ValueError, match=r"\("):
            function(*rows)


def test_several_as_one_in_the_order_of_first_use() -> None:
    both = f.Combine([f.Sum("b", "a", name="s"), f.Scale("s", "t", 2.0), f.Sum("t", "c", name="u")], name="y")
    assert both.input_signals == ("b", "a", "c")
    assert np.array_equal(both(X, X, X), 2.0 * (X + X) + X)


def test_waves_of_time() -> None:
    angle = 2 * np.pi * 3.0 * T + 0.5
    assert np.allclose(f.SineWave("t", "y", 2.0, 3.0, 0.5)(T), 2 * np.sin(angle))
    assert np.allclose(f.SquareWave("t", "y", 2.0, 3.0, 0.5)(T), 2 * signal.square(angle))
    assert np.allclose(f.TriangleWave("t", "y", 2.0, 3.0, 0.5)(T), 2 * signal.sawtooth(angle, 0.5))
    assert f.SineWave("t", "y").params == {"amplitude": 1, "frequency": 1, "phase": 0}


def test_filters_begin_as_though_the_first_row_had_been_there_always() -> None:
    for function, kind, freq in (
        (f.LowPassFilter("x", "y", 4, 50, 1000), "lowpass", 50),
        (f.HighPassFilter("x", "y", 4, 50, 1000), "highpass", 50),
        (f.BandPassFilter("x", "y", 4, (50, 100), 1000), "bandpass", (50, 100)),
    ):
        sos = signal.butter(4, freq, kind, fs=1000, output="sos")
        zi = signal.sosfilt_zi(sos)[:, :, None] * XYZ[0]
        assert np.array_equal(function(np.empty((0, 3))), np.empty((0, 3)))
        assert np.allclose(function(XYZ), signal.sosfilt(sos, XYZ, axis=0, zi=zi)[0], atol=1e-12)
    with pytest.raises(ValueError, match="two frequencies"):
        f.BandPassFilter("x", "y", 4, 50, 1000)
    smooth = f.GaussianSmooth("x", "y", 0.05, 1000)
    one_by_one = f.GaussianSmooth("x", "y", 0.05, 1000)
    assert np.array_equal(np.concatenate([one_by_one(row[None]) for row in X[:200]]), smooth(X[:200]))


@pytest.mark.parametrize("order", [None, 0, 1, 2, np.inf, -np.inf])
def test_norms(order: Any) -> None:
    found = f.Norm("x", "y", order=order)(XYZ)
    assert np.allclose(found, [np.linalg.norm(row, order) for row in XYZ])
    assert np.array_equal(f.Norm("x", "y", order=order)(X), X), "one axis passes as it is"


def test_angles_of_quaternions() -> None:
    q = RNG.normal(size=(50, 4))
    q /= np.linalg.norm(q, axis=1, keepdims=True)
    w, x, y, z = q.T
    angles = f.EulerAngle("q", name="y")(q)
    assert np.allclose(angles[:, 0], np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)))
    assert np.allclose(angles[:, 1], np.arcsin(np.clip(2 * (w * y - z * x), -1, 1)))
    assert np.allclose(angles[:, 2], np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))
    assert np.isfinite(f.EulerAngle("q", name="y")([[0.5**0.5, 0, -(0.5**0.5), 0]])).all()
    orientation = f.EulerOrientation("q", name="y")(q)
    assert np.allclose(orientation[:, 0], np.degrees(2 * np.arccos(w)))
    assert np.isfinite(f.EulerOrientation("q", name="y")([[1.0, 0, 0, 0]])).all()
    up = f.Gravity("q", name="y")(q)
    assert np.allclose(up, np.stack([2 * (x * z - w * y), 2 * (w * x + y * z), 2 * (w * w - 0.5 + z * z)], 1))
    assert np.allclose(f.Rotate("v", "q", name="y")([[0.0, 0, 1]], [[0.5**0.5, 0.5**0.5, 0, 0]]), [[0, -1, 0]])


def test_vectors() -> None:
    angle = f.AngleBetween("a", "b", name="y")([[1.0, 0, 0], [1, 0, 0]], [[0.0, 2, 0], [-3, 0, 0]])
    assert np.allclose(angle, [np.pi / 2, np.pi])
    assert f.ZeroCrossing("x", "y")([1.0, -1.0, -2.0, 0.0]).tolist() == [0, 1, 0, 1]
    assert f.GravityProjection("x", "g", name="y")(XYZ, np.array([[0.0, 0.1, 1.0]] * 2000)).shape == (2000, 2)


@pytest.mark.parametrize("make", [f.MadgwickOrientation, f.FusionOrientation])
def test_orientation_of_a_sensor_at_rest_and_turning(make: Any) -> None:
    acc = np.tile([0.0, 0.0, 1.0], (400, 1))
    still = make("gyro", "acc", 100.0, name="q")(np.zeros((400, 3)), acc)
    assert still.shape == (400, 4)
    assert np.allclose(np.abs(still[-1]), [1, 0, 0, 0], atol=1e-6)
    turning = np.tile([0.0, 0.0, 90.0], (400, 1))  # degrees a second, about the axis of gravity: gravity does not tell
    function, again = make("gyro", "acc", 100.0, name="q"), make("gyro", "acc", 100.0, name="q")
    found = function(turning, acc)
    yaw = np.unwrap(f.EulerAngle("q", name="e")(found)[:, 2])
    assert np.allclose(np.abs(np.diff(yaw))[320:], np.radians(0.9), rtol=0.05), "imufusion holds the heading for 3 s"
    parts = [again(turning[lo : lo + 9], acc[lo : lo + 9]) for lo in range(0, 400, 9)]
    assert np.array_equal(np.concatenate(parts), found)


# --- 6 ----------------------------------------------------------------------------------------------


def test_json_keeps_what_could_not_be_kept() -> None:
    functions = [
        f.Norm("x", "y", order=np.inf),
        f.Differentiate("a", None, "y"),
        f.Reshape("x", [3, 1], "y"),
        f.ExtractDimension("x", "y", (0,)),
        f.Inference("x", "y", "letters.onnx", stateful=False),
    ]
    told = [f.encode_signal_fn(function) for function in functions]
    assert all(list(each) == ["__signal_function__", "type", "inputs", "name", "params"] for each in told)
    twins = json.loads(json.dumps(functions, default=f.encode_signal_fn), object_hook=f.decode_signal_fn)
    assert [twin.params for twin in twins] == [function.params for function in functions]
    assert f.encode_signal_fn(np.arange(3)) == [0, 1, 2]


# --- 8 ----------------------------------------------------------------------------------------------


def test_filters_offline_and_their_forms() -> None:
    butter = filters.ButterFilter(4, 10, "lowpass", 100, n_channels=3)
    sos = signal.butter(4, 10, fs=100, output="sos")
    assert np.allclose(butter.process_offline(XYZ), signal.sosfiltfilt(sos, XYZ, axis=0))
    b, a = butter.as_ba()
    assert np.allclose(a, signal.sos2tf(sos)[1])
    assert len(b) == 5
    assert filters.gaussian_kernel1d(2.0, truncate=2.0).shape == (9,)
    assert (filters.is_even(2), filters.is_odd(2)) == (True, False)
    assert filters.gaussian_smooth_offline(XYZ, 2.0, axis=0).shape == XYZ.shape


def test_a_gyroscope_without_its_offset() -> None:
    rows = 0.4 + RNG.normal(0, 0.1, size=(3000, 3))
    whole, one = fusion.OffsetGyro(100.0, cutoff_freq=0.5), fusion.OffsetGyro(100.0, cutoff_freq=0.5)
    found = whole.update(rows)
    assert np.array_equal(np.stack([one(row) for row in rows]), found)
    assert np.array_equal(found[:500], rows[:500]), "five quiet seconds come first"
    assert np.allclose(whole.offset, 0.4, atol=0.03)
    assert np.abs(found[-500:].mean(axis=0)).max() < 0.03
    before = whole.offset
    whole.update([500.0, 0.0, 0.0])
    whole.update(rows[:400])
    assert np.array_equal(whole.offset, before), "a turn resets the timer"
    with pytest.raises(DataError, match="2 axes, wanted 3"):
        whole.update([1.0, 2.0])
    with pytest.raises(DataError, match="wanted"):
        whole.update(1.0)
    whole.reset()
    assert whole.update([1.0, 2.0]).tolist() == [1.0, 2.0]
    assert fusion.OffsetGyro.__init__.__defaults__ == (0.02, 5.0, 3.0)


def test_whether_a_sensor_is_still() -> None:
    assert np.allclose(dead_reckoning.calc_per_t_power(XYZ), np.linalg.norm(XYZ, axis=1))
    assert dead_reckoning.sigmoid(0.0, 50.0) == 0.5
    likely, power = dead_reckoning.combine_power(np.array([30.0]), np.array([0.01]), 0.11, 1.0, 1 / 300, 50.0)
    assert np.allclose([likely[0], power[0]], [0.5, 0.11])
    gyro = np.zeros((200, 3))
    gyro[100:] = 100.0
    offline = dead_reckoning.zero_velocity_from_linacc_and_gyro(gyro, np.zeros((200, 3)), 2.0)
    assert offline[:90].all()
    assert not offline[110:].any()
    online = f.DeadReckoning("g", "a", "still", 0.1, 100.0)(gyro, np.zeros((200, 3)))
    assert online[:100].all()
    assert not online[110:].any()


def test_the_letter_model_is_where_it_was() -> None:
    assert hasattr(SimpleGruModel, "load_from_checkpoint")
    assert hasattr(SimpleGruModel, "inference")
