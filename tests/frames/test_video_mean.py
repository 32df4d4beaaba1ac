"""The mean of the three channels is that of the colours that the same video gives, whatever way it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.frames import VideoReader, VideoWriter
from support.require import require

require("av")

SIZES = [(48, 64), (40, 50), (35, 208), (34, 207), (270, 480)]


@pytest.mark.parametrize(("codec", "suffix"), [("X264", ".mp4"), ("MJPG", ".avi"), ("XVID", ".avi"), ("FFV1", ".mkv")])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_mean_is_that_of_the_colours(codec: str, suffix: str, size: tuple[int, int], tmp_path: Path) -> None:
    path = tmp_path / f"noise{suffix}"
    with VideoWriter(path, codec=codec) as writer:
        for frame in np.random.default_rng(0).integers(0, 256, (3, *size, 3), np.uint8):
            writer.write(frame)
    parts: list[dict[str, Any]] = [{"size": None}, {"size": (21, 32)}, {"size": (17, 19), "offset": (3, 5)}]
    for part in parts:
        sums = VideoReader(path, **part, mode="rgb").read(3).astype(int).sum(-1)
        found = VideoReader(path, **part, mode="mean").read(3)
        assert found.dtype == np.float32
        assert np.array_equal(found, sums.astype(np.float32) / np.float32(3))
        assert np.array_equal(VideoReader(path, **part, mode="mean", dtype="u1").read(3), (sums + 1) // 3)
        assert np.array_equal(VideoReader(path, **part, mode="mean", dtype="i4").read(3), (sums + 1) // 3)
        assert np.array_equal(VideoReader(path, **part, mode="mean", dtype="f8").read(3), found)
