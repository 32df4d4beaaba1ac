"""Where each block of a recording lies, kept in its file, so that opening a long one need not look through it.

Every 4096 blocks, and at the end, a record ``INDX`` says of the blocks since the last one where they are, and where the
records are that hold something else. The last record of a file that was closed, ``TAIL``, says where the last of these
is. All of it is checked when it is read; where something does not fit, or a kill has left no end, the file is looked
through instead.

``INDX``: front u64 place of the one before (0: none), u32 blocks, u32 others, u32 CRC-32 of the data, u32 0; data
:data:`ROW` for each block, then i64 places of the others. ``TAIL``: front u64 place of the last ``INDX``, u64 its own.
"""

from __future__ import annotations

import struct
import threading
import zlib
from typing import Any, Final, NamedTuple

import numpy as np

from headrace.errors import DamageError
from headrace.live.recording.container import HEAD, MAGIC, Writer, padding
from headrace.live.recording.rows import FRONT, ROWS
from headrace.live.recording.scan import Record, View, record_at

INDX, TAIL = b"INDX", b"TAIL"
CHUNK: Final = 4096  # blocks told of together
ROW: Final = np.dtype(
    [
        ("at", "<i8"), ("size", "<i8"), ("first", "<i8"), ("rows", "<i8"), ("arrived", "<f8"),
        ("schema", "<u4"), ("front", "<u4"), ("crc", "<u4"), ("zero", "<u4"),
    ]
)  # fmt: skip
_FRONT: Final = struct.Struct("<QIIII")
_TAIL: Final = struct.Struct("<QQ")
_END: Final = HEAD.size + _TAIL.size


class Indexing:
    """Notes where records are while they are written, and writes that down now and then.

    Parameters
    ----------
    writer
        Of the file.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._lock = threading.Lock()
        self._rows: list[tuple[Any, ...]] = []
        self._others: list[int] = []
        self._last = 0  # where the last index is
        writer.seen = self._seen

    def _seen(self, kind: bytes, at: int, size: int, front: bytes, crc: int) -> None:
        with self._lock:
            if kind == ROWS:
                schema, _, _, _, first, rows, arrived, _ = FRONT.unpack_from(front)
                self._rows.append((at, size, first, rows, arrived, schema, len(front), crc, 0))
            elif kind not in (INDX, TAIL):
                self._others.append(at)

    def keep(self, *, all_: bool = False) -> None:
        """Write down what there is, if that is much, or ``all_`` of it.

        Raises
        ------
        SinkError
            When the disk takes no more; it can be tried again.
        """
        if len(self._rows) < CHUNK and not all_:
            return
        with self._lock:
            rows, self._rows = self._rows, []
            others, self._others = self._others, []
        data = np.array(rows, ROW).tobytes() + np.array(others, "<i8").tobytes()
        gap = bytes(padding(len(data)))
        front = _FRONT.pack(self._last, len(rows), len(others), zlib.crc32(data), 0)
        try:
            self._last = self._writer.append(INDX, front, (data, gap), size=len(data) + len(gap))
        except BaseException:
            with self._lock:
                self._rows, self._others = rows + self._rows, others + self._others
            raise

    def end(self) -> None:
        """Write the end of a file that is whole."""
        self.keep(all_=True)
        self._writer.append(TAIL, _TAIL.pack(self._last, self._writer.size))


class Index(NamedTuple):
    """What a file's index says: an array of :data:`ROW`, a block each, and the records that hold something else."""

    rows: Any
    others: list[Record]


def read_index(view: View) -> Index | None:
    """Return the index of a file, None where it has none that can be relied on."""
    try:
        return _read_index(view)
    except DamageError:
        return None


def _read_index(view: View) -> Index | None:
    if view.size < len(MAGIC) + _END or view.read(0, len(MAGIC)) != MAGIC:
        return None
    tail = record_at(view, view.size - _END)
    if tail.kind != TAIL or len(tail.front) != _TAIL.size:
        return None
    at, mine = _TAIL.unpack(tail.front)
    if mine != tail.at:  # something was cut out of the file, or put into it
        return None
    rows: list[Any] = []
    places: list[Any] = []
    while at:
        record = record_at(view, at)
        if record.kind != INDX or len(record.front) != _FRONT.size:
            return None
        before, n, others, crc, _ = _FRONT.unpack(record.front)
        data = view.read(record.data, n * ROW.itemsize + 8 * others)
        if zlib.crc32(data) != crc or before >= at:
            return None
        rows.append(np.frombuffer(data, ROW, n))
        places.append(np.frombuffer(data, "<i8", others, n * ROW.itemsize))
        at = before
    return Index(
        np.concatenate(rows[::-1]), [record_at(view, int(place)) for place in np.concatenate(places[::-1]).tolist()]
    )
