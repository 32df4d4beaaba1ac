"""Frames in memory: a sequence that grows at its end and drops what is old, and one that begins again."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

from headrace.core.notes import warn
from headrace.core.stream import Stream
from headrace.errors import DataError
from headrace.frames.base.layout import Array, framed, layout_of_block
from headrace.frames.base.narrow import fitting
from headrace.frames.base.options import whole_number
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.memory.pieces import Film, Kept
from headrace.sources.source import source as array_source

EMPTY = np.zeros((0, 50, 50))
STRETCH = 1 << 20  # bytes of memory taken at a time


class _Unsaid(int):
    """A number that nobody gave: it is no reason to drop frames of the sequence that one begins with."""


MOST = _Unsaid(5000)


class SequenceStream(FrameStream):
    """The frames of an array; more can be put behind them, and beyond ``max_frames`` the oldest go.

    Parameters
    ----------
    sequence
        ``[time, row, col]`` or ``[batch, channel, time, row, col]``, or columns ``[time, row, col, channel]``, of any type
        of number. It is not copied, and not changed.
    size
        Ignored: it is that of the sequence.
    pixel_per_degree
        Pixels to a degree of the visual field.
    max_frames
        How many frames are kept at most, the last ones, of ``sequence`` too. Where it is not said, as many as ``sequence``
        has, and 5000 at least.
    t_zero, dt, on_end
        As for :class:`FrameStream`.

    Raises
    ------
    DataError
        When ``sequence`` is no array of frames.
    StreamConfigError
        When ``max_frames`` is no whole number of at least 1.

    Notes
    -----
    What is put is copied once, into stretches of about a megabyte: a put costs its frames, not those that are there, and
    what has been given does not change. Frame 0 is the oldest one kept; when frames go, ``i`` moves with those that stay.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import SequenceStream
    >>> stream = SequenceStream(np.zeros((3, 4, 5)), max_frames=5)
    >>> stream.get(2).shape, stream.available(1), stream.available(2)
    ((2, 4, 5), True, False)
    >>> stream.put(np.ones((4, 4, 5)))
    >>> len(stream), stream.i, stream.get(9)[:, 0, 0].tolist()
    (5, 0, [0.0, 1.0, 1.0, 1.0, 1.0])
    """

    max_frames: int
    _source: Kept

    def __init__(
        self,
        sequence: Any = EMPTY,
        size: Any = None,
        pixel_per_degree: float = 10,
        max_frames: int = MOST,
        *,
        t_zero: float = 0.0,
        dt: float = 0.001,
        on_end: OnEnd = "short",
    ) -> None:
        frames = framed(sequence, type(self).__name__)
        most = whole_number(type(self).__name__, "max_frames", max_frames, 1)
        self.max_frames = max(most, len(frames)) if isinstance(max_frames, _Unsaid) else most
        frames = frames[-self.max_frames :]
        self._began(frames)
        super().__init__(
            Kept(Film((frames,), 0, len(frames))),
            pixel_per_degree=pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            layout=layout_of_block(sequence),
            on_end=on_end,
        )

    def _began(self, frames: Array) -> None:
        """Let ``frames`` be all there is."""
        self._pieces: deque[Array] = deque([frames])
        self._gone = 0  # frames of the first piece that are kept no more
        self._count = len(frames)
        self._tail: Array | None = None  # the piece that grows, the last one; frames before _filled never change
        self._filled = 0
        self._changed = False

    def __recipe__(self) -> Stream[Any]:
        """Return the frames there are now; what is put later does not reach it."""
        if self._changed:
            with self._lock:
                pieces = tuple(self._pieces)
                if self._tail is not None:
                    pieces = (*pieces[:-1], self._tail[: self._filled])
                self._source, self._looped, self._changed = Kept(Film(pieces, self._gone, self._count)), None, False
        return super().__recipe__()

    def put(self, s: Any) -> None:
        """Put a block behind the frames there are. One with frames of another shape takes their place, with a HeadraceWarning.

        Parameters
        ----------
        s
            ``[time, row, col]`` or ``[batch, channel, time, row, col]``, an array or a tensor.

        Raises
        ------
        DataError
            When it is no block of frames, or one of its values is none that the type of those that are there holds; floats
            may be rounded. Nothing is put then.
        ClosedError
            After ``close``.
        """
        block = (
            s if type(s) is np.ndarray and s.ndim == 3 and s.dtype.kind in "buif" else framed(s, "SequenceStream.put")
        )
        with self._lock:
            if self._closed:
                raise self._is_closed()
            if len(block):
                self._put(block, s)

    def _put(self, block: Array, given: Any) -> None:
        place, have = self.i, self._pieces[0]
        if block.shape[1:] != have.shape[1:] or not self._count:
            if self._count:
                warn(
                    f"SequenceStream.put got frames of shape {block.shape[1:]}: {self._count} of shape {have.shape[1:]} gave "
                    "way to them.\n  Make another SequenceStream for frames of another shape."
                )
            self._began(block[:0])
            self._layout, place = layout_of_block(given), 0
        else:
            block = fitting(block, have.dtype, "SequenceStream.put", "as those that are there", _WIDER)
        dropped = max(0, self._count + len(block) - self.max_frames)
        self._append(block[-self.max_frames :])
        self._drop_oldest()
        self._drop(max(0, place - dropped))
        self._changed = True

    def _append(self, block: Array) -> None:
        tail, at = self._tail, self._filled
        self._count += len(block)
        while len(block):
            if tail is None or at == len(tail):
                length = max(1, min(self.max_frames, STRETCH // max(1, block[0].nbytes)))
                tail, at = np.empty((length, *block.shape[1:]), self._pieces[0].dtype), 0
                self._tail = tail
                self._pieces.append(tail)
            n = min(len(block), len(tail) - at)
            tail[at : at + n] = block[:n]
            block, at = block[n:], at + n
        self._filled = at

    def _drop_oldest(self) -> None:
        over = self._count - self.max_frames
        if over <= 0:
            return
        self._count = self.max_frames
        self._gone += over
        while self._gone >= (length := len(self._pieces[0])) and len(self._pieces) > 1:
            self._gone -= length
            self._pieces.popleft()

    def __getstate__(self) -> dict[str, Any]:
        with self._lock:
            state = super().__getstate__()  # with the place, in the frames there are
            self.__recipe__()  # so that what was put is in it
            frames = self._source.film.whole()
        return {**state, "_pieces": deque([frames]), "_gone": 0, "_tail": None, "_filled": 0}


_WIDER = "Begin with frames of a wider type, or bring them into its range before."


class RepeatingStream(FrameStream):
    """The frames of an array again and again, without end.

    Parameters
    ----------
    sequence
        ``[time, row, col]`` or ``[batch, channel, time, row, col]``; not copied.
    size
        Ignored: it is that of the sequence.
    pixel_per_degree, t_zero, dt
        As for :class:`FrameStream`.

    Raises
    ------
    DataError
        When ``sequence`` is no array of frames, or has none.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import RepeatingStream
    >>> stream = RepeatingStream(np.arange(3).reshape(3, 1, 1))
    >>> stream.get(4).ravel().tolist(), stream.get(25).ravel()[:3].tolist(), stream[10**9].item()
    ([0, 1, 2, 0], [1, 2, 0], 1)
    """

    def __init__(
        self, sequence: Any, size: Any = None, pixel_per_degree: float = 10, *, t_zero: float = 0.0, dt: float = 0.001
    ) -> None:
        frames = framed(sequence, "RepeatingStream")
        if not len(frames):
            raise DataError(
                f"RepeatingStream(sequence) got no frames, an array of shape {np.shape(sequence)}, wanted at least one.\n"
                "  Time is the first of three axes, the third of five."
            )
        super().__init__(
            array_source(frames),
            pixel_per_degree=pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            layout=layout_of_block(sequence),
            on_end="repeat",
        )
