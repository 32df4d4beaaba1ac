"""Names that no file can have, and folders that lie in themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import StreamConfigError
from headrace.frames import (
    EventStream,
    HDF5Reader,
    ImageSequence,
    InrImageStreamer,
    NumpyReader,
    NumpyWriter,
    VideoReader,
    read_events,
)
from headrace.frames.digits.idx import read_idx, write_idx
from support.require import require

Image = require("PIL.Image")
READERS: list[Any] = [NumpyReader, HDF5Reader, VideoReader, InrImageStreamer, EventStream, read_events, read_idx]
READERS.append(lambda name: ImageSequence([name]))
ODD = {
    "a\0b": "no file can have",
    "\ud800": "no file can have",
    "a" * 5000: "too long for a file",
    "b/" * 4000: "too long",
}


@pytest.mark.parametrize("name", ODD, ids=["null", "surrogate", "long", "deep"])
@pytest.mark.parametrize("reader", range(len(READERS)))
def test_names_that_no_file_can_have(name: str, reader: int) -> None:
    for path in (name, Path(name), Path("/") / name):
        with pytest.raises(StreamConfigError, match=rf"got '.*{ODD[name]}.*, wanted a file\.\n  The") as no:
            READERS[reader](path)
        assert len(str(no.value)) < 700


@pytest.mark.parametrize("name", ODD, ids=["null", "surrogate", "long", "deep"])
def test_names_that_no_file_can_be_given(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    makers: list[Any] = [NumpyWriter, lambda path: write_idx(path, np.zeros(3))]
    for make in makers:
        with pytest.raises(
            StreamConfigError, match=rf"{ODD[name]}.*, wanted a file that can be written\.\n  The"
        ) as no:
            make(name)
        assert len(str(no.value)) < 700
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [*ODD, "**/a\0b", "a\0b/**", "\ud800*", "a\0b*"])
def test_patterns_that_no_file_can_match(name: str) -> None:
    with pytest.raises(StreamConfigError, match="which no file is called, wanted at least one file"):
        ImageSequence(name)


def tree(folder: Path, *names: str) -> None:
    for k, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((5, 5), k, "u1")).save(folder / name)


def found(pattern: Any) -> list[int]:
    got: list[int] = ImageSequence(str(pattern), None)[:][:, 0, 0].astype(int).tolist()
    return got


def test_a_folder_that_lies_in_itself_is_looked_into_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "x/1.png", "x/y/2.png", "x/y/z/3.png")
    for k in range(3):  # three of them are 3**40 ways
        (tmp_path / f"x/{k}_loop").symlink_to(tmp_path / "x")
    (tmp_path / "x/y/0_up").symlink_to("../..", target_is_directory=True)
    assert found(tmp_path / "x/**/*.png") == [0, 1, 2]
    assert found(tmp_path / "x/**") == [0, 1, 2]
    assert found(tmp_path / "**/y/**/*.png") == [0, 1, 2], "below y is all of it"
    assert found(tmp_path / "*/**/[12].png") == [0, 1]
    monkeypatch.chdir(tmp_path / "x")
    for pattern in ("**/*.png", "**", "./**/*.png", "../x/**/*.png", "**/**/*.png"):
        assert found(pattern) == [0, 1, 2]
    assert found("**/2.png") == [1]
    assert found("0_loop/*.png") == [0], "one that is named is followed"


def test_folders_elsewhere_are_followed_and_links_to_files_are_files(tmp_path: Path) -> None:
    tree(tmp_path, "far/1.png", "far/y/2.png", "here/3.png", "here/z/.hidden/4.png", "here/.5.png")
    (tmp_path / "here/a_link").symlink_to(tmp_path / "far")
    (tmp_path / "here/b_link").symlink_to(tmp_path / "far/y")
    (tmp_path / "here/9.png").symlink_to(tmp_path / "here/3.png")
    (tmp_path / "here/none").symlink_to(tmp_path / "nowhere")
    names = ImageSequence(str(tmp_path / "here/**/*.png"), None).__recipe__().paths  # type: ignore[attr-defined]  # FrameStream tells of any stream
    assert [str(path.relative_to(tmp_path / "here")) for path in names] == [
        "3.png",
        "9.png",
        "a_link/1.png",
        "a_link/y/2.png",
    ]


def test_brackets_and_stars_in_the_names_of_folders(tmp_path: Path) -> None:
    tree(tmp_path, "[a]/1.png", "[a]/b*/[2]/3.png", "c**/4.png", "c**/d/5.png")
    assert found(tmp_path / "**/*.png") == [0, 1, 2, 3]
    assert found(tmp_path / "**/?.png") == [0, 1, 2, 3]
    assert found(tmp_path / "[[]a]/**/*.png") == [0, 1]
    assert found(tmp_path / "c**/*.png") == [2], "of which no folders below are"
