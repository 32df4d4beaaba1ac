"""Files that are written to while frames are read from them: no frame of another file is ever given."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.test_files_that_change import OLD, later
from headrace.errors import DamageError
from headrace.frames import (
    FrameStream,
    HDF5Reader,
    HDF5Writer,
    ImageSequence,
    InrImageFileStreamer,
    InrImageStreamer,
    InrImageStreamWriter,
    MNISTStream,
    NumpyReader,
    VideoReader,
    VideoWriter,
    write_idx,
)
from support.require import require

LONG = np.arange(40 * 20 * 40, dtype="f4").reshape(40, 20, 40)  # more than is looked at whole
NEW = {"longer": np.concatenate([OLD + 1, OLD]), "shorter": OLD[:4] + 1, "of other values": OLD + 1}
NEW["of one other frame"] = np.where(np.arange(10)[:, None, None] == 5, OLD + 1, OLD)


def _h5(path: Path, frames: Any) -> None:
    require("h5py")
    path.unlink(missing_ok=True)
    with HDF5Writer(path) as writer:
        writer.put(frames)


def _inr(path: Path, frames: Any) -> None:
    with InrImageStreamWriter(path) as writer:
        writer.put(frames)


def _mkv(path: Path, frames: Any) -> None:
    require("av")
    with VideoWriter(path, codec="FFV1") as writer:
        writer.put(np.kron(frames % 256, np.ones((1, 4, 4))).astype("u1"))


FILES: dict[str, tuple[str, Callable[[Path, Any], Any], Callable[[Path], FrameStream]]] = {
    "npy": ("a.npy", np.save, NumpyReader),
    "npy, by column": ("a.npy", lambda path, frames: np.save(path, np.asfortranarray(frames)), NumpyReader),
    "npz": ("a.npz", np.savez, NumpyReader),
    "npz, compressed": ("a.npz", np.savez_compressed, NumpyReader),
    "h5": ("a.h5", _h5, HDF5Reader),
    "inr": ("a.inr", _inr, InrImageStreamer),
    "inr, every other": ("a.inr", _inr, lambda path: InrImageStreamer(path, slice_at=slice(None, None, 2))),
    "inr, many": ("a.inr", _inr, lambda path: InrImageFileStreamer([path])),
    "mkv": ("a.mkv", _mkv, lambda path: VideoReader(path, None)),
}


def over(write: Callable[[Path, Any], Any], path: Path, frames: Any) -> None:
    """Write other frames into the very file."""
    other = path.with_name(f"new_{path.name}")
    write(other, frames)
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(other.read_bytes())
    later(path)


def renamed(write: Callable[[Path, Any], Any], path: Path, frames: Any) -> None:
    """Put another file in its place."""
    other = path.with_name(f"new_{path.name}")
    write(other, frames)
    later(other)
    os.replace(other, path)


def given(ask: Callable[[], Any]) -> Any:
    """Return what is given, or what is said in its place."""
    try:
        return ask()
    except DamageError as error:
        return str(error)


@pytest.mark.parametrize("put", [over, renamed])
@pytest.mark.parametrize("how", NEW)
@pytest.mark.parametrize("kind", FILES)
def test_an_open_reader_gives_the_frames_it_was_opened_for_or_says_so(
    kind: str, how: str, put: Callable[..., None], tmp_path: Path
) -> None:
    name, write, read = FILES[kind]
    path = tmp_path / name
    write(path, OLD)
    whole = read(path).get(100)
    with read(path) as stream:
        stream.get(2)
        put(write, path, NEW[how])
        asks: list[tuple[Callable[[], Any], Any]] = [
            (lambda: stream[3], whole[3]),
            (lambda: next(stream), whole[2]),
            (lambda: stream.get(100)[-2:], whole[-2:]),
        ]
        for ask, due in asks:
            before, found = stream.i, given(ask)
            if isinstance(found, str):
                assert f"{str(path)!r}, which was written to since it was first opened" in found
                assert " 0 frames" not in found, "of a video that does not say how many it has"
                assert stream.i == before
            else:
                assert (found == due).all()
    with pytest.raises(DamageError):  # a pass of its own opens the file again
        list(stream.iterate())


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_goes_under_its_reader_is_gone_and_not_written_to(kind: str, tmp_path: Path) -> None:
    name, write, read = FILES[kind]
    path = tmp_path / name
    write(path, OLD)
    whole = read(path).get(100)
    with read(path) as stream:
        stream.get(2)
        path.unlink()
        found = given(lambda: stream.get(2))
        if isinstance(found, str):
            assert f"{str(path)!r}, which is not there any more, wanted a file that can be read" in found
        else:
            assert (found == whole[2:4]).all()


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_was_touched_is_the_same(kind: str, tmp_path: Path) -> None:
    name, write, read = FILES[kind]
    path = tmp_path / name
    write(path, OLD)
    whole = read(path).get(100)
    with read(path) as stream:
        stream.get(2)
        later(path)
        assert (stream.get(100) == whole[2:]).all()
        assert (stream[:] == whole).all()


@pytest.mark.parametrize("kind", ["npy", "npz", "inr"])
def test_a_large_file_whose_ends_stay_as_they_are(kind: str, tmp_path: Path) -> None:
    name, write, read = FILES[kind]
    path, dark = tmp_path / name, LONG.copy()
    dark[:5] = dark[-5:] = 0
    write(path, dark)
    with read(path) as stream:
        stream.get(2)
        dark[5:-5] /= 2
        over(write, path, dark)
        with pytest.raises(DamageError):
            stream.get(10)


def test_frames_put_behind_those_of_a_dataset_change_none(tmp_path: Path) -> None:
    require("h5py")
    path = tmp_path / "a.h5"
    for frames in (OLD, np.zeros((1000, 6, 7))):  # in a chunk that is begun, and beyond one that is full
        path.unlink(missing_ok=True)
        with HDF5Writer(path) as writer:
            writer.put(frames)
        stream = HDF5Reader(path)
        for name in ("images", "others"):
            with HDF5Writer(path, name) as writer:
                writer.put(OLD[:3] + 1)
            later(path)
            assert (np.stack(list(stream.iterate())) == frames).all()
        assert len(HDF5Reader(path)) == len(frames) + 3


@pytest.mark.parametrize("threads", [1, 2])
def test_an_image_is_the_one_that_was_first_looked_at(threads: int, tmp_path: Path) -> None:
    image = require("PIL.Image")

    def write(k: int, value: int) -> None:
        image.fromarray(np.full((5, 6), value, "u1")).save(tmp_path / f"{k}.bmp")  # as long as before

    for k in range(4):
        write(k, k)
    film = ImageSequence(tmp_path / "*.bmp", None, threads=threads)
    assert film.get(4)[:, 0, 0].tolist() == [0, 1, 2, 3]
    later(tmp_path / "1.bmp")
    assert [frame[0, 0] for frame in film.iterate()] == [0, 1, 2, 3]
    write(2, 77)
    later(tmp_path / "2.bmp")
    film.reset()
    passed = iter(film.iterate())
    assert [next(passed)[0, 0] for _ in range(2)] == [0, 1]
    with pytest.raises(DamageError, match=r"ImageSequence got '.*2.bmp', which was written to"):
        next(passed)
    write(0, 9)
    later(tmp_path / "0.bmp")
    with pytest.raises(DamageError):
        film[0]


def test_digits_that_were_read_stay(tmp_path: Path) -> None:
    write_idx(tmp_path / "t10k-images-idx3-ubyte", np.full((3, 4, 5), 255, "u1"))
    with MNISTStream(tmp_path, rep=1, init=0) as stream:
        assert stream.get(2).max() == 1
        write_idx(tmp_path / "t10k-images-idx3-ubyte", np.zeros((2, 4, 5), "u1"))
        later(tmp_path / "t10k-images-idx3-ubyte")
        assert stream.get(2).max() == 1
        with pytest.raises(DamageError, match=r"t10k-images-idx3-ubyte', which was written to"):
            stream[0]
