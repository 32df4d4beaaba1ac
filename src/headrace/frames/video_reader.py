"""The handle of videos: of files, of addresses and of cameras."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.stream import Stream
from headrace.errors import StreamConfigError
from headrace.frames.base import FrameStream, OnEnd
from headrace.frames.layout import Array
from headrace.frames.video import Video
from headrace.frames.video_camera import Camera, is_live
from headrace.frames.video_pixels import Mode


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
        Seconds from frame to frame, for ``t``; None for what the file says.
    mode
        ``"mean"`` of red, green and blue; ``"luma"``, the grey that the file has ready, which is fastest; ``"r"``,
        ``"g"`` or ``"b"``; ``"rgb"`` in colour, red first; ``"bgr"``, blue first.
    start, stop, stride
        Which frames: from ``start`` to before ``stop``, every ``stride``-th. Negative ones count from the end.
    dtype
        Of the values, which are 0 to 255: None is float32 for ``"mean"`` and ``"luma"``, uint8 for the others.
    stream
        Which video of the file, where there are several.
    threads
        How many decode; 0 for as many as there are processors.
    pixel_per_degree, t_zero, on_end
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
    wanted; see :mod:`headrace.frames.video_index`. Frames are turned the way a phone notes. A part is cut out before its
    colours are converted. Colours are converted as the file says, and as BT.601 where it says nothing.

    Pickled, it is the name of the file and a place; a process that is forked opens the file anew.

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
        t_zero: float = 0.0,
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
            rate = source.check()
        else:
            source = Video(filename, size, offset, mode, dtype, start, stop, stride, stream, threads)
            rate = source.header().fps / stride
        self._fps = rate
        super().__init__(
            source, pixel_per_degree=pixel_per_degree, t_zero=t_zero, dt=1 / rate if dt is None else dt, on_end=on_end
        )

    @property
    def fps(self) -> float:
        """Frames a second, as the file or the camera says, by which ``stride`` divides; the mean, where they vary."""
        return self._fps

    @property
    def times(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """When each frame is shown, in seconds, as the file says; ascending, and not from 0 on in every file.

        Raises
        ------
        StreamConfigError
            For a camera.
        """
        return self._file("times").times

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
