"""Genki Signals' functions through the door: both spellings, memory from call to call, the numbers of its tests."""

from __future__ import annotations

import json
import pickle
import threading
from functools import partial
from typing import Any

import numpy as np
import pytest

import headrace as hr
import headrace.compat.genki_signals.functions as f
import headrace.signals as s
from headrace.compat.genki_signals import signals as seed
from headrace.core.registry import find
from headrace.errors import DataError, RegistryError, StateMismatchError, StreamConfigError
from headrace.testing import check_signal
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


# --- classes of one's own ---------------------------------------------------------------------------


class Peak(f.SignalFunction):
    """The greatest value so far, and a list of all rows seen: what a user keeps is no business of ours."""

    def __init__(self, x: str, name: str, start: float = 0.0) -> None:
        super().__init__(x, name=name, params={"start": start})
        self.most = start
        self.seen: list[float] = []

    def __call__(self, x: Any) -> Any:
        found = np.maximum.accumulate(np.concatenate([[self.most], x]))[1:]
        self.most = float(found[-1]) if len(x) else self.most
        self.seen.extend(np.asarray(x).tolist())
        return found


class Doubled(f.Sum):  # type: ignore[valid-type, misc]  # a variable that holds a class
    """A built-in function, changed."""

    def __call__(self, *arrays: Any) -> Any:
        return 2 * super().__call__(*arrays)


class TwiceTotal(f.Integrate):
    def __call__(self, *arrays: Any) -> Any:
        return 2 * super().__call__(*arrays)


def test_a_class_of_ones_own_remembers_in_its_attributes() -> None:
    peak = Peak("x", name="y", start=0.5)
    assert (peak.name, peak.input_signals, peak.params) == ("y", ("x",), {"start": 0.5})
    assert repr(peak) == "Peak('x', name='y', start=0.5)"
    assert peak(np.array([0.0, 2.0])).tolist() == [0.5, 2.0]
    assert peak(np.array([1.0])).tolist() == [2.0]
    assert peak.seen == [0.0, 2.0, 1.0]
    peak.reset()
    assert (peak.most, peak.seen) == (0.5, [])
    assert Peak.config_json()["args"] == [
        {"name": "x", "type": "str"},
        {"name": "name", "type": "str"},
        {"name": "start", "type": "float", "default": 0.0},
    ]


def test_functions_of_ones_own_among_others() -> None:
    functions: list[Any] = [
        Peak("twice", "top"),
        f.Scale("x", "twice", 2.0),
        Doubled("x", "x", name="four"),
        TwiceTotal("x", name="i"),
    ]
    rows = [f.compute_signal_functions({"x": X[lo : lo + 100]}, functions) for lo in range(0, 500, 100)]
    found = {name: np.concatenate([block[name] for block in rows]) for name in rows[0]}
    assert np.array_equal(found["top"], np.maximum(np.maximum.accumulate(2 * X), 0))
    assert np.array_equal(found["four"], 4 * X)
    assert np.allclose(found["i"], 2 * f.Integrate("x", name="i")(X))
    assert len(functions[0].seen) == 500


def test_an_exception_leaves_functions_of_ones_own_where_they_were() -> None:
    peak = Peak("x", "top")
    with pytest.raises(DataError, match="500, 3 rows"):
        f.compute_signal_functions({"x": X, "b": X[:3]}, [peak, f.Sum("x", "b", name="s")])
    assert (peak.most, peak.seen) == (0.0, [])


def test_a_function_of_ones_own_in_a_graph_a_stream_and_a_state() -> None:
    graph = s.Graph([Peak("x", "top").signal, s.Scale("top", "twice", 2.0)], outputs=["twice"])
    whole = graph({"x": X})["twice"]
    run, other = graph.run(), graph.run()
    first = run({"x": X[:200]})["twice"]
    other.load_state_dict(pickle.loads(pickle.dumps(run.state_dict())))
    for going in (run, other):
        assert np.array_equal(np.concatenate([first, going({"x": X[200:]})["twice"]]), whole)
    blocks = hr.source({"x": X}) | hr.blocks(64) | graph
    assert np.array_equal(np.concatenate([block["twice"] for block in blocks]), whole)


