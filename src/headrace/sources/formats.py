"""NumPy's formats on disk: where each array of an ``.npy`` or ``.npz`` file lies, and how to read some rows of it.

Rows of an array that is stored as it is are read at their offset, straight from the file: an archive larger than
memory costs its rows, not its size. A mapping would count the whole file as address space, crash the process when the
file is cut short under it, and keep a descriptor as long as one row lives.
"""

from __future__ import annotations

import ast
import io
import mmap
import os
import sys
import zipfile
from functools import lru_cache
from typing import IO, Any, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy_format

from headrace.errors import DataError

Array = np.ndarray[Any, Any]
SMALL = 1 << 16  # arrays up to this many bytes are read whole at first use: labels, mostly
_LOCAL_HEADER = 30  # bytes before the name in front of each member of a zip file
_LONGEST = 1 << 20  # bytes of header beyond which a file is not believed


class Header(NamedTuple):
    """What stands before the data of one array."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool

    @property
    def nbytes(self) -> int:
        """Bytes of data behind it."""
        count = 1
        for length in self.shape:
            count *= length
        return count * self.dtype.itemsize


def read_header(file: IO[bytes]) -> Header:
    """Read the header of an array, and leave ``file`` at its data.

    Raises
    ------
    ValueError
        When there is none; NumPy says why.
    """
    head = file.read(8)  # the magic word and the version
    size = file.read(2 if head[6:7] == b"\x01" else 4)
    length = int.from_bytes(size, "little")
    return _parse(head + size + file.read(min(length, _LONGEST)))


@lru_cache(1024)  # files of one kind share their headers, and parsing one costs more than all else in opening a file
def _parse(head: bytes) -> Header:
    file = io.BytesIO(head)
    version = npy_format.read_magic(file)
    if version == (1, 0):
        shape, fortran, dtype = npy_format.read_array_header_1_0(file, max_header_size=_LONGEST)
    elif version == (2, 0):
        shape, fortran, dtype = npy_format.read_array_header_2_0(file, max_header_size=_LONGEST)
    elif version == (3, 0):  # as 2.0, in UTF-8: names of fields that are not Latin-1. NumPy keeps its reader private
        told = ast.literal_eval(head[12:].decode())
        shape, fortran, dtype = told["shape"], told["fortran_order"], npy_format.descr_to_dtype(told["descr"])
    else:
        raise ValueError(f"an array of the unknown format version {version}")
    return Header(dtype, shape, fortran)


class ArrayFile:
    """An open file with arrays in it: one descriptor, whatever is read."""

    file: IO[bytes]
    who: str
    length: int

    def __init__(self, path: Any, who: str) -> None:
        self.file = open(path, "rb")  # noqa: SIM115  # closed by close()
        self.who = who
        self._fd = self.file.fileno()
        self.length = os.fstat(self._fd).st_size
        self._map: mmap.mmap | None = None
        if not self.length:
            self.close()
            raise DataError(
                f"{self.who} got an empty file (0 bytes), wanted arrays.\n"
                "  It was probably never written to its end: make it again."
            )

    def read(self, offset: int, nbytes: int) -> Array:
        """Return some bytes of the file as an array of its own.

        Raises
        ------
        DataError
            When the file ends before.
        """
        raw = np.empty(nbytes, np.uint8)
        buffer: Any = raw
        have = os.preadv(self._fd, [buffer], offset)
        while have < nbytes:
            got = os.preadv(self._fd, [buffer[have:]], offset + have)
            if not got:
                raise DataError(
                    f"{self.who} was cut short to {os.fstat(self._fd).st_size} bytes while it was read, "
                    f"wanted bytes up to {offset + nbytes}.\n  Write to another name and rename, instead of in place."
                )
            have += got
        return raw

    def mapping(self) -> mmap.mmap:
        """Return the whole file, mapped read-only."""
        if self._map is None:
            # From 3.13 on a mapping needs no descriptor of its own.
            free: dict[str, Any] = {"trackfd": False} if sys.version_info >= (3, 13) else {}
            self._map = mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ, **free)
        return self._map

    def close(self) -> None:
        """Close the file; a mapping goes with the last array that looks into it."""
        self.file.close()
        self._fd = -1
        self._map = None  # never close() it: NumPy would not object, and its arrays would look into nothing


class Column:
    """One array of a file, by rows.

    Parameters
    ----------
    header
        What it is.
    source
        The file, when the array is stored as it is; ``offset`` is where its data begins.
    array
        The array itself, when it has been read already.

    Raises
    ------
    DataError
        When the data is not all there.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    fortran: bool
    source: ArrayFile
    offset: int
    nbytes: int
    array: Array | None
    rows: int
    row_shape: tuple[int, ...]
    row_bytes: int

    def __init__(self, header: Header, source: ArrayFile, offset: int, name: str = "") -> None:
        self.dtype, self.shape, self.fortran = header.dtype, header.shape, header.fortran and len(header.shape) > 1
        self.source, self.offset, self.nbytes = source, offset, header.nbytes
        self.array = None
        if offset >= 0 and offset + self.nbytes > source.length:
            raise DataError(
                f"{source.who} is cut short: {name or 'the array'} of shape {self.shape} and dtype {self.dtype} wants "
                f"{self.nbytes} bytes, {max(0, source.length - offset)} are there.\n"
                "  It was probably never written to its end: make it again."
            )
        self.rows = self.shape[0] if self.shape else 1
        self.row_shape = self.shape[1:]
        self.row_bytes = self.nbytes // self.rows if self.rows else 0

    def read(self, lo: int, hi: int) -> Array:
        """Return rows ``lo`` to ``hi`` as an array of its own."""
        if self.array is None and self.nbytes <= SMALL:
            self.array = self._whole()
        if self.array is not None:
            return np.array(self.array[lo:hi], order="C")
        if self.fortran:  # a row is scattered over the whole file
            return np.array(self._mapped()[lo:hi], order="C")
        raw = self.source.read(self.offset + lo * self.row_bytes, (hi - lo) * self.row_bytes)
        return raw.view(self.dtype).reshape(hi - lo, *self.row_shape)

    def scalar(self) -> Any:
        """Return the value of an array without axes."""
        return self.whole()[()]

    def whole(self) -> Array:
        """Return the array, read-only; what is large and stored as it is stays on the file."""
        if self.array is None and self.nbytes <= SMALL:
            self.array = self._whole()
        view = self._mapped() if self.array is None else self.array.view()
        view.flags.writeable = False
        return view

    def _whole(self) -> Array:
        if not self.nbytes:
            return np.zeros(self.shape, self.dtype)
        raw = self.source.read(self.offset, self.nbytes).view(self.dtype)
        return raw.reshape(self.shape, order="F" if self.fortran else "C")

    def _mapped(self) -> Array:
        order: Literal["F", "C"] = "F" if self.fortran else "C"
        return np.ndarray(self.shape, self.dtype, self.source.mapping(), self.offset, order=order)


