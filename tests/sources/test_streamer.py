"""What a Streamer owes to those whose objects it is given: elements behind a broken one, memory, arrays, iterators."""

from __future__ import annotations

import gc
import weakref
from collections import OrderedDict, namedtuple
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pytest

import headrace as hr
from headrace.core import fresh
from headrace.core.functions import place_of_rng
from headrace.errors import StreamConfigError


class Broken(Sequence[int]):
    """Ten elements, some of which cannot be had."""

    def __init__(self, *bad: int) -> None:
        self.bad = bad

    def __len__(self) -> int:
        return 10

    def __getitem__(self, i: Any) -> Any:
        if i >= 10:
            raise IndexError(i)
        if i in self.bad:
            raise OSError(f"element {i}")
        return i


@pytest.mark.parametrize("bad", [(5,), (0,), (9,), (4, 5, 8)])
@pytest.mark.parametrize("saved", [False, True])
def test_skip_passes_one_broken_element_of_a_sequence(bad: tuple[int, ...], saved: bool) -> None:
    stream = hr.Streamer(Broken(*bad))
    cursor, drawn, failed = stream.open(hr.Key(1)), [], 0
    while True:
        try:
            drawn.append(next(cursor))
        except StopIteration:
            break
        except OSError:
            assert cursor.skip() == 1
            failed += 1
            if saved:
                state = cursor.state()
                cursor.close()
                cursor = stream.open(at=state)
    assert drawn == [i for i in range(10) if i not in bad]
    assert failed == len(bad)
    assert cursor.position == 10


class Large:
    """An object whose methods are streamed."""

    def items(self, *, rng: np.random.Generator) -> Iterator[int]:
        yield from range(3)

    def plus(self, item: int, rng: np.random.Generator) -> int:
        return item

    def __call__(self) -> Iterator[int]:
        yield 1


def _of(thing: Any, n: int = 3, *, rng: Any = None) -> Iterator[int]:
    yield from range(n)


def _drawn(stream: hr.Stream[Any]) -> None:
    assert list(stream)
    str(stream)


@pytest.mark.parametrize(
    "use",
    [
        lambda large: hr.Streamer(large.items),
        lambda large: hr.Streamer(partial(_of, large)),
        lambda large: hr.Streamer(large),
        lambda large: hr.Streamer(range(3)) | hr.map(large.plus),
        lambda large: hr.Streamer(range(3)) | hr.map(partial(_plus, large)),
        lambda large: hr.Streamer(range(3)) | hr.map(lambda item: (item, large)[0]),
        lambda large: hr.Streamer(_closing_over(large)),
    ],
)
def test_nothing_of_a_stream_that_is_gone_is_kept(use: Any) -> None:
    large = Large()
    seen = weakref.ref(large)
    _drawn(use(large))
    del large
    gc.collect()
    assert seen() is None


def _closing_over(large: Any) -> Any:
    def items() -> Iterator[Any]:
        yield large

    return items


def _plus(large: Any, item: int, rng: np.random.Generator) -> int:
    return item


def test_where_rng_stands() -> None:
    def late(a: int, b: int, rng: Any) -> None: ...

    assert place_of_rng(late) == 2
    assert place_of_rng(partial(late, 1)) == 1
    assert place_of_rng(partial(late, 1, 2, 3)) == -1
    assert place_of_rng(partial(late, rng=3)) == -1
    assert place_of_rng(Large().items) == float("inf")
    assert place_of_rng(Large().plus) == 1
    assert place_of_rng(Large()) == -1


@pytest.mark.parametrize("at", [None, 2])
def test_rows_of_an_array_cannot_be_written_to(at: int | None) -> None:
    array = np.zeros((4, 3))
    row = next(hr.Streamer(array).open(at=at))
    with pytest.raises(ValueError, match="read-only"):
        row += 1
    assert not array.any()
    array[:] = 1  # the caller's own array is as it was
    assert next(hr.Streamer(array).open()).tolist() == [1, 1, 1]


Pair = namedtuple("Pair", "a b")  # the plain kind, as users write it


@dataclass(frozen=True)
class Held:
    parts: list[Any] = field(default_factory=list)


@pytest.mark.parametrize(
    ("item", "inside"),
    [
        (hr.Batch(X=[1, 2]), lambda item: item["X"]),
        (OrderedDict(X=[1]), lambda item: item["X"]),
        ({"deep": OrderedDict(X=[1])}, lambda item: item["deep"]["X"]),
        (Pair([1], 2), lambda item: item.a),
        (Held([1]), lambda item: item.parts),
        ([Held([1])], lambda item: item[0].parts),
        (({"X": [1]},), lambda item: item[0]["X"]),
    ],
)
def test_items_come_in_containers_of_their_own(item: Any, inside: Any) -> None:
    before = repr(item)
    given = next(iter(hr.Streamer([item])))
    assert type(given) is type(item)
    assert given == item
    inside(given).append(9)
    assert repr(item) == before
    assert repr(fresh(item)) == before


