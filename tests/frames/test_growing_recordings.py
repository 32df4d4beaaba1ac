"""Recordings that are followed as they grow: what is known of them is gone on with, and is what a look at all of it tells."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.aedat4 import packet, recording
from frames.recordings import blocks, path_of, record
from headrace.errors import DataError
from headrace.frames import EVENT, EventStream, EventWriter, events_of, read_events
from headrace.frames.events.files import known_file

PIECE = 65_536  # events, or records of them, that are known by one place
KINDS = ("bin", "aedat 2, davis346", "aedat 3", "aedat 4")
SIZES = (
    100,
    PIECE - 100,
    1,
    PIECE,
    30_000,
    7,
    2 * PIECE,
    5,
)  # records that are added at a time, over borders of pieces
ONCE = (
    2_500_000  # bytes of a growth that may be read whatever came: a megabyte of header, and pieces that it ends within
)
COUNTED = Path("/proc/self/io")


def bytes_read(does: Callable[[], Any]) -> int:
    before = int(COUNTED.read_text().split()[1])
    does()
    return int(COUNTED.read_text().split()[1]) - before


def parts(folder: Path, kind: str, sizes: tuple[int, ...] = SIZES) -> tuple[Path, list[bytes]]:
    """What is put into a recording, one behind the other, and where."""
    total = sum(sizes)
    path = path_of(folder, kind)
    ends = np.cumsum(sizes).tolist()
    if kind in ("bin", "aedat 2, davis346"):
        whole = record(folder, kind, total).read_bytes()
        size = 5 if kind == "bin" else 8
        at = whole.rindex(b"\n", 0, 40) + 1 if kind != "bin" else 0
        made = [whole[a:b] for a, b in pairwise([0, *(at + size * end for end in ends)])]
    else:
        events = np.concatenate(list(blocks(total)))
        some = np.split(events, ends[:-1])
        if kind == "aedat 3":
            made, before = [], 0
            with EventWriter(path) as writer:
                for part in some:
                    writer.write(part)
                    writer.flush()
                    made.append(path.read_bytes()[before:])
                    before = path.stat().st_size
        else:
            made = [recording([(0, packet(part))], table=None) for part in some]
            head = len(recording([], table=None))
            made[1:] = [part[head:] for part in made[1:]]
    path.unlink(missing_ok=True)
    return path, made


def put(path: Path, data: bytes, mode: str = "ab") -> None:
    with open(path, mode) as file:
        file.write(data)


def known(stream: EventStream) -> tuple[list[int], Any]:
    """Where pieces begin, and what is in them."""
    file = stream.known()
    return file.starts.tolist(), np.concatenate([np.empty(0, EVENT), *(piece.copy() for piece in file.each())])


def check(stream: EventStream) -> None:
    """What is known of a file that was followed is what is known of a copy."""
    copy = stream.path.with_name("copy" + stream.path.suffix)
    copy.write_bytes(stream.path.read_bytes())
    starts, events = known(stream)
    assert starts == known_file(copy, None).starts.tolist()
    assert (events == read_events(copy)).all()
    assert len(events) == len(stream) == len(read_events(copy))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_known_is_that_of_the_whole(kind: str, tmp_path: Path) -> None:
    path, made = parts(tmp_path, kind)
    put(path, made[0])
    stream, passed = EventStream(path), []
    with stream.open() as run:
        for data in (b"", *made[1:]):
            put(path, data)
            check(stream)
            passed.append(events_of(run.read(len(stream) - run.position)))
    assert (np.concatenate(passed) == read_events(path)).all()


@pytest.mark.skipif(not COUNTED.exists(), reason="bytes that are read are told by /proc")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["length", "events"])
def test_a_recording_is_followed_without_reading_it_anew(how: str, kind: str, tmp_path: Path) -> None:
    at_once = 20_000
    path, made = parts(tmp_path, kind, (900_000, *[at_once] * 5))
    put(path, made[0])
    stream = EventStream(path)
    with stream.open(at=len(stream) - 1) as run:
        run.read(1)
        for data in made[1:]:
            put(path, data)

            def follow() -> None:
                n = len(stream) - run.position
                assert n > at_once - 10_000
                assert how == "length" or run.read(n).n == n

            read = bytes_read(follow)
            assert read < ONCE + len(data) < len(made[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_that_was_cut_or_written_anew_did_not_grow(kind: str, tmp_path: Path) -> None:
    path, made = parts(tmp_path, kind)
    (tmp_path / "other").mkdir()
    other = b"".join(parts(tmp_path / "other", kind, (PIECE + 50, 9, 2 * PIECE))[1])
    whole, ends = b"".join(made), np.cumsum([len(data) for data in made]).tolist()
    put(path, whole[: ends[4]])
    stream = EventStream(path)
    check(stream)
    os.truncate(path, ends[2])
    check(stream)
    put(path, whole[ends[2] :])
    check(stream)
    for mode in ("wb", "r+b"):  # in its place, longer and shorter
        put(path, other, mode)
        os.truncate(path, len(other))
        check(stream)
        put(path, whole, mode)
        check(stream)
    path.unlink()
    put(path, whole + made[-1])
    check(stream)


@pytest.mark.parametrize("kind", ["bin", "aedat 3", "aedat 2, davis346"])
def test_events_that_were_replaced_at_the_end_are_looked_at(kind: str, tmp_path: Path) -> None:
    """A writer on a full disk takes back what it could not finish; what comes then is something else."""
    path, made = parts(tmp_path, kind, (PIECE, 500, 600))
    put(path, made[0] + made[1])
    stream = EventStream(path)
    check(stream)
    none = {"bin": b"\0\xf0\0\0\0", "aedat 3": struct.pack("<II", 0, 7), "aedat 2, davis346": b"\x80" + bytes(7)}[kind]
    os.truncate(path, len(made[0] + made[1]) - 100 * len(none))
    put(path, 100 * none + made[2])
    check(stream)


@pytest.mark.parametrize("kind", KINDS)
def test_a_recording_that_ends_within_an_event_is_gone_on_with(kind: str, tmp_path: Path) -> None:
    path, made = parts(tmp_path, kind, (PIECE + 7, 100, 20))
    put(path, made[0])
    stream = EventStream(path)
    check(stream)
    for data in made[1:]:
        put(path, data[:-3])
        with pytest.raises(DataError, match=r"cut short|within"):
            len(stream)
        put(path, data[-3:])
        check(stream)


def test_another_camera_is_told_as_it_comes(tmp_path: Path) -> None:
    path, events = tmp_path / "a.aedat4", next(blocks(30))
    head = len(recording([], table=None))
    put(path, recording([(0, packet(events)), (1, packet(events, b"IMUS"))], table=None))
    stream = EventStream(path)
    assert len(stream) == 30
    put(path, recording([(1, packet(events)), (0, packet(events))], table=None)[head:])
    assert len(stream) == len(read_events(path)) == 60  # a stream's packets are of one kind
    put(path, recording([(2, packet(events))], table=None)[head:])
    for _ in range(2):
        with pytest.raises(DataError, match="events of 2 cameras"):
            len(stream)
