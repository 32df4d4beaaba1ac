"""A device's own clock on the host's: a line through pairs of times, found while they come.

A device stamps what it sends with its own clock, which is even but runs fast or slow; it arrives after a delay that
jitters, now and then in bursts. The line is fitted by iterated least squares with Tukey's biweight (Beaton and Tukey,
"The fitting of power series", Technometrics 16, 1974), which leaves what came in a burst out of account.
"""

from __future__ import annotations

from array import array
from typing import Any, Final

import numpy as np

from headrace.errors import DataError, StreamConfigError

Array = np.ndarray[Any, Any]
PAIRS: Final = 4096  # that a line goes through; beyond that each stands for several
ROUNDS: Final = 12
EVERY: Final = 0.5  # seconds of device time between two fits
BIWEIGHT: Final = 4.685  # times the spread, beyond which a pair counts nothing: 95 % efficient for normal jitter
MAD: Final = 1.4826  # from the median deviation to the spread, for normal jitter
TINY: Final = 1e-9  # seconds; jitter below this is none
STEP: Final = 1.0  # seconds; a device's clock that goes back, or off, by more has begun again


class ClockFit:
    """Device times on the host's clock.

    Parameters
    ----------
    window
        Seconds of device time that the line goes through. A crystal's rate follows its temperature, over minutes.
    keep
        Whether all pairs are kept, 16 bytes each, for a recording: :meth:`pairs`.

    Raises
    ------
    StreamConfigError
        When ``window`` is not positive.

    Examples
    --------
    >>> device = np.arange(0.0, 30.0, 0.01)
    >>> jitter = np.random.default_rng(0).normal(0.0, 0.005, len(device))
    >>> fit = ClockFit()
    >>> fit.update(device, 1000 + device * (1 + 50e-6) + jitter)
    >>> abs(fit.ppm - 50) < 50, abs(fit.to_host(30.0) - (1000 + 30 * (1 + 50e-6))) < 0.001
    (True, True)
    """

    window: float
    keep: bool

    def __init__(self, window: float = 120.0, *, keep: bool = True) -> None:
        if not window > 0:
            raise StreamConfigError(
                f"ClockFit got window={window!r}, wanted seconds, more than 0.\n  120 is the default."
            )
        self.window, self.keep = float(window), keep
        self.resets: int = 0
        self._kept = (array("d"), array("d"))
        self._begin()
        self._newest_told = -np.inf

    def _begin(self) -> None:
        self._device: Array = np.zeros(0)
        self._host: Array = np.zeros(0)
        self._each, self._skip = 1, 0  # every how many-th pair is taken, and how many are to be passed
        self._origin = (0.0, 0.0)
        self._line = (0.0, 1.0)  # host minus its origin, at the device's origin, and host seconds a device second
        self._spread = 0.0
        self._fitted = -np.inf

    # --- pairs --------------------------------------------------------------------------------------

    def update(self, device: Any, host: Any) -> None:
        """Add pairs.

        Parameters
        ----------
        device
            Times on the device's clock, seconds, a number or ``(n,)``, never going back.
        host
            When each arrived, on the host's monotonic clock, or in Unix seconds that do not step.

        Raises
        ------
        DataError
            When they differ in length, or are no finite numbers.
        """
        d, h = np.atleast_1d(np.asarray(device, np.float64)), np.atleast_1d(np.asarray(host, np.float64))
        if d.shape != h.shape or d.ndim != 1 or not (np.isfinite(d).all() and np.isfinite(h).all()):
            raise DataError(
                f"ClockFit got device times {d.shape} and host times {h.shape}, wanted as many finite ones of each.\n"
                "  Leave pairs out that have no time."
            )
        if self.keep:
            self._kept[0].frombytes(d.tobytes())
            self._kept[1].frombytes(h.tobytes())
        for piece_d, piece_h in self._pieces(d, h):
            self._add(piece_d, piece_h)

    def _pieces(self, d: Array, h: Array) -> list[tuple[Array, Array]]:
        """Cut where the device's clock has begun again, and begin a new line there."""
        last = self._device[-1:] if len(self._device) else d[:1]
        back = np.flatnonzero(np.diff(np.concatenate([last, d])) < -STEP)
        return list(zip(np.split(d, back), np.split(h, back), strict=True))

    def _add(self, d: Array, h: Array) -> None:
        if not len(d):
            return
        if len(self._device) and (d[0] < self._device[-1] - STEP or self._off(d, h)):
            self.resets += 1
            self._begin()
        if not len(self._device):
            self._origin = (float(d[0]), float(h[0]))
            self._line = (0.0, 1.0)
        newest = float(d[-1])
        taken = slice(self._skip, None, self._each)
        self._skip = (self._skip - len(d)) % self._each
        d, h = d[taken], h[taken]
        self._device, self._host = np.concatenate([self._device, d]), np.concatenate([self._host, h])
        old = int(np.searchsorted(self._device, newest - self.window))
        self._device, self._host = self._device[old:], self._host[old:]
        while len(self._device) > PAIRS:
            self._device, self._host = self._device[::2], self._host[::2]
            self._each *= 2
        early = len(self._device) < 64  # while there are few, each counts
        if early or newest >= self._fitted + EVERY:
            self._fit()
            self._fitted = newest

    def _off(self, d: Array, h: Array) -> bool:
        """Whether times are off the line by so much, and all of them, that it is another line."""
        return len(d) > 1 and bool(np.min(np.abs(h - self._on_line(d))) > max(STEP, 20 * self._spread))

    def _fit(self) -> None:
        x, y = self._device - self._origin[0], self._host - self._origin[1]
        if len(x) < 2 or x[-1] - x[0] <= 0:
            self._line = (float(np.median(y - x)) if len(x) else 0.0, 1.0)
            return
        weight = np.ones(len(x))
        offset, slope = self._least_squares(x, y, weight)
        for k in range(ROUNDS):
            off = y - (offset + slope * x)
            middle = np.median(off)
            spread = max(TINY, MAD * float(np.median(np.abs(off - middle))))
            # Around the median at first: bursts come late only, and pull a line of least squares up.
            u = (off - (middle if k < 3 else 0.0)) / (BIWEIGHT * spread)
            weight = np.where(np.abs(u) < 1, (1 - u * u) ** 2, 0.0)
            before = offset, slope
            offset, slope = self._least_squares(x, y, weight)
            if abs(offset - before[0]) + abs(slope - before[1]) * (x[-1] - x[0]) < 1e-7:
                break
        self._line, self._spread = (offset, slope), spread

    def _least_squares(self, x: Array, y: Array, weight: Array) -> tuple[float, float]:
        total = weight.sum()
        if total <= 0:
            return self._line
        mx, my = (weight * x).sum() / total, (weight * y).sum() / total
        var = (weight * (x - mx) ** 2).sum()
        span = x[-1] - x[0]
        # The jitter of a second says nothing of the rate: until the line is long, a slope near 1 is believed.
        prior = total * (self._spread / 1e-4) ** 2 / max(1, len(x)) if span < 10 else 0.0
        slope = 1 + (weight * (x - mx) * (y - my - (x - mx))).sum() / (var + prior) if var + prior > 0 else 1.0
        return float(my - slope * mx), float(slope)

    # --- what it says -------------------------------------------------------------------------------

    def _on_line(self, device: Array) -> Array:
        offset, slope = self._line
        return self._origin[1] + offset + slope * (device - self._origin[0])

    def to_host(self, device: Any) -> Any:
        """Return when something happened, on the host's clock, by the line as it is now.

        Parameters
        ----------
        device
            Device time, a number or ``(n,)``, in the order of the device.

        Returns
        -------
        host
            The same shape, float64, free of jitter. No time told is before one told earlier: where a new line would
            have it so, time stands still.

        Raises
        ------
        DataError
            When there is no pair yet.
        """
        if not len(self._device):
            raise DataError("ClockFit.to_host got no pair yet, wanted one at least.\n  update(device, host) adds some.")
        told = np.atleast_1d(self._on_line(np.asarray(device, np.float64)))
        if len(told):
            told = np.maximum(np.maximum.accumulate(told), self._newest_told)
            self._newest_told = float(told[-1])
        return told if np.ndim(device) else float(told[0])

    @property
    def slope(self) -> float:
        """Host seconds a device second."""
        return self._line[1]

    @property
    def ppm(self) -> float:
        """Millionths by which the device's seconds are longer than the host's."""
        return (self.slope - 1) * 1e6

    @property
    def offset(self) -> float:
        """Host time at device time 0."""
        return float(self._on_line(np.zeros(1))[0])

    @property
    def jitter(self) -> float:
        """The spread of arrivals about the line, seconds, bursts left aside."""
        return self._spread

    def pairs(self) -> Array:
        """Return all pairs, ``(n, 2)``, device and host, so that the line can be found again afterwards.

        Examples
        --------
        >>> fit = ClockFit()
        >>> fit.update([1.0, 2.0], [101.0, 102.0])
        >>> fit.pairs().tolist()
        [[1.0, 101.0], [2.0, 102.0]]
        """
        return np.stack([np.array(each, dtype=np.float64) for each in self._kept], axis=1)

    def __repr__(self) -> str:
        return f"ClockFit({len(self._device)} pairs, {self.ppm:.1f} ppm, jitter {self.jitter * 1e3:.2f} ms)"


def fit_pairs(pairs: Any) -> ClockFit:
    """Return the line through pairs that were recorded, all of them, as nobody could while they came.

    Parameters
    ----------
    pairs
        ``(n, 2)``, device and host.

    Examples
    --------
    >>> device = np.arange(100.0)
    >>> fit_pairs(np.stack([device, 5 + device * 1.0001], axis=1)).ppm.__round__(3)
    100.0
    """
    pairs = np.asarray(pairs, np.float64).reshape(-1, 2)
    span = float(np.ptp(pairs[:, 0])) if len(pairs) else 0.0
    fit = ClockFit(window=max(1.0, 2 * span), keep=False)
    fit.update(pairs[:, 0], pairs[:, 1])
    fit._fit()
    return fit
