"""Frames by the time they are shown at."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from headrace.errors import AddressError, DataError, StreamConfigError
from headrace.frames.base.layout import Array, arranged, framed, layout_of_block
from headrace.frames.base.narrow import fitting
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.memory.pieces import Film, Kept
from headrace.frames.memory.sequence import EMPTY

MANY = 1 << 27  # times at most in one answer: a gigabyte


class TimedStream(FrameStream):
    """A frame stream that can also be asked by time: what two of them share.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import TimedSequenceStream
    >>> film = TimedSequenceStream(np.arange(10).reshape(10, 1, 1), t_zero=2.0, dt=0.5)
    >>> film.get(3.0, 4.5).ravel().tolist(), film.ts(3.0, 4.5).tolist(), film.i
    ([2, 3, 4], [3.0, 3.5, 4.0], 0)
    """

    def get(self, n: float = 1, t2: float | None = None) -> Array:
        """Return the next ``n`` frames; with two times those from one to the other, moving nothing.

        Parameters
        ----------
        n
            How many frames; or the time in seconds from which on: from the frame that is nearest to it.
        t2
            The time up to which, its nearest frame not included.

        Raises
        ------
        AddressError
            With ``on_end="raise"`` when there are fewer frames.

        Examples
        --------
        >>> import numpy as np
        >>> from headrace.frames import TimedSequenceStream
        >>> film = TimedSequenceStream(np.arange(10).reshape(10, 1, 1), t_zero=1.0, dt=0.1)
        >>> film.get(1.13, 1.38).ravel().tolist(), film.xs(1.13, 1.38).tolist(), film.get(1.06, 1.14).shape
        ([1, 2, 3], [1, 2, 3], (0, 1, 1))
        """
        if t2 is None:
            count: Any = n  # whether it is a whole number is looked at there
            return super().get(count)
        lo, hi = self._bins(n, t2)
        with self._lock:
            return self._between(lo, hi, n, t2)

    def _between(self, lo: int, hi: int, t1: float, t2: float) -> Array:
        found = self._clipped(range(lo, hi))
        if len(found) < hi - lo and self._on_end == "raise":
            raise AddressError(
                f"{type(self).__name__}.get(t1, t2) got {t1}, {t2}, wanted times of frames there are: {len(self)} from "
                f"{self.t_zero} on, each {self.dt} seconds.\n  Choose on_end='short' or 'pad', or ask available(t1, t2)."
            )
        self._check_fits(f".get({t1}, {t2})", len(found))
        columns = self[found.start : found.stop] if len(found) else self._none()
        if len(found) < hi - lo and self._on_end == "pad":
            self._few("get", t1, t2)
            self._check_fits(f".get({t1}, {t2})", hi - lo)
            made = np.zeros((hi - lo, *columns.shape[1:]), columns.dtype)
            if len(found):
                made[found.start - lo : found.stop - lo] = columns
            columns = made
        return arranged(columns, self._layout)

    def get_tsvs(self, t1: float, t2: float) -> tuple[Array, Array]:
        """Return the times, ``(n,)``, and the frames there are between two times, chosen as by :meth:`get`.

        Raises
        ------
        StreamConfigError
            When one is no time.
        """
        with self._lock:
            found = self._clipped(range(*self._bins(t1, t2)))
            columns = self[found.start : found.stop] if len(found) else self._none()
            return self._times(found), arranged(columns, self._layout)

    def ts(self, t1: float, t2: float) -> Array:
        """Return the times of the frames that :meth:`get` chooses by two, ``(n,)`` in seconds, whether there are any or not.

        Raises
        ------
        StreamConfigError
            When one is no time, or more than 2**27 frames lie between.
        """
        return self._times(self._few("ts", t1, t2))

    def xs(self, t1: float, t2: float) -> Array:
        """Return the numbers of the frames that :meth:`get` chooses by two times, ``(n,)``, whether there are any or not.

        Raises
        ------
        StreamConfigError
            As for :meth:`ts`.
        """
        found = self._few("xs", t1, t2)
        return np.arange(found.start, found.stop)

    def available(self, l: float = 1, t2: float | None = None) -> bool:  # noqa: E741  # the documented name
        """Tell whether ``l`` more frames can be had; with two times, whether all that :meth:`get` chooses are there.

        Raises
        ------
        StreamConfigError
            When ``l`` is no whole number of at least 0, or one is no time.
        """
        if t2 is None:
            count: Any = l  # as for get
            return super().available(count)
        wanted = range(*self._bins(l, t2))
        return self._clipped(wanted) == wanted

    def _bins(self, t1: float, t2: float) -> tuple[int, int]:
        try:
            lo, hi = round(self.time_to_bin(float(t1))), round(self.time_to_bin(float(t2)))
        except (TypeError, ValueError, OverflowError):
            raise StreamConfigError(
                f"{type(self).__name__}.get(t1, t2) got {t1!r}, {t2!r}, wanted two times in seconds.\n"
                "  The second one is that of the frame behind the last."
            ) from None
        return lo, max(lo, hi)

    def _few(self, name: str, t1: float, t2: float) -> range:
        """Return the numbers of frames between two times, where they are few enough for one answer."""
        lo, hi = self._bins(t1, t2)
        if hi - lo > MANY or max(abs(lo), abs(hi)) >= 1 << 62:
            raise StreamConfigError(
                f"{type(self).__name__}.{name}(t1, t2) got {t1!r}, {t2!r}, "
                f"wanted at most {MANY} frames of {self.dt} seconds, with numbers below 2**62.\n  Ask for less at a time."
            )
        return range(lo, hi)

    def _times(self, bins: range) -> Array:
        return self.t_zero + self.dt * np.arange(bins.start, bins.stop)

    def _clipped(self, bins: range) -> range:
        """Return the numbers among these that frames have."""
        size = self.__recipe__().size
        end = bins.stop if size is None or size == inf else int(size)
        lo = min(max(bins.start, 0), max(end, 0))
        return range(lo, max(lo, min(bins.stop, end)))


class TimedSequenceStream(TimedStream):
    """The frames of an array, by the times they are shown at.

    Parameters
    ----------
    sequence
        ``[time, row, col]`` or ``[batch, channel, time, row, col]``; not copied, and not changed.
    size
        Ignored: it is that of the sequence.
    pixel_per_degree
        Pixels to a degree of the visual field.
    t_zero
        The time of frame 0, in seconds.
    dt
        Seconds from frame to frame.
    on_end
        As for :class:`FrameStream`; for times outside of the sequence, too.

    Raises
    ------
    DataError
        When ``sequence`` is no array of frames.

    Notes
    -----
    A put copies about a megabyte around its frames, not the whole sequence: what was given before does not change.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import TimedSequenceStream
    >>> film = TimedSequenceStream(np.zeros((100, 4, 5)), dt=0.01)
    >>> film.put(0.1, 0.2, np.ones((10, 4, 5)))
    >>> film.get(0.08, 0.22)[:, 0, 0].tolist()[:3], film.available(0.5, 1.1)
    ([0.0, 0.0, 1.0], False)
    """

    _source: Kept

    def __init__(
        self,
        sequence: Any = EMPTY,
        size: Any = None,
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        dt: float = 0.001,
        *,
        on_end: OnEnd = "short",
    ) -> None:
        frames = framed(sequence, "TimedSequenceStream")
        super().__init__(
            Kept(Film((frames,), 0, len(frames))),
            pixel_per_degree=pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            layout=layout_of_block(sequence),
            on_end=on_end,
        )

    def put(self, s: Any, t2: float | None = None, block: Any = None) -> None:
        """Put frames in place of those from one time to another: ``put(t1, t2, block)``.

        Pipelines that are built already keep the old ones.

        Parameters
        ----------
        s, t2
            Times in seconds: from the frame nearest to the first up to the one before that nearest to the second.
        block
            As many frames as lie between.

        Raises
        ------
        DataError
            When they do not fit in number or shape, or a value is none that the type of those that are there holds; floats
            may be rounded.
        AddressError
            When there are no frames at these times.
        """
        if t2 is None or block is None:
            raise StreamConfigError(
                "TimedSequenceStream.put got a block alone, wanted put(t1, t2, block).\n  SequenceStream takes frames at its end."
            )
        frames = framed(block, "TimedSequenceStream.put")
        with self._lock:
            if self._closed:
                raise self._is_closed()
            self._put(s, t2, frames)

    def _put(self, t1: float, t2: float, block: Array) -> None:
        bins = range(*self._bins(t1, t2))
        film = self._source.film
        old = film.pieces[0]
        if self._clipped(bins) != bins:
            raise AddressError(
                f"TimedSequenceStream.put got times {t1} to {t2}, wanted times of its frames: {film.count} from {self.t_zero} on.\n"
                "  Ask available(t1, t2) first."
            )
        if block.shape != (len(bins), *old.shape[1:]):
            raise DataError(
                f"TimedSequenceStream.put got {block.dtype} of shape {block.shape}, wanted {old.dtype} of shape "
                f"{(len(bins), *old.shape[1:])}: a frame for each that lies between {t1} and {t2}.\n"
                "  Ask xs(t1, t2) which these are."
            )
        block = fitting(block, old.dtype, "TimedSequenceStream.put", "as those that are there", _WIDER)
        place = self.i
        self._drop(place)
        self._source, self._looped = Kept(film.having(bins.start, block)), None


_WIDER = "Begin with frames of a wider type, or bring them into its range before."
