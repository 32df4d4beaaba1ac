"""Files of many events, in every format that is read, and the events that are in them."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from headrace.frames import EVENT, EventWriter
from support.require import require

KINDS = (
    "aedat 2",
    "aedat 2, davis346",
    "aedat 3",
    "aedat 4",
    "aedat 4, lz4",
    "h5",
    "npz",
    "npz, one",
    "npz, packed",
    "bin",
)
_BLOCK = 100_000


def path_of(folder: Path, kind: str) -> Path:
    ending = {"aedat 2": "aedat", "aedat 3": "aedat", "aedat 4": "aedat4"}
    return folder / f"{kind.replace(',', '').replace(' ', '_')}.{ending.get(kind[:7], kind.partition(',')[0])}"


def record(folder: Path, kind: str, n: int) -> Path:
    """Write a recording, a block at a time."""
    path = path_of(folder, kind)
    if kind in ("aedat 3", "h5"):
        with EventWriter(path) as writer:
            for part in blocks(n):
                writer.write(part)
    elif kind == "npz, one":
        np.savez(path, _otherwise(np.concatenate(list(blocks(n)))))
    elif kind.startswith("npz"):
        packing = zipfile.ZIP_DEFLATED if "packed" in kind else zipfile.ZIP_STORED
        with zipfile.ZipFile(path, "w", packing) as archive:
            for name in EVENT.names or ():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                    head: Any = {"descr": EVENT[name].str, "fortran_order": False, "shape": (n,)}
                    np.lib.format.write_array_header_1_0(file, head)
                    for part in blocks(n):
                        file.write(part[name].tobytes())
    else:
        with open(path, "wb") as raw:
            _BYTES[kind](raw, n)
    return path


def blocks(n: int) -> Iterator[Any]:
    """The events of all recordings: in order of time, some at the same one, of a sensor of 100 x 128."""
    for lo in range(0, n, _BLOCK):
        rng = np.random.default_rng(lo)
        made = np.empty(min(_BLOCK, n - lo), EVENT)
        made["x"], made["y"] = rng.integers(0, 128, len(made)), rng.integers(0, 100, len(made))
        made["t"] = lo + 5 + np.sort(rng.integers(0, len(made), len(made)))
        made["p"] = rng.integers(0, 2, len(made))
        yield made


def _otherwise(events: Any) -> Any:
    made = np.zeros(len(events), [("t", ">i8"), ("p", "?"), ("more", "f4"), ("y", "u2"), ("x", "u2")])
    for name in EVENT.names or ():
        made[name] = events[name]
    return made


def _second(file: BinaryIO, n: int) -> None:
    file.write(b"#!AER-DAT2.0\r\n")
    for part in blocks(n):
        raw = np.empty((len(part), 2), ">u4")
        raw[:, 0] = part["x"].astype("u4") << 8 | part["y"].astype("u4") << 1 | part["p"]
        raw[:, 1] = part["t"]
        file.write(raw.tobytes())


def _davis(file: BinaryIO, n: int) -> None:
    """With a record in every seven that is no event."""
    file.write(b"#!AER-DAT2.0\r\n# Davis346\r\n")
    for part in blocks(n):
        raw = np.full((len(part) + len(part) // 6, 2), 1 << 31, ">u4")
        events = np.flatnonzero(np.arange(len(raw)) % 7 != 6)[: len(part)]
        x, y = 345 - part["x"].astype("u4"), 259 - part["y"].astype("u4")
        raw[events, 0] = y << 22 | x << 12 | part["p"].astype("u4") << 11
        raw[events, 1] = part["t"]
        file.write(raw.tobytes())


def _fourth(file: BinaryIO, n: int, packing: int = 0) -> None:
    """In packets of 3000, with something else before each."""
    pack: Any = require("lz4.frame").compress if packing else bytes
    fields = struct.pack("<I4sHHHHHxxxxxx", 24, b"IOHE", 10, 16, 4, 8, 0) + struct.pack("<iiq", 16, packing, -1)
    file.write(b"#!AER-DAT4.0\r\n" + struct.pack("<I", len(fields)) + fields)
    kind = np.dtype({"names": ["t", "x", "y", "p"], "formats": ["<i8", "<i2", "<i2", "u1"], "offsets": [0, 8, 10, 12], "itemsize": 16})  # fmt: skip
    for part in blocks(n):
        for lo in range(0, len(part), 3000):
            some = part[lo : lo + 3000]
            rows = np.zeros(len(some), kind)
            for name in EVENT.names or ():
                rows[name] = some[name]
            for source, letters, more in ((1, b"IMUS", b""), (0, b"EVTS", rows.tobytes())):
                table = struct.pack("<I4sHHHxxiI4xI", 16, letters, 6, 8, 4, 8, 8, len(more) // 16) + more
                packed = pack(struct.pack("<I", len(table)) + table)
                file.write(struct.pack("<ii", source, len(packed)) + packed)


def _bits(file: BinaryIO, n: int) -> None:
    """With a record for each time that the clock has run over."""
    over = 0
    for part in blocks(n):
        past = part["t"] // 8192
        steps = np.diff(past, prepend=over)
        over = int(past[-1])
        assert steps.max() <= 1
        at = np.arange(len(part)) + np.cumsum(steps)
        raw = np.zeros((len(part) + int(steps.sum()), 5), np.uint8)
        raw[:, 1] = 240
        left = part["t"] % 8192
        raw[at, 0], raw[at, 1] = part["x"], part["y"]
        raw[at, 2], raw[at, 3], raw[at, 4] = part["p"].astype("u1") << 7, left >> 8, left & 255
        file.write(raw.tobytes())


_BYTES: dict[str, Any] = {
    "aedat 2": _second,
    "aedat 2, davis346": _davis,
    "aedat 4": _fourth,
    "aedat 4, lz4": lambda file, n: _fourth(file, n, 2),
    "bin": _bits,
}
