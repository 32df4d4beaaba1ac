"""How carriers and what is put on them are exported."""

from __future__ import annotations

from math import pi
from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.demodulation import AmplitudeDemodulation, FrequencyDemodulation
from headrace.signals.design import windowed_fir
from headrace.signals.export import State, exports
from headrace.signals.exports import real, row_of
from headrace.signals.exports_filters import last_rows, weighted
from headrace.signals.modulation import AmplitudeModulation, FrequencyModulation
from headrace.signals.tensors import T, Tensors


def _turns(t: Tensors, node: Any, state: State, x: T) -> T:
    """Return where the carrier is within its period at each row, ``(rows, 1, ...)``."""
    rows = t.sub(t.add(t.numbers(x), state["row"]), t.const(1.0))
    turns = t.mul(rows, t.const(node.carrier_freq / node.sample_rate))
    return t.tall(t.sub(turns, t.op("Floor", turns)), t.heads[0].ndim)


def _cosine(t: Tensors, node: Any, turns: T) -> T:
    return t.op("Cos", t.add(t.mul(t.const(2 * pi), turns), t.const(float(node.phase))))


def _row_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"row": np.zeros(1)}


@exports(AmplitudeModulation, start=_row_start, fits=real)
def _amplitude_modulation(t: Tensors, node: Any, state: State, x: T) -> Any:
    size = t.add(t.const(1.0), t.mul(t.const(float(node.depth)), x))
    made = t.mul(size, _cosine(t, node, _turns(t, node, state, x)))
    return made, {"row": t.add(state["row"], t.rows(x))}


def _total_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"row": np.zeros(1), "total": row_of(heads[0])}


@exports(FrequencyModulation, start=_total_start, fits=real)
def _frequency_modulation(t: Tensors, node: Any, state: State, x: T) -> Any:
    sums = t.cumsum(t.concat([state["total"], t.mul(x, t.const(node.deviation / node.sample_rate))]))
    made = _cosine(t, node, t.add(_turns(t, node, state, x), t.cut(sums, 1)))
    return made, {"row": t.add(state["row"], t.rows(x)), "total": t.cut(sums, -1)}


# --- off the carrier again --------------------------------------------------------------------------


def _past_start(node: Any, *heads: Array) -> dict[str, Array]:
    return {"row": np.zeros(1), "past": np.zeros((node.n_taps - 1, 2, *heads[0].shape[1:]))}


def _base_band(t: Tensors, node: Any, state: State, x: T) -> tuple[T, T, State]:
    """Return (twice the filtered product with the carrier, that with the carrier a quarter later, next state)."""
    shape = t.heads[0].shape[1:]
    angle = t.mul(t.const(2 * pi), _turns(t, node, state, x))
    both = (t.mul(x, t.op("Cos", angle)), t.mul(t.op("Neg", x), t.op("Sin", angle)))
    rows = t.concat([state["past"], t.concat([t.reshape(each, [-1, 1, *shape]) for each in both], axis=1)])
    taps = windowed_fir(node.n_taps, node.bandwidth, node.sample_rate)
    z = t.mul(t.const(2.0), weighted(t, taps, rows, np.empty((0, 2, *shape))))
    a, b = (t.reshape(t.cut(z, k, k + 1, axis=1), [-1, *shape]) for k in (0, 1))
    return a, b, {"row": t.add(state["row"], t.rows(x)), "past": last_rows(t, rows, node.n_taps - 1)}


@exports(AmplitudeDemodulation, start=_past_start, fits=real)
def _amplitude_demodulation(t: Tensors, node: Any, state: State, x: T) -> Any:
    a, b, after = _base_band(t, node, state, x)
    size = t.op("Sqrt", t.add(t.mul(a, a), t.mul(b, b)))
    return t.div(t.sub(size, t.const(1.0)), t.const(float(node.depth))), after


def _last_start(node: Any, *heads: Array) -> dict[str, Array]:
    lasts = {"last_a": row_of(heads[0]), "last_b": row_of(heads[0]), "begun": np.zeros(1)}
    return {**_past_start(node, *heads), **lasts}


@exports(FrequencyDemodulation, start=_last_start, fits=real)
def _frequency_demodulation(t: Tensors, node: Any, state: State, x: T) -> Any:
    a, b, after = _base_band(t, node, state, x)
    flag = t.started(state["begun"], t.heads[0].ndim)
    last_a, last_b = (
        t.where(flag, state[name], t.first(each, state[name])) for name, each in (("last_a", a), ("last_b", b))
    )
    c, d = t.before(a, last_a), t.before(b, last_b)
    # The angle from each row to the next: that of a + bi times the conjugate of the one before, c + di.
    angle = t.atan2(t.sub(t.mul(b, c), t.mul(a, d)), t.add(t.mul(a, c), t.mul(b, d)))
    after |= {"last_a": t.newest(a, last_a), "last_b": t.newest(b, last_b), "begun": t.begun(state["begun"], x)}
    return t.mul(angle, t.const(node.sample_rate / (2 * pi * node.deviation))), after
