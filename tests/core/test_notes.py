"""An error says where in the composition it happened, and whose line it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import headrace as hr
from headrace.testing import Broken, flaky

HERE = Path(__file__).name


def notes_of(stream: hr.Stream[Any], error: type[Exception]) -> list[str]:
    with pytest.raises(error) as caught:
        list(stream)
    return [note.strip() for note in caught.value.__notes__]


def sqrt(i: int) -> float:
    if i == 3:
        return helper(i)
    return float(i)


def helper(i: int) -> float:
    raise ZeroDivisionError(i)


def numbers(n: int) -> Iterator[int]:
    yield from range(n)
    raise OSError("the disk")


def test_the_path_goes_from_the_outermost_to_where_it_happened() -> None:
    where, function = notes_of(hr.Streamer(range(9)) | hr.map(sqrt) | hr.batch(2) | hr.take(5), ZeroDivisionError)
    assert where == "while drawing item 3 of root/take/batch/map"
    assert function.startswith(f"your function: sqrt at {HERE}:")


def test_the_source_is_the_last_of_the_path() -> None:
    where, function = notes_of(hr.Streamer(numbers, 4) | hr.batch(3), OSError)
    assert where == "while drawing item 4 of root/batch/streamer"
    assert function.startswith(f"your function: numbers at {HERE}:")


def test_an_error_of_our_own_names_no_function_of_the_users() -> None:
    found = notes_of(hr.Streamer([[1], [1, 2]]) | hr.batch(2), hr.DataError)
    assert found == ["while drawing item 0 of root/batch"]


def test_notes_are_not_repeated() -> None:
    def fails(i: int) -> int:
        raise error

    error = ValueError("always this one")
    cursor = (hr.Streamer(range(3)) | hr.map(fails) | hr.batch(2)).open()
    for _ in range(3):
        with pytest.raises(ValueError, match="always this one"):
            next(cursor)
    assert len(error.__notes__) == 2


def test_a_note_of_the_users_own_stays_first() -> None:
    def fails(i: int) -> int:
        error = ValueError("x")
        error.add_note("mine")
        raise error

    assert notes_of(hr.Streamer(range(3)) | hr.map(fails), ValueError)[0] == "mine"


def test_streams_inside_streams_are_in_the_path() -> None:
    inner = flaky(range(5), at=2, times=None) | hr.map(float)
    assert notes_of(hr.Streamer(inner, 4) | hr.batch(2), Broken) == [
        "while drawing item 2 of root/batch/streamer/map/Flaky"
    ]


def test_every_way_to_draw_notes() -> None:
    for ask in (next, list, lambda c: c.take(9), lambda c: c.read(9), lambda c: c.skip(9)):
        cursor = (flaky(range(5), at=2) | hr.batch(1)).open()
        cursor.skip(2)
        with pytest.raises(Broken) as caught:
            ask(cursor)
        assert caught.value.__notes__ == ["  while drawing item 2 of root/batch/Flaky"]


def test_a_stream_run_by_the_users_own_function_keeps_its_own_notes() -> None:
    def outer() -> Iterator[Any]:
        yield from hr.Streamer(range(9)) | hr.map(sqrt)

    found = notes_of(hr.Streamer(outer) | hr.batch(2), ZeroDivisionError)
    assert "while drawing item 3 of root/map" in found
    assert "while drawing item 3 of root/batch/streamer" in found


class Odd:
    """An object of someone else's that answers every question with an error, as a closed socket of pyzmq does."""

    def __getattr__(self, name: str) -> Any:
        raise OSError(f"closed: {name}")

    def draw(self, i: int) -> int:
        raise KeyError(i)


def test_an_error_that_comes_through_an_odd_object_is_itself() -> None:
    with pytest.raises(KeyError), (hr.Streamer(range(3)) | hr.map(Odd().draw)).open() as cursor:
        next(cursor)
