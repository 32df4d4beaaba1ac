"""A graph as an ONNX model: state as more inputs and outputs, no complex tensors, recursions in double precision."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import StreamConfigError
from headrace.signals.base import Array, positive
from headrace.signals.export_plan import NEXT, PASSED, Plan, plan
from headrace.signals.onnx_tensors import OnnxTensors, type_of

__all__ = ["NEXT", "OPSET", "first_state", "to_onnx"]

OPSET = 17


def to_onnx(
    graph: Any,
    path: str | PathLike[str] | None = None,
    inputs: Any = None,
    outputs: Any = None,
    *,
    stateful: bool = True,
    block: int | None = None,
    dtype: Any = "float64",
) -> Any:
    """Return a graph as an ONNX model, and write it to a file where one is named.

    The model's inputs are the columns, ``(rows, ...)``, then the state, each part named ``node.part``; its outputs the
    columns, then the next state, ``node.part.next``. The state before the first row is in the model's metadata, and
    :func:`first_state` reads it. Opset 17. Complex columns are real ones with a last axis of length 2. What is recursive or
    adds up is computed in double precision, whatever the columns. A block may have no row.

    Parameters
    ----------
    graph
        The graph; knobs count with the values that they have.
    path
        The file, or None.
    inputs
        The columns that come in: names; or, by name, the shape of a row or an array like the column. By default all that
        are read, one number a row.
    outputs
        The columns that come out; by default the graph's outputs, or all that it computes.
    stateful
        Whether the state comes in and goes out. Without, each call starts afresh: for whole recordings.
    block
        The only number of rows it takes; by default any.
    dtype
        The dtype of inputs for which no array says it.

    Returns
    -------
    onnx.ModelProto

    Raises
    ------
    StreamConfigError
        When a node has no exporter (names it), or an input or output is not there; before anything is written.
    MissingExtraError
        When onnx is not installed.

    Examples
    --------
    >>> import headrace.signals as s
    >>> onnx = __import__("pytest").importorskip("onnx")
    >>> model = to_onnx(s.Graph([s.Integrate("x", name="y")]))
    >>> [each.name for each in model.graph.output]
    ['y', 'y.total.next', 'y.last_a.next', 'y.begun.next']
    """
    optional("onnx", "infer", "to_onnx")
    if block is not None:
        block = positive("to_onnx(block=)", block, whole=True)
    made = _model(plan(graph, "onnx", inputs, outputs, dtype), stateful, block)
    if path is not None:
        Path(path).write_bytes(made.SerializeToString())
    return made


def first_state(model: Any) -> dict[str, Array]:
    """Return the state before the first row of a model that :func:`to_onnx` made: its path, its bytes, or itself.

    Raises
    ------
    StreamConfigError
        When the model has none.
    """
    onnx = optional("onnx", "infer", "first_state")
    if isinstance(model, str | PathLike):
        model = Path(model).read_bytes()
    if isinstance(model, bytes):
        try:
            model = onnx.load_model_from_string(model)
        except Exception:  # of protobuf, whose classes differ from version to version
            raise StreamConfigError(
                "first_state got bytes that are no ONNX model, wanted one that to_onnx made.\n  Give its path, or its bytes."
            ) from None
    found = {each.key: each.value for each in model.metadata_props}
    if "headrace.state" not in found:
        raise StreamConfigError(
            "first_state got a model without a state, wanted one that to_onnx made.\n  Export it with stateful=True."
        )
    from headrace.signals.json import value_from_plain

    plain = __import__("json").loads(found["headrace.state"])
    return {name: np.asarray(value_from_plain(each)) for name, each in plain.items()}


def _model(plan: Plan, stateful: bool, block: int | None) -> Any:
    import json

    import onnx
    from onnx import helper

    from headrace.signals.json import value_to_plain

    t = OnnxTensors(helper)
    t.fixed = block is not None
    start = plan.state()
    rows: Any = "rows" if block is None else block
    values, feeds = {}, []
    for name, head in plan.inputs.items():
        values[name] = name
        feeds.append(_info(helper, name, head, rows))
    state = {}
    for name, first in start.items():
        state[name] = name if stateful else t.const(first)
        if stateful:
            feeds.append(helper.make_tensor_value_info(name, type_of(helper, first.dtype), _open(first.shape, name)))
    found, after = plan.compute(t, values, state)
    results = []
    for name in plan.outputs:
        made = t.named("Identity", f"{name}{PASSED if name in plan.inputs else ''}", found[name])
        step = next((s for s in plan.steps if s.node.name == name), None)
        slow = step is not None and step.slow
        results.append(_info(helper, made, plan.column(name), f"rows of {name}" if slow else rows))
    if stateful:
        for name, value in after.items():
            first = start[name]
            made = t.named("Identity", f"{name}{NEXT}", t.cast(value, first.dtype))
            results.append(helper.make_tensor_value_info(made, type_of(helper, first.dtype), _open(first.shape, name)))
    inner = helper.make_graph(t.nodes, "headrace", feeds, results, initializer=t.constants)
    model = helper.make_model(
        inner, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="headrace", ir_version=8
    )
    entry = model.metadata_props.add()
    entry.key, entry.value = "headrace.state", json.dumps({k: value_to_plain(v) for k, v in start.items()})
    onnx.checker.check_model(model)
    return model


def _open(shape: Sequence[int], name: str) -> list[Any]:
    """Return the shape of a state; rows that are kept may be more later, where there are none at first."""
    return [f"rows kept of {name}" if n == 0 else n for n in shape]


def _info(helper: Any, name: str, head: Array, rows: Any) -> Any:
    dtype, shape = head.dtype, list(head.shape[1:])
    if dtype.kind == "c":
        dtype, shape = np.dtype("float32" if dtype.itemsize == 8 else "float64"), [*shape, 2]
    return helper.make_tensor_value_info(name, type_of(helper, dtype), [rows, *shape])
