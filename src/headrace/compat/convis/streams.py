"""``convis.streams``: its names, argument orders and defaults.

What differs is mended: an end is an end (``get`` is short there, black frames are not made up), missing files raise when
they are named, ``RepeatingStream`` gives as many frames as are asked for, and values are float32 where a type is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

from headrace import frames
from headrace.compat.convis.later import PUMPS, WINDOWS, function, kind
from headrace.core.coerce import as_stream
from headrace.core.stream import Stream as Recipe
from headrace.frames import (
    FrameStream,
    HDF5Reader,
    HDF5Writer,
    MNISTStream,
    NumpyReader,
    NumpyWriter,
    PoissonMNISTStream,
    ProcessingStream,
    RandomStream,
    RepeatingStream,
    SequenceStream,
    TimedSequenceStream,
    VideoReader,
    VideoWriter,
)
from headrace.frames.base.bounded import check_fits
from headrace.frames.base.layout import check_size, framed
from headrace.frames.base.options import check_number, whole_number
from headrace.frames.base.stream import frames_of

__all__ = [
    "GlobalClock",
    "HDF5Reader",
    "HDF5Writer",
    "ImageSequence",
    "InrImageFileStreamer",
    "InrImageStreamWriter",
    "InrImageStreamer",
    "MNISTStream",
    "NumpyReader",
    "NumpyWriter",
    "PoissonMNISTStream",
    "ProcessingStream",
    "PseudoNMNIST",
    "RandomStream",
    "RepeatingStream",
    "SequenceStream",
    "Stream",
    "TimedResampleStream",
    "TimedSequenceStream",
    "VideoReader",
    "VideoWriter",
]

_WINDOWS = ("ImageWindow", "Runner", "StreamToNetwork", "StreamVisualizer", "run_visualizer", "visualizer")


class _Begun:
    """What makes a stream whole before the constructor of a derived class, which may never call its own base's."""

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        made = super().__new__(cls)
        if isinstance(made, Stream):
            Stream.__init__(made)
        return made


class Stream(FrameStream, _Begun):  # behind, so that arguments are told by __init__
    """Zeros without end, ``[time, row, col]``: what other streams are derived from.

    A class with a ``get`` of its own is a stream of what that gives, wherever a stream is wanted: frame by frame, from
    where it stands, until ``available(1)`` is false or a block is empty. It may set ``size`` and ``i``, and need not call
    this constructor.

    Parameters
    ----------
    size
        Rows and columns.
    pixel_per_degree
        Pixels to a degree of the visual field.
    t_zero
        What :meth:`time_to_bin` counts from, in seconds.
    t
        The time of frame 0.
    dt
        Seconds from frame to frame.

    Raises
    ------
    StreamConfigError
        When ``size`` is no number of rows and columns, or a time is none.

    Examples
    --------
    >>> stream = Stream((4, 5), t=1.0, dt=0.5)
    >>> stream.get(3).shape, stream.t, bool(stream.available(10**6))
    ((3, 4, 5), 2.5, True)
    >>> class Sevens(Stream):
    ...     def get(self, n):
    ...         return np.full((n, *self.size), 7.0)
    >>> ProcessingStream(Sevens((1, 2)), lambda block: block * 2).get(2).tolist()
    [[[14.0, 14.0]], [[14.0, 14.0]]]
    """

    def __init__(
        self,
        size: tuple[int, int] = (50, 50),
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        t: float = 0.0,
        dt: float = 0.001,
    ) -> None:
        self._began = check_number("Stream", "t", t)
        self._size: tuple[int, int] | None = check_size("Stream", size)
        self._at: int | None = None  # where a derived class says that it stands
        zeros = np.zeros((1, *self._size))
        super().__init__(zeros, pixel_per_degree=pixel_per_degree, t_zero=t_zero, dt=dt, on_end="repeat")

    @property
    def _own(self) -> bool:
        """Whether frames come from the ``get`` of a derived class."""
        return type(self).get is not Stream.get

    def __recipe__(self) -> Recipe[Any]:
        """Return the description of the frames; those of a ``get`` of one's own go on from where it stands."""
        if not self._own:
            return super().__recipe__()
        made: Recipe[Any] = as_stream(self._frames)
        return made

    def _frames(self) -> Iterator[Any]:
        """Yield what a derived class's ``get`` gives, frame by frame."""
        while self.available(1):
            block = framed(self.get(1), f"{type(self).__name__}.get")
            if not len(block):
                return
            yield from block

    def get(self, n: int = 1) -> Any:
        """Return the next ``n`` frames as a block, ``[time, row, col]``."""
        if not self._own:
            return super().get(n)
        # The derived class asks: its frames are not those of the recipe.
        n = whole_number(f"{type(self).__name__}.get", "n", n, 0)
        check_fits(f"{type(self).__name__}.get({n})", n, self._size or (0, 0), np.float64)
        return np.zeros((n, *(self._size or (0, 0))))

    def available(self, l: int = 1) -> bool:  # noqa: E741  # the documented name
        """Tell whether ``l`` more frames can be had: always, where a derived class does not say otherwise."""
        return True if self._own else super().available(l)

    @property
    def size(self) -> tuple[int, int] | None:
        """Rows and columns; a derived class may set it."""
        return self._size

    @size.setter
    def size(self, size: Any) -> None:
        made = None if size is None else check_size(type(self).__name__, size)
        if made is not None and made != self._size:
            self._drop(self.i if self._at is None else None)
            self._source, self._looped = frames_of(np.zeros((1, *made)), "Stream"), None
        self._size = made

    @property
    def i(self) -> int:
        """The number of the next frame; a derived class may set it."""
        return super().i if self._at is None else self._at

    @i.setter
    def i(self, i: int) -> None:
        if self._own:
            self._at = i
        else:
            self.seek(i)

    def seek(self, i: int) -> None:
        """Go to frame ``i``; a derived class is told by its ``i``, where it has set that. :meth:`reset` goes to frame 0."""
        if self._own and self._at is not None:
            place = whole_number(f"{type(self).__name__}.seek", "i", i, 0)
            with self._lock:
                self._drop(None)
                self.i = place
        else:
            super().seek(i)

    @property
    def t(self) -> float:
        """The time of the next frame, in seconds."""
        return self._began + self.i * self.dt


