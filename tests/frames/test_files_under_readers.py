"""Files that are written to while frames are read from them: no frame of another file is ever given."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.test_files_that_change import OLD, Read, Write, later, write_h5, write_inr
from headrace.errors import DamageError
from headrace.frames import (
    FrameStream,
    HDF5Reader,
    HDF5Writer,
    ImageSequence,
    InrImageFileStreamer,
    InrImageStreamer,
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


def _mkv(path: Path, frames: Any) -> None:
    require("av")
    with VideoWriter(path, codec="FFV1") as writer:
        writer.put(np.kron(frames % 256, np.ones((1, 4, 4))).astype("u1"))


FILES: dict[str, tuple[str, Write, Read]] = {
    "npy": ("a.npy", np.save, NumpyReader),
    "npy, by column": ("a.npy", lambda path, frames: np.save(path, np.asfortranarray(frames)), NumpyReader),
    "npz": ("a.npz", np.savez, NumpyReader),
    "npz, compressed": ("a.npz", np.savez_compressed, NumpyReader),
    "h5": ("a.h5", write_h5, HDF5Reader),
    "inr": ("a.inr", write_inr, InrImageStreamer),
    "inr, every other": ("a.inr", write_inr, lambda path: InrImageStreamer(path, slice_at=slice(None, None, 2))),
    "inr, many": ("a.inr", write_inr, lambda path: InrImageFileStreamer([path])),
    "mkv": ("a.mkv", _mkv, lambda path: VideoReader(path, None)),
}


@contextmanager
def begun(kind: str, folder: Path, frames: Any = OLD) -> Iterator[tuple[Path, Write, Any, FrameStream]]:
    """Give a file, what writes such files, its frames, and a reader that two of them were taken from."""
    name, write, read = FILES[kind]
    path = folder / name
    write(path, frames)
    whole = read(path).get(100)
    with read(path) as stream:
        stream.get(2)
        yield path, write, whole, stream


def over(write: Write, path: Path, frames: Any) -> None:
    """Write other frames into the very file."""
    other = path.with_name(f"new_{path.name}")
    write(other, frames)
    with open(path, "r+b") as file:
        file.truncate(0)
        file.write(other.read_bytes())
    later(path)


def renamed(write: Write, path: Path, frames: Any) -> None:
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
    with begun(kind, tmp_path) as (path, write, whole, stream):
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
    with begun(kind, tmp_path) as (path, _, whole, stream):
        path.unlink()
        found = given(lambda: stream.get(2))
        if isinstance(found, str):
            assert f"{str(path)!r}, which is not there any more, wanted a file that can be read" in found
        else:
            assert (found == whole[2:4]).all()


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_was_touched_is_the_same(kind: str, tmp_path: Path) -> None:
    with begun(kind, tmp_path) as (path, _, whole, stream):
        later(path)
        assert (stream.get(100) == whole[2:]).all()
        assert (stream[:] == whole).all()


@pytest.mark.parametrize("kind", ["npy", "npz", "inr"])
def test_a_large_file_whose_ends_stay_as_they_are(kind: str, tmp_path: Path) -> None:
    dark = LONG.copy()
    dark[:5] = dark[-5:] = 0
    with begun(kind, tmp_path, dark) as (path, write, _, stream):
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


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("corner", [(0, 0), (280, 380), (301, 7), (560, 760)])
@pytest.mark.parametrize("is_color", [False, True])
def test_a_large_image_of_which_a_small_part_is_another(
    is_color: bool, corner: tuple[int, int], threads: int, tmp_path: Path
) -> None:
    image, (row, col) = require("PIL.Image"), corner
    values = np.random.default_rng(0).integers(0, 255, (600, 800, 3), dtype=np.uint8)
    path, other = tmp_path / "a.bmp", tmp_path / "b.bmp"
    for each in (path, other):
        image.fromarray(values).save(each)
    film = ImageSequence([path] + [other] * 24, None, is_color=is_color, threads=threads)  # more than are kept
    with film:
        first = film.get(1)
        later(path)  # touched, and the same
        film.reset()
        assert np.array_equal(film.get(1), first)
        film.get(24)
        length = path.stat().st_size
        values[row : row + 40, col : col + 40] += 1
        image.fromarray(values).save(path)
        later(path)
        assert path.stat().st_size == length
        film.reset()
        for ask in (film.get, lambda: film[0], lambda: next(film), lambda: list(film.iterate(1))):
            with pytest.raises(DamageError, match=r"ImageSequence got '.*a.bmp', which was written to"):
                ask()
        assert film.i == 0
    with ImageSequence([path], None, is_color=is_color) as anew:
        assert not np.array_equal(anew.get(1), first)


PLACES: dict[str, Any] = {
    "the right": np.s_[:, 400:1200],
    "a square": np.s_[700:750, 1100:1150],
    "green": np.s_[..., 1],
    "blue": np.s_[..., 2],
}


@pytest.mark.parametrize("size", [(1024, 1280), (480, 640), (482, 640), (481, 641), (4, 30000)])
def test_a_part_or_a_colour_of_an_image_that_is_another(size: tuple[int, int], tmp_path: Path) -> None:
    image, path, other, black = (
        require("PIL.Image"),
        *(tmp_path / n for n in ("a.bmp", "b.bmp")),
        np.zeros((*size, 3), "u1"),
    )
    image.fromarray(black).save(other)
    for name, place in PLACES.items():
        values = black.copy()
        values[place] = 255
        if not values.any():  # a smaller image
            continue
        image.fromarray(black).save(path)
        with ImageSequence([path] + [other] * 24, None, is_color=True) as film:  # more than are kept
            film.get(25)
            image.fromarray(values).save(path)
            later(path)
            film.reset()
            with pytest.raises(DamageError, match=r"a.bmp', which was written to"):
                pytest.fail(f"{name}: {film.get(1).max()}")


def test_digits_that_were_read_stay(tmp_path: Path) -> None:
    write_idx(tmp_path / "t10k-images-idx3-ubyte", np.full((3, 4, 5), 255, "u1"))
    with MNISTStream(tmp_path, rep=1, init=0) as stream:
        assert stream.get(2).max() == 1
        write_idx(tmp_path / "t10k-images-idx3-ubyte", np.zeros((2, 4, 5), "u1"))
        later(tmp_path / "t10k-images-idx3-ubyte")
        assert stream.get(2).max() == 1
        with pytest.raises(DamageError, match=r"t10k-images-idx3-ubyte', which was written to"):
            stream[0]


def test_labels_are_those_of_the_images_that_were_read(tmp_path: Path) -> None:
    labels = tmp_path / "t10k-labels-idx1-ubyte"
    write_idx(tmp_path / "t10k-images-idx3-ubyte", np.zeros((5, 4, 5), "u1"))
    write_idx(labels, np.arange(5, dtype="u1"))
    with MNISTStream(tmp_path, rep=1, init=0) as late, MNISTStream(tmp_path, rep=1, init=0) as early:
        late.get(1)
        assert early.get_with_labels(2)[1].tolist() == [4, 3]
        late.get_with_labels(1)  # what one has read, the other has
    with MNISTStream(tmp_path, rep=1, init=0) as late:
        late.get(2)
        write_idx(labels, np.arange(5, 10, dtype="u1"))
        later(labels)
        with pytest.raises(DamageError, match=r"t10k-labels-idx1-ubyte', which was written to"):
            late.get_with_labels(1)
