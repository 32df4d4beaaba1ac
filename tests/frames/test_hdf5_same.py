"""Films in HDF5 files that begin alike: one is never taken for another, and one that grows is the same."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.test_files_that_change import later
from headrace.errors import DamageError
from headrace.frames import HDF5Reader, HDF5Writer
from support.require import require

KINDS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunked": {"chunks": (20, 48, 64)},
    "chunked, in parts": {"chunks": (16, 20, 30)},
    "chunked, large": {"chunks": (60, 48, 64)},
    "gzip": {"chunks": (20, 48, 64), "compression": "gzip"},
    "gzip, one by one": {"chunks": (1, 48, 64), "compression": "gzip"},
    "gzip, shuffled": {"chunks": (30, 48, 64), "compression": "gzip", "shuffle": True},
    "gzip, very large": {"chunks": (400, 48, 64), "compression": "gzip"},
    "gzip, large": {"chunks": (200, 48, 64), "compression": "gzip"},
}
GROWING = [kind for kind in KINDS if kind != "contiguous"]


def film(value: float, n: int = 100, dark: int = 20) -> Any:
    """Return frames that are dark first, and then of a value."""
    made = np.full((n, 48, 64), value, "f4")
    made[:dark] = 0
    return made


def put(path: Path, frames: Any, kind: str) -> None:
    """Put a film in the place of what is there, under another name first."""
    h5py, new = require("h5py"), path.with_name("new.h5")
    options = KINDS[kind]
    maxshape = (None, *frames.shape[1:]) if options else None
    with h5py.File(new, "w") as file:
        file.create_dataset("images", data=frames, maxshape=maxshape, **options)
    later(new)
    os.replace(new, path)


def asks(stream: HDF5Reader, state: Any) -> list[Callable[[], Any]]:
    """Return all the ways to a frame of a reader."""

    def moved(move: Callable[[Any], None], to: Any) -> Any:
        move(to)
        return stream.get(1)

    return [
        lambda: stream.get(1),
        lambda: next(stream),
        lambda: stream[25],
        lambda: stream[25:27],
        lambda: stream[[3, 40]],
        lambda: list(stream.iterate()),
        lambda: list(stream.open(at=state)),
        lambda: stream.open(at=30).read(1),
        lambda: moved(stream.seek, 30),
        lambda: moved(stream.load_state_dict, state),
    ]


@pytest.mark.parametrize("n", [100, 113, 240])
@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_film_that_begins_like_another_is_another(kind: str, opened: bool, n: int, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    put(path, film(1), kind)
    with HDF5Reader(path) as stream:
        if opened:
            stream.get(30)
        state = stream.state_dict()
        put(path, film(2, n), kind)
        for _ in range(2):
            for ask in asks(stream, state):
                with pytest.raises(DamageError, match=r"a.h5', which was written to since it was first opened"):
                    ask()
    assert HDF5Reader(path)[25].max() == 2


@pytest.mark.parametrize("kind", GROWING)
def test_the_frames_of_a_chunk_that_is_begun_tell_films_apart(kind: str, tmp_path: Path) -> None:
    path, dark = tmp_path / "a.h5", 90
    put(path, film(1, 93, dark), kind)
    with HDF5Reader(path) as stream:
        stream.get(30)
        put(path, film(2, 120, dark), kind)
        for _ in range(2):
            for ask in asks(stream, stream.state_dict()):
                with pytest.raises(DamageError):
                    ask()


@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("n", [100, 101, 120, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_a_film_that_grows_goes_on(kind: str, n: int, opened: bool, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    put(path, film(1), kind)
    with HDF5Reader(path) as stream:
        if opened:
            stream.get(10)
        state = stream.state_dict()
        for more in (0, 7):
            put(path, film(1, n + more), kind)
            for ask in asks(stream, state):
                ask()
            assert (stream[:] == film(1)).all()
            stream.seek(15)
            assert (stream.get(200) == film(1)[15:]).all()
            stream.seek(10)


@pytest.mark.parametrize("length", [5, 100, 1000])
def test_a_film_that_is_put_behind_under_a_copy_goes_on(length: int, tmp_path: Path) -> None:
    require("h5py")
    path, theirs = tmp_path / "a.h5", tmp_path / "theirs.h5"
    frames = np.random.default_rng(0).random((length, 24, 32)).astype("f4")
    with HDF5Writer(theirs) as writer:
        writer.put(frames)
    shutil.copy(theirs, path)
    with HDF5Reader(path) as stream:
        for k in range(5):
            assert (stream.get(1) == frames[k]).all()
            assert (stream[length - 1] == frames[-1]).all()
            with HDF5Writer(theirs, "images" if k % 2 else "others") as writer:
                writer.put(np.full((60, 24, 32), k))
            with open(path, "r+b") as file:  # into the very file, as some copy
                file.write(theirs.read_bytes())
            later(path)
        assert (stream[:] == frames).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_and_a_film_that_was_touched_are_the_same(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    put(path, film(1), kind)
    with HDF5Reader(path) as stream:
        stream.get(10)
        later(path)
        assert (stream.get(10) == film(1)[10:20]).all()
        shutil.copyfile(path, tmp_path / "copy.h5")
        os.replace(tmp_path / "copy.h5", path)
        later(path)
        assert (stream.get(100) == film(1)[20:]).all()
        assert (stream[:] == film(1)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_that_comes_back_is_given_again_and_never_another(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    put(path, film(1), kind)
    with HDF5Reader(path) as stream:
        stream.get(30)
        path.unlink()
        with pytest.raises(DamageError, match="which is not there any more"):
            stream[25]
        put(path, film(2), kind)
        for _ in range(2):
            with pytest.raises(DamageError, match="was written to"):
                stream.get(1)
        put(path, film(1), kind)
        assert (stream.get(100) == film(1)[30:]).all()


def _empty(file: Any, folder: Path, frames: Any) -> None:
    file.create_dataset("images", (0, *frames.shape[1:]), "f4", maxshape=(None, *frames.shape[1:]))


def _unwritten(file: Any, folder: Path, frames: Any) -> None:
    file.create_dataset("images", frames.shape, "f4", chunks=(2, *frames.shape[1:]), fillvalue=frames.max())


def _in_the_head(file: Any, folder: Path, frames: Any) -> None:
    h5py = require("h5py")
    made, space = h5py.h5p.create(h5py.h5p.DATASET_CREATE), h5py.h5s.create_simple(frames.shape)
    made.set_layout(h5py.h5d.COMPACT)
    h5py.h5d.create(file.id, b"images", h5py.h5t.IEEE_F32LE, space, made).write(space, space, frames)


def _elsewhere(file: Any, folder: Path, frames: Any) -> None:
    h5py, other = require("h5py"), folder / f"{frames.max()}.h5"
    with h5py.File(other, "w") as there:
        there["there"] = frames
    layout = h5py.VirtualLayout(frames.shape, "f4")
    layout[:] = h5py.VirtualSource(other, "there", frames.shape)
    file.create_virtual_dataset("images", layout)


@pytest.mark.parametrize("make", [_empty, _unwritten, _in_the_head, _elsewhere])
def test_datasets_that_have_no_place_of_their_own(make: Callable[..., None], tmp_path: Path) -> None:
    h5py, path, new = require("h5py"), tmp_path / "a.h5", tmp_path / "new.h5"

    def write(value: int) -> None:
        frames = np.full((9, 3, 4), value, "f4")
        frames[:5] = 0
        with h5py.File(new, "w") as file:
            make(file, tmp_path, frames)
        os.replace(new, path)

    write(1)
    stream = HDF5Reader(path)
    frames = stream[:]
    later(path)
    assert np.array_equal(HDF5Reader(path)[:], frames)
    assert np.array_equal(stream[:], frames)
    if make in (_in_the_head, _elsewhere):
        write(2)
        later(path)
        with pytest.raises(DamageError):
            stream[7]
