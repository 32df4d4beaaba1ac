"""Writers on a disk that gets full: one error for all of them, which names the file, and nothing lost that was there.

A limit on the length of files stands for the disk. HDF5 is tried in a process of its own, which it may end.
"""

from __future__ import annotations

import copy
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.errors import SinkError
from headrace.frames import (
    EVENT,
    EventWriter,
    HDF5Reader,
    HDF5Writer,
    InrImageStreamer,
    InrImageStreamWriter,
    NumpyReader,
    NumpyWriter,
    VideoWriter,
    read_events,
    write_events,
    write_idx,
)
from headrace.plot import preview, to_dotfile, to_mermaid
from headrace.plot.signal_graph import graph_mermaid
from headrace.trees import SamplingTree
from support.full_disk import full_disk
from support.require import require

resource = pytest.importorskip("resource")  # not on Windows


def _events(n: int, seed: int = 3) -> Any:
    rng, made = np.random.default_rng(seed), np.zeros(n, EVENT)
    made["x"], made["y"], made["p"] = rng.integers(0, 200, n), rng.integers(0, 200, n), rng.integers(0, 2, n)
    made["t"] = np.sort(rng.integers(0, 8_000_000, n))
    return made


def _told(error: SinkError, who: str, path: Path) -> None:
    """Check the parts of a message."""
    assert re.fullmatch(
        rf"{re.escape(who)} could not write (to )?'{re.escape(str(path))}': .*, wanted .*\.\n  .* is .*\. Make room.*\.",
        str(error),
    ), error
    assert isinstance(error.__cause__, OSError)


# --- writers ----------------------------------------------------------------------------------------

