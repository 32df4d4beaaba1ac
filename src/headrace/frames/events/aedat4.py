"""AEDAT 4 (DV): packets of flatbuffers, compressed or not, of which those of events are read.

The layout is that of inivation's description of the format: a line, a header that says how packets are compressed and
where the last one ends, and then packets, each a flatbuffer with its size in front and four letters for what it is.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from headrace.core.indexed import Numbers
from headrace.core.optional import optional
from headrace.errors import DataError
from headrace.frames.base.layout import Array
from headrace.frames.base.unreadable import changed, sample_of
from headrace.frames.events.arrays import EVENT, NAMES, joined_events, pack
from headrace.frames.events.looked import Looked, looked_at, looked_before
from headrace.frames.events.pieces import PIECE, EventFile
from headrace.sources.formats import ArrayFile

_LINE = 14  # bytes of "#!AER-DAT4.0\r\n"
_EVENT = np.dtype(
    {"names": ["t", "x", "y", "p"], "formats": ["<i8", "<i2", "<i2", "u1"], "offsets": [0, 8, 10, 12], "itemsize": 16}
)
_MOST = 1 << 28  # bytes of a packet beyond which its size is not believed
_LZ4, _ZSTD = (1, 2), (3, 4)


class _BrokenError(Exception):
    """What is there cannot be what the format says."""


class _Buffer:
    """A flatbuffer: what its offsets lead to, each looked at before it is followed."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.table = self.number("I", 0)
        self.fields = self.table - self.number("i", self.table)
        self.known = (self.number("H", self.fields) - 4) // 2

    def number(self, kind: str, at: int) -> int:
        size = struct.calcsize("<" + kind)
        if not 0 <= at <= len(self.data) - size:
            raise _BrokenError(f"an offset leads to byte {at} of {len(self.data)}")
        found: int = struct.unpack_from("<" + kind, self.data, at)[0]
        return found

    def field(self, k: int) -> int | None:
        """Where field ``k`` of the table is; None where it has its default."""
        offset = self.number("H", self.fields + 4 + 2 * k) if k < self.known else 0
        return self.table + offset if offset else None


class FourthFile(EventFile):
    """Events of AEDAT 4, in the order of its packets; a piece is of as many packets as it takes.

    The table of packets at the end of a file is not read: of a recording that was killed it is missing.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    DataError
        When its header is damaged.
    """

    looked: Looked | None

    def __init__(self, path: Path) -> None:
        self._first = self._end = 0
        super().__init__(path)
        with self.opened() as file, self._telling([_LINE]):
            size = file.length
            header = _sized(file.read(_LINE, min(4 + _u32(file, _LINE), size - _LINE)).tobytes(), 0)
            self._packing, table = _number(header, 0, "i", 0), _number(header, 1, "q", -1)
            self._first, self._end = _LINE + 4 + len(header.data), size if table < 0 else table
            if not self._first <= self._end <= size:
                raise _BrokenError(f"its packets end at byte {self._end} of {size}")
        self._marks = [self._first]
        self.sampled()

    def sample(self) -> int:
        # Of packets, since the header tells of the table behind them once that is written.
        with open(self.path, "rb", buffering=0) as file:
            return sample_of(file.fileno(), self._end, self._first)

    def look(self) -> Numbers:
        with self.opened() as file:
            last = looked_before(self.looked, file, self._end, self._first, (self._first,), (0,), 0, {})
            marks, starts, n, kinds = last.found
            marks, starts, kinds = [*marks], [*starts], {**kinds}
            for at, events in self._packets(file, last.end, kinds):
                if n - starts[-1] >= PIECE:
                    marks.append(at)
                    starts.append(n)
                n += len(events)
            looked = looked_at(file, self._end, marks, starts, n, kinds)
        self._marks, self.looked = marks, looked
        return np.array([*starts, n], np.int64)

    def _packets(self, file: ArrayFile, at: int, kinds: dict[int, bytes]) -> Iterator[tuple[int, Array]]:
        """Yield where each packet of events begins, and what is in it, from a place on; ``kinds`` are those of streams."""
        place = [at]
        with self._telling(place):
            while at < self._end:
                if at + 8 > self._end:
                    raise _BrokenError("it ends within a packet")
                source, size = struct.unpack("<ii", file.read(at, 8).tobytes())
                if size < 0 or at + 8 + size > self._end:
                    raise _BrokenError("it ends within a packet")
                if kinds.get(source, b"EVTS") == b"EVTS":  # a stream's packets are of one kind
                    packet = _sized(_unpacked(file.read(at + 8, size).tobytes(), self._packing), 0)
                    kinds[source] = packet.data[4:8]
                    if kinds[source] == b"EVTS":
                        yield at, _events(packet)
                place[0] = at = at + 8 + size
        cameras = [source for source, kind in kinds.items() if kind == b"EVTS"]
        if len(cameras) > 1:
            raise DataError(
                f"read_events got {str(self.path)!r} with the events of {len(cameras)} cameras (streams "
                f"{', '.join(map(str, cameras))}), wanted those of one.\n  Record or convert each into a file of its own."
            )

    @contextmanager
    def _telling(self, place: list[int]) -> Iterator[None]:
        """Say where it is damaged."""
        try:
            yield
        except _BrokenError as error:
            raise DataError(
                f"read_events got {str(self.path)!r}, which is damaged at byte {place[0]}: {error}; wanted whole packets of AEDAT 4.\n"
                "  Copy it again."
            ) from None

    def whole(self) -> Array:
        """Return all events, unpacked once; raises what looking through the file raises."""
        with self.opened() as file:
            parts, n = [], 0
            for _, events in self._packets(file, self._first, {}):
                parts.append(self._packed(events, np.empty(len(events), EVENT), n))
                n += len(events)
        return joined_events(parts)

    def _packed(self, events: Array, out: Array, first: int) -> Array:
        return pack({name: events[name] for name in NAMES}, out, f"read_events({str(self.path)!r})", first)

    def fill(self, file: ArrayFile, k: int, lo: int, hi: int, out: Array) -> None:
        first, end = int(self.starts[k]), int(self.starts[k + 1])
        begin = 0  # of a packet, from the first event of the piece
        for _, events in self._packets(file, self._marks[k], {}):
            a, b = max(lo, begin), min(hi, begin + len(events))
            if a < b:
                self._packed(events[a - begin : b - begin], out[a - lo : b - lo], first + a)
            begin += len(events)
            if begin >= hi:
                return
        if begin < hi:
            raise changed("read_events", self.path, f"{end - first} events from number {first} on")


