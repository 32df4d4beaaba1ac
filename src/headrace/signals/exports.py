"""How sums, products, integrals and derivatives are exported."""

from __future__ import annotations

from math import e as euler
from math import log
from typing import Any

import numpy as np

from headrace.signals.arithmetic import Difference, Multiply, Scale, Sum
from headrace.signals.base import Array
from headrace.signals.differentiate import Differentiate, Integrate, SampleRate
from headrace.signals.elementwise import Abs, Clip, Exp, Logarithm, Pow
from headrace.signals.export import State, exports
from headrace.signals.tensors import T, Tensors


def real(node: Any, *heads: Array) -> str | None:
    """Say why complex columns cannot be exported."""
    if any(head.dtype.kind == "c" for head in heads):
        return "it reads complex numbers; take Abs of them first"
    return None


def _real_factor(node: Any, *heads: Array) -> str | None:
    return "its factor is complex" if isinstance(node.scale_factor, complex) else None


@exports(Scale, fits=_real_factor)
def _scale(t: Tensors, node: Any, state: State, x: T) -> T:
    return t.mul(x, t.const(float(node.scale_factor)))


@exports(Sum)
def _sum_(t: Tensors, node: Any, state: State, *xs: T) -> T:
    xs = _paired(t, xs)
    total = xs[0]
    for each in xs[1:]:
        total = t.add(total, each)
    return total


@exports(Difference)
def _difference(t: Tensors, node: Any, state: State, a: T, b: T) -> T:
    return t.sub(*_paired(t, (a, b)))


def _paired(t: Tensors, xs: tuple[T, ...]) -> tuple[T, ...]:
    """Return columns of which none or all are complex: a real one is then one with imaginary parts of 0."""
    if not any(map(parts_of, t.heads)):
        return xs
    zero, found = t.const(0.0), []
    for x, head in zip(xs, t.heads, strict=True):
        if not parts_of(head):
            x = t.reshape(x, [-1, *head.shape[1:], 1])
            x = t.concat([x, t.where(t.op("Equal", x, x), zero, zero)], axis=head.ndim)
        found.append(x)
    return tuple(found)


@exports(Multiply, fits=real)
def _multiply(t: Tensors, node: Any, state: State, a: T, b: T) -> T:
    return t.mul(a, b)


@exports(Abs)
def _abs_(t: Tensors, node: Any, state: State, x: T) -> T:
    if t.heads[0].dtype.kind == "c":
        return t.op("Sqrt", t.reduce("Sum", t.mul(x, x), t.heads[0].ndim))
    return t.op("Abs", x)


@exports(Pow, fits=real)
def _pow_(t: Tensors, node: Any, state: State, x: T) -> T:
    return t.op("Pow", x, t.const(float(node.exponent)))


@exports(Exp, fits=real)
def _exp(t: Tensors, node: Any, state: State, x: T) -> T:
    return t.op("Exp", x) if node.base == euler else t.op("Pow", t.const(float(node.base)), x)


@exports(Logarithm, fits=real)
def _logarithm(t: Tensors, node: Any, state: State, x: T) -> T:
    found = t.op("Log", x)
    return found if node.base == euler else t.div(found, t.const(log(node.base)))


@exports(Clip, fits=real)
def _clip(t: Tensors, node: Any, state: State, x: T) -> T:
    if node.min_value is not None:
        low = t.const(float(node.min_value))
        x = t.where(t.less(x, low), low, x)
    if node.max_value is not None:
        high = t.const(float(node.max_value))
        x = t.where(t.less(high, x), high, x)
    return x


# --- in time ----------------------------------------------------------------------------------------


def row_of(head: Array, value: float = 0.0) -> Array:
    """Return a row in double precision, ``(1, ...)``."""
    return np.full((1, *head.shape[1:], *parts_of(head)), value, np.float64)


def parts_of(head: Array) -> list[int]:
    """Return the axes that a complex column has more."""
    return [2] if head.dtype.kind == "c" else []


def width_of(head: Array) -> int:
    """Return how many numbers a row has."""
    return int(np.prod([*head.shape[1:], *parts_of(head)], dtype=int))


