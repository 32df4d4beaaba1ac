"""Recordings of more events than a run holds: exact wherever they are cut, in little memory, told where they are damaged."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import pickle
import struct
import sys
import threading
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.recordings import KINDS, blocks, record
from frames.test_memory_bound import resident
from headrace.errors import DamageError, DataError, StreamConfigError
from headrace.frames import (
    EVENT,
    EventFrameStream,
    EventStream,
    EventWriter,
    event_frames,
    events_of,
    read_events,
    write_events,
)
from headrace.frames.events.files import known_file, known_span
from headrace.frames.events.pieces import EventFile
from support.counts import soaking
from support.require import require

N = 1_150_000  # a run holds 2**20
NAMES = EVENT.names or ()


@pytest.fixture(scope="module", params=KINDS)
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if request.param == "h5":
        require("h5py")
    path = record(tmp_path_factory.mktemp("long"), request.param, N)
    yield path
    path.unlink()


@pytest.fixture(scope="module")
def events() -> Any:
    return np.concatenate(list(blocks(N)))


def same(found: Any, wanted: Any) -> bool:
    return bool((events_of(found) == wanted).all()) and len(found["t"]) == len(wanted)


def test_events_by_number_are_those_of_the_whole(recording: Path, events: Any) -> None:
    assert (read_events(recording) == events).all()
    stream = EventStream(recording)
    assert len(stream) == N
    for lo in (0, 1, 65_530, 65_536, 3 * 65_536, 999_999, N - 1):
        for length in (1, 7, 70_000, 200_000):
            assert same(stream[lo : lo + length], events[lo : lo + length])
    assert stream[-1] == dict(zip(NAMES, events[-1].tolist(), strict=True))
    assert same(stream[::9973], events[::9973])
    at = np.random.default_rng(3).integers(0, N, 300)
    assert same(stream[at], events[at])
    near = np.concatenate([at[:3], at[:3] + 1, at[:3] + 500, at[:1]]) % N
    assert same(stream[near], events[near])


def test_a_pass_goes_on_where_it_was_saved(recording: Path, events: Any) -> None:
    stream = EventStream(recording)
    with stream.open() as run:
        assert same(run.read(700_001), events[:700_001])
        state = json.loads(json.dumps(run.state()))
        rest = events_of(run.read(100_000))
        assert (rest == events[700_001:800_001]).all()
    with pickle.loads(pickle.dumps(stream)).open(at=state) as run:
        assert same(run.read(100_000), rest)
        assert [event["t"] for event in run.take(5)] == events["t"][800_001:800_006].tolist()
        run.skip(200_000)
        parts = []
        while len(part := run.read(60_000)):
            parts.append(events_of(part))
    assert (np.concatenate(parts) == events[1_000_006:]).all()


def test_frames_are_those_of_the_whole(recording: Path, events: Any) -> None:
    film = EventFrameStream(recording, (100, 128), 0.001)
    assert len(film) == N // 1000
    counts = event_frames(events, (100, 128), 0.01)[0].transpose(1, 2, 3, 0)
    for k in (0, 57, 3, 114):
        assert (film[10 * k : 10 * k + 10].sum(axis=0) == counts[k]).all()
    assert sum(film.read(50).sum() for _ in range(23)) == N
    film.seek(655)
    twin = pickle.loads(pickle.dumps(film))
    assert (twin.get(3) == film.get(3)).all()
    assert EventFrameStream(recording, dt=0.5).size == (100, 128)


def test_times_are_found(recording: Path, events: Any) -> None:
    stream = EventStream(recording)
    for t in (-(2**70), 0, 5, 6, 65_541, 600_000, int(events["t"][-1]), N + 5, 2**70):
        assert stream.search(t) == np.searchsorted(events["t"], max(-1, min(t, N + 9)))
    for wrong in ("now", 0.5, None, True):
        with pytest.raises(StreamConfigError, match="search"):
            stream.search(wrong)  # type: ignore[arg-type]


def _in_child(stream: EventStream, film: EventFrameStream, answers: Any) -> None:
    answers.put((stream[800_000:800_100]["t"], film.get(3), film.i))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_reads_on_and_so_does_its_parent(recording: Path, events: Any) -> None:
    stream, film = EventStream(recording), EventFrameStream(recording, (100, 128), 0.001)
    assert same(stream[:3], events[:3])
    film.seek(600)
    film.get(1)
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    child = context.Process(target=_in_child, args=(stream, film, answers))
    child.start()
    times, frames, place = answers.get(timeout=60)
    child.join(60)
    assert place == 604
    assert (times == events["t"][800_000:800_100]).all()
    assert (frames == film.get(3)).all()
    assert same(stream[800_000:800_100], events[800_000:800_100])


# --- memory ---------------------------------------------------------------------------------------


@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is told by /proc")
@pytest.mark.parametrize(
    "kind", ["aedat 2", "aedat 2, davis346", "aedat 3", "aedat 4", "aedat 4, lz4", "h5", "npz", "bin"]
)
def test_a_recording_is_never_in_memory(kind: str, tmp_path: Path) -> None:
    n = 20_000_000 if soaking() else 3_000_000  # of which 39 MB would be held
    if kind == "h5":
        require("h5py")

    def passed(path: Path, most: list[int]) -> tuple[int, int]:
        frames = events = 0
        with EventFrameStream(path, (100, 128), 0.001) as film, EventStream(path).open() as run:
            while len(block := film.read(20)):
                frames += int(block.sum())
                most.append(resident())
            while len(part := run.read(50_000)):
                events += part.n
                most.append(resident())
        return frames, events

    (tmp_path / "first").mkdir()
    passed(record(tmp_path / "first", kind, 1000), [])  # what it takes to import
    path = record(tmp_path, kind, n)
    gc.collect()
    before, most = resident(), [0]
    assert passed(path, most) == (n, n)
    assert max(most) - before < 32 << 20


def test_events_one_by_one_of_a_long_recording(recording: Path, events: Any) -> None:
    with EventStream(recording).open(at=65_000) as run:
        assert [event["t"] for event in run.take(3000)] == events["t"][65_000:68_000].tolist()


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["h5", "npz"])
def test_an_event_that_cannot_be_is_told_when_it_is_read(kind: str, tmp_path: Path) -> None:
    events = np.concatenate(list(blocks(N)))
    columns: Any = {name: np.ascontiguousarray(events[name]) for name in NAMES}
    columns["x"][1_100_007] = -3
    path = tmp_path / f"a.{kind}"
    if kind == "npz":
        np.savez(path, **columns)
    else:
        with require("h5py").File(path, "w") as file:
            for name in NAMES:
                file[name] = columns[name]
    stream = EventStream(path)
    assert same(stream[:1_000_000], events[:1_000_000])
    told = rf"a\.{kind}.* got -3 for x of event 1100007, wanted 0 to 32767"
    for ask in (lambda: stream[1_100_000:], lambda: read_events(path), lambda: EventFrameStream(path)):
        with pytest.raises(DataError, match=told):
            ask()
    with stream.open(at=1_090_000) as run:
        assert run.read(9500).n == 9500
        with pytest.raises(DataError, match=told):
            for _ in run:
                pass
        assert run.position == 1_100_007
        assert run.skip() == 1
        assert next(run)["t"] == events["t"][1_100_008]


def test_an_address_outside_is_told_by_its_number(tmp_path: Path) -> None:
    path = record(tmp_path, "aedat 2, davis346", 1_200_000)
    at = path.stat().st_size - 8 * 70
    with open(path, "r+b") as file:
        file.seek(at)
        file.write(struct.pack(">I", 1023 << 12))
    with pytest.raises(DataError, match=r"outside of the sensor 'davis346' for event 11999\d\d of"):
        list(EventStream(path)[1_190_000:])
    assert len(EventStream(path)[:100_000]["t"]) == 100_000


def test_a_packet_that_says_what_is_not_so(tmp_path: Path) -> None:
    """How many events of a packet are valid is counted, whatever it says."""
    path = tmp_path / "a.aedat"
    words = np.arange(40, dtype="<u4").reshape(20, 2)
    words[:, 0] = 4 * words[:, 0] | (np.arange(20) % 3 == 0)
    path.write_bytes(
        b"#!AER-DAT3.1\r\n#!END-HEADER\r\n" + struct.pack("<hhiiiiii", 1, 1, 8, 4, 0, 20, 20, 20) + words.tobytes()
    )
    assert len(EventStream(path)) == len(read_events(path)) == 7
    assert EventStream(path)[3:]["t"].tolist() == [19, 25, 31, 37]


# --- files that change ----------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["aedat", "bin", "h5"])
@pytest.mark.parametrize("n", [100, 700_000])
def test_a_recording_may_grow_while_its_frames_are_drawn(ending: str, n: int, tmp_path: Path) -> None:
    if ending == "h5":
        require("h5py")
    path, events = tmp_path / f"a.{ending}", np.concatenate(list(blocks(n + n // 2)))
    dt = 1e-6 * n / 100
    early = int((events["t"][:n] < events["t"][0] + n // 10).sum())
    with EventWriter(path) as writer:
        writer.write(events[:n])
        writer.flush()
        film, stream = EventFrameStream(path, (100, 128), dt), EventStream(path)
        assert film.get(10).sum() == early
        assert len(stream) == n
        writer.write(events[n:])
        writer.flush()
        rest = len(film) - 10
        assert film.get(rest).sum() == n - early
        assert len(stream) == len(events)
        assert same(stream[n - 10 :], events[n - 10 :])


@pytest.mark.parametrize("ending", ["aedat", "bin", "h5"])
def test_a_recording_that_grows_while_it_is_looked_through(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was known of its beginning is not taken for all of it."""
    if ending == "h5":
        require("h5py")
    path, events = tmp_path / f"a.{ending}", np.concatenate(list(blocks(300)))
    with EventWriter(path) as writer:

        def grow(*given: Any) -> Any:
            monkeypatch.undo()
            writer.write(events[200:])
            writer.flush()
            return known_span(*given)

        writer.write(events[:200])
        writer.flush()
        monkeypatch.setattr("headrace.frames.events.frames.known_span", grow)
        early = EventFrameStream(path, (100, 128), 1e-5)
        late = EventFrameStream(path, (100, 128), 1e-5)
        assert late[:].sum() == 300
        assert (early[:20] == late[:20]).all()
        assert EventStream(path).search(2**70) == 300


