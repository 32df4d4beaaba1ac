"""Thresholds that a log intensity has crossed: how many, when, and which of these events a resting pixel emits.

Times are parts of the step from the frame before. Events on their way are tuples of equally long arrays: rows, columns,
times, signs (1 for ON) and, for frames in colour, channels.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.frames.base.bounded import memory
from headrace.frames.base.layout import Array
from headrace.frames.events.arrays import EVENT

ROOM = 128  # bytes that an event takes on its way


def crossed(log: Array, level: Array, theta_on: Any, theta_off: Any, on: Array, off: Array, spare: Array) -> None:
    """Write how many thresholds lie between the levels and the log intensities, above into ``on``, below into ``off``.

    The formula of the sensor, once for single frames and for blocks, so that both are the same to the bit.
    """
    np.subtract(log, level, out=spare)
    np.divide(spare, theta_on, out=on)
    np.maximum(np.floor(on, out=on), 0, out=on)
    np.divide(np.negative(spare, out=spare), theta_off, out=off)
    np.maximum(np.floor(off, out=off), 0, out=off)


def follow(level: Array, theta_on: Any, theta_off: Any, on: Array, off: Array, spare: Array) -> None:
    """Move the levels by the thresholds that were crossed."""
    level += np.multiply(on, theta_on, out=spare)
    level -= np.multiply(off, theta_off, out=spare)


def when_crossed(
    level: Array, last: Array, log: Array, on: Array, off: Array, theta_on: Any, theta_off: Any
) -> tuple[Array, ...]:
    """Return where and when the events of a frame are: each where the line between two frames meets its level."""
    count = on + off
    check_room(float(count.sum()))
    at = np.nonzero(count)
    n = count[at].astype(np.int64)
    which = np.repeat(np.arange(len(n)), n)
    number = np.arange(len(which)) - np.repeat(np.cumsum(n) - n, n) + 1
    rising = on[at] > 0
    theta = np.where(rising, _at(theta_on, at), -_at(theta_off, at))
    met = level[at][which] + number * theta[which]
    way = (log[at] - last[at])[which]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where(way == 0, 1.0, (met - last[at][which]) / way)
    row, col, *channel = (axis[which] for axis in at)
    return row, col, np.clip(part, 0, 1), rising[which].astype(np.int64), *channel


def check_room(n: float) -> None:
    """Raise DataError when the events of a frame are more than memory holds."""
    if n * ROOM > memory():
        raise DataError(
            f"DVS got a frame of {n:.3g} events, {n * ROOM / 1e9:.2g} GB, wanted what fits into memory, {memory() / 1e9:.2g} GB.\n"
            "  Give it a larger theta=; where a few pixels are to blame, np.clip the film before."
        )


def _at(theta: Any, at: Any) -> Any:
    return theta[at] if isinstance(theta, np.ndarray) else theta


def rested(times: list[Any], fired: Array, since: int, step: float, refractory: float) -> tuple[Array, Array]:
    """Drop the events of pixels that have just emitted one, and return how many ON and OFF are left.

    Parameters
    ----------
    times
        Events on their way; those that are left take their place.
    fired
        When each pixel has emitted its last, in seconds, of the shape of a frame; changed in place.
    since, step
        The number of the frame before, and seconds from frame to frame.
    refractory
        Seconds in which a pixel rests.
    """
    rows, cols, part, sign, *channel = (np.concatenate(axis) for axis in zip(*times, strict=True))
    found, last = np.zeros((2, fired.size)), fired.reshape(-1)
    pixel = np.ravel_multi_index((rows, cols, *channel), fired.shape)
    # Those of a pixel in a row, in order of time: first the first ones of all pixels, then the second, ...
    order = np.lexsort((part, pixel))
    pixel, when = pixel[order], (since + part[order]) * step
    begins = np.flatnonzero(np.r_[True, pixel[1:] != pixel[:-1]][: len(pixel)])
    number = np.arange(len(pixel)) - np.repeat(begins, np.diff(np.r_[begins, len(pixel)]))
    emits = np.zeros(len(pixel), np.bool_)
    for k in range(int(number.max(initial=-1)) + 1):
        at = np.flatnonzero(number == k)
        at = at[when[at] - last[pixel[at]] >= refractory]
        last[pixel[at]] = when[at]
        emits[at] = True
    left = order[emits]
    np.add.at(found, (1 - sign[left], pixel[emits]), 1)
    times[:] = [tuple(each[left] for each in (rows, cols, part, sign, *channel))]
    on, off = found.reshape(2, *fired.shape)
    return on, off


def timed_events(times: list[Any], since: float, dt: float) -> Array:
    """Return what a step appended as events in order of time, with times in microseconds."""
    n = sum(len(each[0]) for each in times)
    made = np.empty(n, EVENT)
    if n:
        made["y"] = np.concatenate([each[0] for each in times])
        made["x"] = np.concatenate([each[1] for each in times])
        part = np.concatenate([each[2] for each in times])
        begun, ended = np.rint(since * 1e6), np.rint((since + dt) * 1e6)
        # After the frame before: an event belongs to the frame that it was emitted for, also when it is rounded.
        made["t"] = np.maximum(np.rint((since + part * dt) * 1e6), min(begun + 1, ended))
        made["p"] = np.concatenate([each[3] for each in times])
        made = made[np.argsort(made["t"], kind="stable")]
    return made
