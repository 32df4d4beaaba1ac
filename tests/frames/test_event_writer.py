"""Events put into files as they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tracemalloc
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from frames.test_events import some
from headrace.errors import ClosedError, DataError, SinkError, StreamConfigError
from headrace.frames import (
    EVENT,
    EventWriter,
    HDF5Reader,
    HDF5Writer,
    read_events,
    write_events,
)
from support.require import require


def test_a_writer_takes_events_in_every_form(tmp_path: Path) -> None:
    events = some()
    with EventWriter(tmp_path / "a.npz") as writer:
        writer.write(events[:100])
        writer.write({name: events[name][100:200] for name in EVENT.names or ()})
        for event in events[200:]:
            writer.write(event)
        assert not list(tmp_path.iterdir())
        for wrong in (7, "event", {"x": 1}, {"x": 1, "y": 1, "t": "now", "p": 1}, np.zeros(3, [("x", "i2")])):
            with pytest.raises(DataError):
                writer.write(wrong)
    assert writer.written == 500
    assert (read_events(tmp_path / "a.npz") == events).all()
    writer.close()
    with pytest.raises(ClosedError):
        writer.write(events[0])
    for name in ("a.avi", "a.aedat4"):  # the latter is only read
        with pytest.raises(StreamConfigError, match=r"\.npz, \.h5"):
            EventWriter(tmp_path / name)


GROW = ["aedat", "bin", "h5"]


@pytest.mark.parametrize("ending", GROW)
def test_a_file_grows_as_events_come(tmp_path: Path, ending: str) -> None:
    if ending == "h5":
        require("h5py")
    events, path = some(30_000), tmp_path / f"a.{ending}"
    path.write_bytes(b"what was there before")
    writer = EventWriter(path)
    writer.write(events[:3])
    assert path.read_bytes() == b"what was there before"
    writer.flush()
    assert (read_events(path) == events[:3]).all()
    writer.write(events[3:20_000])  # many: at once
    assert (read_events(path) == events[:20_000]).all()
    for event in events[20_000:]:
        writer.write(event)
    writer.flush()
    writer.flush()
    assert (read_events(path) == events).all()
    writer.close()
    assert (read_events(path) == events).all()
    EventWriter(path).close()
    assert len(read_events(path)) == 0


def test_events_that_wait_for_others_are_in_the_file_a_second_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("headrace.frames.events.writer.monotonic", lambda: now[0])
    with EventWriter(tmp_path / "a.aedat") as writer:
        for k, event in enumerate(some(9)):
            now[0] += 0.4
            writer.write(event)
            if k == 8:
                assert (read_events(tmp_path / "a.aedat") == some(9)[:8]).all()


@pytest.mark.parametrize("ending", GROW)
def test_a_writer_holds_no_events(tmp_path: Path, ending: str) -> None:
    if ending == "h5":
        require("h5py")
    block = some(5000)
    with EventWriter(tmp_path / f"a.{ending}") as writer:
        writer.write(block)
        writer.flush()
        tracemalloc.start()
        try:
            for _ in range(60):
                writer.write(block)
            most = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert most < 2 << 20, "sixty blocks are 4 MiB"


def test_what_was_flushed_outlives_a_kill(tmp_path: Path) -> None:
    require("h5py")
    code = """
import os, signal, sys
import numpy as np
from headrace.frames import EventWriter
writers = [EventWriter(f"{sys.argv[1]}/a.{ending}") for ending in ("aedat", "bin", "h5")]
for writer in writers:
    writer.write({name: np.arange(100) % 2 for name in "xytp"})
    writer.flush()
    writer.write({name: np.ones(100, int) for name in "xytp"})
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    for ending in GROW:
        assert read_events(tmp_path / f"a.{ending}").tolist() == [(k % 2,) * 4 for k in range(100)]


def test_a_recording_cut_short_can_be_cut_where_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.aedat"
    with EventWriter(path) as writer:
        writer.write(some(100))
        writer.flush()
        writer.write(some(50))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(DataError, match=r"os\.truncate\(path, \d+\)") as told:
        read_events(path)
    os.truncate(path, int(str(told.value).rpartition("path, ")[2].partition(")")[0]))
    assert (read_events(path) == some(100)).all()


@pytest.mark.parametrize("ending", ["npz", *GROW])
def test_events_of_a_format_are_refused_when_they_come(tmp_path: Path, ending: str) -> None:
    if ending == "h5":
        require("h5py")
    with EventWriter(tmp_path / f"a.{ending}") as writer:
        writer.write(some(3))
        early = {"x": [1], "y": [1], "t": [-1], "p": [1]}
        if ending in ("aedat", "bin"):
            with pytest.raises(DataError, match=r"EventWriter\.write got"):
                writer.write(early)
        else:
            writer.write(early)
    assert len(read_events(tmp_path / f"a.{ending}")) == writer.written == (3 if ending in ("aedat", "bin") else 4)


