"""The end of a recording: one closes it, and whoever asks for the end meanwhile waits for that."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from time import sleep
from typing import Any

import numpy as np
import pytest

from headrace.errors import WorkerError
from headrace.live.devices.clock import VirtualClock
from headrace.live.running.consumer import Consumer
from headrace.live.running.feeds import Feeds
from headrace.live.running.system import System
from headrace.live.tables import Table
from live.hand import HANG, Hand, until


class Disk:
    """A recorder that is slow to close."""

    def __init__(self, stopping: Callable[[], object] = lambda: None) -> None:
        self.x: list[float] = []
        self.stops = 0
        self.stopping = stopping
        self.asked: Callable[[], object] = lambda: None  # called when a system looks at what it can do

    @property
    def write(self) -> Callable[[Any], None]:
        self.asked()
        return self._write

    def _write(self, block: Any) -> None:
        self.x += block["x"].tolist()

    def stop(self) -> None:
        self.stopping()
        self.stops += 1


@pytest.fixture
def restless() -> Iterator[None]:
    """Have threads take turns all the time, for what seldom happens between two of them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_who_asks_for_the_end_while_another_thread_ends_it_waits_for_that() -> None:
    hand, closing, go = Hand(), threading.Event(), threading.Event()

    def slowly() -> None:
        system.stop_recording()  # one that asks for itself does not wait
        closing.set()
        go.wait(HANG)

    disk = Disk(slowly)
    with System(hand) as system:
        system.start_recording(None, disk)
        hand.say(5)
        first, second = (threading.Thread(target=system.stop_recording, daemon=True) for _ in range(2))
        first.start()
        assert closing.wait(HANG)
        second.start()
        second.join(0.1)
        assert second.is_alive(), "the recorder is not closed yet"
        go.set()
        for each in (first, second):
            each.join(HANG)
            assert not each.is_alive()
    assert (disk.x, disk.stops) == (list(range(5)), 1)


def test_who_waits_for_a_thread_that_is_never_done_is_told() -> None:
    hand, closing, go = Hand(), threading.Event(), threading.Event()

    def slowly() -> None:
        closing.set()
        go.wait(HANG)

    disk = Disk(slowly)
    system = System(hand, patience=0.2)
    with system:
        system.start_recording(None, disk)
        first = threading.Thread(target=system.stop_recording, daemon=True)
        first.start()
        assert closing.wait(HANG)
        for _ in range(2):
            with pytest.raises(WorkerError, match=r"another thread ends(.|\n)*is not closed within 0\.2 seconds"):
                system.stop_recording()
        go.set()
        first.join(HANG)
        system.stop_recording()
    assert disk.stops == 1


def test_a_recorder_that_ends_itself_while_it_is_ended_waits_for_nobody() -> None:
    hand, writing, go = Hand(), threading.Event(), threading.Event()
    disk = Disk()

    def once(block: Any) -> None:
        writing.set()
        go.wait(HANG)
        system.stop_recording()
        disk.x += block["x"].tolist()

    disk._write = once  # type: ignore[method-assign]
    with System(hand) as system:
        system.start_recording(None, disk)
        hand.say(5)
        assert writing.wait(HANG)
        ending = threading.Thread(target=system.stop_recording, daemon=True)
        ending.start()
        until(lambda: "recording" not in system.stats()["consumers"])
        go.set()
        ending.join(HANG)
        assert not ending.is_alive()
    assert (disk.x, disk.stops) == (list(range(5)), 1)


@pytest.mark.usefixtures("restless")
def test_one_of_a_source_that_has_ended_is_whole_when_the_call_returns() -> None:
    """The thread that closes it may be the system's own, which is finishing."""
    for _ in range(20):
        entered, go = threading.Event(), threading.Event()

        def hold(block: Any, entered: threading.Event = entered, go: threading.Event = go) -> None:
            entered.set()
            go.wait(HANG)

        def let_go(go: threading.Event = go) -> None:
            go.set()
            sleep(0.01)  # by then the system wants to end what is recorded

        disk = Disk(lambda: sleep(0.02))
        disk.asked = let_go
        system = System(Table({"x": np.arange(6.0)}, lines_per_read=4), clock=VirtualClock())
        consumer = system.add_consumer(hold)
        system.start()
        assert entered.wait(HANG)
        until(lambda consumer=consumer, system=system: system.ended and consumer.state == "stopped")
        system.start_recording(None, disk)
        assert (disk.x, disk.stops) == (list(range(6)), 1)
        assert system.join(HANG)


def test_one_that_is_let_in_at_the_very_end_has_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Consumers are told of the end at once, and who comes then is none of them."""
    begun, ended = threading.Event(), threading.Event()
    begin, end, all_ = Consumer.begin, Consumer.end, Feeds.all

    def slow_begin(self: Consumer) -> None:
        begin(self)
        if self.name == "recording":
            begun.set()
            ended.wait(0.2)

    def seen_end(self: Consumer, *given: Any) -> None:
        end(self, *given)
        if self.name == "recording":
            ended.set()

    def slow_all(self: Feeds) -> list[Consumer]:
        if system.ended:
            begun.wait(0.2)
        return all_(self)

    monkeypatch.setattr(Consumer, "begin", slow_begin)
    monkeypatch.setattr(Consumer, "end", seen_end)
    monkeypatch.setattr(Feeds, "all", slow_all)
    disk = Disk()
    system = System(Table({"x": np.arange(6.0)}, lines_per_read=4), clock=VirtualClock())
    with system:
        until(lambda: not system._pump.taking)  # it tells consumers of the end
        system.start_recording(None, disk)
    assert disk.x == list(range(6))
