"""Frames in NumPy's files: read at their place, so that a file may be larger than memory, and written as they come."""

from __future__ import annotations

import errno
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import DataError, HeadraceError, StreamConfigError
from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.layout import Array, Layout
from headrace.frames.base.options import check_dtype
from headrace.frames.base.paths import check_file
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.base.writer import Appended, FrameWriter, fitted
from headrace.sources.files_rows import example_file
from headrace.sources.formats import Archive, ArrayFile, Column, read_header
from headrace.sources.formats import Header as Head

_HEAD = 192  # bytes before the data: room for any number of frames, and a multiple of 64


class NumpyReader(FrameStream):
    """The frames of an ``.npy`` file, or of an array in an ``.npz`` archive.

    Parameters
    ----------
    file_ref
        The file. Its array is ``[time, row, col]``, ``[time, row, col, channel]`` or
        ``[batch, channel, time, row, col]``.
    size
        Ignored: it is that of the frames.
    pixel_per_degree, t_zero, dt, on_end
        As for :class:`FrameStream`.
    name
        Which array of an archive; by default its first. An ``.npy`` file has one, without a name.

    Raises
    ------
    StreamConfigError
        When there is no such file, or a ``name`` for an ``.npy`` file.
    DataError
        When it is no array of frames, or not all of it is there; at once, by its header.

    Notes
    -----
    Frames are read at their offset as they are wanted, not mapped: a mapping would crash the process when the file is
    cut short under it. Compressed archives are unpacked whole, and arrays in Fortran order are mapped.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import NumpyReader
    >>> np.save("noise.npy", np.zeros((1, 3, 9, 4, 5), "uint8"))
    >>> reader = NumpyReader("noise.npy")
    >>> reader.get(2).shape, reader[8].shape, len(reader), reader.size
    ((1, 3, 2, 4, 5), (4, 5, 3), 9, (4, 5))
    """

    def __init__(
        self,
        file_ref: Any,
        size: Any = None,
        pixel_per_degree: float = 10,
        *,
        name: str | None = None,
        t_zero: float = 0.0,
        dt: float = 0.001,
        on_end: OnEnd = "short",
    ) -> None:
        made: NumpyFrames = NumpyFrames(check_file("NumpyReader", file_ref, "file_ref"), name)
        layout: Layout | None = "5d" if made.header().five else None
        super().__init__(made, pixel_per_degree=pixel_per_degree, t_zero=t_zero, dt=dt, layout=layout, on_end=on_end)


@register("numpy_frames", example=lambda: NumpyFrames(example_file("frames.npy", _write_example)))
@recipe
class NumpyFrames(Footage):
    """The recipe of :class:`NumpyReader`."""

    who: ClassVar[str] = "NumpyReader"
    guard: ClassVar[str] = "file"

    path: Path
    name: str | None = None

    def __post_init__(self) -> None:
        self.fix(path=check_file("NumpyReader", self.path, "file_ref"))

    def header(self) -> NumpyHeader:
        found = super().header()
        assert isinstance(found, NumpyHeader)
        return found

    def reader(self) -> FrameReader:
        try:
            return _Reader(self.path, self.name)
        except HeadraceError:
            raise
        except Exception as error:  # whatever NumPy and zipfile say of bytes that are none of theirs
            # Of the system's errors that is one of damage: a place before the beginning of the file.
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            raise DataError(
                f"NumpyReader got {str(self.path)!r}, which cannot be read: {type(error).__name__}: {error}, wanted a "
                "file of numpy.save or numpy.savez.\n  Save it again: numpy.save(path, frames)."
            ) from error


@dataclass(frozen=True)
class NumpyHeader(Header):
    """A header that knows whether the file has five axes, time in the middle."""

    shape: tuple[int, ...]
    five: bool = False


