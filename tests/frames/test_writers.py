"""What all writers of frames share: an old file that stays until there is a new one, and one process that writes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import ClosedError, DataError, SinkError, StreamConfigError
from headrace.frames import (
    HDF5Reader,
    HDF5Writer,
    InrImageStreamer,
    InrImageStreamWriter,
    NumpyReader,
    NumpyWriter,
    SequenceStream,
    VideoReader,
    VideoWriter,
)
from support.require import require

BLOCK = np.arange(3 * 16 * 16, dtype="u1").reshape(3, 16, 16)


def _hdf5(path: Path) -> HDF5Writer:
    require("h5py")
    return HDF5Writer(path, dtype="u1")


def _video(path: Path) -> VideoWriter:
    require("av")
    return VideoWriter(path, codec="FFV1")


WRITERS: dict[str, tuple[str, Callable[[Path], Any], Callable[[Path], Any]]] = {
    "numpy": ("a.npy", NumpyWriter, NumpyReader),
    "inr": ("a.inr", InrImageStreamWriter, InrImageStreamer),
    "hdf5": ("a.h5", _hdf5, HDF5Reader),
    "video": ("a.mkv", _video, lambda path: VideoReader(path, None, mode="r")),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # a fork beside threads: none draws here
@pytest.mark.parametrize("begun", [True, False], ids=["begun", "not begun"])
@pytest.mark.parametrize("name", WRITERS)
def test_a_forked_child_can_neither_write_nor_close(name: str, begun: bool, tmp_path: Path) -> None:
    file, writer_of, reader_of = WRITERS[name]
    with writer_of(tmp_path / file) as writer:
        if begun:
            writer.put(BLOCK)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                for give, what in ((writer.put, BLOCK), (writer.write, BLOCK[0])):
                    try:
                        give(what)
                    except ClosedError as error:
                        status = 7 if "a process that was forked" in str(error) and "Make a writer" in str(error) else 2
                writer.close()
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        writer.put(BLOCK + 1)
    with reader_of(tmp_path / file) as reader:
        due = np.concatenate([BLOCK, BLOCK + 1]) if begun else BLOCK + 1
        assert (reader[:].reshape(due.shape) == due).all()


@pytest.mark.parametrize("name", ["numpy", "inr"])
def test_an_old_file_stays_until_the_first_frame(name: str, tmp_path: Path) -> None:
    file, writer_of, reader_of = WRITERS[name]
    path = tmp_path / file
    with writer_of(path) as writer:
        writer.put(np.concatenate([BLOCK, BLOCK]))
    with writer_of(path) as writer:
        assert (reader_of(path).get(6).reshape(6, 16, 16)[3:] == BLOCK).all()
        with pytest.raises(DataError):
            writer.put(np.array([["a"]]))
        assert len(reader_of(path)) == 6
        writer.put(BLOCK[:1])
        assert len(reader_of(path)) == 1, "whole after each put"
        writer.put(BLOCK[1:])
    assert path.stat().st_size < 6 * 256, "nothing of the old one is left"
    assert (reader_of(path).get(9).reshape(3, 16, 16) == BLOCK).all()
    writer_of(path).close()
    assert len(reader_of(path)) == 0, "closed without frames it is one without"


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_be_is_said_at_once(name: str, tmp_path: Path) -> None:
    file, writer_of, _ = WRITERS[name]
    for wrong in (tmp_path / "none" / file, *([tmp_path, 7] if name != "video" else [])):
        with pytest.raises(StreamConfigError, match="wanted"):
            writer_of(wrong)  # type: ignore[arg-type]  # one is a number


# --- blocks that come as items ----------------------------------------------------------------------


@pytest.mark.parametrize("name", WRITERS)
def test_batches_are_not_taken_for_frames(name: str, tmp_path: Path) -> None:
    file, writer_of, reader_of = WRITERS[name]
    path, film = tmp_path / file, SequenceStream(np.zeros((60, 16, 16), "u1"))
    with writer_of(path) as writer:
        writer.put(BLOCK)
    who = type(writer).__name__
    for blocks in (film | hr.batch(6), film | hr.window(4), SequenceStream(np.zeros((8, 16, 16, 3))) | hr.batch(2)):
        with (
            writer_of(path) as writer,
            pytest.raises(
                StreamConfigError, match=rf"{who} got a stream of blocks .*wanted one of frames\.\n  .*put\(\)"
            ),
        ):
            hr.drain(blocks, writer)
        assert len(reader_of(path)) == 3, "what was there stays"
    with (
        writer_of(tmp_path / f"b{path.suffix}") as writer,
        pytest.raises(
            DataError, match=rf"{who}.write got .*\(6, 16, 16\), wanted one frame .*\n  For a block of frames use put"
        ),
    ):
        hr.drain(film | hr.batch(6) | hr.map(np.negative), writer)  # nobody knows what it gives
    assert writer.written == 0


@pytest.mark.parametrize("name", ["numpy", "inr", "hdf5"])
def test_frames_of_many_channels_are_written_where_they_are_known_as_such(name: str, tmp_path: Path) -> None:
    file, writer_of, reader_of = WRITERS[name]
    film = np.arange(4 * 5 * 6 * 9, dtype="u1").reshape(4, 5, 6, 9)
    with writer_of(tmp_path / file) as writer:
        with pytest.raises(DataError, match=r"put\(frame\[None\]\)"):
            writer.write(film[0])
        writer.put(film[:2])
        writer.write(film[2])  # as those before
        writer.put(film[3][None])
    other = tmp_path / f"b{Path(file).suffix}"
    with writer_of(other) as writer:
        assert hr.drain(reader_of(tmp_path / file), writer) == 4
    for path in (tmp_path / file, other):
        assert (reader_of(path)[:] == film).all()
    with writer_of(tmp_path / f"c{Path(file).suffix}") as writer:
        assert hr.drain(SequenceStream(film[..., :2]), writer) == 4


# --- folders that go --------------------------------------------------------------------------------


def test_a_video_whose_folder_is_gone_is_not_laid_on_its_codec(tmp_path: Path) -> None:
    require("av")
    folder = tmp_path / "gone"
    folder.mkdir()
    writer = VideoWriter(folder / "a.avi")
    shutil.rmtree(folder)
    with pytest.raises(
        SinkError, match=r"could not write '.*a\.avi': No such file.*wanted a folder and a disk"
    ) as caught:
        writer.put(BLOCK)
    assert "codec" not in str(caught.value)
    folder.mkdir()
    writer.put(BLOCK)
    writer.close()
    assert len(VideoReader(folder / "a.avi", None)) == 3


def test_an_hdf5_file_that_may_not_be_written_is_no_other_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    h5py = require("h5py")

    def refuse(*args: Any, **options: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(h5py, "File", refuse)
    with pytest.raises(SinkError, match=r"HDF5Writer could not write to '.*a\.h5': Permission denied"):
        HDF5Writer(tmp_path / "a.h5")
