"""How the offset of a gyroscope, and whether a sensor is still, are exported."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.dead_reckoning import DeadReckoning
from headrace.signals.design import gaussian_kernel, half_gaussian_kernel
from headrace.signals.export import State, exports
from headrace.signals.exports import real, width_of
from headrace.signals.exports_filters import last_rows, weighted
from headrace.signals.gyroscope import OffsetGyro, Still
from headrace.signals.tensors import T, Tensors


def offset_start(width: int) -> dict[str, Array]:
    """Return what :func:`without_offset` knows before the first row."""
    return {"quiet": np.zeros(1), "offset": np.zeros(width)}


def without_offset(t: Tensors, still: Still, state: State, x: T, width: int) -> tuple[T, State]:
    """Return rows ``(rows, width)`` less the offset as it was known at each, and what is known behind them."""
    limit, most, weight = (t.const(float(each)) for each in still)
    zero, one = t.const(0.0), t.const(1.0)

    def body(t: Any, carry: list[T], rows: list[T]) -> tuple[list[T], list[T]]:
        quiet, offset = carry
        turn = t.sub(rows[0], offset)
        calm = t.where(t.at_least(most, t.op("Abs", turn)), one, zero)
        calm = t.less(zero, t.reduce("Min", calm, 0, keep=True))
        early = t.less(quiet, limit)
        learnt = t.add(offset, t.mul(turn, weight))
        after = t.where(t.op("And", calm, t.op("Not", early)), learnt, offset)
        return [t.where(calm, t.where(early, t.add(quiet, one), quiet), zero), after], [turn]

    carry = [state["quiet"], state["offset"]]
    (quiet, offset), (made,) = t.scan(body, carry, [x], [t.const(np.zeros((0, width)))])
    return made, {"quiet": quiet, "offset": offset}


def _offset_start(node: Any, *heads: Array) -> dict[str, Array]:
    return offset_start(width_of(heads[0]))


@exports(OffsetGyro, start=_offset_start, fits=real)
def _offset_gyro(t: Tensors, node: Any, state: State, x: T) -> Any:
    still = Still.of(node.sampling_rate, node.cutoff_freq, node.timeout_const, node.threshold)
    width = width_of(t.heads[0])
    made, after = without_offset(t, still, state, t.reshape(x, [-1, width]), width)
    return t.reshape(made, [-1, *t.heads[0].shape[1:]]), after


# --- whether it is still ----------------------------------------------------------------------------


def _weights(node: Any) -> Array:
    return (half_gaussian_kernel if node.half else gaussian_kernel)(node.len_sec, node.sample_rate)


def _still_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"past": np.zeros(len(_weights(node)) - 1), "begun": np.zeros(1)}


def _length(t: Tensors, x: T, width: int) -> T:
    """Return the Euclidean length of each row, ``(rows,)``; squares are added in their order."""
    rows = t.reshape(x, [-1, width])
    parts = [t.cut(rows, k, k + 1, axis=1) for k in range(width)]
    total = t.mul(parts[0], parts[0])
    for part in parts[1:]:
        total = t.add(total, t.mul(part, part))
    return t.reshape(t.op("Sqrt", total), [-1])


@exports(DeadReckoning, start=_still_start, fits=real)
def _dead_reckoning(t: Tensors, node: Any, state: State, gyro: T, acc: T) -> Any:
    turns, pushes = (_length(t, x, width_of(head)) for x, head in zip((gyro, acc), t.heads, strict=True))
    power = t.add(t.mul(t.const(node.c_acc), pushes), t.mul(t.const(node.c_gyro), turns))
    past = t.where(t.started(state["begun"], 1), state["past"], t.first(power, t.const(np.zeros(1))))
    rows, weights, one = t.concat([past, power]), _weights(node), t.const(1.0)
    smooth = weighted(t, weights, rows, np.empty(0), in_order=True)
    beyond = t.mul(t.const(-node.beta), t.sub(smooth, t.const(node.bias)))
    likely = t.div(one, t.add(one, t.op("Exp", beyond)))
    made = t.where(t.less(likely, t.const(node.threshold)), one, t.const(0.0))
    return made, {"past": last_rows(t, rows, len(weights) - 1), "begun": t.begun(state["begun"], power)}
