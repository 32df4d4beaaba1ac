"""Files with bytes changed: frames or an error, never a crash, a hang or something left behind."""

from __future__ import annotations

import gc
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames import footage
from frames.deep_files import write_png, write_tiff
from headrace.errors import DataError, StreamConfigError
from headrace.frames import (
    FrameStream,
    HDF5Reader,
    HDF5Writer,
    ImageSequence,
    InrImageStreamer,
    InrImageStreamWriter,
    MNISTStream,
    NumpyReader,
    VideoReader,
    read_idx,
    write_idx,
)
from headrace.testing.case import Held
from support.counts import heavy
from support.require import require

FRAMES = np.random.default_rng(5).integers(0, 255, (6, 12, 10), dtype=np.uint8)


def _npy(path: Path) -> None:
    np.save(path, FRAMES)


def _npz(path: Path) -> None:
    np.savez_compressed(path, a=FRAMES)


def _hdf5(path: Path) -> None:
    require("h5py")
    with HDF5Writer(path) as writer:
        writer.put(FRAMES)


def _inr(path: Path) -> None:
    with InrImageStreamWriter(path, dtype="u1") as writer:
        writer.put(FRAMES)


def _idx(path: Path) -> None:
    write_idx(path, FRAMES)
    write_idx(path.parent / "t10k-labels-idx1-ubyte", np.arange(6, dtype="u1"))


def _digits(path: Path) -> MNISTStream:
    return MNISTStream(path.parent, rep=1, init=0, advance=1, check=False)


def _image(path: Path) -> None:
    require("PIL.Image").fromarray(np.dstack([FRAMES[0]] * 3)).save(path)


def _deep(path: Path) -> None:
    rows = np.random.default_rng(6).integers(0, 1 << 16, (12, 10, 3), dtype=np.uint16)
    if path.suffix == ".png":
        write_png(path, rows)
    else:
        write_tiff(path, rows, ">", 5)


def _pictures(path: Path) -> ImageSequence:
    return ImageSequence([path], (8, 8), repeat=3)


def _coloured(path: Path) -> ImageSequence:
    return ImageSequence([path], (8, 8), is_color=True)


def _clip(path: Path) -> None:
    footage.write(path, 12, {".mp4": "libx264", ".avi": "mpeg4", ".ts": "mpeg2video"}[path.suffix], g="6", bf="2")


def _video(path: Path) -> VideoReader:
    return VideoReader(path, (8, 8), mode="rgb", threads=1)


KINDS: dict[str, tuple[str, Callable[[Path], None], Callable[[Path], FrameStream]]] = {
    "npy": ("a.npy", _npy, NumpyReader),
    "npz": ("a.npz", _npz, NumpyReader),
    "idx": ("t10k-images-idx3-ubyte", _idx, _digits),
    "idx.gz": ("t10k-images-idx3-ubyte.gz", _idx, _digits),
    "h5": ("a.h5", _hdf5, HDF5Reader),
    "inr": ("a.inr", _inr, InrImageStreamer),
    "png": ("a.png", _image, _pictures),
    "jpg": ("a.jpg", _image, _pictures),
    "gif": ("a.gif", _image, _pictures),
    "tif": ("a.tif", _image, _pictures),
    "bmp": ("a.bmp", _image, _pictures),
    "webp": ("a.webp", _image, _pictures),
    "png, 16 bits": ("a.png", _deep, _coloured),
    "tif, 16 bits": ("a.tif", _deep, _coloured),
    "mp4": ("a.mp4", _clip, _video),
    "avi": ("a.avi", _clip, _video),
    "ts": ("a.ts", _clip, _video),
}


def mutated(data: bytes, rng: random.Random) -> bytes:
    found = bytearray(data)
    how = rng.randrange(4)
    if how == 0:
        return bytes(found[: rng.randrange(len(found))])
    if how == 1:
        at = rng.randrange(len(found))
        return bytes(found[:at] + rng.randbytes(rng.randrange(1, 40)) + found[at:])
    head = min(len(found), 300)
    for _ in range(rng.randrange(1, 9)):
        found[rng.randrange(head if how == 2 else len(found))] = rng.randrange(256)
    return bytes(found)


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files_are_errors_or_frames(kind: str, tmp_path: Path) -> None:
    name, write, read = KINDS[kind]
    path = tmp_path / name
    write(path)
    good = path.read_bytes()
    with read(path) as stream:
        whole = stream.get(9)
    gc.collect()
    held = Held()
    wrong: list[str] = []
    rng = random.Random(kind)
    for _ in range(heavy(500) + 30):
        path.write_bytes(mutated(good, rng))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders have their own words for what they can still read
            try:
                with read(path) as stream:
                    block = stream.get(9)
            except (DataError, StreamConfigError) as error:
                wrong.append(str(error))
            else:
                assert isinstance(block, np.ndarray)
                assert block.nbytes < 1 << 24
    assert wrong
    assert all(str(path) in told or "(size=)" in told for told in wrong)
    gc.collect()
    assert not held.grown()
    path.write_bytes(good)
    with read(path) as stream:
        assert np.array_equal(stream.get(9), whole)


def test_a_file_that_goes_while_it_is_read(tmp_path: Path) -> None:
    _image(tmp_path / "a.png")
    _image(tmp_path / "b.png")
    with ImageSequence(str(tmp_path / "*.png"), (8, 8)) as stream:
        stream.get(1)
        (tmp_path / "b.png").unlink()
        with pytest.raises(DataError, match=r"ImageSequence got .*b\.png', which is not there any more"):
            stream.get(1)


def test_a_header_that_promises_more_than_there_is_takes_no_memory(tmp_path: Path) -> None:
    huge: Any = {"descr": "|u1", "fortran_order": False, "shape": (1 << 30, 1 << 20, 1 << 20)}
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array_header_1_0(file, huge)
    with pytest.raises(DataError, match="cut short"):
        NumpyReader(tmp_path / "a.npy")


def test_how_far_a_damaged_file_was_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "half.idx.gz"
    write_idx(path, np.random.default_rng(3).integers(0, 256, 1_000_000, np.uint8))
    path.write_bytes(path.read_bytes()[:500_000])
    with pytest.raises(DataError, match=r"damaged after 4\d{5} bytes"):
        read_idx(path)


def test_an_archive_whose_directory_points_before_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, np.zeros((3, 4, 5)))
    data = bytearray(path.read_bytes())
    data[-6] += 5  # where the directory begins, as its end tells
    path.write_bytes(data)
    with pytest.raises(
        DataError, match=r"NumpyReader got '.*a\.npz', which cannot be read: .*wanted a file of numpy\.save"
    ):
        NumpyReader(path)
