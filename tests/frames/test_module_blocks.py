"""What a torch module is handed, and what it gives back; models in processes that were forked."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import DataError, StreamConfigError
from headrace.frames import DVS, ProcessingStream, RandomStream
from support.require import require

torch = require("torch")


class _As(torch.nn.Module):  # type: ignore[misc, name-defined]  # torch comes by require
    """A module that is a function."""

    def __init__(self, does: Any) -> None:
        super().__init__()
        self.does = does

    def forward(self, block: Any) -> Any:
        return self.does(block)


def _threads(block: Any) -> Any:
    return block * 0 + torch.get_num_threads()


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


# --- forks ------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("where", ["process", "zmq"])
def test_torch_has_one_thread_in_a_forked_worker(where: Any) -> None:
    # Its other threads stay in the parent, and what waits for them never ends.
    stream = hr.Streamer([1, 2, 3]) | hr.map(lambda _: torch.get_num_threads())
    assert list(stream | hr.background(where, start_method="fork")) == [1, 1, 1]
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("threads")
def test_a_module_has_one_thread_in_a_fork_of_the_users_own() -> None:
    stream = ProcessingStream(np.ones((4, 2, 3)), _As(_threads))
    assert stream.get(1).max() == 2
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=lambda: theirs.send(float(stream.get(1).max())))
    child.start()
    assert ours.poll(60)
    assert ours.recv() == 1
    child.join()
    ours.close()
    theirs.close()


def test_a_module_that_ran_here_runs_in_a_worker() -> None:
    film = RandomStream((12, 14), seed=1)
    stream = ProcessingStream(film, torch.nn.Conv3d(1, 1, (1, 3, 3)))
    here = stream[0:5]
    there = np.stack(list(stream | hr.take(5) | hr.background("process", start_method="fork")))
    np.testing.assert_allclose(there, here, rtol=1e-5)


# --- axes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "does",
    [
        lambda x: x[0].transpose(0, 1).repeat(1, 2, 1, 1),  # [time, channel, row, col], of a 2-d network
        lambda x: x[0].repeat(2, 1, 1, 1),  # [channel, time, row, col]
    ],
    ids=["time first", "channel first"],
)
def test_four_axes_of_a_model_are_refused(does: Any) -> None:
    with ProcessingStream(RandomStream((6, 7), seed=1), _As(does)) as stream:
        for draw in (lambda: stream.get(5), lambda: stream[0], lambda: next(iter(stream)), lambda: stream.read(1)):
            with pytest.raises(
                DataError, match=r"got four axes, .* wanted \[time, row, col\] or \[batch, channel, time"
            ):
                draw()
    with pytest.raises(DataError, match=r"ProcessingStream.* got four axes"):
        ProcessingStream(RandomStream((6, 7), seed=1), lambda x: np.stack([x, x], 1)).get(5)
    with pytest.raises(DataError, match="DVS got four axes"):
        DVS()(np.ones((5, 2, 6, 7)))


def test_the_message_about_four_axes_tells_what_helps() -> None:
    with ProcessingStream(
        RandomStream((6, 7), seed=1), _As(lambda x: x[0].transpose(0, 1).swapaxes(0, 1)[None])
    ) as one:
        assert one.get(5).shape == (1, 1, 5, 6, 7)


# --- values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (2**24 + 1, "16777217 at .*row 0, col 0 of int64, wanted what float32 holds"),
        (1e300, "1e.300 at .* of float64, wanted what float32 holds"),
        (1j, "of complex128, wanted numbers"),
    ],
)
def test_values_that_float32_does_not_hold_are_not_handed_to_a_module(value: Any, told: str) -> None:
    block = np.full((1, 1, 2, 3, 3), value)
    for pre in (None, torch.from_numpy):
        if pre is None and isinstance(value, complex):
            continue
        frames = np.ones((2, 3, 3)) if pre else block[0, 0]
        with ProcessingStream(frames, _As(lambda x: x), pre=pre and (lambda _, pre=pre: pre(block))) as stream:
            with pytest.raises(DataError, match=told):
                stream.get(2)
            assert stream.i == 0


def test_values_that_float32_holds_are_handed_on() -> None:
    for frames in (
        np.full((2, 3, 3), 2**25),
        np.full((2, 3, 3), 1 / 3),
        np.full((2, 3, 3), np.inf),
        np.full((2, 3, 3), 200, "u1"),
        np.ones((2, 3, 3), bool),
    ):
        made = ProcessingStream(frames, _As(lambda x: x)).get(2)
        assert (made == frames.astype(np.float32)).all()
        assert made.dtype == np.float32


def test_bfloat16_comes_out_as_float32() -> None:
    made = ProcessingStream(np.full((3, 4, 4), 0.5), _As(lambda x: x.bfloat16())).get(1)
    assert made.dtype == np.float32
    assert (made == 0.5).all()


# --- options ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"stateless": "x"}, {"stateless": 1}, {"context": 10**9}, {"context": (0, 10**9)}], ids=str
)
def test_options_of_a_processing_stream(wrong: Any) -> None:
    with pytest.raises(StreamConfigError, match=rf"ProcessingStream\({next(iter(wrong))}=\) got .*wanted .*\n  "):
        ProcessingStream(np.ones((3, 4, 4)), _As(lambda x: x), **wrong)
