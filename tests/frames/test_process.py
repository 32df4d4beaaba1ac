"""Frames that a model makes of frames."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.makers import FRAMES, Leaky
from headrace.errors import DataError, StreamConfigError
from headrace.frames import FrameStream, ProcessingStream, RandomStream, SequenceStream
from support.require import require


def test_before_model_and_after() -> None:
    with ProcessingStream(SequenceStream(FRAMES), np.negative, pre=lambda b: b + 1, post=lambda b: b * 2) as stream:
        assert np.allclose(stream.get(5), -2 * (FRAMES[:5] + 1))
        assert np.allclose(stream[7], -2 * (FRAMES[7] + 1))


def test_time_and_size_are_those_of_the_input_which_is_not_moved() -> None:
    source = SequenceStream(FRAMES, pixel_per_degree=5, t_zero=2.0, dt=0.5)
    source.get(3)
    with ProcessingStream(source, np.negative) as stream:
        assert (stream.dt, stream.t_zero, stream.pixel_per_degree, len(stream)) == (0.5, 2.0, 5, 20)
        stream.get(4)
        assert (stream.t, source.i) == (4.0, 3)


def test_a_model_that_remembers_begins_anew_with_reset_and_with_a_pass() -> None:
    model = Leaky()
    with ProcessingStream(SequenceStream(FRAMES), model) as stream:
        block = stream.get(10)
        assert stream.access == "cursor"
        stream.reset()
        assert model.sum == 0.0
        assert (stream.get(10) == block).all()
        stream.seek(4)
        assert (stream.get(6) == block[4:]).all()
        frames = list((stream | hr.take(10)).iterate())
        assert (np.stack(frames) == block).all()
        with pytest.raises(DataError, match="one at a time"):
            stream.get(1)


def test_a_function_that_remembers_and_cannot_begin_anew() -> None:
    seen: list[int] = []

    def counting(block: Any) -> Any:
        seen.append(len(block))
        return block

    with ProcessingStream(RandomStream((2, 2), seed=1), counting, stateless=False) as stream:
        stream.get(5)
        assert seen == [5], "one call a block"
        assert stream.resume == "none"
        with pytest.raises(hr.ResumeError):
            stream.state_dict()


def test_a_model_fails_with_its_own_error_and_the_frame_is_there_again() -> None:
    fails = [True]

    def sometimes(block: Any) -> Any:
        if fails[0] and (block >= FRAMES[3].max()).any() and block.sum() == FRAMES[3].sum():
            raise ZeroDivisionError("mine")
        return block

    with ProcessingStream(iter(FRAMES), sometimes) as stream:  # a running iterator: nothing can be had twice
        assert (np.stack([next(stream) for _ in range(3)]) == FRAMES[:3]).all()
        with pytest.raises(ZeroDivisionError, match="mine"):
            next(stream)
        assert stream.i == 3
        fails[0] = False
        assert (stream.get(4) == FRAMES[3:7]).all()


def test_a_model_gives_as_many_frames_as_it_gets() -> None:
    with ProcessingStream(SequenceStream(FRAMES), lambda block: block[1:]) as stream:
        with pytest.raises(DataError, match="9 frames back from its model for 10, wanted as many"):
            stream[0:10]
        with pytest.raises(DataError, match="wanted as many"):
            stream.get(10)
    for wrong in ({"model": 3}, {"model": np.negative, "pre": 3}, {"model": np.negative, "post": "x"}):
        with pytest.raises(StreamConfigError, match="wanted a function of a block"):
            ProcessingStream(SequenceStream(FRAMES), **wrong)


def test_a_model_that_draws_from_rng_is_sent_to_map() -> None:
    def noisy(block: Any, rng: np.random.Generator) -> Any:
        return block + rng.normal(size=block.shape)

    film = SequenceStream(FRAMES, dt=0.04)
    for name, functions in (("model", (noisy,)), ("pre", (np.negative, noisy)), ("post", (np.negative, None, noisy))):
        with pytest.raises(
            StreamConfigError, match=rf"ProcessingStream\({name}\) got .*noisy, which takes rng, wanted"
        ):
            ProcessingStream(film, *functions)
    advised = FrameStream(film | hr.map(noisy), like=film)
    assert advised.get(2).shape == (2, *FRAMES.shape[1:])
    assert advised.dt == 0.04
    fixed = ProcessingStream(film, partial(noisy, rng=np.random.default_rng(7)), stateless=True)
    assert fixed.get(2).shape == (2, *FRAMES.shape[1:])


def test_a_model_may_change_the_size_and_the_channels() -> None:
    def stereo(block: Any) -> Any:
        half = block[:, ::2, ::2]
        return np.stack([half, -half])[None]

    with ProcessingStream(SequenceStream(FRAMES), stereo) as stream:
        block = stream.get(4)
        assert block.shape == (1, 2, 4, 3, 3)
        assert stream[3].shape == (3, 3, 2)
        assert (block[0, 1] == -FRAMES[:4, ::2, ::2]).all()


def test_size_and_layout_are_known_once_a_frame_was_given() -> None:
    made = ProcessingStream(FRAMES, lambda block: block[:, :2, :3])
    coloured = ProcessingStream(FRAMES, lambda block: np.stack([block] * 3)[None])
    assert (made.size, made.layout) == (coloured.size, coloured.layout) == (None, None)
    made.get(2)
    next(coloured)
    assert (made.size, made.layout) == ((2, 3), "3d")
    assert (coloured.size, coloured.layout) == (FRAMES.shape[1:], "5d")
    made.reset()
    assert made.size == (2, 3)


def test_a_torch_module_gets_tensors_and_keeps_no_gradients() -> None:
    torch = require("torch")
    torch.manual_seed(0)
    module = torch.nn.Conv3d(1, 2, (1, 3, 3), padding=(0, 1, 1))
    seen = []
    module.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    with ProcessingStream(SequenceStream(FRAMES), module, post=lambda out: out * 2) as stream:
        block = stream.get(5)
        with torch.no_grad():
            due = 2 * module(torch.from_numpy(FRAMES[None, None, :5])).numpy()
        assert np.allclose(block, due, atol=1e-6)
        assert (seen[0].shape, seen[0].dtype, seen[0].requires_grad) == ((1, 1, 5, 6, 5), torch.float32, False)
        assert stream[3].shape == (6, 5, 2)
    with ProcessingStream(SequenceStream(FRAMES.astype("f8")), torch.nn.Identity()) as stream:
        assert stream.get(3).shape == (1, 1, 3, 6, 5)
