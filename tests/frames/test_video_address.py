"""Frames that come from an address: the values that a file's have, and nothing that is left behind."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.errors import DataError, StreamConfigError
from headrace.frames import VideoReader, VideoWriter
from headrace.frames.video.camera import Camera
from headrace.sources.grabber import Grabber
from support.require import require

av = require("av")
NOISE = np.random.default_rng(3).integers(0, 256, (4, 32, 48, 3), np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with VideoWriter(tmp_path / "a.mkv", codec="FFV1") as writer:
        for frame in NOISE:
            writer.write(frame)
    return tmp_path / "a.mkv"


@pytest.mark.parametrize("dtype", [None, "uint8", "float64", "int32"])
@pytest.mark.parametrize("mode", ["mean", "r", "g", "b", "rgb", "bgr"])
def test_modes_have_the_values_of_a_file(mode: Any, dtype: str | None, path: Path) -> None:
    address = Camera(str(path), (20, 30), (3, 5), mode, dtype)  # VideoReader would take this for a file
    due = VideoReader(path, (20, 30), (3, 5), mode=mode, dtype=dtype)
    for k, found in enumerate(address):
        assert found.dtype == due[k].dtype
        assert np.array_equal(found, due[k])


def test_luma_is_weighed(path: Path) -> None:
    weighed = NOISE[0] @ np.array((0.299, 0.587, 0.114))
    assert np.abs(next(iter(Camera(str(path), None, None, "luma"))) - weighed).max() < 1e-3
    rounded = next(iter(Camera(str(path), None, None, "luma", "uint8")))
    assert np.abs(rounded - weighed).max() <= 0.5 + 1e-3


def test_a_source_that_is_closed_early_leaves_no_packets(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyAV keeps what an iterator of packets has, for ever, when that is left before its end."""
    made: list[Any] = []
    opened = av.open

    class Container:
        def __init__(self, *args: Any, **more: Any) -> None:
            self._own = opened(*args, **more)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._own, name)

        def demux(self, stream: Any) -> Iterator[Any]:
            packets = self._packets(stream)
            made.append(packets)
            return packets

        def _packets(self, stream: Any) -> Iterator[Any]:
            yield from self._own.demux(stream)

    monkeypatch.setattr(av, "open", Container)
    with Grabber(path).open() as frames:
        assert np.array_equal(next(iter(frames)).image, NOISE[0])
    (packets,) = made
    assert inspect.getgeneratorstate(packets) == inspect.GEN_CLOSED


def test_what_cannot_be_opened_is_said_in_the_name_that_was_called(path: Path) -> None:
    with pytest.raises(
        StreamConfigError, match=r"^VideoReader got camera -1, wanted 0 or more\.\n  VideoReader\(0\) is"
    ):
        VideoReader(-1)
    with pytest.raises(
        StreamConfigError, match=r"(?s)^VideoReader got camera 97, .*wanted one that opens: .*plugged in"
    ):
        VideoReader(97)
    with pytest.raises(DataError, match=r"^VideoReader got 'udp://nowhere', wanted a video: .*\n  ffmpeg -i"):
        VideoReader("udp://nowhere")
    path.write_bytes(b"junk" * 100)
    with pytest.raises(DataError, match=r"^VideoReader got '.*a\.mkv', wanted a video"):
        next(iter(Camera(str(path))))
