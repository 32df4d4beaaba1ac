"""Frames in HDF5 files."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from headrace.core.optional import optional
from headrace.core.recipe import recipe
from headrace.core.registry import register
from headrace.errors import DamageError, DataError, HeadraceError, StreamConfigError
from headrace.frames.base.footage import Footage, FrameReader, Header
from headrace.frames.base.layout import Array
from headrace.frames.base.paths import check_file
from headrace.frames.base.stream import FrameStream, OnEnd
from headrace.frames.files.hdf5_same import begun, kept, sample
from headrace.sources.files_rows import example_file


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
    _begun: ClassVar[int | None] = None  # a checksum of the frames whose chunk is not full, once frames were read

    def __post_init__(self) -> None:
        self.fix(path=check_file("HDF5Reader", self.path), name=check_name("HDF5Reader", self.name))

    def reader(self) -> FrameReader:
        return _Reader(self)

    def _same(self, reader: FrameReader) -> bool:
        """Tell whether the dataset is the one that was there, perhaps with frames put behind, as far as samples tell."""
        known = self.header()
        assert isinstance(known, HDF5Header)
        assert isinstance(reader, _Reader)
        if not super()._same(reader):
            return False
        new = reader.header
        if new.frames == known.frames:
            return (new.stored, new.sample) == (known.stored, known.sample)
        return reader.kept(known.frames) == known.kept and self._begun in (None, begun(reader.data, known.frames))

    def reopened(self) -> FrameReader:
        reader = super().reopened()
        if self._begun is None:
            assert isinstance(reader, _Reader)
            self.fix(_begun=begun(reader.data, self.header().frames))
        return reader


@dataclass(frozen=True)
class HDF5Header(Header):
    """A header that knows how the dataset lies in the file.

    Attributes
    ----------
    stored : int
        Bytes that it takes.
    sample : int
        A checksum of some of them.
    kept : int
        One of what stays as it is when frames are put behind.
    """

    stored: int
    sample: int
    kept: int


class _Reader(FrameReader):
    def __init__(self, recipe: HDF5Frames) -> None:
        h5py: Any = optional("h5py", "frames", "HDF5Reader")
        self.recipe, self.path, self.name = recipe, recipe.path, recipe.name
        try:
            self.opened = h5py.File(self.path, "r")
        except OSError as error:
            if error.errno is not None and error.errno in errno.errorcode:
                raise  # the system's word, not HDF5's
            raise DataError(
                f"HDF5Reader got {str(self.path)!r}, which is no HDF5 file that can be read: {error}, wanted one.\n"
                "  A file that was not closed when it was written cannot be."
            ) from error
        try:
            self.data = self._found(h5py.Dataset)
        except BaseException as error:
            self.opened.close()
            if isinstance(error, HeadraceError) or not isinstance(error, Exception):
                raise
            raise self._damaged(error) from error
        self.dtype = self.data.dtype.newbyteorder("=")
        self.file = self.path

    @cached_property
    def header(self) -> HDF5Header:  # type: ignore[override]  # few of those that open the file ask for it
        data = self.data
        try:
            n, shape = int(data.shape[0]), tuple(map(int, data.shape[1:]))
            stored = int(data.id.get_storage_size())
            found = sample(data, self.path, n)
            full = not data.chunks or not n % data.chunks[0]
            return HDF5Header(n, shape, self.dtype, stored, found, found if full else self.kept(n))
        except HeadraceError:
            raise
        except Exception as error:
            self.opened.close()
            raise self._damaged(error) from error

    def kept(self, n: int) -> int:
        """Return a checksum of what stays of the first ``n`` frames when more are put behind."""
        try:
            return kept(self.data, self.path, n)
        except Exception as error:
            self.opened.close()
            raise self._damaged(error) from error

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
            return self._checked(lo, hi)
        except DataError:
            if not self._renewed():
                raise
        return self._checked(lo, hi)

    def check(self) -> None:
        """Do nothing: reading does it, and opens the file again where it only grew."""

    def _checked(self, lo: int, hi: int) -> Array:
        found = self._rows(lo, hi)
        super().check()
        return found

    def _rows(self, lo: int, hi: int) -> Array:
        try:
            found = np.asarray(self.data[lo:hi])
        except Exception as error:  # OSError, RuntimeError, ValueError, KeyError: whatever HDF5 says of broken bytes
            raise self._damaged(error) from error
        return found.astype(self.dtype, copy=False)

    def _renewed(self) -> bool:
        """Open the file again where it was written to, and tell whether it was; raises where it did not just grow."""
        if self.opened:  # not one that was tried before
            try:
                super().check()
                return False
            except DamageError:
                self.opened.close()  # first: HDF5 keeps what it knows of a file while it is open anywhere
        fresh = self.recipe.reopened()
        assert isinstance(fresh, _Reader)
        self.opened, self.data, self.watched = fresh.opened, fresh.data, fresh.watched
        return True

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
