"""Blocks of no frames: of the shape and type that frames have, wherever that is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import ClosedError
from headrace.frames import FrameStream, PoissonStream, ProcessingStream, SequenceStream, TimedResampleStream

GREY, COLOUR = np.full((6, 8, 9), 0.5, "f4"), np.full((1, 3, 6, 8, 9), 0.5, "f4")
MAKERS: dict[str, Callable[[Any], FrameStream]] = {
    "processed": lambda film: ProcessingStream(film, np.negative),
    "spikes": PoissonStream,
    "seeded spikes": lambda film: PoissonStream(film, seed=7),
    "mapped": lambda film: FrameStream(film | hr.map(np.negative)),
    "function": lambda film: FrameStream(hr.functional(lambda i: film[i], size=6)),
    "between": lambda film: TimedResampleStream(film, dt=0.001),
}


@pytest.mark.parametrize("name", sorted(MAKERS))
@pytest.mark.parametrize("frames", [GREY, COLOUR], ids=["grey", "colour"])
def test_no_frames_go_with_those_that_come(frames: Any, name: str) -> None:
    axis = frames.ndim - 3

    def make() -> FrameStream:
        return MAKERS[name](SequenceStream(frames))

    begun, passed, looked, read = make(), make(), make(), make()
    none, some = begun.get(0), begun.get(3)
    assert none.dtype == some.dtype
    assert np.array_equal(np.concatenate([none, some], axis=axis), some)
    assert begun.i == 3
    passed.seek(6)
    assert passed.get(2).shape == none.shape
    assert looked.peek(0).shape == looked.read(0).shape == read.read(1)[:0].shape
    begun.close()
    with pytest.raises(ClosedError):
        begun.get(0)


def test_a_first_frame_that_fails_is_told_when_it_is_wanted() -> None:
    def frame(i: int) -> Any:
        raise ValueError("no such frame")

    stream = FrameStream(hr.functional(frame, size=3))
    assert len(stream.get(0)) == 0
    with pytest.raises(ValueError, match="no such frame"):
        stream.get(1)


def test_no_frame_is_made_by_a_model_that_is_taken_as_it_is() -> None:
    seen: list[int] = []

    def model(block: Any) -> Any:
        seen.append(len(block))
        return -block

    stream = ProcessingStream(SequenceStream(GREY), model, stateless=True)
    assert len(stream.get(0)) == 0
    assert seen == []
    assert stream.get(2).shape == (2, 8, 9)
    assert stream.get(0).shape == (0, 8, 9)
    assert seen == [2]


def test_nothing_is_made_of_a_stream_that_runs_once() -> None:
    taken: list[int] = []

    def frames() -> Any:
        for k in range(3):
            taken.append(k)
            yield np.ones((2, 2))

    stream = FrameStream(frames())
    assert len(stream.get(0)) == 0
    assert taken == []
    assert stream.get(9).shape == (3, 2, 2)
    assert stream.get(1).shape == (0, 2, 2)
