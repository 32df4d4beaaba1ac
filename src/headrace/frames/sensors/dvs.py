"""The standard model of an event camera."""

from __future__ import annotations

from math import exp, inf, isclose, pi
from typing import Any, Self

import numpy as np

from headrace.core.checks import number
from headrace.core.key import Key, Seed, seed_integer
from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import Array, framed
from headrace.frames.base.options import check_number
from headrace.frames.base.timing import check_dt
from headrace.frames.events.arrays import joined_events
from headrace.frames.sensors.crossings import crossed, follow, rested, timed_events, when_crossed
from headrace.frames.sensors.sensor import Kept, Sensor, pair_shape


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
        Seconds from frame to frame, for what follows. None for those of the film in a
        :class:`~headrace.frames.SensorStream`, and 0.001 for a sensor that is called block by block.
    refractory
        Seconds after an event in which a pixel emits none, of noise neither. The level moves on with those that it
        does not emit.
    leak_rate
        ON events a second that every pixel emits on its own.
    shot_noise
        Events a second that every pixel emits at random, as many ON as OFF: at most one between two frames, so at most
        1 / dt.
    cutoff_hz
        Of a first-order low-pass filter on the log intensity, more than 0; None for none.
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
    dt: float | None
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
        dt: float | None = None,
        refractory: float = 0.0,
        leak_rate: float = 0.0,
        shot_noise: float = 0.0,
        cutoff_hz: float | None = None,
        seed: Seed | None = None,
    ) -> None:
        tiny = 1e-6
        both = check_number("DVS", "theta", theta, tiny)
        self.theta_on = both if theta_on is None else check_number("DVS", "theta_on", theta_on, tiny)
        self.theta_off = both if theta_off is None else check_number("DVS", "theta_off", theta_off, tiny)
        self.eps = check_number("DVS", "eps", eps, 0)
        self.sigma_theta = check_number("DVS", "sigma_theta", sigma_theta, 0)
        self.dt = None if dt is None else check_dt("DVS", dt)
        self.refractory = check_number("DVS", "refractory", refractory, 0)
        self.leak_rate = check_number("DVS", "leak_rate", leak_rate, 0)
        self.shot_noise = check_number("DVS", "shot_noise", shot_noise, 0)
        self.cutoff_hz = None if cutoff_hz is None else _frequency(cutoff_hz)
        self.draws = bool(self.sigma_theta or self.shot_noise)
        self.seed = None if seed is None else seed_integer(seed)
        if self.dt is not None:
            self._check_noise()

    def shown_every(self, dt: float) -> Self:
        """Return an equal sensor that has seen no frame, for frames that are ``dt`` seconds apart.

        Raises
        ------
        StreamConfigError
            When this one is for other frames, or its noise is more than one event between two of these.

        Examples
        --------
        >>> DVS(leak_rate=5).shown_every(0.04).dt
        0.04
        """
        if self.dt is not None and not isclose(self.dt, dt, rel_tol=1e-9):
            raise StreamConfigError(
                f"DVS(dt=) got {self.dt!r} for frames that are {dt!r} s apart, wanted the same: rates are by the second.\n"
                "  Leave dt= out, and the sensor takes the film's; or give the film its dt=."
            )
        made = self.fresh()
        made.dt = float(dt)
        made._check_noise()
        return made

    @property
    def by_the_second(self) -> bool:
        """Whether what it emits depends on how far apart frames are."""
        return bool(self.leak_rate or self.refractory or self.shot_noise) or self.cutoff_hz is not None

    @property
    def _step(self) -> float:
        return 0.001 if self.dt is None else self.dt

    def _check_noise(self) -> None:
        if self.shot_noise * self._step > 1:
            raise StreamConfigError(
                f"DVS(shot_noise=) got {self.shot_noise!r} for frames that are {self._step!r} s apart, wanted at most "
                f"{1 / self._step:g}: a pixel's noise is one event between two frames at most.\n"
                "  Give it and the film a shorter dt=."
            )

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
        self._check_noise()
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
        theta_on, theta_off = self._thetas(kept)
        if self.cutoff_hz is not None:
            log = last + (1 - exp(-2 * pi * self.cutoff_hz * self._step)) * (log - last)
        if self.leak_rate and kept["n"]:
            level -= self.leak_rate * self._step * theta_on
        on, off, spare = np.empty((3, *frame.shape))
        crossed(log, level, theta_on, theta_off, on, off, spare)
        # A pixel rests by the times of its events, so these are wanted whoever asks.
        some = [] if times is None and self.refractory else times
        if some is not None:
            some.append(when_crossed(level, last, log, on, off, theta_on, theta_off))
        follow(level, theta_on, theta_off, on, off, spare)
        if self.shot_noise and kept["n"]:
            on, off = self._noise(key, kept["n"], on, off, some)
        if self.refractory and some:
            on, off = rested(some, kept["fired"], kept["n"] - 1, self._step, self.refractory)
        kept["last"], kept["n"] = log, kept["n"] + 1
        return on.astype(np.float32), off.astype(np.float32)

    def counts(self, columns: Array) -> Array:
        """Return columns ``(n, rows, cols, 2 channels)`` of columns of frames; goes on where the last call ended."""
        if self.by_the_second or not len(columns) or columns.ndim > 4:
            return super().counts(columns)
        # With one logarithm, and without making arrays for each frame: a third of the time for small ones.
        log = self._log(columns)
        kept = self._begun(columns[0])
        theta_on, theta_off = self._thetas(kept)
        made = np.empty((len(columns), *pair_shape(columns.shape[1:])), np.float32)
        channels = made.shape[-1] // 2
        level, on, off, spare = kept["level"], *np.empty((3, *columns.shape[1:]))
        for now, pair in zip(log, made, strict=True):
            crossed(now, level, theta_on, theta_off, on, off, spare)
            pair[..., :channels] = on.reshape(*on.shape[:2], channels)
            pair[..., channels:] = off.reshape(*off.shape[:2], channels)
            follow(level, theta_on, theta_off, on, off, spare)
        kept["last"], kept["n"] = log[-1].copy(), kept["n"] + len(columns)
        self._kept = kept
        return made

    def _thetas(self, kept: Kept) -> tuple[Any, Any]:
        theta_on, theta_off = kept.get("theta", (self.theta_on, self.theta_off))
        return theta_on, theta_off

    def _noise(self, key: Key, n: int, on: Array, off: Array, times: list[Any] | None) -> tuple[Array, Array]:
        rng = key.child("shot").rng_at(n)
        chance = self.shot_noise * self._step / 2
        drawn = np.asarray(rng.random(on.shape))
        part = np.asarray(rng.random(on.shape))
        risen: Array = drawn < chance
        fallen: Array = (drawn >= chance) & (drawn < 2 * chance)
        if times is not None:
            for sign, mask in ((1, risen), (0, fallen)):
                row, col, *channel = at = np.nonzero(mask)
                times.append((row, col, part[at], np.full(len(row), sign), *channel))
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
            since = begun + (kept["n"] - 1) * self._step
            self.step(kept, frame, self._root(), times)
            made.append(timed_events(times, since, self._step))
        self._kept = kept
        return joined_events(made)


def _frequency(cutoff_hz: Any) -> float:
    advice = "None is no filter; 0 would let no change through."
    return number("DVS(cutoff_hz=)", cutoff_hz, above=0, what="a frequency in hertz", advice=advice)
