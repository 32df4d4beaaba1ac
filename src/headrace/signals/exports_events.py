"""How marks of events and peaks are exported."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.events import EventDetector, Threshold
from headrace.signals.export import State, exports
from headrace.signals.exports import real, width_of
from headrace.signals.peaks import Peaks
from headrace.signals.tensors import T, Tensors

# Columns are (rows, channels) here; what is true is 1.0, else 0.0, but for conditions, which are booleans.


def _flat(t: Tensors, x: T) -> T:
    return t.reshape(x, [-1, width_of(t.heads[0])])


def _shaped(t: Tensors, marks: T) -> T:
    return t.reshape(marks, [-1, *t.heads[0].shape[1:]])


def _ones(t: Tensors, condition: T) -> T:
    return t.where(condition, t.const(1.0), t.const(0.0))


def _limit(t: Tensors, value: float) -> T:
    """Return a limit as numpy compares it with columns: in single precision with those."""
    dtype = t.heads[0].dtype
    return t.const(float(dtype.type(value)) if dtype.kind == "f" else value)


def held(t: Tensors, first: T, values: T, known: T) -> T:
    """Return the last value that is known at each row; ``first``, a row, is what was known before, and stands first."""
    width = width_of(t.heads[0])
    values = t.concat([first, values])
    known = t.concat([t.const(np.ones((1, width), bool)), known])
    flat, there = (t.reshape(t.transpose(each, [1, 0]), [-1]) for each in (values, known))
    at = t.sub(t.cumsum(_ones(t, there)), t.const(1.0))
    found = t.take(t.compress(flat, there), at)
    return t.transpose(t.reshape(found, [width, -1]), [1, 0])


# --- above or not -----------------------------------------------------------------------------------


def _state_start(node: Any, *heads: Array) -> dict[str, Array]:
    zeros = np.zeros((1, width_of(heads[0])))
    runs = {"ups": zeros, "downs": zeros} if node.debounce > 1 else {}
    waits = {"waits": zeros} if getattr(node, "refractory", 0) else {}
    return {"now": zeros, **runs, **waits}


def _runs(t: Tensors, true: T, before: T, n: int) -> tuple[T, T]:
    """Return (where ``n`` rows in a row are true, how many are at the end, ``n`` at most); ``before`` is that so far."""
    rows = t.add(t.tall(t.numbers(true), 2), t.const(np.full((1, width_of(t.heads[0])), -1.0)))
    gap = held(t, t.sub(t.const(-1.0), before), rows, t.op("Not", true))  # the last row that is not
    length = t.sub(rows, t.cut(gap, 1))
    return t.at_least(length, t.const(float(n))), t.op("Min", t.newest(length, before), t.const(float(n)))


def _above(t: Tensors, node: Any, state: State, x: T) -> tuple[T, State]:
    """Return (1 where it is above, the row before the first standing first; next state)."""
    high = _limit(t, node.high)
    up = t.at_least(x, high)
    down = t.less(x, high if node.low is None else _limit(t, node.low))
    after = {}
    if node.debounce > 1:
        up, after["ups"] = _runs(t, up, state["ups"], node.debounce)
        down, after["downs"] = _runs(t, down, state["downs"], node.debounce)
    made = held(t, state["now"], _ones(t, up), t.op("Or", up, down))
    return made, {**after, "now": t.cut(made, -1)}


@exports(Threshold, start=_state_start, fits=real)
def _threshold(t: Tensors, node: Any, state: State, x: T) -> Any:
    made, after = _above(t, node, state, _flat(t, x))
    return _shaped(t, t.cut(made, 1)), after


@exports(EventDetector, start=_state_start, fits=real)
def _event_detector(t: Tensors, node: Any, state: State, x: T) -> Any:
    made, after = _above(t, node, state, _flat(t, x))
    marks, zero = t.sub(t.cut(made, 1), t.cut(made, 0, -1)), t.const(0.0)
    if node.edge == "rise":
        marks = t.op("Max", marks, zero)
    elif node.edge == "fall":
        marks = t.op("Min", marks, zero)
    if node.refractory:
        marks, after["waits"] = _spaced(t, marks, state["waits"], node.refractory)
    return _shaped(t, marks), after


def _spaced(t: Tensors, marks: T, waits: T, rest: int) -> tuple[T, T]:
    """Return (marks without those within ``rest`` rows behind another, for how many rows there may be none)."""
    zero, one, most = (t.const(k) for k in (0.0, 1.0, float(rest)))
    width = width_of(t.heads[0])

    def body(t: Any, carry: list[T], rows: list[T]) -> tuple[list[T], list[T]]:
        (left,), (mark,) = carry, rows
        kept = t.where(t.less(zero, left), zero, mark)
        fewer = t.op("Max", t.sub(left, one), zero)
        return [t.where(t.op("Equal", kept, zero), fewer, most)], [kept]

    (left,), (made,) = t.scan(body, [t.reshape(waits, [width])], [marks], [t.const(np.zeros((0, width)))])
    return made, t.reshape(left, [1, width])


# --- peaks ------------------------------------------------------------------------------------------


def _peaks_start(node: Any, *heads: Array) -> dict[str, Array]:
    zeros = np.zeros((1, width_of(heads[0])))
    waits = {"waits": zeros} if node.distance > 1 else {}
    return {"last": zeros, "rising": zeros, "begun": np.zeros(1), **waits}


@exports(Peaks, start=_peaks_start, fits=real)
def _peaks(t: Tensors, node: Any, state: State, x: T) -> Any:
    x = _flat(t, x)
    last = t.where(t.started(state["begun"], 2), state["last"], t.first(x, state["last"]))
    before = t.before(x, last)
    changed = t.op("Not", t.op("Equal", x, before))
    # What the slope before each row was: that of the last row that differed from its own.
    slope = held(t, state["rising"], _ones(t, t.less(before, x)), changed)
    found = t.op("And", t.less(x, before), t.less(t.const(0.5), t.cut(slope, 0, -1)))
    if node.height is not None:
        found = t.op("And", found, t.at_least(before, _limit(t, node.height)))
    after = {"last": t.newest(x, last), "rising": t.cut(slope, -1), "begun": t.begun(state["begun"], x)}
    marks = _ones(t, found)
    if node.distance > 1:
        marks, after["waits"] = _spaced(t, marks, state["waits"], node.distance - 1)
    return _shaped(t, marks), after
