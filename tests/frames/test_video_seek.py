"""Frames of every kind of video file by number: the one that is shown then, and no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frames.footage import KINDS, number_of
from headrace.frames import VideoReader
from support.require import require

av = require("av")


def decoded(path: Path) -> tuple[list[int], list[float]]:
    """What comes out when a file is decoded from the beginning: numbers, and times where it has them."""
    with av.open(str(path)) as container:
        frames = [(number_of(frame.to_ndarray(format="rgb24")), frame.time) for frame in container.decode(video=0)]
    return [number for number, _ in frames], [time for _, time in frames]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder, made = tmp_path_factory.mktemp("footage"), {}

    def get(kind: str) -> Path:
        if kind not in made:
            made[kind] = KINDS[kind](folder / kind)
        return made[kind]

    return get


@pytest.mark.parametrize("kind", KINDS)
def test_sixty_frames_in_any_order(kind: str, files: Any) -> None:
    path = files(kind)
    due, times = decoded(path)
    video = VideoReader(path, size=None, mode="rgb")
    assert len(video) == len(due)
    assert [number_of(frame) for frame in video] == due
    if kind == "h264 without b-frames.avi":  # FFmpeg guesses that the first is shown later, as one was with b-frames
        assert np.allclose(video.times, np.arange(120) / 25)
    elif None not in times and (np.diff(times) > 0).all():  # FFmpeg itself gives some frames of an .mpg one time
        assert np.allclose(video.times, times, atol=1e-6)
    assert (np.diff(video.times) > 0).all()
    at = np.random.default_rng(9).integers(0, len(video), 60)
    wrong = [int(i) for i in at if number_of(video[int(i)]) != due[i]]
    assert not wrong
    assert [number_of(frame) for frame in video.get_at(at)] == [due[i] for i in at]


def test_what_the_kinds_are_kinds_of(files: Any) -> None:
    """The files are what they are called: else nothing is shown by reading them."""
    packets = {}
    for kind in ("constant rate.mp4", "open groups.mp4", "one long group.mp4", "edit list.mp4"):
        with av.open(str(files(kind))) as container:
            packets[kind] = [(p.pts, p.is_keyframe, p.is_discard) for p in container.demux(video=0) if p.size]
    assert any(
        a[0] > b[0] for a, b in zip(packets["constant rate.mp4"], packets["constant rate.mp4"][1:], strict=False)
    )
    assert sum(key for _, key, _ in packets["one long group.mp4"]) == 1
    assert any(hidden for _, _, hidden in packets["edit list.mp4"])
    keys = [n for n, (_, key, _) in enumerate(packets["open groups.mp4"]) if key]
    assert len(keys) > 2
    behind = packets["open groups.mp4"][keys[1] + 1 :]
    assert any(pts < packets["open groups.mp4"][keys[1]][0] for pts, _, _ in behind), (
        "shown before the key, kept behind"
    )
    assert len(VideoReader(files("edit list.mp4"), size=None)) < 120
    assert VideoReader(files("start offset.mkv"), size=None).times[0] == pytest.approx(2.0)
    assert (
        len({round(float(step), 3) for step in np.diff(VideoReader(files("variable rate.mp4"), size=None).times)}) > 2
    )


@pytest.mark.parametrize("kind", ["constant rate.mp4", "open groups.ts", "mpeg-2.mpg"])
@pytest.mark.parametrize("threads", [1, 3])
def test_backwards_with_steps_and_a_few_in_a_row(kind: str, threads: int, files: Any) -> None:
    path = files(kind)
    n = len(VideoReader(path, size=None))
    video = VideoReader(path, size=None, threads=threads)
    assert [number_of(video[i]) for i in range(n - 1, n - 40, -1)] == list(range(n - 1, n - 40, -1))
    for lo in (90, 3, 50, 51, 49, 0):
        video.seek(lo)
        assert [number_of(frame) for frame in video.get(15)] == list(range(lo, lo + 15))
        assert number_of(video.get(1)[0]) == lo + 15
    for start, stop, stride in ((0, None, 7), (5, -20, 2), (-31, None, 30), (40, 41, 1)):
        part = VideoReader(path, size=None, start=start, stop=stop, stride=stride, threads=threads)
        due = list(range(n))[start:stop:stride]
        assert len(part) == len(due) == len(part.times)
        assert [number_of(frame) for frame in part.get(n)] == due
        assert [number_of(part[i]) for i in range(len(due) - 1, -1, -1)] == due[::-1]
        assert [number_of(frame) for frame in part.get_at(range(0, len(due), 2))] == due[::2]
    assert len(VideoReader(path, size=None, start=50, stop=50).get(3)) == 0


@pytest.mark.parametrize("kind", ["constant rate.mkv", "h264 with b-frames.avi", "h264 with b-frames.wmv"])
def test_frames_by_number_cost_no_pass_from_the_beginning(
    kind: str, files: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not more is decoded than from the key before: what seeking is for."""
    from headrace.frames.video.decode import Decoder

    path = files(kind)
    fed = []
    plain = Decoder._forward

    def noting(self: Any, i: int, index: Any, needed: Any) -> Any:
        before = self._number
        found = plain(self, i, index, needed)
        fed.append(self._number - before)
        return found

    monkeypatch.setattr(Decoder, "_forward", noting)
    video = VideoReader(path, size=None)
    for i in (100, 20, 119, 65):
        assert number_of(video[i]) == i
    assert max(fed) < 40
