"""Graphs as ONNX models, run by onnxruntime: the same numbers, state as inputs and outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import StreamConfigError
from headrace.signals.arithmetic import Scale, Sum
from headrace.signals.combine import Combine
from headrace.signals.custom import signal
from headrace.signals.differentiate import Integrate
from headrace.signals.export_onnx import first_state
from headrace.signals.filters import LowPassFilter
from headrace.signals.graph import Graph
from headrace.signals.inference import Inference
from headrace.signals.inference_windows import WindowedInference
from headrace.signals.spectral import FourierTransform, Spectrogram
from signals.exported import by_onnx, cuts, error
from signals.exported_cases import CASES, DTYPES, columns_of, rows_of
from signals.onnx_models import dense, leaky
from support.require import require

onnx = require("onnx")
onnxruntime = require("onnxruntime")
require("scipy")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_the_same_numbers_in_random_blocks(case: str, dtype: str) -> None:
    n = rows_of(case)
    graph, columns = CASES[case](), columns_of(CASES[case](), n, dtype)
    wanted = graph(columns)
    found = by_onnx(graph, columns, [0, 1, 0, *cuts(n - 1, least=0)])
    for name in graph.outputs or ():
        assert error(found[name], wanted[name]) <= (1e-12 if dtype == "float64" else 1e-6), name


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_over_a_hundred_thousand_rows(dtype: str) -> None:
    graph = CASES["notebook"]()
    columns = columns_of(graph, 100_000, dtype)
    wanted, found = graph(columns), by_onnx(graph, columns, cuts(100_000, seed=3))
    for name in graph.outputs or ():
        assert error(found[name], wanted[name]) <= (1e-12 if dtype == "float64" else 1e-6), name


def run(model: Any, feeds: dict[str, Any]) -> dict[str, Any]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model if isinstance(model, str) else model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return dict(zip([each.name for each in session.get_outputs()], session.run(None, feeds), strict=True))


def test_a_file_with_its_first_state(tmp_path: Path) -> None:
    graph = Graph([LowPassFilter("x", "y", 2, 10.0, 100.0)], outputs=["y"])
    path = tmp_path / "slow.onnx"
    graph.to_onnx(path)
    state = first_state(path)
    assert set(state) == {"y.z", "y.begun"}
    x = np.random.default_rng(0).normal(size=50)
    assert error(run(str(path), {"x": x, **state})["y"], graph({"x": x})["y"]) <= 1e-12


def test_without_state_it_takes_columns_only() -> None:
    graph = Graph([LowPassFilter("x", "y", 2, 10.0, 100.0)], outputs=["y"])
    model = graph.to_onnx(stateful=False)
    assert [each.name for each in model.graph.input] == ["x"]
    assert [each.name for each in model.graph.output] == ["y"]
    x = np.random.default_rng(0).normal(size=50)
    assert error(run(model, {"x": x})["y"], graph({"x": x})["y"]) <= 1e-12


def test_a_fixed_block() -> None:
    model = Graph([Scale("x", name="y", scale_factor=2.0)]).to_onnx(inputs={"x": (3,)}, block=16)
    assert [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim] == [16, 3]


def test_opset_17_and_no_complex_tensor() -> None:
    model = Graph([FourierTransform("x", "y", 64, 32)]).to_onnx()
    assert [(each.domain, each.version) for each in model.opset_import] == [("", 17)]
    kinds = {each.type.tensor_type.elem_type for each in (*model.graph.input, *model.graph.output)}
    assert kinds == {onnx.TensorProto.DOUBLE}
    assert model.graph.output[0].type.tensor_type.shape.dim[-1].dim_value == 2


def test_float32_at_the_edges() -> None:
    model = Graph([LowPassFilter("x", "y", 2, 10.0, 100.0)]).to_onnx(dtype="float32")
    kinds = {e.name: e.type.tensor_type.elem_type for e in (*model.graph.input, *model.graph.output)}
    assert kinds["x"] == kinds["y"] == onnx.TensorProto.FLOAT
    assert kinds["y.z"] == onnx.TensorProto.DOUBLE


@pytest.mark.parametrize("opset", [13, 17])
def test_an_onnx_model_inside_is_asked_row_by_row(opset: int) -> None:
    rng = np.random.default_rng(0)
    nodes = [
        Inference("x", name="dense", model=dense(rng.normal(size=(3, 4)), rng.normal(size=4))),
        Inference("x", name="leaky", model=leaky(0.9, 3, opset=opset), stateful=True),
        Inference("x", name="again", model=leaky(0.9, 3, opset=opset), stateful=True),
    ]
    graph = Graph(nodes, outputs=["dense", "leaky", "again"])
    x = {"x": rng.normal(size=(300, 3)).astype(np.float32)}
    found, wanted = by_onnx(graph, x, cuts(300, most=40)), graph(x)
    for name in wanted:
        assert error(found[name], wanted[name]) <= 1e-6


def test_a_model_over_windows_when_a_block_brings_none() -> None:
    nodes = [Spectrogram("x", "p", 32, 8), Inference("p", name="y", model=leaky(0.5, 17), stateful=True)]
    graph, columns = Graph(nodes, outputs=["y"]), {"x": np.random.default_rng(0).normal(size=400)}
    assert error(by_onnx(graph, columns, [1] * 40 + [360])["y"], graph(columns)["y"]) <= 1e-6


def test_blocks_without_rows_leave_the_state_as_it_was() -> None:
    graph = Graph(
        [LowPassFilter("x", "y", 2, 10.0, 100.0), Inference("x", name="z", model=leaky(0.9, 3), stateful=True)]
    )
    columns = {"x": np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)}
    sizes = [0, 0, 1, 0, 59, 0]
    found, wanted = by_onnx(graph, columns, sizes), graph(columns)
    assert error(found["y"], wanted["y"]) <= 1e-6
    assert error(found["z"], wanted["z"]) <= 1e-6


def test_the_swipe_model_inside() -> None:
    model = Path(__file__).parents[2] / "examples" / "signal_models" / "swipe.onnx"
    node = WindowedInference("imu", "y", model, 128, 32, (3,))
    extra = WindowedInference("imu", "extra", model, 128, output="output_extra")
    each = WindowedInference("imu", "each", model, 128, 32, (3,), upsample=True, default_value=-1)
    whole = WindowedInference("imu", "whole", model, 128, 100, upsample=True)
    twice = Scale("y", name="twice", scale_factor=2.0)
    graph = Graph([node, extra, twice, each, whole], outputs=["y", "twice", "extra", "each", "whole"])
    columns = {"imu": np.random.default_rng(0).normal(size=(700, 6)).astype(np.float32)}
    found, wanted = by_onnx(graph, columns, cuts(700, least=0, most=90)), graph(columns)
    for name in wanted:
        assert error(found[name], wanted[name]) <= 1e-6
    assert len(found["each"]) == len(found["whole"]) == 700


def test_what_cannot_be_exported_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    @signal
    def odd(x: Any) -> Any:
        return x + 1

    path = tmp_path / "odd.onnx"
    with pytest.raises(StreamConfigError, match=r"odd.*strange"):
        Graph([Sum("x", name="s"), odd("s", name="strange")]).to_onnx(path)
    with pytest.raises(StreamConfigError, match="no ONNX file"):
        Graph([Inference("x", name="y", model=lambda x: x)]).to_onnx(path)
    with pytest.raises(StreamConfigError, match="complex"):
        Graph([FourierTransform("x", "s", 16), Scale("s", name="y", scale_factor=1j)]).to_onnx(path)
    assert not path.exists()


def test_a_state_is_wanted() -> None:
    with pytest.raises(StreamConfigError, match="without a state"):
        first_state(dense(np.ones((1, 1)), np.ones(1)))


# --- what is refused before anything is made ----------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "name"),
    [
        ([Integrate("x", name="a"), Scale("x", "a.total", 2.0)], "a.total"),
        ([Integrate("x", name="a"), Scale("a.total", "b", 2.0)], "a.total"),
        ([Integrate("x", name="a"), Scale("x", "a.total.next", 2.0)], "a.total.next"),
        ([Combine((Scale("x", "i", 2.0), Scale("i", "k", 2.0)), name="c"), Scale("x", "c/i", 3.0)], "c/i"),
    ],
    ids=["a node", "an input", "a state that comes out", "inside"],
)
def test_two_things_of_one_name(nodes: Any, name: str) -> None:
    with pytest.raises(StreamConfigError, match=rf"to_onnx got two things that would be called '{name}'"):
        Graph(nodes).to_onnx()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"outputs": ["y", "y"]}, "'y' is there twice"),
        ({"dtype": "foo"}, "dtype= of no numbers"),
        ({"dtype": "U3"}, "dtype= of no numbers"),
        ({"inputs": {"x": "abc"}}, "got 'abc' for the rows of an input"),
        ({"inputs": {"x": (-1,)}}, r"got \(-1,\) for the rows of an input"),
    ],
)
def test_what_an_export_cannot_be_asked_for(options: Any, says: str) -> None:
    with pytest.raises(StreamConfigError, match=says):
        Graph([Scale("x", "y", 2.0)]).to_onnx(**options)


def test_bytes_that_are_no_model() -> None:
    with pytest.raises(StreamConfigError, match="no ONNX model"):
        first_state(b"junk")


def test_an_input_that_comes_out_again() -> None:
    graph = Graph([Scale("x", "y", 2.0)], outputs=["x", "y"])
    model = graph.to_onnx()
    assert [each.name for each in model.graph.output] == ["x.out", "y"]
    assert run(model, {"x": np.ones(3)})["x.out"].tolist() == [1.0, 1.0, 1.0]
