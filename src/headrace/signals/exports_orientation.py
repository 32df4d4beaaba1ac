"""How orientations are exported: a loop over rows, the terms of each sum as rows of a small table that is added up in order."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, radians, sin
from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.export import State, exports
from headrace.signals.exports_gyroscope import offset_start, without_offset
from headrace.signals.gyroscope import LARGEST, Still
from headrace.signals.orientation import GAIN_AT_START, STARTING, FusionOrientation, MadgwickOrientation
from headrace.signals.tensors import T, Tensors

# Places in a quaternion, and behind it those of 1 and 1/2, where they are put there.
W, X, Y, Z, ONE, HALF = range(6)


class Terms:
    """Sums of products ``sign * a[i] * b[j]``, one for each column; the terms of a sum stand below each other.

    Parameters
    ----------
    t
        The operations.
    sums
        Terms ``(sign, i, j)`` of each sum.
    """

    last: int
    signs: T
    left: T
    right: T

    def __init__(self, t: Tensors, *sums: Sequence[tuple[float, int, int]]) -> None:
        most = max(map(len, sums))
        table = np.array([[*terms, *[(0.0, 0, 0)] * (most - len(terms))] for terms in sums], float).transpose(2, 1, 0)
        self.last, self.signs = most - 1, t.const(table[0].copy())
        self.left, self.right = (t.const(part.astype(np.int64)) for part in table[1:])

    def products(self, t: Tensors, a: T, b: T) -> T:
        """Return the terms, ``(terms, sums)``."""
        return t.mul(t.mul(t.take(a, self.left), t.take(b, self.right)), self.signs)

    def of(self, t: Tensors, a: T, b: T) -> T:
        """Return the sums."""
        return t.row(t.cumsum(self.products(t, a, b)), self.last)


def _turn(t: Tensors) -> Terms:
    """Return the product of a quaternion and a turn (a, b, c), whose real part is 0."""
    return Terms(
        t,
        [(-1, X, 0), (-1, Y, 1), (-1, Z, 2)],
        [(1, W, 0), (1, Y, 2), (-1, Z, 1)],
        [(1, W, 1), (-1, X, 2), (1, Z, 0)],
        [(1, W, 2), (1, X, 1), (-1, Y, 0)],
    )


def _total(t: Tensors, products: T) -> T:
    """Return the sum of a few numbers in their order, ``(1,)``."""
    return t.cut(t.cumsum(products), -1)


def _positive(t: Tensors, x: T, otherwise: T) -> T:
    """Return x where it is above 0, so that it has a root to divide by."""
    return t.where(t.less(t.const(0.0), x), x, otherwise)


def _unit(t: Tensors, q: T) -> T:
    return t.div(q, t.op("Sqrt", _total(t, t.mul(q, q))))


def _directions(t: Tensors, acc: T) -> tuple[T, T]:
    """Return (rows of length 1, or 0, 0, 0; 1.0 where there is a direction, ``(rows, 1)``)."""
    x, y, z = (t.cut(acc, k, k + 1, axis=1) for k in range(3))
    total = t.add(t.add(t.mul(x, x), t.mul(y, y)), t.mul(z, z))
    zero, one = t.const(0.0), t.const(1.0)
    there = t.less(zero, total)
    return t.where(there, t.div(acc, t.op("Sqrt", _positive(t, total, one))), zero), t.where(there, one, zero)


def _usable(t: Tensors, gyro: T, acc: T) -> tuple[T, T, T]:
    """Return a gyroscope whose bad rows are loud, its rows, ``(rows, 1)``, as 1.0 and 0.0, and an accelerometer without bad ones."""
    limit, zero, one = (t.const(k) for k in (LARGEST, 0.0, 1.0))
    turned, pulled = (
        t.reduce("Min", t.where(t.less(t.op("Abs", each), limit), one, zero), 1, keep=True) for each in (gyro, acc)
    )
    there = t.less(zero, turned)
    acc = t.where(t.op("And", there, t.less(zero, pulled)), acc, zero)
    return t.where(there, gyro, t.const(LARGEST)), turned, acc


# --- Madgwick's -------------------------------------------------------------------------------------


def _madgwick_start(node: Any, *heads: Array) -> dict[str, Array]:
    known = node.init(*heads)[0]
    begun = np.array([0.0 if known is None else 1.0])
    return {"q": np.array(known or (1.0, 0.0, 0.0, 0.0)), "begun": begun, **offset_start(3)}


def _level(t: Tensors, unit: T) -> T:
    """Return the shortest turn that has an accelerometer at rest measure a direction, ``(1, 3)``; ``(4,)``."""
    x, y, z = (t.reshape(t.cut(unit, k, k + 1, axis=1), [1]) for k in range(3))
    zero, one = t.const(np.zeros(1)), t.const(np.ones(1))
    q = t.concat([t.add(one, z), y, t.sub(zero, x), zero])
    total = _total(t, t.mul(q, q))
    below = t.op("Equal", total, zero)  # the other way round
    made = t.div(q, t.op("Sqrt", t.where(below, one, total)))
    return t.where(below, t.const(np.array([0.0, 1.0, 0.0, 0.0])), made)


@exports(MadgwickOrientation, start=_madgwick_start)
def _madgwick(t: Tensors, node: Any, state: State, gyro: T, acc: T) -> Any:
    gyro, turned, acc = _usable(t, gyro, acc)
    turns, after = without_offset(t, Still.of(node.sample_rate), state, gyro, 3)
    turns = t.where(t.less(t.const(0.0), turned), turns, t.const(0.0))
    half, dt = radians(1) / 2, 1 / node.sample_rate
    turns = t.mul(t.mul(turns, t.const(half)), t.const(dt))
    acc, there = _directions(t, acc)
    zero, one, two, pull = (t.const(k) for k in (0.0, 1.0, 2.0, node.gain * dt))
    turn, more = _turn(t), t.const(np.array([1.0, 0.5]))
    gravity = Terms(t, [(2, X, Z), (-2, W, Y)], [(2, W, X), (2, Y, Z)], [(2, HALF, ONE), (-2, X, X), (-2, Y, Y)])
    slope = Terms(
        t,
        [(1, X, 1), (-1, Y, 0)],
        [(1, Z, 0), (1, W, 1), (-2, X, 2)],
        [(1, Z, 1), (-1, W, 0), (-2, Y, 2)],
        [(1, X, 0), (1, Y, 1)],
    )

    def body(t: Any, carry: list[T], rows: list[T]) -> tuple[list[T], list[T]]:
        (q,), (by, down, known) = carry, rows
        # Gravity as it should be, less what is measured; then its gradient.
        apart = t.sub(gravity.of(t, t.concat([q, more]), t.concat([q, more])), down)
        uphill = t.mul(two, slope.of(t, q, apart))
        total = _total(t, t.mul(uphill, uphill))
        steep = t.op("And", t.less(zero, known), t.less(zero, total))
        part = t.div(pull, t.op("Sqrt", t.where(steep, total, one)))
        step = turn.of(t, q, by)
        step = t.where(steep, t.sub(step, t.mul(part, uphill)), step)
        q = _unit(t, t.add(q, step))
        return [q], [q]

    first, some = (t.first(each, t.const(np.zeros((1, k)))) for each, k in ((acc, 3), (there, 1)))
    level = t.where(t.less(zero, t.reshape(some, [1])), _level(t, first), t.const(np.array([1.0, 0.0, 0.0, 0.0])))
    q = t.where(t.started(state["begun"], 1), state["q"], level)
    (q,), (made,) = t.scan(body, [q], [turns, acc, there], [t.const(np.zeros((0, 4)))])
    return made, {**after, "q": q, "begun": t.begun(state["begun"], gyro)}


# --- Fusion -----------------------------------------------------------------------------------------


def _fusion_start(node: Any, *heads: Array) -> dict[str, Array]:
    offset = offset_start(3) if node.use_offset else {}
    numbers = {name: np.zeros(1) for name in ("row", "trigger", "recovering")}
    return {"q": np.array([1.0, 0.0, 0.0, 0.0]), **numbers, **offset}


class _Heading:
    """Takes the heading off an orientation: turns it back about the vertical."""

    def __init__(self, t: Tensors) -> None:
        self.parts = Terms(t, [(1, W, Z), (1, X, Y)], [(1, HALF, ONE), (-1, Y, Y), (-1, Z, Z)])
        self.more, self.turned = t.const(np.array([1.0, 0.5])), t.const(np.array([3, 2, 1, 0]))
        self.signs = t.const(np.array([1.0, 1.0, -1.0, -1.0]))

    def off(self, t: Tensors, q: T) -> T:
        zero, one = t.const(0.0), t.const(1.0)
        parts = self.parts.of(t, t.concat([q, self.more]), t.concat([q, self.more]))
        y, x = t.cut(parts, 0, 1), t.cut(parts, 1, 2)
        total = t.add(t.mul(y, y), t.mul(x, x))
        upright = t.less(zero, total)
        # Cosine and sine of half the angle of (x, y), without cancellation on either side.
        long = t.add(t.op("Sqrt", t.where(upright, total, one)), t.op("Abs", x))
        size = t.op("Sqrt", t.add(t.mul(long, long), t.mul(y, y)))
        signed = t.where(t.less(y, zero), t.op("Neg", long), long)
        front = t.less(x, zero)
        cos, sin = t.where(front, t.op("Abs", y), long), t.where(front, signed, y)
        cos, sin = t.where(upright, t.div(cos, size), one), t.where(upright, t.div(sin, size), zero)
        return t.add(t.mul(cos, q), t.mul(sin, t.mul(t.take(q, self.turned), self.signs)))


@exports(FusionOrientation, start=_fusion_start)
def _fusion(t: Tensors, node: Any, state: State, gyro: T, acc: T) -> Any:
    turns, turned, acc = _usable(t, gyro, acc)
    after: State = {}
    if node.use_offset:
        turns, after = without_offset(t, Still.of(node.sample_rate), state, turns, 3)
    turns = t.where(t.less(t.const(0.0), turned), turns, t.const(0.0))
    half, dt, rate = radians(1) / 2, t.const(1 / node.sample_rate), node.sample_rate
    fall = t.const((GAIN_AT_START - node.gain) / STARTING)
    gain, at_start, start = (t.const(float(k)) for k in (node.gain, GAIN_AT_START, STARTING * rate))
    span = int(node.rejection_timeout * rate)
    rejects = node.acceleration_rejection and span
    limit = t.const((sin(radians(node.acceleration_rejection)) / 2) ** 2 if rejects else inf)
    zero, one, right, wrong, period = (t.const(k) for k in (0.0, 1.0, -9.0, 1.0, float(span)))
    turn, heading, more = _turn(t), _Heading(t), t.const(np.array([1.0, 0.5]))
    up = Terms(
        t,
        [(1, X, Z), (0, 0, 0), (-1, W, Y)],
        [(1, Y, Z), (0, 0, 0), (1, W, X)],
        [(1, W, W), (-1, HALF, ONE), (1, Z, Z)],
    )
    cross = Terms(t, [(1, 1, 2), (-1, 2, 1)], [(1, 2, 0), (-1, 0, 2)], [(1, 0, 1), (-1, 1, 0)])

    def body(t: Any, carry: list[T], rows: list[T]) -> tuple[list[T], list[T]]:
        q, row, trigger, recovering = carry
        by, acc, there = rows[:3]
        if len(rows) > 3:  # 0 where the gyroscope was near its range: there it starts afresh
            row, trigger, recovering = (t.mul(each, rows[3]) for each in (row, trigger, recovering))
        row = t.where(t.less(row, start), t.add(row, one), row)
        starting = t.less(row, start)
        strength = t.where(starting, t.sub(at_start, t.mul(t.mul(fall, row), dt)), gain)
        # Half of gravity as it should be, and the turn from what is measured to that.
        known = t.concat([q, more])
        should = up.of(t, known, known)
        apart = cross.of(t, acc, should)
        error = _total(t, t.mul(apart, apart))
        behind = t.op("And", t.less(_total(t, t.mul(acc, should)), zero), t.less(zero, error))
        apart = t.div(apart, t.op("Sqrt", t.where(behind, error, one)))
        near = t.op("Or", starting, t.at_least(limit, t.where(behind, one, error)))
        # A recovery goes on until right rows have brought the trigger down to 0.
        counted = t.add(trigger, t.where(near, right, wrong))
        most = t.where(t.less(zero, recovering), zero, period)
        recovers = t.less(most, counted)
        counted = t.op("Min", t.op("Max", counted, zero), period)
        seen = t.less(zero, there)
        trigger = t.where(seen, counted, trigger)
        recovering = t.where(seen, t.where(recovers, one, zero), recovering)
        apart = t.where(t.op("And", seen, t.op("Or", near, recovers)), apart, zero)
        by = t.mul(t.add(by, t.mul(apart, strength)), dt)
        terms = t.concat([t.reshape(q, [1, 4]), turn.products(t, q, by)])
        q = _unit(t, t.row(t.cumsum(terms), 3))
        q = t.where(starting, heading.off(t, q), q)
        return [q, row, trigger, recovering], [q]

    columns = [t.mul(turns, t.const(half)), *_directions(t, acc)]
    if node.gyroscope_range:
        fastest = t.reduce("Max", t.op("Abs", turns), 1, keep=True)
        columns.append(t.where(t.less(t.const(0.98 * node.gyroscope_range), fastest), zero, one))
    names = ("q", "row", "trigger", "recovering")
    found, (made,) = t.scan(body, [state[name] for name in names], columns, [t.const(np.zeros((0, 4)))])
    return made, {**after, **dict(zip(names, found, strict=True))}
