"""Where a sensor points, from its gyroscope and accelerometer."""

from __future__ import annotations

from math import atan2, cos, inf, radians, sin, sqrt
from typing import Any, ClassVar

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.signals.base import Array, Signal, Turnable, positive, signal_class, turnable
from headrace.signals.checks import a_real_number
from headrace.signals.gyroscope import Offset, Still, as_rows, imu, usable, without_offset

Quaternion = tuple[float, float, float, float]
STARTING, GAIN_AT_START = 3.0, 10.0  # seconds, and the gain that falls to its own value in that time


def _checked(signal: Any, gyro: Array, acc: Array) -> None:
    for each in (gyro, acc):
        if each.ndim != 2 or each.shape[1] != 3 or each.dtype.kind == "c":
            raise DataError(
                f"{signal!r} got rows of shape {each.shape[1:]}, wanted x, y and z: 3 numbers a row.\n"
                "  Join columns with Stack."
            )


@signal_class(lambda: MadgwickOrientation("g", "a", 100.0, "y"), rows=imu, channels=False)
class MadgwickOrientation(Signal[Any]):
    """The orientation of a sensor by Madgwick's filter, from a gyroscope and an accelerometer.

    Each row turns the orientation by the gyroscope, whose offset is learnt (:class:`OffsetGyro`), and goes one step of
    ``gain`` radians a second down the gradient of the difference between gravity as it should be and is measured.
    A row whose gyroscope is not finite keeps the orientation; one whose accelerometer is not is turned by the gyroscope.
    Computed in double precision.

    Parameters
    ----------
    gyro
        The name of the gyroscope, ``(rows, 3)``, degrees a second.
    acc
        The name of the accelerometer, ``(rows, 3)``, in any unit: only its direction counts; 0, 0, 0 is left out.
    sample_rate
        Rows a second.
    name
        What to call the output, ``(rows, 4)``: the quaternion w, x, y, z that turns the sensor's frame to the earth's.
    gain
        The paper's beta: radians a second.
    q0
        The orientation before the first row, w, x, y, z; by default that of the first accelerometer row, with heading 0.

    Raises
    ------
    StreamConfigError
        When ``sample_rate`` is no number above 0, ``gain`` none of at least 0, or ``q0`` no quaternion.
    DataError
        While running, when rows have not 3 numbers.

    Notes
    -----
    S. Madgwick, A. Harrison, R. Vaidyanathan, "Estimation of IMU and MARG orientation using a gradient descent
    algorithm", ICORR 2011, equations 11, 13, 25, 26 and 33.

    Examples
    --------
    >>> gyro, acc = np.zeros((3, 3)), np.array([[0.0, 0.0, 1.0]] * 3)
    >>> MadgwickOrientation("gyro", "acc", 100.0, name="pose")(gyro, acc).tolist()[-1]
    [1.0, 0.0, 0.0, 0.0]
    """

    gyro: str
    acc: str
    sample_rate: Turnable[float]
    name: str
    gain: Turnable[float] = turnable(0.033)
    q0: Any = None
    roles: ClassVar[tuple[str, ...]] = ("gyro", "acc")
    tunable: ClassVar[tuple[str, ...]] = ("gain",)

    def check(self) -> None:
        self.fix(
            sample_rate=positive("MadgwickOrientation(sample_rate=)", self.sample_rate),
            gain=positive("MadgwickOrientation(gain=)", self.gain, zero=True),
        )
        if self.q0 is None:
            return
        who = "MadgwickOrientation(q0=)"
        if np.shape(self.q0) != (4,) or not any(self.q0):
            raise StreamConfigError(
                f"{who} got {self.q0!r}, wanted a quaternion: w, x, y, z.\n  (1, 0, 0, 0) is no turn."
            )
        self.fix(q0=tuple(a_real_number(who, each) for each in self.q0))

    def init(self, *head: Array) -> tuple[Quaternion | None, Offset]:
        return None if self.q0 is None else _unit(*self.q0), (0, (0.0, 0.0, 0.0))

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        gyro, acc = rows
        _checked(self, gyro, acc)
        q, offset = state
        turns, offset = without_offset(Still.of(self.sample_rate), offset, gyro.astype(np.float64).tolist())
        turns, pushes = usable(turns, acc)
        made = []
        half, dt = radians(1) / 2, 1 / self.sample_rate
        pull = self.gain * dt
        for (gx, gy, gz), (ax, ay, az) in zip(turns, pushes, strict=True):
            if q is None:
                q = level(ax, ay, az)
            w, x, y, z = q
            a, b, c = gx * half * dt, gy * half * dt, gz * half * dt
            dw, dx, dy, dz = -x * a - y * b - z * c, w * a + y * c - z * b, w * b - x * c + z * a, w * c + x * b - y * a
            size = sqrt(ax * ax + ay * ay + az * az)
            if size > 0:
                # Gravity as it should be, less what is measured; then its gradient.
                f = 2 * (x * z - w * y) - ax / size
                g = 2 * (w * x + y * z) - ay / size
                h = 2 * (0.5 - x * x - y * y) - az / size
                nw, nx = 2 * (x * g - y * f), 2 * (z * f + w * g) - 4 * x * h
                ny, nz = 2 * (z * g - w * f) - 4 * y * h, 2 * (x * f + y * g)
                size = sqrt(nw * nw + nx * nx + ny * ny + nz * nz)
                if size > 0:
                    part = pull / size
                    dw, dx, dy, dz = dw - part * nw, dx - part * nx, dy - part * ny, dz - part * nz
            q = _unit(w + dw, x + dx, y + dy, z + dz)
            made.append(q)
        return as_rows(made, (len(gyro), 4), gyro, acc), (q, offset)


