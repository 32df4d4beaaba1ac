"""What NumPy makes of a film: all of its frames, wherever it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import AddressError, DataError, StreamConfigError
from headrace.frames import (
    DVS,
    FrameStream,
    NumpyWriter,
    ProcessingStream,
    RepeatingStream,
    SensorStream,
    SequenceStream,
)

FRAMES = np.arange(50 * 2 * 3.0).reshape(50, 2, 3)


def test_a_film_is_the_array_of_its_frames_and_does_not_move() -> None:
    film = FrameStream(FRAMES)
    film.get(10)
    for _ in range(2):
        assert (np.asarray(film) == FRAMES).all()
        assert np.mean(film) == FRAMES.mean()
    assert (np.max(film, axis=0) == FRAMES[-1]).all()
    assert film.i == 10
    assert (np.asarray(ProcessingStream(film, lambda block: block + 1)) == FRAMES + 1).all()
    assert np.asarray(FrameStream(np.zeros((1, 3, 5, 4, 6)))).shape == (5, 4, 6, 3), "columns, as of [:]"
    assert np.asarray(SequenceStream()).shape[0] == 0


def test_an_array_of_a_film_is_of_the_type_asked_for_and_may_be_a_copy() -> None:
    film = FrameStream(FRAMES)
    assert np.asarray(film, "f4").dtype == np.float32
    mine = np.array(film)
    mine[:] = 0
    assert film[1][0, 0] == 6
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(ValueError, match="copy=None"):
            np.array(film, copy=False)


@pytest.mark.parametrize("film", [RepeatingStream(FRAMES), FrameStream(FRAMES, on_end="repeat")])
def test_a_film_without_an_end_is_no_array(film: FrameStream) -> None:
    with pytest.raises(StreamConfigError, match="no end"):
        np.asarray(film)
    assert film.i == 0


def test_frames_without_numbers_are_no_array() -> None:
    once: Any = FrameStream(frame for frame in FRAMES)
    for film in (once, SensorStream(FRAMES, DVS())):
        with pytest.raises(AddressError):
            np.asarray(film)
        assert film.i == 0
    assert len(once.get(100)) == 50, "none was drawn"
    for wrong in (
        FrameStream(hr.functional(lambda i: {"a": FRAMES[i]}, size=3)),
        FrameStream(hr.functional(lambda i: np.zeros((1000, 1000)) if i == 0 else 1 / 0, size=10**7)),  # too many
    ):
        with pytest.raises(DataError):
            np.asarray(wrong)


def test_a_film_is_a_block_for_a_writer_and_no_frame(tmp_path: Any) -> None:
    film = FrameStream(FRAMES)
    with NumpyWriter(tmp_path / "a.npy") as writer:
        writer.put(film)
        with pytest.raises(DataError, match="use put"):
            writer.write(film)
    assert (np.load(tmp_path / "a.npy") == FRAMES).all()