def _exact(head: Array) -> bool:
    """Return whether a column's differences are to be made before it is in double precision, which does not hold it."""
    return head.dtype.kind in "iu" and head.dtype.itemsize == 8


def _kept(head: Array) -> Array:
    """Return a row of zeros, such as differences are made to."""
    return np.zeros(row_of(head).shape, np.int64) if _exact(head) else row_of(head)


def _given(t: Tensors, k: int, x: T) -> T:
    """Return column number k as :func:`_kept` has it."""
    return t.cast(t.given[k], "int64") if _exact(t.heads[k]) else x


def _integrate_start(node: Any, *heads: Array) -> dict[str, Array]:
    plain = isinstance(node, Integrate)
    last_a = row_of(heads[0]) if plain else _kept(heads[0])
    total = {"total": row_of(heads[0])} if plain else {}
    last_b = {"last_b": _kept(heads[1])} if len(heads) > 1 else {}
    return {**total, "last_a": last_a, **last_b, "begun": np.zeros(1)}


def _steps(t: Tensors, state: State, xs: tuple[T, ...], axes: int) -> tuple[T, T]:
    """Return (newest b, steps of b)."""
    b = _given(t, 1, xs[1])
    flag = t.started(state["begun"], t.heads[1].ndim)
    last = t.where(flag, state["last_b"], t.first(b, state["last_b"]))
    db = t.change(b, last, t.heads[1])
    return t.newest(b, last), db if t.heads[1].ndim == axes else t.tall(db, axes)


@exports(Integrate, start=_integrate_start, fits=real)
def _integrate(t: Tensors, node: Any, state: State, *xs: T) -> Any:
    a, axes = xs[0], t.heads[0].ndim
    last_a = t.where(t.started(state["begun"], axes), state["last_a"], t.first(a, state["last_a"]))
    following = {"last_a": t.newest(a, state["last_a"]), "begun": t.begun(state["begun"], a)}
    if len(xs) > 1:
        following["last_b"], db = _steps(t, state, xs, axes)
    else:
        db = t.tall(t.since(state["begun"], a), axes)
    mean = t.mul(t.add(a, t.before(a, last_a)), t.const(0.5)) if node.use_trapz else a
    sums = t.cumsum(t.concat([state["total"], t.mul(mean, db)]))
    return t.cut(sums, 1), {**following, "total": t.cut(sums, -1)}


@exports(Differentiate, start=_integrate_start, fits=real)
def _differentiate(t: Tensors, node: Any, state: State, *xs: T) -> Any:
    a, axes, zero = _given(t, 0, xs[0]), t.heads[0].ndim, t.const(0.0)
    last_a = t.where(t.started(state["begun"], axes), state["last_a"], t.first(a, state["last_a"]))
    following = {"last_a": t.newest(a, state["last_a"]), "begun": t.begun(state["begun"], a)}
    found = t.change(a, last_a, t.heads[0])
    if len(xs) > 1:
        following["last_b"], db = _steps(t, state, xs, axes)
        rests = t.op("Equal", db, zero)
        found = t.where(rests, zero, t.div(found, t.where(rests, t.const(1.0), db)))
    later = t.less(t.const(0.5), t.tall(t.since(state["begun"], a), axes))
    return t.where(later, found, zero), following


def _rate_start(node: Any, *heads: Array) -> dict[str, Array]:
    if _exact(heads[0]):
        return {"last": _kept(heads[0]), "begun": np.zeros(1)}
    return {"last": row_of(heads[0], np.nan if node.start is None else float(node.start))}


@exports(SampleRate, start=_rate_start, fits=real)
def _sample_rate(t: Tensors, node: Any, state: State, x: T) -> Any:
    given = _given(t, 0, x)
    step, after = t.change(given, state["last"], t.heads[0]), {"last": t.newest(given, state["last"])}
    if _exact(t.heads[0]):
        start = t.const(np.nan if node.start is None else float(node.start))
        later = t.less(t.const(0.5), t.tall(t.since(state["begun"], x), t.heads[0].ndim))
        step = t.where(later, step, t.sub(x, start))
        after["begun"] = t.begun(state["begun"], x)
    return t.div(t.const(float(node.unit_multiplier)), step), after
