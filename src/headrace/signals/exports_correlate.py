"""How correlations are exported."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.correlate import ROUNDED, CrossCorrelation
from headrace.signals.export import State, exports
from headrace.signals.exports import real, row_of, width_of
from headrace.signals.exports_filters import last_rows, merged
from headrace.signals.tensors import T, Tensors


def _start(node: Any, *heads: Array) -> dict[str, Array]:
    past = np.repeat(row_of(heads[0]), node.length - 1 + node.max_lag, axis=0)
    return {"past_a": past, "past_b": past, "row": np.zeros(1)}


@exports(CrossCorrelation, start=_start, fits=real)
def _correlation(t: Tensors, node: Any, state: State, a: T, b: T) -> Any:
    head, length, most = t.heads[0], node.length, node.max_lag
    before, width, lags = length - 1 + most, width_of(head), np.arange(-most, most + 1.0)
    both, zero = [], t.const(0.0)
    after: State = {}
    for name, x in (("a", a), ("b", b)):
        rows = t.concat([state[f"past_{name}"], x])
        after[f"past_{name}"] = last_rows(t, rows, before)
        both.append(t.reshape(rows, [-1, width, 1]))
    # Rows from before the first are not there, nor are those of the other signal at that time.
    number = t.tall(t.sub(t.add(t.numbers(t.cut(both[0], most)), state["row"]), t.const(float(length))), 3)
    there = t.at_least(number, t.const(np.abs(lags)))
    at_a, at_b = (
        t.where(there, t.concat(_lagged(t, rows, late, most), axis=2), zero)
        for rows, late in zip(both, (-lags, lags), strict=True)
    )
    none = t.where(t.op("Equal", at_a, at_a), zero, zero)
    terms = (t.where(there, t.const(1.0), zero), at_a, at_b, none, none, none)
    count, sum_a, sum_b, aa, bb, ab = merged(t, terms, length, partial(_co_moments, t))
    (root_a, varies_a), (root_b, varies_b) = _spread(t, count, sum_a, aa), _spread(t, count, sum_b, bb)
    made, low, high = t.div(ab, t.mul(root_a, root_b)), t.const(-1.0), t.const(1.0)
    made = t.where(t.less(made, low), low, made)
    made = t.where(t.less(high, made), high, made)
    made = t.where(t.op("And", varies_a, varies_b), made, t.const(np.nan))
    after["row"] = t.add(state["row"], t.rows(a))
    return t.reshape(made, [-1, *head.shape[1:], len(lags)]), after


def _lagged(t: Tensors, rows: T, lags: Array, most: int) -> list[T]:
    """Return the rows, as many later as each lag says where it is above 0."""
    return [t.cut(rows, most - k, -k if k else None) for k in (max(0, int(lag)) for lag in lags)]


def _co_moments(t: Tensors, a: tuple[T, ...], b: tuple[T, ...]) -> tuple[T, ...]:
    """Return (how many, sums, squares and products about the means) of two such, as numpy's are merged."""
    one, n = t.const(1.0), t.add(a[0], b[0])
    least_a, least_b = t.op("Max", a[0], one), t.op("Max", b[0], one)
    x, y = (t.sub(t.div(b[k], least_b), t.div(a[k], least_a)) for k in (1, 2))
    share = t.div(t.mul(a[0], b[0]), t.op("Max", n, one))
    more = (t.mul(t.mul(p, q), share) for p, q in ((x, x), (y, y), (x, y)))
    products = (t.add(t.add(a[k], b[k]), each) for k, each in zip((3, 4, 5), more, strict=True))
    return n, t.add(a[1], b[1]), t.add(a[2], b[2]), *products


def _spread(t: Tensors, count: T, total: T, squares: T) -> tuple[T, T]:
    """Return (the root of the squares about the mean, 1 for a constant; where there is none)."""
    small = t.mul(t.const(ROUNDED), total)
    varies = t.less(t.mul(small, small), t.mul(squares, count))
    return t.op("Sqrt", t.where(varies, squares, t.const(1.0))), varies
