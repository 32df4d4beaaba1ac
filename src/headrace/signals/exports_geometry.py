"""How lengths, angles and quaternions are exported, component by component."""

from __future__ import annotations

from math import isinf, pi
from typing import Any

import numpy as np

from headrace.signals.base import Array
from headrace.signals.export import State, exports
from headrace.signals.exports import real, width_of
from headrace.signals.geometry import AngleBetween, Gravity, Norm, OrientationXy, Rotate
from headrace.signals.projection import GravityProjection
from headrace.signals.quaternions import (
    EulerAngle,
    EulerOrientation,
    EulerQuaternion,
    QuaternionConjugate,
    QuaternionNormalize,
    QuaternionProduct,
    RotationQuaternion,
)
from headrace.signals.rotations import cross, dot, product
from headrace.signals.tensors import T, Tensors


class Num:
    """A component, ``(rows, 1)``, that adds and multiplies: so that formulas read as they do in numpy."""

    t: Tensors
    x: T

    def __init__(self, t: Tensors, x: T) -> None:
        self.t, self.x = t, x

    def _with(self, name: str, other: Any, turned: bool = False) -> Num:
        y = other.x if isinstance(other, Num) else self.t.const(float(other))
        return Num(self.t, self.t.op(name, y, self.x) if turned else self.t.op(name, self.x, y))

    def __add__(self, other: Any) -> Num:
        return self._with("Add", other)

    def __sub__(self, other: Any) -> Num:
        return self._with("Sub", other)

    def __mul__(self, other: Any) -> Num:
        return self._with("Mul", other)

    def __truediv__(self, other: Any) -> Num:
        return self._with("Div", other)

    def __radd__(self, other: Any) -> Num:
        return self._with("Add", other, True)

    def __rsub__(self, other: Any) -> Num:
        return self._with("Sub", other, True)

    def __rmul__(self, other: Any) -> Num:
        return self._with("Mul", other, True)

    def __neg__(self) -> Num:
        return self.of("Neg")

    def of(self, name: str) -> Num:
        """Return a function of it, by its ONNX name."""
        return Num(self.t, self.t.op(name, self.x))


def _parts(t: Tensors, x: T, k: int) -> list[Num]:
    return [Num(t, t.cut(x, i, i + 1, axis=1)) for i in range(k)]


def _joined(t: Tensors, parts: Any) -> T:
    return t.concat([part.x for part in parts], axis=1)


def _length(v: Any) -> Num:
    found: Num = dot(v, v).of("Sqrt")
    return found


def _over(a: Num, b: Num, then: float) -> Num:
    """Return ``a / b``, and ``then`` where ``b`` is 0; gradients do not see the quotient there."""
    t = a.t
    none = t.op("Equal", b.x, t.const(0.0))
    made = t.div(a.x, t.where(none, t.const(1.0), b.x))
    return Num(t, t.where(none, t.const(then), made))


def _atan2(y: Num, x: Num) -> Num:
    return Num(y.t, y.t.atan2(y.x, x.x))


def _turned(v: Any, q: Any) -> list[Num]:
    """Return ``q v q*``, as :func:`headrace.signals.rotations.turned`."""
    w, *u = q
    first = cross(u, v)
    second = cross(u, first)
    norm = dot(q, q)
    factor = Num(norm.t, norm.t.div(norm.t.const(2.0), norm.x))
    return [a + factor * (w * b + c) for a, b, c in zip(v, first, second, strict=True)]


# --- quaternions ------------------------------------------------------------------------------------


@exports(QuaternionProduct)
def _quaternion_product(t: Tensors, node: Any, state: State, a: T, b: T) -> T:
    return _joined(t, product(_parts(t, a, 4), _parts(t, b, 4)))


@exports(QuaternionConjugate)
def _conjugate(t: Tensors, node: Any, state: State, q: T) -> T:
    w, x, y, z = _parts(t, q, 4)
    return _joined(t, (w, -x, -y, -z))


@exports(QuaternionNormalize)
def _normalize(t: Tensors, node: Any, state: State, q: T) -> T:
    parts = _parts(t, q, 4)
    norm = _length(parts)
    return _joined(t, [each / norm for each in parts])


@exports(RotationQuaternion)
def _rotation(t: Tensors, node: Any, state: State, x: T) -> T:
    v = _parts(t, x, 3)
    half = _length(v) / 2
    factor = _over(half.of("Sin"), 2 * half, 0.5)
    return _joined(t, (half.of("Cos"), *(factor * each for each in v)))


