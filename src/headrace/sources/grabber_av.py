"""Frames by PyAV: files, addresses and devices, everything that FFmpeg opens."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from headrace.core.optional import optional
from headrace.errors import DataError, StreamConfigError

Array = np.ndarray[Any, Any]
Size = tuple[int, int]
CAMERAS: Final = {"linux": ("v4l2", "/dev/video{}"), "darwin": ("avfoundation", "{}")}  # other systems have names only
ANSWER: Final = (10.0, 10.0)  # seconds that a device or an address may take to open, and to a frame


def rgb(frame: Any, size: Size | None = None, reformatter: Any = None) -> Array:
    """Return a frame of PyAV as ``(rows, cols, 3)`` uint8, red first, turned the way it is to be seen.

    Parameters
    ----------
    frame
        ``av.VideoFrame``.
    size
        ``(rows, cols)`` to scale to.
    reformatter
        ``av.video.reformatter.VideoReformatter``, one for all frames of a video: setting one up costs as much as
        decoding a frame.
    """
    turns = round(getattr(frame, "rotation", 0) / 90) % 4  # counter-clockwise, of which a phone makes a note
    rows, cols = (None, None) if size is None else size if turns % 2 == 0 else size[::-1]
    if reformatter is None:
        image = frame.to_ndarray(format="rgb24", width=cols, height=rows)
    else:
        image = reformatter.reformat(frame, width=cols, height=rows, format="rgb24").to_ndarray()
    return np.ascontiguousarray(np.rot90(image, turns)) if turns else np.asarray(image)


def opened(
    source: int | str, live: bool, size: Size | None, kind: str | None, options: Mapping[str, str], who: str
) -> tuple[Iterator[tuple[float, Array]], Any, dict[str, Any]]:
    """Return times and images, what closes them, and what is known of them.

    Raises
    ------
    StreamConfigError
        When there is no such camera.
    DataError
        When there is no video.
    MissingExtraError
        When PyAV is not installed.
    """
    av = optional("av", "video", who)
    path = source
    if isinstance(source, int):
        if kind is None and sys.platform not in CAMERAS:
            raise StreamConfigError(
                f"{who} got camera {source} with PyAV, wanted the name of one on this system.\n"
                "  Take driver='cv2', or give its name with format='dshow'."
            )
        default, name = CAMERAS.get(sys.platform, ("", "{}"))
        kind, path = kind or default, name.format(source)
    try:
        container = av.open(path, format=kind, options=dict(options), timeout=ANSWER if live else None)
    except (av.error.FFmpegError, ValueError) as error:
        raise _unopened(who, source, path, error) from error
    if not container.streams.video:
        kinds = sorted({stream.type for stream in container.streams})
        container.close()
        raise DataError(
            f"{who} found no video in {source!r}, wanted frames.\n  It has {', '.join(kinds) or 'nothing'} only."
        )
    stream = container.streams.video[0]
    stream.thread_type = "SLICE" if live else "AUTO"  # threads by frame keep some of them back
    fps = float(stream.average_rate or 0) or None
    told = {"fps": fps, "frames": stream.frames or None, "container": container, "stream": stream}
    frames = _Decoding(av, container, stream, source, size, who)
    return frames, frames.close, told


class _Decoding:
    """Frames, one by one; goes on behind one that cannot be decoded, which a generator could not."""

    def __init__(self, av: Any, container: Any, stream: Any, source: int | str, size: Size | None, who: str) -> None:
        self._errors = (av.error.FFmpegError, ValueError, LookupError)
        self._source, self._size, self._who, self._n = source, size, who, 0
        self._container, self._packets = container, container.demux(stream)
        self._frames: Iterator[Any] = iter(())
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._step = 1 / float(stream.average_rate or 25)

    def close(self) -> None:
        """Let go of the source. PyAV never frees what an iterator of packets has that is left before its end."""
        self._packets.close()
        self._frames = iter(())
        self._container.close()

    def __iter__(self) -> Iterator[tuple[float, Array]]:
        return self

    def __next__(self) -> tuple[float, Array]:
        try:
            while (frame := next(self._frames, None)) is None:
                self._frames = iter(next(self._packets).decode())
        except self._errors as error:
            raise DataError(
                f"{self._who} cannot decode what follows frame {self._n} of {self._source!r}: {_why(error)}\n"
                "  What can be is read behind it."
            ) from error
        self._n += 1
        time = (self._n - 1) * self._step if frame.time is None else float(frame.time)
        return time, rgb(frame, self._size, self._reformatter)


def _unopened(who: str, source: int | str, path: Any, error: Exception) -> Exception:
    if isinstance(source, int):
        return StreamConfigError(
            f"{who} got camera {source}, {path}, wanted one that opens: {_why(error)}\n"
            "  Check that it is plugged in, that no other program has it, and that you may read it."
        )
    return DataError(f"{who} got {source!r}, wanted a video: {_why(error)}\n  ffmpeg -i says what is in it.")


def _why(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error).rstrip(".") + "."
