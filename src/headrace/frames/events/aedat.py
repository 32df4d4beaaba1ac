"""Events as bits: AEDAT 2 (jAER), AEDAT 3.1 (cAER) and the 40 bits of N-MNIST; version 4 is in ``aedat4``.

Layouts are those of the format descriptions of inivation and of the N-MNIST pages; addresses are taken apart as tonic
does, so that both give the same columns and rows.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import Array
from headrace.frames.events.aedat4 import read_aedat4
from headrace.frames.events.arrays import EVENT

# Type, source, bytes of an event, of its time, overflows, room, events, valid ones.
_PACKET = struct.Struct("<hhiiiiii")
_POLARITY = 1
_HEAD = b"#!AER-DAT"
_END = b"#!END-HEADER"
_MOST = 1 << 16  # events of a packet that is written, and of a stretch that is read
_LONGEST = 1 << 20  # bytes of a header
_NO_ROW = 240  # the row by which N-MNIST's files say that their clock has run over
_CLOCK = 1 << 13  # microseconds of each such event


class Address(NamedTuple):
    """Where column, row and polarity are in an address of AEDAT 2, as (lowest bit, bits), and the size of the sensor."""

    x: tuple[int, int]
    y: tuple[int, int]
    p: int
    flip: tuple[int, int] | None  # columns and rows, where they are counted from the other side
    skip: int | None  # the bit that marks what is no event


_ADDRESSES = {
    "dvs128": Address((8, 7), (1, 7), 0, None, None),
    "davis346": Address((12, 10), (22, 9), 11, (346, 260), 31),
}


def read_aedat(path: Path, sensor: str | None) -> Array:
    """Return the events of an AEDAT file of version 2, 3.1 or 4; of a sensor that is known, or the one it names.

    Raises
    ------
    DataError
        When it is none, or cut short within an event.
    MissingExtraError
        When it is compressed and the package for it is not installed.
    """
    with open(path, "rb") as file:
        data = file.read(_LONGEST)
        if not data.startswith(_HEAD):
            raise DataError(
                f"read_events got {path.name!r}, which begins with {data[:9]!r}, wanted an AEDAT file: {_HEAD.decode()!r}.\n"
                "  Give it the ending of what it is."
            )
        version = data[len(_HEAD) : len(_HEAD) + 2]
        if version == b"4.":
            file.seek(0)
            return read_aedat4(path, file.read())
        lines, at = _header(data)
        if version == b"2.":
            return _second(path, file, at, sensor or _named(lines))
        if version == b"3.":
            return _third(path, file, at)
    told = data[9:14].split() or [b"?"]
    raise DataError(
        f"read_events got {path.name!r} of AEDAT version {told[0].decode('latin-1')}, "
        "wanted 2.0, 3.1 or 4.0.\n  Convert it with the software it comes from, or give it the ending of what it is."
    )


def check_sensor(sensor: Any, who: str = "read_events") -> None:
    """Raise StreamConfigError for a sensor that is not known; None is the one that a file names."""
    if sensor is not None and (not isinstance(sensor, str) or sensor not in _ADDRESSES):
        raise StreamConfigError(
            f"{who}(sensor=) got {sensor!r}, wanted one of {', '.join(map(repr, _ADDRESSES))}.\n"
            "  Leave it out for the one that the file names."
        )


def _header(data: bytes) -> tuple[list[bytes], int]:
    """Return the lines in front that begin with ``#``, and where the events begin."""
    lines, at = [], 0
    while data[at : at + 1] == b"#":
        end = data.find(b"\n", at)
        # An event may begin with the byte of a #, too; it is no text.
        if end < 0 or not data[at:end].rstrip(b"\r").decode("latin-1").replace("\t", " ").isprintable():
            break
        lines.append(data[at:end].strip())
        at = end + 1
        if lines[-1] == _END:
            break
    return lines, at


