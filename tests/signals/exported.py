"""Run a graph, and what it is exported as, over the same columns in random blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.export_onnx import NEXT, first_state, to_onnx
from headrace.signals.export_torch import to_torch
from headrace.signals.graph import Graph

Columns = dict[str, Any]


def cuts(n: int, seed: int = 0, least: int = 1, most: int = 700) -> list[int]:
    rng = np.random.default_rng(seed)
    found: list[int] = []
    while sum(found) < n:
        found.append(min(int(rng.integers(least, most)), n - sum(found)))
    return found


def joined(parts: list[Columns]) -> Columns:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def by_torch(graph: Graph, columns: Columns, sizes: list[int], **options: Any) -> Columns:
    import torch

    module = to_torch(graph, {name: each[:0] for name, each in columns.items()}, **options)
    state, at, parts = module.start(), 0, []
    for size in sizes:
        rows = [torch.from_numpy(columns[name][at : at + size].copy()) for name in module.inputs]
        made, state = module(*rows, state=state)
        parts.append({name: each.detach().numpy() for name, each in made.items()})
        at += size
    return joined(parts)


def by_onnx(graph: Graph, columns: Columns, sizes: list[int], **options: Any) -> Columns:
    import onnxruntime

    model = to_onnx(graph, None, {name: each[:0] for name, each in columns.items()}, **options)
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), quiet, providers=["CPUExecutionProvider"])
    state, names, at, parts = first_state(model), [each.name for each in session.get_outputs()], 0, []
    for size in sizes:
        feeds = {name: _pairs(columns[name][at : at + size]) for name in columns}
        found = dict(zip(names, session.run(None, {**feeds, **state}), strict=True))
        state = {name: found.pop(f"{name}{NEXT}") for name in state}
        parts.append(found)
        at += size
    return joined(parts)


def _pairs(column: Any) -> Any:
    """Complex numbers as ONNX takes them."""
    return np.stack([column.real, column.imag], -1) if column.dtype.kind == "c" else column


def error(found: Any, wanted: Any) -> float:
    """The greatest difference, against 1 or the value where that is greater; NaN and infinities must agree."""
    found, wanted = np.asarray(found), np.asarray(wanted)
    if wanted.dtype.kind == "c" and found.dtype.kind != "c":
        found = found[..., 0] + 1j * found[..., 1]
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    assert found.dtype == wanted.dtype, (found.dtype, wanted.dtype)
    if wanted.dtype.kind not in "fc":
        return float((found != wanted).sum())
    finite = np.isfinite(wanted)
    assert np.array_equal(finite, np.isfinite(found))
    assert np.array_equal(found[~finite], wanted[~finite], equal_nan=True)
    scale = np.maximum(1.0, np.abs(wanted[finite]))
    return float((np.abs(found[finite] - wanted[finite]) / scale).max(initial=0.0))
