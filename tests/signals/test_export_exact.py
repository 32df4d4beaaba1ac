"""Exports of columns that double precision does not hold, of complex with real ones, and gradients where roots are of 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from signals.exported import by_onnx, by_torch, cuts, error
from support.counts import heavy
from support.require import require

torch = require("torch")
require("onnx")
require("onnxruntime")
require("scipy")
RNG = np.random.default_rng(0)
WAYS = [by_onnx, by_torch]
TIMES = 1_700_000_000_000_000_000 + np.cumsum(RNG.integers(0, 1_100_000, 300))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(), (2,)])
def test_nanoseconds_of_a_clock(way: Any, shape: tuple[int, ...]) -> None:
    columns = {"x": RNG.normal(size=300), "t": TIMES.reshape(-1, *[1] * len(shape)) + np.zeros(shape, np.int64)}
    nodes = [
        s.SampleRate("t", "rate", unit_multiplier=1e9),
        s.SampleRate("t", "from", unit_multiplier=1e9, start=TIMES[0] - 4096),
        s.Differentiate("t", name="step"),
    ]
    if not shape:
        nodes += [s.Differentiate("x", "t", "slope"), s.Integrate("x", "t", "area"), s.Integrate("t", name="sum")]
    graph = s.Graph(nodes, outputs=[node.name for node in nodes])
    with np.errstate(divide="ignore"):
        wanted = graph(columns)
    found = way(graph, columns, [1, 0, *cuts(299, least=0, most=60)])
    for name in graph.outputs or ():
        assert error(found[name], wanted[name]) <= 1e-12, name


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8"])
def test_narrow_whole_numbers(way: Any, dtype: str) -> None:
    limits = np.iinfo(np.dtype(dtype))
    columns = {"x": RNG.integers(limits.min // 4, limits.max // 4, 200).astype(dtype) * 3}
    graph = s.Graph([s.Differentiate("x", name="d"), s.Integrate("x", "x", "i")], outputs=["d", "i"])
    found, wanted = way(graph, columns, cuts(200, most=50)), graph(columns)
    for name in graph.outputs or ():
        assert error(found[name], wanted[name]) <= 1e-12, name


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(), (2,), (3,)])
def test_complex_and_real_columns_are_added(way: Any, shape: tuple[int, ...]) -> None:
    columns = {"x": RNG.normal(size=(40, *shape))}
    nodes = [
        s.AnalyticSignal("x", "f", 3),
        s.Sum("f", "x", name="sum"),
        s.Sum("x", "x", "f", name="three"),
        s.Difference("x", "f", name="less"),
        s.Difference("f", "f", name="none"),
    ]
    graph = s.Graph(nodes, outputs=["sum", "three", "less", "none"])
    found, wanted = way(graph, columns, [2, 2, 2, 1, 33]), graph(columns)
    for name in graph.outputs or ():
        assert error(found[name], wanted[name]) <= 1e-12, name


@pytest.mark.parametrize("way", WAYS)
def test_decibels_have_as_many_digits_as_their_powers(way: Any) -> None:
    """A spectrum is off by its rounding, 1e-16 of the signal; its logarithm by that over its size, in numpy as well."""
    n = max(3000, heavy(100_000))
    columns = {"x": RNG.normal(size=(n, 3)) + 0.5}
    graph = s.Graph([s.Spectrogram("x", "y", 64, 32, decibel=True)], outputs=["y"])
    wanted, found = graph(columns)["y"], way(graph, columns, cuts(n))["y"]
    assert (np.abs(found - wanted) * 10 ** (wanted / 20)).max() < 1e-14
    assert np.abs(10 ** (found / 10) - 10 ** (wanted / 10)).max() < 1e-12


ROOTS = [
    s.RunningStd("x", "y"),
    s.MovingStd("x", "y", 4, ddof=1),
    s.MovingRMS("x", "y", 4),
    s.Norm("x", "y"),
    s.Norm("x", "y", 3),
    s.RotationQuaternion("x", "y"),
    s.HilbertEnvelope("x", "y", 5),
    s.CrossCorrelation("x", "x", "y", 4, 1),
]


@pytest.mark.parametrize("node", ROOTS, ids=lambda node: type(node).__name__)
def test_gradients_are_numbers_where_roots_are_of_nothing(node: Any) -> None:
    module = s.Graph([node]).to_torch({"x": (3,)})
    x = torch.randn(60, 3, dtype=torch.float64)
    x[5] = 0
    x[20:40] = 0
    x.requires_grad_()
    found = module(x)[0]["y"]
    found.nansum().backward()
    assert torch.isfinite(x.grad).all()
    assert x.grad[:4].abs().sum() > 0
    assert error(found.detach().numpy(), node(*[x.detach().numpy()] * len(node.inputs))) <= 1e-12


def test_the_gradient_of_a_rotation_by_nothing_is_half_of_it() -> None:
    module = s.Graph([s.RotationQuaternion("x", "y")]).to_torch({"x": (3,)})
    x = torch.zeros(1, 3, dtype=torch.float64, requires_grad=True)
    module(x)[0]["y"][0, 2].backward()
    assert x.grad.tolist() == [[0.0, 0.5, 0.0]]
