"""Events as bits: which version of AEDAT a file is of, and how AEDAT 3.1 and the 40 bits of N-MNIST are written.

Layouts are those of the format descriptions of inivation and of the N-MNIST pages. Version 2 and N-MNIST are read in
``records``, version 3.1 in ``packets``, version 4 in ``aedat4``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from headrace.errors import DataError, StreamConfigError
from headrace.frames.base.layout import Array
from headrace.frames.events.aedat4 import FourthFile
from headrace.frames.events.packets import PACKET, POLARITY, ThirdFile
from headrace.frames.events.pieces import EventFile
from headrace.frames.events.records import ADDRESSES, NO_ROW, SecondFile

_HEAD = b"#!AER-DAT"
_END = b"#!END-HEADER"
_MOST = 1 << 16  # events of a packet that is written
_LONGEST = 1 << 20  # bytes of a header


def open_aedat(path: Path, sensor: str | None) -> EventFile:
    """Return what is known of an AEDAT file of version 2, 3.1 or 4; of a sensor that is known, or the one it names.

    Raises
    ------
    DataError
        When it is none, or cut short within an event, as far as its header tells.
    """
    with open(path, "rb") as file:
        data = file.read(_LONGEST)
    if not data.startswith(_HEAD):
        raise DataError(
            f"read_events got {str(path)!r}, which begins with {data[:9]!r}, wanted an AEDAT file: {_HEAD.decode()!r}.\n"
            "  Give it the ending of what it is."
        )
    version = data[len(_HEAD) : len(_HEAD) + 2]
    if version == b"4.":
        return FourthFile(path)
    lines, at = _header(data)
    if version == b"2.":
        return SecondFile(path, at, sensor or _named(lines))
    if version == b"3.":
        return ThirdFile(path, at)
    told = data[9:14].split() or [b"?"]
    raise DataError(
        f"read_events got {str(path)!r} of AEDAT version {told[0].decode('latin-1')}, "
        "wanted 2.0, 3.1 or 4.0.\n  Convert it with the software it comes from, or give it the ending of what it is."
    )


def check_sensor(sensor: Any, who: str = "read_events") -> None:
    """Raise StreamConfigError for a sensor that is not known; None is the one that a file names."""
    if sensor is not None and (not isinstance(sensor, str) or sensor not in ADDRESSES):
        raise StreamConfigError(
            f"{who}(sensor=) got {sensor!r}, wanted one of {', '.join(map(repr, ADDRESSES))}.\n"
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
    return next((name for name in ADDRESSES if name.encode() in told), "dvs128")


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
        pieces += [PACKET.pack(POLARITY, 1, 8, 4, int(overflows[lo]), n, n, n), raw.tobytes()]
        lo = hi
    return b"".join(pieces)


def check_bin(events: Array, who: str) -> None:
    """Raise DataError for events that a file of N-MNIST has no room for."""
    if len(events) and (
        events["x"].max() > 255 or events["y"].max() >= NO_ROW or events["t"].min() < 0 or events["t"].max() >> 23
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
