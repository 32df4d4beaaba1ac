"""A frame of another shape than those before it costs itself, and nothing around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.errors import DataError
from headrace.frames import FrameStream

SHAPES = [(2, 2), (2, 2), (2, 3), (2, 2), (2, 2)]
FRAMES = [np.full(shape, float(k)) for k, shape in enumerate(SHAPES)]

ODD: dict[str, Callable[[], Any]] = {
    "a list": lambda: FRAMES,
    "by number": lambda: hr.functional(lambda i: FRAMES[i], size=5),
    "in order": lambda: hr.Streamer(iter(FRAMES)),
    "nested lists": lambda: [frame.tolist() for frame in FRAMES],
}
odd = pytest.mark.parametrize("name", ODD)


def values(block: Any) -> list[float]:
    return list(block[:, 0, 0].tolist())


@odd
@pytest.mark.parametrize("on_end", ["short", "raise", "pad"])
@pytest.mark.parametrize("n", [3, 4, 5])
def test_frames_before_one_of_another_shape_are_given_and_it_can_be_passed(name: str, on_end: Any, n: int) -> None:
    with FrameStream(ODD[name](), on_end=on_end) as film:
        assert values(film.get(n)) == [0, 1]
        for _ in range(2):
            for count in (1, 3):
                with pytest.raises(DataError, match=r"got a frame of shape \(2, 3\) at frame 2, wanted \(2, 2\)"):
                    film.get(count)
                assert film.i == 2
        assert (film.skip(), film.i) == (1, 3)
        assert values(film.get(2)) == [3, 4]


@odd
def test_a_frame_of_another_shape_can_be_had_as_it_is(name: str) -> None:
    with FrameStream(ODD[name]()) as film:
        assert values(film.peek(5)) == [0, 1]
        assert values(film.read(5)) == [0, 1]
        assert np.shape(next(film)) == (2, 3)
        assert film.i == 3


def test_one_of_another_shape_before_one_that_fails() -> None:
    def made(i: int) -> Any:
        if i == 3:
            raise ZeroDivisionError
        return FRAMES[i]

    with FrameStream(hr.functional(made, size=5)) as film:
        assert values(film.get(5)) == [0, 1]
        assert (film.skip(), film.i) == (1, 3)
        with pytest.raises(ZeroDivisionError):
            film.get(2)
        assert film.skip() == 1
        assert values(film.get(2)) == [4]


def test_the_state_at_one_of_another_shape_is_the_same() -> None:
    with FrameStream(FRAMES) as film, FrameStream(FRAMES) as other:
        film.get(5)
        other.load_state_dict(film.state_dict())
        assert other.skip() == 1
        assert (other.i, values(other.get(5))) == (3, [3, 4])


@pytest.mark.parametrize(
    ("items", "kind"),
    [
        ([object(), object()], "object"),
        ([{"x": FRAMES[0]}, {"y": FRAMES[0]}], "Batch"),
        ([[[1.0], [1.0, 2.0]]] * 2, "list"),
        ([None, None], "NoneType"),
    ],
)
def test_what_is_no_frame_is_named(items: list[Any], kind: str) -> None:
    with FrameStream(items) as film:
        for n in (1, 2):
            with pytest.raises(DataError, match=f"FrameStream got items that are no arrays, but {kind}") as told:
                film.get(n)
            assert "ragged" not in str(told.value)
            assert film.i == 0
        assert (film.skip(), film.i) == (1, 1)


def test_what_is_no_frame_behind_frames_comes_with_the_next_call() -> None:
    with FrameStream([FRAMES[0], FRAMES[1], None, FRAMES[3]]) as film:
        assert values(film.get(4)) == [0, 1]
        with pytest.raises(DataError, match="no arrays, but NoneType"):
            film.get(2)
        assert film.skip() == 1
        assert values(film.get(4)) == [3]


def test_frames_that_one_type_does_not_hold_are_given_apart() -> None:
    kinds = [np.ones((1, 1), "i1"), np.full((1, 1), 0.5), np.full((1, 1), 2**60 + 1), np.full((1, 1), 7)]
    with FrameStream(kinds) as film:
        found = [film.get(4) for _ in range(3)]
    assert [values(block) for block in found] == [[1], [0.5], [2**60 + 1, 7]]


def test_an_array_that_is_no_frame_is_named() -> None:
    film = FrameStream(hr.Streamer([np.array([[None, 1]])]))
    with film, pytest.raises(DataError, match="no arrays, but object ones, wanted frames"):
        film.get(1)
