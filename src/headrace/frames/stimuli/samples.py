"""Stimuli as arrays ``[time, row, col]``: gratings, bars, checkers, pulses and chirps.

``t``, ``x`` and ``y`` are numbers of frames, rows and columns. Rows and columns run from -1 to 1 across the field.
"""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from headrace.core.key import Key, Seed
from headrace.frames.base.layout import Array
from headrace.frames.base.options import check_number, whole_number
from headrace.frames.stimuli.grid import EDGE, THIN, grid, numbers_of

# Of 4500 steps: dark, light, dark, grey, a sine of growing amplitude, grey, one of growing frequency, grey, dark.
_CHIRP = (500, 500, 500, 250, 1000, 250, 1000, 250, 250)
_CYCLES = 8  # of the sine of growing amplitude
_FASTEST = 32  # cycles that the sine of growing frequency has gone through at its end


def moving_grating(
    t: int = 2000, x: int = 20, y: int = 20, vt: float = 1 / 200, vx: float = 3.0, vy: float = 2.0
) -> Array:
    """Return a sine grating that drifts: ``sin(vt T + vx X + vy Y)``, float64, -1 to 1.

    Parameters
    ----------
    t, x, y
        Frames, rows and columns.
    vt
        Radians a unit of ``T``, which runs from 0 to ``t`` in ``t`` frames, both ends included: a frame is ``t / (t - 1)`` of
        them. So a longer grating does not go on where a shorter one ends, and drifts a little more slowly.
    vx, vy
        Radians from the middle of the field to its border, along rows and along columns.

    Raises
    ------
    StreamConfigError
        When ``t``, ``x`` or ``y`` is no number of frames or pixels, or another number is none.

    Examples
    --------
    >>> moving_grating(5, 4, 3).shape
    (5, 4, 3)
    """
    vt, vx, vy = numbers_of("moving_grating", vt=vt, vx=vx, vy=vy)
    frames, rows, cols = grid("moving_grating", t, x, y)
    time = np.linspace(0, len(frames), len(frames)).reshape(-1, 1, 1)
    return np.asarray(np.sin(vt * time + vx * rows + vy * cols))


def moving_bar(
    t: int = 2000,
    x: int = 20,
    y: int = 20,
    bar_pos: float = -1.0,
    bar_direction: float = 0.0,
    bar_width: float = 0.2,
    bar_v: float = 0.001,
    sharp: bool = False,
    temporal_smoothing: float = 0.0,
) -> Array:
    """Return a light bar on dark that moves across its own length: float64, 0 to 1.

    Parameters
    ----------
    t, x, y
        Frames, rows and columns.
    bar_pos
        Where its middle is at frame 0.
    bar_direction
        Where it moves to, in radians: 0 along the rows, pi/2 along the columns.
    bar_width
        How wide it is; twice the standard deviation of a soft one.
    bar_v
        How far it moves in a frame.
    sharp
        1 within its width and 0 outside; else a Gaussian profile.
    temporal_smoothing
        Standard deviation in frames of a Gaussian over time; 0 for none.

    Raises
    ------
    StreamConfigError
        When ``t``, ``x`` or ``y`` is no number of frames or pixels, or another number is none that will do.

    Examples
    --------
    >>> bar = moving_bar(3, 5, 1, bar_width=0.6, bar_v=0.5, sharp=True)
    >>> bar[:, :, 0].tolist()
    [[1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0]]
    """
    bar_pos, bar_direction, bar_v = numbers_of("moving_bar", bar_pos=bar_pos, bar_direction=bar_direction, bar_v=bar_v)
    bar_width = check_number("moving_bar", "bar_width", bar_width, THIN)
    temporal_smoothing = check_number("moving_bar", "temporal_smoothing", temporal_smoothing, 0, 1e4)
    frames, rows, cols = grid("moving_bar", t, x, y)
    off = rows * cos(bar_direction) + cols * sin(bar_direction) - (bar_pos + bar_v * frames)
    half = bar_width / 2
    made: Array = (np.abs(off) <= half + EDGE).astype(np.float64) if sharp else np.exp(-0.5 * (off / half) ** 2)
    if temporal_smoothing > 0 and len(made):
        reach = int(4 * temporal_smoothing) + 1
        weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / temporal_smoothing) ** 2)
        weights /= weights.sum()
        held = np.concatenate([made[:1].repeat(reach, 0), made, made[-1:].repeat(reach, 0)])
        made = sum((w * held[k : k + len(made)] for k, w in enumerate(weights)), np.zeros_like(made))
    return made


