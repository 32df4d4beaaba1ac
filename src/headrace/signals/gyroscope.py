"""The offset of a gyroscope, learnt while it is still."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import pi
from typing import Any, ClassVar, NamedTuple

import numpy as np

from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.checks import real
from headrace.signals.history import narrow
from headrace.signals.ranges import Range

CUTOFF, TIMEOUT, THRESHOLD = 0.02, 5.0, 3.0
LARGEST = 1e100  # what is larger is no measurement; its square is still a number


class Still(NamedTuple):
    """What decides that a gyroscope is still, and how fast its offset is learnt then.

    Attributes
    ----------
    rows : int
        How many quiet rows it takes.
    threshold : float
        What no axis exceeds in a quiet row.
    weight : float
        How much of a quiet row is added to the offset.
    """

    rows: int
    threshold: float
    weight: float

    @classmethod
    def of(cls, rate: float, cutoff: float = CUTOFF, timeout: float = TIMEOUT, threshold: float = THRESHOLD) -> Still:
        return cls(int(timeout * rate), threshold, 2 * pi * cutoff / rate)


Offset = tuple[int, tuple[float, ...]]  # quiet rows so far, and the offset of each axis


def without_offset(still: Still, state: Offset, rows: Iterable[list[float]]) -> tuple[list[list[float]], Offset]:
    """Return rows less the offset as it was known at each, and what is known behind them."""
    quiet, offset = state
    limit, most, weight = still
    made = []
    for row in rows:
        turn = [a - b for a, b in zip(row, offset, strict=True)]
        made.append(turn)
        for each in turn:
            if not -most <= each <= most:
                quiet = 0
                break
        else:
            if quiet < limit:
                quiet += 1
            else:
                offset = tuple([b + each * weight for b, each in zip(offset, turn, strict=True)])
    return made, (quiet, offset)


def _at_rest(rng: np.random.Generator, n: int) -> tuple[Array]:
    gyro = 0.5 + rng.normal(size=(n, 3)) / 2
    gyro[20:30] += 50
    return (gyro,)


@signal_class(lambda: OffsetGyro("x", "y", 10.0, timeout_const=0.7), rows=_at_rest, channels=False)
class OffsetGyro(Signal[Offset]):
    """A gyroscope less its offset, which is learnt while no axis exceeds a threshold for some seconds.

    Parameters
    ----------
    x
        The input's name, ``(rows,)`` or ``(rows, k)``.
    name
        What to call the output, of the input's shape.
    sampling_rate
        Rows a second.
    cutoff_freq
        Of the low-pass filter that the offset is learnt with, in Hz.
    timeout_const
        Seconds that must be quiet before it is learnt.
    threshold
        What no axis exceeds in a quiet row, in units of the input.

    Raises
    ------
    StreamConfigError
        When a parameter is no number above 0 (``timeout_const``: of at least 0).

    Examples
    --------
    >>> still = OffsetGyro("gyro", name="turn", sampling_rate=100.0, cutoff_freq=1.0, timeout_const=1.0)
    >>> still(np.ones((1000, 3)))[[0, 100, 999], 0].round(3).tolist()
    [1.0, 1.0, 0.0]
    """

    x: str
    name: str
    sampling_rate: Turnable[float]
    cutoff_freq: Turnable[float] = turnable(CUTOFF)
    timeout_const: Turnable[float] = turnable(TIMEOUT)
    threshold: Turnable[float] = turnable(THRESHOLD)
    tunable: ClassVar[tuple[str, ...]] = ("cutoff_freq", "timeout_const", "threshold")
    ranges: ClassVar[Mapping[str, Range]] = {"cutoff_freq": Range(above=0), "threshold": Range(above=0)}

    def check(self) -> None:
        for name in ("sampling_rate", "cutoff_freq", "timeout_const", "threshold"):
            value = positive(f"OffsetGyro({name}=)", getattr(self, name), zero=name == "timeout_const")
            self.fix(**{name: value})

    def init(self, *head: Array) -> Offset:
        return 0, (0.0,) * int(np.prod(head[0].shape[1:], dtype=int))

    def step(self, state: Offset, *rows: Array) -> tuple[Array, Offset]:
        x = real(self, rows[0])
        still = Still.of(self.sampling_rate, self.cutoff_freq, self.timeout_const, self.threshold)
        flat = x.astype(np.float64, copy=False).reshape(len(x), len(state[1]))
        made, after = without_offset(still, state, flat.tolist())
        return as_rows(made, x.shape, x), after


def as_rows(made: Any, shape: tuple[int, ...], *like: Array) -> Array:
    """Return lists of numbers as an array, in single precision where all of ``like`` are."""
    return np.array(made, dtype=narrow(np.result_type(*like))).reshape(shape)


def imu(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Return rows to try signals on: a gyroscope and accelerometer that are turned, knocked and laid down."""
    gyro = np.cumsum(rng.normal(size=(n, 3)), axis=0) * 10
    acc = rng.normal(size=(n, 3)) / 5 + [0, 0, 1]
    gyro[n // 2 :] = 0.3
    acc[::50] = 0
    acc[n // 3 : n // 2] *= -1
    return gyro, acc


def usable(turned: list[list[float]], pushed: Array) -> tuple[list[list[float]], list[list[float]]]:
    """Return rows of turns and of an accelerometer, 0, 0, 0 where there is none to be used.

    A NaN would stay in the orientation for ever. Where the gyroscope has one, infinity or a number beyond all measure,
    both are left out, so that the orientation stays as it is; where the accelerometer has one, only that.
    """
    turns, acc = np.array(turned, np.float64).reshape(-1, 3), pushed.astype(np.float64)
    with np.errstate(invalid="ignore"):
        fine, there = np.abs(turns) < LARGEST, np.abs(acc) < LARGEST
    turns = np.where(fine.all(axis=1, keepdims=True), turns, 0.0)
    acc = np.where((fine & there).all(axis=1, keepdims=True), acc, 0.0)
    return turns.tolist(), acc.tolist()
