"""What fails in a source or a signal becomes a state that is raised, and is skipped or begun again where asked for."""

from __future__ import annotations

import threading
from time import sleep
from typing import Any

import pytest

import headrace.signals as s
from headrace.core.block import Block
from headrace.errors import WorkerError
from headrace.live.devices.threaded import Threaded
from headrace.live.running.system import System
from headrace.live.sampler import Sampler
from live.hand import HANG, Hand, balanced, until

TWICE = s.Scale("x", name="twice", scale_factor=2.0)


def broken(wanted: int) -> Any:
    """Return a signal that fails for the row that is ``wanted``."""

    def check(x: Any) -> Any:
        if wanted in x:
            raise ZeroDivisionError("mine")
        return x

    return s.signal(check)("x", name="checked")


def rows(system: System) -> list[float]:
    """Read whatever there is."""
    found: list[float] = []
    while block := system.read():
        found += block["x"].tolist()
    return found


def test_a_source_that_fails_is_raised_after_its_rows_by_read_join_and_stop() -> None:
    for how in ("read", "join", "stop"):
        hand = Hand()
        system = System(hand, [TWICE])
        system.start()
        hand.say(3)
        hand.fail(ZeroDivisionError("mine"))
        until(lambda system: system.state == "failed", system)
        assert not system.is_active
        if how == "read":
            assert system.read()["x"].tolist() == [0, 1, 2]
            for _ in range(3):  # never a silent end
                with pytest.raises(ZeroDivisionError):
                    system.read()
            system.stop()
        else:
            with pytest.raises(ZeroDivisionError, match="mine"):
                getattr(system, how)()
            system.stop()
            assert system.read()["x"].tolist() == [0, 1, 2]
        assert system.state == "failed"
        system.start()
        hand.say(1)
        assert rows(system) == [3], "it starts again"
        system.stop()


def test_a_source_that_cannot_be_started_says_so_and_leaves_nothing() -> None:
    hand, before = Hand(), set(threading.enumerate())
    hand.start_failures = [OSError("no such device")]
    system = System(hand)
    system.register_data_feed("f", lambda block: None)
    with pytest.raises(OSError, match="no such device"):
        system.start()
    assert system.state == "failed"
    until(lambda: set(threading.enumerate()) <= before)
    with system:
        assert system.state == "running"


def test_a_source_that_fails_while_it_stops_is_raised_by_stop() -> None:
    hand = Hand()
    hand.stop_failures = [ZeroDivisionError("mine")]
    system = System(hand)
    system.start()
    hand.say(2)
    with pytest.raises(ZeroDivisionError, match="mine"):
        system.stop()
    system.stop()
    assert system.read()["x"].tolist() == [0, 1]


def test_a_failure_meanwhile_is_a_note_on_the_exception_of_the_block() -> None:
    hand = Hand()
    system = System(hand)
    system.start()
    hand.fail(ZeroDivisionError("mine"))
    until(lambda: system.state == "failed")
    error = KeyError("of the block")
    system.__exit__(KeyError, error, None)
    assert "ZeroDivisionError('mine')" in error.__notes__[0]


def test_restart_starts_the_source_again_and_loses_no_row_that_was_given() -> None:
    hand = Hand()
    system = System(hand, [TWICE], on_error="restart")
    with system:
        for k in range(3):
            hand.say(2)
            hand.fail(OSError(f"unplugged {k}"))
            until(lambda n: hand.starts == n, k + 2)
        hand.say(2)
    assert rows(system) == list(range(8))
    assert (system.stats()["restarts"], system.stats()["errors"]) == (3, 3)
    assert "unplugged 2" in str(system.last_error)
    assert system.state == "stopped"


def test_restart_goes_on_trying_until_the_source_starts_and_stops_promptly() -> None:
    hand = Hand()
    system = System(hand, on_error="restart")
    system.start()
    hand.start_failures = [OSError("not there")] * 2
    hand.fail(OSError("unplugged"))
    until(lambda: hand.starts == 4)
    hand.say(1)
    until(lambda: system.stats()["rows"] == 1)
    hand.start_failures = [OSError("not there")] * 1000
    hand.fail(OSError("unplugged"))
    until(lambda: hand.starts > 4)
    system.stop()
    assert rows(system) == [0]


