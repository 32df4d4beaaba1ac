"""What tells a dataset in an HDF5 file from another: checksums of some of its bytes, which do not change when it grows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

CHUNKS = 4  # so many of a dataset are looked at
SEEN = 1 << 16  # bytes of a chunk up to which all of it is
PIECES, PIECE = 16, 4096  # of a larger one: so many pieces, of so many bytes
SMALL = 4 << 20  # bytes of a chunk that is soon decoded


def sample(data: Any, path: Path, n: int) -> int:
    """Return a checksum of the first ``n`` frames of a dataset as they lie in the file, the last chunk as it is."""
    if data.chunks:
        return _of_chunks(data, path, -(-n // data.chunks[0]))
    at = data.id.get_offset()
    if at is None:  # not written yet, or in the head of the file, or in others
        return _decoded(data, [(k, k + 1) for k in _spread(n, CHUNKS)])
    return _of_bytes(path, [(at, n * prod(data.shape[1:]) * data.dtype.itemsize)])


def kept(data: Any, path: Path, n: int) -> int:
    """Return one of what stays as it is when more frames are put behind: of a chunk that is full nothing is written again.

    Where no chunk is full it is of the frames.
    """
    if not data.chunks:
        return sample(data, path, n)
    full = n // data.chunks[0]
    if full or not n:
        return _of_chunks(data, path, full)
    return begun(data, n) if _small(data) else _decoded(data, [(n - 1, n)])


def begun(data: Any, n: int) -> int:
    """Return one of those of the first ``n`` frames whose chunk is not full: of none where that takes long to decode."""
    if not data.chunks or not n % data.chunks[0] or not _small(data):
        return 0
    return _decoded(data, [(n - n % data.chunks[0], n)])


def _small(data: Any) -> bool:
    return prod(map(int, data.chunks)) * int(data.dtype.itemsize) <= SMALL


def _of_chunks(data: Any, path: Path, n: int) -> int:
    """Return a checksum of some chunks, of the first ``n`` in time."""
    sides = data.chunks
    grid = (n, *(-(-m // side) for m, side in zip(data.shape[1:], sides[1:], strict=True)))
    found = (np.unravel_index(k, grid) for k in _spread(prod(grid), CHUNKS))
    corners = [tuple(int(i) * side for i, side in zip(at, sides, strict=True)) for at in found]
    return _of_bytes(path, _places(data, corners))


def _places(data: Any, corners: Iterable[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    """Give where in the file chunks lie, and how many bytes each has: none where it is not written yet."""
    for corner in corners:
        told = data.id.get_chunk_info_by_coord(corner)
        yield (0, 0) if told.byte_offset is None else (told.byte_offset, told.size)


def _of_bytes(path: Path, places: Iterable[tuple[int, int]]) -> int:
    """Return a checksum of stretches of a file: of bytes from here and there where they are long."""
    found = 0
    with open(path, "rb", buffering=0) as file:
        for at, size in places:
            pieces = [(0, size)]
            if size > SEEN:
                pieces = [(k, PIECE) for k in _spread(size - PIECE + 1, PIECES)]
            found = crc32(str(size).encode(), found)
            for first, some in pieces:
                file.seek(at + first)
                found = crc32(file.read(some), found)
    return found


def _decoded(data: Any, stretches: Iterable[tuple[int, int]]) -> int:
    """Return a checksum of frames; of none where they cannot be read, which reading them says."""
    found = 0
    for lo, hi in stretches:
        try:
            found = crc32(np.asarray(data[lo:hi]).tobytes(), found)
        except Exception:
            continue
    return found


def _spread(n: int, most: int) -> list[int]:
    """Return at most so many of the numbers below ``n``, from the first to the last."""
    return sorted({k * (n - 1) // (most - 1) for k in range(most)}) if n > 0 else []
