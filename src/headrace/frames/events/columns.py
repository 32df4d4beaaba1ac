"""Events in columns of NumPy's archives and of HDF5, read by rows where the file lets them be."""

from __future__ import annotations

import errno
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from math import prod
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

from headrace.core.indexed import Numbers
from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.base.unreadable import changed
from headrace.frames.events.arrays import NAMES, columns_of, events_of, pack
from headrace.frames.events.pieces import PIECE, EventFile, even
from headrace.sources.formats import Archive, ArrayFile, Column

_LONGEST = 1 << 20  # events of a piece, where chunks are larger than that
_CACHE = 1 << 18  # bytes of chunks that HDF5 holds: pieces are of whole ones
_PARTS, _PART = 8, 64  # parts that tell a file from another, the last at its end, and the events of each
_BROKEN = (OSError, RuntimeError, KeyError, ValueError, TypeError)  # what h5py says of broken bytes


def open_npz(path: Path) -> EventFile:
    """Return what is known of an archive; a compressed one is read whole. Raises DataError when it is none of events."""
    try:
        return _NpzEvents(path)
    except Exception as error:
        told = error if isinstance(error, OSError) else error.__cause__
        if (
            isinstance(told, OSError) and told.errno != errno.EINVAL
        ):  # no word on what is in it, as a place before it is
            raise
        return InMemory(path, read_npz)  # which tells what it is instead


class _NpzEvents(EventFile):
    """Events of an archive that is not compressed: at their offsets in the file."""

    fine = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with self.opened() as file:
            if any(member.compress_type for member in zipfile.ZipFile(file.file).infolist()):
                raise DataError("compressed")
            columns = Archive(file, None, allow_pickle=True).columns  # objects are refused below, and never loaded
        self._columns = {name: columns[name] for name in NAMES} if columns.keys() >= set(NAMES) else dict(columns)
        if any(column.offset < 0 for column in self._columns.values()):
            raise DataError("encrypted, or objects")
        self._fields = len(self._columns) == 1
        shapes = {name: _empty(column.dtype, column.shape) for name, column in self._columns.items()}
        columns_of(next(iter(shapes.values())) if self._fields else shapes, f"read_events({str(path)!r})")

    def look(self) -> Numbers:
        return even(next(iter(self._columns.values())).shape[0], PIECE)

    def whole(self) -> Array:
        return read_npz(self.path)  # which looks at checksums, too

    def fill(self, file: ArrayFile, k: int, lo: int, hi: int, out: Array) -> None:
        first = int(self.starts[k])
        found: Any = {name: _rows(file, column, first + lo, first + hi) for name, column in self._columns.items()}
        who = f"read_events({str(self.path)!r})"
        pack(columns_of(next(iter(found.values())) if self._fields else found, who), out, who, first + lo)


class InMemory(EventFile):
    """Events of a file whose format gives no pieces: all of them, in memory as long as anyone reads it.

    Parameters
    ----------
    path
        The file.
    read
        Called with it for what is in it.
    """

    path: Path
    fine = True
    lasting = False

    def __init__(self, path: Path, read: Callable[[Path], Array]) -> None:
        super().__init__(path)
        self._events = read(path)

    def look(self) -> Numbers:
        return even(len(self._events), PIECE)

    def whole(self) -> Array:
        return self._events

    @contextmanager
    def opened(self, *, whole: bool = False) -> Iterator[Any]:
        yield None

    def is_there(self) -> bool:
        return super().is_there() and self._last.size == self._seen.size

    def fill(self, file: Any, k: int, lo: int, hi: int, out: Array) -> None:
        first = int(self.starts[k])
        out[...] = self._events[first + lo : first + hi]


def _rows(file: ArrayFile, column: Column, lo: int, hi: int) -> Array:
    each = column.dtype.itemsize
    return file.read(column.offset + lo * each, (hi - lo) * each).view(column.dtype)


def _empty(dtype: Any, shape: tuple[int, ...]) -> Array:
    """Return an array of a type and shape that takes no memory."""
    return np.broadcast_to(np.empty((), dtype), shape)


