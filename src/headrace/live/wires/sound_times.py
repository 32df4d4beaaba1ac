"""When each sample was heard, from when chunks of them came."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from headrace.live.devices.align import ClockFit

Array = np.ndarray[Any, Any]
SLEW: Final = 0.01  # of a chunk's length, by which its times may be drawn nearer to the line
HURRY: Final = 0.1  # of it, where they would be later than the chunk came
DRIFT: Final = 1e-3  # by which a device's second may differ from ours; crystals are within a tenth of that
OFF: Final = 0.1  # seconds, and a chunk, that they may come late without a loss, for as long as they like
LOSS: Final = 1.0  # seconds for which all come later than that, where samples are gone that nobody told of
AGAIN: Final = 8  # chunks of them, at least


class SampleTimes:
    """Times of samples that come in chunks, at an even rate that is nearly known.

    They are a count of samples, on a line through the times of chunks: without a step back or two at one moment, and
    even, also where a sound server says one thing and then another of how old its sound is. Where the line moves, they
    draw nearer to it little by little. They leap only forward, over samples that were lost: where the driver tells of
    it, or where all chunks come late from then on.

    Parameters
    ----------
    rate
        Samples a second, by the device's own word.
    since
        When it began to listen: no sample is older.

    Examples
    --------
    >>> times = SampleTimes(100.0)
    >>> moments, lost = times.of(3, 50.0)
    >>> moments.tolist(), lost
    ([50.0, 50.01, 50.02], 0)
    >>> times.of(2, 50.04)[0].round(4).tolist()
    [50.03, 50.0401]
    """

    rate: float
    since: float

    def __init__(self, rate: float, since: float = -math.inf) -> None:
        self.rate, self.since = rate, since
        self._fit = ClockFit(keep=False)
        self._samples = 0  # of the device's clock at the next chunk, lost ones included
        self._next: float | None = None  # the time of the next sample
        self._soonest = (math.inf, 0.0)  # how long after its count a chunk came, at the least; and that count
        self._late: list[tuple[float, float, float, float]] = []  # pairs that came late, by how much, and when

    def of(self, n: int, heard: float, came: float | None = None, *, gap: bool = False) -> tuple[Array, int]:
        """Return the times of a chunk, and how many samples were lost before it.

        Parameters
        ----------
        n
            Samples in the chunk.
        heard
            About when its first one was heard, seconds.
        came
            When the chunk was there; None: when its last sample was heard.
        gap
            Whether some were lost before it.

        Returns
        -------
        times : array
            ``(n,)`` float64, each later than the one before.
        lost : int
            As many samples as the gap is long.
        """
        length, told = n / self.rate, came is not None
        came = heard + length if came is None else came
        if self._next is None:
            heard = max(heard, self.since)
        elif not gap:  # a chunk is as long after the beginning as the samples before it last
            heard = max(heard, self.since + self._samples / self.rate * (1 - DRIFT))
        heard = min(heard, came - length)  # and over when it comes
        lost = self._leap(n, heard, came, gap)
        start = self._line(told)
        self._samples += n
        if self._next is not None:
            start = min(max(start, self._next), self._next + lost / self.rate)
        aim = float(np.clip(self._line(told) - start, (1 - SLEW) * length, (1 + SLEW) * length))
        length = max(min(aim, came - start), (1 - HURRY) * length) if told else aim
        self._next = start + length
        return start + np.arange(n) * (length / n), lost

    def _leap(self, n: int, heard: float, came: float, gap: bool) -> int:
        """Add a pair; return how many samples the times are to leap over before it."""
        device, lost = self._samples / self.rate, 0
        late = self._lateness(n, heard, came)
        if gap and late > 0:
            lost = round(late * self.rate)
            self._samples += lost
            device, late = self._samples / self.rate, 0.0
        if late > OFF + n / self.rate:
            # It may be that the host was busy, and the next one is there already: the pair tells nothing then.
            self._late.append((device, heard, late, came))
            if len(self._late) < AGAIN or came - self._late[0][3] < LOSS:
                return 0
            lost = round(min(each[2] for each in self._late) * self.rate)
            self._samples += lost
            pairs = np.array(self._late)[:, :2]
            self._fit.update(pairs[:, 0] + lost / self.rate, pairs[:, 1])
        else:
            self._fit.update(device, heard)
        self._late.clear()
        after, end = came - (self._samples + n) / self.rate, (self._samples + n) / self.rate
        self._soonest = min(self._soonest_at(end), after), end
        return lost

    def _lateness(self, n: int, heard: float, came: float) -> float:
        """By how much a chunk is late, both by the driver's word and by when it came: neither alone says that."""
        if self._next is None:
            return 0.0
        end = (self._samples + n) / self.rate
        return min(heard - self._line(False), came - end - self._soonest_at(end))

    def _soonest_at(self, end: float) -> float:
        return self._soonest[0] + DRIFT * max(0.0, end - self._soonest[1])

    def _line(self, came: bool) -> float:
        """When the next sample of the device is heard, by the line; and, where it is known when chunks came, by then."""
        device = self._samples / self.rate
        line = self._fit.offset + self._fit.slope * device
        return min(line, device + self._soonest_at(device)) if came else line
