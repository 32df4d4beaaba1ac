"""Frames in HDF5 files."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar
from zlib import crc32

import numpy as np

from headrace.core.optional import optional
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import DataError, HeadraceError, StreamConfigError
from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.layout import Array
from headrace.frames.base.paths import check_file
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.sources.files_rows import example_file

SEEN = 1 << 16  # bytes of the first chunk that tell a dataset from another


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
        self.fix(path=check_file("HDF5Reader", self.path), name=check_name("HDF5Reader", self.name))

    def reader(self) -> FrameReader:
        return _Reader(self.path, self.name)

    def _same(self, reader: FrameReader) -> bool:
        """Tell whether the dataset is the one that was there, perhaps with frames put behind."""
        known = self.header()
        assert isinstance(known, HDF5Header)
        assert isinstance(reader, _Reader)
        new = reader.header
        if new.frames == known.frames or known.first is None:  # of a chunk that is full nothing is written again
            kept = new.sample == known.sample and (new.stored == known.stored or new.frames > known.frames)
        else:
            kept = known.first == reader.first()
        return super()._same(reader) and kept


@dataclass(frozen=True)
class HDF5Header(Header):
    """A header that knows how the dataset lies in the file.

    Attributes
    ----------
    stored : int
        Bytes that it takes.
    sample : int
        A checksum of the first of them.
    first : int or None
        Of the first frame, where more may come into its chunk.
    """

    stored: int
    sample: int
    first: int | None


class _Reader(FrameReader):
    header: HDF5Header

    def __init__(self, path: Path, name: str) -> None:
        h5py: Any = optional("h5py", "frames", "HDF5Reader")
        try:
            self.opened = h5py.File(path, "r")
        except OSError as error:
            if error.errno is not None and error.errno in errno.errorcode:
                raise  # the system's word, not HDF5's
            raise DataError(
                f"HDF5Reader got {str(path)!r}, which is no HDF5 file that can be read: {error}, wanted one.\n"
                "  A file that was not closed when it was written cannot be."
            ) from error
        self.path, self.name = path, name
        try:
            self.data = self._found(h5py.Dataset)
        except BaseException as error:
            self.opened.close()
            if isinstance(error, HeadraceError) or not isinstance(error, Exception):
                raise
            raise self._damaged(error) from error
        shape, dtype = self.data.shape, self.data.dtype.newbyteorder("=")
        self.file = path
        try:
            self.header = HDF5Header(int(shape[0]), tuple(map(int, shape[1:])), dtype, *self._stored())
        except Exception as error:
            self.opened.close()
            raise self._damaged(error) from error

    def _stored(self) -> tuple[int, int, int | None]:
        """Return what the header says of how the dataset lies in the file."""
        data, place = self.data, None
        kept, chunk = data.id, data.chunks
        if data.shape[0] and chunk:
            told = kept.get_chunk_info_by_coord((0,) * data.ndim)
            place = None if told.byte_offset is None else (told.byte_offset, told.size)
        elif kept.get_offset() is not None:
            place = kept.get_offset(), kept.get_storage_size()
        if place is None:  # not written yet, or in the head of the file, or in others
            return kept.get_storage_size(), 0, self.first()
        with open(self.path, "rb", buffering=0) as file:
            file.seek(place[0])
            sample = crc32(file.read(min(SEEN, place[1])))
        growing = bool(chunk) and data.shape[0] < chunk[0]
        return kept.get_storage_size(), sample, self.first() if growing else None

    def first(self) -> int:
        """Return a checksum of the first frame; of none where it cannot be read, which reading it says."""
        try:
            return crc32(np.asarray(self.data[:1]).tobytes())
        except Exception:
            return 0

    def _found(self, dataset: type[Any]) -> Any:
        """Return the dataset, when it is one of frames."""
        found = self.opened.get(self.name)
        if isinstance(found, dataset) and found.ndim in (3, 4) and found.dtype.kind in "buif":
            return found
        told = ", ".join(map(repr, self.opened)) or "nothing"
        got = f"{found.dtype} of shape {found.shape}" if isinstance(found, dataset) else "none"
        raise DataError(
            f"HDF5Reader(data_set_name=) got {self.name!r}, which is {got} in {str(self.path)!r}, wanted a dataset of "
            f"frames, [time, row, col].\n  The file holds {told}."
        )

    def _damaged(self, error: Exception) -> DataError:
        return DataError(
            f"HDF5Reader got {str(self.path)!r}, whose {self.name!r} cannot be read: {type(error).__name__}: {error}, wanted a "
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
        self.opened.close()


def check_name(who: str, name: Any) -> str:
    """Return the name of a dataset, or raise StreamConfigError when it is none."""
    if not isinstance(name, str) or not name:
        raise StreamConfigError(
            f"{who}(data_set_name=) got {name!r}, wanted the name of a dataset, such as 'images'.\n"
            "  h5dump -n tells which names a file has."
        )
    return name


def _write_example(path: Path) -> None:
    from headrace.frames.files.hdf5_writer import HDF5Writer

    with HDF5Writer(path) as writer:
        writer.put(np.arange(20 * 3 * 4, dtype=np.float32).reshape(20, 3, 4))