def random_checker_stimulus(
    t: int = 2000, x: int = 20, y: int = 20, checker_size: int = 5, *, seed: Seed | None = None
) -> Array:
    """Return squares that are light or dark at random, anew in each frame: float64, 0 or 1.

    Parameters
    ----------
    t, x, y
        Frames, rows and columns.
    checker_size
        Pixels along a side of a square.
    seed
        Fixes them; without one they differ from call to call.

    Raises
    ------
    StreamConfigError
        When a number is none of frames or pixels.

    Examples
    --------
    >>> checkers = random_checker_stimulus(3, 10, 10, checker_size=5, seed=7)
    >>> bool((checkers[:, :5, :5] == checkers[:, :1, :1]).all()), sorted(set(checkers.ravel().tolist()))
    (True, [0.0, 1.0])
    """
    frames, rows, cols = grid("random_checker_stimulus", t, x, y)
    side = min(whole_number("random_checker_stimulus", "checker_size", checker_size, 1), rows.size + cols.size)
    shape = (len(frames), -(-rows.size // side), -(-cols.size // side))
    made = _rng(seed).integers(0, 2, shape).astype(np.float64)
    return made.repeat(side, 1).repeat(side, 2)[:, : rows.size, : cols.size]


def sparse_input(t: int = 2000, x: int = 20, y: int = 20, p: float = 0.01, *, seed: Seed | None = None) -> Array:
    """Return pixels that are 1 with probability ``p`` and 0 otherwise, each for itself: float64.

    Parameters
    ----------
    t, x, y
        Frames, rows and columns.
    p
        The probability, 0 to 1.
    seed
        Fixes them; without one they differ from call to call.

    Raises
    ------
    StreamConfigError
        When ``p`` is no probability, or a number is none of frames or pixels.

    Examples
    --------
    >>> round(float(sparse_input(1000, 20, 20, 0.01, seed=7).mean()), 3)
    0.01
    """
    p = check_number("sparse_input", "p", p, 0, 1)
    frames, rows, cols = grid("sparse_input", t, x, y)
    return (_rng(seed).random((len(frames), rows.size, cols.size)) < p).astype(np.float64)


def pulse(t: int = 2000, x: int = 20, y: int = 20, pulse_length: int = 100) -> Array:
    """Return a field that is light for ``pulse_length`` frames, dark for as many, and so on: float64, 0 or 1.

    Parameters
    ----------
    t, x, y
        Frames, rows and columns.
    pulse_length
        How many frames it is light, and dark.

    Raises
    ------
    StreamConfigError
        When a number is none of frames or pixels.

    Examples
    --------
    >>> pulse(6, 1, 1, pulse_length=2).ravel().tolist()
    [1.0, 1.0, 0.0, 0.0, 1.0, 1.0]
    """
    frames, rows, cols = grid("pulse", t, x, y)
    length = min(whole_number("pulse", "pulse_length", pulse_length, 1), len(frames) + 1)
    return _field((np.arange(len(frames)) // length % 2 == 0).astype(np.float64), rows, cols)


def chirp(t: int = 2000, x: int = 20, y: int = 20) -> Array:
    """Return a field that steps, then flickers more and more, then faster and faster: float64, 0 to 1.

    A programme of 4500 steps, stretched to ``t`` frames: dark, light, dark, grey, a sine whose amplitude grows from 0
    to 1/2, grey, a sine whose frequency grows, grey, dark; as retinas are tested with (Baden et al., Nature 529, 2016).

    Parameters
    ----------
    t, x, y
        Frames, rows and columns.

    Raises
    ------
    StreamConfigError
        When a number is none of frames or pixels.

    Examples
    --------
    >>> light = chirp(4500, 1, 1).ravel()
    >>> light[[0, 700, 1200, 1600]].tolist(), bool(light.min() >= 0 and light.max() <= 1)
    ([0.0, 1.0, 0.0, 0.5], True)
    """
    frames, rows, cols = grid("chirp", t, x, y)
    step = np.arange(len(frames)) * sum(_CHIRP) / max(1, len(frames))
    ends = np.cumsum((0, *_CHIRP))
    part = np.searchsorted(ends, step, "right") - 1
    along = (step - ends[part]) / np.asarray(_CHIRP)[part]  # 0 to 1 within a part
    light = np.array([0.0, 1.0, 0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.0])[part]
    light += np.where(part == 4, 0.5 * along * np.sin(2 * pi * _CYCLES * along), 0.0)
    light += np.where(part == 6, 0.5 * np.sin(2 * pi * _FASTEST * along**2), 0.0)
    return _field(light, rows, cols)


def _field(light: Array, rows: Array, cols: Array) -> Array:
    return np.repeat(np.repeat(light.reshape(-1, 1, 1), rows.size, 1), cols.size, 2)


def _rng(seed: Seed | None) -> np.random.Generator:
    return (Key.fresh() if seed is None else Key(seed)).rng()
