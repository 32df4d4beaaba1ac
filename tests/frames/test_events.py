"""Events as arrays and in files."""

from __future__ import annotations

import contextlib
import gc
import random
import struct
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.aedat4 import packet, recording
from frames.test_broken_files import mutated
from headrace.errors import DataError, StreamConfigError
from headrace.frames import (
    EVENT,
    EventFrameStream,
    EventStream,
    EventWriter,
    event_frames,
    events_of,
    read_events,
    time_surface,
    write_events,
)
from headrace.testing.case import Held
from support.counts import heavy
from support.require import require


def some(n: int = 500, end: int = 8_000_000) -> Any:
    rng = np.random.default_rng(3)
    made = np.empty(n, EVENT)
    made["x"], made["y"] = rng.integers(0, 128, n), rng.integers(0, 100, n)
    made["t"], made["p"] = np.sort(rng.integers(0, end, n)), rng.integers(0, 2, n)
    return made


def test_events_of_columns_and_of_arrays() -> None:
    events = some()
    floats = {name: events[name].astype(float) for name in EVENT.names or ()}
    floats["p"] = 2 * floats["p"] - 1
    assert (events_of(floats) == events).all()
    other = np.zeros(3, [("t", "u4"), ("x", "u1"), ("y", "u1"), ("p", "?"), ("more", "f4")])
    assert events_of(other).dtype == EVENT
    for wrong in (
        [1, 2],
        {"x": [1], "y": [1], "t": [1]},
        {"x": [1, 2], "y": [1], "t": [1], "p": [1]},
        {"x": [[1]], "y": [[1]], "t": [[1]], "p": [[1]]},
        {"x": ["a"], "y": [1], "t": [1], "p": [1]},
        {"x": [-1], "y": [1], "t": [1], "p": [1]},
        {"x": [1], "y": [40000], "t": [1], "p": [1]},
        {"x": [1], "y": [1], "t": [np.nan], "p": [1]},
    ):
        with pytest.raises(DataError):
            events_of(wrong)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"t": [0, 0.001]}, r"0\.001 for t of event 1, wanted whole numbers\.\n  t is in microseconds: multiply"),
        ({"t": [0, np.nan]}, "nan for t of event 1"),
        ({"t": [0, np.inf]}, r"inf for t of event 1, wanted -9223372036854775808 to 9223372036854775807"),
        ({"t": [0, 1e30]}, r"1e\+30 for t of event 1"),
        ({"t": [0, 2.0**63]}, r"9\.22\S+e\+18 for t of event 1"),
        ({"t": np.array([0, 1 << 63], "u8")}, "9223372036854775808 for t of event 1"),
        ({"x": [1.9, 0]}, r"1\.9 for x of event 0, wanted whole numbers"),
        ({"y": [0, -1]}, "-1 for y of event 1, wanted 0 to 32767"),
        ({"x": np.array([0, 40000], "u2")}, "40000 for x of event 1, wanted 0 to 32767"),
        ({"p": [0, 0.5]}, r"0\.5 for p of event 1, wanted whole numbers"),
        ({"p": [1, 2]}, r"2 for p of event 1, wanted -1 to 1\.\n  1 is ON, 0 or -1 is OFF"),
        ({"p": np.array([255, 0], "u1")}, "255 for p of event 0, wanted -1 to 1"),
    ],
    ids=lambda value: None if isinstance(value, str) else next(iter(value)),
)
def test_events_are_taken_as_they_are_or_not_at_all(tmp_path: Path, wrong: Any, told: str) -> None:
    events = {"x": [0, 0], "y": [0, 0], "t": [0, 0], "p": [0, 1], **wrong}
    with pytest.raises(DataError, match=rf"events_of got {told}"):
        events_of(events)
    with pytest.raises(DataError, match=rf"write_events got {told}"):
        write_events(tmp_path / "a.npz", events)
    with EventWriter(tmp_path / "a.npz") as writer, pytest.raises(DataError, match=rf"EventWriter.write got {told}"):
        writer.write(events)
    assert writer.written == len(read_events(tmp_path / "a.npz")) == 0


