"""The handle of every frame source: ``get(n)`` and where it stands, over a frozen recipe.

How recipe and handle share the work
------------------------------------
* A *recipe* is a :class:`headrace.Stream` whose items are single frames, ``(rows, cols)`` or ``(rows, cols, channels)``:
  frozen, no file open in it, :class:`headrace.Indexed` where frames can be had by number. Sources that are read through
  a reader write a :class:`~headrace.frames.base.footage.Footage`; others use any stream of frames.
* A *handle*, :class:`FrameStream`, is no stream: it owns one recipe and at most one run. ``get``, ``read``, ``next``,
  ``for``, ``skip``, ``put``, ``seek`` and ``reset`` move the run; ``for frame in handle`` goes on where it stands.
* What composes takes the recipe, through ``__recipe__()``, and moves nothing: ``handle | op``, a member of a mux,
  ``handle[1234]``, ``handle[a:b]`` (columns), ``open``, ``iterate`` (a fresh pass), ``shard``, ``spec``, ``fingerprint``.
* What no frame depends on is the handle's: ``dt``, ``t_zero``, ``pixel_per_degree``, the layout of ``get``, ``on_end``
  (but ``"repeat"`` makes the recipe endless, too).
* Pickling keeps recipe, settings and place; the run stays behind and is opened again where it stood.

The place and the verbs that move it are in :mod:`headrace.frames.base.place`, the settings in
:mod:`headrace.frames.base.timing`, columns of frames in :mod:`headrace.frames.base.stacked`; here are the blocks: their
layout, and the rule for the end.
"""

from __future__ import annotations

from math import inf
from os import PathLike
from typing import Any, Literal, get_args

import numpy as np

from headrace.core.coerce import as_stream
from headrace.core.stream import Stream
from headrace.errors import AddressError, DataError, StreamConfigError
from headrace.frames.base.bounded import LOOK
from headrace.frames.base.derived import check_get
from headrace.frames.base.footage import Footage
from headrace.frames.base.layout import Array, Layout, arranged, check_layout, framed, layout_of
from headrace.frames.base.locked import NOT_BEGUN
from headrace.frames.base.options import whole_number
from headrace.frames.base.seen import Seen
from headrace.frames.base.stacked import Stacked
from headrace.frames.base.timing import shown_at
from headrace.ops.repeat import repeat
from headrace.sources.source import source as array_source

OnEnd = Literal["short", "raise", "pad", "repeat"]


