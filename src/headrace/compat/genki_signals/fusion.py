"""A gyroscope without its offset, as a plain object, time first."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.errors import DataError
from headrace.signals.base import Array, positive
from headrace.signals.gyroscope import CUTOFF, THRESHOLD, TIMEOUT, Offset, Still, without_offset


class OffsetGyro:
    """A gyroscope less its offset, which is learnt while no axis exceeds a threshold for some seconds.

    Parameters
    ----------
    sampling_rate
        Rows a second.
    cutoff_freq
        Of the low-pass filter that the offset is learnt with, in Hz.
    timeout_const
        Seconds that must be quiet before it is learnt.
    threshold
        What no axis exceeds in a quiet row, in degrees a second.

    Attributes
    ----------
    offset : array
        The offset of each axis as it is known now.

    Raises
    ------
    StreamConfigError
        When a parameter is no number above 0 (``timeout_const``: of at least 0).

    Examples
    --------
    >>> turn = OffsetGyro(100.0, cutoff_freq=1.0, timeout_const=1.0)
    >>> turn.update([1.0, 1.0, 1.0]).tolist()
    [1.0, 1.0, 1.0]
    >>> turn.update(np.ones((999, 3)))[-1].round(3).tolist(), turn.offset.round(3).tolist()
    ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0])
    """

    def __init__(
        self,
        sampling_rate: float,
        cutoff_freq: float = CUTOFF,
        timeout_const: float = TIMEOUT,
        threshold: float = THRESHOLD,
    ) -> None:
        self.sampling_rate: float = positive("OffsetGyro(sampling_rate=)", sampling_rate)
        self.cutoff_freq: float = positive("OffsetGyro(cutoff_freq=)", cutoff_freq)
        self.timeout_const: float = positive("OffsetGyro(timeout_const=)", timeout_const, zero=True)
        self.threshold: float = positive("OffsetGyro(threshold=)", threshold)
        self._known: Offset | None = None

    @property
    def offset(self) -> Array:
        return np.array(() if self._known is None else self._known[1])

    def update(self, gyro: Any) -> Array:
        """Return the next row ``(k,)``, or rows ``(n, k)``, less the offset as it was known at each.

        Raises
        ------
        DataError
            For another shape, or another number of axes than before.
        """
        rows = np.asarray(gyro, dtype=np.float64)
        if rows.ndim not in (1, 2):
            raise DataError(
                f"OffsetGyro got an array of shape {rows.shape}, wanted (n, k), or one row (k,).\n  Time is axis 0."
            )
        known = self._known or (0, (0.0,) * rows.shape[-1])
        if len(known[1]) != rows.shape[-1]:
            raise DataError(
                f"OffsetGyro got rows of {rows.shape[-1]} axes, wanted {len(known[1])}, as before.\n"
                "  Begin again with reset(), or use one for each gyroscope."
            )
        still = Still.of(self.sampling_rate, self.cutoff_freq, self.timeout_const, self.threshold)
        made, self._known = without_offset(still, known, rows.reshape(-1, rows.shape[-1]).tolist())
        return np.array(made).reshape(rows.shape)

    __call__ = update

    def reset(self) -> None:
        """Forget the offset."""
        self._known = None


__all__ = ["OffsetGyro"]
