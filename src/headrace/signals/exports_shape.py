"""How choosing, joining and folding features, and waves of a time signal, are exported."""

from __future__ import annotations

from math import pi
from typing import Any

from headrace.signals.base import Array
from headrace.signals.export import State, exports
from headrace.signals.exports import real
from headrace.signals.shape import Concatenate, ExtractDimension, Reshape, Stack
from headrace.signals.tensors import T, Tensors
from headrace.signals.waveforms import SineWave, SquareWave, TriangleWave


@exports(ExtractDimension)
def extract(t: Tensors, node: Any, state: State, x: T) -> T:
    head = t.heads[0]
    for at in node.dim if isinstance(node.dim, tuple) else (node.dim,):
        at %= head.shape[1]
        x = t.cut(x, at, at + 1, axis=1)
        head = head[:, at]
        x = t.reshape(x, [-1, *head.shape[1:], *_parts(head)])
    return x


def _parts(head: Array) -> list[int]:
    """Return the axes that a complex column has more."""
    return [2] if head.dtype.kind == "c" else []


def _no_mixed(node: Any, *heads: Array) -> str | None:
    if len({head.dtype.kind == "c" for head in heads}) > 1:
        return "it joins complex and real columns"
    return None


@exports(Concatenate, fits=_no_mixed)
def concatenate(t: Tensors, node: Any, state: State, *xs: T) -> T:
    parts = [
        t.reshape(x, [-1, 1, *_parts(head)]) if head.ndim == 1 else x for x, head in zip(xs, t.heads, strict=True)
    ]
    return t.concat(parts, axis=node.axis % max(t.heads[0].ndim - 1, 1) + 1)


@exports(Stack, fits=_no_mixed)
def stack(t: Tensors, node: Any, state: State, *xs: T) -> T:
    shape = t.heads[0].shape[1:]
    axis = node.axis % (len(shape) + 1)
    new = [-1, *shape[:axis], 1, *shape[axis:], *_parts(t.heads[0])]
    return t.concat([t.reshape(x, new) for x in xs], axis=axis + 1)


@exports(Reshape)
def reshape(t: Tensors, node: Any, state: State, x: T) -> T:
    return t.reshape(x, [-1, *t.out.shape[1:], *_parts(t.out)])


# --- waves ------------------------------------------------------------------------------------------


def _angle(t: Tensors, node: Any, x: T) -> T:
    turns = t.mul(t.const(2 * pi * float(node.frequency)), x)
    return t.add(turns, t.const(float(node.phase)))


def _part(t: Tensors, angle: T) -> T:
    """Return where in its period an angle is, from 0 to 1."""
    turns = t.div(angle, t.const(2 * pi))
    return t.sub(turns, t.op("Floor", turns))


@exports(SineWave, fits=real)
def sine(t: Tensors, node: Any, state: State, x: T) -> T:
    return t.mul(t.const(float(node.amplitude)), t.op("Sin", _angle(t, node, x)))


@exports(SquareWave, fits=real)
def square(t: Tensors, node: Any, state: State, x: T) -> T:
    high = t.const(float(node.amplitude))
    return t.where(t.less(_part(t, _angle(t, node, x)), t.const(0.5)), high, t.op("Neg", high))


@exports(TriangleWave, fits=real)
def triangle(t: Tensors, node: Any, state: State, x: T) -> T:
    part, half, four = _part(t, _angle(t, node, x)), t.const(0.5), t.const(4.0)
    rises = t.sub(t.mul(four, part), t.const(1.0))
    falls = t.sub(t.const(3.0), t.mul(four, part))
    return t.mul(t.const(float(node.amplitude)), t.where(t.less(part, half), rises, falls))
