"""How filters, moving means and delays are exported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace.signals import design
from headrace.signals.base import Array
from headrace.signals.delay import Delay
from headrace.signals.export import State, exports
from headrace.signals.exports import parts_of, row_of, width_of
from headrace.signals.fir import FirBase
from headrace.signals.sections import SosBase
from headrace.signals.smooth import ExponentialMean, MovingAverage
from headrace.signals.tensors import T, Tensors

Merge = Callable[[tuple[T, ...], tuple[T, ...]], tuple[T, ...]]
_LONG = 256  # weights beyond which a sum is a product of windows and weights, and not written out


# --- recursive --------------------------------------------------------------------------------------


def _sections_start(node: Any, *heads: Array) -> dict[str, Array]:
    sections = len(node.sections()) if isinstance(node, SosBase) else 1
    return {"z": np.zeros((sections, 2, width_of(heads[0]))), "begun": np.zeros(1)}


def filtered(t: Tensors, state: State, x: T, sos: Array, at_rest: Array) -> Any:
    """Filter, as though the first row had been there always; ``at_rest`` is the state that ones bring about."""
    head = t.heads[0]
    rows = t.reshape(x, [-1, width_of(head)])
    first = t.reshape(t.first(rows, t.const(np.zeros((1, width_of(head))))), [1, 1, -1])
    start = t.mul(t.const(at_rest[:, :, None]), first)
    z = t.where(t.started(state["begun"], 3), state["z"], start)
    y, z = t.sosfilt(sos, z, rows)
    made = t.reshape(y, [-1, *head.shape[1:], *parts_of(head)])
    return made, {"z": z, "begun": t.begun(state["begun"], x)}


@exports(SosBase, start=_sections_start)
def _sections(t: Tensors, node: Any, state: State, x: T) -> Any:
    sos = np.array(node.sections(), dtype=np.float64)
    return filtered(t, state, x, sos, design.steady(sos.tobytes()))


@exports(ExponentialMean, start=_sections_start)
def _exponential_mean(t: Tensors, node: Any, state: State, x: T) -> Any:
    keep = 1 - node.alpha
    sos = np.array([[node.alpha, 0.0, 0.0, 1.0, -keep, 0.0]])
    return filtered(t, state, x, sos, np.array([[keep, 0.0]]))


# --- sums over the newest rows ------------------------------------------------------------------------


def _fir_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"past": np.repeat(row_of(heads[0]), len(node.weights()) - 1, axis=0), "begun": np.zeros(1)}


def weighted(t: Tensors, taps: Array, rows: T, head: Array, *, in_order: bool = False) -> T:
    """Return the sums of ``taps[j] * rows[i + len(taps) - 1 - j]`` for all i; ``in_order`` of j, however many there are."""
    n = len(taps)
    if n > _LONG and not in_order:
        flat = t.reshape(t.windows(t.reshape(rows, [-1, width_of(head)]), n), [-1, n, width_of(head)])
        made = t.matmul(t.const(np.ascontiguousarray(taps[::-1])[None]), flat)
        return t.reshape(made, [-1, *head.shape[1:], *parts_of(head)])
    total = None
    for j, tap in enumerate(taps):
        if not tap and (j or taps.any()):
            continue
        part = t.mul(t.cut(rows, n - 1 - j, -j if j else None), t.const(float(tap)))
        total = part if total is None else t.add(total, part)
    return total


def last_rows(t: Tensors, rows: T, k: int) -> T:
    """Return the last k rows."""
    return t.cut(rows, -k) if k else t.cut(rows, 0, 0)


@exports(FirBase, start=_fir_start)
def _fir(t: Tensors, node: Any, state: State, x: T) -> Any:
    taps, head = np.asarray(node.weights(), dtype=np.float64), t.heads[0]
    flag = t.started(state["begun"], head.ndim + len(parts_of(head)))
    past = t.where(flag, state["past"], t.first(x, t.const(row_of(head))))
    rows = t.concat([past, x])
    return weighted(t, taps, rows, head), {
        "past": last_rows(t, rows, len(taps) - 1),
        "begun": t.begun(state["begun"], x),
    }


def _average_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"past": np.repeat(row_of(heads[0]), node.length - 1, axis=0), "seen": np.zeros(1)}


@exports(MovingAverage, start=_average_start)
def _moving_average(t: Tensors, node: Any, state: State, x: T) -> Any:
    return averaged(t, state, x, node.length)


def averaged(t: Tensors, state: State, x: T, length: int) -> tuple[T, State]:
    """Return the mean of the newest ``length`` rows, in the beginning of as many as there are, and the next state."""
    head = t.heads[0]
    rows = t.concat([state["past"], x])
    total = merged(t, (rows,), length, lambda a, b: (t.add(a[0], b[0]),))[0]
    counts = t.op("Min", t.add(t.numbers(x), state["seen"]), t.const(float(length)))
    made = t.div(total, t.tall(counts, head.ndim + len(parts_of(head))))
    seen = t.op("Min", t.add(state["seen"], t.rows(x)), t.const(float(length)))
    return made, {"past": last_rows(t, rows, length - 1), "seen": seen}


def merged(t: Tensors, parts: tuple[T, ...], length: int, merge: Merge) -> tuple[T, ...]:
    """Return for every ``length`` rows what ``merge`` makes of them: of 1, 2, 4, ... rows, then of those that make up ``length``."""
    power, found, done = 1, None, 0
    while True:
        if length & power:
            left = length - power - done
            here = tuple(t.cut(part, done, -left if left else None) for part in parts)
            found = here if found is None else merge(found, here)
            done += power
            if done == length:
                return found
        early, late = (tuple(t.cut(part, *ends) for part in parts) for ends in ((0, -power), (power, None)))
        parts = merge(early, late)
        power *= 2


def _delay_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"past": np.repeat(row_of(heads[0]), node.n, axis=0)}


@exports(Delay, start=_delay_start)
def _delay(t: Tensors, node: Any, state: State, x: T) -> Any:
    rows = t.concat([state["past"], x])
    return t.cut(rows, 0, -node.n if node.n else None), {"past": last_rows(t, rows, node.n)}
