"""Whether a sensor is still, by how much it turns and accelerates: where dead reckoning may put its velocity to zero."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from headrace.errors import DataError
from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.checks import a_real_number
from headrace.signals.design import gaussian_kernel, gaussian_smooth_offline, half_gaussian_kernel
from headrace.signals.geometry import sum_of_features
from headrace.signals.history import joined, narrow, newest, wide
from headrace.signals.taps import fir

BIAS, C_ACC, C_GYRO, BETA = 0.11, 1.0, 1 / 300, 50.0


def calc_per_t_power(x: Any) -> Array:
    """Return the Euclidean length of each row of ``(rows, k)``; the size of each of ``(rows,)``.

    Examples
    --------
    >>> calc_per_t_power([[3.0, 4.0], [0.0, 1.0]]).tolist()
    [5.0, 1.0]
    """
    rows = wide(np.asarray(x))
    rows = rows.reshape(len(rows), int(np.prod(rows.shape[1:], dtype=int)))
    made: Array = np.sqrt(sum_of_features(rows * rows))
    return made


def sigmoid(x: Any, beta: float = 1.0) -> Any:
    """Return ``1 / (1 + exp(-beta x))``.

    Examples
    --------
    >>> float(sigmoid(0.0)), float(sigmoid(1e9))
    (0.5, 1.0)
    """
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-beta * np.asarray(x, dtype=np.float64)))


def combine_power(
    power_gyro: Any,
    power_acc: Any,
    bias: float = BIAS,
    c_acc: float = C_ACC,
    c_gyro: float = C_GYRO,
    beta: float = BETA,
) -> tuple[Any, Any]:
    """Return (how likely there is motion, from 0 to 1; the power it is told by).

    Parameters
    ----------
    power_gyro, power_acc
        How much it turns and accelerates, ``(rows,)``.
    bias
        The power at which motion is as likely as not.
    c_acc, c_gyro
        What a unit of each counts.
    beta
        How steep the likelihood rises there.

    Examples
    --------
    >>> p, power = combine_power(np.array([0.0, 300.0]), np.array([0.11, 0.0]))
    >>> p.tolist(), power.tolist()
    ([0.5, 1.0], [0.11, 1.0])
    """
    power = c_acc * np.asarray(power_acc) + c_gyro * np.asarray(power_gyro)
    return sigmoid(power - bias, beta), power


def zero_velocity_from_linacc_and_gyro(
    gyro: Any,
    linacc: Any,
    sigma: float,
    bias: float = BIAS,
    c_acc: float = C_ACC,
    c_gyro: float = C_GYRO,
    beta: float = BETA,
    threshold: float = 0.5,
) -> Array:
    """Return 1.0 for rows of a whole recording at which a sensor is still, else 0.0: :class:`DeadReckoning` without delay.

    Parameters
    ----------
    gyro, linacc
        What it turns and accelerates (without gravity), ``(rows, k)``.
    sigma
        The standard deviation, in rows, of the bell both powers are smoothed with.
    bias, c_acc, c_gyro, beta
        As for :func:`combine_power`.
    threshold
        The likelihood of motion below which it is still.

    Examples
    --------
    >>> turning = np.zeros((7, 3))
    >>> turning[5:] = 100.0
    >>> zero_velocity_from_linacc_and_gyro(turning, np.zeros((7, 3)), sigma=0.5).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    """
    power_gyro, power_acc = (gaussian_smooth_offline(calc_per_t_power(each), sigma) for each in (gyro, linacc))
    likely, _ = combine_power(power_gyro, power_acc, bias=bias, c_acc=c_acc, c_gyro=c_gyro, beta=beta)
    made: Array = (likely < threshold).astype(np.float64)
    return made


def _moves(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    size = np.abs(np.sin(np.arange(n) / 30))[:, None] ** 4
    return rng.normal(size=(n, 3)) * 30 * size, rng.normal(size=(n, 3)) / 10 * size


@signal_class(lambda: DeadReckoning("g", "a", "y", 0.1, 100.0), rows=_moves, channels=False)
class DeadReckoning(Signal[Any]):
    """1.0 where a sensor is still, else 0.0.

    The lengths of both inputs are smoothed and weighed, and ``p = sigmoid(beta (c_acc P_acc + c_gyro P_gyro - bias))``
    is how likely there is motion; it is still where that is below the threshold.

    Parameters
    ----------
    gyro
        The name of the gyroscope, ``(rows, k)``, degrees a second.
    acc
        The name of the acceleration without gravity, ``(rows, k)``, in g.
    name
        What to call the output, ``(rows,)``. It begins as though the first row had been there always.
    len_sec
        The width of the bell it is smoothed with, in seconds (95 % of its weight).
    sample_rate
        Rows a second.
    bias, c_acc, c_gyro, beta
        As for :func:`combine_power`.
    threshold
        The likelihood of motion below which it is still.
    half
        Smooth with the falling half of the bell, the newest row weighing most; else with the whole, half of it late.

    Raises
    ------
    StreamConfigError
        When a parameter is no number, or the width or the rate is not above 0.
    DataError
        While running, when an input is complex.

    Examples
    --------
    >>> gyro, acc = np.zeros((4, 3)), np.zeros((4, 3))
    >>> gyro[2:] = 200.0
    >>> DeadReckoning("gyro", "acc", name="still", len_sec=0.02, sample_rate=100)(gyro, acc).tolist()
    [1.0, 1.0, 0.0, 0.0]
    """

    gyro: str
    acc: str
    name: str
    len_sec: Turnable[float]
    sample_rate: Turnable[float]
    bias: Turnable[float] = turnable(BIAS)
    c_acc: Turnable[float] = turnable(C_ACC)
    c_gyro: Turnable[float] = turnable(C_GYRO)
    beta: Turnable[float] = turnable(BETA)
    threshold: Turnable[float] = turnable(0.5)
    half: Turnable[bool] = turnable(True)
    roles: ClassVar[tuple[str, ...]] = ("gyro", "acc")
    tunable: ClassVar[tuple[str, ...]] = ("bias", "beta", "threshold")

    def check(self) -> None:
        for name in ("len_sec", "sample_rate"):
            self.fix(**{name: positive(f"DeadReckoning({name}=)", getattr(self, name))})
        for name in ("bias", "c_acc", "c_gyro", "beta", "threshold"):
            self.fix(**{name: a_real_number(f"DeadReckoning({name}=)", getattr(self, name))})
        self.fix(half=bool(self.half))

    @property
    def latency(self) -> Fraction:
        return Fraction(0) if self.half else Fraction(len(self._weights) - 1, 2)

    @property
    def _weights(self) -> Array:
        known: Array | None = self.__dict__.get("_taps")
        if known is None:
            known = (half_gaussian_kernel if self.half else gaussian_kernel)(self.len_sec, self.sample_rate)
            self.fix(_taps=known)
        return known

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        dtype = narrow(np.result_type(*rows))
        if dtype.kind == "c":
            raise DataError(
                f"{self!r} got complex rows, wanted what a gyroscope and an accelerometer measure.\n"
                "  Take their real part with hr.map, or measure again."
            )
        if not len(rows[0]):
            return np.empty(0, dtype), state
        gyro, acc = map(calc_per_t_power, rows)
        _, power = combine_power(gyro, acc, c_acc=self.c_acc, c_gyro=self.c_gyro)
        past = np.repeat(power[:1], len(self._weights) - 1) if state is None else state
        likely = sigmoid(fir(self._weights, joined(past, power)) - self.bias, self.beta)
        return (likely < self.threshold).astype(dtype), newest(past, power)