@exports(EulerQuaternion)
def _euler_quaternion(t: Tensors, node: Any, state: State, x: T) -> T:
    roll, pitch, yaw = (each / 2 for each in _parts(t, x, 3))
    zero = Num(t, t.mul(t.const(0.0), roll.x))
    q: Any = (yaw.of("Cos"), zero, zero, yaw.of("Sin"))
    q = product(q, (pitch.of("Cos"), zero, pitch.of("Sin"), zero))
    return _joined(t, product(q, (roll.of("Cos"), roll.of("Sin"), zero, zero)))


@exports(EulerOrientation)
def _euler_orientation(t: Tensors, node: Any, state: State, x: T) -> T:
    w, *v = _parts(t, x, 4)
    norm = _length(v)
    angle = _atan2(norm, w) * (2 * 180 / pi)
    return _joined(t, (angle, *(_over(each, norm, 0.0) for each in v)))


@exports(EulerAngle)
def _euler_angle(t: Tensors, node: Any, state: State, q: T) -> T:
    w, x, y, z = _parts(t, q, 4)
    roll = _atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
    up = t.op("Min", t.op("Max", (2 * (w * y - z * x)).x, t.const(-1.0)), t.const(1.0))
    yaw = _atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
    return _joined(t, (roll, Num(t, t.asin(up)), yaw))


# --- vectors ----------------------------------------------------------------------------------------


@exports(Gravity)
def _gravity(t: Tensors, node: Any, state: State, q: T) -> T:
    w, x, y, z = _parts(t, q, 4)
    return _joined(t, (2 * (x * z - w * y), 2 * (w * x + y * z), 2 * (w * w - 0.5 + z * z)))


@exports(Rotate)
def _rotate(t: Tensors, node: Any, state: State, v: T, q: T) -> T:
    return _joined(t, _turned(_parts(t, v, 3), _parts(t, q, 4)))


@exports(OrientationXy)
def _orientation_xy(t: Tensors, node: Any, state: State, q: T) -> T:
    w, x, y, z = _parts(t, q, 4)
    zero = Num(t, t.mul(t.const(0.0), w.x))
    x, y, z = _turned((zero + 1, zero, zero), (w, -x, -y, -z))
    return _joined(t, (_atan2(y, x) * (180 / pi), x, y, z))


@exports(AngleBetween)
def _angle_between(t: Tensors, node: Any, state: State, a: T, b: T) -> T:
    def length(x: T) -> T:
        return t.op("Sqrt", t.reduce("Sum", t.mul(x, x), 1, keep=True))

    a, b = (t.div(each, length(each)) for each in (a, b))
    angle = t.mul(t.const(2.0), t.atan2(length(t.sub(a, b)), length(t.add(a, b))))
    return t.reshape(angle, [-1])


@exports(GravityProjection)
def _gravity_projection(t: Tensors, node: Any, state: State, x: T, gravity: T) -> T:
    v, g = _parts(t, x, 3), _parts(t, gravity, 3)
    zero, one = t.const(0.0), t.const(1.0)
    gx, _, gz = g
    side = Num(t, t.where(t.less(gz.x, zero), t.const(-1.0), one))
    flat = (gx * gx + gz * gz).of("Sqrt")
    x_axis = (_over(side * gz, flat, 1.0), 0.0 * gx, _over(-side * gx, flat, 0.0))
    size = _length(g)
    along_y = side * dot(cross(g, x_axis), v) / size
    along_x = t.where(t.less(zero, size.x), dot(x_axis, v).x, t.const(np.nan))
    return _joined(t, (along_y, Num(t, along_x)))


def _norm_fits(node: Any, *heads: Array) -> str | None:
    if heads[0].ndim > 2 and node.order is not None:
        return "norms of matrices are not written in tensors; order=None is"
    return real(node, *heads)


@exports(Norm, fits=_norm_fits)
def _norm(t: Tensors, node: Any, state: State, x: T) -> T:
    if t.heads[0].ndim == 1:
        return x
    sizes = t.op("Abs", t.reshape(x, [-1, width_of(t.heads[0])]))
    order = 2 if node.order is None else node.order
    if order == 2:
        return t.op("Sqrt", t.reduce("Sum", t.mul(sizes, sizes), 1))
    if isinf(order):
        return t.reduce("Max" if order > 0 else "Min", sizes, 1)
    if order == 0:
        there = t.where(t.op("Equal", sizes, t.const(0.0)), t.const(0.0), t.const(1.0))
        return t.reduce("Sum", there, 1)
    powers = sizes if order == 1 else t.op("Pow", sizes, t.const(float(order)))
    total = t.reduce("Sum", powers, 1)
    if order == 1:
        return total
    if order < 0:
        return t.op("Pow", total, t.const(1 / order))
    none = t.op("Equal", total, t.const(0.0))  # where gradients of a root are none
    return t.where(none, t.const(0.0), t.op("Pow", t.where(none, t.const(1.0), total), t.const(1 / order)))
