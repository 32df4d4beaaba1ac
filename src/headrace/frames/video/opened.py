"""An open video file: its packets from the beginning, and what is out of its decoder."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.frames.base.unreadable import opening
from headrace.frames.video.fork import keep_in_children


class OpenVideo:
    """A video file of which one stream is to be decoded. Owned by one thread at a time.

    Parameters
    ----------
    path
        The file.
    stream
        Which of its video streams.
    threads
        How many decode; 0 for as many as there are processors.
    by_frame
        Whether threads may decode different frames: fastest in a row, and slow to the first.

    Attributes
    ----------
    container, stream
        Of PyAV; None once it is closed, and in a forked child.
    errors : tuple of exception
        What PyAV raises for a file that is damaged.

    Raises
    ------
    DataError
        When it is no video that can be read.
    MissingExtraError
        Without PyAV.
    """

    container: Any
    stream: Any
    errors: tuple[type[Exception], ...]

    def __init__(self, path: Path, stream: int = 0, threads: int = 0, *, by_frame: bool = True) -> None:
        self._av = optional("av", "video", "VideoReader")
        # PyAV itself has a LookupError for a packet of a stream that begins further on.
        self.errors = (self._av.error.FFmpegError, ValueError, EOFError, LookupError)
        self._path, self._which, self._threads, self._by_frame = path, stream, threads, by_frame
        self.container = None
        self._reading = _none()
        self._open()
        keep_in_children(self)

    def _open(self) -> None:
        self.close()
        try:
            self.container = self._av.open(str(self._path))
        except self.errors as error:
            code = getattr(error, "errno", None)
            if code in (errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM):
                with opening("VideoReader", self._path):
                    raise OSError(code, os.strerror(code)) from error
            raise self.unreadable(f"no video that can be read: {why(error)}") from error
        found = self.container.streams.video
        if len(found) <= self._which:
            kinds = ", ".join(sorted({other.type for other in self.container.streams})) or "nothing"
            self.close()
            if not found:
                raise self.unreadable(f"no video: it has {kinds} only")
            raise DataError(
                f"VideoReader(stream=) got {self._which} for {str(self._path)!r}, wanted a number below {len(found)}: so many "
                "videos are in it.\n  ffmpeg -i lists them."
            )
        self.stream = found[self._which]
        context = self.stream.codec_context
        if context is None:
            self.close()
            raise self.unreadable("a video of a codec that is not known here")
        self.stream.thread_type = "AUTO" if self._by_frame else "SLICE"
        context.thread_count = self._threads
        for other in self.container.streams:
            if other is not self.stream and hasattr(other, "discard"):  # sound, which need not be read
                other.discard = type(other.discard)["all"]
        self._begin(self._demuxed(), 0)

    def _demuxed(self) -> Iterator[Any]:
        """Return the packets from where the file stands; what was returned before ends."""
        self._reading.close()  # PyAV never frees what an iterator has that is left before its end
        self._reading = self.container.demux(self.stream)
        return self._reading

    def _begin(self, packets: Iterator[Any], number: int) -> None:
        """Go on with these packets, of which the first has this number."""
        self._packets, self._number = packets, number
        self._ready: deque[Any] = deque()
        self._last = -1  # frame that came out last
        self._ended = self._skipping = False
        self._failed: Exception | None = None

    def native(self) -> tuple[Any, ...]:
        """Return all that it has of PyAV."""
        return self.container, self.stream, self._reading, self._packets, self._ready

    def unreadable(self, what: str) -> DataError:
        """Return the error that says what the file is, and what helps."""
        return DataError(
            f"VideoReader got {str(self._path)!r}, which is {what}.\n  ffmpeg -i says what is in it; a file that was not "
            "closed when it was written may have to be written again."
        )

    def close(self) -> None:
        """Let go of the file and the threads. Twice is fine."""
        container, self.container = self.container, None
        self._packets, self._ready, self.stream = iter(()), deque(), None
        if container is not None:
            self._reading.close()
            container.close()


def _none() -> Generator[Any, None, None]:
    yield from ()


def why(error: BaseException) -> str:
    """Return what an error of PyAV says, without a full stop."""
    return str(getattr(error, "strerror", None) or error).rstrip(".")
