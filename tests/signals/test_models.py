"""The small models of the examples: their signatures, and that they do what they were trained for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.signals.differentiate import Differentiate
from headrace.signals.graph import Graph
from headrace.signals.inference import Inference
from headrace.signals.inference_windows import WindowedInference
from headrace.signals.models import SimpleGruModel
from headrace.signals.models.gru import PARTS
from signals.test_inference import in_blocks
from support.require import require

EXAMPLES = Path(__file__).parents[2] / "examples"
MODELS = EXAMPLES / "signal_models"


def script() -> Any:
    spec = importlib.util.spec_from_file_location("train_signal_models", EXAMPLES / "train_signal_models.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def small(seed: int = 0, features: int = 2, hidden: int = 4, classes: int = 3) -> SimpleGruModel:
    rng = np.random.default_rng(seed)
    shapes = [(3 * hidden, features), (3 * hidden, hidden), (3 * hidden,), (3 * hidden,), (classes, hidden), (classes,)]
    weights = {name: rng.normal(size=shape) for name, shape in zip(PARTS, shapes, strict=True)}
    return SimpleGruModel(weights, rng.normal(size=features), rng.uniform(0.5, 2, features), 0.01)


def test_the_gru_is_that_of_torch() -> None:
    torch = require("torch")
    model = small()
    rnn, out = torch.nn.GRU(2, 4, batch_first=True), torch.nn.Linear(4, 3)
    rnn.load_state_dict({n[4:]: torch.tensor(w) for n, w in model.weights.items() if n[:3] == "rnn"})
    out.load_state_dict({n[4:]: torch.tensor(w) for n, w in model.weights.items() if n[:3] == "out"})
    x = np.random.default_rng(1).normal(size=(5, 30, 2)).astype(np.float32)
    with torch.no_grad():
        h, last = rnn(torch.tensor((x - model.scaler_mean) / model.scaler_std))
        wanted = torch.softmax(out(h[:, -1]), dim=-1).numpy()
    found, state = model.inference(x)
    assert np.allclose(found, wanted, atol=1e-5)
    assert np.allclose(state, last[0].numpy(), atol=1e-5)


def test_a_checkpoint(tmp_path: Path) -> None:
    model, path = small(), tmp_path / "model.ckpt"
    model.save_checkpoint(path)
    twin = SimpleGruModel.load_from_checkpoint(path)
    assert (twin.input_size, twin.hidden_size, twin.output_size, twin.lr) == (2, 4, 3, 0.01)
    assert np.array_equal(twin.inference([[1.0, 2.0]])[0], model.inference([[1.0, 2.0]])[0])
    with pytest.raises(FileNotFoundError):
        SimpleGruModel.load_from_checkpoint(tmp_path / "none")


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(StreamConfigError, match=r"out\.bias"):
        SimpleGruModel({name: np.zeros(3) for name in PARTS[:-1]})
    with pytest.raises(StreamConfigError, match="wanted"):
        SimpleGruModel({name: np.zeros(3) if "bias" in name else np.zeros((3, 2)) for name in PARTS})
    with pytest.raises(DataError, match="2 numbers"):
        small().inference([[1.0, 2.0, 3.0]])


def test_letters_in_the_notebook_s_graph() -> None:
    made = script()
    model = SimpleGruModel.load_from_checkpoint(MODELS / "letters.npz")
    assert (model.input_size, model.output_size) == (2, 4)
    graph = Graph(
        [
            Differentiate("mouse_position", "timestamp", name="mouse_speed"),
            Inference("mouse_speed", name="letter", model=model, stateful=True),
        ]
    )
    right = drawn = 0
    for k in range(60):
        speed, label, end = made.mouse(np.random.default_rng((2, k)))
        position = 500 + np.cumsum(speed.astype(float), axis=0) / made.RATE
        found = graph({"timestamp": np.arange(len(speed)) / made.RATE, "mouse_position": position})["letter"]
        assert found.shape == (len(speed), 4)
        assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
        if end >= 0:
            right, drawn = right + int(found[end].argmax() == label[end]), drawn + 1
    assert right / drawn > 0.8


def test_letters_whatever_the_polling() -> None:
    speed = script().mouse(np.random.default_rng(0))[0]
    signal = Inference("x", name="y", model=SimpleGruModel.load_from_checkpoint(MODELS / "letters.npz"), stateful=True)
    assert np.array_equal(in_blocks(signal, speed, [1, 2, 0, 37, 100, 100]), signal(speed))


def test_the_swipe_model_finds_swipes() -> None:
    runtime = require("onnxruntime")
    session = runtime.InferenceSession(str(MODELS / "swipe.onnx"), providers=["CPUExecutionProvider"])
    assert [(e.name, e.shape) for e in session.get_inputs()] == [("input", [1, 128, 6])]
    assert [(e.name, e.shape) for e in session.get_outputs()] == [
        ("output", [1, 3, 16]),
        ("output_extra", [1, 6, 128]),
    ]
    signal = WindowedInference("imu", name="y", model=MODELS / "swipe.onnx", window_size=128, output_shape=(3,))
    made = script()
    found = [made.swipes(np.random.default_rng((2, k))) for k in range(40)]
    right = [signal(x).argmax(axis=1) == label for x, _, label in found]
    assert np.mean(right) > 0.9


def test_the_touch_model_knows_taps() -> None:
    runtime = require("onnxruntime")
    session = runtime.InferenceSession(str(MODELS / "touch.onnx"), providers=["CPUExecutionProvider"])
    assert [e.shape for e in session.get_inputs()] == [[1, 6, 16], [1, 512]]
    assert [e.shape for e in session.get_outputs()] == [[1, 4], [1, 512]]
    x, label = script().touches(np.random.default_rng(7))
    signal = Inference("spectrum", name="touch", model=MODELS / "touch.onnx", stateful=True)
    found = signal(x)
    assert found.shape == (96, 4)
    assert np.array_equal(in_blocks(signal, x, [5, 0, 1, 60, 30]), found)
    assert np.mean(found.argmax(axis=1) == label) > 0.8


def test_weights_are_small() -> None:
    assert all(path.stat().st_size < 200_000 for path in MODELS.iterdir())
