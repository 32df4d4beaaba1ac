"""What a torch module is handed, and what it gives back; models in processes that were forked."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import DataError, StreamConfigError
from headrace.frames import (
    DVS,
    IntegrativeMotionSensor,
    MNISTStream,
    ProcessingStream,
    PseudoNMNIST,
    RandomStream,
    SensorStream,
    TimedSequenceStream,
    event_frames,
    moving_bar,
    text_kernel,
)
from headrace.frames.digits.idx import read_idx, write_idx
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


# --- sensors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sensor", [DVS(0.1), DVS(0.1, refractory=0.001), IntegrativeMotionSensor("log", 1.1)], ids=repr
)
def test_a_sensor_called_with_several_batches_sees_each_for_itself(sensor: Any) -> None:
    block = np.random.default_rng(3).random((2, 3, 4, 5, 6)) + 0.1
    made = sensor.fresh()(block)
    assert made.shape == (2, 6, 4, 5, 6)
    assert made.any()
    for batch in (0, 1):
        assert (sensor.fresh()(block[batch : batch + 1])[0] == made[batch]).all()
    assert (SensorStream(block, sensor).get(4) == made).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("mode", ["linear", "log"])
def test_a_motion_sensor_refuses_what_would_leave_a_pixel_dead(mode: Any, value: float) -> None:
    sensor, block = IntegrativeMotionSensor(mode, 1.5), np.ones((3, 2, 2))
    expected = sensor.fresh()(block)
    broken = block.copy()
    broken[1, 0, 0] = value
    with pytest.raises(DataError, match="IntegrativeMotionSensor got a frame with NaN or infinite values"):
        sensor(broken)
    assert (sensor(block) == expected).all()


# --- options ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"stateless": "x"}, {"stateless": 1}, {"context": 10**9}, {"context": (0, 10**9)}], ids=str
)
def test_options_of_a_processing_stream(wrong: Any) -> None:
    with pytest.raises(StreamConfigError, match=rf"ProcessingStream\({next(iter(wrong))}=\) got .*wanted .*\n  "):
        ProcessingStream(np.ones((3, 4, 4)), _As(lambda x: x), **wrong)


# --- times of events --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sensor", [DVS(0.05, refractory=0.0003), DVS(0.05, shot_noise=20, leak_rate=20, seed=3)], ids=repr
)
@pytest.mark.parametrize("dt", [0.001, 0.04])
def test_events_of_a_sensor_are_its_frames(sensor: Any, dt: float) -> None:
    films = [TimedSequenceStream(moving_bar(60, 12, 12, bar_v=0.02) + 0.1, dt=dt, t_zero=5.0) for _ in range(2)]
    frames = SensorStream(films[0], sensor).get(60)
    events = SensorStream(films[1], sensor).get_events(60)
    again = event_frames(events, (12, 12), dt, t_zero=5.0 - dt, frames=60, closed="right")
    assert frames.sum() > 100
    assert (frames == again).all()


def test_events_on_the_border_of_two_frames() -> None:
    some = {"x": [0, 0, 0], "y": [0, 0, 0], "t": [0, 1000, 1001], "p": [1, 1, 1]}
    counts = {
        (closed, t_zero): event_frames(some, dt=0.001, t_zero=t_zero, closed=closed)[0, 0, :, 0, 0].tolist()
        for closed in ("left", "right")
        for t_zero in (None, 0.0, -0.001)
    }
    assert counts == {
        ("left", None): [1, 2],
        ("left", 0.0): [1, 2],
        ("left", -0.001): [0, 1, 2],
        ("right", None): [2, 1],
        ("right", 0.0): [1, 1],
        ("right", -0.001): [1, 1, 1],
    }
    with pytest.raises(StreamConfigError, match=r"event_frames\(closed=\) got 'both', wanted"):
        event_frames(some, closed="both")  # type: ignore[arg-type]


# --- digits and letters -----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["é", "ñ", "Ω", "漢", "\x00", "Aé"])
def test_characters_that_the_face_lacks_are_refused(text: str) -> None:
    require("PIL")
    with pytest.raises(
        StreamConfigError, match=r"text_kernel\(text\) got .* wanted characters of Pillow's own face.\n  "
    ):
        text_kernel(text, 20, 20)


def test_characters_that_the_face_has() -> None:
    require("PIL")
    made = {text_kernel(chr(k), 20, 20).tobytes() for k in range(33, 127)}
    assert len(made) > 80
    assert text_kernel("A B\nC", 20, 20).any()


def _digits(folder: Any) -> Any:
    rng = np.random.default_rng(3)
    write_idx(folder / "t10k-images-idx3-ubyte", rng.integers(0, 256, (7, 6, 5), np.uint8))
    write_idx(folder / "t10k-labels-idx1-ubyte", np.arange(7, dtype=np.uint8))
    return folder


def test_events_of_any_digit(tmp_path: Any) -> None:
    camera = PseudoNMNIST(_digits(tmp_path), output_size=(8, 9), init=0)
    first, label = camera.get_events(3)
    for k in (10**18, 10**30):
        events, same = camera.get_events(3 + 7 * k)
        assert (events == first).all()
        assert label == same
    with pytest.raises(StreamConfigError, match=r"output_size=\) got \(2000, 2000\), wanted at most \d+ pixels"):
        PseudoNMNIST(tmp_path, output_size=(2000, 2000))


@pytest.mark.parametrize("opener", [5, lambda address: None, lambda address: b"abc"], ids=["5", "None", "bytes"])
def test_an_opener_that_is_none(opener: Any, tmp_path: Any) -> None:
    with pytest.raises(StreamConfigError, match=r"MNISTStream\(opener=\) got .*wanted .*\n  "):
        MNISTStream(tmp_path, download=True, opener=opener)
    assert list(tmp_path.iterdir()) == []


def test_how_far_a_damaged_file_was_read_is_told(tmp_path: Any) -> None:
    path = tmp_path / "half.idx.gz"
    write_idx(path, np.random.default_rng(3).integers(0, 256, 1_000_000, np.uint8))
    path.write_bytes(path.read_bytes()[:500_000])
    with pytest.raises(DataError, match=r"damaged after 4\d{5} bytes"):
        read_idx(path)


def test_a_wrong_threshold_is_called_what_it_was_called() -> None:
    with pytest.raises(StreamConfigError, match=r"DVS\(theta=\)"):
        DVS(theta="x")  # type: ignore[arg-type]
