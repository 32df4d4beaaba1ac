"""What every writer of frames shares: blocks or single frames in, one size, closed once."""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO
from threading import RLock
from typing import Any

import numpy as np

from headrace.core.closing import Closing
from headrace.core.handle import AsStream
from headrace.core.refused import refused
from headrace.core.stream import Stream
from headrace.errors import ClosedError, DataError, StreamConfigError
from headrace.frames.base.claimed import Claim
from headrace.frames.base.layout import Array, as_array, check_size, framed
from headrace.frames.base.narrow import fitting
from headrace.frames.base.paths import check_target


class FrameWriter(Closing):
    """Frames into a file: blocks by :meth:`put`, single frames by :meth:`write`, so that it is a sink of any stream.

    A subclass writes :meth:`take` and :meth:`finish`. The file is that of the process which made the writer: one that is
    forked from it can neither write nor close it.

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

    Raises
    ------
    StreamConfigError
        When ``size`` is no pair of whole numbers.

    Notes
    -----
    A file has one writer of a program at a time, from its first frame on: another one is refused then. :func:`headrace.drain`
    refuses frames that are read from the file itself; a loop of one's own must not put them into it.

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
    _claim: Claim | None = None  # to its file

    def __init__(self, size: Any = None) -> None:
        self.size = None if size is None else check_size(type(self).__name__, size)
        self.written = 0
        self._shape: tuple[int, ...] | None = None
        self._told: tuple[int | None, ...] | None = None  # the shape of the frames that are drained, where they say it
        self._closed = False
        self._process = os.getpid()
        self._whole = RLock()  # of several threads each puts whole blocks

    def check_source(self, source: Any) -> None:
        """Raise StreamConfigError when frames are read from the file itself, or items are blocks; asked by :func:`headrace.drain`."""
        if self._claim is not None:
            self._claim.check_source(source)
        made = source.__recipe__() if isinstance(source, AsStream) else source
        field = (made.spec or {}).get("") if isinstance(made, Stream) else None
        self._told = None if field is None else field.shape
        if field is not None and field.dims[:1] in (("item",), ("time",)):
            if self._claim is not None:
                self._claim.spare()
            raise StreamConfigError(
                f"{type(self).__name__} got a stream of blocks of frames, {', '.join(field.dims)} of {field.shape}, wanted one "
                "of frames.\n  Drain it without batch or window, or give each block to put()."
            )

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
            After :meth:`close`, and in a process that was forked: the file is its parent's.
        SinkError
            When the file cannot be written, as on a full disk.
        """
        self._write(framed(s, f"{type(self).__name__}.put", joined=True))

    def write(self, item: Any) -> None:
        """Write one frame, ``(rows, cols)`` or ``(rows, cols, channels)``: what a stream of frames gives.

        A frame of more than four channels looks like a block: :meth:`put` takes it, ``put(frame[None])``. It is taken here
        behind others of its shape, and where a stream that is drained says in its ``spec`` that it has such.

        Raises
        ------
        DataError
            When it is no frame, or has another shape than those before.
        ClosedError, SinkError
            As for :meth:`put`.
        """
        frame = as_array(item)
        shape = frame.shape
        many = len(shape) == 3 and shape[2] > 4 and shape not in (self._shape, self._told)
        if many or frame.ndim not in (2, 3) or frame.dtype.kind not in "buif" or isinstance(item, AsStream):
            raise DataError(
                f"{type(self).__name__}.write got {frame.dtype} of shape {shape}, wanted one frame (rows, cols) or "
                "(rows, cols, channels) of up to four channels.\n"
                "  For a block of frames use put(); for a frame of more channels put(frame[None])."
            )
        self._write(frame[np.newaxis])

    def _write(self, frames: Array) -> None:
        if self._process != os.getpid():  # first: in a forked child nobody may ever let go of the lock
            raise ClosedError(
                f"{type(self).__name__} got frames in a process that was forked, wanted them in the one that made it: two "
                "would write over each other.\n  Make a writer, and a file, in each process."
            )
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
        """Finish the file, once no thread is writing. Twice is fine; a forked child leaves it to its parent.

        Raises
        ------
        SinkError
            When what is left cannot be written; the file is let go of then, too.
        """
        if self._process != os.getpid():
            return
        with self._whole:
            if not self._closed:
                self._closed = True
                self.finish()

    def __reduce__(self) -> Any:
        raise not_sent(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}, {self.written} frames written>"


def not_sent(writer: Any) -> TypeError:
    """Return the error of a writer that is pickled: its file is open here."""
    who = type(writer).__name__
    return TypeError(
        f"{who} got pickled with its file open, wanted a writer, and a file, in each process.\n"
        f"  Send the name of the file and the options, and call {who}(...) with them there."
    )


def fitted(frames: Array, dtype: np.dtype[Any], who: str) -> Array:
    """Return frames as the file has them, in rows, or raise DataError when its type cannot hold them."""
    advice = "Choose a wider dtype= for the file, or bring them into its range before."
    return np.ascontiguousarray(fitting(frames, dtype, f"{who}.put", "as the file has it", advice))


class Appended:
    """A file that begins with a head and grows at its end: both are written as frames come, so that it is always whole.

    Parameters
    ----------
    who, option
        What messages begin with.
    path
        The file. It is opened at once; one that is there is emptied when the first bytes are written, and not before.
    behind
        How many bytes the head has: where the data begin.

    Attributes
    ----------
    claim : Claim
        To the file.

    Raises
    ------
    StreamConfigError
        When it cannot be written.
    SinkError
        While writing, when the disk takes no more: what was written before stays; or when another writer has begun it.

    Examples
    --------
    >>> from pathlib import Path
    >>> file = Appended("NumpyWriter", "file_ref", "letters.txt", behind=2)
    >>> file.append(np.frombuffer(b"abc", "u1"), b"3:")
    >>> file.append(np.frombuffer(b"de", "u1"), b"5:")
    >>> file.close()
    >>> Path("letters.txt").read_bytes()
    b'5:abcde'
    """

    def __init__(self, who: str, option: str, path: Any, behind: int) -> None:
        found = check_target(who, option, path)
        try:
            self._file = FileIO(os.open(found, _FLAGS, 0o666), "wb")
        except (OSError, ValueError) as error:
            raise StreamConfigError(
                f"{who}({option}) got {str(path)!r}, which cannot be written: {error}, wanted a file that can.\n"
                "  Choose another name or folder."
            ) from error
        self._who = who
        self.claim: Claim = Claim(who, found)
        self._behind, self._begun = behind, False

    def append(self, data: Array, head: bytes) -> None:
        """Write an array behind what is there, and then the head that counts it."""
        self.claim.take()
        try:
            self._write_at(self._behind, data.reshape(-1).view(np.uint8).data)
            self.begin(head)
        except BaseException:
            with suppress(OSError):  # what went half into it is out again
                self._file.truncate(self._behind)
            raise
        self._behind += data.nbytes

    def begin(self, head: bytes) -> None:
        """Write the head."""
        self.claim.take()
        self._write_at(0, memoryview(head))

    def _write_at(self, place: int, data: memoryview) -> None:
        try:
            if not self._begun:
                self._file.truncate(0)
                self._begun = True
            self._file.seek(place)
            while len(data):
                data = data[self._file.write(data) :]
        except OSError as error:
            raise refused(self._who, self.claim.path, error) from error

    def close(self) -> None:
        """Let go of the file."""
        self.claim.release()
        self._file.close()


_FLAGS = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