class FrameStream(Stacked):
    """Frames in order, ``n`` at a time: a place in a stream of frames.

    Parameters
    ----------
    source
        A stream whose items are frames ``(rows, cols)`` or ``(rows, cols, channels)``, or what makes one: another
        frame stream, an array of frames, a list. A derived class hands one over, too.
    pixel_per_degree
        Pixels to a degree of the visual field, for models of vision. None, here and for the next two, for that of the
        frame stream which ``source`` is; 10 where it is none.
    t_zero
        The time of frame 0, in seconds; 0 where ``source`` has none.
    dt
        Seconds from frame to frame; 0.001 where ``source`` has none.
    layout
        Of the blocks that :meth:`get` gives: ``"3d"`` for ``[time, row, col]``, ``"5d"`` for
        ``[batch, channel, time, row, col]``, None for whichever fits the frames.
    on_end
        What :meth:`get` does when fewer frames are left than it is asked for: ``"short"`` gives these, and then blocks
        of no frames; ``"raise"`` gives none and raises; ``"pad"`` fills up with zeros; ``"repeat"`` begins again, so
        that the stream has no end, and no ``len``.
    like
        What ``source`` was made of, frame by frame: the frame stream that the first three are of, in place of ``source``.

    Attributes
    ----------
    pixel_per_degree, t_zero, dt, on_end
        As above; they may be changed, ``on_end`` but for ``"repeat"``.

    Raises
    ------
    StreamConfigError
        When an option is none of the above, or ``source`` makes no items.

    Notes
    -----
    Where a frame fails, ``get`` and ``read`` give those before it, and the next call raises; ``skip()`` passes it.
    Several threads may move one stream: each call is whole, and gives frames that no other gives.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import FrameStream
    >>> film = FrameStream(np.arange(10 * 4 * 5).reshape(10, 4, 5), dt=0.04)
    >>> film.get(3).shape, film.i, round(film.t, 2), film.size, len(film)
    ((3, 4, 5), 3, 0.12, (4, 5), 10)
    >>> film[9].shape, film.get(100).shape, film.get(100).shape, film.available()
    ((4, 5), (7, 4, 5), (0, 4, 5), False)
    >>> FrameStream([frame.T for frame in film.iterate()], like=film).dt
    0.04
    """

    _source: Stream[Any] = NOT_BEGUN
    _on_end: OnEnd = NOT_BEGUN
    _dt: float = NOT_BEGUN
    _t_zero: float = NOT_BEGUN
    _pixel_per_degree: float = NOT_BEGUN

    def __init__(
        self,
        source: Any = None,
        *,
        pixel_per_degree: float | None = None,
        t_zero: float | None = None,
        dt: float | None = None,
        layout: Layout | None = None,
        on_end: OnEnd = "short",
        like: Any = None,
    ) -> None:
        if type(self).__recipe__ is FrameStream.__recipe__:
            check_get(type(self), alone=source is None)
        super().__init__(source if like is None else like, dt, t_zero, pixel_per_degree)
        self._layout = check_layout(type(self).__name__, layout)
        if layout is None and isinstance(source, FrameStream):
            self._layout = source._layout
        self._on_end = self._checked(on_end)
        self._source = frames_of(source, type(self).__name__)
        if isinstance(self._source, Footage):
            self._source.header()  # what cannot be read is said now, not when the first frame is wanted
        self._looped: Stream[Any] | None = None
        self._forget()

    def _checked(self, on_end: Any) -> OnEnd:
        if on_end not in get_args(OnEnd):
            raise StreamConfigError(
                f"{type(self).__name__}(on_end=) got {on_end!r}, wanted one of {', '.join(map(repr, get_args(OnEnd)))}.\n"
                "  It says what get(n) does when fewer than n frames are left."
            )
        checked: OnEnd = on_end
        return checked

    # --- what it is -----------------------------------------------------------------------------

    def __recipe__(self) -> Stream[Any]:
        """Return the frozen description of the frames, endless with ``on_end="repeat"``."""
        if self._on_end != "repeat":
            return self._source
        if self._looped is None:
            self._looped = self._source | repeat()
        return self._looped

    @property
    def on_end(self) -> OnEnd:
        """What ``get`` does at the end."""
        return self._on_end

    @on_end.setter
    def on_end(self, on_end: OnEnd) -> None:
        if "repeat" in (self._checked(on_end), self._on_end) and on_end != self._on_end:
            raise StreamConfigError(
                f"{type(self).__name__}.on_end got {on_end!r} in place of {self._on_end!r}, wanted what leaves the number "
                "of frames as it is.\n  Make another stream with on_end=."
            )
        self._on_end = on_end

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows and columns of a frame; None where that is not known before the first."""
        shape = self._shape()
        if shape is None or not 2 <= len(shape) <= 4:
            return None
        rows, cols = shape if len(shape) < 3 else shape[:2] if len(shape) == 3 else shape[1:3]
        return (rows, cols)

    @property
    def layout(self) -> Layout | None:
        """The layout of the blocks that ``get`` gives; None where the first frame decides."""
        shape = self._shape()
        return self._layout if self._layout is not None or shape is None else layout_of(len(shape))

    @property
    def t(self) -> float:
        """The time of the next frame, in seconds."""
        shown = self.uneven_times()
        return self.t_zero + (self.i * self.dt if shown is None else shown_at(self.i, shown, self.dt))

    def _comes_again(self) -> bool:
        return self.__recipe__().size == inf

    def __getitem__(self, index: Any) -> Any:
        """Return the frame with a number, or the columns of a slice or of several numbers, of none too. Moves nothing.

        Raises
        ------
        AddressError
            When there is no such frame, or its frames have no numbers.
        DataError
            When they are more than memory holds.
        """
        if isinstance(index, slice):
            self._check_slice(index)
        found = super().__getitem__(index)
        return self._none() if isinstance(found, dict) and not found else found

    def __len__(self) -> int:
        return len(self.__recipe__())

    def __bool__(self) -> bool:
        return True  # also without a length, and without frames

    # --- blocks ---------------------------------------------------------------------------------

    def get(self, n: int = 1) -> Array:
        """Return the next ``n`` frames as a block, by ``on_end`` where fewer are left.

        Returns
        -------
        block
            ``[time, row, col]``, or ``[batch, channel, time, row, col]``: see ``layout``. It may be a read-only view. Where
            one of the frames fails, those before it; the next call raises what it raised.

        Raises
        ------
        AddressError
            With ``on_end="raise"`` when fewer frames are left: none is taken.
        DataError
            When ``n`` are more than memory holds, and it is not known that fewer are left: none is taken.
        ClosedError
            After :meth:`close`.
        """
        n = whole_number(f"{type(self).__name__}.get", "n", n, 0)
        with self._lock:
            return self._block(n)

    def _block(self, n: int) -> Array:
        if n > LOOK and self._on_end == "pad":
            self._check_fits(f".get({n})", n)
        strict = self._on_end == "raise"
        if strict and self.__recipe__().size is not None and not self.available(n):
            raise self._too_few(n)
        last = self._last
        if strict:
            self._marked()
        columns = self._next(n)
        try:
            block = arranged(columns, self._layout)
        except DataError:
            self._refused(columns, last)
            raise
        if len(columns) == n or self._on_end == "short" or not self._ended():
            return block
        if strict:
            self._refused(columns, last)
            raise self._too_few(n)
        missing = np.zeros((n - len(columns), *columns.shape[1:]), columns.dtype)
        return arranged(np.concatenate([columns, missing]), self._layout)

    def _too_few(self, n: int) -> AddressError:
        return AddressError(
            f"{type(self).__name__}.get({n}) got to its end, wanted that many frames: fewer are left from frame {self.i} on.\n"
            f"  Ask available({n}) first, or choose on_end='short', 'pad' or 'repeat'."
        )

    def put(self, s: Any) -> None:
        """Take a block of frames, where there is room for any.

        Raises
        ------
        StreamConfigError
            Here there is none.
        """
        raise StreamConfigError(
            f"{type(self).__name__}.put got a block, wanted get(n): its frames are made or read, not given.\n"
            "  SequenceStream keeps what is put into it; the writers put it into files."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at frame {self.i} of {self.__recipe__()!r}>"


def frames_of(source: Any, who: str) -> Stream[Any]:
    """Return a stream of frames; an array in any layout is taken apart along time, a handle gives its recipe.

    Raises
    ------
    DataError, StreamConfigError
        When ``source`` is no array of frames, or makes no items.
    """
    if not isinstance(source, Stream | Seen) and hasattr(source, "shape"):
        return array_source(framed(source, who))
    if source is None or isinstance(source, str | bytes | PathLike):
        raise StreamConfigError(
            f"{who} got {source!r}, wanted a stream of frames, or an array or a list of them.\n"
            "  A file is read by VideoReader(path), NumpyReader(path) or ImageSequence(path)."
        )
    try:
        return as_stream(source)
    except StreamConfigError as error:
        told = str(error)
        if not told.startswith("Streamer got"):
            raise
        raise StreamConfigError(who + told.removeprefix("Streamer")) from None  # of whom the user knows nothing
