"""How models are exported: a torch module into torch, an ONNX model into ONNX, asked row by row or window by window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.signals.base import Array
from headrace.signals.export import State, exports
from headrace.signals.exports import row_of
from headrace.signals.inference import Inference
from headrace.signals.inference_windows import WindowedInference
from headrace.signals.tensors import T, Tensors


def _start(node: Any, *heads: Array) -> dict[str, Array]:
    if not node.stateful:
        return {}
    _, state, _ = node.init(*heads)
    parts = state if isinstance(state, tuple) else (state,)
    return {f"state_{k}": np.asarray(part) for k, part in enumerate(parts)}


def _burst(node: Any, head: Array) -> int:
    """Return how many rows are said about a window."""
    return len(node.init(head)[2])


def _windows_start(node: Any, *heads: Array) -> dict[str, Array]:
    found = {"past": row_of(heads[0])[:0]}
    if node.upsample:
        last = node.init(*heads)[2]
        found |= {"last": np.full(last.shape, node.default_value, last.dtype), "row": np.zeros(1)}
    return found


def _said(t: Tensors, node: Any, state: State, x: T, made: T, k: int, after: State) -> Any:
    """Return what was said about windows, ``k`` rows for each, a row for each input row if asked for; and the next state."""
    if not node.upsample:
        return made, after
    size, hop, one = node.window_size, node.window_size - node.window_overlap, t.const(1.0)

    def complete(n: T) -> T:
        """Return how many windows are complete after n rows."""
        turns = t.div(t.sub(n, t.const(float(size))), t.const(float(hop)))
        return t.op("Max", t.add(t.op("Floor", turns), one), t.const(0.0))

    row, shown = state["row"], t.concat([t.cast(state["last"], "float64"), made])
    rows = t.add(t.numbers(x), row)
    windows = complete(rows)
    age = t.sub(rows, t.add(t.mul(t.sub(windows, one), t.const(float(hop))), t.const(float(size))))
    age = t.op("Max", age, t.const(0.0))  # before the first window all rows are alike
    part = t.op("Floor", t.div(t.mul(age, t.const(float(k))), t.const(float(hop))))
    at = t.add(t.mul(t.sub(windows, complete(row)), t.const(float(k))), part)
    return t.take(shown, at), {**after, "last": t.cast(t.cut(shown, -k), t.out.dtype), "row": t.add(row, t.rows(x))}


# --- torch ------------------------------------------------------------------------------------------


def _no_module(node: Any, *heads: Array) -> str | None:
    if not hasattr(node.model, "named_parameters"):
        return "its model is no torch module"
    if getattr(node, "stateful", False) and (node.init_state is None or _nested(node.init_state)):
        return "a module with a state needs init_state=, an array or a tuple of arrays"
    return None


def _nested(state: Any) -> bool:
    return isinstance(state, tuple) and any(isinstance(part, tuple) for part in state)


def _asked(t: Any, node: Any, x: T, *state: Any) -> Any:
    """Return what a module says about rows in the dtype of its weights; with a state, (that, the next state)."""
    weight = next((p for p in node.model.parameters() if p.is_floating_point()), None)
    call = getattr(node.model, "inference", node.model)
    x = x.to(t.torch.float32 if weight is None else weight.dtype)
    if state:
        return call(x, *state)
    return call(x) if call is node.model else call(x, None)[0]


@exports(Inference, start=_start, targets=("torch",), fits=_no_module)
def _module(t: Any, node: Any, state: State, x: T) -> Any:
    if not node.stateful:
        return _asked(t, node, x)
    parts = tuple(state.values())
    alone, found = not isinstance(node.init_state, tuple), []
    for k in range(x.shape[0]):
        y, after = _asked(t, node, x[k : k + 1], parts[0] if alone else parts)
        parts = (after,) if alone else tuple(after)
        found.append(y)
    made = t.torch.cat(found) if found else t.torch.zeros(t.out.shape, device=x.device)
    return made, dict(zip(state, parts, strict=True))


@exports(WindowedInference, start=_windows_start, targets=("torch",), fits=_no_module)
def _module_by_window(t: Any, node: Any, state: State, x: T) -> Any:
    rows = t.concat([state["past"], x])
    size, hop, shape = node.window_size, node.window_size - node.window_overlap, t.out.shape[1:]
    k = _burst(node, t.heads[0])
    found = [_asked(t, node, window[None]) for window in t.windows(rows, size, hop)]
    made = t.torch.cat(found) if found else t.torch.zeros((0, *shape, k), device=x.device)
    made = t.wide(made.reshape(-1, *shape, k), t.out).movedim(-1, 1).reshape(-1, *shape)
    return _said(t, node, state, x, made, k, {"past": t.behind(rows, size, hop)})


# --- ONNX -------------------------------------------------------------------------------------------


def _no_onnx(node: Any, *heads: Array) -> str | None:
    if not isinstance(node.model, Path | bytes):
        return "its model is no ONNX file"
    onnx = optional("onnx", "infer", "to_onnx")
    model = _load(onnx, node.model)
    if len(model.opset_import) > 1 or model.opset_import[0].domain not in ("", "ai.onnx"):
        return "its model uses operators of its own"
    if node.output is not None and getattr(node, "stateful", False):
        return "a model with a state is exported with its first output"
    return None


def _load(onnx: Any, model: Path | bytes) -> Any:
    return onnx.load_model_from_string(model.read_bytes() if isinstance(model, Path) else model)


@exports(Inference, start=_start, targets=("onnx",), fits=_no_onnx)
def _by_row(t: Any, node: Any, state: State, x: T) -> Any:
    made, following = _inlined(t, node, state, x, t.heads[0].shape[1:], t.out.shape[1:])
    return (made, following) if node.stateful else made


@exports(WindowedInference, start=_windows_start, targets=("onnx",), fits=_no_onnx)
def _by_window(t: Any, node: Any, state: State, x: T) -> Any:
    rows = t.concat([state["past"], x])
    size, hop = node.window_size, node.window_size - node.window_overlap
    window, shape, k = (size, *t.heads[0].shape[1:]), t.out.shape[1:], _burst(node, t.heads[0])
    t.slow = True  # a block may complete no window
    made, _ = _inlined(t, node, {}, t.windows(rows, size, hop), window, (*shape, k))
    made = t.transpose(made, [0, len(shape) + 1, *range(1, len(shape) + 1)])
    return _said(t, node, state, x, t.reshape(made, [-1, *shape]), k, {"past": t.behind(rows, size, hop)})


def _inlined(t: Any, node: Any, state: State, x: T, row: Any, out: Any) -> tuple[T, State]:
    """Return what the model says about each row, of shape ``out``, and its next state."""
    import onnx
    from onnx import compose, version_converter

    from headrace.signals.export_onnx import OPSET

    model = _load(onnx, node.model)
    if model.opset_import[0].version != OPSET:
        model = version_converter.convert_version(model, OPSET)
    graph = compose.add_prefix_graph(model.graph, f"{t.fresh('#model')}/")
    t.constants.extend(graph.initializer)
    given = {each.name for each in graph.initializer}
    feeds = [each for each in graph.input if each.name not in given]
    names = [each.name for each in graph.output]
    plain = [each.name for each in model.graph.output]
    first = names[plain.index(node.output) if node.output is not None else 0]
    rank = len(feeds[0].type.tensor_type.shape.dim)
    axes = [1] * max(0, rank - 1 - len(row))
    types = [onnx.helper.tensor_dtype_to_np_dtype(each.type.tensor_type.elem_type) for each in feeds]

    def body(inner: Any, carry: list[T], rows: list[T]) -> tuple[list[T], list[T]]:
        fed = inner.reshape(rows[0], [1, *axes, *row])
        for each, value, dtype in zip(feeds, [fed, *carry], types, strict=True):
            inner.named("Cast", each.name, value, to=_elem(onnx, dtype))
        inner.nodes.extend(graph.node)
        after = [inner.cast(name, np.float64) for name in names[1 : 1 + len(carry)]]
        return after, [inner.cast(inner.reshape(first, list(out)), np.float64)]

    carry = [t.cast(state[name], np.float64) for name in state]
    after, (made,) = t.scan(body, carry, [x], [t.const(np.zeros((0, *out)))])
    following = {name: t.cast(value, dtype) for name, value, dtype in zip(state, after, types[1:], strict=True)}
    return made, following


def _elem(onnx: Any, dtype: Any) -> int:
    return int(onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