class _Reader(FrameReader):
    header: NumpyHeader

    def __init__(self, path: Path, name: str | None) -> None:
        zipped = zipfile.is_zipfile(path)
        self.source = ArrayFile(path, f"NumpyReader({str(path)!r})")
        try:
            if zipped:
                first = _first(path) if name is None else name
                archive = Archive(self.source, None if first is None else (first,), True)
                archive.allow_pickle = False  # objects are looked at below, and never loaded
                (self.column,) = archive.columns.values()
                self._check_kind(self.column)
                archive.load()
            else:
                if name is not None:
                    raise StreamConfigError(
                        f"NumpyReader(name=) got {name!r} for {str(path)!r}, which holds one array, wanted None.\n"
                        "  A name chooses an array of an .npz archive."
                    )
                head = read_header(self.source.file)
                self._check_kind(head)
                self.column = Column(head, self.source, self.source.file.tell())
            self.header = _described(self.column)
            self.file = None if self.column.array is not None else self.source.file.fileno()
        except BaseException:
            self.source.close()
            raise

    def _check_kind(self, head: Head | Column) -> None:
        shape, dtype = head.shape, head.dtype
        if dtype.hasobject:
            raise DataError(
                f"{self.source.who} got an array of Python objects of shape {shape}, wanted numbers: loading objects can run "
                "any code.\n  Save them as one array of numbers, numpy.save(path, numpy.stack(frames))."
            )
        if len(shape) not in (3, 4, 5) or min(shape) < 0 or dtype.kind not in "buif":
            raise DataError(
                f"{self.source.who} got an array of {dtype} of shape {shape}, wanted numbers as [time, row, col], "
                "[time, row, col, channel] or [batch, channel, time, row, col].\n"
                "  Save such an array, or reshape it: a single image is image[None]."
            )

    def read(self, lo: int, hi: int) -> Array:
        column, header = self.column, self.header
        if column.fortran:  # mapped: where the file was cut short, reading would end the process
            self.check()
        if not header.five:
            return column.read(lo, hi).astype(header.dtype, copy=False)
        if column.array is not None or column.fortran:
            found = np.moveaxis(np.array(column.whole()[:, :, lo:hi]), 2, 0)
        else:
            found = self._stretches(lo, hi)
        found = np.moveaxis(found, 2, 4).reshape(hi - lo, *header.shape)
        return found.astype(header.dtype, copy=False)

    def _stretches(self, lo: int, hi: int) -> Array:
        """Return ``[time, batch, channel, row, col]``: in the file the time of each channel lies in one stretch."""
        column = self.column
        batches, channels, n, rows, cols = column.shape
        each = rows * cols * column.dtype.itemsize
        found = np.empty((batches, channels, hi - lo, rows, cols), column.dtype)
        for k in range(batches * channels):
            raw = column.source.read(column.offset + (k * n + lo) * each, (hi - lo) * each)
            found[k // channels, k % channels] = raw.view(column.dtype).reshape(hi - lo, rows, cols)
        return np.moveaxis(found, 2, 0)

    def close(self) -> None:
        self.source.close()


def _described(column: Column) -> NumpyHeader:
    shape, dtype = column.shape, column.dtype.newbyteorder("=")
    if len(shape) < 5:
        return NumpyHeader(shape[0], shape[1:], dtype)
    batches, channels, n, rows, cols = shape
    frame: tuple[int, ...] = (batches, rows, cols, channels)
    if batches == 1:
        frame = frame[1:] if channels > 1 else (rows, cols)
    return NumpyHeader(n, frame, dtype, five=True)


def _first(path: Path) -> str | None:
    """Return the name of the first array of an archive; None where it has none, which is said elsewhere."""
    with zipfile.ZipFile(path) as archive:
        return next((name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")), None)


class NumpyWriter(FrameWriter):
    """Frames into an ``.npy`` file, as they come: after each put the file is whole.

    Parameters
    ----------
    file_ref
        The file; one that is there is replaced, when the first frame comes or it is closed without any.
    size
        Rows and columns; by default those of the first frame.
    dtype
        Of the values in the file; by default that of the first block.

    Raises
    ------
    StreamConfigError
        When the file cannot be written, or ``size`` or ``dtype`` is none.
    DataError
        While writing: frames of another shape, or with a value that ``dtype`` cannot hold; floats may be rounded.

    Notes
    -----
    The array is ``[time, row, col]``, in colour ``[time, row, col, channel]``.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import NumpyWriter
    >>> with NumpyWriter("out.npy") as writer:
    ...     for _ in range(3):
    ...         writer.put(np.ones((2, 4, 5), "float32"))
    >>> np.load("out.npy").shape
    (6, 4, 5)
    """

    def __init__(self, file_ref: Any, size: Any = None, *, dtype: Any = None) -> None:
        super().__init__(size)
        self._dtype = None if dtype is None else check_dtype("NumpyWriter", "dtype", dtype)
        self._file = Appended("NumpyWriter", "file_ref", file_ref, _HEAD)  # closed by finish()
        self._claim = self._file.claim

    def take(self, frames: Array) -> None:
        if self._dtype is None:
            self._dtype = frames.dtype.newbyteorder("=")
        made = fitted(frames, self._dtype, "NumpyWriter")
        self._file.append(made, self._head(self.written + len(frames), frames.shape[1:]))

    def _head(self, n: int, frame: tuple[int, ...]) -> bytes:
        """Return what stands before the data."""
        descr = (np.dtype(np.float32) if self._dtype is None else self._dtype).str
        told = repr({"descr": descr, "fortran_order": False, "shape": (n, *frame)}).encode()
        length = _HEAD - 10
        return b"\x93NUMPY\x01\x00" + length.to_bytes(2, "little") + told.ljust(length - 1) + b"\n"

    def finish(self) -> None:
        try:
            if not self.written and not self._file.claim.spared:
                self._file.begin(self._head(0, self.size or (0, 0)))
        finally:
            self._file.close()


def _write_example(path: Path) -> None:
    np.save(path, np.arange(20 * 3 * 4, dtype=np.float32).reshape(20, 3, 4))
