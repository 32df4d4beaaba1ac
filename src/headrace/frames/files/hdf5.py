"""Frames in HDF5 files."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.optional import optional
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import DataError, HeadraceError, SinkError, StreamConfigError
from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.layout import Array
from headrace.frames.base.options import check_dtype
from headrace.frames.base.paths import check_file, check_target
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.base.writer import FrameWriter, fitted
from headrace.frames.files.hdf5_room import CACHE, Room
from headrace.sources.files_rows import example_file

MOST = 200  # frames of a chunk
CHUNK = 1 << 20  # bytes of a chunk


class HDF5Reader(FrameStream):
    """The frames of a dataset in an HDF5 file, read as they are wanted.

    Parameters
    ----------
    filename
        The file.
    data_set_name
        The dataset: ``[time, row, col]`` or ``[time, row, col, channel]``.
    pixel_per_degree, t_zero, dt, on_end
        As for :class:`FrameStream`.

    Raises
    ------
    StreamConfigError
        When there is no such file, or ``data_set_name`` is none.
    DataError
        When it is no HDF5 file, or has no such dataset of frames; at once. While running, when it is damaged.
    MissingExtraError
        Without h5py: ``pip install 'headrace[frames]'``.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import HDF5Reader, HDF5Writer
    >>> with HDF5Writer("film.h5") as writer:
    ...     writer.put(np.zeros((7, 4, 5)))
    >>> reader = HDF5Reader("film.h5")
    >>> reader.get(2).shape, len(reader), reader.spec[""].dtype
    ((2, 4, 5), 7, '<f4')
    """

    def __init__(
        self,
        filename: Any,
        data_set_name: str = "images",
        *,
        pixel_per_degree: float = 10,
        t_zero: float = 0.0,
        dt: float = 0.001,
        on_end: OnEnd = "short",
    ) -> None:
        super().__init__(
            HDF5Frames(check_file("HDF5Reader", filename), data_set_name),
            pixel_per_degree=pixel_per_degree,
            t_zero=t_zero,
            dt=dt,
            on_end=on_end,
        )


@register("hdf5_frames", example=lambda: HDF5Frames(example_file("frames.h5", _write_example)))
@recipe
class HDF5Frames(Footage):
    """The recipe of :class:`HDF5Reader`."""

    who: ClassVar[str] = "HDF5Reader"
    guard: ClassVar[str] = "header"  # another dataset of the file may be written meanwhile

    path: Path
    name: str = "images"

    def __post_init__(self) -> None:
        self.fix(path=check_file("HDF5Reader", self.path), name=_check_name("HDF5Reader", self.name))

    def reader(self) -> FrameReader:
        return _Reader(self.path, self.name)


class _Reader(FrameReader):
    def __init__(self, path: Path, name: str) -> None:
        h5py: Any = optional("h5py", "frames", "HDF5Reader")
        try:
            self.file = h5py.File(path, "r")
        except OSError as error:
            if error.errno is not None and error.errno in errno.errorcode:
                raise  # the system's word, not HDF5's
            raise DataError(
                f"HDF5Reader got {path.name!r}, which is no HDF5 file that can be read: {error}, wanted one.\n"
                "  A file that was not closed when it was written cannot be."
            ) from error
        self.path, self.name = path, name
        try:
            self.data = self._found(h5py.Dataset)
        except BaseException as error:
            self.file.close()
            if isinstance(error, HeadraceError) or not isinstance(error, Exception):
                raise
            raise self._damaged(error) from error
        shape, dtype = self.data.shape, self.data.dtype
        self.header = Header(int(shape[0]), tuple(map(int, shape[1:])), np.dtype(dtype).newbyteorder("="))

    def _found(self, dataset: type[Any]) -> Any:
        """Return the dataset, when it is one of frames."""
        found = self.file.get(self.name)
        if isinstance(found, dataset) and found.ndim in (3, 4) and found.dtype.kind in "buif":
            return found
        told = ", ".join(map(repr, self.file)) or "nothing"
        got = f"{found.dtype} of shape {found.shape}" if isinstance(found, dataset) else "none"
        raise DataError(
            f"HDF5Reader(data_set_name=) got {self.name!r}, which is {got} in {self.path.name!r}, wanted a dataset of "
            f"frames, [time, row, col].\n  The file holds {told}."
        )

    def _damaged(self, error: Exception) -> DataError:
        return DataError(
            f"HDF5Reader got {self.path.name!r}, whose {self.name!r} cannot be read: {type(error).__name__}: {error}, wanted a "
            "whole file.\n"
            "  Parts of the file are damaged, or it was changed while it was read: h5dump -H shows what is left."
        )

    def read(self, lo: int, hi: int) -> Array:
        try:
            found = np.asarray(self.data[lo:hi])
        except Exception as error:  # OSError, RuntimeError, ValueError, KeyError: whatever HDF5 says of broken bytes
            raise self._damaged(error) from error
        return found.astype(self.header.dtype, copy=False)

    def close(self) -> None:
        self.file.close()


class HDF5Writer(FrameWriter):
    """Frames into a dataset of an HDF5 file, compressed; those of a dataset that is there already stay in front.

    Parameters
    ----------
    filename
        The file; what else is in it is left alone.
    data_set_name
        The dataset.
    size
        Rows and columns; by default those of the first frame.
    dtype
        Of the values in the file.

    Raises
    ------
    StreamConfigError
        When the folder is not there, or ``data_set_name``, ``size`` or ``dtype`` is none.
    DataError
        When the file is none of HDF5, or the dataset that is there is none of frames that can grow. While writing: frames
        of another shape, or with a value that ``dtype`` cannot hold; floats may be rounded.
    SinkError
        When the disk is full: the frames of this call are not taken, all before them are kept.
    MissingExtraError
        Without h5py.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import HDF5Reader, HDF5Writer
    >>> for _ in range(2):
    ...     with HDF5Writer("sessions.h5", "left") as writer:
    ...         writer.put(np.zeros((3, 4, 5)))
    >>> len(HDF5Reader("sessions.h5", "left"))
    6
    """

    def __init__(
        self, filename: Any, data_set_name: str = "images", size: Any = None, *, dtype: Any = np.float32
    ) -> None:
        super().__init__(size)
        h5py: Any = optional("h5py", "frames", "HDF5Writer")
        self._name, self._dtype = _check_name("HDF5Writer", data_set_name), check_dtype("HDF5Writer", "dtype", dtype)
        path = check_target("HDF5Writer", "filename", filename)
        new = not path.exists()
        try:
            self._file = h5py.File(path, "a", rdcc_nbytes=CACHE)
        except OSError as error:
            if new:
                path.unlink(missing_ok=True)  # of a full disk: what is left is no HDF5 file
            raise DataError(
                f"HDF5Writer(filename) got {str(filename)!r}, which cannot be written: {error}, wanted an HDF5 file or a new name.\n"
                "  Another program may have it open, it was not closed when it was written, or the disk is full."
            ) from error
        try:
            self._room = Room(self._file, "HDF5Writer", str(filename))
            self._data: Any = self._there(h5py.Dataset)
        except BaseException as error:
            self._file.close()
            if new:
                path.unlink(missing_ok=True)
            if isinstance(error, HeadraceError) or not isinstance(error, Exception):
                raise
            raise DataError(
                f"HDF5Writer(filename) got {str(filename)!r}, whose {self._name!r} cannot be read: {error}, wanted a whole file.\n"
                "  Parts of it are damaged: write to another one."
            ) from error

    def _there(self, dataset: type[Any]) -> Any:
        """Return the dataset that is there already, None where there is none with frames in it."""
        found = self._file.get(self._name)
        if found is None:
            return None
        frames = isinstance(found, dataset) and found.ndim in (3, 4) and found.dtype.kind in "buif"
        if frames and not found.shape[0]:
            del self._file[self._name]  # of no frames: the first ones say of which shape
            return None
        if not frames or found.maxshape[0] is not None:
            what = f"{found.dtype} of shape {found.shape}" if isinstance(found, dataset) else "a group"
            raise DataError(
                f"HDF5Writer(data_set_name=) got {self._name!r}, which is {what} in this file, wanted frames that can grow.\n"
                "  Choose another name; a dataset grows when it was made with maxshape=(None, rows, cols)."
            )
        self.goes_on(tuple(map(int, found.shape[1:])))
        self._dtype = np.dtype(found.dtype)
        return found

    def take(self, frames: Array) -> None:
        if 0 in frames.shape:
            raise DataError(
                f"HDF5Writer.put got frames of shape {frames.shape[1:]}, wanted some that have pixels: HDF5 keeps no others.\n"
                "  NumpyWriter takes them."
            )
        made = fitted(frames, self._dtype, "HDF5Writer")
        if self._data is None:
            self._data = self._create(made[0].nbytes, made.shape[1:])
        n = self._data.shape[0]
        try:
            self._room.rows(self._data, len(made))
        except SinkError:
            if not n:  # the next frames may have another shape
                del self._file[self._name]
                self._data = None
            raise
        self._data.resize(n + len(made), axis=0)
        self._data[n:] = made

    def _create(self, nbytes: int, shape: tuple[int, ...]) -> Any:
        chunk = max(1, min(MOST, CHUNK // max(1, nbytes)))
        return self._file.create_dataset(
            self._name,
            (0, *shape),
            self._dtype,
            maxshape=(None, *shape),
            chunks=(chunk, *(max(1, n) for n in shape)),
            compression="gzip",
        )

    def finish(self) -> None:
        try:
            if self._data is None and self.size is None:
                self._file.create_dataset(self._name, (0, 0, 0), self._dtype)
            elif self._data is None:
                self._create(0, self.size or ())
        finally:
            self._room.close()


def _check_name(who: str, name: Any) -> str:
    if not isinstance(name, str) or not name:
        raise StreamConfigError(
            f"{who}(data_set_name=) got {name!r}, wanted the name of a dataset, such as 'images'.\n"
            "  h5dump -n tells which names a file has."
        )
    return name


def _write_example(path: Path) -> None:
    with HDF5Writer(path) as writer:
        writer.put(np.arange(20 * 3 * 4, dtype=np.float32).reshape(20, 3, 4))
