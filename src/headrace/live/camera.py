"""A camera, or a video file in its place."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.align import ClockFit
from headrace.live.devices.threaded import Threaded
from headrace.sources.grabber import Frame, Grab, Grabber

Array = np.ndarray[Any, Any]
UNREADABLE: Final = 25  # frames of a camera, one after the other, that end it


class CameraSource(Threaded):
    """A camera on its own clock: a row for each frame; and called, the newest frame.

    Read, each frame is a row: ``timestamp``, when it was taken; ``received``, when it came; ``frame_time``, its time by
    the camera's own clock; and ``image``. Given to a :class:`~headrace.live.Sampler`, it is asked for
    the newest frame at each of its rows; frames between two rows are skipped, and a frame that is still the newest is
    repeated, and both are counted. A video file plays in real time.

    Parameters
    ----------
    camera_id
        The number of a camera; or the path of a video file, or an address.
    resolution
        ``(width, height)`` to scale to; None leaves frames as they are.
    key
        The column of images, ``(n, rows, cols, 3)`` uint8, red first.
    loop
        Whether a file begins again at its end; else the device stops there.
    driver, format, options
        As for :class:`~headrace.sources.grabber.Grabber`.
    received_key, frame_key
        The columns of when a frame came, and of its time by the device, seconds, NaN if that says none; None for none.
        With both in a recording, the clocks can be fitted again: :func:`~headrace.live.fit_pairs`.
    timestamp_key, clock, max_bytes, overflow, on_error, patience
        As for :class:`~headrace.live.Threaded`. Frames that nobody reads wait up to ``max_bytes``; where only
        the newest frame counts, ``max_bytes=1`` keeps one.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these; in ``start``, when there is no such camera.
    FileNotFoundError, DataError
        In ``start``, when there is no such file, or it is no video.
    MissingExtraError
        In ``start``, when neither PyAV nor OpenCV is installed.

    Examples
    --------
    >>> camera = CameraSource(0, resolution=(640, 480))
    >>> camera.names, camera.is_active()
    (('timestamp', 'received', 'frame_time', 'image'), False)
    """

    camera_id: Any
    resolution: tuple[int, int] | None
    key: str
    loop: bool

    def __init__(
        self,
        camera_id: Any = 0,
        resolution: tuple[int, int] | None = (720, 480),
        *,
        key: str = "image",
        loop: bool = False,
        driver: str = "auto",
        format: str | None = None,
        options: Mapping[str, str] | None = None,
        timestamp_key: str = "timestamp",
        received_key: str | None = "received",
        frame_key: str | None = "frame_time",
        **threaded: Any,
    ) -> None:
        if resolution is not None and (len(resolution) != 2 or min(resolution) < 1):
            raise StreamConfigError(
                f"{type(self).__name__} got resolution={resolution!r}, wanted (width, height), 1 or more of each.\n"
                "  None leaves frames as they are."
            )
        times = [name for name in (timestamp_key, received_key, frame_key) if name is not None]
        super().__init__(names=(*times, key), timestamp_key=timestamp_key, **threaded)
        self.received_key: str | None = received_key
        self.frame_key: str | None = frame_key
        self.camera_id, self.resolution = camera_id, resolution
        self.key, self.loop = key, loop
        size = None if resolution is None else (int(resolution[1]), int(resolution[0]))
        self.grabber: Grabber = Grabber(camera_id, size, driver, format, options, who=type(self).__name__)
        self._grab: Grab | None = None
        self._newest: tuple[int, Array] = (0, np.zeros(0, np.uint8))  # its number, counted from 1
        self._asked = self._grabbed = 0  # the number of the frame that a call has given last
        self._skipped = self._repeated = self._unreadable = 0

    # --- the device -----------------------------------------------------------------------------------

    def opened(self) -> None:
        self._grab = self.grabber.open()
        self._rate = self._grab.fps
        self._show(self._read())  # the first frame is there already: whoever calls now has one

    def _read(self) -> Frame | None:
        return None if self._grab is None else self._grab.read()

    def _show(self, frame: Frame | None) -> Frame | None:
        self._first = frame
        if frame is not None:
            self._grabbed += 1
            self._newest = (self._grabbed, frame.image)
        return frame

    def run(self, stopping: threading.Event) -> None:
        (self._watch if self.grabber.live else self._play)(stopping)

    def closed(self) -> None:
        grab, self._grab = self._grab, None
        if grab is not None:
            grab.close()

    def _watch(self, stopping: threading.Event) -> None:
        """Take frames as they come. The driver's times are even, and those of their arrival are not."""
        fit, bad, frame = ClockFit(keep=False), 0, self._first
        newest = -math.inf
        while not stopping.is_set():
            came = now = self.clock.now()
            if frame is None:
                raise DataError(
                    f"{self!r} gives no more frames, wanted them to go on.\n"
                    "  It may have been unplugged; on_error='restart' opens it again."
                )
            if math.isfinite(frame.time):
                fit.update(frame.time, now)
                now = min(now, fit.to_host(frame.time))  # no frame comes before it was taken
            newest = max(newest, now)
            self._give(newest, came, frame)
            while not stopping.is_set():
                try:
                    frame, bad = self._read(), 0
                    break
                except DataError:
                    bad += 1
                    self._unreadable += 1
                    if bad >= UNREADABLE:
                        raise
            self._show(frame)

    def _play(self, stopping: threading.Event) -> None:
        """Play a file in real time: each frame when it is shown."""
        began, frame = self.clock.now(), self._first
        while frame is not None:
            start, last, step = frame.time, began, 1 / (self._rate or 25.0)
            while frame is not None:
                last = max(last, began + frame.time - start)
                if last > self.clock.now() and not self.clock.wait_until(last, stopping):
                    return
                if stopping.is_set():
                    return
                if frame is not self._first:
                    self._show(frame)
                self._give(last, last, frame)
                frame = self._read()
            if self.loop and not stopping.is_set():
                self.closed()
                self._grab = self.grabber.open()
                began, frame = last + step, self._read()

    def _give(self, time: float, came: float, frame: Frame) -> None:
        columns = {self.timestamp_key: np.array([self.anchor.unix(time)])}
        if self.received_key is not None:
            columns[self.received_key] = np.array([self.anchor.unix(came)])
        if self.frame_key is not None:
            columns[self.frame_key] = np.array([frame.time], np.float64)
        self.put_block({**columns, self.key: frame.image[None]})

    # --- asked for the newest -------------------------------------------------------------------------

    def __call__(self) -> Array:
        """Return the newest frame, ``(rows, cols, 3)`` uint8, which stays the last one when a file has ended.

        Raises
        ------
        DataError
            When it was not started.
        Exception
            What the device failed with.
        """
        if self._state == "failed" and self.last_error is not None:
            self._failure = None  # told now, and not once more by stop()
            raise self.last_error
        number, image = self._newest
        if not number:
            raise DataError(
                f"{self!r} was asked for a frame before start(), wanted to be open.\n"
                "  A Sampler starts its sources; elsewhere call start(), and stop() in the end."
            )
        self._repeated += number == self._asked
        self._skipped += max(0, number - self._asked - 1) if self._asked else 0
        self._asked = number
        return image

    def stats(self) -> dict[str, Any]:
        """Return what it counts: see :meth:`Threaded.stats`; ``skipped`` and ``repeated`` by calls, ``unreadable``."""
        return {
            **super().stats(), "skipped": self._skipped, "repeated": self._repeated, "unreadable": self._unreadable
        }  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError(
            f"{self!r} cannot be pickled: it is a device, with a thread.\n"
            "  Make it in the other process, or send its .grabber, which is plain data."
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.camera_id!r})"


class CameraDataSource(CameraSource):
    """The camera of the documented notebook: called, it gives a dict of one image, 640 by 480.

    Examples
    --------
    >>> from headrace.live import Sampler
    >>> CameraDataSource().resolution, Sampler({"camera": CameraDataSource()}, sample_rate=25)
    ((640, 480), Sampler(['camera'], sample_rate=25))
    """

    def __init__(
        self, camera_id: Any = 0, resolution: tuple[int, int] | None = (640, 480), *, key: str = "image", **options: Any
    ) -> None:
        super().__init__(camera_id, resolution, key=key, **options)

    def __call__(self) -> Any:
        """Return a dict of the newest frame, under ``key``: see :meth:`CameraSource.__call__`."""
        return {self.key: super().__call__()}
