"""Video files that are written, and read by others."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import ClosedError, DataError, HeadraceWarning, SinkError, StreamConfigError
from headrace.frames import VideoReader, VideoWriter
from support.require import require

av = require("av")
RNG = np.random.default_rng(1)
SMOOTH = np.kron(RNG.integers(40, 220, (4, 5, 3)), np.ones((16, 16, 1))).astype("u1")  # 64 x 80
CODECS = {"XVID": "a.avi", "DIVX": "a.avi", "MJPG": "a.avi", "X264": "a.mp4", "WMV1": "a.wmv", "WMV2": "a.wmv"}


def moving(n: int = 12) -> Any:
    return np.stack([np.roll(SMOOTH, 2 * k, 1) for k in range(n)])


@pytest.mark.parametrize("codec", CODECS)
def test_each_codec_keeps_colours_and_places(codec: str, tmp_path: Path) -> None:
    path, frames = tmp_path / CODECS[codec], moving()
    with VideoWriter(path, (64, 80), codec, fps=30) as writer:
        writer.put(frames[:5].transpose(3, 0, 1, 2)[None])
        for frame in frames[5:]:
            writer.write(frame)
    assert writer.written == 12
    video = VideoReader(path, None, mode="rgb")
    assert (len(video), video.size) == (12, (64, 80))
    assert video.fps == pytest.approx(30)
    error = np.abs(video[:].astype(int) - frames).mean()
    assert error < (2 if codec == "MJPG" else 5), error
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        name = {"XVID": "mpeg4", "DIVX": "mpeg4", "MJPG": "mjpeg", "X264": "h264"}.get(codec, codec.lower())
        assert context.name == name
        if codec in ("XVID", "DIVX"):
            assert context.codec_tag == codec


@pytest.mark.parametrize("shape", [(9, 64, 80, 3), (9, 63, 81, 3), (9, 63, 81), (9, 1, 1)])
def test_ffv1_loses_nothing(shape: Any, tmp_path: Path) -> None:
    frames = RNG.integers(0, 256, shape, np.uint8)
    with VideoWriter(tmp_path / "a.mkv", codec="FFV1") as writer:
        hr.drain(frames, writer)
    video = VideoReader(tmp_path / "a.mkv", None, mode="rgb" if len(shape) == 4 else "r")
    assert (video[:] == frames).all()
    assert video.fps == 20


@pytest.mark.parametrize("codec", [*CODECS, "FFV1"])
def test_odd_sizes_and_grey(codec: str, tmp_path: Path) -> None:
    frames = moving()[:, :63, :79].mean(-1)
    path = tmp_path / CODECS.get(codec, "a.mkv")
    with VideoWriter(path, None, codec) as writer:
        if codec.startswith("WMV"):
            with pytest.raises(DataError, match="wanted even numbers"):
                writer.put(frames)
            return
        writer.put(frames)
    video = VideoReader(path, None)
    assert video.size == (63, 79)
    assert np.abs(video[:] - frames).mean() < 4


def test_values_are_clipped_and_rounded(tmp_path: Path) -> None:
    frame = np.array([[-7.0, 0.4, 0.6, 254.5, 300, np.inf, -np.inf, 2.0]] * 2)
    for dtype, due in (("f8", [0, 0, 1, 254, 255, 255, 0, 2]), ("i8", [0, 0, 0, 254, 255, 255, 0, 2])):
        given = frame if dtype == "f8" else np.nan_to_num(frame, posinf=1000, neginf=-1000).astype("i8")
        before = given.copy()
        with VideoWriter(tmp_path / "a.mkv", codec="FFV1") as writer:
            writer.put(given)
        assert VideoReader(tmp_path / "a.mkv", None, mode="r")[0][0].tolist() == due
        assert np.array_equal(given, before), "the caller's stays as it is"
    with VideoWriter(tmp_path / "b.mkv", codec="FFV1") as writer:
        writer.put(np.array([[[True, False]]]))
    assert VideoReader(tmp_path / "b.mkv", None, mode="r")[0].tolist() == [[1, 0]]


def test_what_is_no_number_is_refused_and_nothing_of_its_block_is_written(tmp_path: Path) -> None:
    block = np.full((3, 16, 16), 7.0)
    block[2, 0, 0] = np.nan
    with VideoWriter(tmp_path / "a.mkv", codec="FFV1") as writer:
        with pytest.raises(DataError, match="got NaN, wanted values from 0 to 255"):
            writer.put(block)
        writer.put(block[:2])
    assert VideoReader(tmp_path / "a.mkv", None, mode="r")[:].tolist() == np.full((2, 16, 16), 7).tolist()


def test_a_film_that_would_look_black_is_told_once(tmp_path: Path) -> None:
    grey = np.full((2, 16, 16), 0.5)
    with VideoWriter(tmp_path / "a.mkv", codec="FFV1") as writer:
        with pytest.warns(HeadraceWarning, match="values from 0 to 1, wanted 0 to 255") as told:
            writer.put(grey)
        assert told[0].filename == __file__
        writer.put(grey)  # warnings are errors here
    for k, dark in enumerate(
        (np.zeros((2, 16, 16)), np.ones((2, 16, 16)), grey.round().astype("u1"), np.zeros((0, 16, 16)))
    ):
        with VideoWriter(tmp_path / f"{k}.mkv", codec="FFV1") as writer:
            writer.put(dark)


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", "u8", "f2"])
def test_values_of_any_type_are_clipped(dtype: str, tmp_path: Path) -> None:
    frame = np.array([[-7, 0, 5, 300]]).clip(*((-128, 127) if dtype == "i1" else (0 if "u" in dtype else -7, 300)))
    with VideoWriter(tmp_path / "a.mkv", codec="FFV1") as writer:
        writer.put(frame.astype(dtype)[None])
    assert VideoReader(tmp_path / "a.mkv", None, mode="r")[0].tolist() == frame.clip(0, 255).tolist()


def test_a_writer_that_is_dropped_finishes_its_file(tmp_path: Path) -> None:
    for name, codec in (("a.mp4", "X264"), ("a.avi", "XVID"), ("a.mkv", "FFV1")):
        writer = VideoWriter(tmp_path / name, None, codec)
        writer.put(moving().transpose(3, 0, 1, 2)[None])
        with pytest.warns(ResourceWarning, match="dropped without close"):
            del writer
        assert len(VideoReader(tmp_path / name, None)) == 12
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        VideoWriter(tmp_path / "b.avi")  # of which nothing was written
        writer = VideoWriter(tmp_path / "b.avi")
        writer.put(moving().transpose(3, 0, 1, 2)[None])
        writer.close()
        del writer


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_program_that_ends_finishes_its_files_and_a_forked_child_does_not(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    code = f"""
import os, sys
import numpy as np
from headrace.errors import ClosedError
from headrace.frames import VideoWriter
writer = VideoWriter({str(path)!r}, None, "X264")
writer.put(np.zeros((5, 32, 32)))
child = os.fork()
if child == 0:
    try:
        writer.put(np.zeros((5, 32, 32)))
    except ClosedError:
        writer.close()
        sys.exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
