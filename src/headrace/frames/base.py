"""The handle of every frame source: ``get(n)`` and where it stands, over a frozen recipe.

How recipe and handle share the work
------------------------------------
* A *recipe* is a :class:`headrace.Stream` whose items are single frames, ``(rows, cols)`` or ``(rows, cols, channels)``:
  frozen, no file open in it, :class:`headrace.Indexed` where frames can be had by number. Sources that are read through
  a reader write a :class:`~headrace.frames.footage.Footage`; others use any stream of frames.
* A *handle*, :class:`FrameStream`, is no stream: it owns one recipe and at most one run. ``get``, ``read``, ``next``,
  ``for``, ``skip``, ``put``, ``seek`` and ``reset`` move the run; ``for frame in handle`` goes on where it stands.
* What composes takes the recipe, through ``__recipe__()``, and moves nothing: ``handle | op``, a member of a mux,
  ``handle[1234]``, ``handle[a:b]`` (columns), ``open``, ``iterate`` (a fresh pass), ``shard``, ``spec``, ``fingerprint``.
* What no frame depends on is the handle's: ``dt``, ``t_zero``, ``pixel_per_degree``, the layout of ``get``, ``on_end``
  (but ``"repeat"`` makes the recipe endless, too).
* Pickling keeps recipe, settings and place; the run stays behind and is opened again where it stood.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from math import inf
from typing import Any, Literal, get_args

import numpy as np

from headrace.core.closing import Closing
from headrace.core.coerce import as_stream
from headrace.core.cursor import Cursor, State
from headrace.core.handle import AsStream
from headrace.core.key import Key
from headrace.core.registry import find
from headrace.core.stream import Stream
from headrace.errors import AddressError, ClosedError, DataError, ResumeError, StreamConfigError
from headrace.frames.footage import Footage, whole_number
from headrace.frames.layout import Array, Layout, arranged, check_layout, framed, layout_of
from headrace.ops.repeat import repeat
from headrace.sources.source import source as array_source

OnEnd = Literal["short", "raise", "pad", "repeat"]


class FrameStream(AsStream, Closing):
    """Frames in order, ``n`` at a time: a place in a stream of frames.

    Parameters
    ----------
    source
        A stream whose items are frames ``(rows, cols)`` or ``(rows, cols, channels)``, or what makes one: another
        frame stream, an array of frames, a list.
    pixel_per_degree
        Pixels to a degree of the visual field, for models of vision.
    t_zero
        The time of frame 0, in seconds.
    dt
        Seconds from frame to frame.
    layout
        Of the blocks that :meth:`get` gives: ``"3d"`` for ``[time, row, col]``, ``"5d"`` for
        ``[batch, channel, time, row, col]``, None for whichever fits the frames.
    on_end
        What :meth:`get` does when fewer frames are left than it is asked for: ``"short"`` gives these, and then blocks
        of no frames; ``"raise"`` gives none and raises; ``"pad"`` fills up with zeros; ``"repeat"`` begins again, so
        that the stream has no end, and no ``len``.

    Attributes
    ----------
    pixel_per_degree, t_zero, dt, on_end
        As above; they may be changed, ``on_end`` but for ``"repeat"``.

    Raises
    ------
    StreamConfigError
        When an option is none of the above, or ``source`` makes no items.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import FrameStream
    >>> film = FrameStream(np.arange(10 * 4 * 5).reshape(10, 4, 5), dt=0.04)
    >>> film.get(3).shape, film.i, round(film.t, 2), film.size, len(film)
    ((3, 4, 5), 3, 0.12, (4, 5), 10)
    >>> film[9].shape, film.get(100).shape, film.get(100).shape, film.available()
    ((4, 5), (7, 4, 5), (0, 4, 5), False)
    """

    pixel_per_degree: float
    t_zero: float
    dt: float

    def __init__(
        self,
        source: Any,
        *,
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        dt: float = 0.001,
        layout: Layout | None = None,
        on_end: OnEnd = "short",
    ) -> None:
        self.pixel_per_degree, self.t_zero = pixel_per_degree, t_zero
        self.dt = check_dt(type(self).__name__, dt)
        self._layout = check_layout(type(self).__name__, layout)
        self._on_end = self._checked(on_end)
        self._source: Stream[Any] = _frames_of(source)
        if isinstance(self._source, Footage):
            self._source.header()  # what cannot be read is said now, not when the first frame is wanted
        self._looped: Stream[Any] | None = None
        self._forget()

    def _forget(self) -> None:
        self._run: Cursor[Any] | None = None
        self._key: Key | None = None
        self._state: State | int | None = None  # where the next run begins
        self._last: Array | None = None
        self._closed = False

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
        if shape is None:
            return None
        rows, cols = shape if len(shape) < 3 else shape[:2] if len(shape) == 3 else shape[1:3]
        return (rows, cols)

    def _shape(self) -> Any:
        known = self.__recipe__().spec
        return None if known is None or "" not in known else known[""].shape

    @property
    def layout(self) -> Layout | None:
        """The layout of the blocks that ``get`` gives; None where the first frame decides."""
        shape = self._shape()
        return self._layout if self._layout is not None or shape is None else layout_of(len(shape))

    @property
    def i(self) -> int:
        """The number of the next frame."""
        if self._run is None and isinstance(self._state, dict):
            self._open()  # a state names a place as its source does
        if self._run is not None:
            return self._run.position
        return self._state if isinstance(self._state, int) else 0

    @property
    def t(self) -> float:
        """The time of the next frame, in seconds."""
        return self.t_zero + self.i * self.dt

    @property
    def buffered(self) -> int:
        """Frames that wait inside to be taken: none."""
        return 0

    def __len__(self) -> int:
        return len(self.__recipe__())

    def __bool__(self) -> bool:
        return True  # also without a length, and without frames

    def time_to_bin(self, t: float) -> float:
        """Return which frame a time falls on, not rounded."""
        return (t - self.t_zero) / self.dt

    def available(self, l: int = 1) -> bool:  # noqa: E741  # the documented name
        """Tell whether ``l`` more frames can be had; zeros of ``on_end="pad"`` are none.

        Where the source does not know how many it has, these frames are drawn and wait to be taken.
        """
        wanted = whole_number(f"{type(self).__name__}.available", "l", l, 0)
        if self._closed:
            return False
        size = self.__recipe__().size
        if size is not None:
            return self.i + wanted <= size
        run = self._open()
        found = run.take(wanted)
        run.give_back(found)
        return len(found) == wanted

    def get_image(self) -> Array | None:
        """Return the frame that was given last, or the first one while none was; None where there is none."""
        if self._last is None and not self._closed and self.available():
            run = self._open()
            found = run.take(1)
            run.give_back(found)
            return np.asarray(found[0])
        return self._last

    def peek(self, n: int = 1) -> Array:
        """Return the next ``n`` frames as columns, as :meth:`read` does, without passing them."""
        run, last = self._open(), self._last
        found = self.read(n)
        if len(found):
            run.give_back(list(found))
        self._last = last
        return found

    def plot(self, mode: Any = None) -> Any:
        """Return a figure of the next frames, which are not passed; see :func:`headrace.plot.plot_frames`."""
        return find("plot.frames").make(self, mode)

    def preview(self, n: int = 100, fps: float | None = None) -> Any:
        """Return the next ``n`` frames as a film for a notebook or a file; see :func:`headrace.plot.preview`.

        ``fps`` is that of the stream by default, 25 where it is more than 100.
        """
        own = 1 / self.dt
        return find("plot.preview").make(self, n, fps if fps is not None else own if own <= 100 else 25.0)

    # --- moving ---------------------------------------------------------------------------------

    def get(self, n: int = 1) -> Array:
        """Return the next ``n`` frames as a block, by ``on_end`` where fewer are left.

        Returns
        -------
        block
            ``[time, row, col]``, or ``[batch, channel, time, row, col]``: see ``layout``. It may be a read-only view.

        Raises
        ------
        AddressError
            With ``on_end="raise"`` when fewer frames are left: none is taken.
        ClosedError
            After :meth:`close`.
        """
        return arranged(self._columns(whole_number(f"{type(self).__name__}.get", "n", n, 0)), self._layout)

    def read(self, n: int = 1) -> Array:
        """Return the next ``n`` frames as columns, ``(n, rows, cols[, channels])``, fewer at the end."""
        return self._next(whole_number(f"{type(self).__name__}.read", "n", n, 0))

    def _columns(self, n: int) -> Array:
        if self._on_end == "raise" and not self.available(n):
            raise AddressError(
                f"{type(self).__name__}.get({n}) got to its end: fewer frames than that are left from frame {self.i} on.\n"
                f"  Ask available({n}) first, or choose on_end='short', 'pad' or 'repeat'."
            )
        columns = self._next(n)
        if len(columns) == n or self._on_end != "pad":
            return columns
        missing = np.zeros((n - len(columns), *columns.shape[1:]), columns.dtype)
        return np.concatenate([columns, missing]) if len(columns) else missing

    def _next(self, n: int) -> Array:
        columns = self._open().read(n) if n else ()
        if not len(columns):
            return self._none()
        if not isinstance(columns, np.ndarray):
            raise DataError(
                f"{type(self).__name__} got items that are no arrays, but {type(columns).__name__}, wanted frames.\n"
                "  Choose the frame with hr.map(lambda item: item['name'])."
            )
        self._last = columns[-1]
        return columns

    def _none(self) -> Array:
        """Return columns of no frames."""
        known = self.__recipe__().spec
        if known is not None and "" in known:
            return np.zeros((0, *(n or 0 for n in known[""].shape)), known[""].dtype)
        last = self._last
        return np.zeros((0, 0, 0), np.float32) if last is None else np.zeros((0, *last.shape), last.dtype)

    def __next__(self) -> Array:
        self._last = next(self._open())
        return self._last

    def __iter__(self) -> Iterator[Array]:
        """Yield the frames from where it stands to the end, one at a time."""
        while True:
            run = self._open()
            for frame in run:
                self._last = frame
                yield frame
                if self._run is not run:  # a seek came between
                    break
            else:
                return

    def skip(self, n: int = 1) -> int:
        """Pass ``n`` frames without making them; return how many there were."""
        return self._open().skip(n)

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

    def seek(self, i: int) -> None:
        """Go to frame ``i``, so that it is the next.

        Raises
        ------
        AddressError
            When there is no such frame; the end itself, ``len``, can be gone to.
        """
        place = whole_number(f"{type(self).__name__}.seek", "i", i)
        size = self.__recipe__().size
        if place < 0 or (size is not None and place > size):
            end = "" if size in (None, inf) else f" to {size}"
            raise AddressError(
                f"{type(self).__name__}.seek(i) got {i}, wanted 0{end or ' or more'}.\n"
                "  Frames are counted from the first; there is no counting from the end."
            )
        if self._closed:
            raise self._is_closed()
        self._drop(place)

    def reset(self) -> None:
        """Go back to frame 0; random frames are the same again."""
        self.seek(0)

    # --- state ----------------------------------------------------------------------------------

    def state_dict(self) -> State:
        """Return the place as plain data: what :meth:`load_state_dict` of an equal stream goes on from, to the bit.

        Raises
        ------
        ResumeError
            When the frames cannot be had again.
        """
        return self._open().state()

    def load_state_dict(self, state: State) -> None:
        """Go on from a state of :meth:`state_dict`.

        Raises
        ------
        StateMismatchError
            When it is the state of another source; names the first difference.
        """
        if self._closed:
            raise self._is_closed()
        run = self.__recipe__().open(at=state)
        self._drop(None)
        self._run = run

    def _open(self) -> Cursor[Any]:
        if self._closed:
            raise self._is_closed()
        if self._run is None:
            key = self._key = self._key or Key.fresh()  # kept, so that reset() is the same again
            state, self._state = self._state, None
            self._run = self.__recipe__().open(None if isinstance(state, dict) else key, at=state)
        return self._run

    def _drop(self, place: State | int | None) -> None:
        """End the run; the next one begins at ``place``."""
        run, self._run = self._run, None
        self._state = place
        if run is not None:
            run.close()

    def _is_closed(self) -> ClosedError:
        return ClosedError(
            f"{type(self).__name__} got asked after close(), wanted an open one.\n  Make a new one, or close it later."
        )

    def close(self) -> None:
        """Let go of files and threads. Twice is fine; what was composed of it goes on."""
        if not self._closed:
            place = self.i
            self._drop(place)
            self._closed = True

    def __del__(self, ending: Callable[[], bool] = sys.is_finalizing) -> None:  # a default outlives the module
        run = self.__dict__.get("_run")
        if run is not None and not ending():  # nobody else closes its files
            run.close()

    def __getstate__(self) -> dict[str, Any]:
        kept = {**self.__dict__, "_run": None, "_last": None}
        if self._run is not None:
            try:
                kept["_state"] = self._run.state()
            except ResumeError:  # a copy begins where such frames begin: now
                kept["_state"] = None
        return kept

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at frame {self.i} of {self.__recipe__()!r}>"


def check_dt(who: str, dt: Any) -> float:
    """Return ``dt`` as a float, or raise StreamConfigError when it is no time that passes."""
    try:
        seconds = float(dt)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < inf:
        raise StreamConfigError(f"{who}(dt=) got {dt!r}, wanted seconds from frame to frame, more than 0.")
    return seconds


def _frames_of(source: Any) -> Stream[Any]:
    """Return a stream of frames; an array in any layout is taken apart along time."""
    if not isinstance(source, Stream) and hasattr(source, "shape"):
        return array_source(framed(source, "FrameStream"))
    return as_stream(source)
