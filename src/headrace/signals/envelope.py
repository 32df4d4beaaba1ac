"""How strong a signal is, as a smooth line above it."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.signals.base import Array, Turnable, positive, signal_class, turnable
from headrace.signals.design import butterworth, cutoff
from headrace.signals.history import wide
from headrace.signals.sections import SosBase


@signal_class(lambda: Envelope("x", "y", 5.0, 100.0))
class Envelope(SosBase):
    """The magnitude of the input, smoothed by a Butterworth low-pass filter in double precision; needs scipy.

    It begins as though the first row had been there always. Of a sine it is 2/pi of the amplitude.

    Parameters
    ----------
    x
        The input's name, ``(rows, ...)``.
    name
        What to call the output, of the input's shape; real.
    cutoff_freq
        How fast it follows: where the filter's gain is -3 dB, below half the sample rate.
    sample_rate
        Rows a second.
    order
        How steep the filter is.

    Raises
    ------
    StreamConfigError
        When a value cannot be used.

    Examples
    --------
    >>> Envelope("x", name="y", cutoff_freq=5, sample_rate=100)([-2.0, 2.0, -2.0]).round(6).tolist()
    [2.0, 2.0, 2.0]
    """

    x: str
    name: str
    cutoff_freq: Turnable[float]
    sample_rate: Turnable[float]
    order: Turnable[int] = turnable(2)

    def check(self) -> None:
        rate = positive("Envelope(sample_rate=)", self.sample_rate)
        self.fix(
            sample_rate=rate,
            cutoff_freq=cutoff("Envelope", "lowpass", self.cutoff_freq, rate),
            order=positive("Envelope(order=)", self.order, whole=True),
        )

    def sections(self) -> Array:
        return butterworth(self.order, self.cutoff_freq, self.sample_rate)

    def step(self, state: Any, *rows: Array) -> tuple[Array, Any]:
        x = rows[0]
        # Of whole numbers in double precision: in their own, the least of them has no positive counterpart.
        return super().step(state, np.abs(wide(x) if x.dtype.kind in "iu" else x))