class Archive:
    """The arrays of an open ``.npz`` file. Those that are compressed, or hold objects, are read whole by ``load``.

    Raises
    ------
    BadZipFile
        When the file is no zip archive, or its end is missing.
    DataError
        When it has no such field, or a field holds Python objects and ``allow_pickle`` is not set.
    """

    source: ArrayFile
    allow_pickle: bool
    columns: dict[str, Column]

    def __init__(self, source: ArrayFile, fields: tuple[str, ...] | None, allow_pickle: bool) -> None:
        self.source, self.allow_pickle = source, allow_pickle
        self._zip = zipfile.ZipFile(source.file)
        members = {i.filename.removesuffix(".npy"): i for i in self._zip.infolist() if i.filename.endswith(".npy")}
        missing = [name for name in fields or () if name not in members]
        if missing or not members:
            raise DataError(
                f"{source.who} has no field {', '.join(map(repr, missing)) or 'at all'}, wanted {list(fields or ()) or 'arrays'}.\n"
                f"  Its fields are {', '.join(members) or 'none'}."
            )
        self._late: dict[str, zipfile.ZipInfo] = {}
        self.columns = {name: self._column(name, members[name]) for name in fields or members}

    def _column(self, name: str, info: zipfile.ZipInfo) -> Column:
        plain = info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1  # bit 0: encrypted
        if plain:
            file = self.source.file
            file.seek(info.header_offset)
            local = file.read(_LOCAL_HEADER)
            if local[:4] != b"PK\3\4":
                raise zipfile.BadZipFile(f"no member {info.filename} at byte {info.header_offset}")
            file.seek(int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little"), os.SEEK_CUR)
            header = read_header(file)
        else:
            with self._zip.open(info) as member:
                header = read_header(member)
        check_objects(self.source.who, header, self.allow_pickle, name)
        plain = plain and not header.dtype.hasobject
        if not plain:
            self._late[name] = info
        return Column(header, self.source, self.source.file.tell() if plain else -1, f"field {name!r}")

    def load(self) -> None:
        """Read the fields whose rows cannot be had one by one."""
        for name, info in self._late.items():
            with self._zip.open(info) as member:
                self.columns[name].array = npy_format.read_array(member, allow_pickle=self.allow_pickle)


def check_objects(who: str, header: Header, allow_pickle: bool, name: str = "") -> None:
    """Raise when an array holds Python objects that may not be loaded."""
    if header.dtype.hasobject and not allow_pickle:
        raise DataError(
            f"{who} got Python objects in {f'field {name!r}' if name else 'the array'}, wanted plain data: loading "
            "objects can run any code.\n"
            "  Pass allow_pickle=True if you trust the file"
            + (", or leave the field out with fields=." if name else ".")
        )