def test_the_ends_of_what_events_hold() -> None:
    ends = {"x": [0.0, 32767.0], "y": [0, 32767], "t": [-(2.0**63), 2**53 - 1.0], "p": [False, True]}
    assert events_of(ends).tolist() == [(0, 0, -(2**63), 0), (32767, 32767, 2**53 - 1, 1)]
    most = np.array([2**63 - 1], "u8")
    assert events_of({"x": [0], "y": [0], "t": most, "p": [1]})["t"].tolist() == [2**63 - 1]


def test_frames_count_every_event_once() -> None:
    events = some()
    frames = event_frames(events, (100, 128), dt=0.01)
    assert frames.shape[:2] == (1, 2)
    assert frames.sum() == len(events)
    assert frames[0, 0].sum() == events["p"].sum()
    k = 77
    at = (events["t"][k] - events["t"][0]) // 10_000
    assert frames[0, 1 - events["p"][k], at, events["y"][k], events["x"][k]] >= 1
    part = event_frames(events, (100, 128), dt=0.01, t_zero=2.0, frames=100)
    assert part.sum() == ((events["t"] >= 2_000_000) & (events["t"] < 3_000_000)).sum()
    assert event_frames(events[:0]).shape == (1, 2, 0, 1, 1)
    with pytest.raises(DataError, match="wanted room for all"):
        event_frames(events, (10, 10))
    with pytest.raises(DataError, match="larger dt"):
        event_frames(events, dt=1e-6)
    with pytest.raises(StreamConfigError):
        event_frames(events, dt=0)


def test_a_time_surface_forgets() -> None:
    events = {"x": [0, 0, 1], "y": [0, 0, 0], "t": [0, 50_000, 90_000], "p": [1, 1, 0]}
    surface = time_surface(events, (1, 2), tau=0.05)
    assert surface == pytest.approx(np.array([[[np.exp(-0.8), 0]], [[0, 1]]]))
    early = time_surface(events, (1, 2), tau=0.05, at=0.05)
    assert early == pytest.approx(np.array([[[1, 0]], [[0, 0]]])), "later events do not count"
    assert not time_surface(some(0), (3, 3)).any()


# --- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["npz", "h5", "hdf5", "aedat", "bin"])
def test_events_go_into_files_and_come_back(tmp_path: Path, ending: str) -> None:
    if ending in ("h5", "hdf5"):
        require("h5py")
    path = tmp_path / f"a.{ending}"
    for events in (some(), some(0), some(200_000)):
        write_events(path, events)
        assert (read_events(path) == events).all()
    write_events(path, {"x": [3], "y": [1], "t": [7], "p": [-1]})
    assert read_events(path).tolist() == [(3, 1, 7, 0)]


def test_long_recordings_in_aedat(tmp_path: Path) -> None:
    events = some(1000, 1 << 36)
    write_events(tmp_path / "a.aedat", events)
    assert (read_events(tmp_path / "a.aedat") == events).all()


def test_what_a_format_has_no_room_for(tmp_path: Path) -> None:
    for wrong in ({"x": [300]}, {"y": [240]}, {"t": [1 << 23]}, {"t": [-1]}):
        with pytest.raises(DataError, match="no room"):
            write_events(tmp_path / "a.bin", {"x": [1], "y": [1], "t": [1], "p": [1], **wrong})
    with pytest.raises(DataError, match="below 0"):
        write_events(tmp_path / "a.aedat", {"x": [1], "y": [1], "t": [-1], "p": [1]})
    with pytest.raises(StreamConfigError, match=r"\.npz, \.h5"):
        write_events(tmp_path / "a.txt", some(3))
    assert not list(tmp_path.iterdir())
    (tmp_path / "b.txt").write_text("")
    for name in ("b.txt", "none.npz"):
        with pytest.raises(StreamConfigError):
            read_events(tmp_path / name)


