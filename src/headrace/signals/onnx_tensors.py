"""The operations that exports are written in, as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.tensors import Body, T, Tensors

_LONG = 1 << 62


def type_of(helper: Any, dtype: Any) -> int:
    """Return the number that ONNX has for a dtype of numpy."""
    return int(helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


class OnnxTensors(Tensors):
    """Nodes and constants of a graph, as they are written; a tensor is its name.

    Attributes
    ----------
    nodes, constants : list
        What has been written.
    """

    fixed: bool = False  # whether every block has one number of rows

    def __init__(self, helper: Any, outer: OnnxTensors | None = None) -> None:
        self.helper: Any = helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = [] if outer is None else outer.constants  # bodies see those of the graph around
        self._known: dict[Any, str] = {} if outer is None else outer._known
        self._count: list[int] = [0] if outer is None else outer._count

    def fresh(self, stem: str) -> str:
        """Return a name that nothing has yet."""
        self._count[0] += 1
        return f"{stem}_{self._count[0]}"

    def named(self, op: str, name: str, *xs: T, **attributes: Any) -> T:
        """Write a node whose result is called ``name``."""
        self.nodes.append(self.helper.make_node(op, list(xs), [name], **attributes))
        return name

    def make(self, op: str, *xs: T, **attributes: Any) -> T:
        """Write a node, and return what its result is called."""
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
        """Return whole numbers, ``(n,)``, as ONNX wants them where it counts."""
        return self.const(np.array(values, dtype=np.int64))

    def cast(self, x: T, dtype: Any) -> T:
        return self.make("Cast", x, to=type_of(self.helper, dtype))

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
        inner = OnnxTensors(self.helper, self)
        known, rows = [inner.fresh("#state") for _ in carry], [inner.fresh("#row") for _ in xs]
        after, made = body(inner, known, rows)
        after, made = ([inner.make("Identity", each) for each in part] for part in (after, made))
        double = type_of(self.helper, np.float64)
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
        double = type_of(self.helper, np.float64)
        there = [self.helper.make_tensor_value_info(name, double, None) for name in node.output]
        others = OnnxTensors(self.helper, self)
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
