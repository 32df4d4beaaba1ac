"""What goes wrong in a worker, and what comes of it here."""

from __future__ import annotations

import pickle
import threading
import traceback
from typing import Any

import pytest

import headrace as hr
from headrace.errors import WorkerError
from headrace.testing import Broken, flaky
from parallel.elsewhere import KINDS, SOURCES, Own, elsewhere, raising
from parallel.left import MARKS

pytestmark = MARKS


class NotPickled(Exception):
    """One that holds what cannot be pickled."""

    def __init__(self) -> None:
        super().__init__("with a lock")
        self.lock = threading.Lock()


class NotRead(ValueError):
    """One that is pickled, and cannot be made again."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


class Odd(BaseException):
    """Not an Exception."""


# --- errors of the user's code ------------------------------------------------------------------


@pytest.mark.parametrize(("source", "workers"), KINDS)
@pytest.mark.parametrize("ahead", [1, "8MB"])
def test_an_error_comes_in_order_as_it_is_and_says_where(source: str, workers: int, ahead: Any) -> None:
    stream = SOURCES[source]() | hr.map(raising(lambda: Own("no", 20)))
    with elsewhere(stream, workers=workers, ahead=ahead).open() as cursor:
        found: list[int] = []
        with pytest.raises(Own) as error:
            found.extend(iter(cursor.__next__, None))
        assert found == list(range(20)), "after the items before it"
        assert error.value.args == ("no", 20)
        notes = error.value.__notes__
        assert "  while drawing item 20 of root/background/map" in notes
        assert any("your function: user at elsewhere.py:" in note for note in notes)
        text = "".join(traceback.format_exception(error.value))
        assert "in user" in text
        assert "raise error()" in text
        assert type(error.value.__cause__).__name__ == "WorkerTraceback"
        for _ in range(3):  # it stands before the item, and tries it again
            with pytest.raises(Own):
                next(cursor)
            assert cursor.position == 20
        state = pickle.loads(pickle.dumps(cursor.state()))
        assert cursor.skip() == 1
        assert cursor.take(40) == list(range(21, 40))
    with elsewhere(stream, workers=workers).open(at=state) as resumed:
        with pytest.raises(Own):
            next(resumed)
        assert resumed.skip() == 1
        assert next(resumed) == 21


@pytest.mark.parametrize(("source", "workers"), KINDS)
def test_a_state_behind_what_was_passed(source: str, workers: int) -> None:
    stream = elsewhere(SOURCES[source]() | hr.map(raising(Own)), workers=workers)
    with stream.open() as cursor:
        with pytest.raises(Own):
            cursor.take(30)
        assert cursor.take(20) == list(range(20))
        with pytest.raises(Own):
            next(cursor)
        cursor.skip()
        states = [pickle.dumps(cursor.state())]
        assert cursor.take(3) == [21, 22, 23]
        states.append(pickle.dumps(cursor.state()))
    for state, first in zip(states, (21, 24), strict=True):
        for where in ("process", "inline", "thread"):
            with (stream.source | hr.background(where)).open(at=pickle.loads(state)) as resumed:
                assert next(resumed) == first


@pytest.mark.parametrize(("source", "workers"), KINDS)
def test_errors_that_pass(source: str, workers: int) -> None:
    """What fails some times and then works: nothing is lost and nothing given twice."""
    stream = elsewhere(flaky(SOURCES[source](), at=30, times=3), workers=1, ahead=500)
    with stream.open() as cursor:
        found: list[int] = []
        failed = 0
        while len(found) < 40:
            try:
                found.append(next(cursor))
            except Broken:
                failed += 1
                assert len(found) == 30
        assert found == list(range(40))
        assert failed == 3
        assert workers


@pytest.mark.parametrize(("source", "workers"), KINDS)
@pytest.mark.parametrize("at", [0, 39])
def test_the_first_and_the_last_item(source: str, workers: int, at: int) -> None:
    with elsewhere(SOURCES[source]() | hr.map(raising(Own, at)), workers=workers).open() as cursor:
        found: list[int] = []
        for _ in range(3):
            with pytest.raises(Own):
                found.extend(iter(cursor.__next__, None))
        assert cursor.skip() == 1
        found += cursor
        assert found == [i for i in range(40) if i != at]
        assert next(cursor, None) is None


def test_an_error_while_the_source_is_opened() -> None:
    with elsewhere(hr.Streamer(_not_opened)).open() as cursor:
        for _ in range(2):
            with pytest.raises(FileNotFoundError, match="no such song") as error:
                next(cursor)
        assert "  while drawing item 0 of root/background/streamer" in error.value.__notes__
        assert error.value.filename == "song.npz"


def _not_opened() -> Any:
    raise FileNotFoundError(2, "no such song", "song.npz")
    yield


@pytest.mark.parametrize(
    ("made", "came", "text"),
    [
        (NotPickled, WorkerError, "test_process_errors.NotPickled: with a lock"),
        (lambda: NotRead(1, 2), WorkerError, "test_process_errors.NotRead: 1 and 2"),
        (lambda: StopIteration(5), RuntimeError, "raised StopIteration"),
        (lambda: SystemExit(4), SystemExit, "4"),
        (lambda: KeyboardInterrupt("now"), KeyboardInterrupt, "now"),
        (lambda: GeneratorExit("out"), GeneratorExit, "out"),
        (lambda: BrokenPipeError(32, "theirs"), BrokenPipeError, "theirs"),
        (lambda: EOFError("theirs"), EOFError, "theirs"),
        (Odd, Odd, ""),
        (lambda: ExceptionGroup("both", [Own(1), KeyError(2)]), ExceptionGroup, "both"),
        (MemoryError, MemoryError, ""),
    ],
)
@pytest.mark.parametrize(("source", "workers"), KINDS)
def test_any_exception_arrives(made: Any, came: Any, text: str, source: str, workers: int) -> None:
    with elsewhere(SOURCES[source]() | hr.map(raising(made)), workers=workers).open() as cursor:
        assert [next(cursor) for _ in range(20)] == list(range(20))
        for _ in range(2):
            with pytest.raises(came) as error:
                next(cursor)
            assert text in str(error.value)
            assert cursor.position == 20
            assert any("item 20 of root/background/map" in note for note in error.value.__notes__)
        assert cursor.skip() == 1
        assert cursor.take(30) == list(range(21, 40))


def test_an_error_of_a_class_that_is_nowhere_is_still_of_its_base() -> None:
    class Local(OSError):
        pass

    with elsewhere(SOURCES["generator"]() | hr.map(raising(lambda: Local("here")))).open() as cursor:
        with pytest.raises(OSError, match="here") as error:
            list(cursor)
        assert type(error.value).__name__ == "Local"


def test_causes_and_notes_of_the_users_own() -> None:
    with elsewhere(SOURCES["generator"]() | hr.map(_with_cause)).open() as cursor:
        with pytest.raises(Own) as error:
            list(cursor)
        assert "mine" in error.value.__notes__
        assert "KeyError" in str(error.value.__cause__)


def _with_cause(i: int) -> Any:
    try:
        return dict[int, int]()[i]
    except KeyError as error:
        made = Own("no")
        made.add_note("mine")
        raise made from error
