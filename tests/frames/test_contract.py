"""What every frame stream does, whichever class it is of: frames, places, states."""

from __future__ import annotations

import inspect
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.blocks import frames_of, joined, lap, same
from frames.makers import ENDLESS, MAKERS, NO_LAYOUT, NO_SPEC
from headrace import frames
from headrace.errors import AddressError, StreamConfigError
from headrace.frames import FrameStream, SequenceStream, TimedSequenceStream, TimedStream

every = pytest.mark.parametrize("name", MAKERS)


def test_every_class_is_here() -> None:
    streams = {made for made in vars(frames).values() if inspect.isclass(made) and issubclass(made, FrameStream)}
    missing = {made.__name__ for made in streams - {TimedStream}} - {name.partition(",")[0] for name in MAKERS}
    assert not missing, "add a line to tests/frames/makers.py"


@every
def test_frames_do_not_depend_on_how_they_are_asked_for(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        whole = stream.get(20)
    for seed in range(3):
        rng = random.Random(seed)
        with MAKERS[name](tmp_path) as stream:
            blocks = []
            while (left := 20 - stream.i) > 0:
                n = min(left, rng.randrange(8))
                if rng.random() < 0.3:
                    place = stream.i
                    assert np.asarray(next(stream)).size > 0
                    stream.seek(place)
                blocks.append(stream.get(n))
            assert same(joined(blocks), whole)


@every
def test_a_block_has_its_layout_and_is_what_the_spec_says(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        spec, size, layout = stream.spec, stream.size, stream.layout
        block, item = stream.get(4), next(stream)
        assert layout == f"{block.ndim}d" or (layout is None and name in NO_LAYOUT)
        assert block.shape[-2:] == item.shape[:2] == (size or item.shape[:2])
        assert frames_of(block) == 4
        assert spec is not None or name in NO_SPEC
        if spec is not None:
            assert (spec[""].shape, spec[""].dtype) == (item.shape, item.dtype.str)


@every
def test_columns_are_the_frames_and_move_nothing(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        if stream.access != "index":
            with pytest.raises(AddressError):
                stream[3]
            return
        stream.get(3)
        some = stream[5:9]
        assert same(np.stack([stream[i] for i in range(5, 9)]), some)
        assert same(stream[[8, 5]], some[[3, 0]])
        assert same(np.stack(list((stream | hr.skip(5) | hr.take(4)).iterate())), some)
        assert stream.i == 3
        stream.skip(2)
        assert same(stream.read(4), some)


@every
def test_reset_and_seek_go_to_a_frame(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        whole = stream.get(15)
        stream.reset()
        assert (stream.i, stream.t) == (0, stream.t_zero)
        assert same(stream.get(15), whole)
        stream.seek(7)
        assert stream.i == 7
        assert stream.t == pytest.approx(stream.t_zero + 7 * stream.dt)
        assert stream.time_to_bin(stream.t) == pytest.approx(7)
        assert same(stream.get(8), lap(whole, 7, 15))
        with pytest.raises(AddressError):
            stream.seek(-1)
        if name not in ENDLESS:
            stream.seek(len(stream))
            assert frames_of(stream.get()) == 0
            with pytest.raises(AddressError):
                stream.seek(len(stream) + 1)


@every
def test_a_state_goes_on_to_the_bit(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream, MAKERS[name](tmp_path) as other:
        stream.get(6)
        state = pickle.loads(pickle.dumps(stream.state_dict()))
        due = stream.get(9)
        other.load_state_dict(state)
        assert other.i == 6
        assert same(other.get(9), due)
        with pytest.raises(hr.StateMismatchError), SequenceStream(np.ones((4, 2, 2))) as third:
            third.load_state_dict(state)


@every
def test_a_pickle_keeps_the_place(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        unmoved = pickle.loads(pickle.dumps(stream))
        stream.get(6)
        sent = pickle.dumps(stream)
        due = stream.get(9)
    with pickle.loads(sent) as copy, unmoved:
        assert (copy.i, unmoved.i, type(copy)) == (6, 0, type(stream))
        assert same(copy.get(9), due)
        assert copy.fingerprint == stream.fingerprint


@every
def test_a_peek_passes_nothing(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        stream.get(2)
        some, nothing = stream.peek(5), stream.peek(0)
        assert (stream.i, len(nothing)) == (2, 0)
        assert same(stream.read(5), some)
        assert same(stream.peek(1)[0], next(stream))


@every
def test_iteration_gives_frames_and_can_be_mixed_with_all_else(name: str, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        columns = stream.read(16)
        stream.reset()
        found = []
        for frame in stream:
            found.append(frame)
            if len(found) == 3:
                found.extend(stream.read(4))
            if len(found) == 9:
                stream.seek(12)
                found.extend(columns[9:12])
            if len(found) == 16:
                break
        assert same(np.stack(found), columns)
        assert stream.i == 16
        image = stream.get_image()
        assert image is not None
        assert same(np.asarray(image), columns[15])


@every
def test_what_makes_no_sense_is_said(name: str, tmp_path: Path) -> None:
    wrong: Any
    with MAKERS[name](tmp_path) as stream:
        for wrong in (-1, 2.5, "3", None, True):
            with pytest.raises(StreamConfigError, match="wanted a whole number"):
                stream.get(wrong)
        if not isinstance(stream, SequenceStream | TimedSequenceStream):
            with pytest.raises(StreamConfigError, match=r"\.put got a block"):
                stream.put(np.zeros((1, 6, 5)))
        if stream.on_end != "repeat":
            stream.on_end = "pad"
            with pytest.raises(StreamConfigError, match="wanted what leaves the number"):
                stream.on_end = "repeat"
        assert type(stream).__name__ in repr(stream)
        assert stream


def test_options_of_a_stream_are_looked_at() -> None:
    for more in ({"on_end": "stop"}, {"layout": "4d"}, {"dt": 0}, {"dt": "fast"}, {"dt": float("nan")}):
        with pytest.raises(StreamConfigError):
            FrameStream(np.zeros((3, 2, 2)), **more)


def test_a_stream_of_anything_that_makes_frames() -> None:
    noise = hr.functional(lambda rng: rng.random((3, 4)), size=9).seeded(3)
    with FrameStream(noise) as stream:
        assert stream.size is None
        assert stream.get(4).shape == (4, 3, 4)
        assert frames_of(stream.get(9)) == 5
        assert stream.get(9).shape == (0, 3, 4), "the shape is known by then"
    with FrameStream([np.ones((2, 2))] * 5) as stream:
        assert frames_of(stream.get(3)) == 3
    with FrameStream([{"x": np.ones((2, 2))}]) as stream, pytest.raises(hr.DataError, match="no arrays"):
        stream.get()
    with FrameStream(np.zeros((5, 2, 4, 3))) as stream:  # columns, as read gives them
        assert (len(stream), stream.get(2).shape) == (5, (1, 3, 2, 2, 4))


def test_a_pass_that_cannot_be_repeated_is_a_stream_too() -> None:
    with FrameStream(np.full((2, 2), k) for k in range(5)) as stream:
        assert stream.available(5)
        assert not stream.available(6)
        assert stream.get(4)[:, 0, 0].tolist() == [0, 1, 2, 3]
        with pytest.raises(hr.ResumeError):
            stream.state_dict()
        assert frames_of(stream.get(4)) == 1
