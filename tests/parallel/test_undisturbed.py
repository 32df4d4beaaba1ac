"""Signals whose handlers raise strike behind a stretch of code, and not inside; none is lost, and none stays put off."""

from __future__ import annotations

import signal
import threading
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from headrace.parallel.undisturbed import give_back_signals, undisturbed

USR1, USR2 = signal.SIGUSR1, signal.SIGUSR2


class Struck(Exception):
    pass


@pytest.fixture
def struck() -> Iterator[list[int]]:
    """Two handlers that note what strikes, and raise."""
    found: list[int] = []

    def handler(number: int, frame: Any) -> None:
        found.append(number)
        raise Struck(number)

    before = [(number, signal.signal(number, handler)) for number in (USR1, USR2)]
    yield found
    for number, known in before:
        signal.signal(number, known)


def handlers() -> list[Any]:
    return [signal.getsignal(number) for number in (signal.SIGINT, USR1, USR2)]


def test_what_comes_inside_strikes_at_the_end(struck: list[int]) -> None:
    before, steps = handlers(), []

    def work() -> None:
        with undisturbed():
            signal.raise_signal(USR1)
            signal.raise_signal(USR2)
            steps.append(len(struck))

    with pytest.raises(Struck):
        work()
    assert steps == [0]
    assert struck == [USR1, USR2], "each is called, though the first raises"
    assert handlers() == before


def test_an_error_inside_comes_out_and_signals_with_it(struck: list[int]) -> None:
    before = handlers()
    with pytest.raises(KeyError), undisturbed():
        raise KeyError

    def work() -> None:
        with undisturbed():
            signal.raise_signal(USR1)
            raise KeyError

    with pytest.raises(Struck) as caught:
        work()
    assert isinstance(caught.value.__context__, KeyError)
    assert handlers() == before


def test_inside_another_it_does_nothing(struck: list[int]) -> None:
    inner = []

    def work() -> None:
        with undisturbed():
            with undisturbed():
                signal.raise_signal(USR1)
            inner.append(len(struck))

    with pytest.raises(Struck):
        work()
    assert inner == [0], "the outer one was not over"
    assert struck == [USR1]


def test_what_strikes_while_handlers_are_put_back_leaves_none_put_off(
    struck: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, put = handlers(), signal.signal

    def strikes(number: Any, handler: Any) -> Any:
        known = put(number, handler)
        if handler is before[2] and not struck:
            signal.raise_signal(USR2)
        return known

    with pytest.raises(Struck), undisturbed():
        monkeypatch.setattr(signal, "signal", strikes)
    assert struck == [USR2]
    assert handlers() == before


def test_what_strikes_before_it_begins_leaves_none_put_off(struck: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    before, put = handlers(), signal.signal

    def strikes(number: Any, handler: Any) -> Any:
        if number == USR2 and not struck:
            signal.raise_signal(USR2)
        return put(number, handler)

    monkeypatch.setattr(signal, "signal", strikes)
    with pytest.raises(Struck):
        undisturbed().__enter__()
    assert handlers() == before


def test_what_was_at_work_is_not_kept_by_what_strikes(struck: list[int]) -> None:
    class Thing:
        pass

    def work() -> weakref.ref[Thing]:
        thing = Thing()
        signal.raise_signal(USR1)
        return weakref.ref(thing)

    found = []
    with pytest.raises(Struck), undisturbed():
        found.append(work()())
    assert found == [None], "a frame of ZeroMQ's that dies outside would swallow what strikes"


def test_in_another_thread_it_does_nothing() -> None:
    before, found = handlers(), []

    def work() -> None:
        with undisturbed():
            found.append(handlers())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [before]


def test_a_child_may_have_them_back(struck: list[int]) -> None:
    before = handlers()
    with undisturbed():
        assert handlers() != before
        give_back_signals()
        assert handlers() == before
    assert handlers() == before
