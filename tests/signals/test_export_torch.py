"""Graphs as torch modules: the same numbers, state outside, gradients."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from headrace.core.knob import Knob
from headrace.errors import DataError, StreamConfigError
from headrace.signals.arithmetic import Scale, Sum
from headrace.signals.custom import signal
from headrace.signals.differentiate import Integrate
from headrace.signals.filters import LowPassFilter
from headrace.signals.graph import Graph
from headrace.signals.inference import Inference
from headrace.signals.inference_windows import WindowedInference
from headrace.signals.smooth import MovingAverage
from headrace.signals.spectral import FourierTransform
from signals.exported import by_torch, cuts, error
from signals.exported_cases import CASES, DTYPES, columns_of, rows_of
from support.require import require

torch = require("torch")
require("scipy")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", CASES)
def test_the_same_numbers_in_random_blocks(case: str, dtype: str) -> None:
    n = rows_of(case)
    graph, columns = CASES[case](), columns_of(CASES[case](), n, dtype)
    wanted = graph(columns)
    found = by_torch(graph, columns, cuts(n, least=0))
    for name in graph.outputs or ():
        assert error(found[name], wanted[name]) <= (1e-12 if dtype == "float64" else 1e-6), name


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
def test_over_a_hundred_thousand_rows(dtype: str) -> None:
    graph = CASES["notebook"]()
    columns = columns_of(graph, 100_000, dtype)
    wanted, found = graph(columns), by_torch(graph, columns, cuts(100_000, seed=3))
    for name in graph.outputs or ():
        assert error(found[name], wanted[name]) <= (1e-12 if dtype == "float64" else 1e-6), name


def test_gradients_flow_through_columns_and_state() -> None:
    nodes = [
        LowPassFilter("x", "slow", 3, 5.0, 100.0),
        Integrate("slow", None, "area"),
        MovingAverage("area", "mean", 5),
    ]
    module = Graph(nodes).to_torch({"x": (2,)}, ["mean"])
    x = torch.randn(140, 2, dtype=torch.float64, requires_grad=True)

    def mean(x: Any) -> Any:
        first, state = module(x[:70])
        return torch.cat([first["mean"], module(x[70:], state=state)[0]["mean"]])

    assert torch.autograd.gradcheck(mean, x, fast_mode=True)
    with torch.no_grad():
        assert torch.equal(mean(x), module(x)[0]["mean"])


def test_it_can_be_saved() -> None:
    module = CASES["notebook"]().to_torch()
    twin = pickle.loads(pickle.dumps(module))
    rows = [torch.randn(600, dtype=torch.float64) for _ in module.inputs]
    for name, each in module(*rows)[0].items():
        assert torch.equal(torch.nan_to_num(each), torch.nan_to_num(twin(*rows)[0][name]))


def test_a_torch_model_inside_is_a_part_of_the_module() -> None:
    model = torch.nn.Linear(3, 2)
    graph = Graph([Scale("x", name="s", scale_factor=2.0), Inference("s", name="y", model=model)], outputs=["y"])
    module = graph.to_torch({"x": np.empty((0, 3), np.float32)})
    assert len(list(module.parameters())) == 2
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert error(module(torch.from_numpy(x))[0]["y"].detach().numpy(), graph({"x": x})["y"]) <= 1e-6
    module(torch.from_numpy(x))[0]["y"].sum().backward()
    assert model.weight.grad is not None


@pytest.mark.parametrize("upsample", [False, True])
def test_a_torch_model_over_windows(upsample: bool) -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(24, 6), torch.nn.Unflatten(1, (2, 3)))
    many = WindowedInference(
        "x", name="many", model=model, window_size=8, window_overlap=3, output_shape=(2,), columns=3, upsample=upsample
    )
    one = WindowedInference("x", name="one", model=model, window_size=8, upsample=upsample, default_value=7)
    graph = Graph([many, one])
    columns = {"x": np.random.default_rng(0).normal(size=(100, 3)).astype(np.float32)}
    found, wanted = by_torch(graph, columns, cuts(100, least=0, most=20)), graph(columns)
    for name in ("many", "one"):
        assert error(found[name], wanted[name]) <= 1e-6
    module = graph.to_torch({"x": (3,)}, ["many"])
    module(torch.from_numpy(columns["x"].astype(float)))[0]["many"].sum().backward()
    assert model[1].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("case", ["Madgwick", "Fusion", "resampled", "phase", "off a carrier"])
def test_gradients_are_numbers(case: str) -> None:
    graph = CASES[case]()
    module = graph.to_torch({name: each[:0] for name, each in columns_of(graph, 1, "float64").items()})
    rows = [torch.from_numpy(each).requires_grad_() for each in columns_of(graph, 60, "float64").values()]
    with torch.no_grad():
        rows[-1][3] = 0.0  # an accelerometer that fell
    made, _ = module(*rows)
    sum(torch.nan_to_num(each).sum() for each in made.values()).backward()
    assert all(torch.isfinite(each.grad).all() for each in rows)


def test_spectra_are_complex() -> None:
    module = Graph([FourierTransform("x", "y", 64, 32)]).to_torch(dtype="float32")
    assert module(torch.randn(256))[0]["y"].dtype == torch.complex64


def test_a_knob_counts_with_its_value() -> None:
    module = Graph([Scale("x", name="y", scale_factor=Knob(3.0))]).to_torch()
    assert module(torch.ones(2, dtype=torch.float64))[0]["y"].tolist() == [3.0, 3.0]


def test_what_cannot_be_exported_is_named() -> None:
    @signal
    def odd(x: Any) -> Any:
        return x + 1

    graph = Graph([Sum("x", name="s"), odd("s", name="strange")])
    with pytest.raises(StreamConfigError, match=r"odd.*strange"):
        graph.to_torch()
    assert graph.to_torch(outputs="s").outputs == ("s",)


def test_names_and_shapes_are_checked() -> None:
    graph = Graph([Sum("left", "right", name="both")])
    with pytest.raises(StreamConfigError, match="'both'"):
        graph.to_torch(outputs=["bath"])
    with pytest.raises(StreamConfigError, match="'right'"):
        graph.to_torch(["left"])
    module = graph.to_torch({"left": (2,), "right": (2,)})
    with pytest.raises(DataError, match="1 columns"):
        module(torch.zeros(3, 2))
    with pytest.raises(DataError, match="rows of shape"):
        module(torch.zeros(3), torch.zeros(3))