def test_a_short_recording_grows_under_several_threads(tmp_path: Path) -> None:
    path, events = tmp_path / "a.aedat", np.concatenate(list(blocks(100)))
    before, wrong = sys.getswitchinterval(), []

    def read(file: EventFile, together: threading.Barrier) -> None:
        together.wait(60)
        try:
            assert (file.part(0, 0, 50) == events[:50]).all()
        except Exception as error:
            wrong.append(error)

    sys.setswitchinterval(1e-6)
    try:
        for _ in range(60):
            with EventWriter(path) as writer:
                writer.write(events[:50])
                writer.flush()
                file, together = known_file(path, None), threading.Barrier(4)
                assert file.n == 50
                writer.write(events[50:])
                writer.flush()
                threads = [threading.Thread(target=read, args=(file, together)) for _ in range(4)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong


def test_frames_do_not_move_when_an_earlier_event_comes_behind(tmp_path: Path) -> None:
    path, events = tmp_path / "a.aedat", np.concatenate(list(blocks(1000)))
    events["t"] += 1000
    with EventWriter(path) as writer:
        writer.write(events)
        writer.flush()
        film = EventFrameStream(path, (100, 128), 1e-4)
        first = next(film.iterate())
        writer.write(np.array([(0, 0, 2000, 1)], EVENT))
        writer.flush()
        assert (next(film.iterate()) == first).all()
        writer.write(np.array([(0, 0, 0, 1)], EVENT))
        writer.flush()
        with pytest.raises(DamageError, match="was written to since"):
            next(film.iterate())


@pytest.mark.parametrize("ending", ["aedat", "h5"])
def test_frames_are_never_of_two_recordings(ending: str, tmp_path: Path) -> None:
    """One is written over the other in its place, and is longer."""
    if ending == "h5":
        require("h5py")
    path, events = tmp_path / f"a.{ending}", np.concatenate(list(blocks(700_000)))
    write_events(path, events)
    film = EventFrameStream(path, (100, 128), 0.007)
    whole = event_frames(events, (100, 128), 0.007)[0].transpose(1, 2, 3, 0)
    other = events.copy()
    other["x"] = (events["x"] + 7) % 128
    found = [film.get(1)]
    if ending == "h5":
        with require("h5py").File(path, "w") as file:
            for name in NAMES:
                file[f"events/{name}"] = np.concatenate([other[name]] * 2)
    else:
        write_events(tmp_path / "b.aedat", other)
        path.write_bytes((tmp_path / "b.aedat").read_bytes())
    with pytest.raises(DamageError, match="was written to since"):
        found.extend(map(film.get, repeat(10)))
    given = np.concatenate([block[0].transpose(1, 2, 3, 0) for block in found])
    assert (given == whole[: len(given)]).all()


@pytest.mark.parametrize("ending", ["aedat", "h5", "npz"])
def test_frames_of_a_recording_that_is_written_anew(ending: str, tmp_path: Path) -> None:
    if ending == "h5":
        require("h5py")
    path, parts = tmp_path / f"a.{ending}", list(blocks(800_000))
    columns: Any = {name: np.concatenate([part[name] for part in parts]) for name in NAMES}

    def write(some: Any) -> None:
        if ending == "npz":
            np.savez(path, **some)
        else:
            write_events(path, some)

    write(columns)
    film, stream = EventFrameStream(path, (100, 128), 0.001), EventStream(path)
    film.seek(600)
    write({name: column[100_000:] for name, column in columns.items()})
    with pytest.raises(DamageError, match=r"was written to since it was first opened"):
        film.get(10)
    assert len(EventFrameStream(path, (100, 128), 0.001)) == 700
    path.unlink()
    with pytest.raises(DamageError, match="not there any more"):
        film.get(10)
    with pytest.raises(DamageError, match="not there any more"):
        next(stream.iterate())


def test_long_recordings_in_any_order(tmp_path: Path) -> None:
    events = np.concatenate(list(blocks(600_000)))
    np.savez(tmp_path / "a.npz", events[::-1])
    film = EventFrameStream(tmp_path / "a.npz", (100, 128), 0.001)
    whole = event_frames(events, (100, 128), 0.001, frames=40)[0].transpose(1, 2, 3, 0)
    assert (film[:40] == whole).all()
    assert (film[17] == whole[17]).all()
    assert film[595:].sum() == (events["t"] >= events["t"][0] + 595_000).sum()
    np.savez(tmp_path / "b.npz", np.random.default_rng(3).permutation(events))
    assert (EventFrameStream(tmp_path / "b.npz", (100, 128), 0.001)[5:12] == whole[5:12]).all()
    late = events.copy()
    late["t"][300_000] = 0
    np.savez(tmp_path / "c.npz", late)
    with pytest.raises(DataError, match=r"search got '.*c\.npz', where event 300000 is earlier than the one before"):
        EventStream(tmp_path / "c.npz").search(7)
    with pytest.raises(DataError, match=r"event \d is earlier"):
        EventStream(tmp_path / "a.npz").search(7)
