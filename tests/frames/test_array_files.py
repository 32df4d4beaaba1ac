"""Frames in the files of NumPy and HDF5."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import ClosedError, DataError, StreamConfigError
from headrace.frames import HDF5Reader, HDF5Writer, InrImageStreamWriter, NumpyReader, NumpyWriter
from headrace.testing import check_sink
from support.require import require

VIDEO = np.random.default_rng(1).random((9, 4, 5))
COLOUR = np.random.default_rng(2).integers(0, 255, (1, 3, 9, 4, 5), dtype=np.uint8)
BATCHES = np.random.default_rng(3).random((2, 3, 9, 4, 5)).astype("f4")


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "f4", ">f8", "?", "f2"])
def test_any_type_of_number(dtype: str, tmp_path: Path) -> None:
    data = (VIDEO * 2).astype(dtype)
    np.save(tmp_path / "a.npy", data)
    with NumpyReader(tmp_path / "a.npy") as stream:
        block = stream.get(9)
        assert (block == data).all()
        assert block.dtype == data.dtype.newbyteorder("=")
        assert block.dtype.isnative


@pytest.mark.parametrize("fortran", [False, True])
@pytest.mark.parametrize("data", [COLOUR, BATCHES, BATCHES[:, :1]], ids=["colour", "batches", "grey batches"])
def test_five_axes_have_time_in_the_middle(data: Any, fortran: bool, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.asfortranarray(data) if fortran else data)
    np.savez_compressed(tmp_path / "a.npz", first=data)
    for name in ("a.npy", "a.npz"):
        with NumpyReader(tmp_path / name) as stream:
            assert len(stream) == 9
            assert stream.size == (4, 5)
            assert (stream.get(4) == data[:, :, :4]).all()
            assert (stream.get(9) == data[:, :, 4:]).all()
            one = (
                data[:, :, 7].squeeze(0) if len(data) == 1 else data[:, :, 7]
            )  # [channel, row, col], before it the batch
            assert (stream[7] == np.moveaxis(one, -3, -1).reshape(stream[7].shape)).all()


@pytest.mark.parametrize("order", ["C", "F"])
def test_three_axes_in_any_order(order: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array(VIDEO, order=order))
    with NumpyReader(tmp_path / "a.npy") as stream:
        assert (stream.get(3) == VIDEO[:3]).all()
        assert (stream[[8, 0]] == VIDEO[[8, 0]]).all()


def test_an_archive_gives_its_first_array_or_the_one_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", one=VIDEO, two=VIDEO * 2, labels=np.arange(3))
    assert (NumpyReader(tmp_path / "a.npz").get(9) == VIDEO).all()
    assert (NumpyReader(tmp_path / "a.npz", name="two").get(9) == VIDEO * 2).all()
    with pytest.raises(DataError, match=r"of shape \(3,\)"):
        NumpyReader(tmp_path / "a.npz", name="labels")
    with pytest.raises(DataError, match="no field 'three'"):
        NumpyReader(tmp_path / "a.npz", name="three")


def test_what_holds_no_frames_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    for wrong in (
        np.zeros(3),
        np.zeros((3, 4)),
        np.zeros((2,) * 6),
        np.zeros((2, 2, 2), "U3"),
        np.zeros((2, 2, 2), "c8"),
    ):
        np.save(path, wrong)
        with pytest.raises(DataError, match="wanted numbers as"):
            NumpyReader(path)
    np.save(path, np.full((2, 2, 2), None), allow_pickle=True)
    with pytest.raises(DataError, match="Python objects"):
        NumpyReader(path)
    for data in (b"", b"GIF89a", b"PK\x03\x04" + bytes(40), b"\x93NUMPY\x09\x00" + bytes(90)):
        path.write_bytes(data)
        with pytest.raises(DataError):
            NumpyReader(path)
    np.save(path, VIDEO)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="cut short"):
        NumpyReader(path)
    for missing in (tmp_path / "none.npy", tmp_path, 7):
        with pytest.raises(StreamConfigError):
            NumpyReader(missing)


def test_a_file_cut_short_under_a_reader_is_an_error_and_no_crash(tmp_path: Path) -> None:
    data = np.zeros((100, 40, 50))
    np.save(tmp_path / "a.npy", data)
    with NumpyReader(tmp_path / "a.npy") as stream:
        stream.get(3)
        with open(tmp_path / "a.npy", "r+b") as file:
            file.truncate(40 * 50 * 8 * 10)
        with pytest.raises(DataError, match=r"a\.npy', which was written to since it was first opened") as caught:
            stream.get(10)
        assert any("a.npy" in note for note in caught.value.__notes__)
        assert stream.i == 3, "it stands before what failed"


def test_a_writer_of_npy_leaves_a_whole_file_after_each_put(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    with NumpyWriter(path) as writer:
        for k in range(1, 4):
            writer.put(VIDEO[3 * (k - 1) : 3 * k])
            assert (np.load(path) == VIDEO[: 3 * k]).all(), "as if it were killed here"
        for wrong in (VIDEO[:, :2], COLOUR, VIDEO.astype("c8"), "frames"):
            with pytest.raises(DataError):
                writer.put(wrong)
        with pytest.raises(DataError, match="wanted one frame"):
            writer.write(np.zeros((2, 2, 2, 2)))
    assert writer.written == 9
    with pytest.raises(ClosedError):
        writer.put(VIDEO)
    assert (NumpyReader(path).get(9) == VIDEO).all()


def test_a_writer_of_npy_in_colour_and_of_another_type(tmp_path: Path) -> None:
    with NumpyWriter(tmp_path / "a.npy") as writer:
        writer.put(COLOUR)
    assert np.load(tmp_path / "a.npy").shape == (9, 4, 5, 3)
    assert (NumpyReader(tmp_path / "a.npy").get(9) == COLOUR).all()
    with NumpyWriter(tmp_path / "b.npy", (4, 5), dtype="f4") as writer:
        writer.put(VIDEO)
        with pytest.raises(DataError, match="shape"):
            writer.put(np.zeros((1, 5, 4)))
    assert np.load(tmp_path / "b.npy").dtype == np.float32
    with NumpyWriter(tmp_path / "c.npy", dtype="u1") as writer, pytest.raises(DataError, match="float64, wanted uint8"):
        writer.put(VIDEO)
    assert len(np.load(tmp_path / "c.npy")) == 0
    with NumpyWriter(tmp_path / "d.npy", (4, 5)):
        pass
    assert len(NumpyReader(tmp_path / "d.npy")) == 0


@pytest.mark.parametrize("kind", ["npy", "h5"])
def test_writers_are_sinks(kind: str) -> None:
    if kind == "h5":
        require("h5py")

    def make(folder: Path) -> Any:
        return NumpyWriter(folder / "a.npy") if kind == "npy" else HDF5Writer(folder / "a.h5", dtype="f8")

    def read(folder: Path) -> Any:
        return list(NumpyReader(folder / "a.npy") if kind == "npy" else HDF5Reader(folder / "a.h5"))

    report = check_sink(make, items=[np.full((2, 3), float(k)) for k in range(7)], read=read)
    assert len(report.held) >= 3


def test_hdf5_files_hold_several_datasets_that_grow(tmp_path: Path) -> None:
    h5py = require("h5py")
    for name, data in (("images", VIDEO), ("left/eye", VIDEO * 2), ("images", VIDEO * 3)):
        with HDF5Writer(tmp_path / "a.h5", name) as writer:
            hr.drain(data, writer)
    assert np.allclose(HDF5Reader(tmp_path / "a.h5").get(99), np.concatenate([VIDEO, VIDEO * 3]))
    assert np.allclose(HDF5Reader(tmp_path / "a.h5", "left/eye").get(99), VIDEO * 2)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["images"].compression == "gzip"
        assert file["images"].dtype == np.float32
    with HDF5Writer(tmp_path / "a.h5") as writer, pytest.raises(DataError, match="shape"):
        writer.put(np.zeros((1, 5, 5)))
    with pytest.raises(DataError, match=r"'images', 'left'"):
        HDF5Reader(tmp_path / "a.h5", "right")
    with pytest.raises(DataError, match="wanted a dataset"):
        HDF5Reader(tmp_path / "a.h5", "left")


def test_frames_behind_others_are_of_the_type_that_is_there(tmp_path: Path) -> None:
    require("h5py")
    path = tmp_path / "a.h5"
    for dtype in ("u1", "u1", None):
        with HDF5Writer(path, dtype=dtype) as writer:
            writer.put(np.full((2, 3, 3), 7))
    for other in ("f4", "i2", np.float64):
        with pytest.raises(
            DataError, match=rf"dtype=\) got {np.dtype(other)} .*uint8 in this file, wanted uint8\.\n  Leave"
        ):
            HDF5Writer(path, dtype=other)
    assert HDF5Reader(path)[:].dtype == "u1"
    assert len(HDF5Reader(path)) == 6


def test_what_is_no_hdf5_file_is_said_at_once(tmp_path: Path) -> None:
    require("h5py")
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(50))
    with pytest.raises(DataError, match="no HDF5 file"):
        HDF5Reader(tmp_path / "a.h5")
    with pytest.raises(StreamConfigError, match="no file"):
        HDF5Reader(tmp_path / "b.h5")
    with pytest.raises(DataError, match="cannot be written"):
        HDF5Writer(tmp_path / "a.h5")
    with HDF5Writer(tmp_path / "c.h5", size=(4, 5)) as writer, pytest.raises(DataError, match="rows first"):
        writer.put(np.zeros((1, 5, 4)))
    assert len(HDF5Reader(tmp_path / "c.h5")) == 0


def test_objects_are_never_loaded_and_the_advice_can_be_followed(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.full((2, 2, 2), None), allow_pickle=True)
    np.savez(tmp_path / "a.npz", first=np.full((2, 2, 2), None), second=VIDEO, allow_pickle=True)
    np.savez_compressed(tmp_path / "b.npz", first=np.full((2, 2, 2), None), allow_pickle=True)
    for name in ("a.npy", "a.npz", "b.npz"):
        with pytest.raises(DataError, match=r"Python objects.*\n  Save them as one array") as caught:
            NumpyReader(tmp_path / name)
        assert "allow_pickle" not in str(caught.value)
    assert (NumpyReader(tmp_path / "a.npz", name="second").get(9) == VIDEO).all()
    np.savez(tmp_path / "c.npz", first=VIDEO, labels=np.array([None, {}], object))
    assert (NumpyReader(tmp_path / "c.npz").get(9) == VIDEO).all(), "the other arrays are left alone"
    np.savez(tmp_path / "d.npz")
    with pytest.raises(DataError):
        NumpyReader(tmp_path / "d.npz")


def test_an_npy_file_has_no_names(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VIDEO)
    with pytest.raises(StreamConfigError, match=r"name=\) got 'left' for '.*a\.npy'.*wanted None\.\n  A name"):
        NumpyReader(tmp_path / "a.npy", name="left")


WRONG_TYPES: list[Any] = ["zz", object, "c8", "S3", "M8[s]", "f4,f4", float("nan")]


@pytest.mark.parametrize("kind", ["NumpyWriter", "HDF5Writer", "InrImageStreamWriter"])
def test_a_writer_says_what_it_cannot_be_made_with(kind: str, tmp_path: Path) -> None:
    if kind == "HDF5Writer":
        require("h5py")
    writer = {"NumpyWriter": NumpyWriter, "HDF5Writer": HDF5Writer, "InrImageStreamWriter": InrImageStreamWriter}[kind]
    make: Any = writer
    for wrong in WRONG_TYPES:
        with pytest.raises(StreamConfigError, match=rf"{kind}\(dtype=\) got .*, wanted a type of numbers\.\n  Choose"):
            make(tmp_path / "a", dtype=wrong)
    for path in (tmp_path / "none" / "a", tmp_path, 7, None, b"a"):
        with pytest.raises(StreamConfigError, match=rf"{kind}\(file\w+\) got .*wanted .*file"):
            make(path)
    assert list(tmp_path.iterdir()) == []


def test_datasets_that_are_no_films_are_left_alone(tmp_path: Path) -> None:
    h5py = require("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["names"] = np.zeros(0, "S5")
        file["fixed"] = np.ones((3, 4, 5))
        file["scalar"] = 3
        file.create_group("group")
    for name in ("names", "fixed", "scalar", "group"):
        with pytest.raises(DataError, match=rf"data_set_name=\) got '{name}', which is .* wanted frames that can grow"):
            HDF5Writer(tmp_path / "a.h5", name)
    wrong: Any
    for wrong in (3, "", None):
        for make in (HDF5Writer, HDF5Reader):
            with pytest.raises(StreamConfigError, match="data_set_name"):
                make(tmp_path / "a.h5", wrong)
    with h5py.File(tmp_path / "a.h5") as file:
        assert sorted(file) == ["fixed", "group", "names", "scalar"]
    for _ in range(2):  # a film of no frames may be begun again
        with HDF5Writer(tmp_path / "a.h5", "film"):
            pass
    with HDF5Writer(tmp_path / "a.h5", "film") as writer:
        writer.put(VIDEO)
    assert len(HDF5Reader(tmp_path / "a.h5", "film")) == 9


@pytest.mark.parametrize("index", [slice(3, 1), slice(20, 30), slice(0, 0), []])
def test_no_frames_have_a_shape_and_a_type(index: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VIDEO.astype("f4"))
    np.save(tmp_path / "b.npy", COLOUR)
    for name, shape, dtype in (("a.npy", (0, 4, 5), "f4"), ("b.npy", (0, 4, 5, 3), "u1")):
        film = NumpyReader(tmp_path / name)
        for found in (film[index], film.__recipe__()[index]):
            assert found.shape == shape
            assert found.dtype == dtype
    assert film.block(None, 4, 4).shape == (0, 4, 5, 3)


def test_threads_put_whole_blocks(tmp_path: Path) -> None:
    with NumpyWriter(tmp_path / "a.npy") as writer:

        def put(k: int) -> None:
            for n in range(100):
                writer.put(np.full((3, 4, 5), 100 * k + n))

        threads = [threading.Thread(target=put, args=(k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = NumpyReader(tmp_path / "a.npy").get(1000)
    assert (found == found[:, :1, :1]).all()
    assert sorted(found[::3, 0, 0].tolist()) == list(range(300))
    assert (found[::3] == found[1::3]).all()
    assert (found[::3] == found[2::3]).all()
