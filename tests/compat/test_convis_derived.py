"""Streams derived from the door's, as old scripts have them."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.compat.convis import streams
from headrace.errors import StreamConfigError
from headrace.frames import FrameStream


class Sevens(streams.Stream):
    """Never calls its base."""

    def __init__(self, size: Any) -> None:
        self.size = size
        self.i = 0

    def get(self, n: int = 1) -> Any:
        self.i += n
        return np.full((n, *(self.size or (5, 5))), 7.0)


class Ramp(streams.Stream):
    """Calls its base, and ends."""

    def __init__(self, size: Any, top: int = 10) -> None:
        super().__init__(size, dt=0.5)
        self.top = top

    def available(self, l: int = 1) -> bool:  # noqa: E741  # the documented name
        return self.i + l <= self.top

    def get(self, n: int = 1) -> Any:
        n = min(n, self.top - self.i)
        made = super().get(n) + np.arange(self.i, self.i + n)[:, None, None]
        self.i += n
        return made


def first(frames: Any) -> list[float]:
    return [float(np.asarray(frame).ravel()[0]) for frame in frames]


def test_its_own_get_is_what_every_part_of_headrace_sees(tmp_path: Path) -> None:
    assert Sevens((2, 3)).get(2).max() == 7
    stream = streams.ProcessingStream(Sevens((2, 3)), lambda block: block * 2)
    assert stream.get(3).tolist() == np.full((3, 2, 3), 14.0).tolist()
    with streams.NumpyWriter(tmp_path / "a.npy") as writer:
        hr.drain(Ramp((2, 3)), writer)
    assert first(np.load(tmp_path / "a.npy")) == list(range(10))
    assert first(hr.mix([Sevens((2, 3)), Sevens((2, 3))], seed=1) | hr.take(5)) == [7] * 5
    assert first(FrameStream(Ramp((2, 3))).get(4)) == [0, 1, 2, 3]
    assert first(Ramp((2, 3)) | hr.skip(8)) == [8, 9]


def test_it_goes_on_where_it_stands() -> None:
    stream = Ramp((2, 3))
    assert stream.size == (2, 3)
    assert first(stream.get(2)) == [0, 1]
    assert first(stream.read(3)) == [2, 3, 4]
    assert first([next(stream)]) == [5]
    assert (stream.i, stream.t) == (6, 3.0)
    assert first(stream) == [6, 7, 8, 9]
    assert not stream.available()


def test_size_and_place_may_be_set() -> None:
    stream = Sevens((4, 5))
    assert (stream.size, stream.i) == ((4, 5), 0)
    plain = streams.Stream((4, 5))
    plain.i = 3
    plain.size = (2, 2)
    assert (plain.get(2).shape, plain.i, plain.size) == ((2, 2, 2), 5, (2, 2))
    with pytest.raises(StreamConfigError):
        plain.size = "large"
    copy = pickle.loads(pickle.dumps(plain))
    assert (copy.i, copy.size, copy.get(1).shape) == (5, (2, 2), (1, 2, 2))
    ramp = Ramp((2, 3))
    ramp.get(4)
    assert first(pickle.loads(pickle.dumps(ramp)).get(2)) == [4, 5]
