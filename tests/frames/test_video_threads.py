"""One reader or writer of video in several threads: each call is whole, and none brings the program down."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import numpy as np
import pytest

from frames.footage import number_of, numbered, write
from headrace.core.key import Key
from headrace.errors import ClosedError
from headrace.frames import VideoReader, VideoWriter
from support.require import require

require("av")
N = 40


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("footage") / "a.mp4", N, g="12", bf="2")


def at_once(act: Callable[[int], Any], threads: int = 4) -> list[Any]:
    """What `act(k)` returned or raised in threads that begin together."""
    start = Barrier(threads)
    found: list[Any] = [None] * threads

    def run(k: int) -> None:
        start.wait()
        try:
            found[k] = act(k)
        except BaseException as error:
            found[k] = error

    running = [Thread(target=run, args=(k,)) for k in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
    assert not any(thread.is_alive() for thread in running)
    return found


def test_blocks_that_threads_get_are_whole_and_each_frame_is_given_once(path: Path) -> None:
    with VideoReader(path, None, on_end="repeat", threads=2) as video:
        found = at_once(lambda k: [[number_of(frame) for frame in video.get(3)] for _ in range(20)])
        blocks = [block for blocks in found for block in blocks]
        assert all((np.diff(block) % N == 1).all() for block in blocks)
        assert sorted(n for block in blocks for n in block) == sorted(list(range(N)) * 6)
        assert video.i == 4 * 20 * 3


def test_frames_by_number_and_seeks_in_threads(path: Path) -> None:
    with VideoReader(path, None, threads=2) as video:

        def act(k: int) -> list[int]:
            wrong = []
            for i in np.random.default_rng(k).integers(0, N, 20).tolist():
                video.seek(i)
                block = [number_of(frame) for frame in video.read(2)]
                wrong += [i for a, b in pairwise(block) if b != a + 1]
                wrong += [i for _ in range(1) if number_of(video[i]) != i]
            return wrong

        assert at_once(act) == [[]] * 4


@pytest.mark.parametrize("round_", range(3))
def test_closing_while_others_read(path: Path, round_: int) -> None:
    video = VideoReader(path, None, on_end="repeat", threads=2)

    def act(k: int) -> None:
        if k == 0:
            video.get(5)
            video.close()
            return
        while True:
            assert len(video.get(3)) == 3

    first, *others = at_once(act)
    assert first is None
    assert [type(other) for other in others] == [ClosedError] * 3


def test_a_reader_below_the_handles_too(path: Path) -> None:
    """What is bound by hand belongs to one thread; in several it does not crash either."""
    footage: Any = VideoReader(path, None, threads=2).__recipe__()
    bound = footage.bind(Key(0))

    def act(k: int) -> list[int]:
        wrong = []
        for lo in range(k, N - 3, 3):
            block = [number_of(frame) for frame in bound.columns(range(lo, lo + 3))]
            wrong += [lo for _ in range(1) if block != [lo, lo + 1, lo + 2]]
        return wrong

    assert at_once(act) == [[]] * 4
    bound.close()


def test_blocks_that_threads_put_stay_together(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mkv", codec="FFV1") as writer:

        def act(k: int) -> None:
            for n in range(8):
                writer.put(np.stack([numbered(100 * k + 10 * n + j) for j in range(3)]).transpose(3, 0, 1, 2)[None])

        assert at_once(act) == [None] * 4
    found = [number_of(frame) for frame in VideoReader(tmp_path / "a.mkv", None)]
    assert len(found) == writer.written == 4 * 8 * 3
    blocks = [found[lo : lo + 3] for lo in range(0, len(found), 3)]
    assert all(block == [block[0], block[0] + 1, block[0] + 2] for block in blocks)
    assert sorted(block[0] for block in blocks) == [100 * k + 10 * n for k in range(4) for n in range(8)]


def test_a_writer_that_is_closed_while_others_put_is_whole(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "a.avi", (48, 64))

    def act(k: int) -> None:
        if k == 0:
            writer.put(np.zeros((2, 48, 64)))
            writer.close()
            return
        while True:
            writer.put(np.zeros((2, 48, 64)))

    first, *others = at_once(act)
    assert first is None
    assert [type(other) for other in others] == [ClosedError] * 3
    assert len(VideoReader(tmp_path / "a.avi", None)) == writer.written >= 2