@signal_class(
    lambda: FusionOrientation(
        "g", "a", 20.0, "y", acceleration_rejection=20.0, rejection_timeout=0.5, gyroscope_range=150.0
    ),
    rows=imu,
    channels=False,
)
class FusionOrientation(Signal[Any]):
    """The orientation of a sensor by the filter of x-io's Fusion (imufusion), from a gyroscope and an accelerometer.

    For 3 seconds from the first row on, the gain falls from 10 to its own value and the heading is kept at 0. From then
    on, an accelerometer whose error exceeds the rejection is ignored, for the timeout at most. A row whose gyroscope is not
    finite keeps the orientation; one whose accelerometer is not is turned by the gyroscope.
    Computed in double precision: imufusion computes in single, and its state cannot be saved and taken back.

    Parameters
    ----------
    gyro
        The name of the gyroscope, ``(rows, 3)``, degrees a second.
    acc
        The name of the accelerometer, ``(rows, 3)``, in any unit: only its direction counts; 0, 0, 0 is left out.
    sample_rate
        Rows a second.
    name
        What to call the output, ``(rows, 4)``: the quaternion w, x, y, z that turns the sensor's frame to the earth's,
        whose z axis points up.
    gain
        How fast the accelerometer corrects the orientation; 0 leaves it to the gyroscope.
    use_offset
        Learn the gyroscope's offset first (:class:`OffsetGyro`).
    acceleration_rejection
        The error in degrees above which the accelerometer is ignored; 0 for none.
    rejection_timeout
        Seconds of ignored rows after which it counts again, until it is right; 0 ignores none.
    gyroscope_range
        Degrees a second the gyroscope can measure: near that the filter starts afresh, from the orientation it has; 0
        for no limit.

    Raises
    ------
    StreamConfigError
        When ``sample_rate`` is no number above 0, or another parameter none of at least 0.
    DataError
        While running, when rows have not 3 numbers.

    Notes
    -----
    The revised algorithm of chapter 7 of S. Madgwick, "AHRS algorithms and calibration solutions to facilitate new
    applications using low-cost MEMS", PhD thesis, University of Bristol, 2014, as imufusion 1.3 has it.

    Examples
    --------
    >>> gyro, acc = np.zeros((500, 3)), np.array([[0.0, 1.0, 1.0]] * 500)
    >>> FusionOrientation("gyro", "acc", 100.0, name="pose")(gyro, acc).round(2).tolist()[-1]
    [0.92, 0.38, 0.0, 0.0]
    """

    gyro: str
    acc: str
    sample_rate: Turnable[float]
    name: str
    gain: Turnable[float] = turnable(0.5)
    use_offset: Turnable[bool] = turnable(True)
    acceleration_rejection: Turnable[float] = turnable(90.0)
    rejection_timeout: Turnable[float] = turnable(3.0)
    gyroscope_range: Turnable[float] = turnable(0.0)
    roles: ClassVar[tuple[str, ...]] = ("gyro", "acc")
    tunable: ClassVar[tuple[str, ...]] = (
        "gain",
        "use_offset",
        "acceleration_rejection",
        "rejection_timeout",
        "gyroscope_range",
    )

    def check(self) -> None:
        self.fix(
            sample_rate=positive("FusionOrientation(sample_rate=)", self.sample_rate), use_offset=bool(self.use_offset)
        )
        for name in ("gain", "acceleration_rejection", "rejection_timeout", "gyroscope_range"):
            self.fix(**{name: positive(f"FusionOrientation({name}=)", getattr(self, name), zero=True)})

    def init(self, *head: Array) -> Any:
        return (1.0, 0.0, 0.0, 0.0), 0, 0, False, (0, (0.0, 0.0, 0.0))

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        gyro, acc = rows
        _checked(self, gyro, acc)
        q, row, trigger, recovering, offset = state  # row counts those of the start alone
        turns = gyro.astype(np.float64).tolist()
        if self.use_offset:
            turns, offset = without_offset(Still.of(self.sample_rate), offset, turns)
        turns, pushes = usable(turns, acc)
        made = []
        half, dt, rate = radians(1) / 2, 1 / self.sample_rate, self.sample_rate
        gain, slope, start = self.gain, (GAIN_AT_START - self.gain) / STARTING, STARTING * rate
        most = 0.98 * self.gyroscope_range or inf
        period = int(self.rejection_timeout * rate)
        limit = (sin(radians(self.acceleration_rejection)) / 2) ** 2 if self.acceleration_rejection and period else inf
        for (gx, gy, gz), (ax, ay, az) in zip(turns, pushes, strict=True):
            if gx > most or gy > most or gz > most or -gx > most or -gy > most or -gz > most:
                row, trigger, recovering = 0, 0, False
            starting, strength = False, gain
            if row < start:
                row += 1
                if row < start:
                    starting, strength = True, GAIN_AT_START - slope * row * dt
            w, x, y, z = q
            ex = ey = ez = 0.0
            size = sqrt(ax * ax + ay * ay + az * az)
            if size > 0:
                ax, ay, az = ax / size, ay / size, az / size
                # Half of gravity as it should be, and the turn from what is measured to that.
                ux, uy, uz = x * z - w * y, y * z + w * x, w * w - 0.5 + z * z
                ex, ey, ez = ay * uz - az * uy, az * ux - ax * uz, ax * uy - ay * ux
                error = ex * ex + ey * ey + ez * ez
                if ax * ux + ay * uy + az * uz < 0 and error > 0:  # more than a right angle
                    size = sqrt(error)
                    ex, ey, ez, error = ex / size, ey / size, ez / size, 1.0
                near = starting or error <= limit
                # A recovery goes on until right rows have brought the trigger down to 0.
                trigger += -9 if near else 1
                recovering = trigger > (0 if recovering else period)
                trigger = min(max(trigger, 0), period)
                if not (near or recovering):
                    ex = ey = ez = 0.0
            a, b, c = (
                (gx * half + ex * strength) * dt,
                (gy * half + ey * strength) * dt,
                (gz * half + ez * strength) * dt,
            )
            q = _unit(
                w - x * a - y * b - z * c,
                x + w * a + y * c - z * b,
                y + w * b - x * c + z * a,
                z + w * c + x * b - y * a,
            )
            if starting:
                q = _without_heading(*q)
            made.append(q)
        return as_rows(made, (len(gyro), 4), gyro, acc), (q, row, trigger, recovering, offset)


def level(ax: float, ay: float, az: float) -> Quaternion:
    """Return the shortest turn that has an accelerometer at rest measure this direction: no turn for 0, 0, 0.

    Examples
    --------
    >>> level(0.0, 0.0, 9.8)
    (1.0, 0.0, 0.0, 0.0)
    """
    size = sqrt(ax * ax + ay * ay + az * az)
    if not size > 0:
        return 1.0, 0.0, 0.0, 0.0
    w, x, y = 1 + az / size, ay / size, 0.0 - ax / size
    return _unit(w, x, y, 0.0) if w or x or y else (0.0, 1.0, 0.0, 0.0)


def _unit(w: float, x: float, y: float, z: float) -> Quaternion:
    size = sqrt(w * w + x * x + y * y + z * z)
    return w / size, x / size, y / size, z / size


def _without_heading(w: float, x: float, y: float, z: float) -> Quaternion:
    back = -atan2(w * z + x * y, 0.5 - y * y - z * z) / 2
    c, s = cos(back), sin(back)
    return c * w - s * z, c * x - s * y, c * y + s * x, c * z + s * w
