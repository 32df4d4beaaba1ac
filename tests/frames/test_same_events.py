"""Files of events that become others: a pass or a film is of one recording, goes on as it grows, and says where it is another."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.aedat4 import packet, recording
from frames.recordings import blocks, record
from frames.test_growing_recordings import COUNTED, bytes_read
from headrace.errors import AddressError, DamageError, DataError
from headrace.frames import EVENT, EventFrameStream, EventStream, EventWriter, events_of, read_events, write_events
from support.require import require

ENDINGS = ["npz", "aedat", "bin", "h5"]
MANY = 800_000  # of which a film holds 524288


@pytest.fixture(params=ENDINGS)
def ending(request: pytest.FixtureRequest) -> str:
    if request.param == "h5":
        require("h5py")
    return str(request.param)


def events(n: int, x: int = 1) -> Any:
    made = np.zeros(n, EVENT)
    made["x"], made["t"], made["p"] = x, np.arange(n), 1
    return made


def write_in_place(path: Path, some: Any) -> None:
    """Write events over those of a file, which stays the same one."""
    if path.suffix == ".npz":
        np.savez(path, **{name: some[name] for name in EVENT.names or ()})
        return
    other = path.with_name("other" + path.suffix)
    write_events(other, some)
    path.write_bytes(other.read_bytes())
    other.unlink()


def half_changed() -> tuple[Any, Any]:
    """Two recordings that begin and end as the same."""
    before = np.concatenate(list(blocks(MANY)))
    after = before.copy()
    after["p"][5000:-5000] ^= 1
    return before, after


@pytest.mark.parametrize("saved", [False, True])
def test_frames_are_of_one_recording(saved: bool, ending: str, tmp_path: Path) -> None:
    path, (before, after) = tmp_path / f"a.{ending}", half_changed()
    write_in_place(path, before)
    film = EventFrameStream(path, (100, 128), 1e-3)
    film.get(2)
    state = film.state_dict()
    write_in_place(path, after)
    if saved:
        film.load_state_dict(state)
    with pytest.raises(DamageError, match="was written to since"):
        list(map(film.get, [798] * 2))  # the first may give frames from before the change
    assert EventFrameStream(path, (100, 128), 1e-3).get(800).sum() == MANY


def test_frames_of_an_archive_whose_times_are_others(tmp_path: Path) -> None:
    path, some = tmp_path / "a.npz", events(MANY)
    some["t"] *= 10
    write_in_place(path, some)
    film = EventFrameStream(path)
    film.get(100)
    some["t"][1:] += 2_000_000
    write_in_place(path, some)
    with pytest.raises(DamageError, match="was written to since"):
        list(map(film.get, [7900] * 2))


def test_a_packed_archive_that_is_another(tmp_path: Path) -> None:
    path, (before, after) = tmp_path / "a.npz", half_changed()
    write_events(path, before)
    film = EventFrameStream(path, (100, 128), 1e-3)
    first = film.get(2)
    state = film.state_dict()
    path.write_bytes(path.read_bytes())
    os.utime(path, (1, 1))
    film.load_state_dict(state)
    film.seek(0)
    assert (film.get(2) == first).all()
    write_events(path, after)
    film.load_state_dict(state)
    with pytest.raises(DamageError, match="was written to since"):
        film.get(2)


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize("n", [100, 20, 0, 1000])
def test_a_pass_gives_the_events_of_one_file(n: int, in_place: bool, ending: str, tmp_path: Path) -> None:
    path, other = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    write_events(path, events(100))
    stream, passed = EventStream(path), list[int]()
    with stream.open() as read, stream.open() as drawn, stream.open() as taken:
        assert read.read(50)["x"].tolist() == [1] * 50
        assert next(drawn)["x"] == 1
        assert len(taken.take(10)) == 10
        write_events(other, events(n, 2))
        if in_place:
            path.write_bytes(other.read_bytes())
        else:
            os.replace(other, path)
        for ask in (lambda: read.read(10), lambda: next(read), lambda: taken.take(60)):
            for _ in range(2):
                with pytest.raises(
                    DataError, match="was written to since it was first opened, wanted the same file: 100 ev"
                ):
                    ask()
        assert (read.position, taken.position) == (50, 10)
        with pytest.raises(DamageError, match="100 events"):
            passed.extend(int(event["x"]) for event in drawn)
        assert set(passed) <= {1}
    with stream.open() as anew:
        assert events_of(anew.read(2000)).tolist() == events(n, 2).tolist() if n else anew.read(2000) == {}


def test_a_pass_through_others_gives_the_events_of_one_file(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    write_events(path, events(100))
    with (EventStream(path) | hr.map(lambda event: int(event["x"]))).open() as run:
        assert run.take(10) == [1] * 10
        write_events(path, events(100, 2))
        with pytest.raises(DamageError, match="was written to since"):
            run.take(80)


def test_a_pass_goes_on_with_the_same_file_again(ending: str, tmp_path: Path) -> None:
    path, other = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    write_events(path, events(100))
    with EventStream(path).open() as run:
        assert run.read(10)["t"].tolist() == list(range(10))
        os.utime(path, (1, 1))
        assert run.read(10)["t"].tolist() == list(range(10, 20))
        other.write_bytes(path.read_bytes())
        os.replace(other, path)
        assert run.read(90)["t"].tolist() == list(range(20, 100))


def test_questions_by_number_are_of_the_file_that_is_there(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    write_events(path, events(10))
    stream = EventStream(path)
    assert (stream[5]["x"], stream[2:4]["x"].tolist()) == (1, [1, 1])
    write_events(path, events(4, 2))
    assert (stream[3]["x"], stream[2:4]["x"].tolist(), stream[-1]["t"]) == (2, [2, 2], 3)
    with pytest.raises((AddressError, DataError)):
        stream[5]
    write_events(path, events(10, 3))
    assert stream[5]["x"] == 3


@pytest.mark.skipif(not COUNTED.exists(), reason="bytes that are read are told by /proc")
def test_events_in_one_large_chunk_are_unpacked_once(tmp_path: Path) -> None:
    h5py: Any = require("h5py")
    path, n = tmp_path / "a.h5", 3_300_000
    some = np.random.default_rng(3).integers(0, 1 << 15, n).astype(np.int16)
    with h5py.File(path, "w") as file:
        for name in EVENT.names or ():
            given = some & 1 if name == "p" else some
            file.create_dataset(
                name, data=given.astype(EVENT[name]), chunks=(n,), compression="gzip", compression_opts=1
            )
    size, found = path.stat().st_size, []
    assert bytes_read(lambda: found.append(read_events(path))) < 3 * size
    assert (found[0]["x"] == some).all()
    stream = EventStream(path)
    assert len(stream) == n
    assert bytes_read(lambda: [piece.copy() for piece in stream.known().each()]) < 1.1 * size


@pytest.mark.skipif(not COUNTED.exists(), reason="bytes that are read are told by /proc")
def test_a_piece_is_held_after_a_file_too_many(tmp_path: Path) -> None:
    path, taken = record(tmp_path, "aedat 3", 1_150_000), []
    with EventStream(path).open() as run:
        assert run.read(10).n == 10
        run.skip(700_000)
        try:
            while True:
                taken.append(os.open(path, os.O_RDONLY))
        except OSError:
            pass
        try:
            with pytest.raises(DataError, match="one file more than may be open"):
                run.read(1)
        finally:
            for file in taken:
                os.close(file)
        assert run.read(10).n == 10
        assert bytes_read(lambda: [run.read(10) for _ in range(20)]) < 100_000


def test_an_archive_that_cannot_be_opened_is_not_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    write_in_place(path, events(100))

    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files", str(path))

    monkeypatch.setattr("headrace.frames.events.columns.Archive", refuse)
    with pytest.raises(DataError, match="one file more than may be open"):
        len(EventStream(path))


@pytest.mark.skipif(not COUNTED.exists(), reason="bytes that are read are told by /proc")
@pytest.mark.parametrize("kind", ["aedat", "bin", "h5"])
@pytest.mark.parametrize("how", ["search", "frames"])
def test_what_is_looked_at_of_all_events_is_gone_on_with(how: str, kind: str, tmp_path: Path) -> None:
    if kind == "h5":
        require("h5py")
    path, some = tmp_path / f"a.{kind}", np.concatenate(list(blocks(900_000)))
    n, at = 800_000, 0
    with EventWriter(path) as writer:
        writer.write(some[:n])
        writer.flush()
        stream = EventStream(path)
        film = EventFrameStream(path, (100, 128), 1e-3)
        ask: Callable[[], Any] = (lambda: stream.search(at)) if how == "search" else (lambda: next(film.iterate()))
        assert ask() is not None
        for n in range(820_000, 900_001, 20_000):
            writer.write(some[n - 20_000 : n])
            writer.flush()
            at = int(some["t"][n - 5000])
            read = bytes_read(ask)
            assert kind == "h5" or read < path.stat().st_size / 2
            assert stream.search(at) == np.searchsorted(some["t"][:n], at)
        assert len(film) >= 799
        assert EventFrameStream(path, (100, 128), 1e-3)[:].sum() == n


def test_a_pass_goes_on_where_a_recording_of_dv_is_closed(tmp_path: Path) -> None:
    """Its header then tells of a table behind the events."""
    path, some = tmp_path / "a.aedat4", events(300)
    packets = [(0, packet(some[lo : lo + 100])) for lo in (0, 100, 200)]
    path.write_bytes(recording(packets[:2], table=None))
    film = EventFrameStream(path, (10, 10), 1e-6)
    with EventStream(path).open() as run:
        assert run.read(10)["t"].tolist() == list(range(10))
        path.write_bytes(recording(packets))
        assert run.read(300)["t"].tolist() == list(range(10, 300))
    assert film.get(200).sum() == 200


def test_a_pass_over_what_is_made_of_a_recording_ends_in_no_silence(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    write_events(path, events(100))
    mapped = EventStream(path) | hr.map(lambda event: event)
    with mapped.open() as cursor:
        cursor.read(50)
        write_in_place(path, events(20))
        for again in (lambda: cursor.read(10), lambda: cursor.take(10), lambda: next(cursor)):
            with pytest.raises(DataError):
                again()
        assert cursor.position == 50
