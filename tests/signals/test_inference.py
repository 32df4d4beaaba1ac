"""Inference: one output row for each input row, whatever the polling; models of several libraries."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, RegistryError, StreamConfigError
from headrace.signals.graph import Graph
from headrace.signals.inference import Inference
from headrace.signals.inference_windows import WindowedInference
from headrace.signals.json import from_json, to_json
from headrace.testing import check_signal
from signals.onnx_models import dense, leaky
from support.require import require


def in_blocks(signal: Any, x: Any, sizes: list[int]) -> Any:
    state, at, found = signal.init(x[:0]), 0, []
    for size in sizes:
        y, state = signal.step(state, x[at : at + size])
        state = pickle.loads(pickle.dumps(state))
        found.append(y)
        at += size
    return np.concatenate(found)


SIZES = [1, 0, 4, 1, 64, 3, 7, 100, 20]
X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
WEIGHTS = np.random.default_rng(1).normal(size=(3, 5))
BIAS = np.random.default_rng(2).normal(size=5)


def square(x: Any) -> Any:
    return np.square(x).sum(axis=1)


# --- functions --------------------------------------------------------------------------------------


def test_a_function_is_asked_row_by_row() -> None:
    seen: list[int] = []

    def model(x: Any) -> Any:
        seen.append(len(x))
        return x[:, :2]

    found = Inference("x", name="y", model=model)(X)
    assert np.array_equal(found, X[:, :2])
    assert set(seen) == {1}


def test_a_chunk_is_always_full() -> None:
    seen: list[int] = []

    def model(x: Any) -> Any:
        seen.append(len(x))
        return x * 2

    signal = Inference("x", name="y", model=model, chunk=16)
    assert np.array_equal(in_blocks(signal, X, SIZES), X * 2)
    assert set(seen) == {16}


def test_a_row_is_always_at_the_same_place_of_its_chunk() -> None:
    def place(x: Any) -> Any:
        return np.arange(len(x))

    signal = Inference("x", name="y", model=place, chunk=8)
    assert in_blocks(signal, X, SIZES).tolist() == (list(range(8)) * 25)


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_the_laws_hold_for_any_chunk(chunk: int) -> None:
    from headrace.signals.inference import example_model

    check_signal(Inference("x", name="y", model=example_model, chunk=chunk))


def test_a_function_with_a_state() -> None:
    def model(x: Any, total: Any) -> Any:
        total = total + x
        return total, total

    signal = Inference("x", name="y", model=model, stateful=True, init_state=np.zeros((1, 3)))
    assert np.allclose(in_blocks(signal, X, SIZES), np.cumsum(X, axis=0, dtype=float))


def test_a_row_must_come_back_for_a_row() -> None:
    with pytest.raises(DataError, match="wanted 1 rows"):
        Inference("x", name="y", model=lambda x: x.sum())(X)


# --- ONNX -------------------------------------------------------------------------------------------


def test_onnx_by_bytes_and_by_path(tmp_path: Path) -> None:
    require("onnx"), require("onnxruntime")
    model = dense(WEIGHTS, BIAS)
    path = tmp_path / "dense.onnx"
    path.write_bytes(model)
    wanted = np.tanh(X @ WEIGHTS + BIAS)
    for given in (model, path, str(path)):
        signal = Inference("x", name="y", model=given, chunk=32)
        found = in_blocks(signal, X, SIZES)
        assert found.dtype == np.float32
        assert np.allclose(found, wanted, atol=1e-6)
        assert np.array_equal(found, signal(X))
        assert np.array_equal(pickle.loads(pickle.dumps(signal))(X), found)


def test_the_only_batch_of_a_model_is_its_chunk() -> None:
    require("onnx"), require("onnxruntime")
    signal = Inference("x", name="y", model=dense(WEIGHTS, BIAS, batch=8))
    assert np.array_equal(in_blocks(signal, X, SIZES), signal(X))
    with pytest.raises(StreamConfigError, match="batches of 8 rows only"):
        Inference("x", name="y", model=dense(WEIGHTS, BIAS, batch=8), chunk=4)(X)


def test_an_onnx_model_with_a_state_starts_with_zeros() -> None:
    require("onnx"), require("onnxruntime")
    signal = Inference("x", name="y", model=leaky(0.5, 3), stateful=True)
    wanted, total = [], np.zeros(3, np.float32)
    for row in X:
        total = np.float32(0.5) * total + row
        wanted.append(total)
    assert np.array_equal(in_blocks(signal, X, SIZES), np.array(wanted))
    begun = Inference("x", name="y", model=leaky(0.5, 3), stateful=True, init_state=[[2.0, 2.0, 2.0]])
    assert np.allclose(begun(X[:1]), X[:1] + 1)


def test_a_state_must_be_said() -> None:
    require("onnx"), require("onnxruntime")
    with pytest.raises(StreamConfigError, match="Say stateful=True"):
        Inference("x", name="y", model=leaky(0.5, 3))(X)
    with pytest.raises(StreamConfigError, match="Say stateful=False"):
        Inference("x", name="y", model=dense(WEIGHTS, BIAS), stateful=True)(X)


def test_outputs_have_the_model_s_names() -> None:
    require("onnx"), require("onnxruntime")
    model = dense(WEIGHTS, BIAS, name="probabilities")
    assert Inference("x", name="y", model=model, output="probabilities")(X).shape == (200, 5)
    with pytest.raises(StreamConfigError, match="'probabilities'"):
        Inference("x", name="y", model=model, output="output")(X)


def test_a_file_that_is_not_there() -> None:
    require("onnxruntime")
    with pytest.raises(StreamConfigError, match="no such file"):
        Inference("x", name="y", model="nowhere.onnx")(X)


# --- torch and scikit-learn ---------------------------------------------------------------------------


def test_a_torch_module() -> None:
    torch = require("torch")
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    with torch.no_grad():
        wanted = module(torch.from_numpy(X)).numpy()
    for chunk in (1, 32):
        signal = Inference("x", name="y", model=module, chunk=chunk)
        found = in_blocks(signal, X, SIZES)
        assert np.array_equal(found, signal(X))
        assert np.allclose(found, wanted, atol=1e-6)


def test_a_torch_module_with_a_state_of_several_parts() -> None:
    torch = require("torch")
    torch.manual_seed(0)

    class Lstm(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.cell = torch.nn.LSTMCell(3, 4)

        def forward(self, x: Any, state: Any) -> Any:
            h, c = self.cell(x, state)
            return h, (h, c)

    module = Lstm()
    signal = Inference("x", name="y", model=module, stateful=True)
    found, state = [], None
    with torch.no_grad():
        for row in torch.from_numpy(X):
            y, state = module(row[None], state)
            found.append(y[0].numpy())
    assert np.array_equal(in_blocks(signal, X, SIZES), np.array(found))


def test_dropout_in_training_mode_is_refused() -> None:
    torch = require("torch")
    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout(0.5))
    with pytest.raises(StreamConfigError, match=r"model.eval\(\)"):
        Inference("x", name="y", model=module)
    Inference("x", name="y", model=module.eval())


def test_estimators() -> None:
    require("sklearn")
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.preprocessing import StandardScaler

    y = (X[:, 0] > 0).astype(int)
    classifier = LogisticRegression().fit(X, y)
    found = Inference("x", name="y", model=classifier, chunk=10)(X)
    assert np.allclose(found, classifier.predict_proba(X))
    told = Inference("x", name="y", model=classifier, output="predict")(X)
    assert np.array_equal(told, classifier.predict(X))
    assert np.allclose(
        Inference("x", name="y", model=LinearRegression().fit(X, y))(X), LinearRegression().fit(X, y).predict(X)
    )
    assert np.allclose(
        Inference("x", name="y", model=StandardScaler().fit(X))(X), StandardScaler().fit_transform(X), atol=1e-6
    )
    with pytest.raises(StreamConfigError, match="has not as a method"):
        Inference("x", name="y", model=classifier, output="forget")(X)


# --- JSON -------------------------------------------------------------------------------------------


def test_json_of_bytes() -> None:
    require("onnx"), require("onnxruntime")
    graph = Graph([Inference("x", name="y", model=dense(WEIGHTS, BIAS))])
    twin = from_json(to_json(graph))
    assert twin == graph
    assert np.array_equal(twin({"x": X})["y"], graph({"x": X})["y"])


def test_json_of_a_path_knows_when_the_file_has_changed(tmp_path: Path) -> None:
    require("onnx")
    path = tmp_path / "model.onnx"
    path.write_bytes(dense(WEIGHTS, BIAS))
    text = to_json(Graph([Inference("x", name="y", model=path)]))
    assert from_json(text)["y"].settings["model"] == path
    path.write_bytes(dense(WEIGHTS, BIAS + 1))
    with pytest.raises(DataError, match="its content is another"):
        from_json(text)


def test_json_of_a_function_wants_it_back() -> None:
    graph = Graph([Inference("x", name="y", model=square)])
    text = to_json(graph)
    name = json.loads(text)["nodes"][0]["params"]["model"]["$function"]
    assert name.endswith(":square")
    with pytest.raises(RegistryError, match="functions="):
        from_json(text)
    assert from_json(text, functions={name: square}) == graph


# --- errors -----------------------------------------------------------------------------------------


def test_what_cannot_be_asked() -> None:
    with pytest.raises(StreamConfigError, match="wanted an ONNX file"):
        Inference("x", name="y", model=3)
    with pytest.raises(StreamConfigError, match="row by row"):
        Inference("x", name="y", model=square, stateful=True, chunk=4)
    with pytest.raises(StreamConfigError, match="stateful=True"):
        Inference("x", name="y", model=square, init_state=np.zeros(1))
    with pytest.raises(StreamConfigError, match="chunk"):
        Inference("x", name="y", model=square, chunk=0)


def test_a_model_is_not_printed() -> None:
    assert "<3 bytes>" in repr(Inference("x", name="y", model=b"abc"))
    assert "square" in repr(Inference("x", name="y", model=square))


class Careless:
    """A model that writes to what it is given and gives the same memory again and again."""

    def __init__(self) -> None:
        self.out: Any = None

    def __call__(self, x: Any, state: Any = None) -> Any:
        x -= 1
        if self.out is None or self.out.shape != x.sum(axis=-1).shape:
            self.out = x.sum(axis=-1)
        self.out[...] = x.sum(axis=-1)
        if state is None:
            return self.out
        state += 1
        return self.out, state


@pytest.mark.parametrize("options", [{}, {"chunk": 4}, {"stateful": True, "init_state": np.zeros(1)}])
def test_a_model_may_use_its_memory_again_and_write_to_what_it_is_given(options: dict[str, Any]) -> None:
    x = np.arange(20.0).reshape(10, 2)
    signal = Inference("x", name="y", model=Careless(), **options)
    state = before = signal.init(x[:0])
    found, state = signal.step(state, x[:6])
    again, _ = signal.step(before, x[:6])
    assert found.tolist() == again.tolist() == (x[:6].sum(axis=1) - 2).tolist()
    assert np.array_equal(x, np.arange(20.0).reshape(10, 2))
    if options.get("stateful"):
        assert before[1].tolist() == [0]
        assert state[1].tolist() == [6]


def test_a_model_of_windows_may_too() -> None:
    x = np.arange(12.0)
    found = WindowedInference("x", name="y", model=Careless(), window_size=4)(x)
    assert found.tolist() == [2, 18, 34]
    assert np.array_equal(x, np.arange(12.0))
