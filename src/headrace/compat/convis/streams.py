"""``convis.streams``: its names, argument orders and defaults.

What differs is mended: an end is an end (``get`` is short there, black frames are not made up), missing files raise when
they are named, ``RepeatingStream`` gives as many frames as are asked for, and values are float32 where a type is chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from headrace import frames
from headrace.compat.convis.later import PUMPS, WINDOWS, function, kind
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
    TimedResampleStream,
    TimedSequenceStream,
    VideoReader,
    VideoWriter,
)
from headrace.frames.layout import check_size
from headrace.frames.options import check_number

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


class Stream(FrameStream):
    """Zeros without end, ``[time, row, col]``: what other streams were derived from.

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
        zeros = np.zeros((1, *check_size("Stream", size)))
        super().__init__(zeros, pixel_per_degree=pixel_per_degree, t_zero=t_zero, dt=dt, on_end="repeat")

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
