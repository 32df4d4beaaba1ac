"""Turns as quaternions (w, x, y, z): products of them, and to and from angles."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from headrace.signals.base import Array, Signal, signal_class
from headrace.signals.rotations import divided, length, parts, product, stacked

QUATERNION = "a quaternion w, x, y, z"
VECTOR = "a vector x, y, z"


def some_quaternions(rng: np.random.Generator, n: int) -> tuple[Array]:
    """Return rows to try signals on: quaternions of length 1, those that do not turn among them."""
    q = rng.normal(size=(n, 4))
    q /= np.sqrt((q * q).sum(axis=1))[:, None]
    q[::7] = (1, 0, 0, 0)
    return (q,)


def _two(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return some_quaternions(rng, n)[0], some_quaternions(rng, n)[0]


@signal_class(lambda: QuaternionProduct("a", "b", "y"), rows=_two, channels=False)
class QuaternionProduct(Signal[None]):
    """The Hamilton product of two inputs: the turn ``b``, then the turn ``a``.

    Parameters
    ----------
    a, b
        The inputs' names, ``(rows, 4)``: w, x, y, z.
    name
        What to call the output, ``(rows, 4)``.

    Raises
    ------
    DataError
        While running, when rows have not 4 numbers.

    Examples
    --------
    >>> i, j = [[0.0, 1, 0, 0]], [[0.0, 0, 1, 0]]
    >>> QuaternionProduct("a", "b", name="k")(i, j).tolist()
    [[0.0, 0.0, 0.0, 1.0]]
    """

    a: str
    b: str
    name: str
    roles: ClassVar[tuple[str, ...]] = ("a", "b")

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        a, b = (parts(self, each, 4, QUATERNION) for each in rows)
        return stacked(product(a, b), rows), None


@signal_class(lambda: QuaternionConjugate("x", "y"), rows=some_quaternions, channels=False)
class QuaternionConjugate(Signal[None]):
    """The turn back: w, -x, -y, -z.

    Parameters
    ----------
    x
        The input's name, ``(rows, 4)``.
    name
        What to call the output, ``(rows, 4)``.

    Raises
    ------
    DataError
        While running, when rows have not 4 numbers.

    Examples
    --------
    >>> QuaternionConjugate("q", name="back")([[1.0, 2.0, 3.0, 4.0]]).tolist()
    [[1.0, -2.0, -3.0, -4.0]]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        w, x, y, z = parts(self, rows[0], 4, QUATERNION)
        return stacked((w, -x, -y, -z), rows), None


