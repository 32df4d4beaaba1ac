"""How another number of rows a second is exported."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.export import State, exports
from headrace.signals.exports import parts_of, row_of, width_of
from headrace.signals.exports_filters import last_rows
from headrace.signals.resample import Resample, phases
from headrace.signals.tensors import T, Tensors


def _start(node: Any, *heads: Array) -> dict[str, Array]:
    width = phases(node.up, node.down, node.half_width).shape[1]
    return {"past": np.repeat(row_of(heads[0]), width, axis=0), "row": np.zeros(1)}


@exports(Resample, start=_start)
def _resample(t: Tensors, node: Any, state: State, x: T) -> Any:
    head, row = t.heads[0], state["row"]
    taps = phases(node.up, node.down, node.half_width)
    width, up, down, one = taps.shape[1], t.const(float(node.up)), t.const(float(node.down)), t.const(1.0)
    flag = t.started(row, head.ndim + len(parts_of(head)))
    rows = t.concat([t.where(flag, state["past"], t.first(x, t.const(row_of(head)))), x])

    def before(n: T) -> T:
        """Return how many rows come out of n."""
        last = t.op("Floor", t.div(t.mul(t.sub(n, one), up), down))
        return t.op("Max", t.add(last, one), t.const(0.0))

    seen = t.add(row, t.rows(x))
    first = before(row)
    ticks = t.mul(t.add(t.range(t.sub(before(seen), first)), first), down)
    # For each output row: the input row it stands at, as a place in `rows`, and how far it is behind that.
    stands = t.op("Floor", t.div(ticks, up))
    phase = t.sub(ticks, t.mul(stands, up))
    at = t.add(t.sub(stands, row), t.const(float(width)))
    places = t.sub(t.reshape(at, [-1, 1]), t.const(np.arange(width)[None].astype(float)))
    weights = t.reshape(t.take(t.const(taps), phase), [-1, width, 1])
    products = t.mul(t.take(t.reshape(rows, [-1, width_of(head)]), places), weights)
    made = t.reshape(t.reduce("Sum", products, 1), [-1, *head.shape[1:], *parts_of(head)])
    return made, {"past": last_rows(t, rows, width), "row": seen}
