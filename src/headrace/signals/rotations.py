"""Formulas of vectors and quaternions, component by component: what the signals of geometry are made of.

A quaternion is (w, x, y, z); a component is an array over rows. Formulas are written with components so that each row is
computed in one order: products of matrices of a varying number of rows would round differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.signals.base import Array
from headrace.signals.history import narrow

Parts = tuple[Array, ...]


def parts(who: Any, x: Array, k: int, what: str) -> Parts:
    """Return the components of ``(rows, k)`` as ``k`` contiguous arrays in double precision.

    Raises
    ------
    DataError
        When rows have another shape.
    """
    if x.ndim != 2 or x.shape[1] != k or x.dtype.kind == "c":
        kind = "complex rows" if x.dtype.kind == "c" else f"rows of shape {x.shape[1:]}"
        raise DataError(
            f"{who!r} got {kind}, wanted {what}: {k} numbers a row.\n  Join columns with Concatenate or Stack."
        )
    return tuple(np.array(x.T, dtype=np.float64, order="C"))


def stacked(components: Any, like: Sequence[Array]) -> Array:
    """Return components as ``(rows, k)``, in single precision where all of ``like`` are."""
    made = np.array(np.array(components).T, order="C")
    return made.astype(narrow(np.result_type(*like)), copy=False)


def product(a: Any, b: Any) -> Parts:
    """Return the Hamilton product: the turn ``b``, then the turn ``a``."""
    aw, ax, ay, az = a
    bw, bx, by, bz = b
    return (
        aw * bw - ax * bx - ay * by - az * bz,
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
    )


def cross(a: Any, b: Any) -> Parts:
    """Return the cross product of two vectors."""
    ax, ay, az = a
    bx, by, bz = b
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx


def dot(a: Any, b: Any) -> Any:
    """Return the sum of products of components, in their order."""
    total = a[0] * b[0]
    for x, y in zip(a[1:], b[1:], strict=True):
        total = total + x * y
    return total


def turned(v: Any, q: Any) -> Parts:
    """Return ``q v q*`` for ``q`` brought to length 1; by v + 2 (w (u x v) + u x (u x v)) / |q|^2 with u = (x, y, z)."""
    w, *u = q
    first = cross(u, v)
    second = cross(u, first)
    factor = divided(2.0, dot(q, q))
    return tuple(a + factor * (w * b + c) for a, b, c in zip(v, first, second, strict=True))


def divided(a: Any, b: Any) -> Any:
    """Return ``a / b``, without a warning where that is not a number."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(a, b)


def length(v: Any) -> Any:
    """Return the Euclidean length."""
    return np.sqrt(dot(v, v))
