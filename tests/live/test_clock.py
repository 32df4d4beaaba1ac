"""Clocks: the machine's, and the one that a test turns."""

from __future__ import annotations

import threading
import time

import pytest

from headrace.errors import StreamConfigError
from headrace.live.devices.active import Active
from headrace.live.devices.clock import Anchor, SystemClock, VirtualClock
from headrace.live.devices.wake import Wake


def test_active_is_a_truth_and_a_call() -> None:
    on, off = Active(True), Active(False)
    assert on
    assert not off
    assert on()
    assert not off()
    assert on == True  # noqa: E712  # what users write
    assert off == False  # noqa: E712
    assert on != off
    assert {on: 1}[Active(True)] == 1
    assert repr(off) == "False"


def test_a_system_clock_waits_until_the_moment() -> None:
    clock = SystemClock()
    for seconds in (0.0005, 0.01):
        t = clock.now() + seconds
        assert clock.wait_until(t)
        assert clock.now() >= t
    assert clock.wait_until(clock.now() - 1)


def test_a_wait_is_broken_off() -> None:
    clock, wake = SystemClock(), threading.Event()
    threading.Timer(0.02, wake.set).start()
    t = clock.now() + 60
    assert not clock.wait_until(t, wake)
    assert clock.now() < t
    assert not clock.wait_until(clock.now() - 1, wake)  # set already: no moment is kept any more


def test_a_clock_that_spins_is_never_early_and_is_bounded() -> None:
    clock = SystemClock(spin=1e-4)
    t = clock.now() + 0.003
    assert clock.wait_until(t, threading.Event())
    assert clock.now() >= t
    for spin in (-1.0, 1.0, float("nan")):
        with pytest.raises(StreamConfigError, match="SystemClock got spin="):
            SystemClock(spin=spin)


def test_an_anchor_is_not_moved_by_a_step_of_the_wall_clock() -> None:
    clock = VirtualClock(10.0, wall=1000.0)
    anchor = Anchor.of(clock)
    clock.step_wall(3600.0)
    clock.advance(2.5)
    assert clock.wall() == 1000.0 + 2.5 + 3600
    assert anchor.unix(clock.now()) == 1002.5
    assert anchor.monotonic(1002.5) == clock.now()


def test_a_virtual_clock_wakes_each_waiter_at_its_moment() -> None:
    clock = VirtualClock()
    seen: list[tuple[str, float]] = []

    def work(name: str, period: float) -> None:
        for k in range(1, 6):
            clock.wait_until(k * period)
            seen.append((name, clock.now()))

    threads = [threading.Thread(target=work, args=args, daemon=True) for args in (("a", 0.25), ("b", 0.375))]
    for thread in threads:
        clock.expect(thread)
        thread.start()
    clock.advance(0.75)
    assert sorted(seen) == [("a", 0.25), ("a", 0.5), ("a", 0.75), ("b", 0.375), ("b", 0.75)]
    assert clock.now() == 0.75
    clock.advance(10)
    for thread in threads:
        thread.join(10)
    assert len(seen) == 10


def test_small_steps_of_a_virtual_clock_add_up() -> None:
    clock, seen = VirtualClock(), []

    def work() -> None:
        clock.wait_until(1.0)
        seen.append(clock.now())

    thread = threading.Thread(target=work, daemon=True)
    clock.expect(thread)
    thread.start()
    for _ in range(10):
        clock.advance(0.1)  # whose sum is a little less than 1
    thread.join(10)
    assert seen == [1.0]


def test_a_virtual_clock_does_not_wait_for_ever_for_a_thread_that_waits_for_something_else() -> None:
    clock, leave = VirtualClock(patience=0.05), threading.Event()

    def work() -> None:
        clock.wait_until(1.0)
        leave.wait(30)

    thread = threading.Thread(target=work, daemon=True)
    clock.expect(thread)
    thread.start()
    clock.advance(2.0)
    assert clock.now() == 2.0
    leave.set()
    thread.join(10)
    with pytest.raises(StreamConfigError, match="advance got -1"):
        clock.advance(-1)


def test_a_virtual_wait_is_broken_off() -> None:
    clock, wake = VirtualClock(), threading.Event()
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(clock.wait_until(5.0, wake)), daemon=True)
    thread.start()
    wake.set()
    thread.join(10)
    assert found == [False]
    assert clock.now() == 0.0


def test_a_bell_wakes_one_that_waits() -> None:
    wake = Wake()
    threading.Timer(0.01, wake.set).start()
    began = time.monotonic()
    assert wake.wait(60)
    assert time.monotonic() - began < 30
    assert not wake.wait(0.001)


def test_a_bell_is_relayed_once_to_each() -> None:
    one, other = Wake(), Wake()
    one.relay(other.set)
    one.relay(other.set)
    one.set()
    assert other.wait(0)
    assert not other.wait(0)
    one.unrelay(other.set)
    one.unrelay(other.set)
    one.set()
    assert not other.wait(0)
