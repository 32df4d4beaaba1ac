"""A graph as a module of torch: explicit state in and out, differentiable."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.signals.base import Array
from headrace.signals.cascade import run
from headrace.signals.export_plan import Plan, plan
from headrace.signals.tensors import Body, T, Tensors

_LIFTED = 64  # rows that a recursive filter does as one product of matrices
_OPS = {
    "Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div", "Pow": "pow", "Neg": "neg", "Abs": "abs", "Exp": "exp",
    "Log": "log", "Sqrt": "sqrt", "Sin": "sin", "Cos": "cos", "Sign": "sign", "Floor": "floor", "Round": "round", "Min": "minimum",
    "Max": "maximum", "Where": "where", "Equal": "eq", "Less": "lt", "And": "logical_and", "Or": "logical_or",
    "Not": "logical_not", "MatMul": "matmul",
}  # fmt: skip


def to_torch(graph: Any, inputs: Any = None, outputs: Any = None, *, dtype: Any = "float64") -> Any:
    """Return a graph as a ``torch.nn.Module``: ``module(*columns, state=None) -> (outputs, state)``.

    Columns are tensors ``(rows, ...)`` in the order of ``module.inputs``; outputs are tensors by name; the state is a dict of
    tensors, ``module.start()`` before the first row, and one more value of the computation: gradients flow through it.
    Differences to the graph itself are in the last bits; with float32 columns it computes in double, and rounds where the
    graph gives float32. Complex columns come out complex.

    Parameters
    ----------
    graph
        The graph; knobs count with the values that they have.
    inputs
        The columns that come in: names; or, by name, the shape of a row or an array like the column. By default all that
        are read, one number a row.
    outputs
        The columns that come out; by default the graph's outputs, or all that it computes.
    dtype
        The dtype of inputs for which no array says it.

    Raises
    ------
    StreamConfigError
        When a node has no exporter (names it), or an input or output is not there.
    MissingExtraError
        When torch is not installed.

    Examples
    --------
    >>> import headrace.signals as s
    >>> torch = __import__("pytest").importorskip("torch")
    >>> module = to_torch(s.Graph([s.Integrate("x", name="y")]))
    >>> outputs, state = module(torch.ones(3, dtype=torch.float64))
    >>> outputs["y"].tolist(), module(torch.ones(1, dtype=torch.float64), state=state)[0]["y"].tolist()
    ([0.0, 1.0, 2.0], [3.0])
    """
    optional("torch", "torch", "to_torch")
    return _again(graph, inputs, outputs, dtype)


def _again(graph: Any, inputs: Any, outputs: Any, dtype: Any) -> Any:
    return _module_class()(plan(graph, "torch", inputs, outputs, dtype), graph)


class _Torch(Tensors):
    def __init__(self, device: Any, torch: Any) -> None:
        self.device, self.torch = device, torch
        self._numbers: dict[float, Any] = {}

    def op(self, name: str, *xs: T) -> T:
        if name == "Sqrt" and xs[0].requires_grad:
            return self._root(xs[0])
        return getattr(self.torch, _OPS[name])(*xs)

    def _root(self, x: T) -> T:
        """Return the root, whose gradient at 0, which is infinite, counts as 0: a length of 0 must not make all others NaN."""
        none = x == 0
        return self.torch.where(none, x.detach(), self.torch.where(none, self.const(1.0), x).sqrt())

    def const(self, value: Any) -> T:
        if type(value) is float:
            if value not in self._numbers:
                self._numbers[value] = self.torch.tensor(value, dtype=self.torch.float64, device=self.device)
            return self._numbers[value]
        array = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)
        return self.torch.tensor(np.array(array), device=self.device)

    def cast(self, x: T, dtype: Any) -> T:
        return x.to(getattr(self.torch, np.dtype(dtype).name))

    def concat(self, xs: Sequence[T], axis: int = 0) -> T:
        return self.torch.cat(list(xs), dim=axis)

    def cut(self, x: T, start: int, stop: int | None = None, axis: int = 0) -> T:
        return x[(slice(None),) * axis + (slice(start, stop),)]

    def reshape(self, x: T, shape: Sequence[int]) -> T:
        shape = list(shape)
        if -1 in shape and x.numel() == 0:  # which torch cannot divide
            rest = int(np.prod([n for n in shape if n != -1]))
            shape[shape.index(-1)] = x.shape[0] if rest and shape[0] == -1 else 0
        return x.reshape(shape)

    def transpose(self, x: T, axes: Sequence[int]) -> T:
        return x.permute(*axes)

    def reduce(self, name: str, x: T, axis: int, keep: bool = False) -> T:
        function = {"Sum": "sum", "Mean": "mean", "Max": "amax", "Min": "amin"}[name]
        return getattr(self.torch, function)(x, dim=axis, keepdim=keep)

    def rows(self, x: T) -> T:
        return self.torch.tensor(float(x.shape[0]), dtype=self.torch.float64, device=self.device)

    def filled(self, x: T, value: float) -> T:
        return self.torch.full(x.shape[:1], value, dtype=self.torch.float64, device=self.device)

    def cumsum(self, x: T) -> T:
        return self.torch.cumsum(x, dim=0)

    def windows(self, x: T, size: int, hop: int = 1) -> T:
        if x.shape[0] < size:
            return x.new_zeros((0, size, *x.shape[1:]))
        made = x.unfold(0, size, hop)
        return made.movedim(-1, 1)

    def behind(self, x: T, size: int, hop: int) -> T:
        return x[max(0, (x.shape[0] - size) // hop + 1) * hop :]

    def take(self, x: T, places: T) -> T:
        return self.torch.take(x, places.long()) if x.dim() == 1 else x[places.long()]

    def row(self, x: T, k: int) -> T:
        return x[k]

    def range(self, n: T) -> T:
        return self.torch.arange(int(n), dtype=self.torch.float64, device=self.device)

    def compress(self, x: T, there: T) -> T:
        return x[there]

    def ordered(self, x: T, axis: int, n: int) -> T:
        return self.torch.sort(x, dim=axis).values

    def sosfilt(self, sos: Array, state: T, x: T) -> tuple[T, T]:
        if x.device.type == "cpu" and x.shape[0]:  # the very recursion: by products, narrow filters lose five digits
            made: tuple[T, T] = _recursion().apply(x, state, sos)
            return made
        found, z = [], state.reshape(2 * len(sos), -1)
        for at in range(0, x.shape[0], _LIFTED):
            part = x[at : at + _LIFTED]
            of_rows, of_state, rows_on, state_on = (self.const(m) for m in _lifted(sos.tobytes(), len(part)))
            found.append(of_rows @ part + of_state @ z)
            z = rows_on @ part + state_on @ z
        return self.torch.cat(found) if found else x, z.reshape(len(sos), 2, -1)

    def scan(self, body: Body, carry: Sequence[T], xs: Sequence[T], none: Sequence[T]) -> tuple[list[T], list[T]]:
        known, found = list(carry), []
        n = xs[0].shape[0]
        for k in range(n):
            known, made = body(self, known, [x[k] for x in xs])
            found.append(made)
        if not n:
            return known, list(none)
        return known, [self.torch.stack(list(each)) for each in zip(*found, strict=True)]

    def fmod(self, x: T, y: T) -> T:
        return self.torch.fmod(x, y)

    def atan(self, x: T) -> T:
        return self.torch.atan(x)

    def atan2(self, y: T, x: T) -> T:
        return self.torch.atan2(y, x)


@lru_cache(256)
def _lifted(sos: bytes, n: int) -> tuple[Array, Array, Array, Array]:
    """Return the matrices by which n rows and a state give n rows and the next state."""
    signal = optional("scipy.signal", "signals", "to_torch")
    sections = np.frombuffer(sos).reshape(-1, 6).copy()
    k = len(sections)
    zero = np.zeros((k, 2, n))
    of_rows, rows_on = signal.sosfilt(sections, np.eye(n), axis=0, zi=zero)
    unit = np.eye(2 * k).reshape(k, 2, 2 * k)
    of_state, state_on = signal.sosfilt(sections, np.zeros((n, 2 * k)), axis=0, zi=unit)
    return of_rows, of_state, rows_on.reshape(2 * k, n), state_on.reshape(2 * k, 2 * k)


@lru_cache(1)
def _recursion() -> Any:
    """Return second-order sections as a function of torch: forwards as numpy has them, gradients by products of matrices."""
    import torch

    class Recursion(torch.autograd.Function):  # type: ignore[misc, unused-ignore]
        @staticmethod
        def forward(ctx: Any, x: Any, z: Any, sos: Array) -> Any:
            ctx.sos, n = sos, z.shape[2]
            rows, known = x.detach().numpy(), z.detach().numpy()
            y, after = run(sos, rows, np.ascontiguousarray(known.transpose(2, 0, 1)), "to_torch")
            return torch.from_numpy(y), torch.from_numpy(after.reshape(n, -1, 2).transpose(1, 2, 0).copy())

        @staticmethod
        def backward(ctx: Any, dy: Any, dz: Any) -> Any:
            shape, found = dz.shape, []
            dz = dz.reshape(-1, shape[2])
            for at in reversed(range(0, dy.shape[0], _LIFTED)):
                part = dy[at : at + _LIFTED]
                of_rows, of_state, rows_on, state_on = map(torch.from_numpy, _lifted(ctx.sos.tobytes(), len(part)))
                found.append(of_rows.T @ part + rows_on.T @ dz)
                dz = of_state.T @ part + state_on.T @ dz
            return torch.cat(found[::-1]), dz.reshape(shape), None

    return Recursion


@lru_cache(1)
def _module_class() -> Any:
    import torch

    class Exported(torch.nn.Module):  # type: ignore[misc, unused-ignore]
        """A graph of signals: ``module(*columns, state=None) -> (outputs, state)``."""

        def __init__(self, plan: Plan, graph: Any) -> None:
            super().__init__()
            self.plan, self.graph = plan, graph
            self.inputs, self.outputs = tuple(plan.inputs), plan.outputs
            for name, step in ((step.node.name, step) for step in plan.steps):
                model = getattr(step.node, "model", None)
                if isinstance(model, torch.nn.Module):  # so that .to(device) and .parameters() reach it
                    self.add_module(f"model_{name}".replace(".", "_"), model)

        def start(self, device: Any = None) -> dict[str, Any]:
            """Return the state before the first row."""
            return {name: torch.tensor(each, device=device) for name, each in self.plan.state().items()}

        def forward(self, *columns: Any, state: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
            if len(columns) != len(self.inputs):
                raise DataError(
                    f"the module got {len(columns)} columns, wanted {', '.join(map(repr, self.inputs))}.\n"
                    "  Give them in that order."
                )
            for name, each, head in zip(self.inputs, columns, self.plan.inputs.values(), strict=True):
                if tuple(each.shape[1:]) != head.shape[1:]:
                    raise DataError(
                        f"the module got rows of shape {tuple(each.shape[1:])} for {name!r}, wanted {head.shape[1:]}.\n"
                        "  Say inputs={name: shape} when exporting."
                    )
            device = columns[0].device if columns else None
            t = _Torch(device, torch)
            parts = [torch.view_as_real(each) if each.is_complex() else each for each in columns]
            given = dict(zip(self.inputs, parts, strict=True))
            found, after = self.plan.compute(t, given, self.start(device) if state is None else state)
            for name in self.outputs:
                if self.plan.column(name).dtype.kind == "c":
                    found[name] = torch.view_as_complex(found[name].contiguous())
            return found, after

        def __reduce__(self) -> Any:  # the class is made when torch is there: a pickle makes it again
            return _again, (self.graph, self.plan.inputs, self.outputs, "float64")

        def extra_repr(self) -> str:
            return f"inputs={self.inputs}, outputs={self.outputs}"

    return Exported
