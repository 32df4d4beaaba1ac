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
from headrace.signals.export import Plan, plan
from headrace.signals.tensors import Body, T, Tensors

OPSET = 17
NEXT = ".next"  # behind the name of a state that comes out
_LONG = 1 << 62


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
        model = onnx.load_model_from_string(model)
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

    t = _Onnx(helper)
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
            feeds.append(helper.make_tensor_value_info(name, _type(helper, first.dtype), _open(first.shape, name)))
    found, after = plan.compute(t, values, state)
    results = []
    for name in plan.outputs:
        made = t.named("Identity", f"{name}{'.out' if name in plan.inputs else ''}", found[name])
        step = next((s for s in plan.steps if s.node.name == name), None)
        slow = step is not None and step.slow
        results.append(_info(helper, made, plan.column(name), f"rows of {name}" if slow else rows))
    if stateful:
        for name, value in after.items():
            first = start[name]
            made = t.named("Identity", f"{name}{NEXT}", t.cast(value, first.dtype))
            results.append(helper.make_tensor_value_info(made, _type(helper, first.dtype), _open(first.shape, name)))
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
    return helper.make_tensor_value_info(name, _type(helper, dtype), [rows, *shape])


def _type(helper: Any, dtype: Any) -> int:
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


class _Onnx(Tensors):
    fixed = False  # whether every block has one number of rows

    def __init__(self, helper: Any, outer: _Onnx | None = None) -> None:
        self.helper = helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = [] if outer is None else outer.constants  # bodies see those of the graph around
        self._known: dict[Any, str] = {} if outer is None else outer._known
        self._count: list[int] = [0] if outer is None else outer._count

    def fresh(self, stem: str) -> str:
        self._count[0] += 1
        return f"{stem}_{self._count[0]}"

    def named(self, op: str, name: str, *xs: T, **attributes: Any) -> T:
        self.nodes.append(self.helper.make_node(op, list(xs), [name], **attributes))
        return name

    def make(self, op: str, *xs: T, **attributes: Any) -> T:
        return self.named(op, self.fresh(f"#{op}"), *xs, **attributes)

    def op(self, name: str, *xs: T) -> T:
        return self.make(name, *xs)

    def const(self, value: Any) -> T:
        array = np.array(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            from onnx import numpy_helper

            self._known[key] = self.fresh("#const")
            self.constants.append(numpy_helper.from_array(array, self._known[key]))
        return self._known[key]

    def whole(self, *values: int) -> T:
        return self.const(np.array(values, dtype=np.int64))

    def cast(self, x: T, dtype: Any) -> T:
        return self.make("Cast", x, to=_type(self.helper, dtype))

    def concat(self, xs: Sequence[T], axis: int = 0) -> T:
        return self.make("Concat", *xs, axis=axis)

    def cut(self, x: T, start: int, stop: int | None = None, axis: int = 0) -> T:
        return self.make("Slice", x, self.whole(start), self.whole(_LONG if stop is None else stop), self.whole(axis))

    def reshape(self, x: T, shape: Sequence[int]) -> T:
        return self.make("Reshape", x, self.whole(*shape))

    def transpose(self, x: T, axes: Sequence[int]) -> T:
        return self.make("Transpose", x, perm=list(axes))

    def reduce(self, name: str, x: T, axis: int, keep: bool = False) -> T:
        if name == "Sum":  # whose axes are an input since opset 13
            return self.make("ReduceSum", x, self.whole(axis), keepdims=int(keep))
        return self.make(f"Reduce{name}", x, axes=[axis], keepdims=int(keep))

    def length(self, x: T) -> T:
        """Return how many rows there are, ``(1,)``, as a whole number."""
        return self.make("Shape", x, start=0, end=1)

    def rows(self, x: T) -> T:
        return self.cast(self.reshape(self.length(x), []), "float64")

    def filled(self, x: T, value: float) -> T:
        return self.make("Expand", self.const(value), self.length(x))

    def cumsum(self, x: T) -> T:
        return self.make("CumSum", x, self.const(np.int64(0)))

    def _windows(self, x: T, size: int, hop: int) -> T:
        """Return how many windows are complete, ``(1,)``."""
        more = self.make("Sub", self.length(x), self.whole(size - hop))
        return self.make("Div", self.make("Max", more, self.whole(0)), self.whole(hop))

    def windows(self, x: T, size: int, hop: int = 1) -> T:
        n = self.reshape(self._windows(x, size, hop), [])
        starts = self.make("Range", self.const(np.int64(0)), n, self.const(np.int64(1)))
        starts = self.make("Mul", starts, self.whole(hop))
        at = self.make("Add", self.reshape(starts, [-1, 1]), self.const(np.arange(size, dtype=np.int64)[None]))
        return self.make("Gather", x, at, axis=0)

    def behind(self, x: T, size: int, hop: int) -> T:
        start = self.make("Mul", self._windows(x, size, hop), self.whole(hop))
        return self.make("Slice", x, start, self.whole(_LONG), self.whole(0))

    def take(self, x: T, places: T) -> T:
        return self.make("Gather", x, self.cast(places, np.int64), axis=0)

    def row(self, x: T, k: int) -> T:
        return self.make("Gather", x, self.const(np.int64(k)), axis=0)

    def range(self, n: T) -> T:
        whole = self.cast(self.reshape(n, []), np.int64)
        made = self.make("Range", self.const(np.int64(0)), whole, self.const(np.int64(1)))
        return self.cast(made, "float64")

    def compress(self, x: T, there: T) -> T:
        return self.make("Compress", x, there, axis=0)

    def ordered(self, x: T, axis: int, n: int) -> T:
        made, places = self.fresh("#TopK"), self.fresh("#TopK")
        node = self.helper.make_node("TopK", [x, self.whole(n)], [made, places], axis=axis, largest=0, sorted=1)
        self.nodes.append(node)
        return made

    def sosfilt(self, sos: Array, state: T, x: T) -> tuple[T, T]:
        k = len(sos)
        flat = [
            self.reshape(self.cut(self.cut(state, s, s + 1), d, d + 1, axis=1), [-1]) for s in range(k) for d in (0, 1)
        ]

        def body(t: Any, z: list[T], rows: list[T]) -> tuple[list[T], list[T]]:
            after, value = [], rows[0]
            for s, (b0, b1, b2, _, a1, a2) in enumerate(sos):
                y = t.add(t.mul(t.const(b0), value), z[2 * s])
                after.append(t.add(t.sub(t.mul(t.const(b1), value), t.mul(t.const(a1), y)), z[2 * s + 1]))
                after.append(t.sub(t.mul(t.const(b2), value), t.mul(t.const(a2), y)))
                value = y
            return after, [value]

        after, (y,) = self.scan(body, flat, [x], [x])
        joined = [self.reshape(each, [1, 1, -1]) for each in after]
        pairs = [self.concat(joined[2 * s : 2 * s + 2], axis=1) for s in range(k)]
        return y, self.concat(pairs)

    def scan(self, body: Body, carry: Sequence[T], xs: Sequence[T], none: Sequence[T]) -> tuple[list[T], list[T]]:
        inner = _Onnx(self.helper, self)
        known, rows = [inner.fresh("#state") for _ in carry], [inner.fresh("#row") for _ in xs]
        after, made = body(inner, known, rows)
        after, made = ([inner.make("Identity", each) for each in part] for part in (after, made))
        double = _type(self.helper, np.float64)
        feeds = [self.helper.make_tensor_value_info(n, double, None) for n in (*known, *rows)]
        results = [self.helper.make_tensor_value_info(n, double, None) for n in (*after, *made)]
        graph = self.helper.make_graph(inner.nodes, self.fresh("#body"), feeds, results)
        names = [self.fresh("#Scan") for _ in (*after, *made)]
        node = self.helper.make_node("Scan", [*carry, *xs], names, body=graph, num_scan_inputs=len(xs))
        if self.slow or not self.fixed:
            names = self._if_rows(xs[0], node, [*carry, *none])
        else:
            self.nodes.append(node)
        return names[: len(after)], names[len(after) :]

    def _if_rows(self, x: T, node: Any, otherwise: Sequence[T]) -> list[T]:
        """Return what a node gives if there are rows, which runtimes ask of Scan, and else what is named."""
        some = self.make("Greater", self.reshape(self.length(x), []), self.const(np.int64(0)))
        double = _type(self.helper, np.float64)
        there = [self.helper.make_tensor_value_info(name, double, None) for name in node.output]
        others = _Onnx(self.helper, self)
        passed = [others.make("Identity", each) for each in otherwise]
        infos = [self.helper.make_tensor_value_info(name, double, None) for name in passed]
        names = [self.fresh("#If") for _ in passed]
        self.nodes.append(
            self.helper.make_node(
                "If",
                [some],
                names,
                then_branch=self.helper.make_graph([node], self.fresh("#some"), [], there),
                else_branch=self.helper.make_graph(others.nodes, self.fresh("#none"), [], infos),
            )
        )
        return names

    def fmod(self, x: T, y: T) -> T:
        return self.make("Mod", x, y, fmod=1)

    def atan(self, x: T) -> T:
        # In single precision, since not every runtime has it in double; one step of Newton's brings the other digits.
        y = self.cast(self.make("Atan", self.cast(x, "float32")), "float64")
        cos, sin = self.op("Cos", y), self.op("Sin", y)
        d = self.div(self.sub(self.mul(x, cos), sin), self.add(cos, self.mul(x, sin)))
        return self.add(y, self.sub(d, self.div(self.mul(self.mul(d, d), d), self.const(3.0))))
