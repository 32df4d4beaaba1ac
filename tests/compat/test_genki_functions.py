"""Genki Signals' functions through the door: both spellings, memory from call to call, the numbers of its tests."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import headrace.compat.genki_signals.functions as f
from headrace.compat.genki_signals import signals as seed
from support.require import require

require("scipy")
RNG = np.random.default_rng(0)
T = np.arange(500) / 100 + 1.7e9
X, XYZ = RNG.normal(size=500), RNG.normal(size=(500, 3))


def cut(function: Any, *arrays: Any, block: int = 7) -> Any:
    return np.concatenate([function(*(a[i : i + block] for a in arrays)) for i in range(0, len(arrays[0]), block)])


def test_the_notebooks_derived_signals() -> None:
    """Cell 29 and 14 to 17: positional inputs, name=, and the order of the keys."""
    derived = [
        seed.Sum("sine_0", "sine_1", name="composite_sine"),
        seed.Sum("composite_sine", "noise", name="wave_with_noise"),
        seed.FourierTransform("wave_with_noise", name="wave_spectrum", window_size=256, window_overlap=128),
        seed.SampleRate("timestamp", name="sample_rate"),
        seed.MovingAverage("sample_rate", length=10, name="smooth_sample_rate"),
    ]
    data = {"timestamp": T, "sine_0": np.sin(T), "sine_1": np.cos(T), "noise": X}
    block = f.compute_signal_functions(data, derived)
    assert list(block) == [
        "timestamp", "sine_0", "sine_1", "noise",
        "composite_sine", "wave_with_noise", "wave_spectrum", "sample_rate", "smooth_sample_rate",
    ]  # fmt: skip
    assert block["wave_spectrum"].shape == (2, 129)
    assert block["sample_rate"][0] < 1e-8, "the time before the first is 0, as there"
    assert list(data) == ["timestamp", "sine_0", "sine_1", "noise"]


def test_a_spectrum_has_its_peaks_where_the_sines_are() -> None:
    t = np.arange(4000) / 1000
    x = 5 * np.sin(2 * np.pi * 31.25 * t) + 2 * np.sin(2 * np.pi * 78.125 * t)
    spectrum = np.abs(seed.FourierTransform("x", name="y", window_size=256, window_overlap=128)(x)).mean(axis=0)
    assert set(np.argsort(spectrum)[-2:]) <= {7, 8, 9, 19, 20, 21}
    assert np.argmax(spectrum) == 8


def test_other_spellings_of_the_notebook() -> None:
    by_time = seed.Differentiate("mouse_position", sig_b="timestamp", name="speed")
    assert by_time.input_signals == ("mouse_position", "timestamp")
    imu = seed.Concatenate(["linacc", "gyro"], name="imu")
    assert imu(XYZ, XYZ).shape == (500, 6)
    assert imu.input_signals == ("linacc", "gyro")


def test_functions_remember_from_call_to_call() -> None:
    pairs = [
        (f.Integrate("x", "t", name="y"), (X, T)),
        (f.Differentiate("x", "t", name="y"), (X, T)),
        (f.MovingAverage("x", "y", 10), (X,)),
        (f.Delay("x", 5, "y"), (X,)),
        (f.LowPassFilter("x", "y", 4, 10, 100), (XYZ,)),
        (f.GaussianSmooth("x", "y", 0.3, 100), (XYZ,)),
        (f.FourierTransform("x", "y", 64, 32), (X,)),
        (f.FourierTransform("x", "y", 64, 32, upsample=True), (X,)),
    ]
    for function, arrays in pairs:
        once = type(function).of(function.signal)
        assert np.array_equal(cut(function, *arrays), once(*arrays), equal_nan=True), function


def test_integrals_of_the_specification() -> None:
    assert np.array_equal(f.Integrate("a", "b", name="c")(np.ones(100), np.arange(100.0)), np.arange(100.0))
    assert f.Integrate("a", "b", name="c")([1, 2, 10], [0, 1, 2]).tolist() == [0, 1.5, 7.5]
    assert f.Integrate("a", "b", name="c", use_trapz=False)([1, 2, 3], [0, 1, 101]).tolist() == [0, 2, 302]


def test_arity_is_not_checked() -> None:
    assert f.Sum("a", name="b")(X, X, X).tolist() == (X + X + X).tolist()
    assert f.Stack("a", name="b")(X, X).shape == (500, 2)


def test_attributes_and_forms() -> None:
    function = f.Clip("x", "y", min_value=-1, max_value=1)
    assert (function.name, function.input_signals, function.frequency_ratio) == ("y", ("x",), 1)
    assert function.params == {"min_value": -1, "max_value": 1}
    told = f.Clip.config_json()
    assert told["sig_name"] == "Clip"
    assert [arg["name"] for arg in told["args"]] == ["x", "name", "min_value", "max_value"]


def examples() -> list[Any]:
    return [
        f.Abs("x", "y"),
        f.Scale("x", "y", 2.0),
        f.Sum("a", "b", name="y"),
        f.Integrate("a", "b", "y"),
        f.Differentiate("a", None, "y"),
        f.SampleRate(),
        f.MovingAverage("x", "y", 4),
        f.Norm("x", "y", order=1),
        f.Reshape("x", (3, 1), "y"),
        f.ExtractDimension("x", "y", (0, 1)),
        f.BandPassFilter("x", "y", 2, (1, 5), 100),
        f.Combine([f.Sum("a", "b", name="s"), f.Scale("s", "k", 2.0)], name="y"),
        f.FourierTransform("x", "y"),
    ]


@pytest.mark.parametrize("function", examples(), ids=lambda function: type(function).__name__)
def test_json_there_and_back(function: Any) -> None:
    text = json.dumps({"functions": [function]}, default=f.encode_signal_fn)
    (twin,) = json.loads(text, object_hook=f.decode_signal_fn)["functions"]
    assert type(twin) is type(function)
    assert (twin.input_signals, twin.name, twin.params) == (function.input_signals, function.name, function.params)


def test_other_dicts_pass_and_unknown_types_do_not() -> None:
    assert f.decode_signal_fn({"a": 1}) == {"a": 1}
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(object(), default=f.encode_signal_fn)
    with pytest.raises(Exception, match="Did you mean 'Sum'"):
        f.decode_signal_fn({"__signal_function__": True, "type": "Summ", "inputs": [], "name": "y", "params": {}})


def test_a_model_as_in_the_notebook_and_as_in_1_0() -> None:
    class Model:
        def inference(self, x: Any, state: Any) -> Any:
            return x * 2, state

    old = seed.Inference(Model(), input_signal="x", stateful=True, name="y")
    assert old.input_signals == ("x",)
    assert old(XYZ).shape == (500, 3)
    new = f.Inference("x", "y", lambda x: x + 1, stateful=False)
    assert np.allclose(new(XYZ), XYZ + 1, atol=1e-6)
    by_keyword = f.Inference("x", name="y", model_filename=lambda x: x + 1)
    assert np.allclose(by_keyword(XYZ), XYZ + 1, atol=1e-6)


def test_windows_of_a_model_as_in_the_notebook_and_as_in_1_0() -> None:
    def model(window: Any) -> Any:
        return window.mean(axis=1, keepdims=True).transpose(0, 2, 1)

    old = seed.WindowedInference(model, "imu", name="y", window_size=8, window_overlap=4, output_shape=(3,))
    new = f.WindowedInference("imu", "y", model, 8, 4, (3,))
    assert old.input_signals == new.input_signals == ("imu",)
    assert np.array_equal(cut(old, XYZ), new(XYZ))
