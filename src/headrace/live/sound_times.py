"""When each sample was heard, from when chunks of them came."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

import numpy as np

from headrace.live.align import ClockFit

Array = np.ndarray[Any, Any]
SLEW: Final = 0.1  # of a chunk's length, by which its times may be drawn nearer to the line
AGAIN: Final = 8  # chunks, one after the other, that show that there is another line
OFF: Final = 0.03  # seconds off the line, each of them; delays jitter by less, or not for so long


class SampleTimes:
    """Times of samples that come in chunks, at an even rate that is nearly known.

    They follow a line through the times of chunks, without a step back or two at one moment: where the line moves,
    they draw nearer to it little by little, and leap only forward, over samples that were lost.

    Parameters
    ----------
    rate
        Samples a second, by the device's own word.

    Examples
    --------
    >>> times = SampleTimes(100.0)
    >>> moments, lost = times.of(3, 50.0)
    >>> moments.tolist(), lost
    ([50.0, 50.01, 50.02], 0)
    >>> times.of(2, 50.031)[0].round(3).tolist()
    [50.03, 50.041]
    """

    rate: float

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._fit = ClockFit(keep=False)
        self._newest: deque[tuple[float, float]] = deque(maxlen=AGAIN)  # pairs
        self._samples = 0  # of the device's clock at the next chunk, lost ones included
        self._next: float | None = None  # the time of the next sample

    def of(self, n: int, heard: float, *, gap: bool = False) -> tuple[Array, int]:
        """Return the times of a chunk, and how many samples were lost before it.

        Parameters
        ----------
        n
            Samples in the chunk.
        heard
            About when its first one was heard, seconds.
        gap
            Whether some were lost before it.

        Returns
        -------
        times : array
            ``(n,)`` float64, each later than the one before.
        lost : int
            As many samples as the gap is long.
        """
        lost, length = 0, n / self.rate
        if gap and self._next is not None:
            lost = max(0, round((heard - self._line()) * self.rate))
            self._samples += lost
        again = self._add(self._samples / self.rate, heard)
        start = self._line()
        self._samples += n
        if self._next is not None and (start < self._next or not (lost or again)):
            start = self._next
        length = float(np.clip(self._line() - start, (1 - SLEW) * length, (1 + SLEW) * length))
        self._next = start + length
        return start + np.arange(n) * (length / n), lost

    def _add(self, device: float, heard: float) -> bool:
        """Add a pair; return whether the last ones have shown that there is another line, as after a loss unsaid."""
        self._newest.append((device, heard))
        pairs = np.array(self._newest)
        off = pairs[:, 1] - self._line_at(pairs[:, 0])
        if len(pairs) < AGAIN or not (off.min() > OFF or off.max() < -OFF):
            self._fit.update(device, heard)
            return False
        self._fit = ClockFit(keep=False)
        self._fit.update(pairs[:, 0], pairs[:, 1])
        self._newest.clear()
        return True

    def _line(self) -> float:
        """When the next sample of the device is heard, by the line."""
        return float(self._line_at(self._samples / self.rate))

    def _line_at(self, device: Any) -> Any:
        return self._fit.offset + self._fit.slope * device
