"""A call that may hang is waited for, and not for ever."""

from __future__ import annotations

import threading

import pytest

from headrace.errors import WorkerError
from headrace.live.running.bounded import Bounded
from live.hand import HANG, until


def test_what_it_raises_is_told_once_and_in_the_callers_thread() -> None:
    failures: list[BaseException] = [ZeroDivisionError("mine")]

    def stop() -> None:
        if failures:
            raise failures.pop()

    call = Bounded(stop, "stop()", patience=HANG)
    with pytest.raises(ZeroDivisionError, match="mine"):
        call()
    call()
    call.check()


def test_callers_share_a_call_that_is_under_way() -> None:
    go, calls = threading.Event(), []

    def stop() -> None:
        calls.append(threading.current_thread())
        go.wait(HANG)

    call = Bounded(stop, "stop() of it", patience=0.05)
    for _ in range(2):
        with pytest.raises(WorkerError, match=r"stop\(\) of it does not return within 0\.05 seconds"):
            call()
    assert call.hangs
    with pytest.raises(WorkerError):
        call.check()
    go.set()
    until(lambda: not call.hangs)
    assert len(calls) == 1
    call.check()
    call.patience = HANG  # the next may take its time, on a busy machine
    call()
    assert len(calls) == 2
    assert not any(thread.is_alive() for thread in calls)


def test_at_the_end_of_the_program_it_is_called_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    calls: list[threading.Thread] = []
    call = Bounded(lambda: calls.append(threading.current_thread()), "stop()", patience=0.1)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    call()
    assert calls == [threading.current_thread()]