def _u32(file: ArrayFile, at: int) -> int:
    return int.from_bytes(file.read(at, 4).tobytes(), "little") if at + 4 <= file.length else 0


def _sized(data: bytes, at: int) -> _Buffer:
    """Return the flatbuffer at a place, whose size is in front of it."""
    size = struct.unpack_from("<I", data, at)[0] if at + 4 <= len(data) else len(data)
    if at + 4 + size > len(data) or size < 8:
        raise _BrokenError("it ends within a table")
    return _Buffer(data[at + 4 : at + 4 + size])


def _number(buffer: _Buffer, k: int, kind: str, default: int) -> int:
    at = buffer.field(k)
    return default if at is None else buffer.number(kind, at)


def _events(packet: _Buffer) -> Array:
    at = packet.field(0)
    if at is None:
        return np.empty(0, _EVENT)
    at += packet.number("I", at)
    n = packet.number("I", at)
    if at + 4 + 16 * n > len(packet.data):
        raise _BrokenError(f"a packet has no room for its {n} events")
    return np.frombuffer(packet.data, _EVENT, n, at + 4)


def _unpacked(data: bytes, packing: int) -> bytes:
    if packing == 0:
        return data
    try:
        if packing in _LZ4:
            lz4: Any = optional("lz4.frame", "frames", "read_events of compressed AEDAT 4")
            unpack: Any = lz4.LZ4FrameDecompressor()
            found: bytes = unpack.decompress(data, max_length=min(_MOST, 255 * len(data) + 64))  # it packs no denser
            if not unpack.eof:
                raise _BrokenError("a packet is cut short")
            return found
        if packing in _ZSTD:
            zstandard: Any = optional("zstandard", "frames", "read_events of compressed AEDAT 4")
            if zstandard.frame_content_size(data) > _MOST:
                raise _BrokenError("a packet is larger than any")
            content: bytes = zstandard.ZstdDecompressor().decompress(data, max_output_size=_MOST)
            return bytes(content)
    except (_BrokenError, ImportError):
        raise
    except Exception as error:  # lz4 raises RuntimeError, zstandard its own
        raise _BrokenError(f"a packet cannot be unpacked: {error}") from error
    raise _BrokenError(f"its packets are compressed in way {packing}")
