"""Lengths and directions of vectors, and angles between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, alike, signal_class, turnable
from headrace.signals.history import narrow, wide
from headrace.signals.quaternions import QUATERNION, VECTOR, some_quaternions
from headrace.signals.ranges import Range
from headrace.signals.rotations import divided, parts, stacked, turned

_FEW = 8  # features that are summed one after the other, which is quicker than row by row


def _vectors(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.normal(size=(n, 3)), rng.normal(size=(n, 3))


def _vectors_and_turns(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.normal(size=(n, 3)), some_quaternions(rng, n)[0]


def sum_of_features(x: Array) -> Array:
    """Return the sum of each row of ``(rows, k)``, the same whatever rows are around it.

    Examples
    --------
    >>> sum_of_features(np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
    [3.0, 7.0]
    """
    k = x.shape[1]
    if not 0 < k <= _FEW:
        return np.array(np.add.reduce(np.ascontiguousarray(x), axis=1))
    total = x[:, 0].copy()
    for i in range(1, k):
        total += x[:, i]
    return total


@signal_class(lambda: Norm("x", "y", 3), rows=lambda rng, n: (rng.normal(size=(n, 3)),), channels=False)
class Norm(Signal[None]):
    """The norm of each row, as :func:`numpy.linalg.norm` has it.

    Parameters
    ----------
    x
        The input's name: ``(rows, k)`` has a norm of vectors, ``(rows, h, w)`` one of matrices; ``(rows,)`` is passed on
        as it is, with its sign.
    name
        What to call the output, ``(rows,)``.
    order
        2 the Euclidean length (of a matrix: the largest singular value), 1 the sum of sizes, inf and -inf the largest
        and the smallest, 0 how many are not 0, any other p (sum of sizes^p)^(1/p); "fro" and "nuc" for matrices; None
        the Euclidean length of all numbers, of rows of any shape.

    Raises
    ------
    StreamConfigError
        When ``order`` is none of these.
    DataError
        While running, when rows have no norm of that order.

    Examples
    --------
    >>> Norm("acc", name="size")([[3.0, 4.0], [0.0, -1.0]]).tolist()
    [5.0, 1.0]
    """

    x: str
    name: str
    order: Turnable[Any] = turnable(2)
    ranges: ClassVar[Mapping[str, Range]] = {"order": Range()}

    def check(self) -> None:
        order = self.order
        if order is None or (isinstance(order, str) and order in ("fro", "nuc")):
            return
        if isinstance(order, str | bool) or np.ndim(order) or not isinstance(order, int | float | np.number):
            raise StreamConfigError(
                f"Norm(order=) got {order!r}, wanted a number, inf, -inf, None, 'fro' or 'nuc'.\n"
                "  None is the Euclidean length."
            )
        if np.isnan(order):
            raise StreamConfigError(
                "Norm(order=) got NaN, wanted a number, inf, -inf, None, 'fro' or 'nuc'.\n"
                "  None is the Euclidean length."
            )
        self.fix(order=order.item() if isinstance(order, np.generic) else order)

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        (x,) = rows
        if x.ndim == 1:
            return x.copy(), None
        dtype = narrow(np.abs(x[:0]).dtype)
        if x.ndim == 2 or self.order is None:
            if isinstance(self.order, str):
                raise DataError(f"{self!r} got rows of shape {x.shape[1:]}, wanted matrices.\n  Choose another order.")
            made = self._of_vectors(np.abs(wide(x)).reshape(len(x), int(np.prod(x.shape[1:], dtype=int))))
        else:
            made = self._of_matrices(wide(x))
        return made.astype(dtype, copy=False), None

    def _of_vectors(self, sizes: Array) -> Array:
        order = 2 if self.order is None else self.order
        if order == 2:
            sums = sum_of_features(sizes * sizes)
            np.sqrt(sums, out=sums)
            return sums
        if order == 1:
            return sum_of_features(sizes)
        if order == 0:
            return np.array(np.count_nonzero(sizes, axis=1), dtype=np.float64)
        if np.isinf(order):
            if not sizes.shape[1]:
                raise DataError(
                    f"{self!r} got rows of no number, which have no norm of that order.\n"
                    "  Give order=None, whose length of nothing is 0."
                )
            return np.array(sizes.max(axis=1) if order > 0 else sizes.min(axis=1))
        with np.errstate(divide="ignore"):
            return np.array(np.power(sum_of_features(np.power(sizes, order)), 1 / order))

    def _of_matrices(self, x: Array) -> Array:
        if x.ndim == 3 and self.order in (None, 1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc"):
            if not len(x):
                return np.empty(0)
            # one by one: sums of several matrices at once may be added in another order
            return np.array([self._of_matrix(each) for each in x])
        raise DataError(
            f"{self!r} got rows of shape {x.shape[1:]}, which have no norm of that order.\n"
            "  None, the Euclidean length of all numbers, is there for rows of any shape."
        )

    def _of_matrix(self, x: Array) -> Any:
        if self.order in (2, -2, "nuc") and not np.isfinite(x).all():
            return np.nan  # which has no singular values
        return np.linalg.norm(x, ord=self.order)


@signal_class(lambda: Gravity("x", "y"), rows=some_quaternions, channels=False)
class Gravity(Signal[None]):
    """Where up is, seen by a sensor turned by a quaternion: 2(xz - wy), 2(wx + yz), 2(w^2 - 1/2 + z^2).

    Parameters
    ----------
    x
        The name of the orientation, ``(rows, 4)``, of length 1.
    name
        What to call the output, ``(rows, 3)``: what an accelerometer at rest measures, in g.

    Raises
    ------
    DataError
        While running, when rows have not 4 numbers.

    Examples
    --------
    >>> Gravity("q", name="grav")([[1.0, 0.0, 0.0, 0.0]]).tolist()
    [[0.0, 0.0, 1.0]]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        w, x, y, z = parts(self, rows[0], 4, QUATERNION)
        return stacked((2 * (x * z - w * y), 2 * (w * x + y * z), 2 * (w * w - 0.5 + z * z)), rows), None


@signal_class(lambda: Rotate("x", "q", "y"), rows=_vectors_and_turns, channels=False)
class Rotate(Signal[None]):
    """A vector turned by a quaternion, ``q x q*``: from the frame of a sensor to that of the earth.

    Parameters
    ----------
    x
        The name of the vector, ``(rows, 3)``.
    orientation
        The name of the quaternion, ``(rows, 4)``; its length does not count.
    name
        What to call the output, ``(rows, 3)``.

    Raises
    ------
    DataError
        While running, when rows have not 3 and 4 numbers.

    Examples
    --------
    >>> quarter = [[np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]]
    >>> Rotate("acc", "pose", name="acc_glob")([[1.0, 0.0, 0.0]], quarter).round(6).tolist()
    [[0.0, 1.0, 0.0]]
    """

    x: str
    orientation: str
    name: str
    roles: ClassVar[tuple[str, ...]] = ("x", "orientation")

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        v, q = parts(self, rows[0], 3, VECTOR), parts(self, rows[1], 4, QUATERNION)
        return stacked(turned(v, q), rows), None


@signal_class(lambda: OrientationXy("x", "y"), rows=some_quaternions, channels=False)
class OrientationXy(Signal[None]):
    """Where the x axis is, seen by a sensor turned by a quaternion, and its angle within the xy plane.

    Parameters
    ----------
    x
        The name of the orientation, ``(rows, 4)``; its length does not count.
    name
        What to call the output, ``(rows, 4)``: the angle between (1, 0) and the xy part in degrees, negative where y
        is; then (1, 0, 0) turned by the conjugate quaternion.

    Raises
    ------
    DataError
        While running, when rows have not 4 numbers.

    Examples
    --------
    >>> OrientationXy("pose", name="xy")([[np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]]).round(6).tolist()
    [[-90.0, 0.0, -1.0, 0.0]]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        w, x, y, z = parts(self, rows[0], 4, QUATERNION)
        axis = (np.ones(len(w)), np.zeros(len(w)), np.zeros(len(w)))
        x, y, z = turned(axis, (w, -x, -y, -z))
        return stacked((np.degrees(np.arctan2(y, x)), x, y, z), rows), None


@signal_class(lambda: AngleBetween("a", "b", "y"), rows=_vectors, channels=False)
class AngleBetween(Signal[None]):
    """The angle between two vectors of any number of dimensions, in radians: acos(a b / |a| |b|).

    Computed as 2 atan2(|u - v|, |u + v|) of the vectors brought to length 1, which is exact for small angles, too (Kahan,
    "How futile are mindless assessments of roundoff in floating-point computation?", 2006, section 12).

    Parameters
    ----------
    a, b
        The inputs' names, ``(rows, k)``.
    name
        What to call the output, ``(rows,)``, from 0 to pi; NaN where one of them is 0.

    Raises
    ------
    DataError
        While running, when the inputs differ in shape or are no vectors.

    Examples
    --------
    >>> AngleBetween("a", "b", name="angle")([[1.0, 0.0]], [[0.0, 2.0]]).round(4).tolist()
    [1.5708]
    """

    a: str
    b: str
    name: str
    roles: ClassVar[tuple[str, ...]] = ("a", "b")

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        alike(self, *rows)
        if rows[0].ndim != 2 or rows[0].dtype.kind == "c" or rows[1].dtype.kind == "c":
            raise DataError(
                f"{self!r} got rows of shape {rows[0].shape[1:]}, wanted vectors: real numbers in a row.\n"
                "  Join columns with Stack."
            )
        a, b = (wide(each) for each in rows)
        a, b = (divided(each, _sizes(each)[:, None]) for each in (a, b))
        made = 2 * np.arctan2(_sizes(a - b), _sizes(a + b))
        return made.astype(narrow(np.result_type(*rows)), copy=False), None


def _sizes(x: Array) -> Array:
    made: Array = np.sqrt(sum_of_features(x * x))
    return made
