"""Every kind of signal as an ONNX model and as a torch module, against itself in numpy.

A kind is tried on the columns of its own example, in random blocks (some of one row, some of none), with the state carried
outside. An error is the greatest difference to numpy, against 1 or the value where that is greater; NaN and infinities must
agree, and values that are no floats must be equal. Models compute in single precision: theirs have the bar of float32.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import signals_common as common
from harness import Bench

import headrace.signals as s
from headrace.core.registry import components
from headrace.errors import StreamConfigError

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "examples" / "signal_models"
BARS = {"float64": 1e-12, "float32": 1e-6}
TARGETS = {"onnx": "onnxruntime", "torch": "torch"}
QUICK = ("Integrate", "LowPassFilter", "Spectrogram")
Columns = dict[str, Any]


class Case(NamedTuple):
    """A kind of signal: its name, one of it for each target, its columns in float64, whether it computes in float32."""

    kind: str
    nodes: dict[str, Any]
    columns: Columns
    single: bool = False


def exports(bench: Bench) -> None:
    """ONNX and torch exports of every kind of signal against numpy; about two minutes"""
    sys.path.append(str(ROOT / "tests"))  # where exports are run in blocks already
    from signals.exported import by_onnx, by_torch, cuts, error

    ways = {"onnx": by_onnx, "torch": by_torch}
    there = [target for target, module in TARGETS.items() if common.peer(module, quick=False) is not None]
    n = bench.size(100_000, 500)
    worst: dict[tuple[str, str], tuple[float, str]] = {}
    for case in _cases(n, bench.quick):
        for dtype in BARS:
            if case.single and dtype == "float64":
                continue
            for target in there:
                node = case.nodes[target]
                what = f"{case.kind}, {target}, {dtype}"
                columns = {name: _as(each, dtype) for name, each in case.columns.items()}
                sizes = [1, 0, *cuts(len(next(iter(columns.values()))) - 1, least=0)]
                graph, start = s.Graph([node], outputs=[node.name]), time.perf_counter()
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    try:
                        found = ways[target](graph, columns, sizes)
                    except StreamConfigError as refused:  # which names what has no exporter
                        bench.says("-", what, "no exporter", None, "-", str(refused).splitlines()[0])
                        continue
                    wanted = graph(columns)[node.name]
                off = error(found[node.name], wanted)
                least, _ = worst.get((target, dtype), (-1.0, ""))
                if off > least:
                    worst[target, dtype] = off, case.kind
                bar, took = BARS[dtype], time.perf_counter() - start
                bench.says("3", what, f"{off:.1e}", off <= bar, f"<= {bar:g}", f"{took:.0f} s" if took > 5 else "")
    for (target, dtype), (off, kind) in worst.items():
        bench.says("-", f"the worst of {target}, {dtype}: {kind}", f"{off:.1e}", None, "-")


def _as(column: Any, dtype: str) -> Any:
    if column.dtype.kind == "c":
        return column.astype("complex64" if dtype == "float32" else "complex128")
    return column.astype(dtype) if column.dtype.kind == "f" else column


def _cases(n: int, quick: bool) -> Iterator[Case]:
    for component in components():
        kind = component.name.removeprefix("signals.")
        if component.kind != "signal" or not component.make.__module__.startswith("headrace.") or "." in kind:
            continue
        if quick and kind not in QUICK:
            continue
        assert component.example is not None
        example = component.example()
        if hasattr(example.signal, "model"):
            yield from _of_models(kind, n)
            continue
        rows = [np.asarray(each) for each in example.rows(np.random.default_rng(0), n)]
        yield Case(kind, dict.fromkeys(TARGETS, example.signal), dict(zip(example.signal.inputs, rows, strict=True)))
        if kind == "Spectrogram":  # whose example is in decibel, of which a power near 0 has few digits, in numpy too
            node = example.signal.with_(decibel=False)
            yield Case("Spectrogram(decibel=False)", dict.fromkeys(TARGETS, node), {"x": rows[0]})


def _of_models(kind: str, n: int) -> Iterator[Case]:
    """The models of the examples as ONNX, and modules of as many numbers as torch."""
    torch = common.peer("torch", quick=False)
    rng = np.random.default_rng(0)
    if kind == "Inference":
        nodes: dict[str, Any] = {"onnx": s.Inference("x", "y", MODELS / "touch.onnx", stateful=True)}
        if torch is not None:
            nodes["torch"] = s.Inference("x", "y", torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(96, 4)))
        yield Case(kind, nodes, {"x": rng.gamma(2.0, 0.02, size=(n // 10, 6, 16))}, single=True)
        return
    options: dict[str, Any] = {"window_size": 128, "window_overlap": 32}
    nodes = {"onnx": s.WindowedInference("x", "y", MODELS / "swipe.onnx", output_shape=(3,), **options)}
    if torch is not None:
        layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, 3), torch.nn.Softmax(1))
        nodes["torch"] = s.WindowedInference("x", "y", layers, **options)
    yield Case(kind, nodes, {"x": rng.normal(size=(n, 6))}, single=True)
