"""How extremes and strengths of the newest rows, running statistics, envelopes and crossings are exported."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals import design
from headrace.signals.base import Array
from headrace.signals.envelope import Envelope
from headrace.signals.events import ZeroCrossing
from headrace.signals.export import State, exports
from headrace.signals.exports import real, row_of, width_of
from headrace.signals.exports_filters import averaged, filtered, newest, weighted
from headrace.signals.hilbert import AnalyticSignal, HilbertEnvelope, hilbert_taps
from headrace.signals.moving import MovingMax, MovingMin, MovingRMS
from headrace.signals.running import RunningMean, RunningStd
from headrace.signals.tensors import T, Tensors

# --- over the newest rows -----------------------------------------------------------------------------


def _rms_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"past": np.repeat(row_of(heads[0]), node.length - 1, axis=0), "seen": np.zeros(1)}


@exports(MovingRMS, start=_rms_start, fits=real)
def _rms(t: Tensors, node: Any, state: State, x: T) -> Any:
    made, after = averaged(t, state, t.mul(x, x), node.length)
    return t.op("Sqrt", made), after


def _extreme_start(node: Any, *heads: Array) -> dict[str, Array]:
    none = np.inf if isinstance(node, MovingMin) else -np.inf
    return {"past": np.repeat(row_of(heads[0], none), node.length - 1, axis=0)}


def _extreme(name: str) -> Any:
    def write(t: Tensors, node: Any, state: State, x: T) -> Any:
        rows = part = t.concat([state["past"], x])
        power = 1
        while 2 * power <= node.length:
            part = t.op(name, t.cut(part, 0, -power), t.cut(part, power))
            power *= 2
        rest = node.length - power
        made = t.op(name, t.cut(part, 0, -rest if rest else None), t.cut(part, rest))
        return made, {"past": newest(t, rows, node.length - 1)}

    return write


exports(MovingMin, start=_extreme_start, fits=real)(_extreme("Min"))
exports(MovingMax, start=_extreme_start, fits=real)(_extreme("Max"))


# --- over all rows ------------------------------------------------------------------------------------


def _running_start(node: Any, *heads: Array) -> dict[str, Array]:
    totals = {f"total_{k}": row_of(heads[0]) for k in range(node.powers)}
    return {"first": row_of(heads[0]), "seen": np.zeros(1), **totals}


def _sums(t: Tensors, node: Any, state: State, x: T) -> tuple[T, T, list[T], State]:
    """Return (first row, how many rows by each, sums of each power by each, next state)."""
    axes = t.heads[0].ndim
    first = t.where(t.started(state["seen"], axes), state["first"], t.first(x, state["first"]))
    moved = terms = t.sub(x, first)
    found, after = [], {"first": first, "seen": t.add(state["seen"], t.rows(x))}
    for k in range(node.powers):
        sums = t.cumsum(t.concat([state[f"total_{k}"], terms]))
        found.append(t.cut(sums, 1))
        after[f"total_{k}"] = t.cut(sums, -1)
        terms = t.mul(terms, moved)
    return first, t.tall(t.add(t.numbers(x), state["seen"]), axes), found, after


@exports(RunningMean, start=_running_start, fits=real)
def _running_mean(t: Tensors, node: Any, state: State, x: T) -> Any:
    first, n, (total,), after = _sums(t, node, state, x)
    return t.add(first, t.div(total, n)), after


@exports(RunningStd, start=_running_start, fits=real)
def _running_std(t: Tensors, node: Any, state: State, x: T) -> Any:
    _, n, (total, squares), after = _sums(t, node, state, x)
    left = t.sub(n, t.const(float(node.ddof)))
    left = t.where(t.less(t.const(0.0), left), left, t.const(np.nan))
    spread = t.op("Max", t.sub(squares, t.div(t.mul(total, total), n)), t.const(0.0))
    return t.op("Sqrt", t.div(spread, left)), after


# --- envelopes and crossings --------------------------------------------------------------------------


def _envelope_start(node: Any, *heads: Array) -> dict[str, Array]:
    sections = len(design.butterworth(node.order, node.cutoff_freq, node.sample_rate))
    return {"z": np.zeros((sections, 2, width_of(heads[0]))), "begun": np.zeros(1)}


@exports(Envelope, start=_envelope_start, fits=real)
def _envelope(t: Tensors, node: Any, state: State, x: T) -> Any:
    sos = np.array(design.butterworth(node.order, node.cutoff_freq, node.sample_rate))
    return filtered(t, state, t.op("Abs", x), sos, design.steady(sos.tobytes()))


def _hilbert_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"past": np.repeat(row_of(heads[0]), node.n_taps - 1, axis=0), "begun": np.zeros(1)}


def _both(t: Tensors, node: Any, state: State, x: T) -> tuple[T, T, State]:
    """Return (real part, imaginary part, next state)."""
    n, head = node.n_taps, t.heads[0]
    past = t.where(t.started(state["begun"], head.ndim), state["past"], t.first(x, t.const(row_of(head))))
    rows = t.concat([past, x])
    after = {"past": newest(t, rows, n - 1), "begun": t.begun(state["begun"], x)}
    return t.cut(rows, n // 2, -(n // 2)), weighted(t, hilbert_taps(n), rows, head), after


@exports(AnalyticSignal, start=_hilbert_start, fits=real)
def _analytic(t: Tensors, node: Any, state: State, x: T) -> Any:
    a, b, after = _both(t, node, state, x)
    shape = [-1, *t.heads[0].shape[1:], 1]
    return t.concat([t.reshape(a, shape), t.reshape(b, shape)], axis=t.heads[0].ndim), after


@exports(HilbertEnvelope, start=_hilbert_start, fits=real)
def _hilbert_envelope(t: Tensors, node: Any, state: State, x: T) -> Any:
    a, b, after = _both(t, node, state, x)
    return t.op("Sqrt", t.add(t.mul(a, a), t.mul(b, b))), after


def _crossing_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"last": row_of(heads[0]), "begun": np.zeros(1)}


@exports(ZeroCrossing, start=_crossing_start, fits=real)
def _zero_crossing(t: Tensors, node: Any, state: State, x: T) -> Any:
    zero = t.const(0.0)
    sign = t.where(t.op("Or", t.less(zero, x), t.op("Equal", x, zero)), t.const(1.0), zero)
    flag = t.started(state["begun"], t.heads[0].ndim)
    last = t.where(flag, state["last"], t.first(sign, state["last"]))
    made = t.op("Abs", t.sub(sign, t.before(sign, last)))
    return made, {"last": t.newest(sign, last), "begun": t.begun(state["begun"], x)}
