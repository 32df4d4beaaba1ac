"""How extremes and strengths of the newest rows, running statistics, envelopes and crossings are exported."""

from __future__ import annotations

from functools import partial
from math import pi
from typing import Any

import numpy as np

from headrace.signals import design
from headrace.signals.base import Array
from headrace.signals.envelope import Envelope
from headrace.signals.events import ZeroCrossing
from headrace.signals.export import State, exports
from headrace.signals.exports import real, row_of, width_of
from headrace.signals.exports_filters import averaged, filtered, last_rows, merged, weighted
from headrace.signals.hilbert import TURN, AnalyticSignal, HilbertEnvelope, HilbertPhase, hilbert_taps
from headrace.signals.moving import MovingMax, MovingMedian, MovingMin, MovingRMS, MovingStd
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
        return made, {"past": last_rows(t, rows, node.length - 1)}

    return write


exports(MovingMin, start=_extreme_start, fits=real)(_extreme("Min"))
exports(MovingMax, start=_extreme_start, fits=real)(_extreme("Max"))


def _std_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"past": np.repeat(row_of(heads[0]), node.length - 1, axis=0), "seen": np.zeros(1)}


def _there(t: Tensors, node: Any, state: State, rows: T) -> T:
    """Return which of the rows, with those of the past, have come, ``(rows,)``, as booleans."""
    return t.at_least(t.add(t.numbers(rows), state["seen"]), t.const(float(node.length)))


def _seen(t: Tensors, node: Any, state: State, x: T) -> T:
    """Return how many rows of the past there are."""
    return t.op("Min", t.add(state["seen"], t.rows(x)), t.const(node.length - 1.0))


@exports(MovingStd, start=_std_start, fits=real)
def _std(t: Tensors, node: Any, state: State, x: T) -> Any:
    axes, zero, one = t.heads[0].ndim, t.const(0.0), t.const(1.0)
    rows = t.concat([state["past"], x])
    there = t.tall(t.where(_there(t, node, state, rows), one, zero), axes)
    none = t.add(t.tall(t.filled(rows, 0.0), axes), t.const(row_of(t.heads[0])))
    counts, _, squares = merged(t, (there, rows, none), node.length, partial(_spread, t))
    left = t.sub(counts, t.const(float(node.ddof)))
    after = {"past": last_rows(t, rows, node.length - 1), "seen": _seen(t, node, state, x)}
    return _root_over(t, squares, left), after


def _root_over(t: Tensors, squares: T, left: T) -> T:
    """Return the root of ``squares / left``, NaN where ``left`` is not above 0; gradients do not see the NaN."""
    some = t.less(t.const(0.0), left)
    return t.where(some, t.op("Sqrt", t.div(squares, t.where(some, left, t.const(1.0)))), t.const(np.nan))


def _spread(t: Tensors, a: tuple[T, ...], b: tuple[T, ...]) -> tuple[T, ...]:
    """Return (how many, their sum, the sum of their squares about the mean) of two such."""
    one, n = t.const(1.0), t.add(a[0], b[0])
    apart = t.sub(t.div(b[1], t.op("Max", b[0], one)), t.div(a[1], t.op("Max", a[0], one)))
    part = t.mul(t.mul(apart, apart), t.div(t.mul(a[0], b[0]), t.op("Max", n, one)))
    return n, t.add(a[1], b[1]), t.add(t.add(a[2], b[2]), part)


@exports(MovingMedian, start=_std_start, fits=real)
def _median(t: Tensors, node: Any, state: State, x: T) -> Any:
    head, length, zero = t.heads[0], node.length, t.const(0.0)
    rows = t.concat([state["past"], x])
    flat = t.reshape(rows, [-1, width_of(head)])
    odd = t.op("Not", t.op("Equal", flat, flat))  # NaN
    there = t.tall(_there(t, node, state, rows), 2)
    windows = t.windows(t.where(t.op("Or", odd, t.op("Not", there)), t.const(np.inf), flat), length)
    windows = t.ordered(windows, 1, length)  # those that have not come yet behind the others
    counts = t.op("Min", t.add(t.numbers(x), state["seen"]), t.const(float(length)))
    high = t.tall(t.op("Floor", t.div(counts, t.const(2.0))), 3)
    low = t.tall(t.op("Floor", t.div(t.sub(counts, t.const(1.0)), t.const(2.0))), 3)
    places = t.const(np.arange(length)[None, :, None].astype(float))
    upper, lower = (t.reduce("Sum", t.where(t.op("Equal", places, at), windows, zero), 1) for at in (high, low))
    half = t.div(t.add(lower, upper), t.const(2.0))
    single = t.op("Equal", t.reshape(low, [-1, 1]), t.reshape(high, [-1, 1]))
    some = t.reduce("Max", t.windows(t.where(odd, t.const(1.0), zero), length), 1)
    made = t.where(t.less(zero, some), t.const(np.nan), t.where(single, upper, half))
    after = {"past": last_rows(t, rows, length - 1), "seen": _seen(t, node, state, x)}
    return t.reshape(made, [-1, *head.shape[1:]]), after


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
    spread = t.op("Max", t.sub(squares, t.div(t.mul(total, total), n)), t.const(0.0))
    return _root_over(t, spread, left), after


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
    after = {"past": last_rows(t, rows, n - 1), "begun": t.begun(state["begun"], x)}
    return t.cut(rows, n // 2, -(n // 2)), weighted(t, hilbert_taps(n), rows, head, in_order=True), after


@exports(AnalyticSignal, start=_hilbert_start, fits=real)
def _analytic(t: Tensors, node: Any, state: State, x: T) -> Any:
    a, b, after = _both(t, node, state, x)
    shape = [-1, *t.heads[0].shape[1:], 1]
    return t.concat([t.reshape(a, shape), t.reshape(b, shape)], axis=t.heads[0].ndim), after


@exports(HilbertEnvelope, start=_hilbert_start, fits=real)
def _hilbert_envelope(t: Tensors, node: Any, state: State, x: T) -> Any:
    a, b, after = _both(t, node, state, x)
    return t.op("Sqrt", t.add(t.mul(a, a), t.mul(b, b))), after


def _phase_start(node: Any, *heads: Array) -> dict[str, Array]:
    turns = {"last": row_of(heads[0]), "turns": row_of(heads[0])} if node.unwrapped else {}
    return {**_hilbert_start(node, *heads), **turns}


@exports(HilbertPhase, start=_phase_start, fits=real)
def _phase(t: Tensors, node: Any, state: State, x: T) -> Any:
    a, b, after = _both(t, node, state, x)
    zero = t.const(0.0)
    made = t.atan2(t.where(t.op("Equal", b, zero), zero, b), a)  # no zero has a sign, as in numpy
    if not node.unwrapped:
        return made, after
    last = t.where(t.started(state["begun"], t.heads[0].ndim), state["last"], t.first(made, state["last"]))
    steps = t.sub(made, t.before(made, last))
    jumps = t.op("Neg", t.op("Round", t.div(steps, t.const(TURN))))
    counts = t.cumsum(t.concat([state["turns"], jumps]))
    after |= {"last": t.newest(made, last), "turns": t.cut(counts, -1)}
    return t.add(made, t.mul(t.const(2 * pi), t.cut(counts, 1))), after


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
