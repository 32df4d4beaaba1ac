"""A buffer that follows a system."""

from __future__ import annotations

import gc
import queue
import threading
import time
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.core.block import Block, Pace
from headrace.errors import StreamConfigError
from headrace.live.buffers.buffer import DataBuffer
from headrace.live.running.system import System


class FakeSystem:
    """What a buffer needs of a System: consumers with a thread of their own, whose close joins it."""

    def __init__(self) -> None:
        self.consumers: list[FakeConsumer] = []
        self.lock = threading.Lock()

    def add_consumer(self, callback: Callable[[Block], None], **options: Any) -> FakeConsumer:
        self.consumers.append(FakeConsumer(self, callback, options))
        return self.consumers[-1]

    def send(self, block: Block) -> None:
        for consumer in tuple(self.consumers):
            consumer.queue.put(block)
            consumer.queue.join()


class FakeConsumer:
    def __init__(self, system: FakeSystem, callback: Callable[[Block], None], options: dict[str, Any]) -> None:
        self.system, self.callback, self.options = system, callback, options
        self.queue: queue.Queue[Block | None] = queue.Queue()
        self.failure: Exception | None = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while (block := self.queue.get()) is not None:
            try:
                self.callback(block)
            except Exception as error:
                self.failure = error
            self.queue.task_done()
        self.queue.task_done()

    def close(self) -> None:
        with self.system.lock:
            self.system.consumers.remove(self)
        self.queue.put(None)
        self.thread.join()
        if self.failure is not None:
            raise self.failure


def block(first: int) -> Block:
    return Block({"x": np.arange(first, first + 3)}, first=first)


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not met():
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize("end", ["close", "stop"])
def test_it_follows_until_it_is_closed(end: str) -> None:
    system = FakeSystem()
    system.send(block(0))
    buffer = DataBuffer(maxlen=4).follow(system)
    consumer = system.consumers[0]
    assert consumer.options == {"policy": "latest", "newest": 4}
    for first in (3, 6):
        system.send(block(first))
    assert buffer["x"].tolist() == [5, 6, 7, 8]
    getattr(buffer, end)()
    getattr(buffer, end)()
    assert not system.consumers
    assert not consumer.thread.is_alive()
    assert buffer["x"].tolist() == [5, 6, 7, 8]


def test_its_options_are_those_of_the_consumer() -> None:
    system = FakeSystem()
    buffer = DataBuffer().follow(system, policy="grow", limit=5, name="view")
    assert system.consumers[0].options == {"policy": "grow", "limit": 5, "name": "view"}
    buffer.close()


@pytest.mark.parametrize("cycle", [False, True])
def test_a_buffer_that_is_gone_follows_nobody(cycle: bool) -> None:
    system = FakeSystem()
    buffer = DataBuffer().follow(system)
    if cycle:
        buffer.watch(lambda _, held=[buffer]: None)  # type: ignore[misc]
    consumer = system.consumers[0]
    system.send(block(0))
    with system.lock:  # whoever drops it may be inside the system
        del buffer
        gc.collect()
    until(lambda: not system.consumers)
    until(lambda: not consumer.thread.is_alive())


def test_the_last_reference_may_go_in_the_consumers_own_thread() -> None:
    system = FakeSystem()
    held = [DataBuffer().follow(system)]
    held[0].watch(lambda _: held.clear())
    consumer = system.consumers[0]
    consumer.queue.put(block(0))
    until(lambda: not system.consumers)
    until(lambda: not consumer.thread.is_alive())


def test_it_follows_several_and_says_which_failed() -> None:
    one, two = FakeSystem(), FakeSystem()
    buffer = DataBuffer().follow(one).follow(two)
    one.send(block(0))
    two.send(Block({"y": np.arange(2)}))
    assert buffer["x"].shape == (5,)
    one.send(Block({"x": np.zeros((1, 3))}))
    with pytest.raises(ValueError, match="wanted \\(\\)"):
        buffer.close()
    assert not one.consumers
    assert not two.consumers
    buffer.close()


def test_what_is_no_system_is_refused() -> None:
    with pytest.raises(StreamConfigError, match="System"):
        DataBuffer().follow(3)


