"""Tiny ONNX models, made where they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np


def dense(weights: Any, bias: Any, *, batch: Any = "batch", name: str = "y") -> bytes:
    """``input`` (batch, k) times weights (k, m), plus bias, through tanh."""
    from onnx import TensorProto, helper, numpy_helper

    k, m = np.shape(weights)
    nodes = [
        helper.make_node("MatMul", ["input", "w"], ["p"]),
        helper.make_node("Add", ["p", "b"], ["s"]),
        helper.make_node("Tanh", ["s"], [name]),
    ]
    made = helper.make_graph(
        nodes,
        "dense",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, k])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, m])],
        initializer=[
            numpy_helper.from_array(np.asarray(weights, np.float32), "w"),
            numpy_helper.from_array(np.asarray(bias, np.float32), "b"),
        ],
    )
    return _bytes(made)


def leaky(keep: float, k: int, *, opset: int = 17) -> bytes:
    """``x`` (1, k), ``x_state`` (1, k) to ``y`` = ``y_state`` = keep * state + x."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Mul", ["x_state", "keep"], ["kept"]),
        helper.make_node("Add", ["kept", "x"], ["y_state"]),
        helper.make_node("Identity", ["y_state"], ["y"]),
    ]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, k]) for n in ("x", "x_state", "y", "y_state")]
    keeps = numpy_helper.from_array(np.float32(keep), "keep")
    return _bytes(helper.make_graph(nodes, "leaky", values[:2], values[2:], initializer=[keeps]), opset)


def _bytes(graph: Any, opset: int = 17) -> bytes:
    from onnx import helper

    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return bytes(made.SerializeToString())