class ImageSequence(frames.ImageSequence):
    """:class:`headrace.frames.ImageSequence` with names sorted letter by letter, and an end that raises."""

    def __init__(
        self,
        filenames: Any = "*.jpg",
        size: tuple[int, int] = (50, 50),
        repeat: int = 1,
        offset: tuple[int, int] | None = None,
        is_color: bool = False,
    ) -> None:
        super().__init__(filenames, size, repeat, offset, is_color, sort="plain", on_end="raise")


class TimedResampleStream(frames.TimedResampleStream):
    """:class:`headrace.frames.TimedResampleStream` from time 0 on, whatever the time of the stream's first frame."""

    def __init__(self, stream: FrameStream, t_zero: float = 0.0, dt: float = 0.001) -> None:
        super().__init__(stream, t_zero, dt)


class InrImageStreamer(frames.InrImageStreamer):
    """:class:`headrace.frames.InrImageStreamer` in the order that convis reads: VDIM images in a row."""

    def __init__(self, filename: Any, z: bool = False, slice_at: slice | None = None) -> None:
        super().__init__(filename, z, slice_at, order="classic")


class InrImageFileStreamer(frames.InrImageFileStreamer):
    """:class:`headrace.frames.InrImageFileStreamer` in the order that convis reads."""

    def __init__(self, filenames: Any) -> None:
        super().__init__(filenames, order="classic")


class InrImageStreamWriter(frames.InrImageStreamWriter):
    """:class:`headrace.frames.InrImageStreamWriter` in the order that convis writes.

    Another ``time_dimension`` than ``"VDIM"`` writes planes in the standard's order.
    """

    def __init__(
        self, filename: Any, v: int = 1, x: int = 1, y: int = 1, z: int = 1, time_dimension: str = "VDIM"
    ) -> None:
        # 1 is what was never said: the frames say it then.
        v_, x_, y_, z_ = (None if n == 1 else n for n in (v, x, y, z))
        order: Any = "classic" if time_dimension == "VDIM" else "standard"
        super().__init__(filename, v_, x_, y_, z_, time_dimension, order=order)


class PseudoNMNIST(frames.PseudoNMNIST):
    """:class:`headrace.frames.PseudoNMNIST` with the geometry and the sensor of convis."""

    def __init__(
        self,
        mnist_data_folder: Any = "../data/",
        threshold: float = 5.0,
        output_size: tuple[int, int] = (34, 34),
        **more: Any,
    ) -> None:
        super().__init__(mnist_data_folder, threshold, output_size, **{"classic": True, **more})


class GlobalClock:
    """A time, and functions of it that run ahead or behind.

    Parameters
    ----------
    t_zero, t, dt
        The beginning, the time now, and a step, in seconds; attributes that may be set.

    Examples
    --------
    >>> clock = GlobalClock(t=1.0)
    >>> ahead = clock.offset(0.25)
    >>> clock.t = 2.0
    >>> clock(), ahead()
    (2.0, 2.25)
    """

    t_zero: float
    t: float
    dt: float

    def __init__(self, t_zero: float = 0, t: float = 0, dt: float = 0.001) -> None:
        self.t_zero, self.t, self.dt = t_zero, t, dt

    def __call__(self) -> float:
        return self.t

    def offset(self, d: float) -> Callable[[], float]:
        """Return a function that gives the time plus ``d``."""
        return lambda: self.t + d


def __getattr__(name: str) -> Any:
    """Return what says that it comes later."""
    if name in _WINDOWS:
        make = kind if name[0].isupper() else function
        made: Any = make(f"convis.streams.{name}", PUMPS if name == "Runner" else WINDOWS)
        globals()[name] = made  # the same class whoever asks
        return made
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
