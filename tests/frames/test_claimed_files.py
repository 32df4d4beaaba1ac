"""Two writers of one file, and a file that is written from itself: refused before anything is lost."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import SinkError, StreamConfigError
from headrace.frames import (
    EventStream,
    EventWriter,
    HDF5Reader,
    HDF5Writer,
    InrImageFileStreamer,
    InrImageStreamer,
    InrImageStreamWriter,
    NumpyReader,
    NumpyWriter,
    VideoReader,
    VideoWriter,
    write_events,
)
from support.require import require

BLOCK = np.random.default_rng(0).integers(0, 256, (5, 16, 16)).astype("u1")
EVENTS = {"x": np.arange(5), "y": np.arange(5), "t": np.arange(5), "p": np.arange(5) % 2}

KINDS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "a.npy": (NumpyWriter, NumpyReader),
    "a.h5": (HDF5Writer, HDF5Reader),
    "a.inr": (InrImageStreamWriter, InrImageStreamer),
    "a.avi": (VideoWriter, lambda path: VideoReader(path, None)),
}
PACKAGES = {"a.h5": "h5py", "a.avi": "av"}


@pytest.fixture(params=KINDS)
def kind(request: Any, tmp_path: Path) -> tuple[Path, Any, Any]:
    if request.param in PACKAGES:
        require(PACKAGES[request.param])
    return (tmp_path / request.param, *KINDS[request.param])


def test_of_two_writers_of_a_file_the_second_is_refused(kind: Any) -> None:
    path, writer, reader = kind
    one, two, three = writer(path), writer(path), writer(path)
    one.put(BLOCK)
    for _ in range(2):
        with pytest.raises(SinkError, match="another writer"):
            two.put(BLOCK)
    one.put(BLOCK)
    if writer is VideoWriter:
        three.close()  # without a frame it makes no file
    else:
        with pytest.raises(SinkError, match="another writer"):
            three.close()
    one.close()
    two.close()
    three.close()
    assert len(reader(path)) == 10
    with writer(path) as later:
        later.put(BLOCK)
    assert len(reader(path)) == (15 if writer is HDF5Writer else 5)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_writer_that_is_gone_has_no_file(kind: Any) -> None:
    path, writer, reader = kind
    dropped = writer(path)
    dropped.put(BLOCK)
    del dropped
    gc.collect()
    with writer(path) as other:
        other.put(BLOCK)
    assert len(reader(path)) in (5, 10)


def test_a_link_is_the_file_and_a_dataset_is_not_another(tmp_path: Path) -> None:
    (tmp_path / "link.npy").symlink_to(tmp_path / "a.npy")
    with NumpyWriter(tmp_path / "a.npy") as one, NumpyWriter(tmp_path / "b.npy") as other:
        one.put(BLOCK)
        other.put(BLOCK)
        two = NumpyWriter(tmp_path / "link.npy")
        with pytest.raises(SinkError):
            two.put(BLOCK)
    two.close()
    assert len(NumpyReader(tmp_path / "a.npy")) == 5, "who was refused leaves it alone"
    require("h5py")
    with HDF5Writer(tmp_path / "a.h5", "left") as left, HDF5Writer(tmp_path / "a.h5", "right") as right:
        left.put(BLOCK)
        right.put(BLOCK)


def test_another_name_of_a_file_is_the_file_too(kind: Any) -> None:
    path, writer, reader = kind
    other = path.with_name("other" + path.suffix)
    with writer(path) as first:
        first.put(BLOCK)
    os.link(path, other)
    for source in (reader(path), reader(path) | hr.map(np.negative)):
        with writer(other) as into, pytest.raises(StreamConfigError, match="itself"):
            hr.drain(source, into)
        assert len(reader(path)) == 5
    one, two = writer(path), writer(other)
    one.put(BLOCK)
    with pytest.raises(SinkError, match="another writer"):
        two.put(BLOCK)
    one.close()
    two.put(BLOCK)
    two.close()
    assert len(reader(path)) == (15 if writer is HDF5Writer else 5)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_may_write_what_its_parent_has_open(tmp_path: Path) -> None:
    with NumpyWriter(tmp_path / "a.npy") as writer:
        writer.put(BLOCK)
        child = os.fork()
        if not child:
            try:
                mine = NumpyWriter(tmp_path / "a.npy")
                mine.put(BLOCK)
                os._exit(0)
            finally:
                os._exit(4)
        assert os.waitpid(child, 0)[1] == 0


def test_frames_are_not_drained_into_their_own_file(kind: Any) -> None:
    path, writer, reader = kind
    with writer(path) as first:
        first.put(BLOCK)
    for source in (reader(path), reader(path) | hr.map(np.negative), hr.mix([reader(path), reader(path)])):
        with writer(path) as again, pytest.raises(StreamConfigError, match="itself"):
            hr.drain(source, again)
        assert len(reader(path)) == 5, "nothing is lost, of a writer that is closed without a frame neither"
    other = path.with_name("b" + path.suffix)
    with writer(other) as into:
        assert hr.drain(reader(path), into) == 5
    with writer(path) as again:
        with pytest.raises(StreamConfigError, match="itself"):
            hr.drain(reader(path), again)
        assert hr.drain(reader(other), again) == 5, "it goes on with others"
    assert len(reader(path)) == (10 if writer is HDF5Writer else 5)


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.aedat", "a.bin"])
def test_events_that_were_taken_are_written_whatever_is_refused_behind_them(name: str, tmp_path: Path) -> None:
    if name == "a.h5":
        require("h5py")
    path = tmp_path / name
    write_events(path, {name: column[:2] for name, column in EVENTS.items()})
    with EventWriter(path) as writer:
        writer.write(EVENTS)
        with pytest.raises(StreamConfigError, match="itself"):
            hr.drain(EventStream(path), writer)
    assert len(EventStream(path)) == 5
    one, two = EventWriter(path), EventWriter(path)
    one.write({name: np.tile(column, 2) for name, column in EVENTS.items()})
    with pytest.raises(SinkError, match="another writer"):
        two.write(EVENTS)
    one.close()
    assert hr.drain(hr.Streamer([]), two) == 0
    two.close()
    assert len(EventStream(path)) == 10, "who was refused, and begins nothing, leaves it alone"


def test_a_list_of_files_is_not_drained_into_one_of_them(tmp_path: Path) -> None:
    for k in range(2):
        with InrImageStreamWriter(tmp_path / f"{k}.inr") as writer:
            writer.put(BLOCK)
    with InrImageStreamWriter(tmp_path / "1.inr") as again, pytest.raises(StreamConfigError, match="itself"):
        hr.drain(InrImageFileStreamer(tmp_path / "*.inr"), again)
    assert len(InrImageFileStreamer(tmp_path / "*.inr")) == 10


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.aedat", "a.bin"])
def test_events_have_a_file_of_their_own_too(name: str, tmp_path: Path) -> None:
    if name == "a.h5":
        require("h5py")
    path = tmp_path / name
    write_events(path, EVENTS)
    with EventWriter(path) as writer, pytest.raises(StreamConfigError, match="itself"):
        hr.drain(EventStream(path) | hr.filter(lambda event: event["p"] == 1), writer)
    assert len(EventStream(path)) == 5
    one, two, three = EventWriter(path), EventWriter(path), EventWriter(path)
    one.write(EVENTS)
    with pytest.raises(SinkError, match="another writer"):
        two.write(EVENTS)
    with pytest.raises(SinkError, match="another writer"):
        three.close()
    one.close()
    for other in (two, three):
        other.close()
    assert len(EventStream(path)) == 5, "who has begun nothing leaves it alone"
