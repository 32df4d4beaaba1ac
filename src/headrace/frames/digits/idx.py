"""Arrays in idx files, plain or gzipped: what digits come in."""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np

from headrace.core.anew import written_anew
from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.base.paths import check_file, check_target
from headrace.frames.base.unreadable import opening

# The third byte of a file says what its values are; the fourth, how many axes it has. All of it is big-endian.
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MOST = 1040  # bytes that one byte of a gzip file can stand for: a header that promises more is not believed
_PIECE = 1 << 16  # bytes that are read at a time: how far a damaged file was read is told by it


class IdxHeader(NamedTuple):
    """What the header of an idx file says."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return prod(self.shape) * self.dtype.itemsize


def read_idx_header(path: Path, who: str = "read_idx") -> IdxHeader:
    """Return what the header of an idx file says; the values are not read.

    Raises
    ------
    DataError
        When it is no idx file; when it is not gzipped and is not as long as its header says.
    """
    with _opened(path, who) as file:
        return _header(file, path, who)


def read_idx(path: str | Path, who: str = "read_idx") -> Array:
    """Return the array in an idx file.

    Parameters
    ----------
    path
        The file; gzipped or not, whatever it is called.
    who
        The name that messages begin with.

    Returns
    -------
    array
        Of the shape and type that the file says: uint8 for digits and labels.

    Raises
    ------
    DataError
        When it is no idx file, is cut short or damaged, or has more in it than its header says.
    StreamConfigError
        When there is no such file.
    OSError
        When it cannot be opened.

    Examples
    --------
    >>> import numpy as np
    >>> from headrace.frames import read_idx, write_idx
    >>> write_idx("labels.idx.gz", np.array([5, 0, 4], "u1"))
    >>> read_idx("labels.idx.gz").tolist()
    [5, 0, 4]
    """
    path = check_file(who, path, "path")
    with _opened(path, who) as file:
        header = _header(file, path, who)
        data = bytearray()
        try:
            while len(data) <= header.nbytes and (piece := file.read(min(_PIECE, header.nbytes + 1 - len(data)))):
                data += piece
        except (EOFError, zlib.error, OSError) as error:  # gzip.BadGzipFile is an OSError
            raise DataError(
                f"{who} got {str(path)!r}, which is damaged after {len(data)} bytes: {type(error).__name__}: {error}; wanted "
                f"{header.nbytes}.\n"
                "  Copy or download it again."
            ) from error
    _check_length(who, path, header, len(data))
    found: Array = np.frombuffer(bytes(data), header.dtype).reshape(header.shape)
    return found


def write_idx(path: str | Path, array: Any) -> None:
    """Write an array as an idx file, gzipped where its name ends in ``.gz``.

    Raises
    ------
    DataError
        For values of a type that idx files do not have, and for more than 255 axes or none.
    StreamConfigError
        When its folder is not there.
    SinkError
        When it cannot be written, as on a full disk.

    Examples
    --------
    >>> from headrace.frames import read_idx, write_idx
    >>> write_idx("digits.idx.gz", np.zeros((3, 28, 28), "u1"))
    >>> read_idx("digits.idx.gz").shape
    (3, 28, 28)
    """
    values = np.asarray(array)
    code = next((code for code, name in _TYPES.items() if np.dtype(name) == values.dtype.newbyteorder(">")), None)
    if code is None or not 1 <= values.ndim <= 255:
        raise DataError(
            f"write_idx got {values.dtype} of shape {values.shape}, wanted uint8, int8, int16, int32, float32 or float64 "
            "along one axis or more.\n  Convert them: array.astype('uint8'), array[None]."
        )
    data = (
        struct.pack(f">HBB{values.ndim}I", 0, code, values.ndim, *values.shape) + values.astype(_TYPES[code]).tobytes()
    )
    path = check_target("write_idx", "path", path)
    # Without the time in it: the same digits, the same bytes.
    with written_anew(path, "write_idx") as part:
        part.write_bytes(gzip.compress(data, 6, mtime=0) if path.suffix == ".gz" else data)


def _opened(path: Path, who: str) -> IO[bytes]:
    with opening(who, path), open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path, "rb")) if zipped else path.open("rb")


def _header(file: IO[bytes], path: Path, who: str) -> IdxHeader:
    try:
        head = file.read(4)
        zeros, code, axes = struct.unpack(">HBB", head)
        if zeros or code not in _TYPES or not axes:
            raise DataError(
                f"{who} got {str(path)!r}, which begins with 0x{head.hex()}, wanted an idx file: 0x00000803 for images, "
                "0x00000801 for labels.\n  A page that a server sent in its place begins otherwise."
            )
        shape = struct.unpack(f">{axes}I", file.read(4 * axes))
    except (struct.error, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            f"{who} got {str(path)!r}, which is cut short: {error}; wanted the whole header of an idx file.\n  Copy or download it again."
        ) from error
    header = IdxHeader(tuple(shape), np.dtype(_TYPES[code]))
    most = _MOST * path.stat().st_size
    if header.nbytes > most:
        raise DataError(
            f"{who} got {str(path)!r}, whose header promises {header.nbytes} bytes, wanted what {path.stat().st_size} bytes "
            "of a file can hold.\n  Copy or download it again."
        )
    if not isinstance(file, gzip.GzipFile):
        _check_length(who, path, header, path.stat().st_size - 4 - 4 * axes)
    return header


def _check_length(who: str, path: Path, header: IdxHeader, held: int) -> None:
    if held != header.nbytes:
        much = f"{held} bytes" if held < header.nbytes else "more"
        raise DataError(
            f"{who} got {str(path)!r}, which holds {much} where its header promises {header.nbytes}, wanted "
            f"all of {header.dtype}, {header.shape}, and nothing else.\n  Copy or download it again."
        )