def test_a_file_that_is_no_archive_is_not_told_to_be_loaded_unsafely(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for data in (b"a", b"\x80\x04junk", b"\x93NUMPY"):
        path.write_bytes(data)
        with pytest.raises(
            DataError, match=r"a\.npz', which cannot be read: .* begins with .*; wanted an \.npz archive"
        ) as no:
            read_events(path)
        assert f"got {str(path)!r}" in str(no.value)
        assert "pickle" not in str(no.value)


@pytest.mark.parametrize("ending", ["npz", "h5", "aedat", "bin"])
def test_a_file_that_may_not_be_read_is_no_damaged_one(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h5py = require("h5py")
    path = tmp_path / f"a.{ending}"
    write_events(path, some(3))

    def refuse(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "no")

    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", refuse)
        patch.setattr(h5py, "File", refuse)
        for read in (read_events, lambda path: EventStream(path)[:]):
            with pytest.raises(DataError, match=r"^read_events got '.*a\.\w+', which may not be read .*\n.*chmod"):
                read(path)
    assert len(read_events(path)) == 3


# --- streams --------------------------------------------------------------------------------------


def test_events_one_by_one_and_in_columns(tmp_path: Path) -> None:
    events = some()
    write_events(tmp_path / "a.aedat", events)
    stream = EventStream(tmp_path / "a.aedat")
    assert (events_of(stream[:]) == events).all()
    assert stream[7] == dict(zip(EVENT.names or (), events[7].tolist(), strict=True))
    assert len(list(stream)) == len(stream) == 500
    on = stream | hr.filter(lambda event: event["p"] == 1) | hr.batch(50)
    assert sum(batch.n for batch in on) == events["p"].sum()
    shuffled = stream | hr.permute()
    assert sorted(event["t"] for event in shuffled.seeded(7)) == events["t"].tolist()
    write_events(tmp_path / "none.npz", events[:0])
    assert list(EventStream(tmp_path / "none.npz")) == []
    (tmp_path / "b.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"b\.npz"):
        next(iter(EventStream(tmp_path / "b.npz")))
    for name in ("a.txt", "c.npz"):
        (tmp_path / "a.txt").touch()
        with pytest.raises(StreamConfigError):
            EventStream(tmp_path / name)


def test_frames_of_a_file_are_those_of_its_events(tmp_path: Path) -> None:
    events = some()
    write_events(tmp_path / "a.npz", events[::-1])
    film = EventFrameStream(tmp_path / "a.npz", (100, 128), dt=0.01)
    whole = event_frames(events, (100, 128), dt=0.01)
    assert len(film) == whole.shape[2]
    assert (film.get(100) == whole[:, :, :100]).all()
    assert (film[700] == whole[0, :, 700].transpose(1, 2, 0)).all()
    assert film.t == pytest.approx(1.0)
    with pytest.raises(DataError, match="room for all"):
        EventFrameStream(tmp_path / "a.npz", (10, 10))
    write_events(tmp_path / "none.npz", events[:0])
    assert len(EventFrameStream(tmp_path / "none.npz", (3, 4))) == 0


@pytest.mark.parametrize("dt", [1e-3, 1e-4, 3e-4, 1 / 30])
@pytest.mark.parametrize("since", [0, 1_700_000_000_123_457])
def test_frames_do_not_depend_on_the_cut_nor_on_the_clock(tmp_path: Path, since: int, dt: float) -> None:
    """Microseconds since 1970 leave a float of seconds no room for the borders of frames."""
    n = 3000
    events = {"x": np.arange(n) % 3, "y": np.zeros(n, int), "t": since + np.arange(n) * 100, "p": np.arange(n) % 2}
    write_events(tmp_path / "a.npz", events)
    film = EventFrameStream(tmp_path / "a.npz", (1, 3), dt)
    whole = film[:]
    assert whole.sum() == n
    assert len(whole) == int((n - 1) * 1e-4 / dt + 1e-6) + 1
    assert (whole == event_frames(events, (1, 3), dt)[0].transpose(1, 2, 3, 0)).all()
    assert (np.stack(list(film.iterate())) == whole).all()
    for length in (1, 7, 64):
        film.reset()
        parts = []
        while len(part := film.read(length)):
            parts.append(part)
        assert (np.concatenate(parts) == whole).all()
    assert event_frames(events, (1, 3), dt, t_zero=since / 1e6).sum() == n


def test_an_event_on_the_border_is_behind_it_whatever_the_clock() -> None:
    for since in (
        1_000_003,
        1_700_000_000_123_457,
        2_240_684_991_246_167,
        2_155_188_353_822_552,
    ):  # floats miss the last two
        events = {"x": [0, 0], "y": [0, 0], "t": [since, since + 1000], "p": [1, 1]}
        assert event_frames(events, t_zero=since / 1e6).ravel().tolist()[:2] == [1, 1]


def test_times_and_numbers_of_frames_are_looked_at(tmp_path: Path) -> None:
    wrong: Any
    for wrong in ("soon", float("nan"), [1]):
        with pytest.raises(StreamConfigError, match="t_zero"):
            event_frames(some(3), t_zero=wrong)
        with pytest.raises(StreamConfigError, match=r"time_surface\(at="):
            time_surface(some(3), at=wrong)
    for wrong in (-1, 0.5, "all"):
        with pytest.raises(StreamConfigError, match="frames"):
            event_frames(some(3), frames=wrong)
    far = {"x": [0, 0], "y": [0, 0], "t": [-(1 << 62), 1 << 62], "p": [1, 1]}
    with pytest.raises(DataError, match="larger dt"):
        event_frames(far)
    write_events(tmp_path / "a.npz", far)
    with pytest.raises(DataError, match="larger dt"):
        EventFrameStream(tmp_path / "a.npz", dt=1e-6)
    film = EventFrameStream(tmp_path / "a.npz", dt=1e6)
    assert film[len(film) - 1].sum() == film[0].sum() == 1


@pytest.mark.parametrize("ending", ["aedat", "bin"])
def test_reading_takes_the_events_and_little_more(tmp_path: Path, ending: str) -> None:
    events = some(800_000)
    write_events(tmp_path / f"a.{ending}", events)
    tracemalloc.start()
    try:
        found = read_events(tmp_path / f"a.{ending}")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (found == events).all()
    assert most < found.nbytes + (7 << 20), "13 bytes each, and a stretch of 65 536 on its way"


def test_the_clock_of_n_mnist_runs_over_in_every_stretch(tmp_path: Path) -> None:
    n = 150_000
    raw = np.zeros((n, 5), np.uint8)
    raw[:, 0], raw[:, 4] = 3, 1
    raw[::50_000, 1] = 240
    (tmp_path / "a.bin").write_bytes(raw.tobytes())
    times = read_events(tmp_path / "a.bin")["t"]
    assert times.tolist() == np.repeat(8192 * np.arange(1, 4) + 1, 49_999).tolist()


def second(*raw: tuple[int, int], head: bytes = b"") -> bytes:
    return b"#!AER-DAT2.0\r\n" + head + b"# by hand\r\n" + b"".join(struct.pack(">II", *pair) for pair in raw)


def test_aedat_2_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "a.aedat"
    # Columns and rows are those that tonic 1.7 finds in the same bytes; what bit 31 marks is no event and left out.
    path.write_bytes(second((5 << 8 | 9 << 1 | 1, 1000), (127 << 8 | 126 << 1, (1 << 31) + 5)))
    assert read_events(path).tolist() == [(5, 9, 1000, 1), (127, 126, (1 << 31) + 5, 0)]
    davis = (second((1 << 22 | 2 << 12 | 1 << 11, 7), (1 << 31, 8), (0, 9)), second((0, 9), head=b"# Davis346\r\n"))
    path.write_bytes(davis[0])
    assert read_events(path, "davis346").tolist() == [(343, 258, 7, 1), (345, 259, 9, 0)]
    path.write_bytes(davis[1])
    assert read_events(path).tolist() == [(345, 259, 9, 0)], "the header names it"
    path.write_bytes(second((0x23000000, 10)))  # in bytes: a # and, before the end, a new line
    assert read_events(path, "davis346").tolist() == [(345, 119, 10, 0)]
    path.write_bytes(second((1023 << 12, 7)))
    with pytest.raises(DataError, match="outside of the sensor"):
        read_events(path, "davis346")
    with pytest.raises(StreamConfigError, match="dvs128"):
        read_events(path, "camera")


def test_aedat_3_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "a.aedat"
    head = b"#!AER-DAT3.1\r\n#Format: RAW\r\n#Source 1: DVS128\r\n#!END-HEADER\r\n"
    special = struct.pack("<hhiiiiii", 0, 1, 8, 4, 0, 1, 1, 1) + bytes(8)
    packet = struct.pack("<hhiiiiii", 1, 1, 8, 4, 2, 3, 3, 2) + struct.pack(
        "<6I", 1 | 1 << 1 | 9 << 2 | 5 << 17, 1000, 9 << 2, 1001, 0x23 | 1 << 17, 1002
    )
    path.write_bytes(head + special + packet)
    assert read_events(path).tolist() == [(5, 9, 1000 + (2 << 31), 1), (1, 8, 1002 + (2 << 31), 1)]
    for wrong in (packet[:-3], packet[:20], struct.pack("<hhiiiiii", 1, 1, 0, 4, 0, 9, 9, 9)):
        path.write_bytes(head + special + wrong)
        with pytest.raises(DataError, match="cut short or none"):
            read_events(path)


def test_n_mnist_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(bytes([3, 7, 0x80, 3, 0xE8, 5, 9, 1, 7, 0xD0, 0, 240, 0, 0, 0, 1, 2, 0, 0, 1]))
    assert read_events(path).tolist() == [(3, 7, 1000, 1), (5, 9, 65536 + 2000, 0), (1, 2, 8193, 0)]


def test_npz_and_hdf5_of_others(tmp_path: Path) -> None:
    events = some(20)
    np.savez(tmp_path / "a.npz", events)
    assert (read_events(tmp_path / "a.npz") == events).all()
    np.savez(tmp_path / "b.npz", x=events["x"], y=events["y"])
    with pytest.raises(DataError, match="wanted x, y, t and p"):
        read_events(tmp_path / "b.npz")
    h5py = require("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in EVENT.names or ():
            file[name] = events[name]
    assert (read_events(tmp_path / "a.h5") == events).all()
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["events"] = events
    assert (read_events(tmp_path / "b.h5") == events).all()
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["frames"] = np.zeros(3)
    with pytest.raises(DataError):
        read_events(tmp_path / "c.h5")


def test_other_versions_are_named(tmp_path: Path) -> None:
    for head, told in (
        (b"#!AER-DAT1.0\r\n", "version 1.0, wanted 2.0, 3.1 or 4.0"),
        (b"nothing", "wanted an AEDAT file"),
    ):
        (tmp_path / "a.aedat").write_bytes(head)
        with pytest.raises(DataError, match=told):
            read_events(tmp_path / "a.aedat")


def _second(path: Path) -> None:
    path.write_bytes(second(*((k << 8 | k << 1, 1000 * k) for k in range(100))))


def _fourth(path: Path) -> None:
    path.write_bytes(recording([(0, packet(some(60))), (1, packet(some(0), b"IMUS")), (0, packet(some(40)))]))


def _third(path: Path) -> None:
    write_events(path, some(100))


def _plain(path: Path) -> None:
    columns: Any = {name: np.ascontiguousarray(some(100)[name]) for name in EVENT.names or ()}
    np.savez(path, **columns)


KINDS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "aedat 2": ("a.aedat", _second),
    "aedat 3": ("a.aedat", _third),
    "aedat 4": ("a.aedat4", _fourth),
    "bin": ("a.bin", _third),
    "npz": ("a.npz", _third),
    "npz, as it is": ("a.npz", _plain),
}


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_are_errors_or_events(kind: str, tmp_path: Path) -> None:
    name, write = KINDS[kind]
    path = tmp_path / name
    write(path)
    good = path.read_bytes()
    gc.collect()
    held, rng = Held(), random.Random(kind)
    wrong: list[str] = []
    for _ in range(heavy(500) + 30):
        path.write_bytes(mutated(good, rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                events = read_events(path)
            except DataError as error:
                wrong.append(str(error))
                with pytest.raises(DataError):
                    EventStream(path)[:]
            else:
                assert events.dtype == EVENT
                assert len(events) <= 200
                assert len(events) == 0 or (events_of(EventStream(path)[:]) == events).all()
            with contextlib.suppress(DataError):
                EventFrameStream(path, (1 << 15, 1 << 15), 1e9)
    assert wrong
    assert all(str(path) in told for told in wrong)
    gc.collect()
    assert not held.grown()
