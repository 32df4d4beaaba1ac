"""Frames of a model drawn one by one: made some at a time, as if each had been made alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.makers import FRAMES
from headrace.errors import DataError
from headrace.frames import FrameStream, ProcessingStream, SequenceStream, TimedResampleStream

MANY = np.random.default_rng(5).random((500, 6, 5)).astype("f4")


class Counting:
    """A model that tells how many frames it was handed at a time, and fails where it is told to."""

    def __init__(self, broken: float | None = None) -> None:
        self.sizes: list[int] = []
        self.broken = broken

    def __call__(self, block: Any) -> Any:
        self.sizes.append(len(block))
        if self.broken is not None and (block == self.broken).any():
            raise RuntimeError("mine")
        return block * 2


def numbered(n: int) -> Any:
    return np.arange(float(n)).reshape(n, 1, 1)


def test_a_for_loop_hands_a_model_stretches_and_gives_the_same_frames() -> None:
    model = Counting()
    with ProcessingStream(SequenceStream(MANY), model) as stream:
        first = next(stream)
        assert model.sizes == [1], "a first frame does not wait for others"
        assert (np.stack([first, *stream]) == 2 * MANY).all()
        assert stream.i == 500
        assert len(model.sizes) < 20
        assert sum(model.sizes) == 501, "each once, and one twice"
        stream.seek(250)
        assert (next(stream) == 2 * MANY[250]).all()
        assert (stream.get(3) == 2 * MANY[251:254]).all()
        assert (np.stack([next(stream) for _ in range(9)]) == 2 * MANY[254:263]).all()


def test_a_mux_and_an_order_of_their_own_hand_it_stretches_too() -> None:
    model = Counting()
    with ProcessingStream(SequenceStream(MANY), model) as stream:
        order = stream | hr.permute(seed=7)
        found = np.stack(list(order.iterate()))
        assert (np.sort(found[:, 0, 0]) == np.sort(2 * MANY[:, 0, 0])).all()
        assert len(model.sizes) < 100
        mixed = list(hr.mix([stream, stream], seed=1).iterate(400))
        assert len(mixed) == 400


def test_large_frames_are_made_alone() -> None:
    model = Counting()
    with ProcessingStream(np.zeros((7, 600, 500), "f4"), model) as stream:
        for _ in stream:
            pass
    assert model.sizes == [1] * 7


@pytest.mark.parametrize("by", ["model", "source"])
def test_frames_before_one_that_fails_are_given_and_the_error_is_its_own(by: str) -> None:
    fails = [True]

    def made(i: int) -> Any:
        if by == "source" and i == 17 and fails[0]:
            raise RuntimeError("mine")
        return numbered(60)[i]

    model = Counting(17.0 if by == "model" else None)
    with ProcessingStream(hr.functional(made, size=60), model) as stream:
        seen: list[float] = []
        for _ in range(2):
            with pytest.raises(RuntimeError, match="mine") as told:
                seen.extend(float(frame[0, 0]) for frame in stream)
            assert seen == [2.0 * k for k in range(17)]
            assert stream.i == 17
            notes = "\n".join(told.value.__notes__)
            assert by == "source" or "the model was handed frame 17" in notes
        assert stream.skip() == 1
        assert next(stream)[0, 0] == 36
        fails[0], model.broken = False, None
        stream.seek(17)
        assert [float(frame[0, 0]) for frame in stream] == [2.0 * k for k in range(17, 60)]


def test_a_block_that_was_asked_for_still_fails_whole() -> None:
    model = Counting(17.0)
    with ProcessingStream(numbered(60), model) as stream:
        stream.seek(10)
        with pytest.raises(RuntimeError, match="mine") as told:
            stream.get(20)
        assert "frames 10 to 29" in "\n".join(told.value.__notes__)
        assert model.sizes == [20]


def test_a_for_loop_finds_out_a_model_that_looks_at_other_frames() -> None:
    with ProcessingStream(SequenceStream(FRAMES), lambda block: block - block.mean()) as stream:
        assert not next(stream).mean().round(5), "alone it looks as it should"
        with pytest.raises(DataError, match="another frame from function for one alone"):
            for _ in stream:
                pass
        assert stream.i == 1


def test_a_model_taken_as_it_is_is_handed_what_was_asked_for() -> None:
    model = Counting()
    with ProcessingStream(SequenceStream(FRAMES), model, stateless=True) as stream:
        for _ in stream:
            pass
    assert model.sizes == [1] * 20


def test_each_pass_looks_at_its_own_first_block() -> None:
    model = Counting()
    with ProcessingStream(SequenceStream(FRAMES), model) as stream:
        for _ in range(2):
            stream.reset()
            stream.get(7)
            stream.get(7)
        assert model.sizes == [7, 1, 7] * 2


class Reads:
    """A source that tells which frames were read."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, i: int) -> Any:
        self.seen.append(i)
        return numbered(200)[i].copy()


def neighbours(block: Any) -> Any:
    """The sum of a frame and of those beside it; works in place, too."""
    padded = np.pad(block, ((1, 1), (0, 0), (0, 0)))
    made = padded[:-2] + padded[1:-1] + padded[2:]
    block[...] = -1
    return made


def test_frames_around_are_read_once_as_long_as_one_goes_on() -> None:
    reads = Reads()
    due = np.convolve(np.arange(200.0), np.ones(3), "same")
    with ProcessingStream(hr.functional(reads, size=200), neighbours, context=1) as stream:
        assert [float(frame[0, 0]) for frame in stream] == due.tolist()
        # once each, and those of the frame that is looked at twice
        assert len(reads.seen) <= 200 + 12
        for place in (0, 150, 50, 198, 3):
            stream.seek(place)
            assert stream.get(2).ravel().tolist() == due[place : place + 2].tolist()
        assert stream[[7, 3, 8]].ravel().tolist() == due[[7, 3, 8]].tolist()


def test_resampled_frames_are_made_in_stretches() -> None:
    reads = Reads()

    def frames(stream: TimedResampleStream) -> Iterator[float]:
        return (float(frame[0, 0]) for frame in stream)

    with TimedResampleStream(FrameStream(hr.functional(reads, size=200), dt=1.0), dt=0.5) as stream:
        assert list(frames(stream)) == [k / 2 for k in range(399)]
        assert len(reads.seen) < 250
    broken = FrameStream(hr.functional(lambda i: numbered(200)[i if i < 50 else 1000], size=200), dt=1.0)
    with TimedResampleStream(broken, dt=0.5) as stream:
        seen: list[float] = []
        with pytest.raises(IndexError):
            seen.extend(frames(stream))
        assert seen == [k / 2 for k in range(99)], "49 needs no other, those between 49 and 50 need both"
