"""AEDAT 4: what its packets hold, however they are compressed, and what is no file of it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.aedat4 import packet, recording
from headrace.errors import DataError, MissingExtraError
from headrace.frames import EVENT, EventFrameStream, EventStream, read_events
from support.require import require

SINCE = 1_700_000_000_000_000  # its times are microseconds since 1970


def some(n: int, since: int = SINCE) -> Any:
    rng = np.random.default_rng(n)
    made = np.empty(n, EVENT)
    made["x"], made["y"] = rng.integers(0, 346, n), rng.integers(0, 260, n)
    made["t"], made["p"] = since + np.sort(rng.integers(0, 10_000, n)), rng.integers(0, 2, n)
    return made


def parts() -> list[Any]:
    return [some(30), some(0, SINCE + 10_000), some(50, SINCE + 20_000)]


def packets() -> list[tuple[int, bytes]]:
    """Events with frames and movements between them, each stream with a number of its own."""
    one, two, three = (packet(part) for part in parts())
    return [
        (2, packet(some(3), b"FRME")),
        (0, one),
        (1, packet(some(5), b"IMUS")),
        (0, two),
        (2, b"frames"),
        (0, three),
    ]


def lz4(data: bytes) -> bytes:
    found: bytes = require("lz4.frame").compress(data)
    return found


def zstd(data: bytes) -> bytes:
    found: bytes = require("zstandard").compress(data)
    return found


@pytest.mark.parametrize("ending", ["aedat4", "aedat"])
@pytest.mark.parametrize("table", [b"a table", None])
def test_the_events_of_all_packets_in_order(tmp_path: Path, ending: str, table: bytes | None) -> None:
    path = tmp_path / f"a.{ending}"
    path.write_bytes(recording(packets(), table=table))
    assert (read_events(path) == np.concatenate(parts())).all()
    assert len(EventStream(path)) == 80
    film = EventFrameStream(path, (260, 346), 0.001)
    assert film[:].sum() == 80
    assert film[15:].sum() == 50


@pytest.mark.parametrize(("packing", "pack"), [(1, lz4), (2, lz4), (3, zstd), (4, zstd)])
def test_compressed_packets(tmp_path: Path, packing: int, pack: Any) -> None:
    path = tmp_path / "a.aedat4"
    good = [made for made in packets() if made[1] != b"frames"]
    path.write_bytes(recording(good, packing, pack))
    assert (read_events(path) == np.concatenate(parts())).all()
    for wrong in (lambda data: pack(data)[:-6], lambda data: b"nothing " + pack(data), lambda data: b""):
        path.write_bytes(recording(good, packing, wrong))
        with pytest.raises(DataError, match=r"a\.aedat4.*damaged"):
            read_events(path)


def test_no_events_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.aedat4"
    for made in ([], [(0, packet(some(0)))], [(0, packet(some(3), b"IMUS"))]):
        path.write_bytes(recording(made))
        found = read_events(path)
        assert found.dtype == EVENT
        assert len(found) == 0


def test_two_cameras_are_not_mixed_up(tmp_path: Path) -> None:
    path = tmp_path / "a.aedat4"
    path.write_bytes(recording([(0, packet(some(3))), (3, packet(some(3)))]))
    with pytest.raises(DataError, match="2 cameras"):
        read_events(path)


def _broken() -> dict[str, bytes]:
    good = recording(packets(), table=None)
    events = packet(some(30))
    return {
        "the line alone": good[:14],
        "half a header": good[:40],
        "half a packet's size": recording([], table=None) + bytes(5),
        "half a packet": good[:-3],
        "a size below 0": recording([], table=None) + struct.pack("<ii", 0, -9) + events,
        "an end beyond the file": recording(packets(), table=b"")[:-9],
        "too many events": recording([(0, events[:32] + struct.pack("<I", 31) + events[36:])]),
        "a table outside": recording([(0, events[:4] + struct.pack("<I", 1 << 31) + events[8:])]),
        "a table before": recording([(0, events[:20] + struct.pack("<i", 1 << 20) + events[24:])]),
        "nothing in a packet": recording([(0, b"")]),
        "packed otherwise": recording(packets(), packing=7),
    }


@pytest.mark.parametrize("name", _broken())
def test_broken_files_are_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.aedat4"
    path.write_bytes(_broken()[name])
    with pytest.raises(DataError, match=r"a\.aedat4.*damaged at byte"):
        read_events(path)


def test_events_outside_of_any_sensor(tmp_path: Path) -> None:
    path = tmp_path / "a.aedat4"
    wrong = some(3)
    wrong["x"] = -1
    path.write_bytes(recording([(0, packet(wrong))]))
    with pytest.raises(DataError, match=r"a\.aedat4.*got -1 for x of event 0"):
        read_events(path)


@pytest.mark.parametrize(("packing", "package"), [(1, "lz4"), (3, "zstandard")])
def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: int, package: str) -> None:
    path = tmp_path / "a.aedat4"
    path.write_bytes(recording(packets(), packing))
    monkeypatch.setitem(__import__("sys").modules, package, None)
    monkeypatch.setitem(__import__("sys").modules, f"{package}.frame", None)
    with pytest.raises(MissingExtraError, match=package):
        read_events(path)
