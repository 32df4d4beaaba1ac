"""Files that are written over, and folders that may not be written to: nothing that was there is lost."""

from __future__ import annotations

import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import DataError, SinkError, StreamConfigError
from headrace.frames import (
    EventStream,
    EventWriter,
    HDF5Writer,
    InrImageStreamWriter,
    NumpyWriter,
    VideoWriter,
    read_events,
    read_idx,
    write_events,
    write_idx,
)
from headrace.plot import preview
from support.require import require


def _events(n: int, since: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(n)
    return {"x": rng.integers(0, 99, n), "y": rng.integers(0, 99, n), "t": np.arange(n) + since, "p": np.arange(n) % 2}


def _full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a disk be full after a hundred bytes of a file."""

    def write(self: Path, data: bytes) -> int:
        with open(self, "wb") as file:
            file.write(data[:100])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)

    class Full(FileIO):
        def write(self, data: Any) -> int:
            super().write(bytes(data)[:100])
            raise OSError(28, "No space left on device")

    def opened(path: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        return Full(path, mode) if "w" in mode else open(path, mode, *args, **options)

    for module in ("events.files", "events.growing"):
        monkeypatch.setattr(f"headrace.frames.{module}.open", opened, raising=False)


@pytest.mark.parametrize("ending", ["npz", "aedat", "bin"])
def test_events_that_find_no_room_leave_those_before(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"recorded.{ending}"
    write_events(path, _events(50))
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        _full(patch)
        with pytest.raises(SinkError, match="No space left"):
            write_events(path, _events(5000))
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]
    write_events(path, _events(60))
    assert len(read_events(path)) == 60


def test_events_that_a_format_cannot_hold_leave_those_before(tmp_path: Path) -> None:
    path = tmp_path / "recorded.bin"
    write_events(path, _events(50))
    with pytest.raises(DataError, match="wanted"):
        write_events(path, {"x": [3000], "y": [1], "t": [1], "p": [1]})
    assert len(read_events(path)) == 50
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("name", ["labels.idx", "labels.idx.gz"])
def test_an_idx_file_that_finds_no_room_leaves_the_one_before(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    write_idx(path, np.arange(9, dtype="u1"))
    with monkeypatch.context() as patch:
        _full(patch)
        with pytest.raises(SinkError, match="No space left"):
            write_idx(path, np.zeros(5000, "u1"))
    assert read_idx(path).tolist() == list(range(9))
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("ending", ["gif", "svg"])
def test_a_film_that_finds_no_room_leaves_the_one_before(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ending == "gif":
        require("PIL")
    path, film = tmp_path / f"film.{ending}", preview(np.random.default_rng(3).random((4, 20, 20)))
    assert film.save(path) == path
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        _full(patch)
        with pytest.raises(SinkError, match="No space left"):
            film.save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_a_file_written_anew_keeps_its_link_and_its_mode(tmp_path: Path) -> None:
    real, link = tmp_path / "real.npz", tmp_path / "link.npz"
    write_events(real, _events(5))
    real.chmod(0o640)
    link.symlink_to(real)
    write_events(link, _events(7))
    assert link.is_symlink()
    assert len(read_events(real)) == 7
    assert real.stat().st_mode & 0o777 == 0o640
    usual = tmp_path / "usual"
    usual.touch()
    write_events(tmp_path / "new.npz", _events(5))
    assert (tmp_path / "new.npz").stat().st_mode == usual.stat().st_mode


@pytest.mark.parametrize("wrong", [None, 5, "no such folder/a.gif", "."], ids=repr)
def test_where_no_film_can_be_saved(wrong: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StreamConfigError, match=r"Film.save\(path\) got .*wanted .*\n  "):
        preview(np.zeros((2, 3, 3))).save(wrong)


# --- what may not be written ------------------------------------------------------------------------

MAKERS: list[Callable[[Path], Any]] = [
    lambda folder: EventWriter(folder / "a.npz"),
    lambda folder: EventWriter(folder / "a.aedat"),
    lambda folder: NumpyWriter(folder / "a.npy"),
    lambda folder: HDF5Writer(folder / "a.h5"),
    lambda folder: InrImageStreamWriter(folder / "a.inr"),
    lambda folder: VideoWriter(folder / "a.avi"),
    lambda folder: write_events(folder / "a.npz", _events(3)),
    lambda folder: write_idx(folder / "a.idx", np.zeros(3)),
    lambda folder: preview(np.zeros((2, 3, 3))).save(folder / "a.svg"),
]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="folders of Windows have no such permissions")
@pytest.mark.parametrize("kind", range(len(MAKERS)))
@pytest.mark.parametrize("there", [False, True])
def test_what_may_not_be_written_is_refused_at_once(kind: int, there: bool, tmp_path: Path) -> None:
    for package in ("h5py", "av"):
        require(package)
    folder = tmp_path / "kept"
    folder.mkdir()
    if there:
        for name in ("a.npz", "a.aedat", "a.npy", "a.h5", "a.inr", "a.avi", "a.idx", "a.svg"):
            (folder / name).write_bytes(b"kept")
            (folder / name).chmod(0o444)
    folder.chmod(0o555)
    try:
        told = _as_nobody(lambda: MAKERS[kind](folder), tmp_path)
    finally:
        folder.chmod(0o755)
    assert told.startswith("StreamConfigError: "), told
    assert ("which may not be written" if there else "lies in a folder that may not be written to") in told
    assert all(path.read_bytes() == b"kept" for path in folder.iterdir())


def _as_nobody(does: Callable[[], Any], tmp_path: Path) -> str:
    """Return what a process without rights is told."""
    import fcntl  # which Windows has not

    with open(
        tmp_path.parents[1] / "one at a time", "w"
    ) as lock:  # workers of one run have the folders above in common
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _told(does, tmp_path)


def _told(does: Callable[[], Any], tmp_path: Path) -> str:
    ways = [] if os.geteuid() else [path for path in tmp_path.parents if not path.stat().st_mode & 1]
    for path in [tmp_path, *ways]:
        path.chmod(path.stat().st_mode | 1)
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            does()
            os.write(theirs, b"nothing")
        except BaseException as error:
            os.write(theirs, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    for path in ways:
        path.chmod(path.stat().st_mode & ~1)
    with os.fdopen(ours, "rb") as file:
        return file.read().decode()


# --- what is read while it is written anew ----------------------------------------------------------


def test_a_file_of_events_that_is_written_anew_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "recorded.npz"
    write_events(path, _events(3))
    events = EventStream(path)
    assert events[0:3]["t"].tolist() == [0, 1, 2]
    write_events(path, _events(10, since=1000))
    assert len(events) == 10
    assert events[0:10]["t"].tolist() == [int(event["t"]) for event in events.iterate()] == list(range(1000, 1010))
    write_events(path, _events(2, since=5000))
    assert events[0:2]["t"].tolist() == [5000, 5001]
    assert len(events) == 2


def test_a_pass_over_events_does_not_wrap_round_when_they_become_fewer(tmp_path: Path) -> None:
    path = tmp_path / "recorded.npz"
    write_events(path, _events(3000))
    with EventStream(path).open() as run:
        assert len(run.take(1500)) == 1500
        write_events(path, _events(2))
        with pytest.raises(
            DataError, match="was written to since it was first opened, wanted the same file: 3000 events"
        ):
            run.take(1500)


@pytest.mark.parametrize("left", [0, 2])
def test_a_later_lap_over_events_does_not_wrap_round_either(left: int, tmp_path: Path) -> None:
    path = tmp_path / "recorded.npz"
    write_events(path, _events(3000))
    with (EventStream(path) | hr.repeat()).open() as run:
        assert len(run.take(4500)) == 4500
        write_events(path, _events(left))
        with pytest.raises(
            DataError, match="was written to since it was first opened, wanted the same file: 3000 events"
        ):
            run.take(1500)


def test_the_length_of_a_damaged_file_of_events_is_told(tmp_path: Path) -> None:
    path = tmp_path / "recorded.npz"
    write_events(path, _events(3000))
    path.write_bytes(path.read_bytes()[:1000])
    events = EventStream(path)
    assert "events" in repr(events)
    with pytest.raises(DataError, match=r"recorded.npz"):
        len(events)


def test_half_an_archive_is_left_closed(tmp_path: Path) -> None:
    path = tmp_path / "half.npz"
    write_events(path, _events(3000))
    path.write_bytes(path.read_bytes()[:1000])
    for _ in range(3):
        with pytest.raises(DataError):
            read_events(path)  # a file that is left open warns, and warnings are errors