@signal_class(lambda: QuaternionNormalize("x", "y"), rows=lambda rng, n: (rng.normal(size=(n, 4)),), channels=False)
class QuaternionNormalize(Signal[None]):
    """Its input brought to length 1; a quaternion of length 0 gives NaN.

    Parameters
    ----------
    x
        The input's name, ``(rows, 4)``.
    name
        What to call the output, ``(rows, 4)``.

    Raises
    ------
    DataError
        While running, when rows have not 4 numbers.

    Examples
    --------
    >>> QuaternionNormalize("q", name="unit")([[0.0, 3.0, 0.0, 4.0]]).tolist()
    [[0.0, 0.6, 0.0, 0.8]]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        q = parts(self, rows[0], 4, QUATERNION)
        norm = length(q)
        return stacked([divided(each, norm) for each in q], rows), None


@signal_class(lambda: RotationQuaternion("x", "y"), rows=lambda rng, n: (rng.normal(size=(n, 3)),), channels=False)
class RotationQuaternion(Signal[None]):
    """The quaternion of a turn about a vector, by its length in radians.

    Parameters
    ----------
    x
        The input's name, ``(rows, 3)``, radians.
    name
        What to call the output, ``(rows, 4)``: cos(a/2), sin(a/2) times the axis.

    Raises
    ------
    DataError
        While running, when rows have not 3 numbers.

    Examples
    --------
    >>> RotationQuaternion("turn", name="q")([[0.0, 0.0, np.pi], [0.0, 0.0, 0.0]]).round(6).tolist()
    [[0.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        v = parts(self, rows[0], 3, VECTOR)
        half = length(v) / 2
        # sin(a/2)/a, which is 1/2 where a is 0
        factor = np.where(half > 0, divided(np.sin(half), 2 * half), 0.5)
        return stacked((np.cos(half), *(factor * each for each in v)), rows), None


@signal_class(lambda: EulerQuaternion("x", "y"), rows=lambda rng, n: (rng.normal(size=(n, 3)),), channels=False)
class EulerQuaternion(Signal[None]):
    """The quaternion of roll, pitch and yaw: the inverse of :class:`headrace.signals.EulerAngle`.

    Parameters
    ----------
    x
        The input's name, ``(rows, 3)``: roll about x, then pitch about y, then yaw about z, radians.
    name
        What to call the output, ``(rows, 4)``.

    Raises
    ------
    DataError
        While running, when rows have not 3 numbers.

    Examples
    --------
    >>> EulerQuaternion("euler", name="q")([[0.0, 0.0, np.pi]]).round(6).tolist()
    [[0.0, 0.0, 0.0, 1.0]]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        roll, pitch, yaw = (each / 2 for each in parts(self, rows[0], 3, "roll, pitch and yaw"))
        zero = np.zeros(len(roll))
        turn = product((np.cos(yaw), zero, zero, np.sin(yaw)), (np.cos(pitch), zero, np.sin(pitch), zero))
        return stacked(product(turn, (np.cos(roll), np.sin(roll), zero, zero)), rows), None


@signal_class(lambda: EulerOrientation("x", "y"), rows=some_quaternions, channels=False)
class EulerOrientation(Signal[None]):
    """The angle of a turn in degrees and its axis: 2 acos(w), and (x, y, z) / sqrt(1 - w^2).

    The angle is computed with atan2, which loses nothing near 0, and of quaternions that are not quite of length 1.

    Parameters
    ----------
    x
        The input's name, ``(rows, 4)``.
    name
        What to call the output, ``(rows, 4)``: the angle from 0 to 360, then the axis; a turn of 0 has axis 0, 0, 0.

    Raises
    ------
    DataError
        While running, when rows have not 4 numbers.

    Examples
    --------
    >>> EulerOrientation("q", name="turn")([[0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0]]).tolist()
    [[180.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        w, *v = parts(self, rows[0], 4, QUATERNION)
        norm = length(v)
        angle = np.degrees(2 * np.arctan2(norm, w))
        still = norm == 0
        return stacked((angle, *(np.where(still, 0.0, divided(each, norm)) for each in v)), rows), None


@signal_class(lambda: EulerAngle("x", "y"), rows=some_quaternions, channels=False)
class EulerAngle(Signal[None]):
    """Roll, pitch and yaw of a quaternion, in radians.

    roll = atan2(2(wx + yz), 1 - 2(x^2 + y^2)), pitch = asin(2(wy - zx)) between -pi/2 and pi/2,
    yaw = atan2(2(wz + xy), 1 - 2(y^2 + z^2)).

    Parameters
    ----------
    x
        The input's name, ``(rows, 4)``, of length 1.
    name
        What to call the output, ``(rows, 3)``.

    Raises
    ------
    DataError
        While running, when rows have not 4 numbers.

    Examples
    --------
    >>> EulerAngle("q", name="euler")([[np.sqrt(0.5), 0.0, 0.0, np.sqrt(0.5)]]).round(4).tolist()
    [[0.0, 0.0, 1.5708]]
    """

    x: str
    name: str

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        w, x, y, z = parts(self, rows[0], 4, QUATERNION)
        roll = np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y))
        pitch = np.arcsin(np.clip(2 * (w * y - z * x), -1, 1))
        yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        return stacked((roll, pitch, yaw), rows), None
