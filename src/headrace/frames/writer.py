"""What every writer of frames shares: blocks or single frames in, one size, closed once."""

from __future__ import annotations

from io import FileIO
from pathlib import Path
from threading import RLock
from typing import Any

import numpy as np

from headrace.core.closing import Closing
from headrace.errors import ClosedError, DataError, StreamConfigError
from headrace.frames.layout import Array, as_array, check_size, framed
from headrace.frames.narrow import fitting


class FrameWriter(Closing):
    """Frames into a file: blocks by :meth:`put`, single frames by :meth:`write`, so that it is a sink of any stream.

    A subclass writes :meth:`take` and :meth:`finish`.

    Parameters
    ----------
    size
        Rows and columns of every frame; None for those of the first.

    Attributes
    ----------
    size : tuple of int or None
        Rows and columns.
    written : int
        How many frames it has taken.

    Examples
    --------
    >>> import numpy as np, headrace as hr
    >>> from headrace.frames import NumpyReader, NumpyWriter
    >>> with NumpyWriter("film.npy") as writer:
    ...     writer.put(np.zeros((7, 4, 5)))  # a block
    ...     hr.drain(np.ones((3, 4, 5)), writer)  # any stream of frames
    3
    >>> len(NumpyReader("film.npy")), writer.written, writer.size
    (10, 10, (4, 5))
    """

    size: tuple[int, int] | None
    written: int

    def __init__(self, size: Any = None) -> None:
        self.size = None if size is None else check_size(type(self).__name__, size)
        self.written = 0
        self._shape: tuple[int, ...] | None = None
        self._closed = False
        self._whole = RLock()  # of several threads each puts whole blocks

    def take(self, frames: Array) -> None:
        """Write columns of frames, ``(n, rows, cols[, channels])``, all of one shape: at least one."""
        raise NotImplementedError(f"{type(self).__name__} needs a method take(frames)")

    def goes_on(self, shape: tuple[int, ...]) -> None:
        """Take over the shape of the frames that are in the file already, for subclasses."""
        self._shape = shape
        if self.size is None:
            self.size = (shape[0], shape[1])

    def finish(self) -> None:
        """Make the file whole and let go of it. Called once."""

    def put(self, s: Any) -> None:
        """Write a block of frames.

        Parameters
        ----------
        s
            ``[time, row, col]`` or ``[batch, channel, time, row, col]``, an array or a tensor; batches come one behind
            the other in time.

        Raises
        ------
        DataError
            When it is no block, or its frames have another shape than those before.
        ClosedError
            After :meth:`close`.
        """
        self._write(framed(s, f"{type(self).__name__}.put", joined=True))

    def write(self, item: Any) -> None:
        """Write one frame, ``(rows, cols)`` or ``(rows, cols, channels)``: what a stream of frames gives."""
        frame = as_array(item)
        if frame.ndim not in (2, 3) or frame.dtype.kind not in "buif":
            raise DataError(
                f"{type(self).__name__}.write got {frame.dtype} of shape {frame.shape}, wanted one frame (rows, cols) or "
                "(rows, cols, channels).\n  For a block of frames use put."
            )
        self._write(frame[np.newaxis])

    def _write(self, frames: Array) -> None:
        with self._whole:
            if self._closed:
                raise ClosedError(
                    f"{type(self).__name__} got frames after close(), wanted them before.\n  Make a new one, or close it later."
                )
            if not len(frames):
                return
            shape = frames.shape[1:]
            if shape[:2] != (self.size or shape[:2]) or (self._shape is not None and shape != self._shape):
                wanted = self._shape or self.size
                raise DataError(
                    f"{type(self).__name__} got frames of shape {shape}, wanted {wanted}, rows first.\n"
                    "  Crop or pad them before; another shape wants another file."
                )
            self.take(frames)
            # Now, since nothing is settled by frames that were refused.
            self._shape, self.size = shape, (shape[0], shape[1])
            self.written += len(frames)

    def close(self) -> None:
        """Finish the file, once no thread is writing. Twice is fine."""
        with self._whole:
            if not self._closed:
                self._closed = True
                self.finish()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {self.written} frames written>"


def fitted(frames: Array, dtype: np.dtype[Any], who: str) -> Array:
    """Return frames as the file has them, in rows, or raise DataError when its type cannot hold them."""
    advice = "Choose a wider dtype= for the file, or bring them into its range before."
    return np.ascontiguousarray(fitting(frames, dtype, f"{who}.put", "as the file has it", advice))


def check_target(who: str, option: str, path: Any) -> Path:
    """Return the absolute path of a file to be written, or raise StreamConfigError when it cannot be one."""
    try:
        found = Path(path).absolute()
    except TypeError:
        raise StreamConfigError(f"{who}({option}) got {path!r}, wanted the path of a file.") from None
    if found.is_dir() or not found.parent.is_dir():
        what = "is a folder" if found.is_dir() else "lies in a folder that is not there"
        raise StreamConfigError(
            f"{who}({option}) got {str(path)!r}, which {what}, wanted a file that can be written.\n"
            f"  The current folder is {Path.cwd()}."
        )
    return found


def opened(who: str, option: str, path: Any) -> FileIO:
    """Return a new file, open for writing without a buffer; raises StreamConfigError where there can be none."""
    found = check_target(who, option, path)
    try:
        return open(found, "wb", buffering=0)
    except (OSError, ValueError) as error:
        raise StreamConfigError(
            f"{who}({option}) got {str(path)!r}, which cannot be written: {error}, wanted a file that can.\n"
            "  Choose another name or folder."
        ) from error
