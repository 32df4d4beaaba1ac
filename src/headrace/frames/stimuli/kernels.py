"""Single images by formula, ``[row, col]``: masks and kernels.

``x`` and ``y`` are numbers of rows and columns, which run from -1 to 1 across the field.
"""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from headrace.frames.base.layout import Array
from headrace.frames.base.options import check_number
from headrace.frames.stimuli.grid import EDGE, THIN, grid, numbers_of


def mask_square(x: int = 20, y: int = 20, x_pos: float = 0.0, y_pos: float = 0.0, side: float = 1.0) -> Array:
    """Return 1 in a square around a place and 0 outside, ``[row, col]``.

    Parameters
    ----------
    x, y
        Rows and columns.
    x_pos, y_pos
        The place: row and column, -1 to 1.
    side
        How long a side is; the field is 2 long.

    Raises
    ------
    StreamConfigError
        When a number is none, or ``side`` is less than 0.

    Examples
    --------
    >>> mask_square(5, 5).sum().item()
    9.0
    """
    x_pos, y_pos = numbers_of("mask_square", x_pos=x_pos, y_pos=y_pos)
    side = check_number("mask_square", "side", side, 0)
    _, rows, cols = grid("mask_square", 1, x, y)
    inside: Array = (np.abs(rows - x_pos) <= side / 2 + EDGE) & (np.abs(cols - y_pos) <= side / 2 + EDGE)
    return np.asarray(inside[0], np.float64)


def mask_circle(x: int = 20, y: int = 20, x_pos: float = 0.0, y_pos: float = 0.0, radius: float = 0.5) -> Array:
    """Return 1 in a circle around a place and 0 outside, ``[row, col]``.

    Parameters
    ----------
    x, y
        Rows and columns.
    x_pos, y_pos
        The place: row and column, -1 to 1.
    radius
        Its radius; the field is 2 long.

    Raises
    ------
    StreamConfigError
        When a number is none, or ``radius`` is less than 0.

    Examples
    --------
    >>> mask_circle(5, 5).sum().item()
    5.0
    """
    x_pos, y_pos = numbers_of("mask_circle", x_pos=x_pos, y_pos=y_pos)
    radius = check_number("mask_circle", "radius", radius, 0)
    _, rows, cols = grid("mask_circle", 1, x, y)
    inside: Array = (rows - x_pos) ** 2 + (cols - y_pos) ** 2 <= radius**2 + EDGE
    return np.asarray(inside[0], np.float64)


def gabor_kernel(
    x: int = 20, y: int = 20, frequency: float = 2.0, direction: float = 0.0, sigma: float = 0.4, phase: float = 0.0
) -> Array:
    """Return a grating in a Gaussian window, ``[row, col]``, -1 to 1: ``cos(2 pi frequency u + phase) exp(-r**2 / 2 sigma**2)``.

    ``u`` is the place along ``direction``, ``r`` the distance from the middle (Daugman, J. Opt. Soc. Am. A 2, 1985).

    Parameters
    ----------
    x, y
        Rows and columns.
    frequency
        Cycles from the middle of the field to its border.
    direction
        Across the stripes, in radians: 0 along the rows.
    sigma
        Standard deviation of the window.
    phase
        Radians; 0 has its peak in the middle.

    Raises
    ------
    StreamConfigError
        When a number is none, or ``sigma`` is not more than 0.

    Examples
    --------
    >>> gabor_kernel(5, 5)[2, 2].item()
    1.0
    """
    frequency, direction, phase = numbers_of("gabor_kernel", frequency=frequency, direction=direction, phase=phase)
    sigma = check_number("gabor_kernel", "sigma", sigma, THIN)
    _, rows, cols = grid("gabor_kernel", 1, x, y)
    along = rows * cos(direction) + cols * sin(direction)
    window = np.exp(-0.5 * (rows**2 + cols**2) / sigma**2)
    return np.asarray((np.cos(2 * pi * frequency * along + phase) * window)[0])
