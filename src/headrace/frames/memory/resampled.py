"""Frames at other times than those they were made at, on straight lines in between."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, inf
from typing import Any

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.indexed import ENDLESS, Bound, Numbers, Places, numbers
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream
from headrace.errors import StreamConfigError
from headrace.frames.base.footage import IndexedFrames
from headrace.frames.base.layout import Array
from headrace.frames.base.numbered import ahead
from headrace.frames.base.options import check_number, in_short
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.base.timing import bins_of, check_dt
from headrace.frames.memory.pieces import Film, Kept
from headrace.frames.memory.timed import TimedStream

_ROUNDING = 4 * float(np.finfo(np.float64).eps)  # of a time, relative: of the two rates and of what is made of them


class TimedResampleStream(TimedStream):
    """Another stream's frames at times of its own, on straight lines between those it has.

    A time at which a frame is shown, but for rounding, gives that frame as it is, whatever values are in those beside it.

    Parameters
    ----------
    stream
        A frame stream whose frames have numbers; its ``t_zero`` and ``dt`` say when they are shown, of a video the file.
        Not moved.
    t_zero
        The time of frame 0 here; None for that of ``stream``. Before its first frame the line through its first two
        goes on.
    dt
        Seconds from frame to frame here. The last frame is the last one not behind the last of ``stream``.
    on_end
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        When ``stream`` is no frame stream, its frames have no numbers, or ``dt`` is no time that passes, or so short that
        there would be more frames than numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import TimedResampleStream, TimedSequenceStream
    >>> slow = TimedSequenceStream(np.array([0.0, 10.0, 30.0]).reshape(3, 1, 1), dt=0.5)
    >>> fast = TimedResampleStream(slow, dt=0.25)
    >>> fast.get(9).ravel().tolist(), len(fast)
    ([0.0, 5.0, 10.0, 20.0, 30.0], 5)
    """

    def __init__(
        self, stream: FrameStream, t_zero: float | None = None, dt: float = 0.001, *, on_end: OnEnd = "short"
    ) -> None:
        if not isinstance(stream, FrameStream):
            raise StreamConfigError(
                f"TimedResampleStream(stream) got {in_short(stream)}, wanted a frame stream: it knows when its frames are shown.\n"
                "  Make one of an array with TimedSequenceStream(array, dt=...), of others with FrameStream(frames, dt=...)."
            )
        t_zero = stream.t_zero if t_zero is None else t_zero
        made: Resampled = Resampled(
            as_stream(stream),
            stream.t_zero,
            stream.dt,
            t_zero,
            check_dt("TimedResampleStream", dt),
            stream.uneven_times(),
        )
        if made.size is not None and ENDLESS < made.size < inf:
            raise StreamConfigError(
                f"TimedResampleStream(dt=) got {dt!r} from {t_zero!r} s on, which makes more than {ENDLESS} frames, wanted fewer: "
                "each has a number.\n  Give a longer dt=, or a t_zero= nearer to that of the stream."
            )
        super().__init__(
            made,
            pixel_per_degree=stream.pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            layout=stream.layout,
            on_end=on_end,
        )


@register("resampled_frames", example=lambda: Resampled(_example(), 0.0, 0.1, -0.05, 0.03))
@recipe
class Resampled(IndexedFrames):
    """The recipe of :class:`TimedResampleStream`: float64 where its source is, else float32."""

    source: Stream[Any]
    source_zero: float
    source_dt: float
    t_zero: float
    dt: float
    shown: Array | None = None  # seconds after the first that each is shown, where that is not every source_dt

    def __post_init__(self) -> None:
        self.fix(t_zero=check_number("TimedResampleStream", "t_zero", self.t_zero))
        if self.source.access != "index":
            raise StreamConfigError(
                f"TimedResampleStream got {self.source!r}, whose frames have no numbers, wanted one whose have.\n"
                "  Keep its frames in a SequenceStream or a file first."
            )

    @property
    def size(self) -> float | None:
        n = self.source.size
        if n is None or n == inf or not n:
            return n
        # A grid that ends on the last frame keeps it, whatever rounding says.
        lasts = (n - 1) * self.source_dt if self.shown is None else float(self.shown[-1])
        last = (self.source_zero + lasts - self.t_zero) / self.dt
        return max(0, floor(min(last, 2.0 * ENDLESS) + 1e-9) + 1)

    @property
    def spec(self) -> Spec | None:
        known = self.source.spec
        if known is None or "" not in known:
            return None
        return {"": known[""]._replace(dtype=_kind(np.dtype(known[""].dtype)).str)}

    def bind(self, key: Key) -> Bound[Array]:
        return _Between(self, key)


class _Between(Bound[Array]):
    stream: Resampled

    def __init__(self, stream: Resampled, key: Key) -> None:
        super().__init__(stream, key)
        source: Any = stream.source
        self.source: Bound[Any] = source.bound(key)
        self.last = int(min(source.extent(), 1 << 62)) - 1
        self.repeats = source.extent() == inf
        self.size = stream.extent()

    def walk(self, at: Places) -> Iterator[Array]:
        lo, step = 0, 1
        while lo < len(at):  # some at a time: a source's frame is wanted by two of ours at least
            run = at[lo : lo + step]
            try:
                found = self.columns(run)
            except Exception:
                if len(run) == 1:
                    raise
                for i in run if isinstance(run, range) else run.tolist():  # those before the one that fails are given
                    yield self.columns(range(i, i + 1))[0]
                step = 1
            else:
                yield from found
                step = min(4 * step, ahead(found[0].nbytes))
            lo += len(run)

    def columns(self, at: Places) -> Array:
        where = self._where(numbers(at) if self.size == inf else numbers(at) % int(self.size))
        low = np.maximum(np.floor(where).astype(np.int64), 0)
        part = where - low
        between = np.flatnonzero(part)
        wanted = np.unique(np.concatenate([low, low[between] + 1]))
        dense = int(wanted[-1] - wanted[0]) < len(wanted)
        found = self.source.columns(range(int(wanted[0]), int(wanted[-1]) + 1) if dense else wanted)
        kind = _kind(found.dtype)
        made: Array = found[np.searchsorted(wanted, low)].astype(kind, copy=False)
        if len(between):
            some = slice(None) if len(between) == len(low) else between
            two = found[np.searchsorted(wanted, low[some] + 1)]
            share = part[some].astype(kind).reshape(-1, *[1] * (found.ndim - 1))
            with np.errstate(invalid="ignore"):  # on from an infinite value there is no number
                made[some] += (two - made[some]) * share
        return made

    def _where(self, places: Numbers) -> Array:
        """Return between which frames of the source some are: a whole number where one falls on a frame, but for rounding."""
        stream = self.stream
        steps, ahead_by = places * stream.dt, stream.t_zero - stream.source_zero
        since = ahead_by + steps
        apart: Any = stream.source_dt
        if stream.shown is None:
            where = since / apart
        else:
            where, apart = self._among(since, stream.shown)
        near = np.rint(where)
        largest = steps + (abs(stream.t_zero) + abs(stream.source_zero) if ahead_by else 0.0)
        where = np.where(abs(where - near) * apart <= _ROUNDING * largest, near, where)
        # Of one frame there is no line; the end of the last frame may be behind it by a rounding.
        return np.asarray(np.clip(where, -inf if self.last else 0, self.last))

    def _among(self, since: Array, shown: Array) -> tuple[Array, Array]:
        """Return between which frames these times are, and how far those are apart; before the first, as the first two."""
        dt = self.stream.source_dt
        where = bins_of(since, shown, dt, repeats=self.repeats)
        step = float(shown[1]) if len(shown) > 1 and shown[1] > 0 else dt
        apart = np.append(np.diff(shown), dt)[np.floor(where).astype(np.int64) % len(shown)]
        return np.where(since < 0, since / step, where), np.where(since < 0, step, apart)


def _kind(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def _example() -> Stream[Any]:
    return Kept(Film((np.arange(12.0).reshape(12, 1, 1) ** 2,), 0, 12))
