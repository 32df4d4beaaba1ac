"""What a frame that fails costs: itself, and nothing around it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.makers import MAKERS, Leaky
from headrace.errors import AddressError, DataError, ResumeError
from headrace.frames import (
    FrameStream,
    ImageSequence,
    IntegrativeMotionSensor,
    ProcessingStream,
    RandomStream,
    SensorStream,
)
from support.require import require

FRAME = np.ones((2, 3), "f4")


def broken_at_5(frame: Any) -> Any:
    if frame[0, 0] == 5:
        raise ZeroDivisionError("frame 5 is broken")
    return frame


def numbered() -> Any:
    return hr.source(np.arange(9.0, dtype="f4")[:, None, None] * FRAME) | hr.map(broken_at_5)


def running() -> Any:
    return hr.Streamer(k * FRAME for k in range(9)) | hr.map(broken_at_5)


def unchanged(block: Any) -> Any:
    return block


def images(folder: Path, **more: Any) -> ImageSequence:
    image = require("PIL.Image")
    for k in range(9):
        image.fromarray(np.full((30, 30), k, "u1")).save(folder / f"{k}.png")
    path = folder / "5.png"
    path.write_bytes(path.read_bytes()[:50])
    return ImageSequence(str(folder / "*.png"), (2, 3), **more)


BROKEN: dict[str, Callable[..., FrameStream]] = {
    "by number": lambda folder, **more: FrameStream(numbered(), dt=0.5, **more),
    "in order": lambda folder, **more: FrameStream(running(), dt=0.5, **more),
    "a model": lambda folder, **more: ProcessingStream(FrameStream(numbered(), dt=0.5), unchanged, **more),
    "a model, in order": lambda folder, **more: ProcessingStream(FrameStream(running(), dt=0.5), unchanged, **more),
    "images": lambda folder, **more: images(folder, dt=0.5, **more),
    "images, ahead": lambda folder, **more: images(folder, dt=0.5, threads=3, **more),
}
Error = (ZeroDivisionError, DataError)
broken = pytest.mark.parametrize("name", BROKEN)


def values(block: Any) -> list[float]:
    return list(block[:, 0, 0].tolist())


@broken
@pytest.mark.parametrize("on_end", ["short", "raise", "pad"])
def test_frames_before_one_that_fails_are_given_and_it_can_be_passed(name: str, on_end: Any, tmp_path: Path) -> None:
    with BROKEN[name](tmp_path, on_end=on_end) as stream:
        assert values(stream.get(3)) == [0, 1, 2]
        assert values(stream.get(5)) == [3, 4]
        for _ in range(2):
            assert (stream.i, stream.t) == (5, 2.5)
            with pytest.raises(Error):
                stream.get(2)
        assert (stream.skip(), stream.i, stream.t) == (1, 6, 3.0)
        assert values(stream.get(3)) == [6, 7, 8]


@broken
def test_a_skip_passes_what_is_there_before_what_fails(name: str, tmp_path: Path) -> None:
    with BROKEN[name](tmp_path) as stream:
        assert values(stream.peek(9)) == [0, 1, 2, 3, 4]
        assert stream.i == 0
        assert (stream.skip(), stream.i) == (1, 1)
        assert values(stream.peek(2)) == [1, 2]
        assert values(stream.read(1)) == [1]
        assert (stream.skip(3), stream.i) == (3, 5)
        with pytest.raises(Error):
            next(stream)
        assert (stream.skip(2), stream.i) == (2, 7)
        assert values(stream.get(9)) == [7, 8]


@broken
def test_frames_one_by_one_stop_at_one_that_fails(name: str, tmp_path: Path) -> None:
    with BROKEN[name](tmp_path) as stream:
        found: list[float] = []
        with pytest.raises(Error):
            found.extend(float(frame[0, 0]) for frame in stream)
        assert (found, stream.i) == ([0, 1, 2, 3, 4], 5)
        stream.skip()
        assert [float(frame[0, 0]) for frame in stream] == [6, 7, 8]


@broken
def test_a_loop_that_has_failed_goes_on(name: str, tmp_path: Path) -> None:
    with BROKEN[name](tmp_path) as stream:
        loop = iter(stream)
        assert [float(next(loop)[0, 0]) for _ in range(5)] == [0, 1, 2, 3, 4]
        for _ in range(2):
            with pytest.raises(Error):
                next(loop)
        stream.skip()
        assert [float(frame[0, 0]) for frame in loop] == [6, 7, 8]
        assert next(loop, None) is None


def test_an_end_that_repeats_passes_a_frame_that_fails_in_every_lap(tmp_path: Path) -> None:
    with BROKEN["by number"](tmp_path, on_end="repeat") as stream:
        found = []
        for _ in range(3):
            found += values(stream.get(20))
            with pytest.raises(ZeroDivisionError):
                stream.get(20)
            stream.skip()
        assert found == [0, 1, 2, 3, 4, 6, 7, 8, 0, 1, 2, 3, 4, 6, 7, 8, 0, 1, 2, 3, 4]
        assert stream.i == 24


@pytest.mark.parametrize("source", [numbered, running])
def test_a_sensor_keeps_the_time_behind_a_frame_that_fails(source: Callable[[], Any]) -> None:
    brightening = source() | hr.map(lambda frame: np.exp(frame / 4))
    with SensorStream(FrameStream(brightening, dt=0.5), IntegrativeMotionSensor("linear", 2)) as stream:
        assert [stream.get(n).shape[2] for n in (3, 5)] == [3, 2]
        with pytest.raises(ZeroDivisionError):
            stream.get(2)
        assert (stream.skip(), stream.i, stream.t) == (1, 6, 3.0)
        assert stream.get(9).shape[2] == 3
        assert stream.i == 9


def test_whether_frames_are_left_is_true_before_one_that_fails() -> None:
    with FrameStream(running(), on_end="raise") as stream:  # nobody knows how many there are
        assert stream.available(5)
        assert not stream.available(6)
        assert values(stream.get(9)) == [0, 1, 2, 3, 4]
        with pytest.raises(ZeroDivisionError):
            stream.get(1)
        stream.skip()
        with pytest.raises(AddressError, match="got to its end"):
            stream.get(4)
        assert stream.i == 6
        assert values(stream.get(3)) == [6, 7, 8]


def test_what_cannot_be_arranged_is_not_lost() -> None:
    colour = np.arange(12.0).reshape(4, 1, 1, 3)
    with FrameStream(colour, layout="3d", on_end="pad") as stream:
        for n in (2, 9):
            with pytest.raises(DataError, match=r"wanted \(rows, cols\)"):
                stream.get(n)
        assert stream.i == 0
        assert (stream.read(4) == colour).all()
    with FrameStream([{"x": FRAME}] * 3) as stream:
        for _ in range(2):
            with pytest.raises(DataError, match="no arrays"):
                stream.get(2)
            assert stream.i == 0


# --- places ---------------------------------------------------------------------------------------


def test_a_stream_of_unknown_length_says_where_it_ends() -> None:
    noise = hr.functional(lambda rng: rng.random((3, 4)), size=9).seeded(3) | hr.filter(lambda frame: True)
    with FrameStream(noise) as stream:
        frames = stream.get(9)
        stream.seek(7)
        assert stream.i == 7
        assert (stream.get(9) == frames[7:]).all()
        with pytest.raises(AddressError, match="wanted 0 to 9"):
            stream.seek(12)
        assert stream.i == 9


def test_what_a_running_iterator_gave_is_not_taken_for_what_comes() -> None:
    with FrameStream(k * FRAME for k in range(9)) as stream:
        stream.reset()
        assert values(stream.get(2)) == [0, 1]
        stream.seek(4)
        assert (stream.i, values(stream.get(2))) == (4, [4, 5])
        for go in (stream.reset, lambda: stream.seek(3)):
            with pytest.raises(ResumeError, match="a running iterator cannot be had again"):
                go()
        assert (stream.i, values(stream.get(2))) == (6, [6, 7])
        with pytest.raises(AddressError, match="wanted 0 to 9"):
            stream.seek(12)
        assert stream.i == 9


# --- states ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in MAKERS if not name.startswith("SensorStream")])
def test_a_state_after_a_look_is_plain_and_the_same(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        stream.get(3)
        state = stream.state_dict()
        due = stream.peek(6)
        assert stream.available(5)
        told = json.dumps(stream.state_dict())
        assert json.loads(told) == json.loads(json.dumps(state))
        copy = pickle.loads(pickle.dumps(stream))
        assert (stream.read(6) == due).all()
    with copy:
        assert (copy.i, (copy.read(6) == due).all()) == (3, True)
        copy.load_state_dict(json.loads(told))
        assert (copy.i, (copy.read(6) == due).all()) == (3, True)


def test_a_state_of_frames_in_order_after_a_look() -> None:
    def made() -> Any:
        odd = RandomStream((2, 2), seed=3) | hr.filter(lambda frame: frame[0, 0] > 0.5)
        return FrameStream(odd | hr.take(20))

    with made() as stream, made() as other:
        stream.get(4)
        due = stream.peek(5)
        assert stream.available(7)
        stream.get(1)
        stream.peek(1)
        state = json.loads(json.dumps(stream.state_dict()))
        other.load_state_dict(state)
        assert other.i == 5
        assert (other.get(4) == due[1:]).all()


def test_a_model_that_remembers_goes_on_from_behind_an_error() -> None:
    class Careful(Leaky):
        def __call__(self, block: Any) -> Any:
            if (block == 5).any():
                raise ZeroDivisionError("not this one")
            return super().__call__(block)

    frames = np.arange(9.0, dtype="f4")[:, None, None] * FRAME
    with ProcessingStream(frames, Careful()) as stream, ProcessingStream(frames, Careful()) as other:
        stream.get(4)
        with pytest.raises(ZeroDivisionError) as told:
            stream.get(3)
        assert "the model was handed frames 4 to 6" in "\n".join(told.value.__notes__)
        assert stream.i == 4
        assert len(stream.get(1)) == 1
        with pytest.raises(ZeroDivisionError):
            stream.get(1)
        assert (stream.skip(), stream.i) == (1, 6)
        stream.get(1)
        state = json.loads(json.dumps(stream.state_dict()))
        due = stream.get(2)
        other.load_state_dict(state)
        assert (other.i, (other.get(2) == due).all()) == (7, True)


def test_far_frames_are_frames_or_an_error(tmp_path: Path) -> None:
    for name, make in MAKERS.items():
        with make(tmp_path) as stream:
            if not stream.available(10**9):
                continue
            with pytest.raises(AddressError, match="wanted 0 to"):
                stream.seek(1 << 62)
            assert not stream.available(1 << 62 | 1)
            stream.seek((1 << 62) - 3)
            assert len(stream.read(9)) == 3, name
            with pytest.raises(AddressError, match="end there"):
                stream.get(1)
            stream.reset()
            assert len(stream.read(2)) == 2
