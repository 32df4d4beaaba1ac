"""The handle of videos: of files, of addresses and of cameras."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.frames.base.layout import Array
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.base.timing import bins_of, check_dt, check_t_zero, shown_at
from headrace.frames.video.camera import Camera, is_live
from headrace.frames.video.pixels import Mode
from headrace.frames.video.recipe import Video

ROUNDED: Final = 0.0015  # seconds: times are whole milliseconds in some kinds of files, and no rate varies for that


class VideoReader(FrameStream):
    """The frames of a video file, by number; or those of a camera, as they come.

    Parameters
    ----------
    filename
        The file; an address like ``"rtsp://..."``; or the number of a camera.
    size
        Rows and columns of the part that is given, never scaled; None for whole frames.
    offset
        Row and column of the part's corner; None for the middle.
    dt
        Seconds from frame to frame, for ``t``; None for what the file says of each. ``times`` and ``fps`` stay the file's.
    mode
        ``"mean"`` of red, green and blue, exactly, which costs more than the colours themselves; ``"luma"``, the grey that
        the file has ready, which costs less than the mean; ``"r"``, ``"g"`` or ``"b"``; ``"rgb"`` in colour, red first;
        ``"bgr"``, blue first.
    start, stop, stride
        Which frames: from ``start`` to before ``stop``, every ``stride``-th. Negative ones count from the end.
    dtype
        Of the values, which are 0 to 255: None is float32 for ``"mean"`` and ``"luma"``, uint8 for the others. Whole
        numbers are rounded.
    stream
        Which video of the file, where there are several.
    threads
        How many decode; 0 for as many as there are processors.
    t_zero
        The time of the first frame, for ``t``; None for what the file says. ``times`` stay the file's.
    pixel_per_degree, on_end
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        When there is no such file or camera, an option is none of the above, or a frame has no part of this size.
    DataError
        When it is no video, or its first frame cannot be decoded, at once; while running, at a frame that cannot be
        decoded.
    MissingExtraError
        Without PyAV: ``pip install 'headrace[video]'``.

    Notes
    -----
    Frame ``i`` is the i-th that is shown, whatever the order in which the file keeps them, the rate at which they are
    shown, or the time of the first. The file is read through once, mostly without decoding it, when a frame is first
    wanted; see :mod:`headrace.frames.video.index`. Frames are turned the way a phone notes. A part is cut out before its
    colours are converted. Colours are converted as the file says, and as BT.601 where it says nothing.

    Where the rate varies, ``fps`` and ``dt`` are the mean, and ``t`` is what the file says of the next frame, as ``times``
    has it. A file whose header promises more frames than there are was cut off: a HeadraceWarning says so.

    Several threads may have frames of one reader: each :meth:`get` is a block of its own. Pickled, it is the name of the
    file and a place; a process that is forked opens the file anew. After the header was read the file stays open for the
    first frames, of one reader at a time, until it is closed.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import VideoReader, VideoWriter
    >>> with VideoWriter("walk.mkv", codec="FFV1", fps=25) as writer:
    ...     for k in range(100):
    ...         writer.write(np.full((60, 80, 3), (2 * k, k, 0), "uint8"))
    >>> video = VideoReader("walk.mkv", size=(50, 50), mode="rgb")
    >>> video.get(10).shape, video.i, len(video), video.fps
    ((1, 3, 10, 50, 50), 10, 100, 25.0)
    >>> video[77][0, 0].tolist(), float(video.times[77]), video.i
    ([154, 77, 0], 3.08, 10)
    >>> video.get_at([90, 3, 90])[:, 0, 0, 0].tolist()
    [180, 6, 180]
    >>> video.seek(50)
    >>> next(video)[0, 0].tolist()
    [100, 50, 0]
    >>> VideoReader("walk.mkv", size=(50, 50), start=10, stride=30).get(9)[:, 0, 0].tolist()
    [10.0, 40.0, 70.0]
    """

    _own_dt = _own_t_zero = True  # whether the file says it, and not the caller
    _live_fps: float

    def __init__(
        self,
        filename: Any = 0,
        size: Any = (50, 50),
        offset: Any = None,
        dt: float | None = None,
        mode: Mode = "mean",
        *,
        start: int | None = None,
        stop: int | None = None,
        stride: int = 1,
        dtype: Any = None,
        stream: int = 0,
        threads: int = 0,
        pixel_per_degree: float = 10,
        t_zero: float | None = None,
        on_end: OnEnd = "short",
    ) -> None:
        source: Stream[Any]
        if is_live(filename):
            if (start, stop, stride, stream) != (None, None, 1, 0):
                raise StreamConfigError(
                    f"VideoReader(start, stop, stride, stream) got {(start, stop, stride, stream)} for {filename!r}, "
                    "wanted none: its frames have no numbers.\n  Use hr.take and hr.skip."
                )
            source = Camera(filename, size, offset, mode, dtype)
            self._live_fps = source.check()
        else:
            source = Video(filename, size, offset, mode, dtype, start, stop, stride, stream, threads)
            source.header(spare=True)
        super().__init__(
            source,
            pixel_per_degree=pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            on_end=on_end,
        )
        self._own_dt, self._own_t_zero = dt is None, t_zero is None

    # --- time -----------------------------------------------------------------------------------

    @property
    def fps(self) -> float:
        """Frames a second, as the file or the camera says, by which ``stride`` divides; the mean, where they vary.

        A ``dt`` that was given does not change it: ``1 / dt`` is the rate of ``t``.
        """
        return self._source.rate() if isinstance(self._source, Video) else self._live_fps

    @property
    def dt(self) -> float:
        """Seconds from frame to frame: what was given, else as the file says, the mean where that varies."""
        return 1 / self.fps if self._own_dt else super().dt

    @dt.setter
    def dt(self, dt: float) -> None:
        self._dt = check_dt(type(self).__name__, dt)
        self._own_dt = False

    @property
    def t_zero(self) -> float:
        """The time of the first frame, in seconds: what was given, else as the file says."""
        if not self._own_t_zero:
            return super().t_zero
        times = self._own_times()
        return float(times[0]) if len(times) else 0.0

    @t_zero.setter
    def t_zero(self, t_zero: float) -> None:
        self._t_zero = check_t_zero(type(self).__name__, t_zero)
        self._own_t_zero = False

    def _own_times(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return self._source.times if isinstance(self._source, Video) else np.zeros(0)

    @property
    def t(self) -> float:
        """The time of the next frame, in seconds: as the file says, but for a ``dt`` that was given."""
        times = self._own_times()
        if not self._own_dt or not len(times):
            return super().t
        return self.t_zero + shown_at(self.i, times, self.dt)

    def _shown(self) -> Array | None:
        times = self._own_times()
        return times - times[0] if self._own_dt and len(times) else None

    def uneven_times(self) -> Array | None:
        shown = self._shown()
        if shown is None or np.abs(shown - np.arange(len(shown)) * self.dt).max() <= ROUNDED:
            return None
        return shown

    def time_to_bin(self, t: float) -> float:
        shown = self._shown()
        if shown is None:
            return super().time_to_bin(t)
        return float(bins_of(t - self.t_zero, shown, self.dt, repeats=self.on_end == "repeat"))

    @property
    def times(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """When each frame is shown, in seconds, as the file says; ascending, and not from 0 on in every file.

        A ``dt`` or ``t_zero`` that was given does not change them: ``t_zero + dt * np.arange(len(video))`` are the times by these.

        Raises
        ------
        StreamConfigError
            For a camera.
        """
        return self._file("times").times

    # --- frames ---------------------------------------------------------------------------------

    def close(self) -> None:
        super().close()
        if isinstance(self._source, Video):
            self._source.leave()

    def get_at(self, indices: Any) -> Array:
        """Return any frames as columns, ``(n, rows, cols[, 3])``, each decoded once. Moves nothing.

        Raises
        ------
        AddressError
            When there is no such frame.
        StreamConfigError
            For a camera.
        """
        columns: Array = self._file("get_at")[np.asarray(indices).reshape(-1)]
        return columns if len(columns) else self._none()

    def _file(self, what: str) -> Video:
        if not isinstance(self._source, Video):
            raise StreamConfigError(
                f"VideoReader.{what} got a camera, wanted a file: its frames have no numbers.\n"
                "  Record it with VideoWriter first."
            )
        return self._source