def test_the_state_of_ones_own_as_a_value() -> None:
    for make in (lambda: Peak("x", "top"), lambda: TwiceTotal("x", name="i")):
        one, twin = make(), make()
        f.compute_signal_functions({"x": X[:100]}, [one])
        one(X[100:200])
        twin.load_state_dict(pickle.loads(pickle.dumps(one.state_dict())))
        assert np.array_equal(twin(X[200:]), one(X[200:]))
        assert twin.rows == one.rows
    with pytest.raises(StateMismatchError, match="other parameters"):
        Peak("x", "top", 9.0).load_state_dict(Peak("x", "top").state_dict())


def test_attributes_that_cannot_be_copied() -> None:
    class Locked(f.SignalFunction):
        def __init__(self, x: str, name: str) -> None:
            super().__init__(x, name=name)
            self.lock, self.rows_seen = threading.Lock(), [0]

        def __call__(self, x: Any) -> Any:
            with self.lock:
                self.rows_seen[0] += len(x)
                return x

    locked = Locked("x", name="y")
    for _ in range(2):
        f.compute_signal_functions({"x": X}, [locked])
    assert locked.rows_seen == [1000]
    graph = s.Graph([locked.signal])
    assert np.array_equal(graph({"x": X})["y"], X)
    assert locked.rows_seen == [1000]


def test_the_laws_of_ones_own() -> None:
    example = find("signals.genki.Own").example
    assert example is not None
    one = example()
    assert "any cut float64" in check_signal(one.signal, one.rows, channels=False).held
    assert pickle.loads(pickle.dumps(one.signal)) == one.signal


def test_a_class_whose_constructor_does_not_take_its_parameters() -> None:
    class Odd(f.SignalFunction):
        def __init__(self) -> None:
            super().__init__("x", name="y", params={"k": 1})

        def __call__(self, x: Any) -> Any:
            return x

    assert Odd()(X) is X
    with pytest.raises(StreamConfigError, match="constructor does not take"):
        Odd().signal(X)


def test_json_of_ones_own_class_and_of_a_model() -> None:
    functions: list[Any] = [
        Peak("x", "top", 0.25),
        Doubled("x", "x", name="four"),
        f.Combine([Peak("x", "p"), f.Scale("p", "q", 2.0)], name="c"),
        f.Inference("x", "said", model, stateful=False),
    ]
    text = json.dumps(functions, default=f.encode_signal_fn)
    given = {"Peak": Peak, "Doubled": Doubled, f"{__name__}:model": model, f"{__name__}:Peak": Peak}
    twins = json.loads(text, object_hook=partial(f.decode_signal_fn, functions=given))
    for twin, function in zip(twins, functions, strict=True):
        assert type(twin) is type(function)
        assert (twin.input_signals, twin.name) == (function.input_signals, function.name)
        inputs = [X[:50]] * len(function.input_signals)
        assert np.array_equal(twin(*inputs), function(*inputs))
    with pytest.raises(RegistryError, match=r"functions=\{'Peak': the class\}"):
        json.loads(text, object_hook=f.decode_signal_fn)


def model(rows: Any) -> Any:
    return rows[:, None] * 2


def test_what_an_integral_remembers() -> None:
    area = f.Integrate("a", "b", name="c")
    assert (area.state, area.last_a, area.last_b) == (0.0, None, None)
    area([1, 2, 10], [0, 1, 2])
    assert (area.state, area.last_a, area.last_b) == (7.5, 10.0, 2.0)
    area.reset()
    assert area.state == 0.0
    three = f.Integrate("a", name="c")
    three(XYZ)
    assert three.state.shape == three.last_a.shape == (3,)
    assert three.last_b is None