FRAMES = np.random.default_rng(1).integers(0, 256, (40, 20, 20), "uint8")
WRITERS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any], Any]] = {
    "a.npy": (NumpyWriter, lambda path: NumpyReader(path).get(100), FRAMES),
    "a.inr": (InrImageStreamWriter, lambda path: InrImageStreamer(path).get(100), FRAMES),
    "a.aedat": (EventWriter, read_events, _events(40_000)),
    "a.bin": (EventWriter, read_events, _events(40_000)),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_writer_keeps_what_it_took_and_goes_on_when_there_is_room(name: str, tmp_path: Path) -> None:
    make, read, items = WRITERS[name]
    path, step = tmp_path / name, len(items) // 4
    parts = [items[k : k + step] for k in range(0, len(items), step)]
    with make(path) as writer:
        take = getattr(writer, "put", writer.write)
        take(parts[0])
        size = path.stat().st_size
        with full_disk(size + 1000):
            for _ in range(2):
                with pytest.raises(SinkError, match="File too large") as caught:
                    take(parts[1])
                _told(caught.value, make.__name__, path)
        assert path.stat().st_size == size, "what went half into it is out again"
        assert writer.written == step
        assert np.array_equal(read(path), parts[0])
        take(parts[2])
    assert np.array_equal(read(path), np.concatenate([parts[0], parts[2]]))


@pytest.mark.parametrize("name", ["a.npy", "a.inr"])
def test_a_writer_whose_end_finds_no_room_says_so_and_is_closed(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    writer = WRITERS[name][0](path)
    with full_disk(10), pytest.raises(SinkError, match="File too large") as caught:
        writer.close()
    _told(caught.value, type(writer).__name__, path)
    writer.close()


@pytest.mark.parametrize("ending", ["aedat", "npz"])
def test_an_old_file_of_events_stays_until_there_is_room_for_the_first(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    write_events(path, _events(50))
    writer = EventWriter(path)

    def end() -> None:
        writer.write(_events(20_000, 4))
        writer.close()

    with full_disk(10_000), pytest.raises(SinkError) as caught:
        end()
    _told(caught.value, "EventWriter", path)
    assert np.array_equal(read_events(path), _events(50))
    assert os.listdir(tmp_path) == [path.name]
    if ending == "aedat":
        writer.write(_events(20_000, 4))
    writer.close()
    assert np.array_equal(read_events(path), _events(20_000, 4))


# --- what writes a file at once ---------------------------------------------------------------------

FILM = preview(np.random.default_rng(3).random((4, 20, 20)))
TREE = SamplingTree([abs, "a"])
AT_ONCE: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "a.npz": ("write_events", lambda path: write_events(path, _events(5000))),
    "a.aedat": ("write_events", lambda path: write_events(path, _events(5000))),
    "a.idx": ("write_idx", lambda path: write_idx(path, FRAMES)),
    "a.gif": ("Film.save", FILM.save),
    "a.svg": ("Svg.save", FILM.save),
    "a.dot": ("to_dotfile", lambda path: to_dotfile(TREE, path)),
    "a.mmd": ("to_mermaid", lambda path: to_mermaid(TREE, path)),
    "b.mmd": ("graph_mermaid", lambda path: graph_mermaid(s.Graph([s.Scale("x", name="y", scale_factor=2.0)]), path)),
}


@pytest.mark.parametrize("name", AT_ONCE)
def test_a_file_that_finds_no_room_leaves_the_one_before(name: str, tmp_path: Path) -> None:
    if name == "a.gif":
        require("PIL")
    who, write = AT_ONCE[name]
    path = tmp_path / name
    path.write_bytes(b"kept")
    with full_disk(20), pytest.raises(SinkError, match="File too large") as caught:
        write(path)
    _told(caught.value, who, path)
    assert path.read_bytes() == b"kept"
    assert os.listdir(tmp_path) == [name]
    write(path)
    assert path.stat().st_size > 20


# --- HDF5 -------------------------------------------------------------------------------------------

EVENTS = """
import resource, sys
import numpy as np
from headrace.errors import SinkError
from headrace.frames import EventWriter, read_events, write_events

path, most, at_once = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "write_events"
rng = np.random.default_rng(5)
n = 40_000
events = {"x": rng.integers(0, 200, n), "y": rng.integers(0, 200, n), "t": np.sort(rng.integers(0, 8_000_000, n)), "p": rng.integers(0, 2, n)}
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
if at_once:
    try:
        write_events(path, events)
    except SinkError as error:
        assert path in str(error) and "wanted" in str(error), error
        print("refused")
else:
    kept = []
    with EventWriter(path) as writer:
        for k in range(0, n, 1000):
            part = {name: column[k : k + 1000] for name, column in events.items()}
            try:
                writer.write(part)
                kept.append(part)
            except SinkError as error:
                assert path in str(error) and "wanted" in str(error), error
                print("refused")
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    found = read_events(path)
    for name in events:
        assert np.array_equal(found[name], np.concatenate([part[name] for part in kept])), name
    assert writer.written == len(found)
    print(len(found), "kept")
"""


def _run(program: str, *args: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, args)], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("most", [0, 3000, 50_000, 150_000])
def test_events_for_which_hdf5_finds_no_room_leave_those_before(most: int, tmp_path: Path) -> None:
    require("h5py")
    path = tmp_path / "a.h5"
    write_events(path, _events(50))
    assert _run(EVENTS, path, most, "write_events") == "refused\n"
    assert np.array_equal(read_events(path), _events(50))
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("most", [3000, 170_000, 250_000])
def test_a_writer_of_events_in_hdf5_keeps_what_it_took(most: int, tmp_path: Path) -> None:
    require("h5py")
    told = _run(EVENTS, tmp_path / "a.h5", most, "EventWriter").splitlines()
    assert told[:-1] == ["refused"] * len(told[:-1])
    assert told[:-1], "the disk was full"
    kept = int(told[-1].split()[0])
    assert kept == 1000 * (40 - len(told[:-1]))
    if most > 100_000:
        assert kept > 8192, "what there was room for"


FIRST = """
import resource, sys
from headrace.errors import SinkError
from headrace.frames import HDF5Writer

resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
try:
    HDF5Writer(sys.argv[1])
except SinkError as error:
    print(error)
"""


@pytest.mark.parametrize("most", [0, 3000])
def test_frames_for_which_hdf5_finds_no_room_at_all(most: int, tmp_path: Path) -> None:
    require("h5py")
    told = _run(FIRST, tmp_path / "a.h5", most)
    assert told.startswith("HDF5Writer ")
    assert f"'{tmp_path / 'a.h5'}'" in told
    assert not os.listdir(tmp_path)
    with HDF5Writer(tmp_path / "a.h5", dtype="u1") as writer:
        writer.put(FRAMES)
    assert np.array_equal(HDF5Reader(tmp_path / "a.h5").get(100), FRAMES)


# --- writers that are sent --------------------------------------------------------------------------


SENT = [
    (NumpyWriter, "a.npy"),
    (InrImageStreamWriter, "a.inr"),
    (HDF5Writer, "a.h5"),
    (VideoWriter, "a.mkv"),
    (EventWriter, "a.npz"),
]


@pytest.mark.parametrize(("kind", "name"), SENT)
@pytest.mark.parametrize("sent", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_writer_is_not_sent_to_another_process(
    kind: Callable[[Path], Any], name: str, sent: Callable[[Any], Any], tmp_path: Path
) -> None:
    for package in ("h5py", "av"):
        require(package)
    said = rf"{kind.__name__} got .*, wanted .*\n  Send the name of the file .* {kind.__name__}"
    with kind(tmp_path / name) as writer, pytest.raises(TypeError, match=said):
        sent(writer)
