"""Frames written to HDF5 files."""

from __future__ import annotations

from typing import Any

import numpy as np

from headrace.core.optional import optional
from headrace.core.refused import FULL, refused
from headrace.errors import DataError, HeadraceError, SinkError
from headrace.frames.base.claimed import Claim
from headrace.frames.base.hdf5_room import CACHE, Room
from headrace.frames.base.layout import Array
from headrace.frames.base.options import check_dtype
from headrace.frames.base.paths import check_target
from headrace.frames.base.writer import FrameWriter, fitted
from headrace.frames.files.hdf5 import check_name

MOST = 200  # frames of a chunk
CHUNK = 1 << 20  # bytes of a chunk


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
        Of the values in the file; by default that of the dataset that is there, float32 for a new one.

    Raises
    ------
    StreamConfigError
        When the folder is not there, or ``data_set_name``, ``size`` or ``dtype`` is none.
    DataError
        When the file is none of HDF5, or the dataset that is there is none of frames that can grow, or of another ``dtype``.
        While writing: frames of another shape, or with a value that ``dtype`` cannot hold; floats may be rounded.
    SinkError
        When the file may not be written, or the disk is full: the frames of this call are not taken, all before them are
        kept. When another writer of this program has begun the dataset.
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

    _claim: Claim

    def __init__(self, filename: Any, data_set_name: str = "images", size: Any = None, *, dtype: Any = None) -> None:
        super().__init__(size)
        h5py: Any = optional("h5py", "frames", "HDF5Writer")
        self._name = check_name("HDF5Writer", data_set_name)
        self._wanted = None if dtype is None else check_dtype("HDF5Writer", "dtype", dtype)
        self._dtype = np.dtype(np.float32) if self._wanted is None else self._wanted
        path = check_target("HDF5Writer", "filename", filename)
        self._claim = Claim("HDF5Writer", path, self._name.strip("/"))
        new = not path.exists()
        try:
            self._file = h5py.File(path, "a", rdcc_nbytes=CACHE)
        except OSError as error:
            if new:
                path.unlink(missing_ok=True)  # of a full disk: what is left is no HDF5 file
            if error.errno in FULL or isinstance(error, PermissionError):
                raise refused("HDF5Writer", path, error) from error
            raise DataError(
                f"HDF5Writer(filename) got {str(filename)!r}, which cannot be written: {error}, wanted an HDF5 file or a new name.\n"
                "  Another program may have it open, or it was not closed when it was written."
            ) from error
        try:
            self._room = Room(self._file, "HDF5Writer", str(path))
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
        there = np.dtype(found.dtype)
        wanted = there if self._wanted is None else self._wanted
        if wanted.newbyteorder("=") != there.newbyteorder("="):
            raise DataError(
                f"HDF5Writer(dtype=) got {wanted} for {self._name!r}, which is {there} in this file, wanted {there}.\n"
                "  Leave dtype= away, or choose another name."
            )
        self.goes_on(tuple(map(int, found.shape[1:])))
        self._dtype = there
        return found

    def take(self, frames: Array) -> None:
        if 0 in frames.shape:
            raise DataError(
                f"HDF5Writer.put got frames of shape {frames.shape[1:]}, wanted some that have pixels: HDF5 keeps no others.\n"
                "  NumpyWriter takes them."
            )
        made = fitted(frames, self._dtype, "HDF5Writer")
        self._claim.take()
        if self._data is None:
            self._data = self._create(made[0].nbytes, made.shape[1:])
        n = self._data.shape[0]
        try:
            self._room.rows(len(made), self._data)
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
            if self._data is None and not self._claim.spared:
                self._claim.take()
                if self.size is None:
                    self._file.create_dataset(self._name, (0, 0, 0), self._dtype)
                else:
                    self._create(0, self.size)
        finally:
            self._room.close()
            self._claim.release()