def _named(lines: list[bytes]) -> str:
    told = b"\n".join(lines).lower()
    return next((name for name in _ADDRESSES if name.encode() in told), "dvs128")


def _stretches(path: Path, file: BinaryIO, at: int, size: int) -> Iterator[Array]:
    """Yield the bytes behind a header as rows of ``size`` bytes, an event each, a stretch at a time.

    Raises DataError when the file ends within an event.
    """
    held = os.fstat(file.fileno()).st_size - at
    if held % size:
        raise DataError(
            f"read_events got {path.name!r}, which ends within an event ({held} bytes of events of {size}), wanted whole ones.\n"
            f"  Copy it again. Of a recording that was killed, os.truncate(path, {at + held // size * size}) leaves what is whole."
        )
    file.seek(at)
    for lo in range(0, held // size, _MOST):
        data = file.read(size * min(_MOST, held // size - lo))
        yield np.frombuffer(data[: len(data) // size * size], np.uint8).reshape(-1, size)


def _rows(file: BinaryIO, at: int, size: int) -> Array:
    """Return room for the events behind a header."""
    return np.empty((os.fstat(file.fileno()).st_size - at) // size, EVENT)


def _second(path: Path, file: BinaryIO, at: int, sensor: str) -> Array:
    found, n, layout = _rows(file, at, 8), 0, _ADDRESSES[sensor]
    for data in _stretches(path, file, at, 8):
        raw = data.view(">u4")
        if layout.skip is not None:
            raw = raw[(raw[:, 0] >> layout.skip) & 1 == 0]
        address = raw[:, 0]
        x, y = (((address >> low) & ((1 << bits) - 1)).astype(np.int64) for low, bits in (layout.x, layout.y))
        if layout.flip is not None:
            x, y = layout.flip[0] - 1 - x, layout.flip[1] - 1 - y
            if len(raw) and min(int(x.min()), int(y.min())) < 0:
                raise DataError(
                    f"read_events got an address outside of the sensor {sensor!r} in {path.name!r}, wanted those of its "
                    f"{layout.flip[1]} x {layout.flip[0]} pixels.\n  Say which it is with sensor=."
                )
        made = found[n : n + len(raw)]
        made["x"], made["y"], made["t"], made["p"] = x, y, raw[:, 1].astype(np.int64), (address >> layout.p) & 1
        n += len(raw)
    return found if n == len(found) else found[:n].copy()


def _third(path: Path, file: BinaryIO, at: int) -> Array:
    end = os.fstat(file.fileno()).st_size
    packets: list[tuple[int, int, int]] = []
    while at < end:
        file.seek(at)
        head = file.read(_PACKET.size)
        if len(head) < _PACKET.size:
            raise _short(path, at)
        kind, _, size, offset, overflows, _, n, _ = _PACKET.unpack(head)
        behind = at + _PACKET.size + size * n
        if size <= 0 or n < 0 or overflows < 0 or behind > end or (kind == _POLARITY and (size, offset) != (8, 4)):
            raise _short(path, at)
        if kind == _POLARITY:
            packets.append((at, n, overflows))
        at = behind
    found, filled = np.empty(sum(n for _, n, _ in packets), EVENT), 0
    for at, n, overflows in packets:
        file.seek(at + _PACKET.size)
        data = file.read(8 * n)
        if len(data) < 8 * n:
            raise _short(path, at)
        raw = np.frombuffer(data, "<u4").reshape(-1, 2)
        raw = raw[raw[:, 0] & 1 == 1]  # valid ones
        made = found[filled : filled + len(raw)]
        made["x"], made["y"] = raw[:, 0] >> 17, (raw[:, 0] >> 2) & 0x7FFF
        made["t"] = raw[:, 1].astype(np.int64) + (overflows << 31)
        made["p"] = (raw[:, 0] >> 1) & 1
        filled += len(raw)
    return found if filled == len(found) else found[:filled].copy()


def _short(path: Path, at: int) -> DataError:
    return DataError(
        f"read_events got {path.name!r}, whose packet at byte {at} is cut short or none, wanted whole packets of AEDAT 3.1.\n"
        f"  Copy it again. Of a recording that was killed, os.truncate(path, {at}) leaves what is whole."
    )


AEDAT_HEAD = _HEAD + b"3.1\r\n#Format: RAW\r\n#Source 1: headrace\r\n" + _END + b"\r\n"


def check_aedat(events: Array, who: str) -> None:
    """Raise DataError for times that AEDAT 3.1 has no room for."""
    if len(events) and (events["t"].min() < 0 or events["t"].max() >> 62):
        raise DataError(
            f"{who} got times from {events['t'].min()} to {events['t'].max()}, wanted none below 0 nor above 2**62 - 1: AEDAT has no others.\n"
            "  Shift them, or choose .npz or .h5."
        )


def packed_aedat(events: Array) -> bytes:
    """Return events as packets of AEDAT 3.1, which come behind ``AEDAT_HEAD``; those of several calls may be joined."""
    pieces = []
    overflows = events["t"] >> 31
    lo = 0
    while lo < len(events):
        # A packet has one count of overflows.
        change = np.flatnonzero(overflows[lo : lo + _MOST] != overflows[lo])
        hi = lo + (int(change[0]) if len(change) else min(_MOST, len(events) - lo))
        part = events[lo:hi]
        raw = np.empty((hi - lo, 2), "<u4")
        raw[:, 0] = (
            1 | part["p"].astype(np.uint32) << 1 | part["y"].astype(np.uint32) << 2 | part["x"].astype(np.uint32) << 17
        )
        raw[:, 1] = part["t"] & 0x7FFFFFFF
        n = hi - lo
        pieces += [_PACKET.pack(_POLARITY, 1, 8, 4, int(overflows[lo]), n, n, n), raw.tobytes()]
        lo = hi
    return b"".join(pieces)


def read_bin(path: Path) -> Array:
    """Return the events of a file of N-MNIST: 5 bytes each, column, row, polarity and time.

    Raises
    ------
    DataError
        When it ends within an event.
    """
    with open(path, "rb") as file:
        found, n, past = _rows(file, 0, 5), 0, 0
        for data in _stretches(path, file, 0, 5):
            over = data[:, 1] == _NO_ROW
            raw = data.astype(np.int64)
            times = ((raw[:, 2] & 0x7F) << 16 | raw[:, 3] << 8 | raw[:, 4]) + _CLOCK * (past + np.cumsum(over))
            past += int(over.sum())
            raw, times = raw[~over], times[~over]
            made = found[n : n + len(raw)]
            made["x"], made["y"], made["t"], made["p"] = raw[:, 0], raw[:, 1], times, raw[:, 2] >> 7
            n += len(raw)
    return found if n == len(found) else found[:n].copy()


def check_bin(events: Array, who: str) -> None:
    """Raise DataError for events that a file of N-MNIST has no room for."""
    if len(events) and (
        events["x"].max() > 255 or events["y"].max() >= _NO_ROW or events["t"].min() < 0 or events["t"].max() >> 23
    ):
        raise DataError(
            f"{who} got events that a .bin file has no room for, wanted columns below 256, rows below 240 and times "
            "below 8.4 s.\n  .npz, .h5 and .aedat have."
        )


def packed_bin(events: Array) -> bytes:
    """Return events as N-MNIST has them, 5 bytes each."""
    raw = np.empty((len(events), 5), np.uint8)
    raw[:, 0], raw[:, 1] = events["x"], events["y"]
    raw[:, 2] = events["p"].astype(np.int64) << 7 | events["t"] >> 16
    raw[:, 3], raw[:, 4] = events["t"] >> 8 & 0xFF, events["t"] & 0xFF
    return raw.tobytes()
