"""Files of AEDAT 4 by hand: flatbuffers byte by byte, as inivation describes them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any


def sized(table: bytes) -> bytes:
    return struct.pack("<I", len(table)) + table


def packet(events: Any, kind: bytes = b"EVTS") -> bytes:
    """A packet of events before it is compressed: a table with one field, a vector of structs of 16 bytes."""
    rows = b"".join(struct.pack("<qhhB3x", e["t"], e["x"], e["y"], e["p"]) for e in events)
    # At 0 where the table is, and what; at 8 where its field is; at 16 the table; at 28 the vector.
    return sized(struct.pack("<I4sHHHxxiI4xI", 16, kind, 6, 8, 4, 8, 8, len(events)) + rows)


def recording(
    packets: Sequence[tuple[int, bytes]],
    packing: int = 0,
    pack: Callable[[bytes], bytes] = bytes,
    table: bytes | None = b"a table of packets, which is not read",
) -> bytes:
    """A file: (stream, packet) one after the other, each through `pack`; without a table it was not closed."""
    body = b"".join(
        struct.pack("<ii", source, len(packed)) + packed for source, made in packets for packed in [pack(made)]
    )

    def head(end: int) -> bytes:
        fields = struct.pack("<I4sHHHHHxxxxxx", 24, b"IOHE", 10, 16, 4, 8, 0)
        return b"#!AER-DAT4.0\r\n" + sized(fields + struct.pack("<iiq", 16, packing, end))

    end = len(head(0)) + len(body)
    return head(-1 if table is None else end) + body + (table or b"")
