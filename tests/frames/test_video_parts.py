"""Parts and channels are those of the whole frame, to the bit, at even and odd sizes and of any pixel format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.footage import KINDS_OF_PIXELS, noise
from headrace.frames import VideoReader
from headrace.frames.video.pixels import Mode

MODES: tuple[Mode, ...] = ("rgb", "bgr", "r", "mean", "luma")
CHANNELS: tuple[Mode, ...] = ("r", "g", "b")


@pytest.mark.parametrize("pixels", KINDS_OF_PIXELS)
@pytest.mark.parametrize(("rows", "cols"), [(48, 64), (48, 63), (47, 64), (47, 63), (46, 66)])
def test_a_part_is_that_of_the_whole(rows: int, cols: int, pixels: str, tmp_path: Path) -> None:
    path = noise(tmp_path / "a.mkv", rows, cols, pixels)
    for mode in MODES:
        whole: Any = VideoReader(path, None, mode=mode)[0]
        for size, (top, left) in (
            ((12, 14), (0, 0)),
            ((11, 13), (1, 1)),
            ((rows - 3, cols - 7), (3, 7)),
            ((5, 9), (rows - 5, cols - 9)),
        ):
            part = VideoReader(path, size, (top, left), mode=mode)[0]
            assert np.array_equal(part, whole[top : top + size[0], left : left + size[1]]), (mode, size, top, left)


@pytest.mark.parametrize("pixels", KINDS_OF_PIXELS)
@pytest.mark.parametrize(("rows", "cols"), [(48, 64), (47, 63)])
def test_blue_first_is_red_first_turned_round(rows: int, cols: int, pixels: str, tmp_path: Path) -> None:
    path = noise(tmp_path / "a.mkv", rows, cols, pixels)
    block = VideoReader(path, None, mode="bgr").get(2)
    assert np.array_equal(block[:, ::-1], VideoReader(path, None, mode="rgb").get(2))
    for k, mode in enumerate(CHANNELS):
        assert np.array_equal(VideoReader(path, None, mode=mode).get(2), block[0, 2 - k])
