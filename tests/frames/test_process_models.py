"""Models that fail, and models whose frames depend on each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.makers import FRAMES, Leaky
from headrace.errors import DataError, StreamConfigError
from headrace.frames import ProcessingStream, RandomStream, SequenceStream
from support.require import require

# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_end", ["short", "repeat"])
def test_a_model_that_fails_for_a_block_is_called_once_and_tells_the_frames(on_end: Any) -> None:
    calls: list[int] = []

    def singles_only(block: Any) -> Any:
        calls.append(len(block))
        if len(block) > 1:
            raise RuntimeError("a mistake in the code for blocks")
        return block

    with ProcessingStream(SequenceStream(FRAMES), singles_only, stateless=True, on_end=on_end) as stream:
        stream.get(1)
        for _ in range(2):
            calls.clear()
            with pytest.raises(RuntimeError, match="a mistake") as told:
                stream.get(9)
            assert (calls, stream.i) == ([9], 1)
            assert "the model was handed frames 1 to 9" in "\n".join(told.value.__notes__)
            assert "your function: " in "\n".join(told.value.__notes__)
        assert (next(stream) == FRAMES[1]).all()
        assert (stream.skip(2), stream.i) == (2, 4)
        assert (stream[4] == FRAMES[4]).all()
        with pytest.raises(RuntimeError, match="a mistake"):
            stream[2:4]
        assert (stream[2] == FRAMES[2]).all()
        with pytest.raises(RuntimeError) as told:
            stream[[7, 3]]
        assert "the model was handed frames 7, 3" in "\n".join(told.value.__notes__)


def test_a_wrong_number_of_frames_is_not_tried_one_by_one() -> None:
    with ProcessingStream(SequenceStream(FRAMES), lambda block: block[:1]) as stream:
        with pytest.raises(DataError, match="1 frames back from its model for 9, wanted as many") as told:
            stream.get(9)
        assert "the model was handed frames 0 to 8" in "\n".join(told.value.__notes__)
        assert stream.i == 0
    running = (frame for frame in FRAMES)
    with ProcessingStream(running, lambda block: block[:1]) as stream:
        with pytest.raises(DataError, match="1 frames back from its model for 9"):
            stream.get(9)
        assert len(stream.get(1)) == 1, "nothing is lost"
        assert (stream.skip(3), stream.i) == (3, 4)
        assert (next(stream) == FRAMES[4]).all()


def test_a_model_over_a_running_iterator_is_handed_blocks() -> None:
    seen: list[int] = []

    def model(block: Any) -> Any:
        seen.append(len(block))
        return block

    with ProcessingStream((frame for frame in FRAMES), model) as stream:
        assert (stream.get(8) == FRAMES[:8]).all()
        assert seen == [8, 1], "once more for the last, to see whether frames are made alone"
        assert (stream.get(8) == FRAMES[8:16]).all()
        assert seen == [8, 1, 8]


# --- frames that depend on others -----------------------------------------------------------------


def brighten_to_the_mean(block: Any) -> Any:
    return block / block.mean()


def differences(block: Any) -> Any:
    return np.diff(block, axis=0, prepend=block[:1])


class Hidden:
    """A memory that nobody can see."""

    sum = 0.0

    def __call__(self, block: Any) -> Any:
        self.sum = self.sum + block.sum()
        return block + self.sum


@pytest.mark.parametrize("model", [brighten_to_the_mean, differences, Hidden()], ids=["mean", "differences", "hidden"])
@pytest.mark.parametrize("by_number", [True, False])
def test_a_model_that_looks_at_other_frames_is_found_out_at_the_first_block(model: Any, by_number: bool) -> None:
    source: Any = SequenceStream(FRAMES) if by_number else (frame for frame in FRAMES)
    with ProcessingStream(source, model) as stream:
        with pytest.raises(DataError, match=r"another frame from .* for one alone than for the same among 7") as told:
            stream.get(7)
        assert stream.i == 0
        for way in ("context=", "stateless=False", "stateless=True"):
            assert way in str(told.value)
    with ProcessingStream(SequenceStream(FRAMES), model, stateless=True) as stream:
        assert len(stream.get(7)) == 7
    with ProcessingStream(SequenceStream(FRAMES), model, stateless=False) as stream:
        assert (len(stream.get(7)), stream.access) == (7, "cursor")


@pytest.mark.parametrize("by_number", [True, False])
def test_a_model_may_work_in_place(by_number: bool) -> None:
    def doubled(block: Any) -> Any:
        block *= 2
        return block

    mine = FRAMES.copy()
    source: Any = hr.functional(lambda i: mine[i].copy(), size=20) if by_number else (frame.copy() for frame in mine)
    with ProcessingStream(source, doubled) as stream:
        assert (stream.get(7) == 2 * FRAMES[:7]).all()
        assert (stream.get(7) == 2 * FRAMES[7:14]).all()
        assert (next(stream) == 2 * FRAMES[14]).all()
    assert (mine == FRAMES).all()


def test_rounding_and_what_is_no_number_are_no_other_frame() -> None:
    def rounded(block: Any) -> Any:
        made = block * np.float32(1 + 1e-5 * len(block))
        made[:, 0, 0], made[:, 0, 1] = np.nan, np.inf
        return made

    with ProcessingStream(SequenceStream(FRAMES), rounded) as stream:
        assert len(stream.get(7)) == 7


def smooth(block: Any) -> Any:
    """The mean of a frame, the two before it and the one after it: of those there are."""
    padded = [block[max(0, k - 2) : k + 2].mean(axis=0) for k in range(len(block))]
    return np.stack(padded)


@pytest.mark.parametrize("on_end", ["short", "repeat"])
def test_a_model_is_handed_the_frames_around_a_block(on_end: Any) -> None:
    due = smooth(FRAMES)
    with ProcessingStream(SequenceStream(FRAMES), smooth, context=(2, 1), on_end=on_end) as stream:
        assert stream.access == "index"
        blocks = [stream.get(n) for n in (1, 7, 3, 9)]
        assert np.allclose(np.concatenate(blocks), due, atol=1e-6)
        stream.reset()
        assert np.allclose(np.stack([next(stream) for _ in range(20)]), due, atol=1e-6)
        assert np.allclose(stream[[19, 0, 7]], due[[19, 0, 7]], atol=1e-6)
        assert np.allclose(stream[3:9], due[3:9], atol=1e-6)
        if on_end == "repeat":
            stream.seek(15)
            assert np.allclose(stream.get(30), np.take(due, np.arange(15, 45) % 20, axis=0), atol=1e-6)
    short = ProcessingStream(SequenceStream(FRAMES), smooth, context=(1, 0))
    with short, pytest.raises(DataError, match="another frame"):
        short.get(7)
    with ProcessingStream(RandomStream((3, 4), seed=1), smooth, context=(2, 1)) as stream:
        stream.seek(10**12)
        block = stream.get(5)
        assert np.allclose(block[2], stream[10**12 + 2], atol=1e-6)


def test_context_is_a_number_of_frames_that_have_numbers() -> None:
    wrong: Any
    for wrong in (-1, 1.5, "1", (1,), (1, 2, 3), None):
        with pytest.raises(StreamConfigError, match=r"context=\) got"):
            ProcessingStream(SequenceStream(FRAMES), smooth, context=wrong)
    with pytest.raises(StreamConfigError, match="have no numbers"):
        ProcessingStream((frame for frame in FRAMES), smooth, context=1)
    with pytest.raises(StreamConfigError, match="a model that remembers"):
        ProcessingStream(SequenceStream(FRAMES), Leaky(), context=1)


def test_torch_modules_that_look_at_other_frames_are_refused() -> None:
    nn = require("torch").nn

    class Inside(nn.Module):  # type: ignore[misc, name-defined]  # torch comes by require
        def __init__(self, part: Any) -> None:
            super().__init__()
            self.part = part

    kernel = nn.Conv3d(1, 1, (3, 1, 1), padding=(1, 0, 0))
    for module, why in (
        (kernel, "Conv3d, which has a kernel over 3 frames"),
        (
            nn.Sequential(nn.Identity(), nn.AvgPool3d((2, 1, 1))),
            "Sequential, whose part '1', AvgPool3d, has a kernel over 2",
        ),
        (Inside(nn.LSTM(3, 3)), "'part', LSTM, remembers"),
        (nn.BatchNorm3d(1), "mean over a whole block"),
        (nn.BatchNorm3d(1, track_running_stats=False).eval(), "mean over a whole block"),
        (nn.Dropout(0.5), "draws other values"),
    ):
        with pytest.raises(StreamConfigError) as told:
            ProcessingStream(SequenceStream(FRAMES), module)
        assert why in str(told.value)
        assert "stateless=True" in str(told.value)
        ProcessingStream(SequenceStream(FRAMES), module, stateless=True).close()
        ProcessingStream(SequenceStream(FRAMES), module, stateless=False).close()
    for module in (
        nn.BatchNorm3d(1).eval(),
        nn.Dropout(0.5).eval(),
        nn.Conv3d(1, 1, (1, 3, 3)),
        nn.AvgPool3d((1, 2, 2)),
    ):
        with ProcessingStream(SequenceStream(FRAMES), module) as stream:
            assert stream.get(4).shape[2] == 4


def test_a_kernel_over_time_sees_the_frames_around_however_they_are_cut() -> None:
    torch = require("torch")
    torch.manual_seed(1)
    module = torch.nn.Conv3d(1, 1, (3, 1, 1), padding=(1, 0, 0))
    with ProcessingStream(SequenceStream(FRAMES), module, context=1) as stream:
        whole = stream.get(20)
        with torch.no_grad():
            assert np.allclose(whole, module(torch.from_numpy(FRAMES[None, None])).numpy(), atol=1e-5)
        stream.reset()
        parts = [stream.get(7), stream.get(13)]
        assert np.allclose(np.concatenate(parts, axis=2), whole, atol=1e-5)
        stream.reset()
        assert np.allclose(np.stack(list(stream)), whole[0, 0], atol=1e-5)


def test_a_part_that_is_called_reset_has_no_module_begin_anew() -> None:
    nn = require("torch").nn

    class Gate(nn.Module):  # type: ignore[misc, name-defined]  # torch comes by require
        def __init__(self) -> None:
            super().__init__()
            self.reset = nn.Sigmoid()  # as in a gated unit

        def forward(self, block: Any) -> Any:
            return self.reset(block)

    with ProcessingStream(SequenceStream(FRAMES), Gate()) as stream:
        assert stream.access == "index"
        assert np.allclose(stream.get(5), 1 / (1 + np.exp(-FRAMES[None, None, :5])), atol=1e-6)


# --- what comes in --------------------------------------------------------------------------------


def test_an_array_in_any_layout_comes_in() -> None:
    colour = np.random.default_rng(2).random((1, 3, 7, 4, 5)).astype("f4")
    with ProcessingStream(colour, np.negative) as stream:
        assert (len(stream), stream.get(5).shape, stream[0].shape) == (7, (1, 3, 5, 4, 5), (4, 5, 3))
        stream.reset()
        assert (stream.get(7) == -colour).all()
    with ProcessingStream(FRAMES, np.negative) as stream:
        assert (stream.get(20) == -FRAMES).all()
    with ProcessingStream(FRAMES[None, None], np.negative) as stream:
        assert (stream.get(20) == -FRAMES[None, None]).all()
    with pytest.raises(DataError, match="ProcessingStream got"):
        ProcessingStream(np.zeros(5), np.negative)


def test_no_frames_of_a_model_are_an_array_too() -> None:
    with ProcessingStream(SequenceStream(FRAMES), np.negative) as stream:
        assert stream.get(4).shape == (4, 6, 5)
        index: Any
        for index in (slice(3, 1), [], slice(40, 50)):
            assert stream[index].shape == (0, 6, 5)
