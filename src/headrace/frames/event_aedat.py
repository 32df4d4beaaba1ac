"""Events as bits: AEDAT 2 (jAER), AEDAT 3.1 (cAER) and the 40 bits of N-MNIST; version 4 is in ``event_aedat4``.

Layouts are those of the format descriptions of inivation and of the N-MNIST pages; addresses are taken apart as tonic
does, so that both give the same columns and rows.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.frames.event_aedat4 import read_aedat4
from headrace.frames.event_arrays import EVENT, joined_events
from headrace.frames.layout import Array

_PACKET = struct.Struct(
    "<hhiiiiii"
)  # type, source, bytes of an event, of its time, overflows, room, events, valid ones
_POLARITY = 1
_HEAD = b"#!AER-DAT"
_END = b"#!END-HEADER"
_MOST = 1 << 16  # events of a packet that is written
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


def read_aedat(path: Path, sensor: Any = None) -> Array:
    """Return the events of an AEDAT file of version 2, 3.1 or 4.

    Raises
    ------
    DataError
        When it is none, or cut short within an event.
    StreamConfigError
        For a sensor that is not known.
    MissingExtraError
        When it is compressed and the package for it is not installed.
    """
    check_sensor(sensor)
    data = path.read_bytes()
    if not data.startswith(_HEAD):
        raise DataError(
            f"read_events got {path.name!r}, which begins with {data[:9]!r}, wanted an AEDAT file: {_HEAD.decode()!r}.\n"
            "  Give it the ending of what it is."
        )
    version = data[len(_HEAD) : len(_HEAD) + 2]
    if version == b"4.":
        return read_aedat4(path, data)
    lines, at = _header(data)
    if version == b"2.":
        return _second(path, data[at:], sensor or _named(lines))
    if version == b"3.":
        return _third(path, data, at)
    raise DataError(
        f"read_events got {path.name!r} of AEDAT version {data[9:14].split()[0].decode('latin-1') if data[9:14].split() else '?'}, "
        "wanted 2.0, 3.1 or 4.0.\n  Convert it with the software it comes from, or give it the ending of what it is."
    )


def check_sensor(sensor: Any, who: str = "read_events") -> None:
    """Raise StreamConfigError for a sensor that is not known; None is the one that a file names."""
    if sensor is not None and (not isinstance(sensor, str) or sensor not in _ADDRESSES):
        raise StreamConfigError(f"{who}(sensor=) got {sensor!r}, wanted one of {', '.join(map(repr, _ADDRESSES))}.")


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


def _second(path: Path, data: bytes, sensor: str) -> Array:
    if len(data) % 8:
        raise DataError(
            f"read_events got {path.name!r}, which ends within an event ({len(data)} bytes of events of 8), wanted whole ones.\n"
            "  Copy it again."
        )
    raw = np.frombuffer(data, ">u4").reshape(-1, 2)
    address, layout = raw[:, 0], _ADDRESSES[sensor]
    if layout.skip is not None:
        raw = raw[(address >> layout.skip) & 1 == 0]
        address = raw[:, 0]
    x, y = (((address >> low) & ((1 << bits) - 1)).astype(np.int64) for low, bits in (layout.x, layout.y))
    if layout.flip is not None:
        x, y = layout.flip[0] - 1 - x, layout.flip[1] - 1 - y
        if len(raw) and min(int(x.min()), int(y.min())) < 0:
            raise DataError(
                f"read_events got an address outside of the sensor {sensor!r} in {path.name!r}.\n  Say which it is with sensor=."
            )
    made = np.empty(len(raw), EVENT)
    made["x"], made["y"], made["t"], made["p"] = x, y, raw[:, 1].astype(np.int64), (address >> layout.p) & 1
    return made


def _third(path: Path, data: bytes, at: int) -> Array:
    parts: list[Array] = []
    while at < len(data):
        if at + _PACKET.size > len(data):
            raise _short(path, at)
        kind, _, size, offset, overflows, _, n, _ = _PACKET.unpack_from(data, at)
        at += _PACKET.size
        if size <= 0 or n < 0 or overflows < 0 or at + size * n > len(data):
            raise _short(path, at)
        if kind == _POLARITY:
            if size != 8 or offset != 4:
                raise _short(path, at)
            raw = np.frombuffer(data, "<u4", 2 * n, at).reshape(-1, 2)
            raw = raw[raw[:, 0] & 1 == 1]  # valid ones
            made = np.empty(len(raw), EVENT)
            made["x"], made["y"] = raw[:, 0] >> 17, (raw[:, 0] >> 2) & 0x7FFF
            made["t"] = raw[:, 1].astype(np.int64) + (overflows << 31)
            made["p"] = (raw[:, 0] >> 1) & 1
            parts.append(made)
        at += size * n
    return joined_events(parts)


def _short(path: Path, at: int) -> DataError:
    return DataError(
        f"read_events got {path.name!r}, whose packet at byte {at} is cut short or none, wanted whole packets of AEDAT 3.1.\n"
        "  Copy it again."
    )


def write_aedat(path: Path, events: Array) -> None:
    """Write events as AEDAT 3.1.

    Raises
    ------
    DataError
        For times below 0: the format has none.
    """
    if len(events) and (events["t"].min() < 0 or events["t"].max() >> 62):
        raise DataError("write_events got times below 0, wanted 0 or more: AEDAT has no others.\n  Shift them.")
    pieces = [_HEAD + b"3.1\r\n#Format: RAW\r\n#Source 1: headrace\r\n" + _END + b"\r\n"]
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
    path.write_bytes(b"".join(pieces))


def read_bin(path: Path) -> Array:
    """Return the events of a file of N-MNIST: 5 bytes each, column, row, polarity and time.

    Raises
    ------
    DataError
        When it ends within an event.
    """
    data = path.read_bytes()
    if len(data) % 5:
        raise DataError(
            f"read_events got {path.name!r}, which ends within an event ({len(data)} bytes of events of 5), wanted whole ones.\n"
            "  Copy it again."
        )
    raw = np.frombuffer(data, np.uint8).reshape(-1, 5).astype(np.int64)
    made = np.empty(len(raw), EVENT)
    made["x"], made["y"], made["p"] = raw[:, 0], raw[:, 1], raw[:, 2] >> 7
    over = raw[:, 1] == _NO_ROW
    made["t"] = ((raw[:, 2] & 0x7F) << 16 | raw[:, 3] << 8 | raw[:, 4]) + _CLOCK * np.cumsum(over)
    found: Array = made[~over]
    return found


def write_bin(path: Path, events: Array) -> None:
    """Write events as a file of N-MNIST.

    Raises
    ------
    DataError
        For events that it has no room for.
    """
    if len(events) and (
        events["x"].max() > 255 or events["y"].max() >= _NO_ROW or events["t"].min() < 0 or events["t"].max() >> 23
    ):
        raise DataError(
            "write_events got events that a .bin file has no room for, wanted columns below 256, rows below 240 and times "
            "below 8.4 s.\n  .npz, .h5 and .aedat have."
        )
    raw = np.empty((len(events), 5), np.uint8)
    raw[:, 0], raw[:, 1] = events["x"], events["y"]
    raw[:, 2] = events["p"].astype(np.int64) << 7 | events["t"] >> 16
    raw[:, 3], raw[:, 4] = events["t"] >> 8 & 0xFF, events["t"] & 0xFF
    path.write_bytes(raw.tobytes())
