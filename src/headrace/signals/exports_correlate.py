"""How correlations are exported."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.correlate import CrossCorrelation
from headrace.signals.export import State, exports
from headrace.signals.exports import real, row_of, width_of
from headrace.signals.exports_filters import merged, newest
from headrace.signals.tensors import T, Tensors


def _start(node: Any, *heads: Array) -> dict[str, Array]:
    past = np.repeat(row_of(heads[0]), node.length - 1 + node.max_lag, axis=0)
    firsts = {f"first_{name}": row_of(head) for name, head in zip("ab", heads, strict=True)}
    return {**firsts, "past_a": past, "past_b": past, "row": np.zeros(1)}


@exports(CrossCorrelation, start=_start, fits=real)
def _correlation(t: Tensors, node: Any, state: State, a: T, b: T) -> Any:
    head, length, most = t.heads[0], node.length, node.max_lag
    before, width, lags = length - 1 + most, width_of(head), np.arange(-most, most + 1.0)
    flag, both = t.started(state["row"], head.ndim), []
    after: State = {}
    for name, x in (("a", a), ("b", b)):
        # Less its first row, so that sums of squares do not drown what differs from row to row.
        first = t.where(flag, state[f"first_{name}"], t.first(x, state[f"first_{name}"]))
        rows = t.concat([state[f"past_{name}"], t.sub(x, first)])
        after |= {f"first_{name}": first, f"past_{name}": newest(t, rows, before)}
        both.append(t.reshape(rows, [-1, width, 1]))
    # Rows from before the first are not there, nor are those of the other signal at that time.
    number = t.tall(t.sub(t.add(t.numbers(t.cut(both[0], most)), state["row"]), t.const(float(length))), 3)
    there = t.at_least(number, t.const(np.abs(lags)))
    at_a, at_b = (
        t.where(there, t.concat(_lagged(t, rows, late, most), axis=2), t.const(0.0))
        for rows, late in zip(both, (-lags, lags), strict=True)
    )
    terms = (at_a, at_b, t.mul(at_a, at_b), t.mul(at_a, at_a), t.mul(at_b, at_b))
    sums = merged(t, terms, length, lambda a, b: tuple(t.add(x, y) for x, y in zip(a, b, strict=True)))
    rows_now = t.tall(t.add(t.numbers(a), state["row"]), 3)
    count = t.op("Max", t.sub(rows_now, t.const(np.abs(lags))), t.const(0.0))
    made = _pearson(t, t.op("Min", count, t.const(float(length))), *sums)
    after["row"] = t.add(state["row"], t.rows(a))
    return t.reshape(made, [-1, *head.shape[1:], len(lags)]), after


def _lagged(t: Tensors, rows: T, lags: Array, most: int) -> list[T]:
    """Return the rows, as many later as each lag says where it is above 0."""
    return [t.cut(rows, most - k, -k if k else None) for k in (max(0, int(lag)) for lag in lags)]


def _pearson(t: Tensors, count: T, a: T, b: T, ab: T, aa: T, bb: T) -> T:
    """Return correlations, made of sums."""
    above = t.sub(t.mul(count, ab), t.mul(a, b))
    small = t.mul(t.const(1e-13), count)  # of a constant, there is left what was rounded
    spreads = []
    for total, squares in ((a, aa), (b, bb)):
        spread = t.sub(t.mul(count, squares), t.mul(total, total))
        varies = t.less(t.mul(small, squares), spread)
        spreads.append(t.op("Sqrt", t.where(varies, spread, t.const(np.nan))))
    made, low, high = t.div(above, t.mul(*spreads)), t.const(-1.0), t.const(1.0)
    made = t.where(t.less(made, low), low, made)
    return t.where(t.less(high, made), high, made)
