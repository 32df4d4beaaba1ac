"""A reader of one's own that gives something else than it was asked for is found out at the first block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.core import recipe
from headrace.errors import DataError
from headrace.frames import Footage, FrameReader, FrameStream, Header

Read = Callable[[int, int], Any]


def frames(lo: int, hi: int, shape: tuple[int, ...] = (3, 3), dtype: str = "f4") -> Any:
    return np.ones((hi - lo, *shape), dtype) * np.arange(lo, hi, dtype=dtype).reshape(-1, *[1] * len(shape))


class Reader(FrameReader):
    def __init__(self, given: Read, shape: tuple[int | None, ...], size: int) -> None:
        self.header, self.given = Header(size, shape, np.dtype("f4")), given

    def read(self, lo: int, hi: int) -> Any:
        return self.given(lo, hi)


@recipe
class Film(Footage):
    given: Read
    shape: tuple[int | None, ...] = (3, 3)
    frames: int = 10

    def reader(self) -> FrameReader:
        return Reader(self.given, self.shape, self.frames)


WRONG: dict[str, tuple[Read, str]] = {
    "too few": (lambda lo, hi: frames(lo, min(hi, lo + 2)), r"Reader\.read\(0, 5\) got 2 frames, wanted 5"),
    "none at all": (lambda lo, hi: frames(lo, lo), r"Reader\.read\(0, 5\) got 0 frames, wanted 5"),
    "too many": (lambda lo, hi: frames(lo, hi + 1), r"Reader\.read\(0, 5\) got 6 frames, wanted 5"),
    "another shape": (
        lambda lo, hi: frames(lo, hi, (3, 4)),
        r"Reader\.read\(0, 5\) got float32 of shape \(5, 3, 4\), wanted float32 of shape \(5, 3, 3\)",
    ),
    "fewer axes": (lambda lo, hi: frames(lo, hi, (3,)), r"got float32 of shape \(5, 3\), wanted float32 of shape"),
    "another type": (lambda lo, hi: frames(lo, hi, dtype="f8"), r"got float64 of shape \(5, 3, 3\), wanted float32"),
    "a None": (lambda lo, hi: None, r"Reader\.read\(0, 5\) got None, wanted an array of float32 of shape \(5, 3, 3\)"),
    "a list": (lambda lo, hi: list(frames(lo, hi)), r"Reader\.read\(0, 5\) got a list, wanted an array"),
}
wrong = pytest.mark.parametrize("name", WRONG)


@wrong
def test_a_block_that_is_not_what_was_asked_for_is_refused(name: str) -> None:
    given, told = WRONG[name]
    with FrameStream(Film(given)) as film:
        for _ in range(2):
            with pytest.raises(DataError, match=told):
                film.get(5)
            assert film.i == 0
        with pytest.raises(DataError, match=r"Reader\.read\(0, 5\) got"):
            film[0:5]
        with pytest.raises(DataError, match=r"Reader\.read\("):
            film[[4, 2]] if name != "too few" else film[0:3]
        with pytest.raises(DataError, match=r"Reader\.read\("):
            list(film)


@wrong
def test_a_large_frame_that_is_not_what_was_asked_for_is_refused(name: str) -> None:
    def given(lo: int, hi: int) -> Any:  # more than a megabyte: they are drawn one by one
        found = WRONG[name][0](lo, hi)
        if name == "too few":
            found = found[:0]
        return np.tile(found, (1, 200, 300)) if isinstance(found, np.ndarray) and found.ndim == 3 else found

    with FrameStream(Film(given, (600, 900))) as film, pytest.raises(DataError, match=r"Reader\.read\(0, 1\) got"):
        next(film)


def test_one_wrong_frame_costs_itself() -> None:
    def given(lo: int, hi: int) -> Any:
        if lo <= 6 < hi:
            if hi - lo > 1:
                raise OSError("frame 6 is another")
            return frames(lo, hi, (2, 3))
        return frames(lo, hi)

    with FrameStream(Film(given)) as film:
        assert film.get(9)[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
        with pytest.raises(DataError, match=r"Reader\.read\(6, 7\) got float32 of shape \(1, 2, 3\), wanted"):
            film.get(2)
        assert film.skip() == 1
        assert film.get(9)[:, 0, 0].tolist() == [7, 8, 9]


def test_what_a_header_leaves_open_may_be_anything() -> None:
    with FrameStream(Film(lambda lo, hi: frames(lo, hi, (3, 7)), (3, None))) as film:
        assert film.get(5).shape == (5, 3, 7)
    with (
        FrameStream(Film(lambda lo, hi: frames(lo, hi, (4, 7)), (3, None))) as film,
        pytest.raises(DataError, match=r"wanted float32 of shape \(5, 3, any\)"),
    ):
        film.get(5)


def test_frames_of_an_endless_film_are_counted_in_each_lap() -> None:
    with FrameStream(Film(lambda lo, hi: frames(lo, min(hi, 9))), on_end="repeat") as film:
        assert len(film.get(8)) == 8
        with pytest.raises(DataError, match=r"Reader\.read\(8, 10\) got 1 frame, wanted 2"):
            film.get(8)