def read_npz(path: Path) -> Array:
    """Return the events of an archive. Raises DataError when it is damaged, or none of events."""
    with open(path, "rb") as raw:  # NumPy leaves a damaged archive open, and takes what is none for a pickle
        try:
            head = raw.read(4)
            if head not in (b"PK\3\4", b"PK\5\6"):
                raise ValueError(f"it begins with {head!r}")
            raw.seek(0)
            with np.load(raw, allow_pickle=False) as file:
                names = set(file.files)
                found: Any = {name: file[name] for name in NAMES} if names.issuperset(NAMES) else None
                if found is None and len(names) == 1:  # a structured array
                    found = file[names.pop()]
        except Exception as error:  # of numpy, zipfile, zlib and struct: a damaged archive raises any of theirs
            raise _damaged(path, "an .npz archive", error) from error
    if found is None:
        raise DataError(
            f"read_events got {str(path)!r} with {', '.join(map(repr, sorted(names))) or 'nothing'} in it, wanted x, y, "
            "t and p, or one structured array.\n  np.savez(path, x=x, y=y, t=t, p=p) makes one."
        )
    return events_of(found, f"read_events({str(path)!r})")


class HDF5Events(EventFile):
    """Events of an HDF5 file, in pieces of whole chunks.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    DataError
        When it is damaged, or none of events.
    MissingExtraError
        Without h5py.
    """

    def __init__(self, path: Path) -> None:
        self._h5py: Any = optional("h5py", "frames", "read_events")
        self._rows, self._chunk = 0, _CACHE
        super().__init__(path)
        with self.opened() as file:
            try:
                self._chunk = max([_CACHE, *map(_packed_chunk, file.sets)])
                chunk = max((data.chunks[0] for data in file.sets if data.chunks), default=1)
                found = file.found([_empty(data.dtype, data.shape) for data in file.sets])
            except _BROKEN as error:
                raise _damaged(path, "an HDF5 file", error) from error
        self._rows = len(columns_of(found, f"read_events({str(path)!r})")["t"])
        self._each = min(_LONGEST, -(-PIECE // chunk) * chunk)
        self.sampled()

    def look(self) -> Numbers:
        return even(self._rows, self._each)

    def sample(self) -> int:
        # Of events, since what is in front of them and behind is written anew as they come.
        sample, n = 0, min(_PART, self._rows)
        if not n:
            return sample
        with closing(self.handle(whole=True)) as file:
            try:
                for data in file.sets:
                    for k in range(_PARTS + 1):
                        at = k * (self._rows - n) // _PARTS
                        sample = crc32(np.asarray(data[at : at + n]).tobytes(), sample)
            except _BROKEN as error:
                raise _damaged(self.path, "an HDF5 file", error) from error
        return sample

    def handle(self, *, whole: bool = False) -> _Sets:
        try:
            return _Sets(self._h5py, self.path, self._chunk if whole else _CACHE)
        except _BROKEN as error:
            if isinstance(error, OSError) and error.errno in errno.errorcode:
                raise  # the system's word, not HDF5's
            raise _damaged(self.path, "an HDF5 file", error) from error

    def fill(self, file: _Sets, k: int, lo: int, hi: int, out: Array) -> None:
        first = int(self.starts[k])
        try:
            found = file.found([data[first + lo : first + hi] for data in file.sets])
        except _BROKEN as error:
            raise _damaged(self.path, "an HDF5 file", error) from error
        who = f"read_events({str(self.path)!r})"
        columns = columns_of(found, who)
        if len(columns["t"]) != hi - lo:
            raise changed("read_events", self.path, f"{self.n} events")
        pack(columns, out, who, first + lo)


class _Sets:
    """An open HDF5 file: the datasets of its events, a structured one or one for each column."""

    def __init__(self, h5py: Any, path: Path, cache: int) -> None:
        self._file = h5py.File(path, "r", rdcc_nbytes=cache)  # of each dataset; by default up to 8 MiB
        try:
            inside = self._file.get("events", self._file)
            self._one = isinstance(inside, h5py.Dataset)
            known = {name: inside.get(name) for name in NAMES} if isinstance(inside, h5py.Group) else {"": inside}
            self._sets = {name: data for name, data in known.items() if isinstance(data, h5py.Dataset)}
            self.sets: list[Any] = list(self._sets.values())
        except BaseException:
            self.close()
            raise

    def found(self, parts: list[Array]) -> Any:
        """Return what was read of each dataset as :func:`events_of` takes it."""
        return parts[0] if self._one else dict(zip(self._sets, parts, strict=True))

    def close(self) -> None:
        self._file.close()


def _packed_chunk(data: Any) -> int:
    """Return the bytes of a chunk that is unpacked whole, whatever is wanted of it; 0 where there is none."""
    packed = data.chunks is not None and data.id.get_create_plist().get_nfilters()
    return prod(data.chunks) * data.dtype.itemsize if packed else 0


def _damaged(path: Path, what: str, error: Exception) -> DataError:
    return DataError(
        f"read_events got {str(path)!r}, which cannot be read: {type(error).__name__}: {error}; wanted {what}.\n"
        "  Copy it again, or give it the ending of what it is."
    )
