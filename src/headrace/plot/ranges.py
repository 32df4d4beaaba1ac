"""From numbers to places on an axis: its ends, and where to write numbers beside it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from headrace.plot.marks import Array, Scale

CLOCK = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)  # seconds
EPOCH = 1e8  # numbers below are no Unix seconds, but those of a run
EDGE = 0.05  # of a range that is left free at both its ends


def ends(scale: Scale, values: Iterable[Array], edge: float = EDGE) -> tuple[float, float]:
    """Return the lowest and the highest number of an axis: those of its scale, else those of the data, with some room.

    Examples
    --------
    >>> ends(Scale(max=3.0), [np.array([1.0, np.nan, 2.0])], edge=0.0)
    (1.0, 3.0)
    """
    log = scale.kind == "log"
    found = [each[np.isfinite(each) & ((each > 0) | (not log))] for each in map(_floats, values)]
    found = [each for each in found if each.size]
    low = min((float(each.min()) for each in found), default=1.0 if log else 0.0)
    high = max((float(each.max()) for each in found), default=10.0 if log else 1.0)
    if low == high:
        low, high = (low / 2, high * 2) if log else (low - (abs(low) / 2 or 0.5), high + (abs(high) / 2 or 0.5))
    if log:
        room = (high / low) ** edge
        low, high = low / room, high * room
    else:
        room = (high - low) * edge
        low, high = low - room, high + room
    return low if scale.min is None else float(scale.min), high if scale.max is None else float(scale.max)


def place(scale: Scale, value: Any, low: float, high: float) -> Array:
    """Return where numbers are on an axis: 0 at its lowest, 1 at its highest, the other way round when reversed.

    Examples
    --------
    >>> from headrace.plot.marks import LogScale
    >>> place(LogScale(), np.array([1.0, 10.0, 100.0]), 1.0, 100.0).tolist()
    [0.0, 0.5, 1.0]
    """
    values = _floats(np.asarray(value))
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale.kind == "log":
            at = np.log(np.where(values > 0, values, np.nan) / low) / math.log(high / low)
        else:
            at = (values - low) / (high - low)
    found: Array = 1 - at if scale.reverse else at
    return found


def ticks(scale: Scale, low: float, high: float, most: int = 6) -> tuple[list[float], float]:
    """Return round numbers between two, to be written beside an axis, and the step between them; 0 on a log scale.

    Examples
    --------
    >>> ticks(Scale(), 0.1, 2.2, most=5)
    ([0.5, 1.0, 1.5, 2.0], 0.5)
    """
    if scale.kind == "log" and low > 0 and high / low >= 10:
        first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
        each = max(1, -(-(last - first + 1) // most))
        return [10.0**k for k in range(first, last + 1, each)], 0.0
    if not high > low or not math.isfinite(high - low):
        return [], 1.0
    rough = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(m * unit for m in (1, 2, 5, 10) if m * unit >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)], step


def written(value: float, step: float) -> str:
    """Return a number of an axis as short as its neighbours allow.

    Examples
    --------
    >>> written(0.30000000000000004, 0.1), written(2000.0, 500.0), written(0.0, 1.0), written(1.7e9 + 1, 0.5)
    ('0.3', '2000', '0', '1700000001.0')
    """
    if value == 0:
        return "0"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    if (abs(value) >= 1e6 and step / abs(value) > 1e-3) or (abs(value) < 1e-4 and decimals > 4):
        return f"{value:.3g}"
    return f"{value:.{decimals}f}"


def clock_ticks(low: float, high: float, most: int = 6) -> tuple[list[float], float]:
    """Return moments between two, in Unix seconds, at even steps of a clock, and the step.

    Examples
    --------
    >>> clock_ticks(1.7e9, 1.7e9 + 61, most=5)
    ([1700000010.0, 1700000025.0, 1700000040.0, 1700000055.0], 15.0)
    """
    rough = (high - low) / most
    if rough < 1:
        return ticks(Scale(), low, high, most)
    step = next((float(each) for each in CLOCK if each >= rough), 86400.0 * math.ceil(rough / 86400))
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)], step


def clock_time(moment: float, step: float) -> str:
    """Return a moment in Unix seconds as the time of day, here; with a step of days as the day.

    Examples
    --------
    >>> (
    ...     len(clock_time(1.7e9, 0.5)),
    ...     len(clock_time(1.7e9, 1.0)),
    ...     len(clock_time(1.7e9, 60.0)),
    ...     len(clock_time(1.7e9, 86400)),
    ... )
    (10, 8, 5, 10)
    """
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    moment = round(moment, decimals)
    told = time.localtime(math.floor(moment))
    if step >= 86400:
        return time.strftime("%Y-%m-%d", told)
    part = f"{moment % 1:.{decimals}f}"[1:] if decimals else ""
    return time.strftime("%H:%M" if step >= 60 else "%H:%M:%S", told) + part


def _floats(values: Array) -> Array:
    return np.asarray(values, np.float64)
