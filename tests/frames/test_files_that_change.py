"""Files that are written anew, gone, forbidden or too many under their reader."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.core.indexed import Bound, Indexed, Places
from headrace.core.key import Key
from headrace.core.recipe import recipe
from headrace.errors import DamageError, DataError, StreamConfigError
from headrace.frames import (
    FrameStream,
    HDF5Reader,
    HDF5Writer,
    ImageSequence,
    InrImageStreamer,
    InrImageStreamWriter,
    NumpyReader,
    PoissonStream,
    ProcessingStream,
    read_idx,
    write_idx,
)
from support.require import require

OLD = np.arange(10 * 6 * 7, dtype="f4").reshape(10, 6, 7)
CHANGES = {"longer": np.full((20, 6, 7), 5, "f4"), "shorter": OLD[:4] + 1, "of another shape": OLD.reshape(10, 7, 6)}


def write_h5(path: Path, frames: Any) -> None:
    require("h5py")
    path.unlink(missing_ok=True)
    with HDF5Writer(path) as writer:
        writer.put(frames)


def write_inr(path: Path, frames: Any) -> None:
    with InrImageStreamWriter(path) as writer:
        writer.put(frames)


Write = Callable[[Path, Any], Any]
Read = Callable[[Path], FrameStream]
FILES: dict[str, tuple[Write, Read]] = {
    "npy": (np.save, NumpyReader),
    "npz": (np.savez, NumpyReader),
    "h5": (write_h5, HDF5Reader),
    "inr": (write_inr, InrImageStreamer),
}


def written(kind: str, folder: Path) -> tuple[Path, Write, Read]:
    """Return a file of the old frames, what writes such files, and what reads them."""
    write, read = FILES[kind]
    path = folder / f"a.{kind}"
    write(path, OLD)
    return path, write, read


def later(path: Path) -> None:
    """Have the file say that it was written a second later than it was: clocks of file systems may be coarse."""
    at = time.time() + 1
    os.utime(path, (at, at))


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_was_written_anew_is_said(kind: str, how: str, tmp_path: Path) -> None:
    path, write, read = written(kind, tmp_path)
    stream = read(path)
    write(path, CHANGES[how])
    later(path)
    for ask in (lambda: stream.get(3), lambda: stream[8], lambda: stream[2:9], lambda: list(stream.iterate())):
        with pytest.raises(DamageError, match="was written to since it was first opened"):
            ask()
    assert stream.i == 0
    with pytest.raises(DamageError):
        list(map(stream.__getitem__, range(6, 10)))
    assert len(read(path).get(100)) == len(CHANGES[how])


@pytest.mark.parametrize("kind", FILES)
def test_other_values_of_the_same_shape_are_said_and_the_same_file_again_is_not(kind: str, tmp_path: Path) -> None:
    path, write, read = written(kind, tmp_path)
    stream = read(path)
    os.utime(path)
    assert len(stream.get(3)) == 3
    again = read(path)
    write(path, OLD + 1)
    later(path)
    with pytest.raises(DamageError):
        again.get(3)


@recipe
class Liar(Indexed[Any]):
    """Says that it has items, and gives none."""

    size = 5

    def bind(self, key: Key) -> Bound[Any]:
        return _Nothing(self, key)


class _Nothing(Bound[Any]):
    inner = ()

    def walk(self, at: Places) -> Iterator[Any]:
        return iter(())


def test_an_item_that_is_not_there_never_ends_the_callers_loop() -> None:
    with pytest.raises(DataError, match="gave nothing for item 3"):
        list(map(Liar().__getitem__, [3]))


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_gone_is_said(kind: str, tmp_path: Path) -> None:
    path, _, read = written(kind, tmp_path)
    stream = read(path)
    path.unlink()
    told = (
        f"{type(stream).__name__} got {str(path)!r}, which is not there any more"  # of the same name there may be many
    )
    with pytest.raises(DamageError, match=re.escape(told)):
        stream.get(3)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything")
@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_may_not_be_read_is_said(kind: str, tmp_path: Path) -> None:
    path, _, read = written(kind, tmp_path)
    path.chmod(0)
    with pytest.raises(DataError, match="which may not be read"):
        read(path)
    path.chmod(0o600)


def test_what_the_system_says_is_told_with_what_can_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.idx"
    write_idx(path, OLD[:2])
    for error, told in (
        (PermissionError(13, "no"), "may not be read"),
        (OSError(24, "no"), r"one file more than may be open at a time.*\n.*StochasticMux"),
    ):

        def refuse(*_: Any, error: OSError = error, **__: Any) -> Any:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr("builtins.open", refuse)
            with pytest.raises(DataError, match=told):
                read_idx(path)


@pytest.mark.parametrize("wrong", [None, "a.npy", Path("a.npy"), b"a.npy"], ids=["None", "str", "Path", "bytes"])
def test_a_file_is_no_stream_of_frames(wrong: Any) -> None:
    for make in (FrameStream, PoissonStream, lambda s: ProcessingStream(s, abs)):
        with pytest.raises(StreamConfigError, match=r"wanted a stream of frames.*\n.*NumpyReader\(path\)"):
            make(wrong)


@pytest.mark.parametrize("wrong", [5, abs, dict, object()], ids=["number", "function", "class", "object"])
def test_what_makes_no_frames_is_refused_in_the_name_that_was_called(wrong: Any) -> None:
    for make in (FrameStream, PoissonStream, lambda s: ProcessingStream(s, abs)):
        with pytest.raises(StreamConfigError, match=r"^(Frame|Poisson|Processing)Stream got .*, wanted .*\.\n  \S"):
            make(wrong)


def test_brackets_are_a_pattern(tmp_path: Path) -> None:
    image = require("PIL.Image")
    image.fromarray(np.zeros((4, 5), "u1")).save(tmp_path / "n[1].png")
    with pytest.raises(StreamConfigError, match=r"brackets are a pattern: give it in a list"):
        ImageSequence(tmp_path / "n[1].png")
    assert len(ImageSequence([tmp_path / "n[1].png"], None)) == 1


def test_frames_without_pixels_are_refused_where_the_format_has_none(tmp_path: Path) -> None:
    require("h5py")
    for writer in (HDF5Writer(tmp_path / "a.h5"), InrImageStreamWriter(tmp_path / "a.inr")):
        with writer:
            with pytest.raises(DataError, match="wanted some that have pixels"):
                writer.put(np.zeros((3, 0, 5)))
            writer.put(np.zeros((3, 2, 5)))
    assert len(HDF5Reader(tmp_path / "a.h5")) == len(InrImageStreamer(tmp_path / "a.inr")) == 3


def test_frames_of_another_shape_are_an_error_however_they_are_cut() -> None:
    frames = [np.zeros((3, 4)), np.zeros((3, 5)), np.ones((3, 4))]
    stream = FrameStream(frames)
    assert len(stream.get(2)) == 1
    with pytest.raises(DataError, match=r"shape \(3, 5\) at frame 1, wanted \(3, 4\)"):
        stream.get(1)
    assert stream.i == 1
    assert stream.skip() == 1
    assert stream.get(1).max() == 1