def test_skip_reads_a_source_again_that_goes_on() -> None:
    class Shaky(Hand):
        def read(self) -> Block:
            if self.said and self.failure is not None:
                failure, self.failure = self.failure, None
                raise failure
            return super().read()

    hand = Shaky()
    with System(hand, on_error="skip") as system:
        hand.say(2)
        until(lambda: system.stats()["rows"] == 2)
        hand.fail(OSError("a hiccup"))
        until(lambda: system.stats()["errors"] == 1)
        hand.say(2)
    assert rows(system) == [0, 1, 2, 3]


def test_a_signal_that_fails_ends_the_system_and_raw_rows_go_on_to_the_end() -> None:
    hand = Hand()
    system = System(hand, [broken(5)])
    raw, made = system.add_consumer(raw=True, name="raw"), system.add_consumer(name="made")
    system.start()
    for _ in range(10):
        hand.say(1)
        until(lambda: system.stats()["rows"] == hand.said or system.state == "failed")
    with pytest.raises(ZeroDivisionError) as caught:
        system.join(HANG)
    assert any("rows 5 to" in note for note in caught.value.__notes__)
    assert hand.state == "stopped"
    assert raw.read()["x"].tolist() == [*range(raw.stats()["produced"])]
    assert made.read()["x"].tolist() == [0, 1, 2, 3, 4]
    for each in (raw, made):
        assert balanced(each.stats())
        assert each.stats()["produced"] == system.stats()["rows"] >= 6
    with pytest.raises(ZeroDivisionError):
        made.read()
    system.stop()


def test_a_signal_that_fails_skips_the_block_or_begins_afresh() -> None:
    for on_error, missing in (("skip", 1), ("restart", 1)):
        hand = Hand()
        system = System(hand, [broken(5)], on_error=on_error)  # type: ignore[arg-type]
        consumer = system.add_consumer(policy="grow")
        with system:
            for _ in range(10):
                hand.say(1)
                until(lambda system, n: system.stats()["rows"] == n, system, hand.said)
        found = [each["x"].tolist()[0] for each in consumer]
        assert found == [0, 1, 2, 3, 4, 6, 7, 8, 9]
        assert system.stats()["skipped"] == missing == consumer.stats()["dropped"]
        assert balanced(consumer.stats())


def test_restart_begins_signals_afresh_with_the_block_that_failed() -> None:
    hand = Hand()
    once = [ZeroDivisionError("mine")]

    def check(x: Any) -> Any:
        if once and 2 in x:
            raise once.pop()
        return x

    graph = s.Graph([s.signal(check)("x", name="checked"), s.Delay("x", name="late", n=1)])
    system = System(hand, graph, on_error="restart")
    consumer = system.add_consumer(policy="grow")
    with system:
        for _ in range(4):
            hand.say(1)
            until(lambda: system.stats()["rows"] == hand.said)
    assert [float(each["late"][0]) for each in consumer] == [0, 0, 0, 2], "after the failure nothing of before is known"
    assert system.stats()["restarts"] == 1


def test_a_signal_that_never_returns_makes_stop_say_so() -> None:
    hand, go = Hand(), threading.Event()

    def wait(x: Any) -> Any:
        go.wait(HANG)
        return x

    system = System(hand, [s.signal(wait)("x", name="slow")], patience=0.5)
    system.start()
    hand.say(1)
    until(lambda: system.stats()["rows"] == 1)
    with pytest.raises(WorkerError, match="does not return"):
        system.stop()
    go.set()
    system.stop()
    assert system.read()["slow"].tolist() == [0] or system.state == "failed"