def test_a_disk_that_is_full_takes_later_what_it_refused(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs limits of a process")
    events, path = some(20_000), tmp_path / "a.aedat"
    with EventWriter(path) as writer:
        writer.write(events[:9000])
        writer.write(events[9000:9010])
        whole = path.read_bytes()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 1000, limits[1]))
        try:
            for _ in range(2):
                with pytest.raises(SinkError, match="File too large"):
                    writer.write(events[9010:])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert writer.written == 9010
        assert path.read_bytes() == whole, "what went half into it is out again"
        writer.write(events[9010:])
    assert (read_events(path) == events).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_was_forked_leaves_the_file_to_its_parent(tmp_path: Path) -> None:
    writer = EventWriter(tmp_path / "a.aedat")
    writer.write(some(3))
    child = os.fork()
    if child == 0:
        said = 1
        try:
            with pytest.raises(ClosedError, match="process that was forked"):
                writer.write(some(3))
            with pytest.raises(ClosedError, match="process that was forked"):
                writer.flush()
            writer.close()
            said = 0
        finally:
            os._exit(said)
    assert os.waitpid(child, 0)[1] == 0
    assert not list(tmp_path.iterdir())
    writer.close()
    assert (read_events(tmp_path / "a.aedat") == some(3)).all()


def test_a_writer_says_at_once_where_it_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong: Any
    for wrong in (None, tmp_path / "none" / "a.npz", tmp_path):
        with pytest.raises(StreamConfigError, match=r"EventWriter\(filename\)"):
            EventWriter(wrong)
        with pytest.raises(StreamConfigError, match=r"write_events\(filename\)"):
            write_events(wrong, some(3))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    with EventWriter("a.npz") as writer:
        writer.write(some(3))
        monkeypatch.chdir(tmp_path / "other")
    assert (read_events(tmp_path / "a.npz") == some(3)).all(), "it is where it was when it was made"


def test_events_that_could_not_be_written_are_not_lost(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    writer = EventWriter(tmp_path / "sub" / "a.npz")
    writer.write(some(3))
    (tmp_path / "sub").rmdir()
    for _ in range(2):
        with pytest.raises(SinkError):
            writer.close()
    (tmp_path / "sub").mkdir()
    writer.close()
    assert (read_events(tmp_path / "sub" / "a.npz") == some(3)).all()
    (tmp_path / "sub" / "a.npz").unlink()
    writer.close()
    assert not list((tmp_path / "sub").iterdir()), "once is enough"


def test_a_writer_that_is_dropped_writes_its_file_and_says_so(tmp_path: Path) -> None:
    writers = [EventWriter(tmp_path / "a.npz")]
    writers[0].write(some(3))
    with pytest.warns(ResourceWarning, match=r"a\.npz' was dropped without close\(\).*written now"):
        writers.clear()
    assert (read_events(tmp_path / "a.npz") == some(3)).all()


def test_threads_share_a_writer(tmp_path: Path) -> None:
    def write(writer: EventWriter) -> None:
        for event in some(5000):
            writer.write(event)

    with EventWriter(tmp_path / "a.npz") as writer:
        threads = [Thread(target=write, args=(writer,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(read_events(tmp_path / "a.npz")) == writer.written == 10_000


# --- HDF5 files that hold more ----------------------------------------------------------------------


def test_what_else_is_in_an_hdf5_file_is_not_lost(tmp_path: Path) -> None:
    h5py = require("h5py")
    path, events = tmp_path / "rec.h5", some(300)
    for name, film in (("images", "images"), ("nested", "events/left"), ("events", "events")):
        path = tmp_path / f"{name}.h5"
        with HDF5Writer(path, film) as writer:
            with pytest.raises(StreamConfigError, match=r"h5', which this program is writing, wanted"):
                write_events(path, events)
            writer.put(np.ones((3, 4, 4)))
        for write in (lambda path: write_events(path, events), EventWriter):
            with pytest.raises(StreamConfigError, match=rf"which holds '{film}', wanted .*\n  Choose another name"):
                write(path)
        assert len(HDF5Reader(path, film)) == 3
    with h5py.File(tmp_path / "many.h5", "w") as file:
        for k in range(9):
            file[f"d{k}"] = k
    with pytest.raises(StreamConfigError, match="'d4' and 4 more, wanted"):
        write_events(tmp_path / "many.h5", events)


def test_what_comes_into_an_hdf5_file_before_the_first_events_is_not_lost(tmp_path: Path) -> None:
    require("h5py")
    path, events = tmp_path / "rec.h5", some(300)
    writer = EventWriter(path)
    writer.write(events)
    with HDF5Writer(path) as film:
        film.put(np.ones((3, 4, 4)))
    for give_up in (writer.flush, writer.close):
        with pytest.raises(StreamConfigError, match="which holds 'images'"):
            give_up()
    assert len(HDF5Reader(path)) == 3
    path.unlink()
    writer.close()
    assert (read_events(path) == events).all()


def test_events_in_hdf5_replace_events_of_either_form(tmp_path: Path) -> None:
    h5py = require("h5py")
    path, events = tmp_path / "rec.h5", some(300)
    with h5py.File(path, "w") as file:
        for name in "xytp":
            file[name] = [1]
    for n in (300, 200):
        write_events(path, events[:n])
        assert (read_events(path) == events[:n]).all()
