"""Image files of 16 bits a value and several channels, byte by byte: Pillow writes none."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any


def write_png(path: Path, rows: Any) -> Path:
    """Write 16 bits a value, by the PNG specification: three channels, or four."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = rows.shape
    head = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in rows)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    )
    return path


def write_tiff(path: Path, rows: Any, order: str, strip: int = 100, turn: int = 1) -> Path:
    """Write 16 bits a value, by the TIFF 6.0 specification, in the byte order ``<`` or ``>``."""
    height, width, channels = rows.shape
    starts = list(range(0, height, strip))
    data = [rows[lo : lo + strip].astype(order + "u2").tobytes() for lo in starts]
    tail = struct.pack(f"{order}{channels}H", *[16] * channels)
    offsets = [8 + len(tail) + sum(map(len, data[:k])) for k in range(len(data))]
    tables = 8 + len(tail) + sum(map(len, data))
    tail += b"".join(data) + struct.pack(f"{order}{2 * len(data)}I", *offsets, *map(len, data))
    several = len(data) > 1
    tags = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, 8), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, len(data), tables if several else offsets[0]), (274, 3, 1, turn), (277, 3, 1, channels),
        (278, 3, 1, strip), (279, 4, len(data), tables + 4 * len(data) if several else len(data[0])), (284, 3, 1, 1),
    ]  # fmt: skip
    if channels == 4:
        tags.append((338, 3, 1, 2))

    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        short = kind == 3 and count == 1
        return struct.pack(order + "HHI", tag, kind, count) + struct.pack(
            order + ("HH" if short else "I"), *([value, 0] if short else [value])
        )

    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + len(tail))
    path.write_bytes(
        head + tail + struct.pack(order + "H", len(tags)) + b"".join(entry(*tag) for tag in tags) + bytes(4)
    )
    return path