class Sticky(Hand):
    """A source whose stop() does not return until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def stop(self) -> None:
        super().stop()
        self.go.wait(HANG)

    def __repr__(self) -> str:
        return "Sticky()"


class Farewell(Hand):
    """A source that is not active any more when it is told to stop, and says something on the way out."""

    def stop(self) -> None:
        super().stop()
        sleep(0.1)
        self.say(2)


def test_a_source_that_is_being_stopped_has_not_ended_by_itself_and_is_read_to_its_end() -> None:
    hand = Farewell()
    with System(hand, [TWICE]) as system:
        hand.say(1)
    assert system.read()["twice"].tolist() == [0, 2, 4]
    assert (hand.stops, system.ended, system.state) == (1, False, "stopped")


def test_a_source_whose_stop_never_returns_is_named_and_nothing_is_lost() -> None:
    hand = Sticky()
    system = System(hand, [TWICE], patience=0.5)
    seen = system.add_consumer(policy="grow")
    system.start()
    hand.say(3)
    until(lambda: system.stats()["rows"] == 3)
    for _ in range(2):  # and is waited for again
        with pytest.raises(WorkerError, match=r"stop\(\) of Sticky\(\) does not return within 0\.5 seconds"):
            system.stop()
    assert system.state == "failed"
    assert seen.read()["twice"].tolist() == [0, 2, 4]
    with pytest.raises(WorkerError, match="Sticky"):
        system.start()
    assert hand.stops == 1, "it is called once, and waited for"
    hand.go.set()
    until(lambda: "headrace-stop" not in [thread.name for thread in threading.enumerate()])
    with system:
        hand.say(1)
        assert rows(system) == [0, 1, 2, 3]
    assert (hand.starts, hand.stops, system.state) == (2, 2, "stopped")


@pytest.mark.parametrize("on_error", ["fail", "restart"])
def test_one_whose_stop_hangs_after_a_failure_does_not_hold_up_the_end(on_error: Any) -> None:
    hand = Sticky()
    system = System(hand, on_error=on_error, patience=0.2)
    system.start()
    hand.fail(ZeroDivisionError("mine"))
    if on_error == "fail":
        with pytest.raises(ZeroDivisionError, match="mine") as caught:
            system.join(HANG)
        assert any("Sticky" in note for note in caught.value.__notes__)
    else:
        until(lambda: isinstance(system.last_error, WorkerError))
        with pytest.raises(WorkerError, match="Sticky"):
            system.stop()
    hand.go.set()
    until(lambda: "headrace-stop" not in [thread.name for thread in threading.enumerate()])


@pytest.mark.parametrize("before", [False, True])
def test_a_thread_of_the_source_may_stop_the_system(before: bool) -> None:
    """The source's own stop() knows that thread, and does not wait for it, also when it ran before the system."""

    asked: list[float] = []

    def value(t: float) -> float:
        asked.append(t)
        if len(asked) > 4 and system.state == "running":
            system.stop()
        return t

    sampler = Sampler({"x": value}, 200)
    system = System(sampler, patience=1.0)
    if before:
        sampler.start()
    system.start()
    assert system.join(HANG)
    assert system.state == "stopped"
    assert len(rows(system)) >= 4


class Stuck(Threaded):
    """A device whose stop() hangs, while whose start() a thread of somebody else's is started."""

    def __init__(self, meanwhile: threading.Thread) -> None:
        super().__init__()
        self.meanwhile, self.go = meanwhile, threading.Event()

    def opened(self) -> None:
        self.meanwhile.start()

    def run(self, stopping: threading.Event) -> None:
        stopping.wait()

    def unblock(self) -> None:
        self.go.wait(HANG)


def test_a_thread_started_elsewhere_at_that_moment_is_none_of_the_source() -> None:
    started = threading.Event()
    told: list[str] = []

    def ours() -> None:
        started.wait(HANG)
        try:
            system.stop()
        except WorkerError as error:
            told.append(str(error))

    worker = threading.Thread(target=ours, daemon=True)
    stuck = Stuck(worker)
    system = System(stuck, patience=0.2)
    system.start()
    started.set()
    worker.join(HANG / 2)
    assert not worker.is_alive(), "it waits for the source's stop() no longer than others do"
    assert "does not return within 0.2 seconds" in told[0]
    stuck.go.set()
