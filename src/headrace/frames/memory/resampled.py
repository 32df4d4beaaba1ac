"""Frames at other times than those they were made at, on straight lines in between."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, inf
from typing import Any

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.indexed import Bound, Places, numbers
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.core.stream import Spec, Stream
from headrace.errors import StreamConfigError
from headrace.frames.base.footage import IndexedFrames
from headrace.frames.base.layout import Array
from headrace.frames.base.numbered import ahead
from headrace.frames.base.options import check_number
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.base.timing import bins_of, check_dt
from headrace.frames.memory.pieces import Film, Kept
from headrace.frames.memory.timed import TimedStream


class TimedResampleStream(TimedStream):
    """Another stream's frames at times of its own, on straight lines between those it has.

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
        When ``stream`` is no frame stream, its frames have no numbers, or ``dt`` is no time that passes.

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
                f"TimedResampleStream(stream) got {stream!r}, wanted a frame stream: it knows when its frames are shown.\n"
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
        return max(0, floor(last + 1e-9) + 1)

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
        stream = self.stream
        places = numbers(at) if self.size == inf else numbers(at) % int(self.size)
        since = (stream.t_zero - stream.source_zero) + places * stream.dt
        where = since / stream.source_dt if stream.shown is None else self._among(since, stream.shown)
        low = np.clip(np.floor(where).astype(np.int64), 0, max(0, self.last - 1))
        wanted = np.unique(np.concatenate([low, np.minimum(low + 1, self.last)]))
        dense = int(wanted[-1] - wanted[0]) < len(wanted)
        found = self.source.columns(range(int(wanted[0]), int(wanted[-1]) + 1) if dense else wanted)
        kind = _kind(found.dtype)
        one = found[np.searchsorted(wanted, low)].astype(kind)
        two = found[np.searchsorted(wanted, np.minimum(low + 1, self.last))]
        part = (where - low).astype(kind).reshape(-1, *[1] * (found.ndim - 1))
        return np.asarray(one + (two - one) * part)

    def _among(self, since: Array, shown: Array) -> Array:
        """Return between which frames these times are; before the first, on the line through the first two."""
        dt = self.stream.source_dt
        where = bins_of(since, shown, dt, repeats=self.repeats)
        step = float(shown[1]) if len(shown) > 1 and shown[1] > 0 else dt
        return np.where(since < 0, since / step, where)


def _kind(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def _example() -> Stream[Any]:
    return Kept(Film((np.arange(12.0).reshape(12, 1, 1) ** 2,), 0, 12))
