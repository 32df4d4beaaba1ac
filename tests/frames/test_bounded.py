"""A block that no memory holds is refused, and nothing is taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from frames.makers import ENDLESS, MAKERS
from headrace.errors import DataError, HeadraceError
from headrace.frames import NumpyReader, RepeatingStream, SequenceStream, TimedSequenceStream


@pytest.mark.parametrize("n", [10**12, 10**18, 2**62])
@pytest.mark.parametrize("name", sorted(ENDLESS))
def test_endless_streams_refuse_what_memory_cannot_hold(name: str, n: int, tmp_path: Path) -> None:
    with MAKERS[name](tmp_path) as stream:
        stream.get(2)
        for ask in (stream.get, stream.read, stream.peek):
            with pytest.raises(DataError, match="wanted what fits into memory"):
                ask(n)
            assert stream.i == 2
        assert stream.get(3).shape


def test_black_frames_that_are_made_up_count_too() -> None:
    for film in (
        SequenceStream(np.zeros((3, 4, 5)), on_end="pad"),
        TimedSequenceStream(np.zeros((3, 4, 5)), on_end="pad"),
    ):
        with pytest.raises(DataError, match="1000000000000 frames of 4 x 5 float64"):
            film.get(10**12)
        assert film.i == 0
        assert film.get(1000).shape == (1000, 4, 5)
    with pytest.raises(HeadraceError):
        TimedSequenceStream(np.zeros((3, 4, 5)), on_end="pad").get(0.0, 1e9)


def test_what_there_is_of_a_short_one_is_given_however_many_are_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((300, 4, 5)))
    assert NumpyReader(tmp_path / "a.npy").get(10**18).shape == (300, 4, 5)
    film = RepeatingStream(np.zeros((3, 4, 5)))
    film.close()
    with pytest.raises(HeadraceError):
        film.get(10**12)
