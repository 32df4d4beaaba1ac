"""Vectors as they are seen from above: at right angles to gravity."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from headrace.signals.base import Array, Signal, signal_class
from headrace.signals.quaternions import VECTOR
from headrace.signals.rotations import cross, divided, dot, length, parts, stacked


def _vectors(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    return rng.normal(size=(n, 3)), rng.normal(size=(n, 3))


@signal_class(lambda: GravityProjection("x", "g", "y"), rows=_vectors, channels=False)
class GravityProjection(Signal[None]):
    """The part of a vector that is at right angles to gravity, in two coordinates: along y, then along x.

    The x axis of that plane is what is left in it of the sensor's xz plane, on the side of the sensor's x; its y axis is
    at right angles to that, on the side of the sensor's y. Both are of length 1 and turn continuously while gravity stays
    on one side of the sensor's xy plane.

    Parameters
    ----------
    x
        The name of the vector, ``(rows, 3)``.
    gravity
        The name of gravity, ``(rows, 3)``, of any length; 0, 0, 0 gives NaN.
    name
        What to call the output, ``(rows, 2)``.

    Raises
    ------
    DataError
        While running, when rows have not 3 numbers.

    Examples
    --------
    >>> GravityProjection("acc", "grav", name="flat")([[1.0, 2.0, 3.0]], [[0.0, 0.0, 9.8]]).tolist()
    [[2.0, 1.0]]
    """

    x: str
    gravity: str
    name: str
    roles: ClassVar[tuple[str, ...]] = ("x", "gravity")

    def step(self, state: None, *rows: Array) -> tuple[Array, None]:
        v, g = (parts(self, each, 3, VECTOR) for each in rows)
        gx, _, gz = g
        side = np.where(gz < 0, -1.0, 1.0)
        flat = np.sqrt(gx * gx + gz * gz)
        upright = flat == 0  # gravity along y leaves all of xz: then x is x
        first = (
            np.where(upright, 1.0, divided(side * gz, flat)),
            np.zeros(len(gx)),
            np.where(upright, 0.0, divided(-side * gx, flat)),
        )
        second = cross(g, first)
        along_y = divided(side * dot(second, v), length(g))
        along_x = np.where(length(g) > 0, dot(first, v), np.nan)
        return stacked((along_y, along_x), rows), None
