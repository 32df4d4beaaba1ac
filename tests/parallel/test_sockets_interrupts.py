"""Handlers of signals that raise in the consumer, wherever they strike: nothing is lost, comes twice, or hangs."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import headrace as hr
from parallel.alarms import Alarm, draw, numbers
from parallel.left import HANG, MARKS, until
from parallel.served import KEY, each, shared
from support.counts import heavy, soaking

pytestmark = [
    *(mark for mark in MARKS if mark.name != "timeout"),
    pytest.mark.timeout(3600 if soaking() else 120, method="thread"),  # the other method needs the alarm for itself
    # Python swallows what strikes while it runs code for an object that dies, and says so.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def slow(i: int) -> Any:
    """Small items and large ones, some of which take their time; one of 50 fails."""
    if i % 20 == 0:
        time.sleep(0.002)
    if i % 50 == 7:
        raise KeyError(i)
    return i, np.full(20_000 if i % 30 == 0 else 3, i)


def good(i: int) -> bool:
    return i % 50 != 7


STREAMS: dict[str, Any] = {
    "numbers": lambda: hr.functional(slow),
    "a cursor": lambda: hr.Streamer(numbers) | hr.map(slow),
}


@pytest.mark.soak
@pytest.mark.parametrize("name", list(STREAMS))
def test_an_alarm_loses_nothing(name: str, alarm: Alarm) -> None:
    """At most the item that was being handed over, of which the position tells, or the failure that was."""
    times = heavy(3000)
    with each(STREAMS[name](), ahead=60_000) as server, hr.connect(server.address).open(KEY) as cursor:
        expected, skipped = 0, 0
        for i, at in draw(cursor, alarm, times):
            assert good(i)
            missing = [k for k in range(expected, i) if good(k)]
            assert len(missing) <= 1, "handed over while an alarm struck"
            skipped += len(missing)
            if name == "numbers":
                assert at == i + 1, "the position counts what was handed over"
            expected = i + 1
        state, position = cursor.state(), cursor.position
        assert skipped <= times
        with hr.connect(server.address).open(at=state) as other:
            assert other.position == position
            rest: list[int] = []
            while len(rest) < 5:
                try:
                    rest.append(next(other)[0])
                except KeyError:
                    other.skip()
        assert rest == [k for k in range(expected, expected + 99) if good(k)][:5]


@pytest.mark.soak
def test_an_alarm_gives_no_shared_item_twice(alarm: Alarm) -> None:
    times, found = heavy(3000), []
    with shared(hr.Streamer(numbers) | hr.map(slow), ahead=60_000) as server:
        stream = hr.connect(server.address)
        while alarm.struck < times:
            with stream.open() as cursor:
                found += [i for i, _ in draw(cursor, alarm, min(times, alarm.struck + 9))]
            assert until(lambda: server.stats().consumers == 0)
        assert server.stats().lost == 0
    assert len(found) == len(set(found)), "nothing came twice"
    missing = [k for k in range(max(found)) if good(k) and k not in set(found)]
    assert len(missing) <= alarm.struck, "but what was being handed over"


@pytest.mark.soak
def test_an_alarm_while_connecting_and_closing_leaves_nothing_behind(alarm: Alarm) -> None:
    with each(hr.functional(lambda i: i), ahead=10_000) as server:
        for _ in range(heavy(2000)):
            stream = hr.connect(server.address)
            try:
                alarm.set()
                with stream.open() as cursor:
                    assert next(cursor) == 0
                    cursor.skip(5000)
                alarm.off()
            except TimeoutError:
                pass
            alarm.off()
            cursor.close()
        assert until(lambda: server.stats().consumers == 0)


def test_waiting_is_broken_off_and_goes_on(alarm: Alarm) -> None:
    gate = threading.Semaphore(1)

    @hr.streamable
    def gated() -> Any:
        for i in range(3):
            assert gate.acquire(timeout=HANG)
            yield i

    for serving in (each, shared):
        with serving(gated()) as server, hr.connect(server.address).open() as cursor:
            for i in range(3):
                if i:
                    with pytest.raises(TimeoutError):
                        waits(cursor, alarm)
                    gate.release()
                assert next(cursor) == i
            gate.release()


def waits(cursor: hr.Cursor[Any], alarm: Alarm) -> None:
    alarm.set()
    next(cursor)


class Striking:
    """A signal that strikes behind every third call of a function, and raises TimeoutError."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch
        self.calls = self.struck = 0

    def __call__(self, *_: Any) -> None:
        self.struck += 1
        raise TimeoutError

    def behind(self, step: str) -> None:
        module, *inside, name = step.split(".")
        owner: Any = import_module(f"headrace.parallel.{module}")
        for part in inside:
            owner = getattr(owner, part)
        works = getattr(owner, name)

        def strikes(*told: Any) -> Any:
            found = works(*told)
            self.calls += 1
            if self.calls % 3 == 0:
                signal.raise_signal(signal.SIGUSR1)
            return found

        self.patch.setattr(owner, name, strikes)

    def all_of(self, cursor: hr.Cursor[Any]) -> list[Any]:
        found: list[Any] = []
        while True:
            try:
                found.append(next(cursor))
            except TimeoutError:
                continue
            except StopIteration:
                self.patch.undo()
                return found


@pytest.fixture
def striking(monkeypatch: pytest.MonkeyPatch) -> Iterator[Striking]:
    made = Striking(monkeypatch)
    before = signal.signal(signal.SIGUSR1, made)
    yield made
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("serving", [each, shared])
@pytest.mark.parametrize(
    "step", ["inbox.receive", "inbox.Inbox._take", "inbox.Inbox.drop", "link.decode", "link.say", "link.Link.send", "link.Link.block"]
)  # fmt: skip
def test_what_strikes_behind_any_step_loses_nothing(step: str, serving: Any, striking: Striking) -> None:
    with serving(hr.Streamer(range(300)), ahead=2000) as server:
        with hr.connect(server.address).open() as cursor:
            first = next(cursor)
            striking.behind(step)
            assert [first, *striking.all_of(cursor)] == list(range(300))
        assert until(lambda: server.stats().consumers == 0)
        assert server.stats().lost == 0
    assert striking.struck > 3


@pytest.mark.parametrize("step", ["hand_socket.receive", "hand_socket.decode", "hand_socket.SocketHand.heard"])
def test_what_strikes_in_a_worker_behind_a_socket_loses_nothing(step: str, striking: Striking) -> None:
    """Some may be lost between the worker and here: another is started where it began."""
    n = 600 if soaking() else 120  # a strike may cost a worker, and each is a process to start
    with (hr.Streamer(range(n)) | hr.background("zmq", ahead=5000)).open() as cursor:
        first = next(cursor)
        striking.behind(step)
        assert [first, *striking.all_of(cursor)] == list(range(n))
    assert striking.struck >= 1
