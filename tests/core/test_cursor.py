"""One pass: drawn in any way, saved anywhere, gone on after errors."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import headrace as hr
from headrace.errors import ClosedError, StateMismatchError, StreamConfigError
from headrace.testing import Broken, counted, flaky

STEPS = st.lists(
    st.tuples(st.sampled_from(["next", "take", "read", "skip", "for", "save"]), st.integers(0, 7)), max_size=12
)


def draw(cursor: hr.Cursor[int], how: str, n: int) -> list[int]:
    """At most n items in one of the ways."""
    if how == "next":
        return [item for item in [next(cursor, -1)] if item >= 0]
    if how == "take":
        return cursor.take(n)
    if how == "read":
        found = cursor.read(n)
        return found.tolist() if len(found) else []
    if how == "for":
        found = []
        for item in cursor if n else ():
            found.append(item)
            if len(found) == n:
                break
        return found
    return [-1] * cursor.skip(n)


@given(STEPS)
def test_all_ways_to_draw_mix(steps: list[tuple[str, int]]) -> None:
    cursor, at = (hr.Streamer(range(20)) | hr.map(int)).open(), 0
    for how, n in steps:
        if how == "save":
            cursor = cursor.stream.open(at=pickle.loads(pickle.dumps(cursor.state())))
            continue
        found = draw(cursor, how, n)
        due = list(range(at, min(20, at + (1 if how == "next" else n))))
        assert found == ([-1] * len(due) if how == "skip" else due)
        at += len(due)
        assert cursor.position == at


def test_iterating_a_cursor_goes_on_where_it_is() -> None:
    cursor = hr.Streamer("abcdef").open()
    assert next(cursor) == "a"
    assert [x for x, _ in zip(cursor, range(2), strict=False)] == ["b", "c"]
    assert list(cursor) == ["e", "f"], "zip asked its first argument for one more"
    assert list(cursor) == []


def test_nothing_more_is_drawn_than_is_given() -> None:
    source = counted(range(100))
    stream = source | hr.map(str) | hr.batch(4)
    assert len(list(stream.iterate(3))) == 3
    assert source.drawn == 12
    with stream.open() as cursor:
        cursor.take(2)
        assert source.drawn == 20
        cursor.skip(1)
        assert source.drawn == 24
        cursor.state()
        assert source.drawn == 24


def test_a_read_that_does_not_stack_loses_nothing() -> None:
    cursor = hr.Streamer([[1], [1, 2], [3]]).open()
    with pytest.raises(hr.DataError, match=r"read\(3\) cannot stack"):
        cursor.read(3)
    assert cursor.position == 0
    state = cursor.state()
    assert next(cursor) == [1]
    assert cursor.take(5) == [[1, 2], [3]]
    assert cursor.position == 3
    resumed = cursor.stream.open(at=state)
    assert resumed.take(5) == [[1], [1, 2], [3]], "what is kept is part of the state"


def test_a_take_that_fails_keeps_what_came_before() -> None:
    for way in ("take", "next", "for", "read", "skip"):
        cursor = flaky(range(10), at=4).open()
        with pytest.raises(Broken):
            cursor.take(7)
        assert cursor.position == 0
        state = cursor.state()
        assert draw(cursor, way, 3) == {"next": [0], "skip": [-1] * 3}.get(way, [0, 1, 2])
        assert cursor.take(20)[-2:] == [8, 9]
        assert cursor.stream.open(at=state).take(20) == list(range(10))


def test_skip_passes_what_failed_and_gives_what_was_kept() -> None:
    cursor = flaky(range(10), at=4, times=None).open()
    with pytest.raises(Broken):
        cursor.take(7)
    assert cursor.skip() == 1
    assert cursor.take(20) == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_skip_passes_more_than_the_one_that_failed() -> None:
    cursor = flaky(range(10), at=1, times=None).open()
    assert next(cursor) == 0
    with pytest.raises(Broken):
        next(cursor)
    assert cursor.skip(3) == 3
    assert next(cursor) == 4
    assert cursor.skip(0) == 0
    assert cursor.skip(100) == 5
    assert cursor.skip(100) == 0


def test_skip_that_fails_stands_before_the_failed_item() -> None:
    cursor = flaky(range(10), at=4, times=None).open()
    with pytest.raises(Broken):
        cursor.skip(7)
    assert cursor.position == 4
    assert cursor.skip() == 1
    assert next(cursor) == 5


def test_a_retry_clears_the_failure() -> None:
    """skip() after a successful second try passes the next item, not something that failed long ago."""
    cursor = flaky(range(10), at=1, times=1).open()
    with pytest.raises(Broken):
        cursor.take(3)
    assert cursor.take(3) == [0, 1, 2]
    assert cursor.skip() == 1
    assert next(cursor) == 4


def test_two_failures_in_a_row_are_passed_one_by_one() -> None:
    def worrying(i: int) -> int:
        if i in (2, 3):
            raise KeyError(i)
        return i

    cursor = (hr.Streamer(range(6)) | hr.map(worrying)).open()
    found: list[int] = []
    failed = 0
    while len(found) < 4:
        try:
            found.append(next(cursor))
        except KeyError:
            assert cursor.skip() == 1
            failed += 1
    assert found == [0, 1, 4, 5]
    assert failed == 2


def test_the_same_exception_comes_out() -> None:
    mine = KeyError("mine")

    def fails(item: int) -> int:
        raise mine

    cursor = (hr.Streamer(range(3)) | hr.map(fails) | hr.batch(2)).open()
    for ask in (lambda: next(cursor), lambda: cursor.take(2), lambda: list(cursor), lambda: cursor.read(1)):
        with pytest.raises(KeyError) as caught:
            ask()
        assert caught.value is mine


def test_a_running_iterator_that_failed_fails_for_ever() -> None:
    def once() -> Iterator[int]:
        yield 0
        raise OSError("gone")

    cursor = hr.Streamer(once()).open()
    assert next(cursor) == 0
    for _ in range(3):
        with pytest.raises(OSError, match="gone"):
            next(cursor)


def test_closed_is_closed() -> None:
    cursor = (hr.Streamer("abc") | hr.batch(2)).open()
    next(cursor)
    state = cursor.state()
    cursor.close()
    cursor.close()
    assert cursor.state() == state
    assert cursor.position == 1
    for ask in (lambda: next(cursor), lambda: cursor.take(1), lambda: list(cursor), lambda: cursor.skip()):
        for _ in range(2):
            with pytest.raises(ClosedError, match="the cursor of batch is closed"):
                ask()


def test_closing_closes_what_is_inside() -> None:
    closed: list[str] = []

    def source() -> Iterator[int]:
        try:
            yield from range(10)
        finally:
            closed.append("source")

    with (hr.Streamer(source) | hr.map(float) | hr.batch(2)).open() as cursor:
        next(cursor)
        assert closed == []
    assert closed == ["source"]


def test_closing_reaches_everything_even_when_something_fails() -> None:
    closed: list[str] = []

    class Bad(hr.Cursor[int]):
        inner = ("one",)

        def __init__(self, stream: Any, key: hr.Key) -> None:
            super().__init__(stream, key)
            self.one = Good(stream, key)

        def release(self) -> None:
            raise OSError("cannot")

    class Good(hr.Cursor[int]):
        def release(self) -> None:
            closed.append("good")

    cursor = Bad(hr.Streamer("a"), hr.Key(0))
    with pytest.raises(OSError, match="cannot"):
        cursor.close()
    cursor.close()
    assert closed == ["good"]


def test_what_a_cursor_saves_is_what_it_names() -> None:
    class Counter(hr.Cursor[int]):
        saves = ("count", "step")
        step = 1

        def run(self) -> Any:
            while True:
                self.count += self.step
                yield self.count

    class Counting(hr.Stream[int]):
        def start(self, key: hr.Key) -> hr.Cursor[int]:
            return Counter(self, key)

    cursor = Counting().open()
    assert cursor.take(2) == [1, 2]
    cursor.step = 10  # type: ignore[attr-defined]
    assert cursor.take(2) == [12, 22]
    state = cursor.state()
    assert state["at"] == {"count": 22, "step": 10}
    assert Counting().open(at=state).take(2) == [32, 42]


def test_a_cursor_without_run_says_what_is_missing() -> None:
    class Empty(hr.Stream[int]):
        def start(self, key: hr.Key) -> hr.Cursor[int]:
            return hr.Cursor(self, key)

    with pytest.raises(NotImplementedError, match=r"needs a generator method run\(\)"):
        next(Empty().open())
    with pytest.raises(NotImplementedError, match=r"Stream needs a method start\(key\)"):
        hr.Stream[int]().open()


def test_restore_forgets_what_was_kept_and_what_failed() -> None:
    cursor = flaky(range(10), at=4, times=None).open()
    state = cursor.state()
    with pytest.raises(Broken):
        cursor.take(7)
    cursor.restore(state)
    assert cursor.position == 0
    assert cursor.skip() == 1
    assert cursor.take(3) == [1, 2, 3]


def test_it_prints_where_it_is() -> None:
    cursor = (hr.Streamer("abc") | hr.batch(2)).open()
    next(cursor)
    assert "of batch at 1" in repr(cursor)


def test_columns_are_read_to_the_end() -> None:
    cursor = hr.Streamer([{"X": np.ones(2) * i} for i in range(5)]).open()
    assert cursor.read(3)["X"].shape == (3, 2)
    assert cursor.read(3)["X"].shape == (2, 2)
    assert len(cursor.read(3)) == 0


@pytest.mark.parametrize(
    "stream",
    [hr.functional(lambda i: i, size=20), hr.Streamer(range(20)), hr.Streamer(range(20)) | hr.map(int)],
    ids=["functional", "streamer", "map"],
)
def test_other_calls_in_the_body_of_a_loop(stream: hr.Stream[int]) -> None:
    cursor = stream.open()
    found = []
    for item in cursor:
        found.append(item)
        cursor.skip(1)
    assert found == list(range(0, 20, 2))

    cursor, found = stream.open(), []
    for item in cursor:
        found.append(item)
        if item % 3 == 0:
            found += cursor.take(2)
        elif item == 7:
            cursor.restore(cursor.state())
        elif item == 10:
            found.append(next(cursor))
    assert found == list(range(20))


def test_a_loop_goes_on_after_a_take_that_failed_in_its_body() -> None:
    for at in range(1, 10):
        cursor = flaky(range(10), at=at).open()
        found = []
        for item in cursor:
            found.append(item)
            if item == 0:
                with pytest.raises(Broken):
                    cursor.take(9)
        assert found == list(range(10))


def test_a_loop_gives_first_what_a_read_in_its_body_could_not_stack() -> None:
    items = [[0] * i for i in range(1, 8)]
    found = []
    cursor = hr.Streamer(items).open()
    for item in cursor:
        found.append(item)
        if len(found) == 2:
            with pytest.raises(hr.DataError):
                cursor.read(3)
    assert found == items


def test_a_loop_whose_cursor_was_closed_says_so() -> None:
    cursor = hr.Streamer("abc").open()
    loop = iter(cursor)
    assert next(loop) == "a"
    cursor.close()
    with pytest.raises(ClosedError):
        next(loop)


def test_what_is_thrown_into_a_loop_is_no_failed_item() -> None:
    def numbers() -> Iterator[int]:
        yield from range(10)

    cursor = hr.Streamer(numbers).open()
    loop: Any = iter(cursor)
    assert next(loop) == 0
    with pytest.raises(KeyboardInterrupt):
        loop.throw(KeyboardInterrupt())
    assert cursor.skip() == 1
    assert cursor.take(3) == [2, 3, 4]


@pytest.mark.parametrize("place", ["held", "kept"])
def test_a_state_does_not_share_items_with_what_was_delivered(place: str) -> None:
    def rows() -> Iterator[Any]:
        yield from ({"X": np.full(2, i), "y": [i]} for i in range(40))

    failed: list[Any] = []

    def once(item: Any) -> Any:
        if item["y"] == [8] and not failed:
            failed.append(item)
            raise Broken("once")
        return item

    cursor = (hr.Streamer(rows) | (hr.shuffle(10) if place == "held" else hr.map(once))).open(hr.Key(1))
    if place == "held":
        cursor.take(3)
    else:
        with pytest.raises(Broken):
            cursor.take(9)
    state = cursor.state()
    for _ in range(2):  # what restore took over is not the caller's state either
        expected = []
        for item in cursor.take(8):
            expected.append((item["X"].tolist(), list(item["y"])))
            item["X"][:] = -1
            item["y"].append(-1)
            item["new"] = True
        cursor.restore(state)
        again = cursor.take(8)
        assert [(item["X"].tolist(), item["y"], "new" in item) for item in again] == [(*e, False) for e in expected]
        for item in again:
            item["y"].append(-2)
        cursor.restore(state)


def test_less_than_nothing_cannot_be_asked_for() -> None:
    cursor = hr.Streamer("abc").open()
    for name in ("take", "read", "skip"):
        with pytest.raises(StreamConfigError, match=rf"{name}\(n\) got -1"):
            getattr(cursor, name)(-1)
    assert cursor.take(3) == ["a", "b", "c"]


def test_skipping_nothing_forgets_no_failure() -> None:
    cursor = flaky(range(4), at=1, times=None).open()
    with pytest.raises(Broken):
        cursor.take(4)
    assert cursor.skip(0) == 0
    assert cursor.skip(1) == 1
    assert cursor.take(4) == [0, 2, 3]


def test_at_the_end_a_failure_that_went_away_is_forgotten() -> None:
    calls = []

    def odd(i: int) -> bool:
        calls.append(i)
        if calls.count(3) == 1 and i == 3:
            raise OSError("once")
        return i < 3

    for way in ("next", "take", "for"):
        calls.clear()
        cursor = (hr.Streamer(range(4)) | hr.filter(odd)).open()
        assert cursor.take(3) == [0, 1, 2]
        with pytest.raises(OSError, match="once"):
            next(cursor)
        assert draw(cursor, way, 2) == []
        assert cursor.skip() == 0


def test_a_state_with_parts_missing_says_so() -> None:
    stream = hr.Streamer(range(9)) | hr.batch(2)
    state = stream.open(hr.Key(0)).state()
    for name in ("of", "code", "at"):
        with pytest.raises(StateMismatchError):
            stream.open(at={k: v for k, v in state.items() if k != name})
    for broken in (None, {}, 3, {"count": 1}):
        with pytest.raises(StateMismatchError, match="'at' does not fit batch"):
            stream.open(at={**state, "at": broken})
    with pytest.raises(StateMismatchError):
        stream.open(hr.Key(0)).restore({**state, "of": None})
