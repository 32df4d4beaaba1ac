"""A source, signals computed of it, and everyone who wants them: running, stopping, failing, editing."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np
import pytest

import headrace.signals as s
from headrace.core.block import Block
from headrace.errors import DataError, StreamConfigError
from headrace.live.devices.clock import VirtualClock
from headrace.live.devices.threaded import Threaded
from headrace.live.running.system import System
from headrace.live.sampler import Sampler
from live.hand import HANG, Hand, balanced, until
from support.counts import heavy

TWICE = s.Scale("x", name="twice", scale_factor=2.0)


def rows(system: System) -> list[float]:
    """Read whatever there is."""
    found: list[float] = []
    while block := system.read():
        found += block["x"].tolist()
    return found


# --- reading ----------------------------------------------------------------------------------------------


def test_read_gives_what_came_since_the_last_read_with_signals() -> None:
    hand = Hand()
    with System(hand, [TWICE]) as system:
        assert system.read() == {}
        hand.say(3)
        block = system.read()
        assert isinstance(block, Block)
        assert block["twice"].tolist() == [0, 2, 4]
        assert (block.first, block.n, block.rate) == (0, 3, 100.0)
        hand.say(1)
        hand.say(1)
        block = system.read()
        assert (block["x"].tolist(), block.first) == ([3, 4], 3)
        assert system.read() == {}


def test_read_waits_for_no_one_and_misses_nothing_that_has_come() -> None:
    """A thousand times what a device has said is there at once, without waiting for a moment."""
    hand = Hand()
    with System(hand) as system:
        for k in range(heavy(50_000)):
            hand.say(2)
            assert system.read()["x"].tolist() == [2 * k, 2 * k + 1]


def test_stop_computes_and_delivers_what_came_before() -> None:
    hand, fed = Hand(), []
    system = System(hand, [TWICE])
    system.register_data_feed("f", lambda block: fed.extend(block["twice"].tolist()))
    system.start()
    for _ in range(50):
        hand.say(10)
    system.stop()
    assert rows(system) == list(range(500))
    assert fed == list(range(0, 1000, 2))
    assert system.state == "stopped"
    assert not system.is_active
    assert system.is_active() is False


def test_leaving_the_block_drains_too_also_after_an_exception() -> None:
    hand = Hand()
    system = System(hand)
    with pytest.raises(KeyError), system:
        raise KeyError(hand.say(5))  # type: ignore[func-returns-value]
    assert rows(system) == [0, 1, 2, 3, 4]
    assert hand.stops >= 1


def test_stop_and_start_are_idempotent_and_a_system_starts_again() -> None:
    hand = Hand()
    system = System(hand, [s.Integrate("x", None, name="total")])
    system.stop()
    for _ in range(3):
        system.start()
        system.start()
        hand.say(2)
        system.stop()
        system.stop()
    assert hand.starts == 3
    blocks = [system.read() for _ in range(3)]
    assert [each["x"].tolist() for each in blocks] == [[0, 1], [2, 3], [4, 5]], "unread rows survive"
    totals = [s.Graph([s.Integrate("x", None, name="total")])({"x": each["x"]})["total"] for each in blocks]
    assert [each["total"].tolist() for each in blocks] == [each.tolist() for each in totals], "signals begin afresh"


def test_a_source_that_ends_by_itself_ends_the_system() -> None:
    hand = Hand()
    system = System(hand, [TWICE])
    system.start()
    hand.say(7)
    hand.finish()
    assert system.join(HANG)
    assert system.state == "stopped"
    assert rows(system) == list(range(7))


def test_join_says_whether_it_is_over() -> None:
    hand = Hand()
    with System(hand) as system:
        assert not system.join(0.01)
        threading.Timer(0.02, system.stop).start()
        assert system.join(HANG)


def test_a_virtual_clock_and_a_sampler_give_every_row_at_its_time() -> None:
    clock = VirtualClock()
    system = System(Sampler({"x": lambda t: t}, sample_rate=100, clock=clock), [TWICE])
    assert system.clock is clock
    with system:
        clock.advance(1.0)
        block = system.read()
        assert np.array_equal(block["twice"], 2 * block["x"])
        assert block.n == 101
        clock.advance(0.5)
    assert system.read().n == 50


def test_an_update_rate_is_how_often_at_most_it_looks() -> None:
    clock, sizes = VirtualClock(), []
    system = System(Sampler({"x": lambda t: t}, sample_rate=100, clock=clock), update_rate=10)
    system.register_data_feed("f", lambda block: sizes.append(block.n))
    with system:
        for _ in range(100):
            clock.advance(0.01)
    assert sum(sizes) == 101
    assert len(sizes) <= 12, sizes


def test_live_equals_offline_to_the_bit_however_it_was_cut() -> None:
    graph = s.Graph([
        s.LowPassFilter("x", name="low", order=4, cutoff_freq=5, sample_rate=100),
        s.FourierTransform("low", name="spectrum", window_size=64, window_overlap=32),
        s.MovingAverage("low", name="mean", length=10),
    ])  # fmt: skip
    hand, rng = Hand(), np.random.default_rng(3)
    x = rng.normal(size=2000)
    system, at = System(hand, graph), 0
    consumer = system.add_consumer(policy="grow")
    with system:
        while at < len(x):
            n = int(rng.integers(1, 40))
            hand.say(n, x=x[at : at + n])
            at += n
            if rng.random() < 0.3:
                system.read()
    live: dict[str, list[Any]] = {}
    for block in consumer:
        for name, column in block.items():
            live.setdefault(name, []).append(column)
    whole = graph({"x": x})
    assert list(live) == list(whole)
    for name in whole:
        assert np.array_equal(np.concatenate(live[name]), whole[name]), name


def test_arrays_that_consumers_share_cannot_be_written_to() -> None:
    hand = Hand()
    with System(hand, [TWICE]) as system:
        hand.say(3)
        block = system.read()
        for column in block.values():
            with pytest.raises(ValueError, match="read-only"):
                column[0] = 1.0


def test_a_plain_source_without_a_bell_is_polled() -> None:
    class Plain:
        sample_rate = 50
        is_active = False

        def start(self) -> None:
            self.is_active, self.left = True, [{"x": [1, 2]}, None, {}, {"x": [3]}]

        def stop(self) -> None:
            self.is_active = False

        def read(self) -> Any:
            return self.left.pop(0) if self.left else {}

    source = Plain()
    system = System(source, [TWICE])
    consumer = system.add_consumer()
    with system:
        until(lambda: not source.left)
    block = consumer.read()
    assert (block["twice"].tolist(), block.rate, block.n) == ([2, 4, 6], 50, 3)


def test_a_source_that_gives_something_else_says_so() -> None:
    hand = Hand()
    hand.read = lambda: 7  # type: ignore[method-assign, assignment, return-value]
    system = System(hand)
    system.start()
    with pytest.raises(DataError, match="gave int, wanted a Block"):
        system.join(HANG)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"source": lambda t: t}, "has no start"),
        ({"on_error": "ignore"}, "wanted one of 'fail'"),
        ({"update_rate": 0}, "update_rate=0"),
        ({"update_rate": float("inf")}, "update_rate=inf"),
        ({"patience": 0}, "patience=0"),
        ({"functions": [TWICE, TWICE]}, "twice"),
        ({"functions": [7]}, "wanted signals"),
    ],
)
def test_what_a_system_is_not_made_of(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(StreamConfigError, match=said):
        System(**{"source": Hand(), **wrong})


# --- signals added, removed and turned while it runs ------------------------------------------------------


def test_signals_come_and_go_at_the_next_block() -> None:
    hand = Hand()
    with System(hand) as system:
        hand.say(2)
        assert list(system.read()) == ["x"]
        system.add_derived_signal(TWICE)
        system.add_derived_signal(s.Scale("twice", name="four", scale_factor=2.0))
        assert [each.name for each in system.functions] == ["twice", "four"]
        hand.say(2)
        assert system.read()["four"].tolist() == [8, 12]
        with pytest.raises(StreamConfigError, match="four"):
            system.remove_derived_signal("twice")
        system.set("four.scale_factor", 10.0)
        hand.say(1)
        assert system.read()["four"].tolist() == [80]
        system.remove_derived_signal("four")
        system.remove_derived_signal(TWICE)
        hand.say(1)
        assert list(system.read()) == ["x"]
        assert system.functions == []


def test_rows_before_and_after_a_change_of_columns_come_one_after_the_other() -> None:
    hand = Hand()
    with System(hand) as system:
        hand.say(2)
        until(lambda: system.stats()["rows"] == 2)
        system.add_derived_signal(TWICE)
        hand.say(2)
        until(lambda: system.stats()["rows"] == 4)
        assert [list(system.read()) for _ in range(3)] == [["x"], ["x", "twice"], []]


def test_a_signal_that_does_not_fit_is_refused_and_nothing_stops() -> None:
    hand = Hand()
    with System(hand, [TWICE]) as system:
        hand.say(1)
        system.read()
        with pytest.raises(DataError, match="'y'"):
            system.add_derived_signal(s.Scale("y", name="z", scale_factor=1.0))
        with pytest.raises(StreamConfigError, match="twice"):
            system.add_derived_signal(TWICE)
        with pytest.raises(StreamConfigError, match="nothing"):
            system.remove_derived_signal("nothing")
        with pytest.raises(StreamConfigError, match="wanted signals"):
            system.add_derived_signal(7)  # type: ignore[arg-type]
        hand.say(1)
        assert list(system.read()) == ["x", "twice"]
        assert [each.name for each in system.functions] == ["twice"]


def test_one_that_turns_out_not_to_fit_is_told_and_not_done() -> None:
    """Before the first row the columns are not known."""
    hand = Hand()
    with System(hand, [TWICE]) as system:
        system.add_derived_signal(s.Scale("y", name="z", scale_factor=1.0))
        hand.say(2)
        until(lambda: system.stats()["rows"] == 2)
        with pytest.raises(DataError, match="'y'"):
            system.read()
        assert system.read()["twice"].tolist() == [0, 2], "and no row is lost"
        assert [each.name for each in system.functions] == ["twice"]
        assert system.state == "running"


def test_signals_given_to_a_system_that_does_not_run_are_there_when_it_starts() -> None:
    hand = Hand()
    system = System(hand)
    system.add_derived_signal(TWICE)
    for _ in range(2):
        with system:
            hand.say(1)
            assert "twice" in system.read()


# --- many times -------------------------------------------------------------------------------------------


class Ticking(Threaded):
    """A device with a thread and a row."""

    def run(self, stopping: threading.Event) -> None:
        self.put({"x": 1.0})
        stopping.wait()


@pytest.mark.soak
def test_started_and_stopped_a_thousand_times_it_holds_no_thread_and_no_descriptor_more() -> None:
    system = System(Ticking(), [TWICE])
    fed: list[int] = []
    system.register_data_feed("f", lambda block: fed.append(block.n))
    with system:
        pass
    threads, descriptors = set(threading.enumerate()), len(os.listdir("/dev/fd"))
    for _ in range(heavy(1000 * 5)):
        with system:
            pass
    assert set(threading.enumerate()) <= threads
    assert len(os.listdir("/dev/fd")) <= descriptors
    counts = system.stats()
    assert sum(fed) == counts["rows"] == counts["source"]["produced"]
    assert all(balanced(each) for each in counts["consumers"].values())


def test_starts_stops_and_reads_from_many_threads_end_well() -> None:
    hand = Hand()
    system = System(hand, [TWICE])
    stop, errors = threading.Event(), []

    def act(step: Any) -> None:
        try:
            while not stop.is_set():
                step()
        except BaseException as error:
            errors.append(error)

    def come_and_go() -> None:
        added = [system.add_consumer(), system.add_consumer(lambda block: None), system.add_consumer(policy="block")]
        for each in added:
            each.close()

    before = set(threading.enumerate())
    steps = [system.start, system.stop, system.read, lambda: hand.say(1), come_and_go, come_and_go]
    threads = [threading.Thread(target=act, args=(step,)) for step in steps]
    for thread in threads:
        thread.start()
    stop.wait(0.5)
    stop.set()
    for thread in threads:
        thread.join(HANG)
        assert not thread.is_alive()
    system.stop()
    assert errors == []
    assert system.state in ("stopped", "idle")
    assert set(threading.enumerate()) <= before
    assert balanced(system.stats()["consumers"]["read"])
