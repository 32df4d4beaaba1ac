"""More files than may be open at a time: few of them are, whatever draws from them, and a film at its limit says so."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

import headrace as hr
from frames.test_files_that_change import OLD
from frames.test_files_under_readers import FILES
from headrace.errors import DataError
from headrace.frames import FrameStream, ImageSequence, NumpyReader, VideoReader
from support.require import require

resource = pytest.importorskip("resource")  # of Unix
OPEN = Path("/proc/self/fd")
if not OPEN.exists():
    pytest.skip("open files are counted by /proc", allow_module_level=True)

MEMBERS, MORE = 90, 60
KINDS = ["npy", "npy, by column", "npz", "h5", "inr", "inr, many", "mkv", "images"]


def opened() -> int:
    return len(list(OPEN.iterdir()))


@contextmanager
def at_most(n: int) -> Iterator[None]:
    """Allow so many open files."""
    known = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (n, known[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, known)


def members(kind: str, folder: Path, n: int = MEMBERS) -> list[FrameStream]:
    """Return films of their own files; frame i of film k is i + k."""
    made: list[FrameStream] = []
    for k in range(n):
        frames = np.full((5, 6, 7), k) + np.arange(5)[:, None, None]
        if kind == "images":
            image = require("PIL.Image")
            for i, frame in enumerate(frames):
                image.fromarray(frame.astype("u1")).save(folder / f"{k}_{i}.png")
            made.append(ImageSequence(folder / f"{k}_*.png", None))
            continue
        name, write, read = FILES[kind]
        write(folder / f"{k}{name}", frames.astype("f4"))
        made.append(read(folder / f"{k}{name}"))
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_few_files_are_open_whatever_draws_from_them(kind: str, tmp_path: Path) -> None:
    films = members(kind, tmp_path)
    due = [film[3] for film in films]
    before = opened()
    with at_most(before + MORE):
        mixed = hr.mix(films, seed=7)
        for many in (mixed, hr.RoundRobinMux(films), hr.ShuffledMux(films, seed=7), hr.concat(films)):
            with many.open() as run:
                assert len(run.take(2 * MEMBERS)) > MEMBERS // 2
                assert opened() < before + MORE
        assert (mixed | hr.batch(100))[10].shape[0] == 100
        for film in films:
            film.get(2)
        assert all((film.get(2)[1] == frame).all() for film, frame in zip(films, due, strict=True))
        for film in films:
            film.close()


def room() -> int:
    """Descriptors to spare of which readers of frames, which take a third of all that may be open, leave some."""
    return opened() // 2 + 16


def test_a_mix_gives_the_same_frames_however_few_files_are_open(tmp_path: Path) -> None:
    few = room()
    films = members("npy", tmp_path, 2 * few)
    due = [frame[0, 0] for frame in hr.mix(films, seed=7).iterate(500)]
    with at_most(opened() + few):
        assert [frame[0, 0] for frame in hr.mix(films, seed=7).iterate(500)] == due


def test_who_reads_from_a_file_goes_on_while_others_are_opened(tmp_path: Path) -> None:
    few = room()
    films = members("npy", tmp_path, 2 * few)
    wrong: list[object] = []

    def draw(which: int) -> None:
        try:
            for lap in range(30):
                for k in range(which, len(films), 4):
                    films[k].seek(lap % 5)
                    wrong.extend([frame for frame in [next(films[k])[0, 0]] if frame != k + lap % 5])
        except Exception as error:
            wrong.append(error)

    with at_most(opened() + few):
        threads = [threading.Thread(target=draw, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


@pytest.mark.parametrize("kind", ["npy", "h5", "inr", "mkv"])
def test_one_file_more_than_may_be_open_is_said(kind: str, tmp_path: Path) -> None:
    name, write, read = FILES[kind]
    write(tmp_path / name, OLD)
    assert len(read(tmp_path / name).get(1)) == 1  # what it takes is imported
    others = []
    with at_most(opened() + 4):
        with suppress(OSError):
            while True:
                others.append(open(tmp_path / name, "rb"))  # noqa: SIM115
        try:
            with pytest.raises(DataError, match=r"one file more than may be open at a time.*\n.*StochasticMux"):
                read(tmp_path / name).get(1)
        finally:
            for other in others:
                other.close()
        assert len(read(tmp_path / name).get(3)) == 3


def test_a_reader_that_nobody_has_any_more_is_closed(tmp_path: Path) -> None:
    require("av")
    np.save(tmp_path / "a.npy", OLD)
    FILES["mkv"][1](tmp_path / "a.mkv", OLD)
    before = opened()
    for read in (NumpyReader(tmp_path / "a.npy"), VideoReader(tmp_path / "a.mkv", None)):
        passed = read.iterate()
        next(passed)
        assert read[2].shape == read.size
        assert opened() > before
        read.close()
        del passed, read
    assert opened() == before


def test_a_program_with_films_left_open_ends_quietly(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", OLD)
    code = (
        "import sys, headrace as hr\n"
        "from headrace.frames import NumpyReader\n"
        "films = [NumpyReader(sys.argv[1]) for _ in range(30)]\n"
        "runs = [film.open() for film in films]\n"
        "print(sum(len(run.take(3)) for run in runs), films[0][2].shape)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(tmp_path / "a.npy")], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "90 (6, 7)\n", "")