writer.put(np.zeros((5, 32, 32)))
"""
    done = subprocess.run(
        [sys.executable, "-W", "always::ResourceWarning", "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("dropped without close") == 1
    assert len(VideoReader(path, None)) == 10


def test_channels(tmp_path: Path) -> None:
    frames = moving(3)
    for channels, is_color in ((3, False), (4, True), (1, True)):
        given = np.concatenate([frames, frames[..., :1]], -1)[..., :channels]
        with VideoWriter(tmp_path / "a.mkv", None, "FFV1", is_color) as writer:
            writer.put(given.transpose(3, 0, 1, 2)[None])
        found = VideoReader(tmp_path / "a.mkv", None, mode="rgb")[:]
        if channels == 3:
            assert (found == np.rint(frames.mean(-1))[..., None]).all()
        else:
            assert (found == frames[..., : min(3, channels)]).all()
    with pytest.raises(DataError, match="2 channels"), VideoWriter(tmp_path / "b.mkv", None, "FFV1") as writer:
        writer.put(np.zeros((1, 2, 3, 8, 8)))


def test_batches_come_one_behind_the_other_and_tensors_are_taken(tmp_path: Path) -> None:
    torch = require("torch")
    block = torch.arange(2 * 3 * 16 * 16, dtype=torch.float32).reshape(2, 1, 3, 16, 16) % 256
    with VideoWriter(tmp_path / "a.mkv", codec="FFV1") as writer:
        writer.put(block)
        writer.put(block[0, 0])
    found = VideoReader(tmp_path / "a.mkv", None, mode="r")[:]
    due = block.numpy().reshape(6, 16, 16)
    assert (found == np.concatenate([due, due[:3]])).all()


def test_frames_of_another_size_are_an_error(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.avi", (64, 80))
    with pytest.raises(DataError, match=r"wanted \(64, 80\), rows first"):
        writer.put(np.zeros((3, 80, 64)))
    writer.put(np.zeros((3, 64, 80)))
    with pytest.raises(DataError, match="shape"):
        writer.put(np.zeros((3, 64, 82)))
    writer.close()
    writer.close()
    with pytest.raises(ClosedError):
        writer.put(np.zeros((3, 64, 80)))
    assert len(VideoReader(tmp_path / "a.avi")) == 3


def test_codecs_suffixes_and_options_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(StreamConfigError, match="wanted one of 'DIVX', 'XVID'"):
        VideoWriter(tmp_path / "a.avi", codec="ABCD")
    unfit: list[Any] = [5, "crf", [("crf", "5")], {5: 5}, {"nope": "1"}]
    for options in unfit:
        with pytest.raises(StreamConfigError, match=r"VideoWriter\(options=\)"):
            VideoWriter(tmp_path / "a.mkv", codec="X264", options=options)
    for path in (None, 5, b"a.avi"):
        with pytest.raises(StreamConfigError, match=r"VideoWriter\(filename\)"):
            VideoWriter(path)
    for name, codec in (("a.xyz", "XVID"), ("a", "XVID"), ("a.mp4", "WMV1"), ("a.mp4", "FFV1"), ("no/a.avi", "XVID")):
        with pytest.raises(StreamConfigError, match=r"VideoWriter\(filename\)"):
            VideoWriter(tmp_path / name, codec=codec)
    wrong: list[Any] = [0, -5, float("nan"), "fast", "25", True, np.True_, np.float32("nan"), np.float32("inf"), None]
    for fps in wrong:
        with pytest.raises(StreamConfigError, match=r"fps=\) got .*wanted a number of frames a second"):
            VideoWriter(tmp_path / "a.avi", fps=fps)
    right: list[Any] = [np.float32(29.97), np.float64(29.97), Fraction(2997, 100), Decimal("29.97")]
    for fps in right:
        assert VideoWriter(tmp_path / "a.avi", fps=fps).fps == 29.97
    assert VideoWriter(tmp_path / "a.avi", fps=np.int64(25)).fps == 25  # type: ignore[arg-type]  # a number all the same
    assert list(tmp_path.iterdir()) == [], "nothing was begun"
    with pytest.raises(DataError, match="cannot write"):
        VideoWriter(tmp_path / "a.mkv", codec="X264", options={"preset": "no such"}).put(np.zeros((1, 16, 16)))


def test_other_names_rates_and_options(tmp_path: Path) -> None:
    frames = RNG.integers(0, 256, (10, 48, 64, 3), np.uint8)
    sizes = []
    for crf in ("5", "45"):
        with VideoWriter(tmp_path / "a.mkv", codec="h264", fps=29.97, options={"crf": crf}) as writer:
            writer.put(frames.transpose(3, 0, 1, 2)[None])
        sizes.append((tmp_path / "a.mkv").stat().st_size)
        assert VideoReader(tmp_path / "a.mkv", None).fps == pytest.approx(29.97, abs=1e-3)
    assert sizes[0] > 2 * sizes[1]


def test_a_writer_of_nothing_writes_nothing(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.avi"):
        pass
    assert not (tmp_path / "a.avi").exists()


def test_a_name_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.avi").mkdir()
    with pytest.raises(StreamConfigError, match="is a folder"):
        VideoWriter(tmp_path / "a.avi")


def test_the_file_lies_where_its_name_meant_when_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    writer = VideoWriter("a.mkv", None, "FFV1")
    monkeypatch.chdir(tmp_path)
    writer.put(np.zeros((3, 16, 16)))
    writer.close()
    assert len(VideoReader(tmp_path / "a" / "a.mkv", None)) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="no limits for files there")
@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.mkv", "a.ts"])
def test_a_full_disk(name: str, tmp_path: Path) -> None:
    import resource

    frames = RNG.integers(0, 256, (10, 48, 64, 3), np.uint8).transpose(3, 0, 1, 2)[None]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for most in (0, 100, 60_000):
        writer = VideoWriter(tmp_path / name, None, {"a.avi": "MJPG", "a.mkv": "FFV1"}.get(name, "X264"))
        said = "nothing of it can be read" if name == "a.mp4" else "at most its beginning"
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, limits[1]))
        try:
            told = ""
            for _ in range(20):
                try:
                    writer.put(frames)
                except SinkError as error:
                    told = str(error)
            assert said in told
            assert f"{str(tmp_path / name)!r}" in told
            if most or name != "a.mp4":  # it has not begun then
                with pytest.raises(SinkError, match=said):
                    writer.close()
            writer.close()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        with pytest.raises(ClosedError):
            writer.put(frames)
        if name == "a.mp4":
            with pytest.raises(DataError):
                VideoReader(tmp_path / name, None)


def test_a_writer_that_was_refused_by_the_disk_takes_nothing_when_there_is_room_again(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    import resource

    frames = RNG.integers(0, 256, (200, 48, 64, 3), np.uint8).transpose(3, 0, 1, 2)[None]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = VideoWriter(tmp_path / "a.mkv", None, "FFV1")
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(SinkError):
            writer.put(frames)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    with pytest.raises(SinkError, match="not whole"):
        writer.put(frames)
    with pytest.raises(SinkError, match="not whole"):
        writer.close()