class Watched:
    """Its iterator is a generator that says when it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def __iter__(self) -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            self.closed += 1


def test_closing_a_cursor_closes_the_iterator_it_made() -> None:
    watched = Watched()
    cursor = hr.Streamer(watched).open()
    assert cursor.take(2) == [0, 1]
    assert watched.closed == 0
    cursor.close()
    assert watched.closed == 1
    assert cursor.state()["at"] == 2


def test_an_open_that_fails_closes_what_it_opened() -> None:
    closed = []

    def failing() -> Iterator[int]:
        try:
            yield 1
            raise OSError("no more")
        finally:
            closed.append(True)

    class Kept(hr.Stream[int]):
        def start(self, key: hr.Key) -> Any:
            made.append(hr.Streamer(failing).open(key))
            return made[-1]

    made: list[Any] = []
    with pytest.raises(OSError, match="no more"):
        Kept().open(at=5)
    assert closed
    with pytest.raises(hr.HeadraceError, match="closed"):
        next(made[0])


def test_positions_do_not_count_from_the_end() -> None:
    with pytest.raises(StreamConfigError, match=r"streamer.open\(at=\) got -1"):
        hr.Streamer(range(3)).open(at=-1)


def test_arguments_without_a_meaning_are_told() -> None:
    assert any("ignored" in remark for remark in hr.Streamer(range(3), 7).remarks())
    assert hr.Streamer(range(3)).remarks() == ()
    assert hr.Streamer(_of, 7).remarks() == ()


def _two(a: int, b: int, *, rng: Any) -> Iterator[int]:
    yield a


class Methods:
    """A method that is streamed."""

    def two(self, a: int, b: int) -> Iterator[int]:
        yield a


@pytest.mark.parametrize(
    ("function", "args", "kwargs"),
    [
        (_two, (), {}),
        (_two, (1,), {}),
        (_two, (1, 2, 3), {}),
        (_two, (1, 2), {"c": 3}),
        (_two, (1, 2), {"a": 3}),
        (Methods().two, (1,), {}),
        (partial(_two, 1), (2, 3), {}),
    ],
)
def test_arguments_that_do_not_fit_are_found_at_once(function: Any, args: Any, kwargs: Any) -> None:
    for _ in range(2):
        with pytest.raises(StreamConfigError, match="two"):
            hr.Streamer(function, *args, **kwargs)


def test_arguments_that_fit_are_taken() -> None:
    for made in (
        hr.Streamer(_two, 1, 2),
        hr.Streamer(_two, 1, b=2),
        hr.Streamer(_two, 1, 2, rng=3),
        hr.Streamer(Methods().two, 1, b=2),
        hr.Streamer(partial(_two, b=2), 1),
        hr.Streamer(partial(_two, 1, rng=None), 2),
        hr.streamable(_two)(1, 2),
    ):
        assert list(made) == [1]


def test_a_running_generator_is_the_callers_and_goes_on_where_a_pass_left_it() -> None:
    stream = hr.Streamer(i for i in range(9))
    assert list(stream(max_iter=2)) == [0, 1]
    with stream.open() as cursor:
        assert next(cursor) == 2
    assert list(stream) == [3, 4, 5, 6, 7, 8]
    assert list(stream) == []


@pytest.mark.parametrize("rng", [np.random.default_rng(0), np.random.RandomState(0), iter([1, 2])])
def test_an_argument_that_moves_on_cannot_be_resumed_and_says_so(rng: Any) -> None:
    stream = hr.StochasticMux([hr.Streamer(_two, 1, 2, rng=rng), hr.Streamer(_two, 1, 2)], 1, 4)
    assert [member.resume for member in stream.streams] == ["none", "replay"]
    assert "its rng" in str(hr.describe(stream))
    with (
        stream.open() as cursor,
        pytest.raises(hr.ResumeError, match=r"its rng, an? (?s:.)*that is left out is filled"),
    ):
        cursor.state()


def test_running_generators_in_a_mux_lose_nothing_between_visits() -> None:
    def running(k: int) -> Iterator[tuple[int, int]]:
        return ((k, i) for i in range(20))

    members = [running(k) for k in range(6)]
    items = list(hr.StochasticMux(members, 2, 3, seed=1))
    assert sorted(items) == [(k, i) for k in range(6) for i in range(20)]
