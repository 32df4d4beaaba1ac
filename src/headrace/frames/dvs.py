"""The standard model of an event camera."""

from __future__ import annotations

from math import exp, inf, pi
from typing import Any

import numpy as np

from headrace.core.key import Key, Seed, seed_integer
from headrace.errors import DataError
from headrace.frames.event_arrays import EVENT, joined_events
from headrace.frames.layout import Array, framed
from headrace.frames.options import check_number
from headrace.frames.sensors import Kept, Sensor, pair_shape


class DVS(Sensor):
    """The standard model of an event camera: an event whenever the log intensity has moved by a threshold.

    Each pixel keeps the log intensity of its last event, and emits as many events as thresholds lie between that and
    its log intensity now (Lichtsteiner, Posch and Delbruck, IEEE J. Solid-State Circuits 43:566, 2008), with times
    interpolated between frames (ESIM: Rebecq, Gehrig and Scaramuzza, CoRL 2018) and the noise of v2e (Hu, Liu and
    Delbruck, CVPRW 2021). A first frame emits nothing.

    Parameters
    ----------
    theta
        Threshold of the log intensity.
    theta_on, theta_off
        Thresholds for rising and falling ones, where they differ.
    eps
        Added to the intensity before its logarithm: dark pixels then change by less.
    sigma_theta
        Standard deviation of thresholds between pixels; 0.03 beside 0.2 is usual.
    dt
        Seconds from frame to frame, for what follows.
    refractory
        Seconds after an event in which a pixel emits none.
    leak_rate
        ON events a second that every pixel emits on its own.
    shot_noise
        Events a second that every pixel emits at random, as many ON as OFF.
    cutoff_hz
        Of a first-order low-pass filter on the log intensity; None for none.
    seed
        Fixes the noise.

    Raises
    ------
    StreamConfigError
        For numbers out of range.
    DataError
        While running: an intensity whose logarithm is none.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import DVS
    >>> light = np.array([1.0, 1.0, 1.5, 1.5, 1.0]).reshape(5, 1, 1)
    >>> DVS(theta=0.2, eps=0)(light)[0, :, :, 0, 0].tolist()
    [[0.0, 0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 2.0]]
    >>> DVS(theta=0.2, eps=0).events(light)["t"].tolist()  # microseconds
    [1493, 1987, 3507, 4000]
    """

    theta_on: float
    theta_off: float
    eps: float
    sigma_theta: float
    dt: float
    refractory: float
    leak_rate: float
    shot_noise: float
    cutoff_hz: float | None
    seed: int | None
    draws: bool

    def __init__(
        self,
        theta: float = 0.2,
        *,
        theta_on: float | None = None,
        theta_off: float | None = None,
        eps: float = 1e-3,
        sigma_theta: float = 0.0,
        dt: float = 0.001,
        refractory: float = 0.0,
        leak_rate: float = 0.0,
        shot_noise: float = 0.0,
        cutoff_hz: float | None = None,
        seed: Seed | None = None,
    ) -> None:
        tiny = 1e-6
        self.theta_on = check_number("DVS", "theta_on", theta if theta_on is None else theta_on, tiny)
        self.theta_off = check_number("DVS", "theta_off", theta if theta_off is None else theta_off, tiny)
        self.eps = check_number("DVS", "eps", eps, 0)
        self.sigma_theta = check_number("DVS", "sigma_theta", sigma_theta, 0)
        self.dt = check_number("DVS", "dt", dt, 1e-12)
        self.refractory = check_number("DVS", "refractory", refractory, 0)
        self.leak_rate = check_number("DVS", "leak_rate", leak_rate, 0)
        self.shot_noise = check_number("DVS", "shot_noise", shot_noise, 0, 1 / self.dt)
        self.cutoff_hz = None if cutoff_hz is None else check_number("DVS", "cutoff_hz", cutoff_hz, 0)
        self.draws = bool(self.sigma_theta or self.shot_noise)
        self.seed = None if seed is None else seed_integer(seed)

    def _log(self, frame: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Array = np.log(frame.astype(np.float64) + self.eps)
        if not np.isfinite(found).all():
            low = float(np.min(frame)) if frame.size else 0.0
            raise DataError(
                f"DVS got a frame whose least intensity is {low:g} with eps={self.eps:g}, wanted finite ones above "
                f"{-self.eps:g}.\n  Give it intensities from 0 on, and eps= above 0 where they are 0."
            )
        return found

    def begin(self, frame: Array, key: Key) -> Kept:
        level = self._log(frame)
        kept: Kept = {"level": level, "last": level.copy(), "n": 0}
        if self.sigma_theta:
            rng = key.child("theta").rng()
            spread = self.sigma_theta * rng.standard_normal((2, *frame.shape))
            means = np.array([self.theta_on, self.theta_off]).reshape(2, *[1] * frame.ndim)
            kept["theta"] = np.maximum(means + spread, 0.05 * means)
        if self.refractory:
            kept["fired"] = np.full(frame.shape, -inf)
        return kept

    def step(self, kept: Kept, frame: Array, key: Key, times: list[Any] | None = None) -> tuple[Array, Array]:
        log, level, last = self._log(frame), kept["level"], kept["last"]
        if self.cutoff_hz is not None:
            log = last + (1 - exp(-2 * pi * self.cutoff_hz * self.dt)) * (log - last)
        theta_on: Any
        theta_off: Any
        theta_on, theta_off = kept.get("theta", (self.theta_on, self.theta_off))
        if self.leak_rate and kept["n"]:
            level -= self.leak_rate * self.dt * theta_on
        moved = log - level
        on = np.maximum(np.floor(moved / theta_on), 0)
        off = np.maximum(np.floor(-moved / theta_off), 0)
        some = times
        if self.refractory and some is None:
            some = []
        if some is not None:
            self._when(some, kept, log, on, off, theta_on, theta_off)
        level += on * theta_on
        level -= off * theta_off
        if self.refractory and some:
            on, off = self._rested(some, kept, on.shape)
        if self.shot_noise and kept["n"]:
            on, off = self._noise(key, kept["n"], on, off, times)
        kept["last"], kept["n"] = log, kept["n"] + 1
        return on.astype(np.float32), off.astype(np.float32)

    def counts(self, columns: Array) -> Array:
        """Return columns ``(n, rows, cols, 2 channels)`` of columns of frames; goes on where the last call ended."""
        plain = not (self.leak_rate or self.refractory or self.shot_noise) and self.cutoff_hz is None
        if not plain or not len(columns) or columns.ndim > 4:
            return super().counts(columns)
        # What step does, to the bit, with one logarithm and without making arrays: a third of the time for small frames.
        log = self._log(columns)
        kept = self._begun(columns[0])
        theta_on: Any
        theta_off: Any
        theta_on, theta_off = kept.get("theta", (self.theta_on, self.theta_off))
        made = np.empty((len(columns), *pair_shape(columns.shape[1:])), np.float32)
        channels = made.shape[-1] // 2
        level, moved, on, off = kept["level"], *np.empty((3, *columns.shape[1:]))
        for now, pair in zip(log, made, strict=True):
            np.subtract(now, level, out=moved)
            np.divide(moved, theta_on, out=on)
            np.maximum(np.floor(on, out=on), 0, out=on)
            np.divide(np.negative(moved, out=moved), theta_off, out=off)
            np.maximum(np.floor(off, out=off), 0, out=off)
            pair[..., :channels] = on.reshape(*on.shape[:2], channels)
            pair[..., channels:] = off.reshape(*off.shape[:2], channels)
            level += np.multiply(on, theta_on, out=on)
            level -= np.multiply(off, theta_off, out=off)
        kept["last"], kept["n"] = log[-1].copy(), kept["n"] + len(columns)
        self._kept = kept
        return made

    def _when(
        self, times: list[Any], kept: Kept, log: Array, on: Array, off: Array, theta_on: Any, theta_off: Any
    ) -> None:
        """Append where and when the events of a frame are: each where the line between two frames meets its level."""
        count = on + off
        at = np.nonzero(count)
        n = count[at].astype(np.int64)
        which = np.repeat(np.arange(len(n)), n)
        number = np.arange(len(which)) - np.repeat(np.cumsum(n) - n, n) + 1
        rising = on[at] > 0
        theta = np.where(rising, _at(theta_on, at), -_at(theta_off, at))
        met = kept["level"][at][which] + number * theta[which]
        way = (log[at] - kept["last"][at])[which]
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(way == 0, 1.0, (met - kept["last"][at][which]) / way)
        row, col, *channel = (axis[which] for axis in at)
        times.append((row, col, np.clip(part, 0, 1), rising[which].astype(np.int64), *channel))

    def _rested(self, times: list[Any], kept: Kept, shape: tuple[int, ...]) -> tuple[Array, Array]:
        """Drop the events of pixels that have just emitted one; the level has moved on with them."""
        rows, cols, part, sign, *channel = times.pop()
        found, fired = np.zeros((2, *shape)), kept["fired"]
        when = (kept["n"] - 1 + part) * self.dt
        pixel = np.ravel_multi_index((rows, cols, *channel), shape)
        # Those of a pixel lie in a row, in order of time: first the first ones of all pixels, then the second, ...
        begins = np.flatnonzero(np.r_[True, pixel[1:] != pixel[:-1]][: len(pixel)])
        number = np.arange(len(pixel)) - np.repeat(begins, np.diff(np.r_[begins, len(pixel)]))
        rested = np.zeros(len(pixel), np.bool_)
        flat = fired.reshape(-1)
        for k in range(int(number.max(initial=-1)) + 1):
            at = np.flatnonzero(number == k)
            at = at[when[at] - flat[pixel[at]] >= self.refractory]
            flat[pixel[at]] = when[at]
            rested[at] = True
        np.add.at(found.reshape(2, -1), (1 - sign[rested], pixel[rested]), 1)
        times.append(tuple(each[rested] for each in (rows, cols, part, sign, *channel)))
        return found[0], found[1]

    def _noise(self, key: Key, n: int, on: Array, off: Array, times: list[Any] | None) -> tuple[Array, Array]:
        rng = key.child("shot").rng_at(n)
        chance = self.shot_noise * self.dt / 2
        drawn = np.asarray(rng.random(on.shape))
        part = np.asarray(rng.random(on.shape))
        risen: Array = drawn < chance
        fallen: Array = (drawn >= chance) & (drawn < 2 * chance)
        if times is not None:
            for sign, mask in ((1, risen), (0, fallen)):
                at = np.nonzero(mask)
                times.append((at[0], at[1], part[at], np.full(len(at[0]), sign)))
        return on + risen, off + fallen

    def events(self, block: Any, t_zero: float = 0.0) -> Array:
        """Return the events of a block of frames with one channel, in order of time; goes on where the last call ended.

        Parameters
        ----------
        block
            ``[time, row, col]``.
        t_zero
            The time of the first frame of all, in seconds.

        Returns
        -------
        events
            A structured array of :data:`~headrace.frames.EVENT`: column ``x``, row ``y``, time ``t`` in microseconds,
            polarity ``p``, 1 for ON.

        Raises
        ------
        DataError
            For frames in colour.
        StreamConfigError
            For a ``t_zero`` that is none.
        """
        begun = check_number("DVS.events", "t_zero", t_zero)
        columns = framed(block, "DVS.events")
        if columns.ndim != 3:
            raise DataError(
                f"DVS.events got frames of shape {columns.shape[1:]}, wanted (rows, cols).\n  Choose a channel, or their mean."
            )
        if not len(columns):
            return joined_events(())
        made, kept = [], self._begun(columns[0])
        for frame in columns:
            times: list[Any] = []
            since = begun + (kept["n"] - 1) * self.dt
            self.step(kept, frame, self._root(), times)
            made.append(timed_events(times, since, self.dt))
        self._kept = kept
        return joined_events(made)


def _at(theta: Any, at: Any) -> Any:
    return theta[at] if isinstance(theta, np.ndarray) else theta


def timed_events(times: list[Any], since: float, dt: float) -> Array:
    """Return what a step appended as events in order of time, with times in microseconds."""
    n = sum(len(each[0]) for each in times)
    made = np.empty(n, EVENT)
    if n:
        made["y"] = np.concatenate([each[0] for each in times])
        made["x"] = np.concatenate([each[1] for each in times])
        part = np.concatenate([each[2] for each in times])
        made["t"] = np.rint((since + part * dt) * 1e6)
        made["p"] = np.concatenate([each[3] for each in times])
        made = made[np.argsort(made["t"], kind="stable")]
    return made
