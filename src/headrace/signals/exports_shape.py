"""How choosing, joining and folding features, and waves of a time signal, are exported."""

from __future__ import annotations

from math import pi
from typing import Any

from headrace.signals.base import Array
from headrace.signals.export import State, exports
from headrace.signals.exports import parts_of, real
from headrace.signals.shape import Concatenate, ExtractDimension, Reshape, Stack
from headrace.signals.tensors import T, Tensors
from headrace.signals.waveforms import SineWave, SquareWave, TriangleWave


@exports(ExtractDimension)
def _extract(t: Tensors, node: Any, state: State, x: T) -> T:
    head = t.heads[0]
    for at in node.dim if isinstance(node.dim, tuple) else (node.dim,):
        at %= head.shape[1]
        x = t.cut(x, at, at + 1, axis=1)
        head = head[:, at]
        x = t.reshape(x, [-1, *head.shape[1:], *parts_of(head)])
    return x


def _no_mixed(node: Any, *heads: Array) -> str | None:
    if len({head.dtype.kind == "c" for head in heads}) > 1:
        return "it joins complex and real columns"
    return None


@exports(Concatenate, fits=_no_mixed)
def _concatenate(t: Tensors, node: Any, state: State, *xs: T) -> T:
    parts = [
        t.reshape(x, [-1, 1, *parts_of(head)]) if head.ndim == 1 else x for x, head in zip(xs, t.heads, strict=True)
    ]
    return t.concat(parts, axis=node.axis % max(t.heads[0].ndim - 1, 1) + 1)


@exports(Stack, fits=_no_mixed)
def _stack(t: Tensors, node: Any, state: State, *xs: T) -> T:
    shape = t.heads[0].shape[1:]
    axis = node.axis % (len(shape) + 1)
    new = [-1, *shape[:axis], 1, *shape[axis:], *parts_of(t.heads[0])]
    return t.concat([t.reshape(x, new) for x in xs], axis=axis + 1)


@exports(Reshape)
def _reshape(t: Tensors, node: Any, state: State, x: T) -> T:
    return t.reshape(x, [-1, *t.out.shape[1:], *parts_of(t.out)])


# --- waves ------------------------------------------------------------------------------------------


def _angle(t: Tensors, node: Any, x: T) -> T:
    turns = t.mul(t.const(2 * pi * float(node.frequency)), x)
    return t.add(turns, t.const(float(node.phase)))


@exports(SineWave, fits=real)
def _sine(t: Tensors, node: Any, state: State, x: T) -> T:
    return t.mul(t.const(float(node.amplitude)), t.op("Sin", _angle(t, node, x)))


@exports(SquareWave, fits=real)
def _square(t: Tensors, node: Any, state: State, x: T) -> T:
    high = t.const(float(node.amplitude))
    return t.where(t.less(t.mod(_angle(t, node, x), 2 * pi), t.const(pi)), high, t.op("Neg", high))


@exports(TriangleWave, fits=real)
def _triangle(t: Tensors, node: Any, state: State, x: T) -> T:
    one, two, three = (t.const(k) for k in (1.0, 2.0, 3.0))
    turn = t.div(t.mod(_angle(t, node, x), 2 * pi), t.const(pi))
    doubled = t.mul(two, turn)
    made = t.where(t.less(turn, one), t.sub(doubled, one), t.sub(three, doubled))
    return t.mul(t.const(float(node.amplitude)), made)
