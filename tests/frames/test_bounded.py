"""A block that no memory holds is refused, and nothing is taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as hr
from frames.makers import ENDLESS, MAKERS, digits, doubled
from headrace.errors import DataError, HeadraceError
from headrace.frames import (
    DVS,
    FrameStream,
    MNISTStream,
    NumpyReader,
    PoissonMNISTStream,
    PoissonStream,
    ProcessingStream,
    RandomStream,
    RepeatingStream,
    SensorStream,
    SequenceStream,
    TimedResampleStream,
    TimedSequenceStream,
)


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


def test_a_few_frames_that_are_too_large_are_refused_like_many() -> None:
    asked: list[Any] = [lambda film: film[0:3], lambda film: film[[5, 9, 2]], lambda film: film[7]]
    for ask in [*asked, lambda film: film.get(3), lambda film: film.peek(2), next, lambda film: next(iter(film))]:
        film = RandomStream((10**6, 10**6), seed=1)
        with pytest.raises(
            DataError, match=r"RandomStream got \d frames? of 1000000 x 1000000 .*, wanted what fits into memory"
        ):
            ask(film)
        assert film.i == 0


def endless() -> Iterator[Any]:
    while True:
        yield np.zeros((6, 5), "f4")


def noise() -> RandomStream:
    return RandomStream((6, 5), seed=1)


UNKNOWN: dict[str, Callable[[], FrameStream]] = {
    "a function": lambda: FrameStream(endless),
    "an iterator": lambda: FrameStream(endless()),
    "strict": lambda: FrameStream(endless, on_end="raise"),
    "padded": lambda: FrameStream(endless, on_end="pad"),
    "repeated": lambda: FrameStream(endless, on_end="repeat"),
    "a model of them": lambda: ProcessingStream(FrameStream(endless), doubled),
    "a sensor of them": lambda: SensorStream(FrameStream(endless), DVS(0.3)),
}


@pytest.mark.parametrize("n", [10**9, 10**12])
@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_not_known_to_end_is_not_walked(name: str, n: int) -> None:
    stream, since = UNKNOWN[name](), time.monotonic()
    for ask in (stream.get, stream.read, stream.peek, stream.available):
        with pytest.raises(DataError, match=rf"{n} frames of 6 x 5.* GB, wanted what fits into memory"):
            ask(n)
        assert stream.i == 0
    assert len(stream.read(300)) == 300
    assert stream.available(300)
    assert time.monotonic() - since < 20  # a walk would take an hour


def test_a_generator_is_given_to_its_end_by_what_fits() -> None:
    def frames() -> Iterator[Any]:
        yield from np.ones((300, 4, 5))

    film = FrameStream(frames)
    assert film.get(10**6).shape == (300, 4, 5)
    assert not film.available(10**6)


SLICED: dict[str, Callable[[], FrameStream]] = {
    "noise": noise,
    "repeated": lambda: SequenceStream(np.zeros((3, 6, 5), "f4"), on_end="repeat"),
    "spikes": lambda: PoissonStream(noise(), 0.5, seed=1),
    "between": lambda: TimedResampleStream(noise(), dt=0.0005),
    "mixed": lambda: FrameStream(hr.mix([noise(), noise()], seed=1)),
    "mapped": lambda: FrameStream(noise() | hr.map(doubled)),
}


@pytest.mark.parametrize("name", SLICED)
def test_slices_that_memory_cannot_hold_are_refused(name: str) -> None:
    stream, since = SLICED[name](), time.monotonic()
    for index in (slice(0, 10**9), slice(5, 10**10, 7), slice(None, 10**15)):
        with pytest.raises(DataError, match=r"\[.*:1.*\] got .* wanted what fits into memory"):
            stream[index]
    assert stream.i == 0
    assert stream[10**9 : 10**9 + 400].shape == (400, 6, 5)
    assert time.monotonic() - since < 20


@pytest.mark.parametrize("kind", [MNISTStream, PoissonMNISTStream])
def test_labels_of_frames_that_memory_cannot_hold_are_not_made(kind: Any, tmp_path: Path) -> None:
    stream = kind(digits(tmp_path))
    with pytest.raises(DataError, match=r"get_with_labels\(1000000000\) got .*wanted what fits into memory"):
        stream.get_with_labels(10**9)
    assert stream.i == 0
    assert len(stream.get_with_labels(300)[1]) == 300