class Hand:
    """A source whose rows are given by hand."""

    def __init__(self) -> None:
        self.waiting: queue.Queue[Block] = queue.Queue()

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def read(self) -> Block:
        return Block({}) if self.waiting.empty() else self.waiting.get()


@pytest.mark.parametrize("maxlen", [5, 40, None])
def test_one_that_is_slow_loses_only_what_would_have_fallen_out_anyway(maxlen: int | None) -> None:
    hand, going = Hand(), threading.Event()
    half = Pace(Fraction(2))
    system = System(hand)
    buffer = DataBuffer(maxlen).follow(system, name="plot")
    buffer.watch(lambda _: going.wait(30))  # busy with the first block
    with system:
        for first in range(0, 120, 4):
            rows = np.arange(first, first + 4)
            hand.waiting.put(Block({"x": rows, "slow": rows[::2]}, first=first, paces={"slow": half}))
        until(lambda: system.stats()["rows"] == 120)
        pending = system.stats()["consumers"]["plot"]["pending"]
        going.set()
    counts = system.stats()["consumers"]["plot"]
    assert counts["produced"] == 120 == counts["delivered"] + counts["dropped"]
    assert buffer["x"].tolist() == list(range(120))[-(maxlen or 120) :]
    assert buffer["slow"].tolist() == list(range(0, 120, 2))[-(maxlen or 60) :]
    if maxlen is None:
        assert not counts["dropped"]
    elif maxlen == 5:
        assert counts["dropped"]
        assert pending <= 2 * (maxlen + 4)
    buffer.close()


def test_the_column_of_a_signal_that_was_removed_goes_with_the_first_block_without_it() -> None:
    hand = Hand()
    rows = iter(range(100))

    def say(buffer: DataBuffer, **columns: Any) -> None:
        total = buffer.total
        hand.waiting.put(Block({"x": np.full(2, 1.0), **columns}, first=2 * next(rows)))
        until(lambda: buffer.total == total + 2)

    system = System(hand, [s.Scale("x", name="twice", scale_factor=2.0), s.Scale("x", name="ten", scale_factor=10.0)])
    following, whole = DataBuffer(maxlen=6).follow(system), DataBuffer().follow(system, name="whole")
    with system, closing(following) as buffer, closing(whole) as other:
        say(buffer, mouse=np.zeros(2))
        say(buffer)  # the source says nothing of its mouse: that may come again
        assert np.isnan(buffer["mouse"]).tolist() == [False, False, True, True]
        system.remove_derived_signal("twice")
        assert buffer["twice"].tolist() == [2.0] * 4, "it goes with the next block"
        before = buffer.copy()
        say(buffer)
        assert list(buffer) == ["x", "mouse", "ten"]
        assert "twice" not in buffer
        assert buffer["x"].shape == (6,)
        assert before["twice"].tolist() == [2.0] * 4, "a copy never changes"
        until(lambda: "twice" not in other)
        assert system.removed_signals == {"twice"}

        system.add_derived_signal(s.Scale("x", name="twice", scale_factor=3.0))
        say(buffer)
        assert buffer["twice"].tolist() == [3.0, 3.0], "another one of that name begins anew"
        assert not system.removed_signals
        say(buffer)
        assert buffer["twice"].tolist() == [3.0] * 4

        system.remove_derived_signal("twice")
        del buffer["twice"]  # by hand, before
        say(buffer)
        say(buffer, twice=np.array([7.0, 8.0]))  # a source may have that name now
        assert buffer["twice"].tolist() == [7.0, 8.0]


def test_a_picture_of_a_signal_that_was_removed_says_so() -> None:
    hand = Hand()
    system = System(hand, [s.Scale("x", name="twice", scale_factor=2.0)])
    with system, closing(DataBuffer(maxlen=6).follow(system)) as buffer:
        hand.waiting.put(Block({"x": np.full(2, 1.0)}))
        until(lambda: buffer.total == 2)
        figure = buffer.plot("twice")
        assert figure.marks[0].y.tolist() == [2.0, 2.0]
        system.remove_derived_signal("twice")
        hand.waiting.put(Block({"x": np.full(2, 1.0)}, first=2))
        until(lambda: buffer.total == 4)
        with pytest.raises(KeyError, match="twice"):
            figure.marks[0].y
