"""Frames in pieces: known again without a copy, and changed without one."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.frames import FrameStream, SequenceStream, TimedSequenceStream
from headrace.frames.memory.pieces import Film

MIB = 1 << 20
LARGE = np.random.default_rng(1).random((5000, 32, 32)).astype("f4")  # 20 MiB


def most(does: Callable[[], Any]) -> int:
    """Bytes that are taken on the way, at most."""
    tracemalloc.start()
    try:
        does()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("length", [40, 5000])
def test_a_film_is_the_same_in_any_pieces(length: int) -> None:
    frames = LARGE[:length]
    one = Film((frames,), 0, length)
    back = np.ascontiguousarray(np.moveaxis(frames, 0, 2))
    cut = (frames[:7], frames[7:8], frames[8:30], frames[30:])
    others = [
        Film(cut, 0, length),
        Film((np.zeros((3, 32, 32), "f4"), *cut), 3, length),
        Film((np.moveaxis(back, 2, 0),), 0, length),  # whose rows do not lie one behind the other
    ]
    for other in others:
        assert other == one
        assert other.__plain__() == one.__plain__()
        assert hash(other) == hash(one)
    changed = frames.copy()
    changed *= 2
    for unlike in (
        Film((changed,), 0, length),
        Film((frames,), 0, length - 1),
        Film((frames.astype("f8"),), 0, length),
        Film((frames.reshape(length, 16, 64),), 0, length),
    ):
        assert unlike != one
        assert unlike.__plain__() != one.__plain__()
    last = frames.copy()
    last[-1, -1, -1] = -1
    assert Film((last,), 0, length) != one
    holes = np.where(frames > 0.9, np.float32(np.nan), frames)
    assert Film((holes,), 0, length) == Film((holes.copy(),), 0, length)


def test_a_state_and_a_comparison_copy_no_sequence() -> None:
    stream = SequenceStream(LARGE, max_frames=5000)
    stream.put(LARGE[:9])

    def save() -> None:
        stream.put(LARGE[9:10])
        stream.state_dict()

    assert most(save) < 4 * MIB
    other = SequenceStream(LARGE, max_frames=5000)
    other.put(LARGE[:10])
    assert most(lambda: stream.__recipe__() == other.__recipe__()) < 6 * MIB
    assert stream.__recipe__() == other.__recipe__()


def test_frames_are_put_at_a_time_without_a_copy_of_the_others() -> None:
    stream = TimedSequenceStream(LARGE, dt=1.0)
    stream.seek(17)
    given, pipeline, whole = stream[995:1005], FrameStream(stream), LARGE.copy()

    def put() -> None:
        for at, n in ((1000, 4), (1002, 600), (4999, 1), (0, 2), (1002, 3)):
            stream.put(at, at + n, np.full((n, 32, 32), at, "f4"))
            whole[at : at + n] = at

    put()
    assert (stream[:] == whole).all()
    assert stream.i == 17
    assert (given == LARGE[995:1005]).all(), "what was given does not change"
    assert (pipeline[:] == LARGE).all(), "nor what was built"
    assert (stream[[4999, 1003, 2000]] == whole[[4999, 1003, 2000]]).all()
    assert most(lambda: stream.put(7, 8, LARGE[:1])) < 4 * MIB
