"""The mean of the three channels is that of the colours that the same video gives, whatever way it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.frames import VideoReader, VideoWriter
from support.require import require

av = require("av")

SIZES = [(48, 64), (40, 50), (35, 208), (34, 207), (270, 480)]


@pytest.mark.parametrize(("codec", "suffix"), [("X264", ".mp4"), ("MJPG", ".avi"), ("XVID", ".avi"), ("FFV1", ".mkv")])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_mean_is_that_of_the_colours(codec: str, suffix: str, size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / f"noise{suffix}"
    with VideoWriter(path, codec=codec) as writer:
        for frame in np.random.default_rng(0).integers(0, 256, (3, *size, 3), np.uint8):
            writer.write(frame)
    check_the_mean(path, 3)


# As files have them: FFmpeg makes colours of each by other code.
KINDS = [
    ("ffv1", "yuv422p", ".mkv"),
    ("ffv1", "yuv444p", ".mkv"),
    ("ffv1", "gray", ".mkv"),
    ("ffv1", "bgr0", ".mkv"),
    ("ffv1", "yuv420p10le", ".mkv"),
    ("utvideo", "gbrp", ".avi"),
    ("mjpeg", "yuvj422p", ".avi"),
    ("rawvideo", "rgb24", ".nut"),
    ("rawvideo", "nv12", ".nut"),
]


@pytest.mark.parametrize("size", [(48, 64), (34, 54)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(("codec", "kind", "suffix"), KINDS, ids=[kind for _, kind, _ in KINDS])
def test_the_mean_of_each_kind_of_pixels(
    codec: str, kind: str, suffix: str, size: tuple[int, int], tmp_path: Path
) -> None:
    path = tmp_path / f"noise{suffix}"
    rng = np.random.default_rng(0)
    with av.open(path, "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.height, stream.width = size
        stream.pix_fmt = kind
        for _ in range(3):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (*size, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(format=kind)))
        container.mux(stream.encode())
    with av.open(path) as container:
        assert next(container.decode(video=0)).format.name == kind
    check_the_mean(path, 3)


def test_the_mean_of_a_frame_that_is_worked_on_in_several_strips(tmp_path: Path) -> None:
    path = tmp_path / "large.mkv"
    with VideoWriter(path, codec="FFV1") as writer:
        writer.write(np.random.default_rng(0).integers(0, 256, (706, 1200, 3), np.uint8))
    check_the_mean(path, 1)


def check_the_mean(path: Path, n: int) -> None:
    parts: list[dict[str, Any]] = [{"size": None}, {"size": (21, 32)}, {"size": (17, 19), "offset": (3, 5)}]
    for part in parts:
        sums = VideoReader(path, **part, mode="rgb").read(n).astype(int).sum(-1)
        found = VideoReader(path, **part, mode="mean").read(n)
        assert found.dtype == np.float32
        assert np.array_equal(found, sums.astype(np.float32) / np.float32(3))
        assert np.array_equal(VideoReader(path, **part, mode="mean", dtype="u1").read(n), (sums + 1) // 3)
        assert np.array_equal(VideoReader(path, **part, mode="mean", dtype="i4").read(n), (sums + 1) // 3)
        assert np.array_equal(VideoReader(path, **part, mode="mean", dtype="f8").read(n), found)
