"""One reader of cameras and of video files: true RGB frames, and when each is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from headrace.core.closing import Closing
from headrace.core.optional import optional
from headrace.errors import ClosedError, DataError, StreamConfigError
from headrace.sources import grabber_av, grabber_cv2

Array = np.ndarray[Any, Any]
DRIVERS: Final = ("auto", "av", "cv2")


class Frame(NamedTuple):
    """One picture.

    Attributes
    ----------
    time : float
        When it is shown, seconds, as the file or the driver says; NaN where it does not.
    image : array
        ``(rows, cols, 3)``, uint8, red first.
    """

    time: float
    image: Array


@dataclass(frozen=True)
class Grabber:
    """Where frames come from: a camera, a video file, or anything that FFmpeg opens. Plain data until :meth:`open`.

    Parameters
    ----------
    source
        The number of a camera, or a path or an address.
    size
        ``(rows, cols)`` to scale to; None leaves frames as they are.
    driver
        ``"av"`` (PyAV), ``"cv2"`` (OpenCV), or ``"auto"``: the first that is installed and can.
    format
        FFmpeg's name of a kind of device or file, where the source does not tell: ``"x11grab"``, ``"lavfi"``.
    options
        FFmpeg's options, such as ``{"framerate": "30"}``; for PyAV only.
    who
        The name that messages begin with.

    Raises
    ------
    StreamConfigError
        When a parameter is none of these.

    Examples
    --------
    >>> camera = Grabber(0, size=(480, 640))
    >>> camera.live, Grabber("walk.mp4").live
    (True, False)
    >>> with Grabber("walk.mp4").open() as frames:
    ...     for time, image in frames:
    ...         pass
    Traceback (most recent call last):
    FileNotFoundError: Grabber found no 'walk.mp4', wanted a video file.
      Check the path; the number of a camera is an int.
    """

    source: Any
    size: tuple[int, int] | None = None
    driver: str = "auto"
    format: str | None = None
    options: Mapping[str, str] | None = None
    who: str = field(default="Grabber", repr=False, compare=False)

    def __post_init__(self) -> None:
        source = self.source
        number = isinstance(source, (int, np.integer)) and not isinstance(source, bool)
        if not number and not hasattr(source, "__fspath__") and not (isinstance(source, str) and source):
            raise StreamConfigError(
                f"{self.who} got source={source!r}, wanted the number of a camera, or a path.\n  {self.who}(0) is the first."
            )
        if number and source < 0:
            raise StreamConfigError(f"{self.who} got camera {source}, wanted 0 or more.\n  {self.who}(0) is the first.")
        if self.driver not in DRIVERS:
            raise StreamConfigError(
                f"{self.who} got driver={self.driver!r}, wanted one of {', '.join(DRIVERS)}.\n  The default is 'auto'."
            )
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise StreamConfigError(
                f"{self.who} got size={self.size!r}, wanted (rows, cols), 1 or more of each.\n  None leaves them as they are."
            )
        object.__setattr__(self, "source", int(source) if number else str(source))

    @property
    def live(self) -> bool:
        """Whether frames come when they are taken, and not as fast as they are read."""
        return isinstance(self.source, int) or self.format is not None or "://" in self.source

    def open(self) -> Grab:
        """Open it, and read the first frame.

        Returns
        -------
        frames
            The frames from the first on; to be closed.

        Raises
        ------
        FileNotFoundError
            When there is no such file.
        StreamConfigError
            When there is no such camera.
        DataError
            When it is no video, or its first frame cannot be decoded.
        MissingExtraError
            When neither driver is installed.
        """
        if not self.live and not Path(self.source).exists() and "%" not in self.source:
            raise FileNotFoundError(
                f"{self.who} found no {self.source!r}, wanted a video file.\n"
                "  Check the path; the number of a camera is an int."
            )
        failed: list[Exception] = []
        for name, opened in (("av", grabber_av.opened), ("cv2", grabber_cv2.opened)):
            if self.driver == name or (self.driver == "auto" and find_spec(name) is not None):
                try:
                    return Grab(
                        self,
                        *opened(self.source, self.live, self.size, self.format, dict(self.options or {}), self.who),
                    )
                except (DataError, StreamConfigError) as error:
                    failed.append(error)
        if not failed:
            optional("av", "video", self.who)  # says what to install
        for other in failed[1:]:
            failed[0].add_note(f"  and with OpenCV: {str(other).splitlines()[0]}")
        raise failed[0]


class Grab(Closing):
    """Frames of something open, in their order: see :meth:`Grabber.open`.

    Attributes
    ----------
    grabber : Grabber
        What it reads.
    size : tuple of int
        ``(rows, cols)`` of the frames.
    fps : float or None
        Frames a second, as the file or the driver says.
    frames : int or None
        How many there are, where a file says so; not every file is right.
    container, stream : object or None
        Those of PyAV, for who needs more of them; None with another driver.
    """

    grabber: Grabber
    size: tuple[int, int]
    fps: float | None
    frames: int | None
    container: Any
    stream: Any

    def __init__(self, grabber: Grabber, pictures: Iterator[Any], close: Any, told: Mapping[str, Any]) -> None:
        self.grabber, self._pictures, self._close = grabber, pictures, close
        self.fps, self.frames = told["fps"], told["frames"]
        self.container, self.stream = told.get("container"), told.get("stream")
        self._first: Frame | None = None
        try:
            self._first = self._next()
        except BaseException:
            self.close()
            raise
        if self._first is None:
            self.close()
            raise DataError(
                f"{grabber.who} found no frame in {grabber.source!r}, wanted one at least.\n"
                "  Whatever wrote it may not have closed it; ffmpeg -i says what is in it."
            )
        rows, cols, _ = self._first.image.shape
        self.size = (rows, cols)

    def read(self) -> Frame | None:
        """Return the next frame, or None at the end.

        Raises
        ------
        DataError
            When it cannot be decoded; the next call goes on behind it.
        ClosedError
            After :meth:`close`.
        """
        if self._close is None:
            raise ClosedError(f"a frame of {self.grabber.source!r} was asked for after close().\n  Open it again.")
        first, self._first = self._first, None
        return self._next() if first is None else first

    def _next(self) -> Frame | None:
        found = next(self._pictures, None)
        return None if found is None else Frame(*found)

    def close(self) -> None:
        """Let go of the file or the camera. Twice is fine."""
        close, self._close, self._pictures = self._close, None, iter(())
        self.container = self.stream = None
        if close is not None:
            close()

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.read, None)

    def __reduce__(self) -> Any:
        raise TypeError("a Grab is open, and cannot be pickled.\n  Send its .grabber, and open that there.")

    def __repr__(self) -> str:
        return f"{self.grabber!r}.open()"
